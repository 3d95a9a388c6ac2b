"""Laughter: bouts of breathy vowels that fall in pitch and loudness (Bachorowski and others, 2001)."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Layers
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.space import joined
from synth.voices.ambient.catalogue.parts.voice.formants import Formant
from synth.voices.ambient.catalogue.parts.voice.utterance import Call, breath_noise, utter, vowel
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def laugh(n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch_hz: float) -> Samples:
    """One bout: five to ten ha's and the breath drawn after them."""
    pitch = pitch_hz * body.uniform(0.85, 1.2) * rng.uniform(0.9, 1.12)
    size = 0.92 + 0.0006 * (pitch - 120)
    vowels = vowel("a" if body.random() < 0.7 else "e", None, size)
    hissing = (*(Formant(f.hz, 3 * f.bandwidth_hz, f.gain_db) for f in vowels), Formant(5500, 3500, -8))
    period_s = rng.uniform(0.17, 0.23)
    count = int(rng.integers(5, 11))
    parts: list[Samples | float] = []
    for i in range(count):
        place = i / count
        level = (1 - 0.6 * place) * rng.uniform(0.8, 1)
        call = Call(
            pitch=((0, 1.05), (0.3, 1.12), (1, 0.85)),
            level=((0, 0), (0.2, 1), (0.6, 0.7), (1, 0)),
            formants=tuple(Formant(f.hz, 1.3 * f.bandwidth_hz, f.gain_db) for f in vowels),
            brightness_hz=3500,
            jitter=0.02,
            shimmer=0.12,
            breath=0.2,
        )
        voice = utter(call, pitch * (1.25 - 0.5 * place) * rng.uniform(0.95, 1.05), 0.55 * period_s, rate_hz, rng)
        air = breath_noise(0.4 * period_s, rate_hz, rng, hissing, ((0, 0), (0.5, 1), (1, 0)))
        parts += [0.18 * level * air, level * voice]
    drawn = (Formant(900 * size, 500), Formant(2200, 700, -2), Formant(4200, 1500, -6), Formant(9000, 4000, -16))
    gasp = breath_noise(rng.uniform(0.25, 0.4), rate_hz, rng, drawn, ((0, 0), (0.5, 1), (1, 0)))
    return joined(rate_hz, [*parts, 0.05, 0.12 * gasp])


CLASSES: Final = (
    SoundClass(
        name="laughter",
        audioset=("Laughter", "Giggle", "Belly laugh", "Chuckle, chortle", "Snicker", "Baby laughter"),
        singular="a laughing person",
        plural="laughing people",
        phrases=("laughter", "laugh", "laughing", "giggle", "haha", "people laughing"),
        family="people",
        source=Room(
            Layers(
                (
                    (1.0, Events(laugh, "bouts_per_s", 3.5, jitter=0.1, first=0.1)),
                    ("others", Events(laugh, 0.7, 3.5, spacing="poisson")),
                )
            ),
            t60_s=0.5,
            wet=0.3,
            floor=0.003,
        ),
        knobs=(
            Knob("pitch_hz", 170, 320, 420, "Hz", "pitch: about 200 Hz a man, 330 Hz a woman"),
            Knob("bouts_per_s", 0.25, 0.45, 0.6, "1/s", "how often the nearest one begins to laugh"),
            Knob("others", 0.0, 0.1, 0.8, "", "how loud others laugh with them"),
        ),
        drives={"bouts_per_s": "activity"},
        together=("people", "music"),
    ),
)
