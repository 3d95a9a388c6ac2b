"""Crow, owl, pigeon and gull: one phrase an event."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Layers
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.space import joined
from synth.voices.ambient.catalogue.parts.voice.formants import Formant
from synth.voices.ambient.catalogue.parts.voice.utterance import Call, utter
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

CAW: Final = Call(
    pitch=((0, 0.69), (0.2, 1.57), (0.7, 1.09), (1, 0.86)),
    level=((0, 0), (0.1, 0.9), (0.5, 1), (0.85, 0.6), (1, 0)),
    formants=(
        Formant(((0, 1230), (0.3, 1450), (1, 1610)), 497, -2),
        Formant(1920, 344, -1.2),
        Formant(4470, 866, -5.3),
        Formant(5980, 737, -10),
        Formant(17_900, 10_100, -23.5),
    ),
    brightness_hz=4400,
    steep=False,
    jitter=0.033,
    shimmer=0.41,
    roughness=0.52,
    breath=0.28,
    vibrato_hz=56,
    vibrato_pitch=0.011,
    vibrato_level=0.044,
    floor_db=-41,
)
HOOT: Final = Call(
    pitch=((0, 0.88), (0.4, 1.03), (0.7, 1.03), (1, 0.88)),
    level=((0, 0), (0.25, 0.9), (0.6, 1), (1, 0)),
    formants=(Formant(436, 206, 1.6), Formant(776, 388, -11), Formant(1431, 471, -28)),
    brightness_hz=634,
    jitter=0.0055,
    shimmer=0.012,
    roughness=0.0075,
    breath=0.008,
    vibrato_hz=8,
    vibrato_pitch=0.004,
    vibrato_level=0.05,
)
COO: Final = Call(
    pitch=((0, 0.72), (0.4, 1.04), (1, 0.93)),
    level=((0, 0), (0.25, 0.9), (0.6, 1), (1, 0)),
    formants=(Formant(764, 283, 2.2), Formant(575, 152, -19), Formant(1030, 257, -31)),
    brightness_hz=280,
    jitter=0.05,
    shimmer=0.039,
    roughness=0.007,
    breath=0.089,
    vibrato_hz=71,
    vibrato_pitch=0.024,
    vibrato_level=0.045,
    floor_db=-39,
)
MEW: Final = Call(
    pitch=((0, 0.67), (0.2, 1.42), (0.5, 1), (1, 0.99)),
    level=((0, 0), (0.1, 0.8), (0.35, 1), (0.8, 0.5), (1, 0)),
    formants=(
        Formant(((0, 2350), (0.25, 3350), (1, 2350)), 225),
        Formant(5000, 1250, 2.3),
        Formant(5600, 1500, -15),
    ),
    brightness_hz=12_800,
    jitter=0.002,
    shimmer=0.12,
    roughness=0.01,
    breath=0.24,
    vibrato_hz=5.4,
    vibrato_pitch=0.03,
    floor_db=-27,
)
_HOOTS: Final = ((0.35, 0.3, 0.8), (0.14, 0.08, 0.6), (0.14, 0.2, 0.7), (0.45, 0.2, 1.0), (0.4, 0.0, 0.8))
"""Of the great horned owl: length, pause, level."""

_COOS: Final = ((0.25, 0.06, 0.7, 0.95), (0.55, 0.06, 1.0, 1.08), (0.3, 0.1, 0.8, 0.95))
"""Of the wood pigeon: length, pause, level, share of the pitch."""


def caws(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float) -> Samples:
    """A crow: two to four caws."""
    pitch = pitch_hz * rng.uniform(0.9, 1.1)
    parts: list[Samples | float] = []
    for _ in range(int(rng.integers(2, 5))):
        parts.append(utter(CAW, pitch * rng.uniform(0.97, 1.03), rng.uniform(0.26, 0.36), rate_hz, rng))
        parts.append(rng.uniform(0.18, 0.28))
    return joined(rate_hz, parts)


def hoots(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float) -> Samples:
    """An owl: the five hoots of a great horned owl."""
    pitch = pitch_hz * rng.uniform(0.93, 1.08)
    parts: list[Samples | float] = []
    for length, pause, level in _HOOTS:
        parts += [level * utter(HOOT, pitch, length * rng.uniform(0.9, 1.1), rate_hz, rng), pause]
    return joined(rate_hz, parts)


def coos(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float) -> Samples:
    """A pigeon: coo, COO, coo."""
    pitch = pitch_hz * rng.uniform(0.93, 1.08)
    parts: list[Samples | float] = []
    for length, pause, level, share in _COOS * int(rng.integers(1, 3)):
        parts += [level * utter(COO, pitch * share, length * rng.uniform(0.9, 1.1), rate_hz, rng), pause]
    return joined(rate_hz, parts)


def mews(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch_hz: float, duration_s: float
) -> Samples:
    """A gull: the long call, cries that begin long and become short and quick."""
    pitch = pitch_hz * body.uniform(0.95, 1.05)
    parts: list[Samples | float] = []
    count = int(rng.integers(3, 8))
    for i in range(count):
        length_s = duration_s * (1 - 0.39 * i / count) * rng.uniform(0.85, 1.15)
        parts += [utter(MEW, pitch * rng.uniform(0.93, 1.07), length_s, rate_hz, rng) * rng.uniform(0.7, 1), 0.065]
    return joined(rate_hz, parts)


CLASSES: Final = (
    SoundClass(
        name="crow",
        audioset=("Caw", "Crow"),
        singular="a cawing crow",
        plural="cawing crows",
        phrases=("crow", "caw", "raven", "rook", "crows cawing"),
        imagenet=("magpie", "jay", "vulture"),
        family="animals",
        source=Room(Events(caws, "calls_per_s", 3.5, jitter=0.2), t60_s=0.7, wet=0.25, floor=0.006),
        knobs=(
            Knob("pitch_hz", 380, 480, 600, "Hz", "pitch of the caws"),
            Knob("calls_per_s", 0.17, 0.47, 1, "1/s", "how often they call"),
        ),
        drives={"calls_per_s": "activity"},
        together=("nature", "animals", "traffic", "people"),
    ),
    SoundClass(
        name="owl",
        audioset=("Hoot", "Owl"),
        singular="a hooting owl",
        plural="hooting owls",
        phrases=("owl", "hoot", "tawny owl", "owl at night"),
        imagenet=("great grey owl",),
        family="animals",
        source=Room(Events(hoots, "calls_per_s", 4.0, jitter=0.1), t60_s=0.75, wet=0.27, floor=0.004),
        knobs=(
            Knob("pitch_hz", 330, 463, 600, "Hz", "pitch of the hoots"),
            Knob("calls_per_s", 0.1, 0.3, 0.4, "1/s", "how often it calls"),
        ),
        drives={"calls_per_s": "activity"},
        together=("nature", "animals"),
    ),
    SoundClass(
        name="pigeon",
        audioset=("Coo", "Pigeon, dove"),
        singular="a cooing pigeon",
        plural="cooing pigeons",
        phrases=("pigeon", "dove", "coo", "cooing", "wood pigeon"),
        family="animals",
        source=Room(Events(coos, "calls_per_s", 4.0, jitter=0.15), t60_s=0.5, wet=0.35, floor=0.004),
        knobs=(
            Knob("pitch_hz", 500, 600, 640, "Hz", "pitch of the coos"),
            Knob("calls_per_s", 0.13, 0.43, 0.6, "1/s", "how often it coos"),
        ),
        drives={"calls_per_s": "activity"},
        together=("nature", "animals", "traffic", "people"),
    ),
    SoundClass(
        name="gull",
        audioset=("Bird vocalization, bird call, bird song", "Squawk", "Bird"),
        singular="a crying gull",
        plural="crying gulls",
        phrases=("gull", "seagull", "sea birds", "gulls at the harbour"),
        imagenet=("albatross", "pelican", "ruddy turnstone", "red-backed sandpiper", "redshank", "oystercatcher"),
        family="animals",
        source=Room(
            Layers(
                (
                    (1.0, Events(mews, "calls_per_s", 4.0, jitter=0.2)),
                    ("flock", Events(mews, 0.7, 4.0, spacing="poisson")),
                )
            ),
            t60_s=0.8,
            wet=0.3,
            floor=0.008,
        ),
        knobs=(
            Knob("pitch_hz", 1500, 2200, 2600, "Hz", "pitch of the cries"),
            Knob("duration_s", 0.12, 0.16, 0.3, "s", "length of the first cry"),
            Knob("calls_per_s", 0.3, 0.6, 1.0, "1/s", "how often the nearest one calls"),
            Knob("flock", 0.0, 0.3, 0.9, "", "how loud the others are beside it"),
        ),
        drives={"calls_per_s": "activity"},
        together=("nature", "traffic", "people"),
    ),
)
