"""Air bubbles in water: Minnaert's pitch, with the damping and rise of van den Doel ("Physically based models for
liquid sounds", ACM TAP 2005)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from synth.voices.ambient.catalogue.parts.timing import poisson_times, power_law
from synth.voices.ambient.catalogue.performance import Samples

_HEARD_DECAYS: Final = 5.8
_LOWEST_MM: Final = 0.12
_HIGHEST_MM: Final = 30.0
_SIZES: Final = 192
_ATTACK_S: Final = 0.0005


def bubble_cloud(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    per_s: float | Samples,
    low_mm: float,
    high_mm: float,
    power: float = 1.5,
    rise: float = 0.1,
) -> Samples:
    """Bubbles [n] whose radii have the density radius^-power; half of them are near the surface and rise in pitch.

    ``per_s`` is a number or a curve [n]; ``rise`` is the relative rise of the pitch in one decay time. The largest
    is at most 1 loud, the others in proportion to their radius.
    """
    at_s = poisson_times(n, rate_hz, rng, per_s)
    radii = power_law(rng, len(at_s), low_mm, high_mm, power)
    loud = radii / high_mm * rng.random(len(at_s)) ** 2
    return bubbles(n, rate_hz, at_s, loud, radii, np.where(rng.random(len(at_s)) < 0.5, rise, 0.0))


def bubbles(
    n: int, rate_hz: int, at_s: Samples, gain: ArrayLike, radius_mm: ArrayLike, rise: ArrayLike = 0.0
) -> Samples:
    """Single bubbles [n] at these times; arrays of one length, or numbers.

    A bubble's sound depends on its radius and rise only: it is looked up in a bank of 192 radii (0.12 to 30 mm).
    """
    start = np.round(np.asarray(at_s) * rate_hz).astype(int)
    gains = np.broadcast_to(np.asarray(gain, float), start.shape)
    rises = np.round(np.broadcast_to(np.asarray(rise, float), start.shape), 3)
    place = np.log(np.broadcast_to(np.asarray(radius_mm, float), start.shape) / _LOWEST_MM)
    size = np.clip(np.round(place / np.log(_HIGHEST_MM / _LOWEST_MM) * (_SIZES - 1)), 0, _SIZES - 1).astype(int)
    out = np.zeros(n)
    inside = (start >= 0) & (start < n)
    for begin, loud, row, rising in zip(start[inside], gains[inside], size[inside], rises[inside], strict=True):
        grain = _bubble(int(row), float(rising), rate_hz)
        stretch = out[begin : begin + len(grain)]
        stretch += loud * grain[: len(stretch)]
    return out


@lru_cache(maxsize=4096)
def _bubble(size: int, rise: float, rate_hz: int) -> Samples:
    """One bubble of amplitude 1; empty above the rate's top."""
    radius_m = _LOWEST_MM * (_HIGHEST_MM / _LOWEST_MM) ** (size / (_SIZES - 1)) * 1e-3
    pitch_hz = 3.0 / radius_m
    damping_per_s = 0.13 / radius_m + 0.0072 * radius_m**-1.5
    if pitch_hz > 0.46 * rate_hz:
        return np.zeros(0)
    time_s = np.arange(int(_HEARD_DECAYS / damping_per_s * rate_hz) + 16) / rate_hz
    cycles = pitch_hz * (time_s + 0.5 * rise * damping_per_s * time_s**2)
    envelope = np.exp(-time_s * damping_per_s) * (1 - np.exp(-time_s / _ATTACK_S))
    return np.asarray(np.sin(2 * np.pi * cycles) * envelope)
