"""Shared parts against what their formulas say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from synth.voices.ambient.catalogue.parts import bubbles, bursts, modes, spectra, timing

RATE_HZ = 48_000


def _rng() -> np.random.Generator:
    return np.random.default_rng(11)


def _band_db(sound: np.ndarray, low_hz: float, high_hz: float) -> float:
    frequency, power = signal.welch(sound, RATE_HZ, nperseg=8192)
    return float(10 * np.log10(power[(frequency >= low_hz) & (frequency < high_hz)].mean()))


def test_white_painted_noise_has_an_rms_of_one() -> None:
    sound = spectra.painted_noise(
        5 * RATE_HZ, RATE_HZ, _rng(), lambda t, f: np.ones(np.broadcast_shapes(t.shape, f.shape))
    )
    assert sound.std() == pytest.approx(1, abs=0.02)
    assert len(sound) == 5 * RATE_HZ


def test_painted_noise_has_the_level_that_it_was_given_over_time_and_frequency() -> None:
    def level(t: np.ndarray, f: np.ndarray) -> np.ndarray:
        return np.where(t < 1, 0.1, 1.0) * spectra.tilt(f, -6, 1000)

    sound = spectra.painted_noise(2 * RATE_HZ, RATE_HZ, _rng(), level)
    early, late = sound[: int(0.9 * RATE_HZ)], sound[int(1.1 * RATE_HZ) :]
    assert _band_db(late, 400, 900) - _band_db(early, 400, 900) == pytest.approx(20, abs=1)
    assert _band_db(late, 400, 900) - _band_db(late, 3800, 4200) == pytest.approx(12, abs=1)


def test_third_octaves_give_those_band_levels() -> None:
    levels = np.linspace(-30, -5, 30)
    sound = spectra.spectrum_noise(10 * RATE_HZ, RATE_HZ, _rng(), lambda f: spectra.third_octaves(f, levels))
    frequency, power = signal.welch(sound, RATE_HZ, nperseg=16_384)
    centres = 25 * 2 ** (np.arange(12, 29) / 3)
    measured = [
        10 * np.log10(power[(frequency >= c * 2 ** (-1 / 6)) & (frequency < c * 2 ** (1 / 6))].sum()) for c in centres
    ]
    np.testing.assert_allclose(np.diff(measured), np.diff(levels[12:29]), atol=1.0)


def test_a_ring_is_a_decaying_sine() -> None:
    sound = modes.rings(4800, RATE_HZ, 0.01, 0.7, 1234.0, 0.02)
    time_s = np.arange(4800) / RATE_HZ - 0.01
    expected = np.where(time_s >= 0, 0.7 * np.sin(2 * np.pi * 1234 * time_s) * np.exp(-time_s / 0.02), 0)
    np.testing.assert_allclose(sound, expected, atol=0.005)  # what is 45 dB down is cut


def test_many_rings_are_the_sum_of_each() -> None:
    rng = _rng()
    at, gain, hz, decay = rng.random(50) * 0.3, rng.random(50), rng.uniform(100, 9000, 50), rng.uniform(0.001, 0.05, 50)
    together = modes.rings(RATE_HZ, RATE_HZ, at, gain, hz, decay)
    alone = sum(modes.rings(RATE_HZ, RATE_HZ, *one) for one in zip(at, gain, hz, decay, strict=True))
    np.testing.assert_allclose(together, alone, atol=0.02)


def test_modes_above_the_rates_top_are_left_out() -> None:
    assert not modes.rings(1000, 16_000, 0.0, 1.0, 7900.0, 0.01).any()


def test_a_blow_has_the_level_and_the_decay_of_each_octave() -> None:
    levels = np.full(9, -200.0)
    levels[4] = 0.0  # 1 kHz
    at_s = np.arange(0, 8, 0.25)
    sound = bursts.blows(8 * RATE_HZ, RATE_HZ, _rng(), at_s, 1.0, levels, 30.0, spread_db=0.0)
    assert _band_db(sound, 800, 1300) - _band_db(sound, 3500, 4500) > 30
    power = (sound.reshape(32, -1) ** 2).mean(0)
    early, late = power[480:960].mean(), power[480 + 1440 : 960 + 1440].mean()  # 30 ms apart
    assert 10 * np.log10(early / late) == pytest.approx(20 * np.log10(np.e), abs=2.5)


def test_clicks_add_up_whatever_their_number() -> None:
    at_s = timing.poisson_times(4 * RATE_HZ, RATE_HZ, _rng(), 2000.0)
    sound = bursts.clicks(4 * RATE_HZ, RATE_HZ, _rng(), at_s, 1.0, 0.002)
    assert len(sound) == 4 * RATE_HZ
    assert sound.std() > 1
    assert not bursts.clicks(100, RATE_HZ, _rng(), np.zeros(0), 1.0, 0.002).any()


def test_a_bubble_sounds_at_minnaerts_pitch() -> None:
    sound = bubbles.bubbles(RATE_HZ, RATE_HZ, np.array([0.1]), 1.0, 3.0)
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.argmax(spectrum) == pytest.approx(1000, rel=0.03)  # Hz: 3 / .003 m


def test_arrivals_follow_a_curve_of_rates() -> None:
    rate = np.where(np.arange(10 * RATE_HZ) < 5 * RATE_HZ, 50.0, 200.0)
    at_s = timing.poisson_times(10 * RATE_HZ, RATE_HZ, _rng(), rate)
    assert np.sum(at_s < 5) == pytest.approx(250, abs=60)
    assert np.sum(at_s >= 5) == pytest.approx(1000, abs=120)


def test_power_law_sizes_lie_between_their_ends() -> None:
    sizes = timing.power_law(_rng(), 20_000, 1.0, 10.0, 2.0)
    assert sizes.min() >= 1
    assert sizes.max() <= 10
    assert np.median(sizes) == pytest.approx(1 / 0.55, rel=0.03)  # where half of 1 - 1/x has passed


def test_bounces_lose_the_same_part_each_time() -> None:
    at_s, strength = timing.bounces(0.4, 0.5, 4)
    np.testing.assert_allclose(at_s, [0, 0.4, 0.6, 0.7])
    np.testing.assert_allclose(strength, [1, 0.5, 0.25, 0.125])
