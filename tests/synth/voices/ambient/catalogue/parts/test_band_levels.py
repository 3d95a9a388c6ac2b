"""A source gets the third-octave levels that recordings have."""

from __future__ import annotations

import numpy as np
import pytest

from synth.voices.ambient.catalogue.parts import measured
from synth.voices.ambient.catalogue.parts.band_levels import BANDS_HZ, BandLevels, band_levels_db, match
from synth.voices.ambient.catalogue.parts.mix import Mix

RATE_HZ = 48_000


def test_white_noise_gains_a_decibel_a_band() -> None:
    levels = band_levels_db(np.ones(RATE_HZ // 2 + 1), np.arange(RATE_HZ // 2 + 1.0))
    assert np.diff(levels[10:]) == pytest.approx(10 * np.log10(2) / 3, abs=0.3)


def test_matching_brings_the_levels_and_keeps_the_loudness() -> None:
    rng = np.random.default_rng(1)
    mix = Mix(4 * RATE_HZ, RATE_HZ, 0.1)
    mix.add_noise(0.7, rng, (20, 0), (20000, 0))
    target = measured.CHAINSAW.drawn(rng)
    match(mix, target)
    reached = band_levels_db(mix.power(), mix.frequencies_hz)
    wanted = target - 10 * np.log10((10 ** (target / 10)).sum())
    assert np.abs(reached - wanted)[3:].max() < 2.0
    assert np.sqrt(np.mean(mix.signal() ** 2)) == pytest.approx(0.7, rel=0.03)


def test_two_sounds_of_a_class_differ_and_stay_near_the_mean() -> None:
    levels = BandLevels((0.0,) * 30, ((3.0,) * 30,))
    drawn = [levels.drawn(np.random.default_rng(seed), 1.0)[0] for seed in range(200)]
    assert np.std(drawn) > 2.0
    assert np.max(np.abs(drawn)) <= 4.5


def test_the_measured_tables_have_a_value_for_each_band() -> None:
    for table in (measured.HELICOPTER, measured.CHAINSAW, measured.CLOCK_TICK):
        assert len(table.mean_db) == len(BANDS_HZ)
        assert all(len(component) == len(BANDS_HZ) for component in table.components_db)
