"""Smooth curves: through given points, or wandering at random at a given speed. They move pitch, level and resonances.

Curves are made at a control rate and drawn out linearly to the sample rate, which is far cheaper than a spline at every
sample and not heard: the control rate is ten times the fastest movement. The monotone cubic of Fritsch and Carlson
(1980) is computed here: an object of scipy's costs more than all the rest of a short curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Points = Sequence[tuple[float, float]]
"""Breakpoints (place, value); place rises from 0 to 1."""

_FINE = 5  # control steps between two knots of what wanders
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
    step = max(1, n // _CONTROL_STEPS)
    place = np.arange(0, n + step, step) * ((_CONTROL_STEPS - 1) / max(1, n - 1))
    curve = np.interp(place, np.arange(_CONTROL_STEPS), coarse)
    return drawn_out(np.exp(curve) if logarithmic else curve, step, n)


def drawn_out(coarse: Doubles, step: int, n: int, first: int = 0) -> Doubles:
    """Straight lines between values that stand ``step`` samples apart: samples ``first`` .. ``first + n``, [n].

    One pass over the samples, an order of magnitude quicker than a search for each of them.
    """
    rows = coarse[:-1, None] + np.diff(coarse)[:, None] * (np.arange(step) / step)
    return np.asarray(rows.reshape(-1)[first : first + n])


def monotone_cubic(place: Doubles, value: Doubles, wanted: Doubles) -> Doubles:
    """The cubic through ``place`` (ascending), ``value`` [K >= 3] that overshoots nowhere, at ``wanted`` [M]."""
    gap = np.diff(place)
    slope = np.diff(value) / gap
    tangent = np.empty(len(value))
    tangent[0], tangent[-1] = slope[0], slope[-1]
    left, right = slope[:-1], slope[1:]
    weight = (2 * gap[1:] + gap[:-1]) * right + (gap[1:] + 2 * gap[:-1]) * left
    alike = left * right > 0
    tangent[1:-1] = np.where(alike, 3 * (gap[:-1] + gap[1:]) * left * right / np.where(alike, weight, 1.0), 0.0)
    at = np.clip(np.searchsorted(place, wanted, "right") - 1, 0, len(gap) - 1)
    u = (wanted - place[at]) / gap[at]
    bend = (tangent[at] - slope[at]) * gap[at]
    turn = (tangent[at + 1] - slope[at]) * gap[at]
    return np.asarray(value[at] + u * (slope[at] * gap[at] + (1 - u) * (bend * (1 - u) - turn * u)))


@lru_cache(maxsize=1024)  # an animal calls with the same breakpoints over and over
def _coarse(points: tuple[tuple[float, float], ...], logarithmic: bool) -> Doubles:
    place, value = np.asarray(points, np.float64).T
    value = np.log(value) if logarithmic else value
    steps = np.linspace(place[0], place[-1], _CONTROL_STEPS)
    return monotone_cubic(place, value, steps) if len(place) > 2 else np.asarray(np.interp(steps, place, value))


def wander(n: int, rate_hz: int, rng: np.random.Generator, speed_hz: float) -> Doubles:
    """Smooth random curve of about unit deviation that turns about ``speed_hz`` times a second, [n]."""
    step = max(1, round(rate_hz / (2 * speed_hz * _FINE)))
    knots = n // (step * _FINE) + 3
    values = monotone_cubic(np.arange(knots, dtype=float), rng.standard_normal(knots), _fine_steps(knots))
    return drawn_out(values, step, n)


@lru_cache(maxsize=64)
def _fine_steps(knots: int) -> Doubles:
    return np.arange((knots - 1) * _FINE) / _FINE


def fade(n: int, rate_hz: int, attack_s: float, release_s: float) -> Doubles:
    """Straight fade in and out, 0 to 1, [n]."""
    out = np.ones(n)
    rising, falling = (min(n, int(max(1e-4, part_s) * rate_hz) + 1) for part_s in (attack_s, release_s))
    out[:rising] = np.minimum(1, np.arange(rising) / (max(1e-4, attack_s) * rate_hz))
    out[n - falling :] *= np.minimum(1, np.arange(falling, 0, -1) / (max(1e-4, release_s) * rate_hz))
    return out


def swell(n: int, sharpness: float = 1.0) -> Doubles:
    """Half a sine wave raised to ``sharpness``: rises from 0 to 1 and falls back, [n]."""
    return np.asarray(np.sin(np.pi * np.linspace(0, 1, n)) ** sharpness)


def decay(n: int, rate_hz: int, time_constant_s: float) -> Doubles:
    """Exponential decay from 1, by 1/e every ``time_constant_s``, [n]."""
    return np.asarray(np.exp(-np.arange(n) / (rate_hz * time_constant_s)))
