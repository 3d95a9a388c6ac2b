"""Cow, sheep and pig: one call an event."""

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

MOO: Final = Call(
    pitch=((0, 0.76), (0.2, 0.86), (0.45, 1.14), (0.8, 1.19), (1, 0.86)),
    level=((0, 0), (0.1, 0.35), (0.3, 0.6), (0.5, 1), (0.85, 0.8), (1, 0)),
    formants=(
        Formant(((0, 194), (0.3, 242), (0.5, 420), (1, 323)), 80, -15),
        Formant(((0, 741), (0.3, 794), (0.5, 1111), (1, 899)), 213, -3.3),
        Formant(1733, 347, -15),
        Formant(2483, 787, -17),
    ),
    brightness_hz=2216,
    jitter=0.014,
    shimmer=0.11,
    roughness=0.2,
    breath=0.058,
    vibrato_hz=5.6,
    vibrato_pitch=0.003,
    vibrato_level=0.044,
)
BLEAT: Final = Call(
    pitch=((0, 0.94), (0.15, 1.06), (0.7, 1), (1, 0.88)),
    level=((0, 0), (0.07, 0.8), (0.3, 1), (0.8, 0.7), (1, 0)),
    formants=(
        Formant(((0, 352), (0.15, 625), (1, 563)), 165, -10),
        Formant(2000, 360, -13),
        Formant(3018, 377, 0),
        Formant(4022, 730, -15),
    ),
    brightness_hz=4306,
    steep=False,
    jitter=0.015,
    shimmer=0.06,
    roughness=0.044,
    breath=0.1,
    vibrato_hz=8.9,
    vibrato_pitch=0.1,
    vibrato_level=0.2,
)
GRUNT: Final = Call(
    pitch=((0, 0.93), (0.3, 1.04), (1, 0.75)),
    level=((0, 0), (0.15, 0.9), (0.5, 1), (1, 0)),
    formants=(
        Formant(((0, 391), (0.4, 420), (1, 473)), 76, -10),
        Formant(((0, 905), (0.4, 2110), (1, 993)), 229, -7.9),
        Formant(1650, 309, -11),
        Formant(4410, 472, -11),
        Formant(8000, 4000, -26),
    ),
    brightness_hz=5700,
    jitter=0.16,
    shimmer=0.43,
    roughness=0.43,
    breath=0.4,
)


def moo(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, duration_s: float) -> Samples:
    """A cow's moo."""
    return utter(MOO, pitch_hz * rng.uniform(0.93, 1.07), duration_s * rng.uniform(0.75, 1.25), rate_hz, rng)


def bleat(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, duration_s: float) -> Samples:
    """A sheep's bleat."""
    return utter(BLEAT, pitch_hz * rng.uniform(0.85, 1.15), duration_s * rng.uniform(0.7, 1.2), rate_hz, rng)


def oink(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, grunts: float) -> Samples:
    """A pig: a few short rough grunts."""
    pitch = pitch_hz * rng.uniform(0.85, 1.15)
    parts: list[Samples | float] = []
    for _ in range(max(1, int(grunts + rng.integers(-1, 2)))):
        one = utter(GRUNT, pitch * rng.uniform(0.85, 1.15), rng.uniform(0.14, 0.26), rate_hz, rng)
        parts += [one * rng.uniform(0.6, 1), rng.uniform(0.05, 0.2)]
    return joined(rate_hz, parts)


CLASSES: Final = (
    SoundClass(
        name="cow",
        audioset=("Moo", "Cattle, bovinae"),
        singular="a mooing cow",
        plural="mooing cows",
        phrases=("cow", "moo", "cattle", "ox", "bull", "calf"),
        imagenet=("ox", "water buffalo", "bison"),
        family="animals",
        source=Room(Events(moo, "calls_per_s", 4.0, jitter=0.15), t60_s=0.7, wet=0.5, floor=0.004),
        knobs=(
            Knob("pitch_hz", 130, 215, 230, "Hz", "pitch: a bull is low, a calf high"),
            Knob("duration_s", 1.0, 1.4, 2.4, "s", "length of a moo"),
            Knob("calls_per_s", 0.1, 0.47, 0.57, "1/s", "how often it moos"),
        ),
        drives={"calls_per_s": "activity"},
        together=("nature", "animals", "traffic", "people"),
    ),
    SoundClass(
        name="sheep",
        audioset=("Bleat", "Sheep", "Goat"),
        singular="a bleating sheep",
        plural="bleating sheep",
        phrases=("sheep", "bleating", "baa", "goat", "lamb", "flock of sheep"),
        imagenet=("ram", "bighorn", "ibex"),
        family="animals",
        source=Room(
            Layers(
                (
                    (1.0, Events(bleat, "calls_per_s", 2.0, jitter=0.2)),
                    ("flock", Events(bleat, 0.8, 2.0, spacing="poisson")),
                )
            ),
            t60_s=0.43,
            wet=0.15,
            floor=0.004,
        ),
        knobs=(
            Knob("pitch_hz", 150, 197, 330, "Hz", "pitch: an old ram is low, a lamb high"),
            Knob("duration_s", 0.5, 0.8, 1.4, "s", "length of a bleat"),
            Knob("calls_per_s", 0.25, 0.57, 1, "1/s", "how often the nearest one bleats"),
            Knob("flock", 0.0, 0.25, 0.8, "", "how loud the others are beside it"),
        ),
        drives={"calls_per_s": "activity"},
        together=("nature", "animals", "traffic", "people"),
    ),
    SoundClass(
        name="pig",
        audioset=("Oink", "Pig"),
        singular="a grunting pig",
        plural="grunting pigs",
        phrases=("pig", "oink", "grunt", "hog", "swine", "sow"),
        imagenet=("hog", "wild boar", "warthog"),
        family="animals",
        source=Room(Events(oink, "bouts_per_s", 2.5, jitter=0.2), t60_s=0.3, wet=0.2, floor=0.003),
        knobs=(
            Knob("pitch_hz", 80, 120, 200, "Hz", "pitch of the grunts"),
            Knob("grunts", 1, 3, 6, "", "grunts in a row"),
            Knob("bouts_per_s", 0.25, 0.67, 1, "1/s", "how often it begins to grunt"),
        ),
        drives={"bouts_per_s": "activity"},
        together=("nature", "animals", "people"),
    ),
)
