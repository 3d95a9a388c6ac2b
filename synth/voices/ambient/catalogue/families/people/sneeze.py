"""A sneezing person: measured sneezes between which new ones lie, and the breath drawn before them."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.call_shapes import drawn
from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.space import joined
from synth.voices.ambient.catalogue.parts.voice.formants import Formant
from synth.voices.ambient.catalogue.parts.voice.utterance import breath_noise
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_DRAWN: Final = (Formant(950, 300, -4), Formant(1800, 400), Formant(3000, 500), Formant(4700, 1200, -4))


def sneeze(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch: float, breath: float
) -> Samples:
    """A breath drawn in steps, a moment's hold, and the sneeze."""
    shape = drawn("sneeze", body, rng, 0.2)
    burst = shape.voiced(
        rate_hz,
        rng,
        pitch=pitch * rng.uniform(0.95, 1.05),
        duration=rng.uniform(0.9, 1.1),
        size=pitch**-0.4,
        jitter=0.02,
        shimmer=0.1,
    )
    air = breath_noise(rng.uniform(0.25, 0.45), rate_hz, rng, _DRAWN, ((0, 0), (0.6, 0.5), (0.9, 1), (1, 0)))
    return joined(rate_hz, [breath * air, 0.06, burst])


CLASSES: Final = (
    SoundClass(
        name="sneezing",
        audioset=("Sneeze",),
        singular="a sneezing person",
        plural="sneezing people",
        phrases=("sneeze", "sneezing", "achoo", "a person with a cold"),
        imagenet=("handkerchief", "toilet tissue"),
        family="people",
        source=Room(Events(sneeze, "sneezes_per_s", 2.5, jitter=0.15, first=0.1), t60_s=0.3, wet=0.15, floor=0.001),
        knobs=(
            Knob("pitch", 0.75, 1.0, 1.3, "", "pitch beside an average person's"),
            Knob("breath", 0.0, 0.06, 0.3, "", "how loud the breath before it is"),
            Knob("sneezes_per_s", 0.1, 0.35, 0.5, "1/s", "how often"),
        ),
        drives={"sneezes_per_s": "activity"},
        together=("people", "machines"),
    ),
)
