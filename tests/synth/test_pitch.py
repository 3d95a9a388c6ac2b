"""Pitch and periodicity of sounds whose own are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.dsp.pitch import VOICE_HIGH_HZ, pitch_track, voice_pitch

RATE_HZ = 16_000
HOP = 256
Doubles = NDArray[np.float64]


def _gliding(middle_hz: float, seconds: float = 1.5) -> tuple[Doubles, Doubles]:
    """A tone of five harmonics whose pitch wanders by a tenth twice a second, and its pitch a step."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch_hz = middle_hz * (1 + 0.1 * np.sin(4 * np.pi * time_s))
    turns = np.cumsum(pitch_hz) / RATE_HZ
    harmonics = [np.cos(2 * np.pi * k * turns + k) / k for k in range(1, 6) if k * middle_hz < 7000]
    return 0.2 * np.sum(harmonics, 0), pitch_hz


@pytest.mark.parametrize("middle_hz", [80.0, 220.0, 700.0, 1500.0])
def test_a_gliding_pitch_is_followed_through_noise(middle_hz: float) -> None:
    tone, pitch_hz = _gliding(middle_hz)
    noisy = tone + 0.02 * np.random.default_rng(0).standard_normal(len(tone))
    found = pitch_track(noisy, RATE_HZ, HOP)
    inside = slice(3, -3)
    wrong = np.abs(found.pitch_hz[: len(tone) // HOP] / pitch_hz[::HOP][: len(tone) // HOP] - 1)[inside]
    assert np.median(wrong) < 0.01
    assert wrong.max() < 0.06
    assert np.median(found.periodicity[inside]) > 0.95


def test_noise_rumble_and_silence_are_not_periodic() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE_HZ) * 0.1
    assert np.quantile(pitch_track(noise, RATE_HZ, HOP).periodicity, 0.95) < 0.4
    assert pitch_track(np.zeros(RATE_HZ), RATE_HZ, HOP).periodicity.max() == 0
    rumble = 0.3 * np.sin(2 * np.pi * 25 * np.arange(RATE_HZ) / RATE_HZ) + 0.02 * noise
    assert np.median(pitch_track(rumble, RATE_HZ, HOP).periodicity) < 0.4


def test_periodicity_is_the_share_of_power_that_repeats() -> None:
    tone, _ = _gliding(200.0)
    noise = np.random.default_rng(1).standard_normal(len(tone))
    half = tone + noise * tone.std()
    assert 0.35 < np.median(pitch_track(half, RATE_HZ, HOP).periodicity) < 0.65


def test_there_is_a_step_for_every_hop_and_one_more_whatever_the_length() -> None:
    for samples in (0, 1, 255, 256, 5000):
        assert len(pitch_track(np.full(samples, 0.1), RATE_HZ, HOP).pitch_hz) == samples // HOP + 1


def test_a_voice_is_voiced_where_it_hums_and_not_where_it_hisses() -> None:
    hum, _ = _gliding(140.0, 1.0)
    hiss = 0.1 * np.random.default_rng(0).standard_normal(RATE_HZ)
    found = voice_pitch(np.concatenate([hum, hiss]), RATE_HZ, HOP)
    steps = RATE_HZ // HOP
    assert (found[3 : steps - 3] > 0).mean() > 0.95
    assert (found[steps + 4 : -3] > 0).mean() < 0.05
    assert found.max() <= VOICE_HIGH_HZ * 1.05
