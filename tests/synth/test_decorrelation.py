"""Width out of one channel: as loud, unlike on both sides, whole in mono, and the same in any pieces."""

from __future__ import annotations

import numpy as np

from synth.dsp.decorrelation import Decorrelator
from synth.dsp.stereo import mono_loss_db

RATE_HZ = 48_000
NOISE = np.random.default_rng(5).standard_normal(2 * RATE_HZ) * 0.1


def test_noise_becomes_wide_and_loses_less_than_a_decibel_in_mono() -> None:
    wide = Decorrelator(RATE_HZ).widen(NOISE)
    assert 0.3 < mono_loss_db(wide) < 1
    alike = float(np.asarray(np.corrcoef(wide.T))[0, 1])
    assert 0.5 < alike < 0.9
    assert np.isclose(np.square(wide).mean(), np.square(NOISE).mean(), rtol=0.05)


def test_the_sum_of_the_channels_is_the_sound() -> None:
    wide = Decorrelator(RATE_HZ).widen(NOISE)
    middle = wide.mean(1)
    np.testing.assert_allclose(middle / middle.std(), NOISE / NOISE.std(), atol=1e-9)


def test_pieces_make_no_difference() -> None:
    whole, pieces = Decorrelator(RATE_HZ).widen(NOISE), Decorrelator(RATE_HZ)
    parts = [pieces.widen(part) for part in np.split(NOISE, [7, 1000, 30_000, 30_001])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
