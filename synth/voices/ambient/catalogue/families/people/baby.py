"""A crying baby: measured cries between which new ones lie, with the breath between them."""

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

_GASP: Final = (Formant(1300, 500), Formant(2600, 700, -2), Formant(4500, 1200, -5), Formant(9000, 4000, -14))


def cry(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch: float, distress: float
) -> Samples:
    """One cry and the gasp after it."""
    shape = drawn("baby", body, rng, 0.1)
    voice = shape.voiced(
        rate_hz,
        rng,
        pitch=pitch * rng.uniform(0.95, 1.06),
        duration=rng.uniform(0.85, 1.15),
        size=pitch**-0.4,
        jitter=0.01,
        shimmer=0.1,
        roughness=0.3 * distress,
    )
    gasp = breath_noise(0.22, rate_hz, rng, _GASP, ((0, 0), (0.5, 1), (1, 0)))
    return joined(rate_hz, [rng.uniform(0.75, 1) * voice, 0.05, 0.06 * gasp])


CLASSES: Final = (
    SoundClass(
        name="crying_baby",
        audioset=("Baby cry, infant cry", "Crying, sobbing"),
        singular="a crying baby",
        plural="crying babies",
        phrases=("baby", "crying baby", "infant", "newborn crying", "baby cry"),
        imagenet=("diaper", "crib", "bassinet", "cradle", "bib"),
        family="people",
        source=Room(Events(cry, "cries_per_s", 3.5, jitter=0.12, first=0.1), t60_s=0.35, wet=0.05, floor=0.005),
        knobs=(
            Knob("pitch", 0.85, 1.0, 1.25, "", "pitch beside an average baby's"),
            Knob("distress", 0.0, 0.0, 1.0, "", "how rough the voice is"),
            Knob("cries_per_s", 0.35, 0.5, 0.8, "1/s", "how often it cries"),
        ),
        drives={"cries_per_s": "activity"},
        together=("people", "music", "machines"),
    ),
)
