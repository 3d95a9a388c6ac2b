"""A barking dog: measured barks between which new ones lie, at another size and pitch."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.models.vocabulary.imagenet import NAMES
from synth.voices.ambient.catalogue.call_shapes import drawn
from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def bark(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, size: float, harshness: float
) -> Samples:
    """One bark of a dog; ``size`` scales its head and lowers its pitch, ``harshness`` roughens the voice."""
    shape = drawn("dog", body, rng)
    return rng.uniform(0.7, 1.0) * shape.voiced(
        rate_hz,
        rng,
        pitch=rng.uniform(0.95, 1.05) / size**0.7,
        duration=rng.uniform(0.9, 1.15) * size**0.3,
        size=size**0.6,
        jitter=0.01 + 0.02 * harshness,
        shimmer=0.1 + 0.15 * harshness,
        roughness=0.4 * harshness,
    )


CLASSES: Final = (
    SoundClass(
        name="dog",
        audioset=("Bark", "Dog", "Bow-wow", "Yip"),
        singular="a barking dog",
        plural="barking dogs",
        phrases=("dog", "bark", "barking", "woof", "puppy", "hound"),
        imagenet=NAMES[151:269],
        family="animals",
        source=Room(Events(bark, "barks_per_s", 1.5, jitter=0.25), t60_s=0.35, wet=0.2, floor=0.002),
        knobs=(
            Knob("size", 0.7, 1.0, 1.4, "", "of the head, beside an average dog's"),
            Knob("barks_per_s", 0.5, 1.6, 3.0, "1/s", "how often it barks"),
            Knob("harshness", 0.0, 0.3, 1.0, "", "how rough the voice is"),
        ),
        drives={"barks_per_s": "activity"},
        together=("nature", "animals", "people", "traffic", "machines", "music"),
    ),
)
