"""A source that goes by: the delay that moves (Doppler), spreading loss, and air and ground that dull what is far."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.parts.combustion import SOUND_MPS
from synth.voices.ambient.catalogue.parts.mix import coloured
from synth.voices.ambient.catalogue.performance import Samples


def source_length(n: int, rate_hz: int, speed_mps: float, distance_m: float) -> int:
    """How many samples of the source `passing` needs for n samples at the ear."""
    return int(n * (1.0 + speed_mps / SOUND_MPS) + 0.05 * rate_hz) + int(distance_m / SOUND_MPS * 4) + 2


def passing(source: Samples, n: int, rate_hz: int, speed_mps: float, distance_m: float, at_s: float) -> Samples:
    """What a listener at `distance_m` from the road hears of a source at constant speed, shape [n].

    Args:
        source: the sound beside the source, at least `source_length` samples.
        n: samples at the ear.
        rate_hz: samples a second.
        speed_mps: speed along a straight line.
        distance_m: distance at the nearest point, where the gain is 1.
        at_s: when the source is nearest.
    """
    seconds = np.arange(n) / rate_hz
    away_m = np.hypot(distance_m, speed_mps * (seconds - at_s))
    sent = (seconds - away_m / SOUND_MPS) * rate_hz
    sent -= sent[0]
    near = np.clip(2.0 * distance_m / away_m, 0.0, 1.0) ** 0.7
    bright = np.interp(sent, np.arange(len(source)), source)
    dull = coloured(bright, rate_hz, (100, 0), (1000, -3), (4000, -14), (12000, -32))
    return np.asarray((dull + (bright - dull) * near) * (distance_m / away_m))


def received(hz: float, speed_mps: float, approaching: bool) -> float:
    """The frequency at the ear of a source of `hz` that comes straight near or goes straight away."""
    return hz / (1.0 - speed_mps / SOUND_MPS) if approaching else hz / (1.0 + speed_mps / SOUND_MPS)
