"""Curves, generators and walks: everything that a source is keyed by."""

from __future__ import annotations

import numpy as np
import pytest

from synth.voices.ambient.catalogue.performance import Curve, Performance, Role, generator
from synth.voices.ambient.catalogue.walk import Walk


def test_a_curve_is_integrated_in_closed_form() -> None:
    curve = Curve(np.array([3.0, 6.0, 1.0, 9.0]), rate_hz=2.0)
    time_s = np.linspace(0, 4, 40_001)
    middles = 0.5 * (time_s[1:] + time_s[:-1])
    numeric = np.concatenate([[0.0], np.cumsum(curve.at(middles)) * np.diff(time_s)[0]])
    np.testing.assert_allclose(curve.integral(time_s), numeric, atol=1e-6)


def test_the_inverse_of_the_integral_finds_the_times_again() -> None:
    curve = Curve(np.array([3.0, 6.0, 1.0, 9.0]), rate_hz=2.0)
    time_s = np.linspace(-2, 6, 200)
    np.testing.assert_allclose(curve.inverse_integral(curve.integral(time_s)), time_s, atol=1e-9)


def test_a_constant_is_a_curve() -> None:
    np.testing.assert_array_equal(Curve.of(4.0).at(np.array([0.0, 9.0])), [4.0, 4.0])
    np.testing.assert_allclose(Curve.of(4.0).integral(np.array([0.5, 2.0])), [2.0, 8.0])


@pytest.mark.parametrize(
    "other", [(8, "a", Role.EVENT, 0), (7, "b", Role.EVENT, 0), (7, "a", Role.BODY, 0), (7, "a", Role.EVENT, 1)]
)
def test_generators_of_other_keys_are_independent(other: tuple[int, str, Role, int]) -> None:
    ours = generator(7, "a", Role.EVENT, 0).random(1000)
    np.testing.assert_array_equal(ours, generator(7, "a", Role.EVENT, 0).random(1000))
    theirs = generator(*other).random(1000)
    assert abs(np.corrcoef(ours, theirs)[0, 1]) < 0.12


def test_an_event_before_the_beginning_has_its_own_generator() -> None:
    assert generator(7, "a", Role.EVENT, -1).random() != generator(7, "a", Role.EVENT, 1).random()


def test_a_walk_is_the_same_in_whatever_segment_it_is_asked_for() -> None:
    performance = Performance(seed=1, stream="gusts", rate_hz=16_000)
    whole = Walk(performance, -1.0, 64_000)(0.7, 0.2, 0.9, "gust")
    late = Walk(performance, 1.25, 16_000)(0.7, 0.2, 0.9, "gust")
    np.testing.assert_allclose(late, whole[36_000:52_000], atol=1e-9)
    assert whole.min() >= 0.2
    assert whole.max() <= 0.9
    assert whole.std() > 0.05


def test_walks_of_other_tags_differ() -> None:
    walk = Walk(Performance(seed=1, stream="gusts", rate_hz=16_000), 0.0, 64_000)
    assert abs(np.corrcoef(walk(5.0, tag="a"), walk(5.0, tag="b"))[0, 1]) < 0.6
