"""Retrieval measures against cases worked out by hand, and the alignment that is their baseline."""

from __future__ import annotations

import numpy as np
import pytest

from synth.data.sounding_scenes.scenes import tree_distance
from synth.metrics import retrieval
from synth.metrics.cca import canonical


def test_gain_falls_with_distance_in_the_tree_and_takes_the_nearest_label() -> None:
    worth = retrieval.gains([["dog"]], [["dog"], ["rooster"], ["engine"], ["engine", "dog"], []], tree_distance)[0]
    assert worth[0] == worth[3] == worth.max()
    assert worth[0] > worth[1] > worth[2] >= 0
    assert worth[4] == 0


def test_the_best_order_has_one_and_a_swap_costs_what_the_formula_says() -> None:
    worth = np.array([[3.0, 2.0, 0.0]])
    assert retrieval.ndcg(np.array([[9.0, 5.0, 1.0]]), worth)[0] == pytest.approx(1.0)
    swapped = (2 + 3 / np.log2(3)) / (3 + 2 / np.log2(3))
    assert retrieval.ndcg(np.array([[5.0, 9.0, 1.0]]), worth)[0] == pytest.approx(swapped)


def test_a_query_does_not_find_itself_within_its_own_modality() -> None:
    worth = np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 2.0]])
    scores = np.array([[9.0, 1.0, 5.0], [1.0, 9.0, 5.0], [1.0, 1.0, 9.0]])
    found = retrieval.ndcg(scores, worth, itself=True)
    assert found[0] == pytest.approx(1 / np.log2(3))
    assert found[2] == 0  # nothing else is worth anything to it


def test_recall_and_rank_count_ties_against_the_query() -> None:
    scores = np.array([[3.0, 2.0, 1.0], [5.0, 4.0, 1.0], [7.0, 7.0, 7.0]])
    assert retrieval.recall(scores, 1) == pytest.approx(1 / 3)
    assert retrieval.recall(scores, 2) == pytest.approx(2 / 3)
    assert retrieval.median_rank(scores) == 2


def test_canonical_correlation_finds_what_two_kinds_of_features_share() -> None:
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((600, 2))
    one = np.concatenate([shared @ rng.standard_normal((2, 3)), 5 * rng.standard_normal((600, 6))], 1)
    other = np.concatenate([5 * rng.standard_normal((600, 4)), shared @ rng.standard_normal((2, 4))], 1)
    to_one, to_other = canonical(one[:400], other[:400], 2, ridge=1e-6)
    near = retrieval.closeness(to_one(one[400:]), to_other(other[400:]))
    assert retrieval.recall(near, 1) > 0.95
