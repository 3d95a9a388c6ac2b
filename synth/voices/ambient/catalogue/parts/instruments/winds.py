"""Blown instruments: sums of harmonics whose balance follows loudness, reeds that beat, and breath.

Brass grows brighter with loudness (Risset and Mathews, "Analysis of musical-instrument tones", 1969).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.curves import wander
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import band_pass
from synth.voices.ambient.catalogue.parts.voice.voice_source import pulses

Doubles = NDArray[np.float64]


def harmonics(pitch_hz: Doubles, rate_hz: int, gains: Sequence[float | Doubles]) -> Doubles:
    """Sum of harmonics of ``pitch_hz`` [n]; ``gains`` are numbers or curves [n], from the first; -> [n].

    Clenshaw's recurrence for a sum of sines: two multiplications a harmonic.
    """
    phase = np.cumsum(pitch_hz) * (2 * np.pi / rate_hz)
    most = int(0.45 * rate_hz / pitch_hz.max())
    twice = 2 * np.cos(phase)
    later = np.zeros(len(pitch_hz))
    latest = np.zeros(len(pitch_hz))
    for gain in reversed(gains[:most]):
        later, latest = gain + twice * later - latest, later
    return later * np.sin(phase)


def brass(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    pitch_hz: float,
    *,
    level: float,
    brightness: float,
    cut_hz: float,
    from_hz: float,
    slide_s: float,
) -> Doubles:
    """One note of a brass instrument, [n]: ``from_hz`` is the note before, from which a slide of ``slide_s`` comes."""
    t = np.arange(n) / rate_hz
    loud = np.minimum(1, t / 0.045) ** 1.3 * np.clip((n / rate_hz - t) / 0.05, 0, 1)
    loud = loud * (0.82 + 0.18 * np.exp(-t / 0.08)) * (1 + 0.03 * wander(n, rate_hz, rng, 6))
    pitch = pitch_hz * (1 - 0.02 * np.exp(-t / 0.02) + 0.003 * np.minimum(1, t / 0.3) * np.sin(2 * np.pi * 5.2 * t))
    pitch = pitch * (1 + 0.001 * wander(n, rate_hz, rng, 5))
    if slide_s > 0:
        pitch = pitch * (from_hz / pitch_hz) ** np.exp(-t / (slide_s / 3))
    # harmonic k is exp(-k a): a geometric series, which the pulses have in closed form
    steepness = pitch_hz / cut_hz / (0.25 + brightness * loud * level)
    ratio = np.exp(-steepness)
    phase = np.cumsum(pitch) * (2 * np.pi / rate_hz)
    cosine = np.cos(phase)
    tone = ratio * np.sin(phase) / (1 - 2 * ratio * cosine + ratio * ratio)
    tone = tone / max(1e-9, float(np.abs(tone).max()))
    air = band_pass(rng.standard_normal(n), rate_hz, 600, 8000)
    return np.asarray(level * loud * (tone + 0.012 * air))


def flute(
    n: int, rate_hz: int, rng: np.random.Generator, pitch_hz: float, *, level: float, breath: float, vibrato_hz: float
) -> Doubles:
    """One note of a flute, [n]: few harmonics, vibrato in loudness, air around the pitch and a chiff."""
    t = np.arange(n) / rate_hz
    speed = vibrato_hz * (1 + 0.05 * wander(n, rate_hz, rng, 2))
    wave = np.sin(np.cumsum(speed) * (2 * np.pi / rate_hz)) * np.minimum(1, t / 0.3)
    pitch = pitch_hz * (1 + 0.004 * wave + 0.001 * wander(n, rate_hz, rng, 6))
    loud = np.minimum(1, t / 0.06) * np.clip((n / rate_hz - t) / 0.05, 0, 1) * (1 + 0.14 * wave)
    tone = harmonics(pitch, rate_hz, [1, 0.45 * (1 + 0.4 * wave), 0.22 * (1 + 0.5 * wave), 0.06, 0.035, 0.012, 0.008])
    noise = rng.standard_normal((3, n))
    air = 0.08 * band_pass(noise[0], rate_hz, 0.8 * pitch_hz, 1.25 * pitch_hz)
    air += 0.03 * band_pass(noise[1], rate_hz, 1500, 12_000)
    chiff = band_pass(noise[2], rate_hz, 1.5 * pitch_hz, 4 * pitch_hz) * np.exp(-t / 0.03) * np.minimum(1, t / 0.005)
    return level * (tone * loud + breath * (air * loud + 0.15 * chiff))


def reeds(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    pitch_hz: float,
    *,
    beat_hz: float,
    brightness_hz: float = 3500.0,
    attack_s: float = 0.03,
) -> Doubles:
    """Free reeds, [n]: one at the pitch, one tuned ``beat_hz`` higher, one an octave lower."""
    t = np.arange(n) / rate_hz
    loud = np.minimum(1, t / attack_s) * np.clip((n / rate_hz - t) / 0.04, 0, 1)
    out = np.zeros(n)
    for ratio, shift_hz, gain in ((1.0, 0.0, 1.0), (1.0, beat_hz, 0.8), (0.5, 0.0, 0.5)):
        pitch = np.full(n, pitch_hz * ratio + shift_hz)
        out += gain * pulses(pitch, rate_hz, rng, brightness_hz=brightness_hz, steep=False, jitter=0.0006, shimmer=0.01)
    return np.asarray(out * loud)


def clarinet(n: int, rate_hz: int, rng: np.random.Generator, pitch_hz: float) -> Doubles:
    """A reed on a cylinder closed at one end, [n]: the pulses of an octave below without their even harmonics."""
    t = np.arange(n) / rate_hz
    wave = np.minimum(1, t / 0.35) * np.sin(2 * np.pi * rng.uniform(4.6, 5.6) * t)
    pitch = pitch_hz * (1 + 0.004 * wave + 0.001 * wander(n, rate_hz, rng, 6) - 0.02 * np.exp(-t / 0.015))
    tone = pulses(pitch, rate_hz, rng, brightness_hz=3200, jitter=0.001, shimmer=0.02)
    tone = tone - 0.96 * np.roll(tone, int(rate_hz / pitch_hz / 2))
    loud = np.minimum(1, t / 0.035) * np.clip((n / rate_hz - t) / 0.05, 0, 1) * (1 + 0.05 * wave)
    air = band_pass(rng.standard_normal(n), rate_hz, 1500, 9000)
    return loud * (unit_peak(tone) + 0.01 * air)
