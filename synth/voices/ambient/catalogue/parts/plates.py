"""Thin metal plates: cymbals, hi-hats and gongs by many modes at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.modes import decaying_modes

Doubles = NDArray[np.float64]


def plate(
    duration_s: float,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    low_hz: float,
    high_hz: float,
    count: int,
    t60_s: float,
) -> Doubles:
    """``count`` modes between ``low_hz`` and ``high_hz``, nearly even in frequency as those of a flat plate are.

    The higher a mode, the sooner it dies: half as long at 4.5 kHz (air and edge losses; Fletcher and Rossing, ch. 20).
    """
    share = 0.8
    hz = np.sort(rng.uniform(low_hz**share, high_hz**share, count)) ** (1 / share)
    falls = t60_s / (1 + (hz / 4500) ** 1.1) * rng.uniform(0.5, 1.5, count)
    gains = rng.uniform(0.3, 1, count) * (hz / low_hz) ** -0.25
    return decaying_modes(int(duration_s * rate_hz), rate_hz, hz, falls, gains, rng.uniform(0, 2 * np.pi, count))


def gong(
    duration_s: float, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, force: float, spread: float = 0.15
) -> Doubles:
    """A tam-tam, whose energy climbs from the low modes into the high ones; [n].

    A struck gong bends so far that its modes couple, cubic in the amplitude: energy cascades upwards and the high
    modes swell for a second after the stroke (Legge and Fletcher, 1989; Chaigne, Touze and Thomas, 2005). Here each
    mode f swells with the time constant that the cascade needs to reach it, ``spread * log2(f / pitch)`` seconds, shorter
    for a harder stroke, and then decays; and low modes glide down a little as the amplitude falls.
    """
    n = int(duration_s * rate_hz)
    ratios = np.array([1, 1.35, 1.76, 2.18, 2.21, 2.74, 2.9, 3.23, 3.27, 4.35, 4.55, 5.15, 6.3, 7.4, 8.8])
    low = pitch_hz * ratios * rng.uniform(0.98, 1.02, len(ratios))
    sound = decaying_modes(
        n, rate_hz, low, np.linspace(12, 5, len(low)), np.linspace(1, 0.4, len(low)) * rng.uniform(0.5, 1, len(low)),
        rng.uniform(0, 2 * np.pi, len(low)),
    )  # fmt: skip
    top_hz = 1800 + 7000 * force
    hz = np.sort(np.exp(rng.uniform(np.log(3 * pitch_hz), np.log(top_hz), 240)))
    gain = 0.55 * force * (hz / (3 * pitch_hz)) ** -0.45 * rng.uniform(0.3, 1, len(hz))
    falls = 8.0 / (1 + (hz / 2200) ** 1.4)
    rises = spread * np.log2(hz / pitch_hz) / (0.4 + force)
    phase = rng.uniform(0, 2 * np.pi, len(hz))
    # swelling is the difference of two decays: exp(-t/fall) (1 - exp(-t/rise))
    both = 1 / (1 / falls + 6.9078 / (6.9078 * rises))
    sound += decaying_modes(n, rate_hz, hz, falls, gain, phase) - decaying_modes(n, rate_hz, hz, both, gain, phase)
    return sound
