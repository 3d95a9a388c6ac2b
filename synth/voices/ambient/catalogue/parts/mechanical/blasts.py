"""Blasts: the pressure wave of a charge, turbulent gas after it, and echoes that darken as they die."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.parts.mechanical.struck import impulses
from synth.voices.ambient.catalogue.parts.mix import Mix, coloured_noise
from synth.voices.ambient.catalogue.performance import Samples


def friedlander(rate_hz: int, duration_s: float) -> Samples:
    """The pressure of a free blast over time: a jump, then (1 - t/T) e^(-t/T), shape [8 T]."""
    part = np.arange(int(8 * duration_s * rate_hz) + 2) / (rate_hz * duration_s)
    return np.asarray((1.0 - part) * np.exp(-part))


def blast(
    n: int, rate_hz: int, rng: np.random.Generator, size: float, distance_m: float, tail_s: float, open_air: float = 1.0
) -> Samples:
    """One charge: pressure wave, gas, slaps from what stands around, far echoes, shape [n].

    Args:
        n: samples.
        rate_hz: samples a second.
        rng: the source of everything random.
        size: 1 for a pistol's muzzle; the pressure wave lasts in proportion.
        distance_m: air takes the highs.
        tail_s: how long the far echoes last (by 60 dB).
        open_air: level of the echoes.
    """
    seconds = np.arange(n) / rate_hz
    mix = Mix(n, rate_hz, 0.1)
    wave = 4.0 * friedlander(rate_hz, 0.0016 * size)[:n]
    low, mid = 120 / size**0.5, 600 / size**0.5
    gas = coloured_noise(
        n, rate_hz, rng, (30, -4), (low, 2), (mid, 0), (max(2500 / size**0.3, mid * 1.5), -4), (8000, -10), (20000, -18)
    )
    hit = 1.2 * gas * np.exp(-seconds / (0.022 * size**0.6))
    hit[: len(wave)] += wave
    spectrum = mix.spectrum(hit)
    slaps = impulses(n, rng.uniform(0.02, 0.5, 7) * rate_hz, rng.uniform(0.1, 0.45, 7))
    far = min(distance_m, 400.0)
    mix.add_raw(1.0, spectrum, (20, -6), (60, 0), (2000, 0), (8000, -0.03 * far), (20000, -0.12 * far))
    mix.add_raw(
        0.5 * open_air, spectrum * mix.spectrum(slaps), (50, 0), (800, -1), (4000, -14), (12000, -30), (20000, -40)
    )
    dying = np.exp(-seconds * 6.9 / tail_s) * (1 - np.exp(-seconds / 0.02))
    late = np.clip(seconds / tail_s * 2, 0, 1)
    bright = mix.noise(rng, (40, 0), (200, 2), (1200, -2), (5000, -14), (14000, -30))
    dark = mix.noise(rng, (40, 3), (200, 0), (700, -10), (4000, -34))
    return np.asarray(mix.signal() + 0.28 * open_air * dying * (bright + (dark - bright) * late))
