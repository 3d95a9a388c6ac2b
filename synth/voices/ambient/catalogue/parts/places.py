"""Places as impulse responses for a mix: rooms, and open places with reflections and the air's loss of highs."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.parts.mechanical.struck import impulses
from synth.voices.ambient.catalogue.parts.mix import coloured
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import impulse_response

OUTDOORS_S = 0.27
"""Length of the response of `outdoors`: the tail that a mix needs for it."""


def outdoors(
    rate_hz: int, rng: np.random.Generator, distance_m: float = 10.0, wet: float = 0.2, echoes: int = 6
) -> Samples:
    """Impulse response of an open place at a distance: the direct sound, weak reflections, the loss of air."""
    lag = np.sort(rng.uniform(0.008, 0.25, echoes)) * rate_hz
    response = impulses(int(0.26 * rate_hz) + 2, lag, rng.uniform(-1, 1, echoes) * wet / (1 + lag / rate_hz * 8))
    response[0] += 1
    far = min(distance_m, 400.0)
    air = ((4000.0, -0.02 * far - 1), (10000.0, -0.1 * far - 2), (20000.0, -0.25 * far - 5))
    return coloured(response, rate_hz, (20, 0), (1000, 0), *air)


def indoors(
    rate_hz: int, rng: np.random.Generator, t60_s: float = 0.4, wet: float = 0.3, dark_hz: float = 5000.0
) -> Samples:
    """Impulse response of a room with its direct sound, [1.1 t60_s]: cheaper than a `Room` round a steady texture."""
    response = wet * impulse_response(rng, rate_hz, t60_s, dark_hz)
    response[0] += 1.0
    return response
