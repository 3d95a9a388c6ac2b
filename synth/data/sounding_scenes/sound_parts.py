"""What the sounds of :mod:`synth.data.sounding_scenes.sounds` are put together from: noise, harmonics, resonances,
decays, bursts.

Importable without torch. Shapes: N samples at 22050 Hz, float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from synth.data.corpora.av_clip import RATE_HZ

Reals: TypeAlias = NDArray[np.float64]


def clock(count: int) -> Reals:
    """Times of the samples in s."""
    return np.arange(count) / RATE_HZ


def band(count: int, low_hz: float, high_hz: float, rng: np.random.Generator) -> Reals:
    """Noise between two frequencies, with a deviation of 1."""
    sos = signal.butter(2, [low_hz, min(high_hz, 0.49 * RATE_HZ)], "bandpass", fs=RATE_HZ, output="sos")
    noise: Reals = signal.sosfilt(sos, rng.standard_normal(count))
    return noise / max(float(noise.std()), 1e-9)


def wander(count: int, rate_hz: float, rng: np.random.Generator) -> Reals:
    """A curve in 0..1 that turns ``rate_hz`` times a second."""
    knots = rng.random(max(2, int(np.ceil(count / RATE_HZ * rate_hz)) + 1))
    return np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)


def harmonics(pitch_hz: Reals, tilt: float, highest: int = 24) -> Reals:
    """Harmonics of a pitch [N], each ``k ** -tilt`` strong, none above the Nyquist frequency."""
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    top = float(pitch_hz.max())
    return np.asarray(
        sum((np.sin(k * phase) * k**-tilt for k in range(1, highest + 1) if k * top < 0.48 * RATE_HZ), np.zeros(1))
        + np.zeros(len(pitch_hz))
    )


def formants(source: Reals, peaks: Sequence[tuple[float, float, float]]) -> Reals:
    """A source through resonances (frequency in Hz, bandwidth in Hz, gain)."""
    out = np.zeros(len(source))
    for centre_hz, width_hz, gain in peaks:
        b, a = signal.iirpeak(min(centre_hz, 0.47 * RATE_HZ), max(centre_hz / width_hz, 0.5), fs=RATE_HZ)
        out += gain * signal.lfilter(b, a, source)
    return out


def hump(count: int, rise: float = 0.15) -> Reals:
    """A rise over ``rise`` of the length and a fall over the rest."""
    x = np.linspace(0, 1, count)
    return np.asarray(np.minimum(x / rise, 1) * np.clip((1 - x) / (1 - rise), 0, 1) ** 0.7)


def modes(count: int, modes: Sequence[tuple[float, float, float]]) -> Reals:
    """Decaying sines (frequency in Hz, time constant in s, gain)."""
    t = clock(count)
    return np.asarray(sum((g * np.exp(-t / d) * np.sin(2 * np.pi * f * t) for f, d, g in modes), np.zeros(count)))


def times(count: int, gap_s: tuple[float, float], rng: np.random.Generator) -> list[int]:
    """Starts in samples, with random gaps; the first comes early."""
    times, now = [], float(rng.uniform(0, min(0.3, gap_s[0])))
    while now * RATE_HZ < count:
        times.append(int(now * RATE_HZ))
        now += float(rng.uniform(*gap_s))
    return times


def lay(out: Reals, start: int, part: Reals) -> None:
    """Add a part to a sound from a sample on, in place, cut where it would last longer."""
    part = part[: len(out) - start]
    out[start : start + len(part)] += part


def repeated(count: int, gap_s: tuple[float, float], rng: np.random.Generator, one: Callable[[], Reals]) -> Reals:
    """What ``one`` gives, again and again with random gaps between the starts, each at a level of its own."""
    out = np.zeros(count)
    for start in times(count, gap_s, rng):
        lay(out, start, one() * rng.uniform(0.6, 1))
    return out
