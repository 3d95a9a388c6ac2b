"""The figures of localisation, on maps and boxes whose answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from synth.boxes import Box
from synth.metrics import localization

LEFT_HALF = Box("bell", True, 0.0, 0.0, 0.5, 1.0)
QUARTER = Box("bell", True, 0.0, 0.0, 0.5, 0.5)


def _peak(row: int, column: int, side: int = 4) -> np.ndarray:
    values = np.zeros((side, side))
    values[row, column] = 1
    return values


def test_a_perfect_map_scores_one_and_a_map_beside_the_box_nothing() -> None:
    right = np.zeros((4, 4))
    right[:, :2] = 1
    assert localization.ciou(right, [[LEFT_HALF]]) == 1
    assert localization.ciou(1 - right, [[LEFT_HALF]]) == 0
    # All is marked: eight places of the box, eight beside it.
    assert localization.ciou(np.ones((4, 4)), [[LEFT_HALF]]) == 0.5
    # Two of the box's eight places, and one beside it: 2 / (8 + 1).
    some = np.zeros((4, 4))
    some[0, :3] = 1
    assert localization.ciou(some, [[LEFT_HALF]]) == pytest.approx(2 / 9)


def test_what_one_of_three_annotators_marks_counts_half() -> None:
    three = [[LEFT_HALF], [QUARTER], [QUARTER]]
    agreed = localization.consensus(three, 4, 4)
    assert agreed[:2, :2].tolist() == [[1, 1], [1, 1]]
    assert agreed[2:, :2].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert agreed[:, 2:].max() == 0
    quarter = np.zeros((4, 4))
    quarter[:2, :2] = 1
    assert localization.ciou(quarter, three) == pytest.approx(4 / 6)
    # One who says that nothing is seen takes the weight of the one who does.
    assert localization.consensus([[QUARTER], []], 4, 4).max() == 0.5
    assert localization.consensus([[QUARTER]], 4, 4).max() == 1


def test_the_threshold_is_of_the_map() -> None:
    ramp = np.tile([0.9, 0.6, 0.4, 0.1], (4, 1))
    assert localization.ciou(ramp, [[LEFT_HALF]], 0.5) == 1
    assert localization.ciou(ramp, [[LEFT_HALF]], 0.3) == pytest.approx(8 / 12)
    assert localization.ciou(ramp, [[LEFT_HALF]], 0.95) == 0


def test_success_and_area_under_its_curve() -> None:
    assert localization.success([0.2, 0.5, 0.51, 0.9]) == 0.5
    assert localization.auc([1.0]) == pytest.approx(0.975)  # at the threshold of one nothing succeeds
    assert localization.auc([0.0]) == 0
    assert localization.auc([0.5, 0.5]) == pytest.approx(0.475)
    assert localization.success([]) == 0


def test_pointing_at_the_highest_place() -> None:
    assert localization.pointing_hit(_peak(3, 1), [LEFT_HALF]) == 1
    assert localization.pointing_hit(_peak(3, 2), [LEFT_HALF]) == 0
    assert localization.pointing_hit(_peak(3, 2), [QUARTER, Box("x", True, 0.5, 0.75, 0.75, 1.0)]) == 1
    # A map without a peak is worth a guess.
    assert localization.pointing_hit(np.ones((4, 4)), [QUARTER]) == 0.25
    # A box between the middles of the positions still has a place.
    assert localization.pointing_hit(_peak(0, 0), [Box("x", True, 0.01, 0.01, 0.02, 0.02)]) == 1


def test_floors() -> None:
    assert localization.centre_hit([QUARTER]) == 1
    assert localization.centre_hit([Box("x", True, 0.6, 0.0, 1.0, 1.0)]) == 0
    assert localization.chance_hit([QUARTER]) == pytest.approx(0.25)
    assert localization.chance_hit([Box("x", True, 0.1, 0.2, 0.4, 0.7)]) == pytest.approx(0.15)


def test_mass_inside_counts_parts_of_positions() -> None:
    assert localization.mass_inside(np.ones((4, 4)), [QUARTER]) == pytest.approx(0.25)
    assert localization.mass_inside(_peak(0, 0), [Box("x", True, 0.0, 0.0, 0.125, 1.0)]) == pytest.approx(0.5)
    assert localization.mass_inside(_peak(3, 3), [QUARTER]) == 0
    assert localization.mass_inside(np.zeros((4, 4)), [QUARTER]) == pytest.approx(0.25)
    # What two boxes share counts once.
    assert localization.mass_inside(_peak(0, 0), [QUARTER, LEFT_HALF]) == 1


def test_enlarged_keeps_the_peak_where_it_was() -> None:
    fine = localization.enlarged(_peak(3, 0, 14))
    row, column = np.unravel_index(fine.argmax(), fine.shape)
    assert fine.shape == (224, 224)
    assert 3 * 16 <= row < 4 * 16
    assert column < 16


def test_stretched() -> None:
    assert localization.stretched(np.array([[2.0, 3.0], [4.0, 2.0]])).tolist() == [[0, 0.5], [1, 0]]
    assert localization.stretched(np.full((2, 2), 7.0)).max() == 0


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="no box"):
        localization.pointing_hit(np.ones((2, 2)), [])
    with pytest.raises(ValueError, match="no box"):
        localization.ciou(np.ones((2, 2)), [[], []])
    with pytest.raises(ValueError, match=r"\[H, W\]"):
        localization.mass_inside(np.ones(4), [QUARTER])
    with pytest.raises(ValueError, match="negative"):
        localization.mass_inside(-np.ones((2, 2)), [QUARTER])
