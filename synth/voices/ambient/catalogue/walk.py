"""Slow random curves over the whole of a sound: gusts, swarms and moods that outlast a segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.performance import Performance, Role, Samples

_POINTS_PER_TURN: Final = 32
_BLOCK: Final = 64


@dataclass(frozen=True)
class Walk:
    """Value noise (Perlin) at one place in a performance: random levels on a lattice in time, smoothly joined.

    Called with turns a second, it gives float64 [n] between ``low`` and ``high``, n and the start being those of the
    segment. Calls with another ``tag`` are independent; the curve is the same whoever asks, in whatever segment.
    """

    performance: Performance
    start_s: float
    n: int

    def __call__(self, per_s: float, low: float = 0.0, high: float = 1.0, tag: str = "") -> Samples:
        """One curve with ``per_s`` turns a second."""
        rate_hz = self.performance.rate_hz
        step = max(1, int(rate_hz / (per_s * _POINTS_PER_TURN)))
        start = round(self.start_s * rate_hz)
        grid = np.arange(start // step, (start + self.n) // step + 2) * step
        place = grid / rate_hz * per_s
        turn = np.floor(place).astype(int)
        levels = self.levels(int(turn[0]), int(turn[-1] - turn[0]) + 2, tag)
        inside = place - turn
        blend = inside * inside * (3 - 2 * inside)
        at = turn - turn[0]
        coarse = levels[at] + (levels[at + 1] - levels[at]) * blend
        smooth = np.interp(start + np.arange(self.n), grid, coarse)
        return np.asarray(low + (high - low) * smooth)

    def levels(self, first: int, count: int, tag: str = "") -> Samples:
        """Numbers ``first`` .. ``first + count`` - 1 of an endless row, uniform in [0, 1): one a wave, say."""
        performance = self.performance.part(f"walk {tag}")
        blocks = range(first // _BLOCK, (first + count) // _BLOCK + 1)
        drawn = np.concatenate([performance.generator(Role.WALK, block).random(_BLOCK) for block in blocks])
        return np.asarray(drawn[first - _BLOCK * blocks[0] :][:count])
