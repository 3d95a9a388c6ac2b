"""Recall among candidates that carry labels, in both directions, beside what knowing all labels and chance would give.

Shapes: scores are [P, P], pictures by sounds; the right ones stand on the diagonal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.metrics import retrieval

AT: Final = (1, 5, 10)
DIRECTIONS: Final = ("sound to picture", "picture to sound")
_TIES: Final = 20  # draws over which candidates that are equal are put in order by chance

Labels = Sequence[Sequence[str]]
Scores = NDArray[np.float64]


def recall_row(scores: Scores, labels: Labels) -> dict[str, Any]:
    """Recall at 1, 5 and 10, median rank, and how often one of the first ten shares a label."""
    return {
        direction: {
            **{f"recall_at_{at}": retrieval.recall(way, at) for at in AT},
            "median_rank": retrieval.median_rank(way),
            "share_a_label_in_first_10": float(_sharing(way, labels)),
        }
        for direction, way in zip(DIRECTIONS, (scores.T, scores), strict=True)
    }


def _sharing(scores: Scores, labels: Labels) -> float:
    share = _common(labels) > 0
    first = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    return float(np.take_along_axis(share, first, 1).mean())


def _common(labels: Labels) -> Scores:
    """How much the labels of two clips have in common, 0..1: those that both have, of those that either has."""
    sets = [frozenset(mine) for mine in labels]
    return np.array([[len(one & other) / len(one | other) for other in sets] for one in sets])


def recall_by_labels(labels: Labels) -> dict[str, Any]:
    """What somebody reaches who knows all labels, and guesses among clips that have the same ones."""
    common = _common(labels)
    return _mean_row([recall_row(common + _guess(len(labels), draw) * 1e-6, labels) for draw in range(_TIES)])


def recall_by_chance(labels: Labels) -> dict[str, Any]:
    """What guessing reaches."""
    return _mean_row([recall_row(_guess(len(labels), draw), labels) for draw in range(_TIES)])


def _guess(count: int, draw: int) -> Scores:
    return np.random.default_rng(draw).random((count, count))


def _mean_row(rows: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    return {
        direction: {key: float(np.mean([row[direction][key] for row in rows])) for key in rows[0][direction]}
        for direction in DIRECTIONS
    }
