"""Short bursts of noise: the clicks of grains, and the blows on dense, real things octave by octave.

A struck plank or plate has so many modes that its blow is a burst of noise in each octave, with that octave's level and
decay; a handful of clean modes reads as a musical instrument.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, signal

from synth.voices.ambient.catalogue.performance import Samples

OCTAVES_HZ: Final = np.array([63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 14000.0])
"""Centres of the bands of :func:`blows`: octaves, and what is above them."""

_BANK_S: Final = 2.0
_BANK_SEED: Final = 20_011
_UNHEARD_DB: Final = 50.0  # below the loudest octave: left out
_HEARD_DECAYS: Final = 5.8  # decay times after which a burst is 50 dB down


def impulses(n: int, rate_hz: int, at_s: Samples, gain: ArrayLike = 1.0) -> Samples:
    """Unit impulses [n] times ``gain`` at these times; those outside are left out."""
    at = np.round(np.asarray(at_s) * rate_hz).astype(int)
    inside = (at >= 0) & (at < n)
    weights = np.broadcast_to(np.asarray(gain, float), at.shape)[inside]
    return np.asarray(np.bincount(at[inside], weights, n)[:n], float)


def clicks(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    at_s: Samples,
    gain: ArrayLike,
    decay_s: ArrayLike,
    attack_s: float = 0.0,
    lengths: int = 3,
) -> Samples:
    """Bursts of white noise that decay exponentially (to 1/e in ``decay_s``), any number of them, [n].

    They are sorted into ``lengths`` classes of decay, and the noise is under the recursively made sum of their powers,
    so the cost does not grow with the number of bursts.
    """
    decays = np.broadcast_to(np.asarray(decay_s, float), np.shape(at_s))
    gains = np.broadcast_to(np.asarray(gain, float), np.shape(at_s))
    power = np.zeros(n)
    if not len(decays):
        return power
    logs = np.log(decays)
    low, high = float(logs.min()), float(logs.max())
    classes = 1 if high - low < 0.05 else lengths
    which = np.minimum(((logs - low) / max(1e-9, high - low) * classes).astype(int), classes - 1)
    for number in range(classes):
        chosen = which == number
        if chosen.any():
            typical_s = float(np.exp(logs[chosen].mean()))
            train = impulses(n, rate_hz, np.asarray(at_s)[chosen], gains[chosen] ** 2)
            power += _decaying(train, 0.5 * typical_s * rate_hz)
            if attack_s > 0:
                power -= _decaying(train, 0.5 * typical_s * attack_s / (typical_s + attack_s) * rate_hz)
    return np.asarray(np.sqrt(np.maximum(power, 0.0)) * rng.standard_normal(n, dtype=np.float32))


def _decaying(train: Samples, samples: float) -> Samples:
    return np.asarray(signal.lfilter([1.0], [1.0, -np.exp(-1 / max(0.3, samples))], train))


def blows(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    at_s: ArrayLike,
    gain: ArrayLike,
    level_db: ArrayLike,
    decay_ms: ArrayLike,
    spread_db: float = 3.0,
    attack_s: float = 0.0003,
) -> Samples:
    """Blows [n] at ``at_s``: in each of :data:`OCTAVES_HZ` a burst of noise with its level [9] and decay time [9].

    0 dB is an RMS of 1 at a burst's beginning. ``spread_db`` is the deviation of a band's level from blow to blow;
    ``attack_s`` how soft the blow is.
    """
    times = np.atleast_1d(np.asarray(at_s, float))
    gains = np.broadcast_to(np.asarray(gain, float), times.shape)
    bank = octave_bank(rate_hz)
    levels = np.broadcast_to(level_db, OCTAVES_HZ.shape)[: len(bank)]
    decays = np.broadcast_to(decay_ms, OCTAVES_HZ.shape)[: len(bank)] * 1e-3
    out = np.zeros(n)
    for begin, strength in zip(np.round(times * rate_hz).astype(int), gains, strict=True):
        amplitudes = strength * 10 ** ((levels + spread_db * rng.standard_normal(len(bank))) / 20)
        lengths = decays * rng.lognormal(0, 0.15, len(bank))
        places = rng.integers(0, bank.shape[1] // 2, len(bank))
        if not 0 <= begin < n:
            continue
        for row, (amplitude, decay_s, place) in enumerate(zip(amplitudes, lengths, places, strict=True)):
            if levels[row] < levels.max() - _UNHEARD_DB:
                continue
            length = min(int(decay_s * _HEARD_DECAYS * rate_hz) + 32, bank.shape[1] // 2, n - begin)
            at = np.arange(length) / rate_hz
            envelope = np.exp(-at / decay_s)
            soft_s = 0.5 * max(attack_s, 0.15 / OCTAVES_HZ[row])
            rise_s = decay_s * soft_s / (decay_s + soft_s)  # exp(-t / decay) (1 - exp(-t / soft))
            rising = at[: int(10 * rise_s * rate_hz) + 1]
            envelope[: len(rising)] -= np.exp(-rising / rise_s)
            out[begin : begin + length] += amplitude * envelope * bank[row, place : place + length]
    return out


def peaked(peak_hz: float, low_db: float, high_db: float) -> Samples:
    """Levels [9] for :func:`blows`: 0 dB at ``peak_hz``, falling so many dB an octave below and above it."""
    octaves = np.log2(OCTAVES_HZ / peak_hz)
    return np.where(octaves < 0, octaves * low_db, -octaves * high_db)


@lru_cache(maxsize=4)
def octave_bank(rate_hz: int) -> NDArray[np.float32]:
    """Noise of one octave each at an RMS of 1, [bands below the rate's top, 2 s]; read from a random place on."""
    n = int(_BANK_S * rate_hz)
    rng = np.random.default_rng(_BANK_SEED)
    frequency = np.maximum(fft.rfftfreq(n, 1 / rate_hz), 1.0)
    rows = []
    for centre in OCTAVES_HZ[0.4 * rate_hz > OCTAVES_HZ]:
        distance = np.log2(frequency / centre)
        shape = 1 / np.sqrt(1 + (2 * distance) ** 8)
        noise = fft.irfft(fft.rfft(rng.standard_normal(n)) * shape, n)
        rows.append(noise / noise.std())
    return np.asarray(rows, np.float32)
