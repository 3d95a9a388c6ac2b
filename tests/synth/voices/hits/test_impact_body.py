"""Struck bodies measured: levels, decays and modes that are known come out again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.voices.hits.impact_body import (
    BANDS_HZ,
    MEASURED_RATE_HZ,
    SILENT_DB,
    TIMES_S,
    ImpactBody,
    band_gains,
    blended,
    contact_of,
    measure,
)

Doubles = NDArray[np.float64]


def _noise_burst(fall_s: float, lead_s: float = 0.05) -> Doubles:
    """White noise that falls by 60 dB in ``fall_s`` after some silence."""
    times = np.arange(MEASURED_RATE_HZ) / MEASURED_RATE_HZ
    burst = np.random.default_rng(0).standard_normal(times.size) * 10 ** (-3 * times / fall_s)
    return np.concatenate((np.zeros(round(lead_s * MEASURED_RATE_HZ)), burst))


def test_bands_share_out_all_power() -> None:
    np.testing.assert_allclose((band_gains(4800, 48_000) ** 2).sum(axis=0), 1)


@pytest.mark.parametrize("fall_s", [0.1, 0.4])
def test_the_decay_of_noise_is_measured_in_every_band(fall_s: float) -> None:
    body = measure(_noise_burst(fall_s), MEASURED_RATE_HZ)
    early, late = np.searchsorted(TIMES_S, 0.016), np.searchsorted(TIMES_S, 0.05)
    fallen_db = body.levels_db[9:, early] - body.levels_db[9:, late]  # from 400 Hz up a band's own ring is short
    assert np.median(fallen_db) == pytest.approx(60 * (TIMES_S[late] - TIMES_S[early]) / fall_s, rel=0.15)


def test_white_noise_has_no_modes_and_rises_with_the_width_of_its_bands() -> None:
    body = measure(_noise_burst(0.3), MEASURED_RATE_HZ)
    assert body.modes_hz.size <= 2
    assert body.mode_shares[:, 0].max() < 0.2
    steps_db = np.diff(body.levels_db[9:24, 5])
    assert steps_db.mean() == pytest.approx(1.0, abs=0.3)  # a third of an octave more is 1 dB more


def test_modes_are_found_in_noise_with_their_share() -> None:
    times = np.arange(MEASURED_RATE_HZ) / MEASURED_RATE_HZ
    sound = 0.05 * _noise_burst(0.1, 0)[: times.size]
    for hz, level in ((700, 1.0), (2500, 0.5)):
        sound = sound + level * np.sin(2 * np.pi * hz * times) * np.exp(-times / 0.1)
    body = measure(sound, MEASURED_RATE_HZ)
    for hz in (700, 2500):
        assert np.abs(body.modes_hz - hz).min() < 5
        assert body.mode_shares[np.abs(np.log(BANDS_HZ / hz)).argmin(), 0] > 0.8
    strongest = body.modes_hz[body.modes_db.argmax()]
    assert strongest == pytest.approx(700, abs=5)
    assert body.mode_shares[np.abs(np.log(BANDS_HZ / 6000)).argmin(), 0] < 0.2


def test_a_sudden_attack_stays_sudden_and_the_level_of_the_recording_does_not_matter() -> None:
    sound = _noise_burst(0.2)
    body = measure(sound, MEASURED_RATE_HZ)
    assert contact_of(sound) == pytest.approx(0.05 * MEASURED_RATE_HZ, abs=20)
    # The first half millisecond holds few independent values of noise: some bands begin softly by chance.
    assert (body.levels_db[:, 0] > body.levels_db.max(axis=1) - 6).mean() > 0.8
    np.testing.assert_allclose(measure(0.01 * sound, MEASURED_RATE_HZ).levels_db, body.levels_db, atol=1e-6)
    assert body.levels_db.max() == pytest.approx(0, abs=1e-6)
    assert body.levels_db.min() >= SILENT_DB


def test_a_blend_lies_between() -> None:
    one, other = measure(_noise_burst(0.1), MEASURED_RATE_HZ), measure(_noise_burst(0.4), MEASURED_RATE_HZ)
    np.testing.assert_allclose(blended(one, other, 0).levels_db, one.levels_db)
    np.testing.assert_allclose(blended(one, other, 1).levels_db, other.levels_db)
    np.testing.assert_allclose(blended(one, other, 0.5).levels_db, (one.levels_db + other.levels_db) / 2)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(OptionError, match="silent recording"):
        measure(np.zeros(1000), 48_000)
    with pytest.raises(OptionError, match="rate_hz is 22050"):
        measure(np.ones(1000), 22_050)
    with pytest.raises(ValueError, match="must be"):
        ImpactBody(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(0), np.zeros(0))
