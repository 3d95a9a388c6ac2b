"""Applause, cheering and the babble of a full room: many people, each at a place and pace of their own.

Few voices or claps are computed and heard many times over, at random times and distances (granular synthesis, Roads,
"Microsound", 2001): a crowd costs little more than its bank.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import swell, wander
from synth.voices.ambient.catalogue.parts.space import in_turn
from synth.voices.ambient.catalogue.parts.spectra import unit_rms
from synth.voices.ambient.catalogue.parts.voice.crowd import claps, dense, nonsense, overlaid, shout
from synth.voices.ambient.catalogue.parts.voice.formants import shape_spectrum
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_HANDS: Final = ((20, -40), (183, -12), (366, 0), (2000, 0), (4000, -9), (8000, -21), (20_000, -38))
_SHOUTS: Final = ((20, -50), (100, -18), (200, 0), (1500, 0), (3000, -12), (6000, -28), (20_000, -48))
_FAR: Final = ((20, -40), (457, -12), (914, 0), (2650, 0), (5300, -10), (20_000, -40))


def applause(n: int, rate_hz: int, rng: np.random.Generator, *, people: float, claps_per_s: float) -> Samples:
    """``people`` clap, each regularly but not together."""
    bank = claps(rate_hz, rng, 64)
    seconds = n / rate_hz
    times, gains = [], []
    for _ in range(max(1, round(people))):
        pace = claps_per_s * rng.uniform(0.75, 1.3)
        own = np.cumsum(rng.normal(1 / pace, 0.14, int(seconds * pace * 1.3) + 6)) - rng.uniform(0.3, 1.3)
        times.append(own)
        gains.append(10 ** (-rng.uniform(0, 24) / 20) * rng.uniform(0.6, 1, len(own)))
    at = np.concatenate(times)
    sound = dense(n, rate_hz, bank, at, np.concatenate(gains), rng.integers(0, len(bank), len(at)))
    return unit_rms(shape_spectrum(sound, _HANDS, rate_hz)) * 0.2


def _whistle(rate_hz: int, rng: np.random.Generator) -> Samples:
    n = int(rng.uniform(0.3, 0.7) * rate_hz)
    u = np.linspace(0, 1, n)
    pitch = rng.uniform(2200, 3200) * (0.75 + 0.35 * np.sin(np.pi * u) ** 0.5)
    return np.asarray(np.sin(np.cumsum(pitch) * (2 * np.pi / rate_hz)) * swell(n))


@lru_cache(maxsize=4)
def _shouts(rate_hz: int, key: int, excitement: float) -> tuple[Samples, ...]:
    rng = np.random.default_rng(key)
    return tuple(shout(rate_hz, rng, excitement, low=i % 2 == 0) for i in range(14))


@lru_cache(maxsize=4)
def _talk(rate_hz: int, key: int) -> tuple[Samples, ...]:
    """Phrases of ten people, half of them men."""
    rng = np.random.default_rng(key)
    bank = []
    for i in range(10):
        low = i % 2 == 0
        pitch = rng.uniform(95, 140) if low else rng.uniform(170, 250)
        size = rng.uniform(0.93, 1.0) if low else rng.uniform(1.08, 1.18)
        bank.append(nonsense(rate_hz, rng, pitch, size, int(rng.integers(4, 10))))
    return tuple(bank)


def cheering(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, people: float, excitement: float
) -> Samples:
    """Shouts near and far over scattered claps, a little of the roar of those farthest off, and whistles."""
    bank = _shouts(rate_hz, int(body.integers(2**32)), round(excitement, 1))
    voices = overlaid(n, rate_hz, rng, bank, max(1, round(people)), (0.05, 1.74 - excitement), range_db=17)
    voices = unit_rms(shape_spectrum(voices, _SHOUTS, rate_hz))
    roar = unit_rms(shape_spectrum(rng.standard_normal(n), _FAR, rate_hz)) * (1 + 0.2 * wander(n, rate_hz, rng, 2))
    count = int(400 * n / rate_hz)
    gains = 10 ** (-rng.uniform(0, 24, count) / 20)
    seconds = n / rate_hz
    hands = dense(
        n, rate_hz, claps(rate_hz, rng, 32), rng.uniform(0, seconds, count), gains, rng.integers(0, 32, count)
    )
    whistles = in_turn(n, rate_hz, rng, lambda: _whistle(rate_hz, rng), lambda: float(rng.exponential(4.0)), 2.0)
    return 0.15 * (voices + 0.06 * roar + 0.63 * unit_rms(hands) + 0.1 * excitement * whistles)


def babble(n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, people: float) -> Samples:
    """Many people talk at once in a room; no word is said."""
    bank = _talk(rate_hz, int(body.integers(2**32)))
    return 0.15 * unit_rms(overlaid(n, rate_hz, rng, bank, max(1, round(people)), (0.05, 0.5), range_db=12))


CLASSES: Final = (
    SoundClass(
        name="applause",
        audioset=("Applause", "Clapping"),
        singular="a clapping audience",
        plural="clapping audiences",
        phrases=("applause", "clapping", "ovation", "audience clapping", "clap"),
        imagenet=("stage", "theater curtain", "academic gown"),
        family="people",
        source=Room(Texture(applause, segment_s=4.0, crossfade_s=0.4), t60_s="hall_s", wet=0.15, floor=0.002),
        knobs=(
            Knob("people", 60, 165, 300, "", "how many clap"),
            Knob("claps_per_s", 3.8, 4.8, 5.6, "1/s", "how quickly each one claps"),
            Knob("hall_s", 0.3, 0.7, 1.5, "s", "how long the hall rings"),
        ),
        drives={"people": "area", "claps_per_s": "activity"},
        together=("people", "music"),
    ),
    SoundClass(
        name="cheering",
        audioset=("Cheering", "Crowd"),
        singular="a cheering crowd",
        plural="cheering crowds",
        phrases=("cheering", "crowd", "cheer", "hooray", "stadium", "fans"),
        imagenet=("football helmet", "scoreboard", "ballplayer", "stage"),
        family="people",
        source=Room(Texture(cheering, segment_s=4.0, crossfade_s=0.5), t60_s=1.6, wet=0.1, floor=0.003),
        knobs=(
            Knob("people", 8, 14, 40, "", "how many are near"),
            Knob("excitement", 0.3, 0.7, 1.0, "", "how high and loud they cheer"),
        ),
        drives={"people": "area", "excitement": "activity"},
        together=("people", "music", "nature"),
    ),
    SoundClass(
        name="babble",
        audioset=("Hubbub, speech noise, speech babble", "Chatter", "Crowd", "Speech"),
        singular="a room full of talking people",
        plural="rooms full of talking people",
        phrases=("babble", "chatter", "people talking", "restaurant", "café", "party", "crowd talking"),
        imagenet=("restaurant", "toyshop", "bookshop", "barbershop"),
        family="people",
        source=Room(
            Texture(babble, segment_s=5.0, crossfade_s=0.6), t60_s="room_s", wet=1.1, dark_hz=8000, floor=0.006
        ),
        knobs=(
            Knob("people", 6, 10, 40, "", "how many talk"),
            Knob("room_s", 0.25, 0.3, 1.2, "s", "how long the room rings"),
        ),
        drives={"people": "area"},
        together=("people", "music", "machines", "foley"),
    ),
)
