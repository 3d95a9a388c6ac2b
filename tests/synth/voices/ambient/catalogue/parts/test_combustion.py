"""An engine's spectrum against the closed form: explosions a second by speed, cylinders and strokes."""

from __future__ import annotations

import numpy as np
import pytest

from synth.voices.ambient.catalogue.parts.control import phase
from synth.voices.ambient.catalogue.parts.mechanical.combustion import (
    SOUND_MPS,
    Engine,
    add_engine,
    firings,
    pipe_response,
)
from synth.voices.ambient.catalogue.parts.mix import Mix
from synth.voices.ambient.catalogue.performance import Samples

RATE_HZ = 48_000


def heard(rpm: float, engine: Engine, seconds: float = 4.0) -> Samples:
    n = int(seconds * RATE_HZ)
    mix = Mix(n, RATE_HZ, 0.1)
    turns = phase(rpm / 60, n, RATE_HZ)
    add_engine(mix, np.random.default_rng(1), np.random.default_rng(2), turns, engine)
    return mix.signal()


def level_at(sound: Samples, hz: float, width_hz: float = 1.5) -> float:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    at = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    return float(power[np.abs(at - hz) < width_hz].sum())


@pytest.mark.parametrize(
    ("rpm", "cylinders", "strokes", "expected_hz"),
    [(3000, 4, 4, 100.0), (1800, 6, 4, 90.0), (6000, 1, 2, 100.0), (1200, 8, 4, 80.0)],
)
def test_the_strongest_line_is_the_firing_frequency(
    rpm: float, cylinders: int, strokes: float, expected_hz: float
) -> None:
    engine = Engine(cylinders, strokes, pipe_m=0.2, uneven=0.0, gas=0.0, clatter=0.0)
    assert engine.firing_hz(rpm) == pytest.approx(expected_hz)
    sound = heard(rpm, engine)
    lines = {hz: level_at(sound, hz) for hz in (0.25 * expected_hz, 0.5 * expected_hz, 0.75 * expected_hz)}
    assert all(level_at(sound, expected_hz) > 100 * level for level in lines.values())


def test_unequal_cylinders_bring_the_line_of_one_cylinder() -> None:
    rpm, cylinders = 3000, 4
    one_hz = rpm / 60 / 2
    even = level_at(heard(rpm, Engine(cylinders, uneven=0.0, gas=0.0, clatter=0.0)), one_hz)
    uneven = level_at(heard(rpm, Engine(cylinders, uneven=0.5, gas=0.0, clatter=0.0)), one_hz)
    assert uneven > 30 * even


def test_a_twin_that_fires_unevenly_has_the_line_of_a_whole_cycle() -> None:
    rpm, one_hz = 3000, 25.0
    plain = Engine(2, uneven=0.0, gas=0.0, clatter=0.0)
    odd = Engine(2, uneven=0.0, gas=0.0, clatter=0.0, odd_fire=0.3)
    assert level_at(heard(rpm, odd), one_hz) > 10 * level_at(heard(rpm, plain), one_hz)


def test_firings_are_counted_by_the_shaft() -> None:
    turns = phase(50.0, RATE_HZ, RATE_HZ)
    at, gain, cylinder = firings(turns, np.random.default_rng(0), np.random.default_rng(0), Engine(6, 4))
    assert len(at) == pytest.approx(150, abs=1)
    assert len(gain) == len(at)
    assert sorted(set(cylinder.tolist())) == [0, 1, 2, 3, 4, 5]


def test_a_pipe_rings_at_the_odd_quarters_of_its_length() -> None:
    """The reflection is inverted: least loss where 2 L is an odd number of half waves."""
    mix = Mix(RATE_HZ, RATE_HZ, 0.0)
    length_m = 1.0
    gain = np.abs(pipe_response(mix, length_m, 1e5, 0.8))
    quarter_hz = SOUND_MPS / (4 * length_m)
    bin_of = mix.size / RATE_HZ
    for odd in (1, 3, 5):
        near = gain[int((odd - 0.5) * quarter_hz * bin_of) : int((odd + 0.5) * quarter_hz * bin_of)]
        assert (odd - 0.5) * quarter_hz + near.argmax() / bin_of == pytest.approx(odd * quarter_hz, abs=2.5)
