"""A crowing rooster: measured crows between which new ones lie."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.call_shapes import drawn
from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def crow(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch: float, duration: float
) -> Samples:
    """One crow: cock-a-doodle-doo."""
    shape = drawn("rooster", body, rng, 0.15)
    return rng.uniform(0.8, 1.0) * shape.voiced(
        rate_hz,
        rng,
        pitch=pitch * rng.uniform(0.97, 1.03),
        duration=duration * rng.uniform(0.93, 1.07),
        size=pitch**-0.5,
        jitter=0.008,
        shimmer=0.15,
        roughness=0.05,
    )


CLASSES: Final = (
    SoundClass(
        name="rooster",
        audioset=("Crowing, cock-a-doodle-doo", "Chicken, rooster"),
        singular="a crowing rooster",
        plural="crowing roosters",
        phrases=("rooster", "cock", "cock-a-doodle-doo", "crowing", "cockerel"),
        imagenet=("cock",),
        family="animals",
        source=Room(Events(crow, "crows_per_s", 4.5, jitter=0.1, first=0.1), t60_s=0.4, wet=0.2, floor=0.002),
        knobs=(
            Knob("pitch", 0.8, 1.0, 1.2, "", "pitch beside an average rooster's"),
            Knob("duration", 0.8, 1.0, 1.3, "", "length beside an average crow's"),
            Knob("crows_per_s", 0.1, 0.22, 0.3, "1/s", "how often it crows"),
        ),
        drives={"crows_per_s": "activity"},
        together=("nature", "animals", "people", "traffic"),
    ),
)
