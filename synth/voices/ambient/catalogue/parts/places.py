"""Where a sound is heard: small rooms, streets and fields as impulse responses, and the quiet of a real place."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.parts.mix import Mix, Signal, coloured, decibels
from synth.voices.ambient.catalogue.parts.struck import impulses


def room(rate_hz: int, rng: np.random.Generator, decay_s: float = 0.4, wet: float = 0.3, dark_hz: float = 4000) -> Signal:
    """Impulse response of a diffuse room: the direct sound and noise that dies by 60 dB in `decay_s`."""
    seconds = np.arange(int(rate_hz * decay_s)) / rate_hz
    tail = rng.standard_normal(len(seconds)) * np.exp(-6.9 * seconds / decay_s)
    tail = coloured(tail, rate_hz, (60, -6), (200, 0), (dark_hz, 0), (4 * dark_hz, -24))
    response = wet * tail / np.sqrt(float(tail @ tail))
    response[0] = 1.0
    return np.asarray(response)


def outdoors(
    rate_hz: int, rng: np.random.Generator, distance_m: float = 10.0, wet: float = 0.2, echoes: int = 6
) -> Signal:
    """Impulse response of an open place: a few weak reflections, and air that takes the highs over the distance."""
    lag = np.sort(rng.uniform(0.008, 0.25, echoes)) * rate_hz
    response = impulses(int(0.26 * rate_hz) + 2, lag, rng.uniform(-1, 1, echoes) * wet / (1 + lag / rate_hz * 8))
    response[0] += 1
    far = min(distance_m, 400.0)
    return coloured(
        response, rate_hz, (20, 0), (1000, 0), (4000, -0.02 * far - 1), (10000, -0.1 * far - 2), (20000, -0.25 * far - 5)
    )


def add_backdrop(mix: Mix, rng: np.random.Generator, level_db: float = -40.0) -> None:
    """The quiet of a real place: dark noise under everything, dB against a layer of level 1."""
    colour = ((20.0, 6.0), (80.0, 3.0), (300.0, 0.0), (1000.0, -4.0), (4000.0, -10.0), (12000.0, -18.0))
    mix.add_noise(decibels(level_db), rng, *colour)
