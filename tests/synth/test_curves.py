"""Ours against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from synth.dsp.curves import peaks_of, smoothed


@pytest.mark.parametrize("count", [1, 2, 7, 900])
@pytest.mark.parametrize("deviation", [0.3, 1.5, 2.0, 2.25, 7.0])
def test_smoothed_is_scipys(count: int, deviation: float) -> None:
    curve = np.random.default_rng(count).standard_normal(count)
    np.testing.assert_allclose(
        smoothed(curve, deviation), gaussian_filter1d(curve, deviation, mode="nearest"), rtol=1e-14, atol=1e-15
    )


@pytest.mark.parametrize("seed", range(40))
def test_peaks_are_scipys(seed: int) -> None:
    """Plateaus, equal heights and ends included."""
    random = np.random.default_rng(seed)
    curve = random.standard_normal(random.integers(1, 400)).round(random.integers(0, 3))
    for height, distance in ((-1.0, 1), (0.0, 2), (0.5, 13)):
        wanted, _ = find_peaks(curve, height=height, distance=distance)
        found = peaks_of(curve, height=height, distance=distance)
        np.testing.assert_array_equal(found, wanted)


def test_a_flat_curve_has_no_peak() -> None:
    for curve in (np.zeros(0), np.ones(1), np.ones(50), np.arange(9.0)):
        assert len(peaks_of(curve, height=0.0, distance=1)) == 0
