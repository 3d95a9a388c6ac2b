"""Struck things: short noise bursts, small stiff bodies of many modes, bells of few, and the placing of their blows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.instruments.mode_bank import LN_1000, decaying_modes
from synth.voices.ambient.catalogue.parts.mix import coloured_noise
from synth.voices.ambient.catalogue.performance import Samples

_CONVOLVED_MODES = 6  # resonators, from which on a convolution is cheaper


def impulses(n: int, at: Samples, gain: Samples | float = 1.0) -> Samples:
    """Unit impulses at fractional sample positions `at`, each shared by its two neighbours, shape [n]."""
    at = np.asarray(at, np.float64)
    inside = (at >= 0) & (at < n - 1)
    gains = np.broadcast_to(np.asarray(gain, np.float64), at.shape)[inside]
    at = at[inside]
    if not len(at):
        return np.zeros(n)
    left = at.astype(np.int64)
    part = at - left
    return np.asarray(np.bincount(left, gains * (1 - part), n) + np.bincount(left + 1, gains * part, n))


def convolved(signal: Samples, kernel: Samples) -> Samples:
    """The signal through an impulse response, same length."""
    return np.asarray(
        scipy.signal.oaconvolve(signal.astype(np.float32), kernel.astype(np.float32))[: len(signal)], np.float64
    )


def add_at(out: Samples, at: Samples, gain: Samples, kernel: Samples) -> None:
    """Add the kernel to `out` at each sample position (rounded), cut at both ends.

    For tens of blows a second this is cheaper than a convolution, whose cost does not fall with their number.
    """
    for begin, level in zip(np.rint(at).astype(np.int64).tolist(), np.asarray(gain).tolist(), strict=True):
        first, last = max(begin, 0), min(begin + len(kernel), len(out))
        if first < last:
            out[first:last] += level * kernel[first - begin : last - begin]


def decay(rate_hz: int, fall_s: float, rise_s: float = 0.0) -> Samples:
    """An exponential fall with an optional exponential rise, until it has died to a thousandth."""
    seconds = np.arange(int(rate_hz * (fall_s * 7 + rise_s)) + 2) / rate_hz
    fall = np.exp(-seconds / fall_s)
    return fall * (1 - np.exp(-seconds / rise_s)) if rise_s else fall


def burst(rate_hz: int, rng: np.random.Generator, fall_s: float, *points: tuple[float, float]) -> Samples:
    """A noise burst of the colour of the level curve that falls with `fall_s`."""
    envelope = decay(rate_hz, fall_s)
    return coloured_noise(len(envelope), rate_hz, rng, *points) * envelope


def modes(
    rate_hz: int,
    hz: Samples | Sequence[float],
    fall_s: Samples | Sequence[float],
    gain: Samples | Sequence[float],
    rng: np.random.Generator,
) -> Samples:
    """Impulse response of a struck body: decaying sines at random phases, none near the Nyquist frequency."""
    falls = np.asarray(fall_s, np.float64)
    n = int(rate_hz * min(6.0, float(falls.max()) * 7)) + 2
    return decaying_modes(n, rate_hz, hz, falls * LN_1000, gain, rng.uniform(0, 2 * np.pi, len(falls)))


def body(
    rate_hz: int,
    rng: np.random.Generator,
    fall_s: float,
    low_hz: float,
    high_hz: float,
    count: int = 40,
    tilt_db: float = 0.0,
) -> Samples:
    """A small stiff body: inharmonic modes at random, each dying quicker the higher it is; tilt in dB an octave."""
    hz = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), count))
    octaves = np.log2(hz / low_hz)
    falls = fall_s * 2.0 ** (-0.4 * octaves) * rng.uniform(0.6, 1.3, count)
    return modes(rate_hz, hz, falls, rng.uniform(0.3, 1.0, count) * 10 ** (tilt_db * octaves / 20), rng)


def rung(
    excitation: Samples,
    rate_hz: int,
    hz: Sequence[float] | Samples,
    fall_s: Sequence[float] | Samples,
    gain: Sequence[float] | Samples,
) -> Samples:
    """Long modes (a bell's) driven by an excitation [n]: a resonator a mode, or one convolution for many modes."""
    n = len(excitation)
    if len(hz) >= _CONVOLVED_MODES:
        turns, falls = np.asarray(hz, np.float64), np.asarray(fall_s, np.float64)
        length = min(n, int(falls.max() * LN_1000 * rate_hz) + 1)
        kernel = decaying_modes(length, rate_hz, turns, falls * LN_1000, gain, turns * (2 * np.pi / rate_hz))
        return convolved(excitation, kernel)
    out = np.zeros(n)
    for frequency, fall, level in zip(hz, fall_s, gain, strict=True):
        if frequency < 0.46 * rate_hz:
            radius = np.exp(-1 / (fall * rate_hz))
            turn = 2 * np.pi * frequency / rate_hz
            out += (
                level
                * np.sin(turn)
                * scipy.signal.lfilter([1.0], [1.0, -2 * radius * np.cos(turn), radius**2], excitation)
            )
    return np.asarray(out)


def together(*kernels: Samples) -> Samples:
    """The sum of kernels of unequal length."""
    out = np.zeros(max(len(kernel) for kernel in kernels))
    for kernel in kernels:
        out[: len(kernel)] += kernel
    return out


def blows(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    times_s: NDArray[np.float64],
    make: Callable[[], Samples],
    variants: int = 6,
    gain: Samples | None = None,
) -> Samples:
    """Each event one of several drawn kernels, so that no two blows in a row are the same, shape [n]."""
    times_s = np.asarray(times_s, np.float64)
    which = rng.integers(0, variants, len(times_s))
    gains = rng.uniform(0.6, 1.1, len(times_s)) * (1.0 if gain is None else gain)
    out = np.zeros(n)
    for variant in range(variants):
        chosen = which == variant
        kernel = make()
        add_at(out, times_s[chosen] * rate_hz, gains[chosen], kernel)
    return out
