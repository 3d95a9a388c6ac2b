"""Control curves: straight lines, gates, the turns of a shaft whose speed changes, a hand on a throttle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def line(n: int, rate_hz: int, points: Sequence[tuple[float, float]]) -> Samples:
    """Straight lines through (seconds, value), shape [n]."""
    seconds, values = np.array(points, dtype=np.float64).T
    return np.asarray(np.interp(np.arange(n) / rate_hz, seconds, values))


def gates(
    n: int,
    rate_hz: int,
    on_s: ArrayLike,
    off_s: ArrayLike,
    edge_s: float = 0.004,
) -> Samples:
    """1 from on_s[i] to off_s[i], 0 between, with raised-cosine edges of `edge_s`, shape [n]; spans may not overlap."""
    on, off = np.asarray(on_s, np.float64), np.asarray(off_s, np.float64)
    edges = np.stack([on, on + edge_s, np.maximum(off, on + edge_s), np.maximum(off, on + edge_s) + edge_s], 1)
    levels = np.tile([0.0, 1.0, 1.0, 0.0], len(on))
    if not len(on):
        return np.zeros(n)
    straight = np.interp(np.arange(n) / rate_hz, np.maximum.accumulate(edges.ravel()), levels, 0.0, 0.0)
    return np.asarray(straight * straight * (3.0 - 2.0 * straight))


def fade_out(n: int, rate_hz: int, length_s: float) -> Samples:
    """1, but for the last `length_s`, in which it falls to 0: what an event's tail is cut by, shape [n]."""
    return gates(n, rate_hz, [-1.0 - length_s], [n / rate_hz - length_s], length_s)


def phase(hz: Samples | float, n: int, rate_hz: int, start: float = 0.0) -> Samples:
    """Cycles gone through at each sample by something that turns at hz [n] or at a constant hz, shape [n]."""
    if isinstance(hz, float | int):
        return np.asarray(start + np.arange(1, n + 1) * (hz / rate_hz))
    return np.asarray(start + np.cumsum(hz) / rate_hz)


def crossings(
    cycles: Samples, rng: np.random.Generator, per_cycle: float = 1.0, jitter: float = 0.0
) -> tuple[Samples, NDArray[np.int64]]:
    """Where `cycles` passes each 1 / per_cycle: sample positions (sorted) and the running number of each event.

    Args:
        cycles: rising phase in cycles, shape [n].
        rng: moves the events.
        per_cycle: events a cycle.
        jitter: standard deviation of an event's place, as a share of the step between two.
    """
    steps = cycles * per_cycle
    number = np.arange(np.floor(steps[0]) + 1, np.floor(steps[-1]) + 1)
    wanted = np.sort(number + jitter * rng.standard_normal(len(number))) if jitter else number
    return np.asarray(np.interp(wanted, steps, np.arange(len(steps)))), number.astype(np.int64)


def throttle(walk: Walk, gap_s: float) -> Samples:
    """How far a restless hand opens the throttle, 0 to 1: about one blip every `gap_s`, shape [n of the walk]."""
    level = np.clip(1.9 * walk(1.6 / gap_s, tag="throttle") - 0.35, 0.0, 1.0)
    return np.asarray(level * level * (3.0 - 2.0 * level))
