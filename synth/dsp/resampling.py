"""Resampling of sound to another rate, whole or fractional."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def resample(sound: NDArray[Any], from_hz: float, to_hz: float) -> Floats:
    """``sound`` [N] at another rate, band-limited (soxr HQ); exactly ``round(N * to_hz / from_hz)`` samples.

    Raises:
        ValueError: a rate is not positive, or the sound is not one-dimensional.
    """
    if not (from_hz > 0 and to_hz > 0):
        raise ValueError(f"rates must be positive; they are {from_hz} and {to_hz}")
    samples = np.ascontiguousarray(sound, dtype=np.float32)
    if samples.ndim != 1:
        raise ValueError(f"sound must be mono [N]; its shape is {samples.shape}")
    if from_hz == to_hz:
        return samples.copy()
    length = round(samples.size * to_hz / from_hz)
    if samples.size == 0 or length == 0:
        return np.zeros(length, np.float32)
    moved: Floats = soxr.resample(samples, from_hz, to_hz).astype(np.float32, copy=False)
    return np.pad(moved, (0, max(0, length - moved.size)))[:length]
