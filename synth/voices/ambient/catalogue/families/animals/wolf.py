"""Wolves: a howl an event."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Layers
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.voice.formants import Formant
from synth.voices.ambient.catalogue.parts.voice.utterance import Call, utter
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

HOWL: Final = Call(
    pitch=((0, 0.74), (0.06, 0.91), (0.15, 1.03), (0.5, 1.05), (0.85, 0.95), (1, 0.8)),
    level=((0, 0), (0.1, 0.6), (0.3, 1), (0.75, 0.8), (1, 0)),
    formants=(Formant(465, 213, 2.5), Formant(992, 383, -3.3), Formant(2670, 523, -10.6)),
    brightness_hz=1420,
    jitter=0.005,
    shimmer=0.11,
    roughness=0.029,
    breath=0.11,
    vibrato_hz=3.2,
    vibrato_pitch=0.007,
    vibrato_level=0.036,
    floor_db=-40,
)


def howl(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, duration_s: float) -> Samples:
    """A wolf's howl."""
    return utter(HOWL, pitch_hz * rng.uniform(0.85, 1.12), duration_s * rng.uniform(0.7, 1.15), rate_hz, rng)


CLASSES: Final = (
    SoundClass(
        name="wolf",
        audioset=("Howl",),
        singular="a howling wolf",
        plural="howling wolves",
        phrases=("wolf", "howl", "wolves", "coyote", "a pack of wolves howling"),
        imagenet=("timber wolf", "white wolf", "red wolf", "coyote", "dingo", "dhole", "African hunting dog"),
        family="animals",
        source=Room(
            Layers(
                (
                    (1.0, Events(howl, "calls_per_s", 7.0, jitter=0.1)),
                    ("pack", Events(howl, 0.3, 7.0, spacing="poisson")),
                )
            ),
            t60_s=0.4,
            wet=0.5,
            floor=0.004,
        ),
        knobs=(
            Knob("pitch_hz", 420, 620, 700, "Hz", "pitch of the howl"),
            Knob("duration_s", 2.0, 3.2, 5.0, "s", "length of a howl"),
            Knob("calls_per_s", 0.1, 0.23, 0.33, "1/s", "how often the nearest one howls"),
            Knob("pack", 0.0, 0.25, 0.8, "", "how loud the others are beside it"),
        ),
        drives={"calls_per_s": "activity"},
        together=("nature", "animals"),
    ),
)
