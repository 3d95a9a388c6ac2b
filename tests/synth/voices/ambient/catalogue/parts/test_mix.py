"""Layers in the frequency domain against filtering and adding in time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import oaconvolve, welch

from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms, coloured, coloured_noise, gain_curve

RATE_HZ = 48_000


def test_noise_has_the_levels_that_were_asked_for() -> None:
    noise = coloured_noise(8 * RATE_HZ, RATE_HZ, np.random.default_rng(0), (100, 0), (1000, -20), (10000, -20))
    hz, power = welch(noise, RATE_HZ, nperseg=8192)

    def level(low: float, high: float) -> float:
        return float(10 * np.log10(power[(hz > low) & (hz < high)].mean()))

    assert level(80, 95) - level(2000, 4000) == pytest.approx(20, abs=1)
    assert level(300, 330) - level(2000, 4000) == pytest.approx(10, abs=1)
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1.0, abs=0.02)


def test_a_layer_is_added_at_its_level_whatever_it_was() -> None:
    n = RATE_HZ
    tone = 1e-3 * np.sin(2 * np.pi * 440 * np.arange(n) / RATE_HZ)
    mix = Mix(n, RATE_HZ, 0.1)
    mix.add(0.5, tone)
    assert np.sqrt(np.mean(mix.signal() ** 2)) == pytest.approx(0.5, rel=0.01)


def test_a_raw_layer_keeps_its_silence() -> None:
    mix = Mix(1000, RATE_HZ)
    mix.add_raw(3.0, np.zeros(1000))
    mix.add(1.0, np.zeros(1000))
    assert np.abs(mix.signal()).max() == 0.0


def test_an_impulse_response_is_a_convolution() -> None:
    rng = np.random.default_rng(3)
    dry, response = rng.standard_normal(5000), rng.standard_normal(900) * np.exp(-np.arange(900) / 150)
    mix = Mix(5000, RATE_HZ, 0.02)
    mix.add_raw(1.0, dry)
    mix.through(response)
    expected = oaconvolve(dry, response)[:5000]
    assert np.abs(mix.signal() - expected).max() < 1e-4 * np.abs(expected).max()


def test_the_gain_between_two_points_is_straight_over_log_frequency() -> None:
    gain = gain_curve(((100.0, 0.0), (10000.0, -40.0)), RATE_HZ, RATE_HZ)
    assert 20 * np.log10(gain[1000]) == pytest.approx(-20, abs=0.2)
    assert gain[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        gain[5] = 1.0


def test_colouring_and_levelling_keep_the_length() -> None:
    sound = np.random.default_rng(0).standard_normal(777)
    assert coloured(sound, RATE_HZ, (100, 0), (1000, -3)).shape == (777,)
    assert np.sqrt(np.mean(at_rms(sound, 0.2) ** 2)) == pytest.approx(0.2)
