"""The path of the greatest sum, against all paths."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from synth.dsp.best_path import best_path


@pytest.mark.parametrize("seed", range(20))
def test_no_path_has_a_greater_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, moves = rng.standard_normal((5, 3)), rng.standard_normal((5, 3, 3))

    def worth(path: tuple[int, ...]) -> float:
        gone = sum(moves[step, path[step - 1], path[step]] for step in range(1, 5))
        return float(gone + sum(scores[step, column] for step, column in enumerate(path)))

    found = tuple(int(column) for column in best_path(scores, lambda step: moves[step]))
    assert worth(found) == pytest.approx(max(map(worth, itertools.product(range(3), repeat=5))))


def test_of_equal_paths_the_lowest_columns_are_taken() -> None:
    assert best_path(np.zeros((4, 3)), lambda _: np.zeros((3, 3))).tolist() == [0, 0, 0, 0]
    assert best_path(np.array([[0.0, 1.0]]), lambda _: np.zeros((2, 2))).tolist() == [1]
