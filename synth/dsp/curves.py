"""Smoothing and peaks of curves, in numpy alone: who needs no more of scipy does not wait for it to be imported.

Each gives the numbers of the function of scipy that its docstring names, to rounding. Shapes: T = steps of a curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_REACH: float = 4.0  # standard deviations that a smoothing window reaches to either side


def smoothed(curve: NDArray[Any], deviation: float) -> Doubles:
    """A curve [T] under a Gaussian window of that standard deviation, in steps; both ends go on as they are.

    As ``scipy.ndimage.gaussian_filter1d(curve, deviation, mode="nearest")``, in float64.
    """
    reach = int(_REACH * deviation + 0.5)
    weights = np.exp(-0.5 / deviation**2 * np.arange(-reach, reach + 1) ** 2)
    weights /= weights.sum()
    padded, count = np.pad(np.asarray(curve, np.float64), reach, mode="edge"), len(curve)
    out = padded[reach : reach + count] * weights[reach]
    for away in range(reach, 0, -1):
        either = padded[reach - away :][:count] + padded[reach + away :][:count]
        out += either * weights[reach - away]
    return np.asarray(out)


def peaks_of(curve: NDArray[Any], *, height: float, distance: int) -> NDArray[np.int64]:
    """Where a curve [T] is higher than to both sides, in order; of a plateau its middle.

    As ``scipy.signal.find_peaks(curve, height=height, distance=distance)``.

    Args:
        height: that a peak has at least.
        distance: in steps; of two that are nearer to each other than that the lower one is left out.
    """
    turns = np.flatnonzero(np.diff(curve)) + 1
    begins, ends = turns[:-1], turns[1:] - 1  # of stretches of one value, but the first and the last
    if not len(begins):
        return np.zeros(0, np.int64)
    highest = (curve[begins] > curve[begins - 1]) & (curve[begins] > curve[ends + 1]) & (curve[begins] >= height)
    places = (begins[highest] + ends[highest]) // 2
    kept = np.ones(len(places), bool)
    for one in np.argsort(curve[places])[::-1]:
        if kept[one]:
            kept &= np.abs(places - places[one]) >= distance
            kept[one] = True
    return np.asarray(places[kept], np.int64)
