"""Control curves against what they say of themselves."""

from __future__ import annotations

import numpy as np
import pytest

from synth.voices.ambient.catalogue.parts.control import crossings, fade_out, gates, line, phase, throttle
from synth.voices.ambient.catalogue.performance import Performance
from synth.voices.ambient.catalogue.walk import Walk

RATE_HZ = 16_000


def test_crossings_come_at_whole_parts_of_a_cycle() -> None:
    cycles = phase(10.0, RATE_HZ, RATE_HZ)
    at, number = crossings(cycles, np.random.default_rng(0), 2.0)
    assert np.diff(at) == pytest.approx(RATE_HZ / 20, abs=1e-6)
    assert np.array_equal(np.diff(number), np.ones(len(number) - 1))


def test_jitter_moves_crossings_by_its_share_of_a_step() -> None:
    cycles = phase(100.0, 10 * RATE_HZ, RATE_HZ)
    at, _ = crossings(cycles, np.random.default_rng(0), 1.0, 0.05)
    assert np.std(np.diff(at)) / (RATE_HZ / 100) == pytest.approx(0.05 * np.sqrt(2), rel=0.1)


def test_a_phase_of_a_changing_speed_is_its_integral() -> None:
    speed = line(RATE_HZ, RATE_HZ, [(0, 10), (1, 30)])
    assert phase(speed, RATE_HZ, RATE_HZ)[-1] == pytest.approx(20, abs=0.01)


def test_gates_open_and_shut_when_told() -> None:
    gate = gates(RATE_HZ, RATE_HZ, [0.1, 0.5], [0.2, 0.7], 0.01)
    at = {time: gate[int(time * RATE_HZ)] for time in (0.05, 0.15, 0.3, 0.6, 0.9)}
    assert at == pytest.approx({0.05: 0, 0.15: 1, 0.3: 0, 0.6: 1, 0.9: 0}, abs=1e-9)
    assert not gates(100, RATE_HZ, [], []).any()


def test_a_fade_leaves_the_beginning_alone() -> None:
    fade = fade_out(RATE_HZ, RATE_HZ, 0.25)
    assert fade[0] == 1.0
    assert fade[int(0.74 * RATE_HZ)] == pytest.approx(1.0, abs=1e-3)
    assert fade[-1] == pytest.approx(0.0, abs=1e-3)


def test_a_throttle_goes_from_shut_to_open() -> None:
    opened = throttle(Walk(Performance(4, "test", RATE_HZ), 0.0, 20 * RATE_HZ), 2.0)
    assert opened.min() >= 0.0
    assert opened.max() <= 1.0
    assert np.ptp(opened) > 0.8
