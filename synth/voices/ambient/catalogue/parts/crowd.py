"""Parts of crowds: claps, shouts, nonsense talk, and many of them laid over one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from synth.voices.ambient.catalogue.parts.curves import decay, swell, unit_peak
from synth.voices.ambient.catalogue.parts.formants import band_pass
from synth.voices.ambient.catalogue.parts.modes import decaying_modes
from synth.voices.ambient.catalogue.parts.space import add_at, joined
from synth.voices.ambient.catalogue.parts.utterance import Call, utter, vowel

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


def clap(rate_hz: int, rng: np.random.Generator) -> Doubles:
    """One clap: a burst of noise through the cavity between the hands, deep when cupped, and the slap of the skin.

    After Repp, "The sound of two hands clapping" (1987): the cavity rings at 500 to 1900 Hz for 10 to 20 ms.
    """
    n = int(0.06 * rate_hz)
    cavity_hz = np.exp(rng.uniform(np.log(500), np.log(1900)))
    burst = rng.standard_normal(n) * decay(n, rate_hz, rng.uniform(0.0025, 0.006))
    burst *= np.minimum(1, np.arange(n) / (0.0006 * rate_hz))
    ring = decaying_modes(
        n, rate_hz, [cavity_hz, cavity_hz * rng.uniform(1.7, 2.4)], [0.02, 0.014], [1, 0.6], rng.uniform(0, 6.28, 2)
    )
    cup = signal.fftconvolve(burst, ring)[:n]
    slap = band_pass(burst, rate_hz, 1200, 9000)
    return unit_peak(unit_peak(cup) + rng.uniform(0.15, 0.6) * unit_peak(slap))


def claps(rate_hz: int, rng: np.random.Generator, kinds: int) -> list[Doubles]:
    """``kinds`` different pairs of hands."""
    return [clap(rate_hz, rng) for _ in range(kinds)]


def dense(n: int, rate_hz: int, bank: Sequence[Doubles], times_s: Doubles, gains: Doubles, kinds: Integers) -> Doubles:
    """Short sounds of a bank at many times, [n]: one convolution a kind, however many times it is heard.

    Args:
        n: samples.
        rate_hz: sample rate.
        bank: the sounds, [K] arrays.
        times_s: when each one begins, [E]; those outside 0 .. n are left out.
        gains: how loud, [E].
        kinds: which of the bank, [E].
    """
    at = (times_s * rate_hz).astype(np.int64)
    inside = (at >= 0) & (at < n)
    out = np.zeros(n)
    for kind, sound in enumerate(bank):
        mine = inside & (kinds == kind)
        train = np.bincount(at[mine], weights=gains[mine], minlength=n)
        out += signal.oaconvolve(train, sound)[:n]
    return out


def overlaid(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    bank: Sequence[Doubles],
    people: int,
    pause_s: tuple[float, float],
    range_db: float = 12.0,
) -> Doubles:
    """``people`` voices at once, each speaking sounds of ``bank`` with pauses, up to ``range_db`` softer; [n]."""
    out = np.zeros(n)
    for _ in range(people):
        gain = 10 ** (-rng.uniform(0, range_db) / 20)
        at = -int(rng.uniform(0, 1) * rate_hz)
        while at < n:
            one = bank[int(rng.integers(len(bank)))]
            add_at(out, gain * one, at)
            at += len(one) + int(rng.uniform(*pause_s) * rate_hz)
    return out


_GLIDES = (("a", "a"), ("u", "u"), ("e", "a"), ("i", "e"), ("o", "u"), ("a", "e"))


def shout(rate_hz: int, rng: np.random.Generator, excitement: float, low: bool) -> Doubles:
    """One drawn-out shout of a man (``low``) or a woman."""
    pitch = (rng.uniform(240, 400) if low else rng.uniform(420, 780)) * (0.8 + 0.3 * excitement)
    start, end = _GLIDES[int(rng.integers(len(_GLIDES)))]
    call = Call(
        pitch=((0, 0.85), (0.2, 1.1), (0.7, 1.08), (1, 0.8)),
        level=((0, 0), (0.12, 1), (0.7, 0.9), (1, 0)),
        formants=vowel(start, end, 0.95 if low else 1.12, 1.4),
        brightness_hz=6500,
        jitter=0.018,
        shimmer=0.12,
        roughness=0.2 * excitement,
        breath=0.1,
        floor_db=-34,
    )
    return utter(call, pitch, rng.uniform(0.6, 1.7), rate_hz, rng)


def nonsense(rate_hz: int, rng: np.random.Generator, pitch_hz: float, size: float, syllables: int) -> Doubles:
    """Talk without words: vowels that glide into one another, fricatives and stops, about five syllables a second."""
    parts: list[Doubles | float] = []
    before = "@"
    for i in range(syllables):
        now = "aeiou@"[int(rng.integers(6))]
        kind = rng.random()
        if kind < 0.5:
            n = int(rng.uniform(0.04, 0.1) * rate_hz)
            centre = rng.uniform(2000, 7000)
            hiss = band_pass(rng.standard_normal(n), rate_hz, 0.7 * centre, 1.4 * centre) * swell(n, 0.7)
            parts.append(0.14 * unit_peak(hiss))
        elif kind < 0.75:
            parts.append(rng.uniform(0.03, 0.07))
        pitch = pitch_hz * (1.12 - 0.3 * i / syllables) * rng.uniform(0.92, 1.12)
        call = Call(
            pitch=((0, 1), (0.4, 1.05), (1, 0.93)),
            level=((0, 0.1), (0.25, 1), (0.7, 0.9), (1, 0.1)),
            formants=vowel(before, now, size),
            brightness_hz=3500,
            jitter=0.015,
            breath=0.04,
        )
        parts.append(utter(call, pitch, rng.uniform(0.11, 0.22), rate_hz, rng) * rng.uniform(0.5, 1))
        before = now
    return joined(rate_hz, parts)
