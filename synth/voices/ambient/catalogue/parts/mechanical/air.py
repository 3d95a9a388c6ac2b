"""Compressed air and steam that are let out."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.parts.mix import coloured_noise
from synth.voices.ambient.catalogue.performance import Samples


def release(n: int, rate_hz: int, rng: np.random.Generator, at_s: float, length_s: float) -> Samples:
    """A brake valve: a burst of air from `at_s` on that has fallen to a twentieth after `length_s`, shape [n]."""
    since = np.arange(n) / rate_hz - at_s
    envelope = np.where(since > 0, np.exp(-np.maximum(since, 0) * 3 / length_s) * np.minimum(since / 0.03, 1.0), 0.0)
    noise = coloured_noise(n, rate_hz, rng, (200, -30), (1500, -6), (4000, 0), (10000, -2), (20000, -8))
    return np.asarray(envelope * noise)
