"""The path through columns of scores with the highest sum, where each movement between columns has its own score.

Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", IEEE Transactions on
Information Theory 13, 1967.

Shapes: S steps, N columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def best_path(scores: Doubles, moves: Callable[[int], Doubles]) -> NDArray[np.int64]:
    """The column of each step [S] on the best path; of equal ones that of the lowest columns.

    Args:
        scores: float64 [S, N], of being in a column at a step; at least one step.
        moves: for a step from 1 on, float64 [N, N]: what going there from a row's column to a column adds.
    """
    total = scores[0]
    came_from = np.zeros(scores.shape, np.int64)
    for step in range(1, len(scores)):
        reached = total[:, None] + moves(step)
        came_from[step] = reached.argmax(0)
        total = reached.max(0) + scores[step]
    path = np.empty(len(scores), np.int64)
    path[-1] = total.argmax()
    for step in range(len(scores) - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path
