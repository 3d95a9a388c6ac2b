"""Parts of crowds: claps, shouts, nonsense talk, and many of them laid over one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.curves import swell
from synth.voices.ambient.catalogue.parts.space import add_at, joined
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import band_pass
from synth.voices.ambient.catalogue.parts.voice.utterance import Call, utter, vowel

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


def claps(rate_hz: int, rng: np.random.Generator, kinds: int) -> list[Doubles]:
    """``kinds`` different claps at energy 1: a burst of noise through the cavity between the hands, and the slap.

    After Repp, "The sound of two hands clapping" (1987); the cavity's pitch, its width and the two decays of the burst
    were fitted to what a tagger takes for applause.
    """
    n = int(0.12 * rate_hz)
    hz = np.fft.rfftfreq(n, 1 / rate_hz)[None]
    cavity_hz = 1600 * np.exp(0.12 * rng.standard_normal((kinds, 1)))
    quick_s = 0.0023 * np.exp(0.4 * rng.standard_normal((kinds, 1)))
    t = np.arange(n)[None] / rate_hz
    burst = rng.standard_normal((kinds, n)) * (np.exp(-t / quick_s) + 0.095 * np.exp(-t / 0.057))
    cavity = 1 / np.sqrt(1 + ((hz - cavity_hz) * (3.0 / cavity_hz)) ** 2)
    slap = 0.3 / (1 + ((hz - 3500) / 2500) ** 2)
    sound = np.fft.irfft(np.fft.rfft(burst) * (cavity + slap), n)
    return list(sound / np.sqrt(np.sum(sound**2, axis=1, keepdims=True)))


def dense(n: int, rate_hz: int, bank: Sequence[Doubles], times_s: Doubles, gains: Doubles, kinds: Integers) -> Doubles:
    """Short sounds of a bank at many times, [n].

    Args:
        n: samples.
        rate_hz: sample rate.
        bank: the sounds, [K] arrays.
        times_s: when each one begins, [E]; those that begin before 0 or after n are left out.
        gains: how loud, [E].
        kinds: which of the bank, [E].
    """
    out = np.zeros(n + max(len(sound) for sound in bank))
    at = (times_s * rate_hz).astype(np.int64)
    for event in np.flatnonzero((at >= 0) & (at < n)):
        sound = bank[kinds[event]]
        out[at[event] : at[event] + len(sound)] += gains[event] * sound
    return out[:n]


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
    """One drawn-out shout of a man (``low``) or a woman; ``excitement`` 0 to 1 raises the pitch."""
    pitch = (450 if low else 622) * rng.uniform(0.8, 1.25) * (0.86 + 0.2 * excitement)
    start, end = _GLIDES[int(rng.integers(len(_GLIDES)))]
    call = Call(
        pitch=((0, 0.85), (0.2, 1.1), (0.7, 1.08), (1, 0.8)),
        level=((0, 0), (0.12, 1), (0.7, 0.9), (1, 0)),
        formants=vowel(start, end, 0.89 if low else 1.12, 1.7),
        brightness_hz=10_200,
        jitter=0.026,
        shimmer=0.22,
        roughness=0.2,
        breath=0.03,
        floor_db=-45,
    )
    return utter(call, pitch, 0.53 * rng.uniform(0.5, 1.5), rate_hz, rng)


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
