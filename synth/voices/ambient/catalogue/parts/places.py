"""Open places: reflections from what stands around, and air that takes the highs over a distance."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.parts.mix import coloured
from synth.voices.ambient.catalogue.parts.struck import impulses
from synth.voices.ambient.catalogue.performance import Samples

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
