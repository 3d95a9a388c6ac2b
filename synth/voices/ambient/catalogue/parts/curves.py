"""Smooth curves: through given points, or wandering at random at a given speed. They move pitch, level and resonances.

Curves are made at a control rate and drawn out linearly to the sample rate, which is far cheaper than a spline at every
sample and not heard: the control rate is ten times the fastest movement.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Doubles = NDArray[np.float64]
Points = Sequence[tuple[float, float]]
"""Breakpoints (place, value); place rises from 0 to 1."""

_CONTROL_STEPS = 200  # of a curve through points: an utterance is seldom longer than two seconds


def through(n: int, points: Points | float, logarithmic: bool = False) -> Doubles:
    """Monotone cubic curve (Fritsch and Carlson, 1980) through ``points``, [n]; a number gives a constant.

    Args:
        n: samples, 1 or more.
        points: breakpoints, or one value for all samples.
        logarithmic: interpolate the logarithm, as ears hear pitch; values must then be positive.
    """
    if isinstance(points, float | int):
        return np.full(n, float(points))
    coarse = _coarse(tuple((float(place), float(value)) for place, value in points), logarithmic)
    curve = np.interp(np.linspace(0, _CONTROL_STEPS - 1, n), np.arange(_CONTROL_STEPS), coarse)
    return np.asarray(np.exp(curve) if logarithmic else curve)


@lru_cache(maxsize=1024)  # an animal calls with the same breakpoints over and over
def _coarse(points: tuple[tuple[float, float], ...], logarithmic: bool) -> Doubles:
    place, value = np.asarray(points, np.float64).T
    value = np.log(value) if logarithmic else value
    steps = np.linspace(place[0], place[-1], _CONTROL_STEPS)
    return np.asarray(PchipInterpolator(place, value)(steps) if len(place) > 2 else np.interp(steps, place, value))


def wander(n: int, rate_hz: int, rng: np.random.Generator, speed_hz: float) -> Doubles:
    """Smooth random curve of about unit deviation that turns about ``speed_hz`` times a second, [n]."""
    knots = int(n / rate_hz * speed_hz * 2) + 4
    fine = 5
    steps = np.arange(knots * fine) / fine
    values = PchipInterpolator(np.arange(knots), rng.standard_normal(knots))(np.minimum(steps, knots - 1.0))
    return np.asarray(np.interp(np.linspace(0, knots - 1.001, n), steps, values))


def fade(n: int, rate_hz: int, attack_s: float, release_s: float) -> Doubles:
    """Straight fade in and out, 0 to 1, [n]."""
    t = np.arange(n) / rate_hz
    return np.minimum(1, t / max(1e-4, attack_s)) * np.minimum(1, (n / rate_hz - t) / max(1e-4, release_s))


def swell(n: int, sharpness: float = 1.0) -> Doubles:
    """Half a sine wave raised to ``sharpness``: rises from 0 to 1 and falls back, [n]."""
    return np.asarray(np.sin(np.pi * np.linspace(0, 1, n)) ** sharpness)


def decay(n: int, rate_hz: int, time_constant_s: float) -> Doubles:
    """Exponential decay from 1, by 1/e every ``time_constant_s``, [n]."""
    return np.asarray(np.exp(-np.arange(n) / (rate_hz * time_constant_s)))
