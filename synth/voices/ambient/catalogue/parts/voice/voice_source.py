"""The source of voices: pulses of a glottis or a syrinx at a moving pitch, in closed form.

A sum of all harmonics k with weights ``r**k / k`` is ``-log|1 - r e^(i phi)|``, and with weights ``r**k`` the real part
of a geometric series: no harmonic is computed for itself, and ``r = exp(-f0 / brightness)`` makes the spectrum fall
with frequency and not with the number of the harmonic, so nothing aliases that could be heard.
Jitter, shimmer and subharmonics after Titze, "Principles of Voice Production" (1994).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.curves import wander

Doubles = NDArray[np.float64]


def pulses(
    pitch_hz: Doubles,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    brightness_hz: float = 4000.0,
    steep: bool = True,
    jitter: float = 0.01,
    shimmer: float = 0.1,
    roughness: float = 0.0,
) -> Doubles:
    """Pulses at ``pitch_hz`` [n] -> [n].

    Args:
        pitch_hz: frequency of the pulses at each sample.
        rate_hz: sample rate.
        rng: draws phase, jitter and shimmer.
        brightness_hz: harmonics fall by 1/e every so many hertz.
        steep: harmonics also fall as 1/k (glottis); False leaves them level (reeds, a pressed voice).
        jitter: deviation of the pitch, as a share of it.
        shimmer: deviation of the height of single pulses.
        roughness: depth of the subharmonics at a half and a third of the pitch (growls).
    """
    n = len(pitch_hz)
    pitch_hz = pitch_hz * (1 + jitter * wander(n, rate_hz, rng, 40) + 0.5 * jitter * wander(n, rate_hz, rng, 6))
    phase = np.cumsum(pitch_hz) * (2 * np.pi / rate_hz) + rng.uniform(0, 2 * np.pi)
    ratio = np.exp(-pitch_hz / brightness_hz)
    cosine = np.cos(phase)
    distance = 1 - 2 * ratio * cosine + ratio * ratio
    sound = -0.5 * np.log(distance) if steep else (ratio * cosine - ratio * ratio) / distance
    if shimmer:
        cycle = (phase * (0.5 / np.pi)).astype(np.int64)
        sound = sound * (1 + shimmer * rng.standard_normal(int(cycle.max()) + 2)[cycle])
    if roughness:
        half = np.cos(phase / 2 + wander(n, rate_hz, rng, 8))
        third = np.cos(phase / 3 + 2 * wander(n, rate_hz, rng, 8))
        sound = sound * (1 + roughness * half + 0.6 * roughness * third)
    return np.asarray(sound)


def vibrato(n: int, rate_hz: int, rng: np.random.Generator, speed_hz: float) -> Doubles:
    """A sine of about ``speed_hz`` whose speed itself wanders by a tenth, [n]."""
    speed = speed_hz * (1 + 0.1 * wander(n, rate_hz, rng, 3))
    return np.asarray(np.sin(np.cumsum(speed) * (2 * np.pi / rate_hz)))
