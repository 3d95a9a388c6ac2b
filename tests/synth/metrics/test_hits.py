"""The measures against cases worked out by hand, exhaustive search, scikit-learn and general properties."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from synth.metrics import hits as metrics
from synth.metrics.hits import ClipHits, Detection

ANY_TIME = settings(deadline=None)  # machines differ
TIMES = st.lists(st.floats(0, 5, allow_nan=False), max_size=6)
MEASURED = st.integers(-(10**6), 10**6).map(lambda value: value / 1000)


# --- when ---------------------------------------------------------------------------------------------------------


def test_each_hit_is_matched_once() -> None:
    assert metrics.match_times([1.0, 1.02], [1.01], 0.1) == [(0, 0)]
    assert metrics.detection([1.0, 1.02, 3.0], [1.01, 2.0], 0.1) == Detection(matched=1, predicted=3, expected=2)


def test_a_matching_is_maximal_where_taking_the_nearest_is_not() -> None:
    # 1.06 is nearest to 1.05, but then 1.10 finds nothing within reach.
    assert len(metrics.match_times([1.10, 0.99], [1.05, 1.19], 0.1)) == 2
    assert metrics.match_times([1.06, 0.97], [1.05, 1.14], 0.1) == [(1, 0), (0, 1)]


@ANY_TIME
@given(TIMES, TIMES, st.floats(0, 2))
def test_no_assignment_matches_more(predicted: list[float], expected: list[float], tolerance_s: float) -> None:
    short, long = sorted((predicted, expected), key=len)
    best = max(
        sum(abs(a - b) <= tolerance_s for a, b in zip(short, chosen, strict=True))
        for chosen in itertools.permutations(long, len(short))
    )
    pairs = metrics.match_times(predicted, expected, tolerance_s)
    assert len(pairs) == best
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(abs(predicted[i] - expected[j]) <= tolerance_s for i, j in pairs)


@ANY_TIME
@given(TIMES, TIMES)
def test_a_wider_tolerance_never_matches_less(predicted: list[float], expected: list[float]) -> None:
    counts = [metrics.detection(predicted, expected, tolerance_s).matched for tolerance_s in (0.0, 0.05, 0.1, 1.0)]
    assert counts == sorted(counts)


def test_scores_of_a_detection_by_hand() -> None:
    total = Detection(2, 3, 2) + Detection(1, 1, 4)
    assert total.precision == pytest.approx(3 / 4)
    assert total.recall == pytest.approx(3 / 6)
    assert total.f1 == pytest.approx(2 * 0.75 * 0.5 / 1.25)


def test_what_was_not_measured_is_none() -> None:
    nothing = metrics.detection([], [], 0.1)
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)
    assert metrics.detection([1.0], [], 0.1).recall is None
    assert metrics.detection([1.0], [], 0.1).f1 == 0.0  # something was claimed, and it was wrong
    assert metrics.average_precision([ClipHits([1.0], [0.5], [])], 0.1) is None
    assert metrics.average_precision([], 0.1) is None
    assert metrics.hit_loudness(np.zeros((0, 42)), 1.0) is None
    assert metrics.hit_centroid(np.zeros((90, 42)), 0.5) is None
    assert metrics.hit_centroid_hz(np.zeros(1000), 1000, 0.5) is None
    assert metrics.hit_centroid_hz(np.ones(1000), 1000, 5.0) is None
    assert metrics.agreement([None, 1.0], [1.0, None]) == metrics.Agreement(0, None, None, None)
    assert metrics.class_average_accuracy(np.zeros((3, 3))) is None
    assert metrics.accuracy(np.zeros((3, 3))) is None
    assert metrics.wilson_interval(0, 0) is None
    assert metrics.bootstrap_interval([1.0], lambda units: units[0]) is None


# --- average precision --------------------------------------------------------------------------------------------


def test_average_precision_by_hand() -> None:
    # Ranked: found, wrong, found; one real hit is never found: 1/3 * 1 + 1/3 * 2/3.
    clip = ClipHits([1.0, 2.0, 3.0], [0.9, 0.8, 0.7], [1.0, 3.0, 4.0])
    assert metrics.average_precision([clip], 0.1) == pytest.approx(1 / 3 + 2 / 9)


@ANY_TIME
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=12))
def test_average_precision_is_scikit_learns_when_all_are_found(hits: list[tuple[bool, int]]) -> None:
    real = [float(k) for k, (is_real, _) in enumerate(hits) if is_real]
    confidences = [confidence / 5 for _, confidence in hits]
    ours = metrics.average_precision([ClipHits([float(k) for k in range(len(hits))], confidences, real)], 0.1)
    if not real:
        assert ours is None
        return
    theirs = average_precision_score([int(is_real) for is_real, _ in hits], confidences)
    assert ours == pytest.approx(theirs)


@ANY_TIME
@given(TIMES, TIMES, st.randoms(use_true_random=False))
def test_average_precision_ignores_the_order_of_its_input(
    predicted: list[float], real: list[float], random: object
) -> None:
    confidences = [round(time_s) / 5 for time_s in predicted]
    order = list(range(len(predicted)))
    random.shuffle(order)  # type: ignore[attr-defined]
    one = metrics.average_precision([ClipHits(predicted, confidences, real)], 0.2)
    shuffled = ClipHits([predicted[k] for k in order], [confidences[k] for k in order], real)
    assert one == metrics.average_precision([shuffled], 0.2)
    assert one is None or 0 <= one <= 1 + 1e-12


def test_clips_never_match_across_each_other() -> None:
    clips = [ClipHits([1.0], [0.9], []), ClipHits([], [], [1.0])]
    assert metrics.average_precision(clips, 0.1) == 0.0


def test_confidences_must_fit() -> None:
    with pytest.raises(ValueError, match="2 hits came with 1 confidences"):
        ClipHits([1.0, 2.0], [0.5], [])


# --- loudness and centroid ----------------------------------------------------------------------------------------


def test_loudness_is_the_loudest_step_around_the_hit() -> None:
    envelopes = np.zeros((180, 42))
    envelopes[90, :2] = (3, 4)
    envelopes[150, 0] = 100
    assert metrics.hit_loudness(envelopes, 1.0) == pytest.approx(5)
    assert metrics.hit_loudness(envelopes, 1.2) == pytest.approx(5)
    assert metrics.hit_loudness(envelopes, 0.2) == 0.0
    assert metrics.hit_loudness(envelopes, 99.0) is None


def test_centroid_is_the_centre_of_mass_in_bands() -> None:
    envelopes = np.zeros((90, 42))
    envelopes[45, 10], envelopes[45, 20] = 1, 3
    assert metrics.hit_centroid(envelopes, 0.5) == pytest.approx(17.5)
    assert metrics.hit_centroid(envelopes, 0.4) is None


def test_centroid_in_hz_of_a_sine() -> None:
    sine = np.sin(2 * np.pi * 3000 * np.arange(22050) / 22050)
    measured = metrics.hit_centroid_hz(sine, 22050, 0.5)
    assert measured == pytest.approx(3000, rel=0.01)


def test_agreement_by_hand() -> None:
    found = metrics.agreement([1.0, 4.0, None, 5.0], [2.0, 4.0, 9.0, 10.0])
    assert found.pairs == 3
    assert found.error == pytest.approx(2.0)
    assert found.relative_error == pytest.approx((0.5 + 0 + 0.5) / 3)
    assert found.correlation == pytest.approx(float(np.corrcoef([1, 4, 5], [2, 4, 10])[0, 1]))


def test_no_correlation_without_variation() -> None:
    assert metrics.agreement([1.0, 2.0], [3.0, 3.0]).correlation is None
    assert metrics.agreement([0.1] * 3, [1.0, 2.0, 3.0]).correlation is None
    assert metrics.agreement([1.0], [2.0]).correlation is None
    assert metrics.agreement([1.0, 2.0], [0.0, 0.0]).relative_error is None


@ANY_TIME
@given(st.lists(st.tuples(MEASURED, MEASURED), min_size=1, max_size=8))
def test_correlation_stays_in_its_range(pairs: list[tuple[float, float]]) -> None:
    found = metrics.agreement([p for p, _ in pairs], [e for _, e in pairs])
    assert found.correlation is None or -1 <= found.correlation <= 1
    same = metrics.agreement([p for p, _ in pairs], [p for p, _ in pairs])
    assert same.error == 0
    assert same.correlation is None or same.correlation == pytest.approx(1)


# --- materials ----------------------------------------------------------------------------------------------------


def test_class_average_by_hand() -> None:
    confusion = metrics.confusion_matrix(list("aaab"), list("aabb"), list("abc"))
    assert confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert metrics.class_accuracies(confusion) == [pytest.approx(2 / 3), 1.0, None]
    assert metrics.class_average_accuracy(confusion) == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.accuracy(confusion) == pytest.approx(3 / 4)


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="'x' is none of a, b"):
        metrics.confusion_matrix(["a"], ["x"], ["a", "b"])


# --- intervals ----------------------------------------------------------------------------------------------------


def test_wilson_by_hand() -> None:
    # 10 of 20 with z = 1.96: centre .5, half width 1.96 * sqrt(.25 / 20 + 1.96^2 / 1600) / (1 + 1.96^2 / 20).
    half = 1.96 * math.sqrt(0.25 / 20 + 1.96**2 / 1600) / (1 + 1.96**2 / 20)
    found = metrics.wilson_interval(10, 20, z=1.96)
    assert found is not None
    assert found.low == pytest.approx(0.5 - half)
    assert found.high == pytest.approx(0.5 + half)


@ANY_TIME
@given(st.integers(1, 500), st.data())
def test_wilson_holds_its_share(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    found = metrics.wilson_interval(successes, trials)
    assert found is not None
    assert 0 <= found.low <= successes / trials <= found.high <= 1
    assert found.high > found.low


def test_wilson_refuses_more_successes_than_trials() -> None:
    with pytest.raises(ValueError, match="allowed is 0 to 3"):
        metrics.wilson_interval(4, 3)


def _mean(units: object) -> float:
    return float(np.mean(units))  # type: ignore[call-overload]


def test_bootstrap_is_repeatable_and_near_theory() -> None:
    units = list(np.linspace(-1, 1, 101))
    found = metrics.bootstrap_interval(units, _mean, seed=3, draws=600)
    assert found is not None
    assert found == metrics.bootstrap_interval(units, _mean, seed=3, draws=600)
    expected = 1.96 * np.std(units) / math.sqrt(len(units))
    assert found.high == pytest.approx(expected, rel=0.2)
    assert found.low == pytest.approx(-expected, rel=0.2)


def test_bootstrap_leaves_out_what_cannot_be_measured() -> None:
    found = metrics.bootstrap_interval([1, 2, 3], lambda units: None if 1 in units else 7.0, draws=50)
    assert found == metrics.Interval(7.0, 7.0)
    assert metrics.bootstrap_interval([1, 2, 3], lambda _: None, draws=5) is None
