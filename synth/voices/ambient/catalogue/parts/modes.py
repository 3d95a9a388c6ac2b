"""Decaying sines: the modes of struck things, coins and bubbles.

A decaying sine is the imaginary part of z^t, and z^(64 a + b) = z^(64 a) z^b: two short tables make a whole grain,
which is an order of magnitude cheaper than a sine and an exponential at each sample.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from synth.voices.ambient.catalogue.performance import Samples

_TABLE: Final = 64
_HEARD_DECAYS: Final = 5.2  # decay times after which a mode is 45 dB down, and cut
_CELLS: Final = 1 << 18  # samples computed together
_TOP: Final = 0.46  # of the rate: modes above it are left out


def rings(
    n: int,
    rate_hz: int,
    at_s: ArrayLike,
    gain: ArrayLike,
    frequency_hz: ArrayLike,
    decay_s: ArrayLike,
    attack_s: float = 0.0,
    rise_per_s: ArrayLike = 0.0,
) -> Samples:
    """The sum [n] of sines that begin at ``at_s`` and decay to 1/e in ``decay_s``; arrays of one length, or numbers.

    ``attack_s`` softens the beginning; ``rise_per_s`` is the relative growth of the frequency a second.
    """
    columns = np.broadcast_arrays(*(np.atleast_1d(v) for v in (at_s, gain, frequency_hz, decay_s, rise_per_s)))
    at, gains, frequencies, decays, rises = (np.ravel(column).astype(float) for column in columns)
    start = np.round(at * rate_hz).astype(int)
    used = (frequencies < _TOP * rate_hz) & (start >= 0) & (start < n) & (gains != 0)
    order = np.flatnonzero(used)[np.argsort(decays[used], kind="stable")]
    out = np.zeros(n + _TABLE)
    done = 0
    while done < len(order):
        some = order[done : done + _together(decays[order[done:]], rate_hz)]
        tables = min(-(-int(decays[some[-1]] * _HEARD_DECAYS * rate_hz) // _TABLE), -(-n // _TABLE)) or 1
        grains = _grains(tables, rate_hz, frequencies[some], decays[some], rises[some]) * gains[some, None]
        if attack_s > 0:
            grains *= 1 - np.exp(-np.arange(tables * _TABLE) / (attack_s * rate_hz))
        for begin, grain in zip(start[some], grains, strict=True):
            stretch = out[begin : begin + len(grain)]
            stretch += grain[: len(stretch)]
        done += len(some)
    return out[:n]


def _together(decays: Samples, rate_hz: int) -> int:
    """How many of these grains, ascending in length, are computed at once: alike in length, and not too many."""
    alike = int(np.searchsorted(decays, 1.5 * decays[0] + 0.001, "right"))
    longest = decays[alike - 1] * _HEARD_DECAYS * rate_hz + _TABLE
    return max(1, min(alike, int(_CELLS / longest)))


def _grains(tables: int, rate_hz: int, frequencies: Samples, decays: Samples, rises: Samples) -> Samples:
    """Grains [K, tables * 64] of amplitude 1."""
    if np.any(rises):
        time_s = np.arange(tables * _TABLE) / rate_hz
        cycles = frequencies[:, None] * (time_s + 0.5 * rises[:, None] * time_s**2)
        return np.asarray(np.sin(2 * np.pi * cycles) * np.exp(-time_s / decays[:, None]))
    pole = (2j * np.pi * frequencies - 1 / decays) / rate_hz
    coarse = np.exp(pole[:, None] * (_TABLE * np.arange(tables)))
    fine = np.exp(pole[:, None] * np.arange(_TABLE))
    left = np.stack([coarse.real, coarse.imag], axis=-1)
    right = np.stack([fine.imag, fine.real], axis=1)
    return np.asarray(np.matmul(left, right).reshape(len(pole), -1))


def struck(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    at_s: ArrayLike,
    gain: ArrayLike,
    frequency_hz: ArrayLike,
    decay_s: ArrayLike,
    contact_s: float = 0.0003,
    spread: float = 0.5,
) -> Samples:
    """One body of modes struck at ``at_s``: each blow excites the modes differently.

    ``spread`` is the deviation of the modes' log gains from blow to blow; a soft blow, ``contact_s`` long, leaves the
    high modes silent.
    """
    blows = np.atleast_1d(np.asarray(at_s, float))
    frequencies, decays = np.asarray(frequency_hz, float), np.broadcast_to(decay_s, np.shape(frequency_hz))
    shape = (len(blows), len(frequencies))
    gains = np.broadcast_to(gain, blows.shape)[:, None] * np.exp(-((frequencies * contact_s) ** 2))
    gains = gains * rng.lognormal(0, spread, shape) * rng.choice([-1.0, 1.0], shape)
    return rings(
        n,
        rate_hz,
        np.repeat(blows, len(frequencies)),
        gains.ravel(),
        np.tile(frequencies, len(blows)),
        np.tile(decays, len(blows)),
    )


def random_modes(
    rng: np.random.Generator, count: int, low_hz: float, high_hz: float, low_s: float, high_s: float
) -> tuple[Samples, Samples]:
    """Frequencies (log-uniform, ascending) and decay times (higher ones die sooner, as 1/sqrt) of a dense body."""
    frequencies = np.sort(low_hz * (high_hz / low_hz) ** rng.random(count))
    decays = rng.uniform(low_s, high_s, count) * np.sqrt(np.sqrt(low_hz * high_hz) / frequencies)
    return frequencies, decays
