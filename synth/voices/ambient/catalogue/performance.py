"""One asked-for piece of sound: seed, rate, knobs over time, onsets; and what a source of samples has to do.

Everything random is keyed by (seed, stream, index) in a Philox generator (Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", SC 2011): no number depends on what was asked for before, so a sound is the same whole, in chunks, or
beside others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

CONTROL_RATE_HZ: Final = 50.0
_LEAST_RATE: Final = 1e-6  # events a second below which an inverse would be undefined


class Role(IntEnum):
    """What a generator is for: two roles never share numbers."""

    SEGMENT = 0
    EVENT = 1
    TIMES = 2
    BODY = 3
    WALK = 4
    ROOM = 5


def generator(seed: int, stream: str, role: Role, index: int = 0, sub: int = 0) -> np.random.Generator:
    """The generator of (seed, stream, role, index, sub); seed 0 .. 2**64 - 1, index may be negative."""
    name = int.from_bytes(hashlib.blake2b(stream.encode(), digest_size=8).digest(), "little")
    counter = np.array([0, sub, index % 2**64, int(role)], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=np.array([seed, name], dtype=np.uint64), counter=counter))


@dataclass(frozen=True)
class Curve:
    """A value over time: straight lines through ``values`` [K] at ``rate_hz``, both ends held.

    One value alone is a constant.
    """

    values: Samples
    rate_hz: float = CONTROL_RATE_HZ

    @classmethod
    def of(cls, value: float | Curve) -> Curve:
        """A curve as it is, or one that stays at a number."""
        return value if isinstance(value, Curve) else cls(np.array([float(value)]))

    def at(self, time_s: Samples) -> Samples:
        """The values at these times."""
        if len(self.values) == 1:
            return np.full(np.shape(time_s), self.values[0])
        return np.asarray(np.interp(time_s, np.arange(len(self.values)) / self.rate_hz, self.values))

    def value(self, time_s: float) -> float:
        """The value at one time."""
        return float(self.at(np.array([time_s]))[0])

    def integral(self, time_s: Samples) -> Samples:
        """The integral from 0 to each time, in closed form: cycles or events so far, where the curve is a rate."""
        if len(self.values) == 1:
            return np.asarray(self.values[0] * np.asarray(time_s, float))
        values, total = self._knots()
        position = np.asarray(time_s, float) * self.rate_hz
        knot = np.clip(np.floor(position), 0, len(values) - 1).astype(int)
        beyond = position - knot
        slope = np.where(position > 0, np.append(np.diff(values), 0.0)[knot], 0.0)
        return np.asarray(total[knot] + (values[knot] * beyond + 0.5 * slope * beyond**2) / self.rate_hz)

    def inverse_integral(self, amount: Samples) -> Samples:
        """The times at which the integral reaches these amounts; the curve may not be negative."""
        values, total = Curve(np.maximum(self.values, _LEAST_RATE), self.rate_hz)._knots()
        amount = np.asarray(amount, float)
        knot = np.clip(np.searchsorted(total, amount, "right") - 1, 0, len(values) - 1)
        missing = (amount - total[knot]) * self.rate_hz
        slope = np.where(amount > 0, np.append(np.diff(values), 0.0)[knot], 0.0)
        root = np.sqrt(np.maximum(values[knot] ** 2 + 2 * slope * missing, 0.0))
        return np.asarray((knot + 2 * missing / (values[knot] + root)) / self.rate_hz)

    def _knots(self) -> tuple[Samples, Samples]:
        """Values at the knots and the integral up to each of them."""
        steps = 0.5 * (self.values[1:] + self.values[:-1]) / self.rate_hz
        return self.values, np.concatenate([[0.0], np.cumsum(steps)])


@dataclass(frozen=True)
class Performance:
    """What is asked of a source.

    Attributes:
        seed: 0 .. 2**64 - 1.
        stream: names this sound among those of one result; another name gives independent numbers.
        rate_hz: 16000 .. 96000.
        knobs: name -> curve (a constant one where nothing drives it).
        onsets_s: when the picture says that things happen, ascending; None lets the rate knob decide.
        onset_gains: how strong each of them is, 1 as usual.
    """

    seed: int
    stream: str
    rate_hz: int
    knobs: Mapping[str, Curve] = field(default_factory=lambda: MappingProxyType({}))
    onsets_s: Samples | None = None
    onset_gains: Samples | None = None

    def part(self, name: str) -> Performance:
        """The same, for one of several sources that are heard together."""
        return replace(self, stream=f"{self.stream}/{name}")

    def generator(self, role: Role, index: int = 0, sub: int = 0) -> np.random.Generator:
        """This performance's generator for a role."""
        return generator(self.seed, self.stream, role, index, sub)


class Reader(Protocol):
    """One performance, open: gives any stretch of it, cheapest in ascending order."""

    def read(self, start: int, count: int) -> Samples:
        """Samples ``start`` .. ``start + count``, float64 [count]."""


class Source(Protocol):
    """What makes samples: any length, memory flat, the same bytes whole or in chunks."""

    def open(self, performance: Performance) -> Reader:
        """A reader of this performance."""
