"""When small things happen inside one segment or event: in seconds from its beginning."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.performance import Samples


def poisson_times(n: int, rate_hz: int, rng: np.random.Generator, per_s: float | Samples) -> Samples:
    """Independent arrivals within [n] samples, ascending; ``per_s`` is a number or a curve [n] of rates."""
    if isinstance(per_s, float | int):
        count = rng.poisson(per_s * n / rate_hz)
        return np.asarray(np.sort(rng.random(count)) * n / rate_hz)
    total = np.cumsum(np.maximum(per_s, 0.0)) / rate_hz
    places = np.sort(rng.random(rng.poisson(total[-1]))) * total[-1]
    return np.asarray(np.searchsorted(total, places) / rate_hz)


def uneven_beats(
    duration_s: float, rng: np.random.Generator, per_s: float, jitter: float = 0.06, first_s: float = 0.0
) -> Samples:
    """A repeated gesture's times within ``duration_s``; ``jitter`` is the distances' relative deviation."""
    count = int(duration_s * per_s * 1.5) + 4
    gaps = np.clip(1 + jitter * rng.standard_normal(count), 0.3, None) / per_s
    at_s = first_s + np.concatenate([[0.0], np.cumsum(gaps)])
    return np.asarray(at_s[at_s < duration_s])


def bounces(gap_s: float, kept: float, count: int) -> tuple[Samples, Samples]:
    """Times and strengths of a bouncing thing, the first at 0 with strength 1; ``kept`` is the part of speed kept."""
    strength = float(kept) ** np.arange(count, dtype=float)
    return np.concatenate([[0.0], np.cumsum(gap_s * strength[:-1])]), strength


def power_law(rng: np.random.Generator, count: int, low: float, high: float, power: float) -> Samples:
    """Sizes [count] between ``low`` and ``high`` with the density size^-power."""
    place = rng.random(count)
    if abs(power - 1) < 1e-6:
        return np.asarray(low * (high / low) ** place)
    a = 1 - power
    return np.asarray((low**a + place * (high**a - low**a)) ** (1 / a))


def at_times(curve: Samples, at_s: Samples, rate_hz: int) -> Samples:
    """Values of a curve [n] at these times."""
    return np.asarray(curve[np.clip((at_s * rate_hz).astype(int), 0, len(curve) - 1)])
