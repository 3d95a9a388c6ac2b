"""A source that goes by: the delay that moves (Doppler), spreading loss, and air and ground that dull what is far."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.parts.mechanical.combustion import SOUND_MPS
from synth.voices.ambient.catalogue.parts.mix import coloured
from synth.voices.ambient.catalogue.performance import Samples


def sent_s(heard_s: Samples, speed_mps: float, distance_m: float, at_s: float) -> Samples:
    """When what is heard at these times was sent: the root of c (t - s) = distance at s, in closed form.

    Args:
        heard_s: times at the ear.
        speed_mps: speed along a straight line, below that of sound.
        distance_m: distance at the nearest point.
        at_s: when the source is there.
    """
    square, light = speed_mps**2, SOUND_MPS**2
    since = heard_s - at_s
    root = np.sqrt(light * square * since**2 + (light - square) * distance_m**2)
    return np.asarray(at_s + (light * since - root) / (light - square))


def source_length(n: int, rate_hz: int, speed_mps: float, distance_m: float, at_s: float) -> int:
    """How many samples of the source `passing` needs for n samples at the ear."""
    first, last = sent_s(np.array([0.0, n / rate_hz]), speed_mps, distance_m, at_s)
    return int((last - first) * rate_hz) + 2


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
    heard = np.arange(n) / rate_hz
    sent = sent_s(heard, speed_mps, distance_m, at_s)
    away_m = SOUND_MPS * (heard - sent)
    near = np.clip(2.0 * distance_m / away_m, 0.0, 1.0) ** 0.7
    place = (sent - sent[0]) * rate_hz
    at = np.minimum(place.astype(np.int32), len(source) - 2)
    bright = source[at] + (place - at) * (source[at + 1] - source[at])
    dull = coloured(bright, rate_hz, (100, 0), (1000, -3), (4000, -14), (12000, -32))
    return np.asarray((dull + (bright - dull) * near) * (distance_m / away_m))


def received(hz: float, speed_mps: float, approaching: bool) -> float:
    """The frequency at the ear of a source of `hz` that comes straight near or goes straight away."""
    return hz / (1.0 - speed_mps / SOUND_MPS) if approaching else hz / (1.0 + speed_mps / SOUND_MPS)
