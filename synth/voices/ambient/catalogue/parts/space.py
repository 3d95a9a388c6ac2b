"""Single sounds put into a longer one: at a time, in turn, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def add_at(out: Doubles, sound: Doubles, at: int) -> None:
    """Add ``sound`` into ``out`` from sample ``at`` on; what lies outside ``out`` is cut off."""
    first = max(0, -at)
    last = min(len(sound), len(out) - at)
    if last > first:
        out[at + first : at + last] += sound[first:last]


def in_turn(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    sound: Callable[[], Doubles],
    pause_s: Callable[[], float],
    start_s: float = 0.15,
) -> Doubles:
    """``sound()``, then silence for ``pause_s()``, and so on until ``n`` samples are full, [n]."""
    out = np.zeros(n)
    at = int(start_s * rate_hz * rng.uniform(0.3, 1.5))
    while at < n:
        one = sound()
        add_at(out, one, at)
        at += max(1, int(len(one) + pause_s() * rate_hz))
    return out


def joined(rate_hz: int, parts: Iterable[Doubles | float]) -> Doubles:
    """Sounds one after the other; a number is so many seconds of silence."""
    return np.concatenate([np.zeros(max(0, int(p * rate_hz))) if isinstance(p, float | int) else p for p in parts])
