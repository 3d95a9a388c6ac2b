"""Hen and duck."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.space import joined
from synth.voices.ambient.catalogue.parts.voice.formants import Formant
from synth.voices.ambient.catalogue.parts.voice.utterance import Call, utter
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

CLUCK: Final = Call(
    pitch=((0, 0.8), (0.3, 1.15), (1, 0.7)),
    level=((0, 0), (0.15, 1), (0.5, 0.7), (1, 0)),
    formants=(
        Formant(((0, 700), (0.3, 1150), (1, 800)), 260, 0),
        Formant(2100, 400, -6),
        Formant(3300, 600, -10),
        Formant(5200, 900, -18),
        Formant(9000, 3000, -26),
    ),
    jitter=0.03,
    shimmer=0.2,
    roughness=0.35,
    breath=0.25,
)
SQUAWK: Final = CLUCK.but(pitch=((0, 1), (0.3, 1.5), (0.7, 1.8), (1, 1.1)))
QUACK: Final = Call(
    pitch=((0, 1.05), (0.3, 1.1), (1, 0.8)),
    level=((0, 0), (0.12, 1), (0.6, 0.8), (1, 0)),
    formants=(
        Formant(((0, 800), (0.3, 1250), (1, 950)), 520, 0),
        Formant(((0, 1900), (0.3, 2400), (1, 2000)), 700, 0),
        Formant(3500, 1000, -4),
        Formant(5200, 1600, -10),
        Formant(9000, 3500, -24),
    ),
    brightness_hz=6000,
    steep=False,
    jitter=0.012,
    shimmer=0.18,
    roughness=0.25,
    breath=0.15,
)


def cluck(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, excitement: float) -> Samples:
    """A hen: a short cluck, or one time in ``4 / excitement`` the long rising squawk."""
    pitch = pitch_hz * rng.uniform(0.88, 1.12)
    if rng.random() < 0.25 * excitement:
        return utter(SQUAWK, pitch, rng.uniform(0.35, 0.6), rate_hz, rng)
    return utter(CLUCK, pitch, rng.uniform(0.06, 0.12), rate_hz, rng) * rng.uniform(0.35, 0.9)


def quacks(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, quacks_per_s: float) -> Samples:
    """A duck: a row of quacks that fall in pitch and loudness."""
    pitch = pitch_hz * rng.uniform(0.9, 1.12)
    parts: list[Samples | float] = []
    for i in range(int(rng.integers(3, 7))):
        length = (0.24 - 0.015 * i) * rng.uniform(0.9, 1.1)
        parts.append((1 - 0.1 * i) * utter(QUACK, pitch * (1.12 - 0.04 * i), length, rate_hz, rng))
        parts.append(max(0.04, rng.uniform(0.6, 1) / quacks_per_s - 0.18))
    return joined(rate_hz, parts)


CLASSES: Final = (
    SoundClass(
        name="hen",
        audioset=("Cluck", "Chicken, rooster"),
        singular="a clucking hen",
        plural="clucking hens",
        phrases=("hen", "chicken", "clucking", "chickens", "poultry yard"),
        imagenet=("hen", "prairie chicken", "partridge"),
        family="animals",
        source=Room(Events(cluck, "clucks_per_s", 0.8, jitter=0.35), t60_s=0.3, wet=0.25, floor=0.006),
        knobs=(
            Knob("pitch_hz", 330, 430, 560, "Hz", "pitch of the clucks"),
            Knob("clucks_per_s", 1.5, 2.6, 5.0, "1/s", "how often it clucks"),
            Knob("excitement", 0.0, 0.3, 1.0, "", "how many long squawks are among them"),
        ),
        drives={"clucks_per_s": "activity"},
        together=("nature", "animals", "people"),
    ),
    SoundClass(
        name="duck",
        audioset=("Quack", "Duck"),
        singular="a quacking duck",
        plural="quacking ducks",
        phrases=("duck", "quack", "mallard", "ducks on a pond"),
        imagenet=("drake", "red-breasted merganser", "American coot", "European gallinule", "goose"),
        family="animals",
        source=Room(Events(quacks, "calls_per_s", 3.5, jitter=0.15), t60_s=0.4, wet=0.2, floor=0.005),
        knobs=(
            Knob("pitch_hz", 160, 230, 320, "Hz", "pitch of the quacks"),
            Knob("quacks_per_s", 1.8, 3.0, 4.5, "1/s", "how quickly quacks follow one another"),
            Knob("calls_per_s", 0.2, 0.5, 0.67, "1/s", "how often it begins to quack"),
        ),
        drives={"calls_per_s": "activity"},
        together=("nature", "animals", "people"),
    ),
)
