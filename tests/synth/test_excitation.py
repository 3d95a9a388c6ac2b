"""Pulses at a pitch: their places, their power, and that they are the same however they are read."""

from __future__ import annotations

import numpy as np
import pytest

from synth.dsp.excitation import Excitation
from synth.dsp.pitch import pitch_track

RATE_HZ = 16_000
HOP = 256
STEPS = 63


def _steady(pitch_hz: float) -> Excitation:
    return Excitation.of(np.full(STEPS, pitch_hz, np.float32), RATE_HZ, HOP)


@pytest.mark.parametrize("pitch_hz", [80.0, 400.0, 1500.0])
def test_pulses_come_once_a_period_and_have_power_one(pitch_hz: float) -> None:
    pulses = _steady(pitch_hz).pulses(0, 15_000)
    period = RATE_HZ / pitch_hz
    highest = [int(at + pulses[at : at + round(period)].argmax()) for at in (0, 4000, 9000)]
    for place in highest:
        assert abs(place / period - round(place / period)) * period < 1.0
    assert np.sqrt(np.mean(pulses.astype(np.float64) ** 2)) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("pitch_hz", [330.0, 523.0, 1370.0])
def test_between_the_harmonics_there_is_nothing(pitch_hz: float) -> None:
    spectrum = np.abs(np.fft.rfft(_steady(pitch_hz).pulses(0, 15_000) * np.hanning(15_000)))
    hz = np.fft.rfftfreq(15_000, 1 / RATE_HZ)
    between = np.abs(hz / pitch_hz - np.round(hz / pitch_hz)) * pitch_hz > 20
    assert spectrum[between].max() < 1e-3 * spectrum.max()


def test_any_stretch_is_the_same_as_in_the_whole() -> None:
    rng = np.random.default_rng(0)
    pitch = (200 + 50 * rng.random(STEPS)).astype(np.float32)
    source = Excitation.of(pitch, RATE_HZ, HOP)
    whole = source.pulses(0, 16_000)
    assert np.array_equal(source.pulses(4321, 777), whole[4321 : 4321 + 777])
    moved = np.abs(np.diff(whole))
    between = moved[HOP - 1 :: HOP]  # from the last sample of a step to the first of the next
    assert between.max() <= np.delete(moved, np.arange(HOP - 1, len(moved), HOP)).max()


def test_a_moving_pitch_is_made_as_it_was_told() -> None:
    pitch = np.linspace(300, 500, STEPS).astype(np.float32)
    pulses = Excitation.of(pitch, RATE_HZ, HOP).pulses(0, 16_000)
    heard = pitch_track(pulses, RATE_HZ, HOP)
    assert np.abs(heard.pitch_hz[3:-3] / pitch[3 : len(heard.pitch_hz) - 3] - 1).max() < 0.02
