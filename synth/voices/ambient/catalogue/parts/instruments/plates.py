"""Thin metal plates: cymbals, hi-hats and gongs by many modes at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.instruments.mode_bank import decaying_modes

Doubles = NDArray[np.float64]

_HIGHEST_HZ = 18_000.0
_LOUDEST_HZ = 4560.0
_GONG_RATIOS = np.array([1, 1.35, 1.76, 2.18, 2.21, 2.74, 2.9, 3.23, 3.27, 4.35, 4.55, 5.15, 6.3, 7.4, 8.8])


def plate(
    duration_s: float, rate_hz: int, rng: np.random.Generator, *, low_hz: float, count: int, t60_s: float
) -> Doubles:
    """``count`` modes from ``low_hz`` to 18 kHz, nearly even in frequency as those of a flat plate are; [n].

    They are strongest at 4.6 kHz, and the higher a mode, the sooner it dies (air and edge losses; Fletcher and
    Rossing, "The Physics of Musical Instruments", chapter 20).
    """
    share = 0.77
    hz = np.sort(rng.uniform(low_hz**share, _HIGHEST_HZ**share, count)) ** (1 / share)
    falls = t60_s / (1 + np.sqrt(hz / 8700)) * rng.uniform(0.5, 1.5, count)
    gains = (
        rng.uniform(0.3, 1, count) * np.minimum(1, hz / _LOUDEST_HZ) ** 0.62 * np.maximum(1, hz / _LOUDEST_HZ) ** -0.53
    )
    return decaying_modes(int(duration_s * rate_hz), rate_hz, hz, falls, gains, rng.uniform(0, 2 * np.pi, count))


def gong(duration_s: float, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, force: float) -> Doubles:
    """A tam-tam, whose energy climbs from the low modes into the high ones; [n].

    A struck gong bends so far that its modes couple, cubic in the amplitude: energy cascades upwards, and the high
    modes swell for a second after the stroke (Legge and Fletcher, 1989; Chaigne, Touze and Thomas, 2005). Here a mode
    swells in the time that the cascade needs to reach it, so many octaves above the lowest, and sooner after a harder
    stroke (``force`` 0 to 1), which also reaches higher; then it decays.
    """
    n = int(duration_s * rate_hz)
    count = len(_GONG_RATIOS)
    low_hz = pitch_hz * rng.uniform(0.95, 1.05) * _GONG_RATIOS
    low_gain = 0.4 * np.linspace(1, 0.4, count) * rng.uniform(0.5, 1, count)
    sound = decaying_modes(n, rate_hz, low_hz, np.linspace(9.8, 3.9, count), low_gain, rng.uniform(0, 6.28, count))
    hz = np.sort(np.exp(rng.uniform(np.log(2.5 * pitch_hz), np.log(1200 + 1270 * force), 270)))
    gain = 0.37 * force * (hz / (3 * pitch_hz)) ** -0.94 * rng.uniform(0.3, 1, len(hz))
    falls = 12 / (1 + (hz / 1140) ** 1.9)
    rises = 0.44 * np.log2(hz / pitch_hz) / (0.4 + force)
    phase = rng.uniform(0, 2 * np.pi, len(hz))
    swelling = 1 / (1 / falls + 1 / rises)  # a swell is the difference of two decays
    return (
        sound
        + decaying_modes(n, rate_hz, hz, falls, gain, phase)
        - decaying_modes(n, rate_hz, hz, swelling, gain, phase)
    )
