"""Where a sound stands in time and in a room: single sounds put into a longer one, echoes, and a quiet background."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from synth.voices.ambient.catalogue.parts.curves import decay
from synth.voices.ambient.catalogue.parts.formants import band_pass, shape_spectrum

Doubles = NDArray[np.float64]

OUTDOORS = ((20.0, 0.0), (200.0, 0.0), (1000.0, -9.0), (8000.0, -24.0), (20_000.0, -40.0))
"""Spectrum of far traffic and air, (hz, dB)."""


def add_at(out: Doubles, sound: Doubles, at: int) -> None:
    """Add ``sound`` into ``out`` from sample ``at`` on; what lies outside ``out`` is cut off."""
    first = max(0, -at)
    last = min(len(sound), len(out) - at)
    if last > first:
        out[at + first : at + last] += sound[first:last]


def placed(n: int, rate_hz: int, sounds: Iterable[tuple[float, Doubles]]) -> Doubles:
    """Sounds at their times, ``(start_s, samples)``, added up, [n]."""
    out = np.zeros(n)
    for start_s, sound in sounds:
        add_at(out, sound, int(start_s * rate_hz))
    return out


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


def in_room(
    sound: Doubles, rate_hz: int, rng: np.random.Generator, t60_s: float, wet: float, bright_hz: float = 6000.0
) -> Doubles:
    """``sound`` [n] with the diffuse echo of a room: noise that falls by 60 dB in ``t60_s``; ``wet`` is its RMS gain.

    The model of Moorer, "About This Reverberation Business" (1979); the echo's first 8 ms are held back.
    """
    if wet <= 0:
        return sound
    length = int(t60_s * rate_hz)
    echo = rng.standard_normal(length) * decay(length, rate_hz, t60_s / 6.9)
    echo = band_pass(echo, rate_hz, 0, bright_hz)
    echo[: int(0.008 * rate_hz)] *= 0.2
    echo *= wet / np.sqrt(np.sum(echo**2))
    echo[0] += 1
    size = fft.next_fast_len(len(sound) + length, real=True)
    return np.asarray(fft.irfft(fft.rfft(sound, size) * fft.rfft(echo, size), size)[: len(sound)])


def with_background(
    sound: Doubles,
    rate_hz: int,
    rng: np.random.Generator,
    level_db: float,
    spectrum: tuple[tuple[float, float], ...] = OUTDOORS,
) -> Doubles:
    """``sound`` [n] over the tone of the place, whose RMS lies ``level_db`` (negative) under the sound's peak."""
    tone = shape_spectrum(rng.standard_normal(len(sound)), spectrum, rate_hz)
    peak = float(np.abs(sound).max(initial=0.0))
    return sound + tone * (10 ** (level_db / 20) * peak / tone.std())


def fitted(sound: Doubles, n: int, rate_hz: int) -> Doubles:
    """``sound`` in exactly ``n`` samples: silence after it, or its end faded out over 20 ms."""
    if len(sound) <= n:
        return np.concatenate([sound, np.zeros(n - len(sound))])
    cut = sound[:n].copy()
    fall = min(n, int(0.02 * rate_hz))
    cut[n - fall :] *= np.linspace(1, 0, fall)
    return cut
