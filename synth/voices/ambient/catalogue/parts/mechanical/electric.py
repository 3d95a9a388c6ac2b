"""Electric machines: the shaft and its slots, brushes, the hum of the mains, and loudspeakers that beep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.control import phase
from synth.voices.ambient.catalogue.parts.mix import coloured_noise
from synth.voices.ambient.catalogue.parts.spectra import drift
from synth.voices.ambient.catalogue.performance import Samples

_PERIOD: Final = 16_384


def tone(cycles: Samples, harmonics: Sequence[float], rng: np.random.Generator | None = None) -> Samples:
    """A sum of harmonics of a phase in cycles [n], at random phases when a generator is given.

    Looked up in one period of 16,384 samples, straight between them: 90 dB exact for the first fifty harmonics, and the
    cost does not grow with their number.
    """
    spectrum = np.zeros(_PERIOD // 2 + 1, np.complex128)
    for number, level in enumerate(harmonics, start=1):
        if level:
            start = rng.uniform(0.0, 2.0 * np.pi) if rng is not None else 0.0
            spectrum[number] = level * np.exp(1j * (start - 0.5 * np.pi))
    period = np.fft.irfft(spectrum, _PERIOD) * (_PERIOD / 2)
    period = np.append(period, period[0]).astype(np.float32)
    place = (cycles - np.floor(cycles)) * _PERIOD
    at = place.astype(np.int32)
    part = (place - at).astype(np.float32)
    rise: NDArray[np.float32] = np.append(np.diff(period), 0).astype(np.float32).astype(np.float32)
    return np.asarray(period[at] + part * rise[at], np.float64)


def motor(
    turns: Samples,
    rate_hz: int,
    rng: np.random.Generator,
    slots: int = 11,
    shaft: Sequence[float] = (1.0, 0.5, 0.3, 0.2),
    slotted: Sequence[float] = (0.6, 0.4, 0.2),
    brushes: float = 0.2,
) -> Samples:
    """A commutator motor whose shaft has gone through `turns` [n]: shaft harmonics, slot harmonics, brush noise.

    The slots pass `slots` times a turn, and the rotor's eccentricity gives them side bands a shaft frequency apart.
    """
    n = len(turns)
    once = np.sin(2.0 * np.pi * turns + 1.0)
    out = tone(turns, shaft, rng) + (1.0 + 0.15 * once) * tone(turns * slots, slotted, rng)
    if brushes:
        noise = coloured_noise(n, rate_hz, rng, (500, -12), (3000, 0), (8000, -3), (16000, -8), (20000, -14))
        out += brushes * noise * (1.0 + 0.4 * once)
    return np.asarray(out)


def mains_hum(n: int, rate_hz: int, rng: np.random.Generator, mains_hz: float, harmonics: Sequence[float]) -> Samples:
    """The magnetic hum of a machine on the mains: harmonics of twice its frequency, slowly swelling, shape [n]."""
    steady = phase(2.0 * mains_hz * (1 + 0.0008 * drift(n, rate_hz, rng, 1.0, -1.6, 1.6)), n, rate_hz)
    return tone(steady, harmonics, rng) * (1.0 + 0.1 * drift(n, rate_hz, rng, 1.5, -1.6, 1.6))


def beeper(
    hz: Samples | float, gate: Samples, rate_hz: int, harmonics: Sequence[float] = (1.0, 0.25, 0.3, 0.1, 0.12)
) -> Samples:
    """A piezo disc or small loudspeaker: a few harmonics under a gate [n]; partials above 0.45 of the rate stay out."""
    top = float(np.max(hz))
    kept = [level if (number + 1) * top < 0.45 * rate_hz else 0.0 for number, level in enumerate(harmonics)]
    return gate * tone(phase(hz, len(gate), rate_hz), kept)
