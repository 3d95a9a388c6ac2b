"""Violin, cello and double bass: bowed strings over a wooden body; a note an event."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.instruments.melody import Phrase, midi_hz
from synth.voices.ambient.catalogue.parts.instruments.strings import bowed_string, wooden_body
from synth.voices.ambient.catalogue.parts.voice.formants import shape_spectrum
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_VIOLIN: Final = wooden_body(
    ((20, -30), (200, -14), (275, 0), (330, -5), (450, 2), (560, 1), (700, -5), (1000, -2), (1300, -5), (1800, -4),
     (2400, 2), (3200, 1), (4200, -8), (7000, -20), (12_000, -32)), 5)  # fmt: skip
_CELLO: Final = wooden_body(
    ((20, -30), (65, -8), (100, 1), (180, 2), (220, -3), (300, 1), (420, 2), (600, 0), (900, 1), (1300, 0), (2000, 2),
     (2800, -1), (4000, -6), (8000, -16), (16_000, -30)), 5)  # fmt: skip


def _bowed(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    phrase: Phrase,
    index: int,
    notes_per_s: float,
    wood: tuple[tuple[float, float], ...],
    **string: float,
) -> Samples:
    note = phrase.note(index)
    if not note.steps:
        return np.zeros(1)
    m = min(n, int((note.steps / notes_per_s + 0.05) * rate_hz))
    tone = note.level * bowed_string(m, rate_hz, rng, midi_hz(note.midi), **string)
    padded = np.concatenate([tone, np.zeros(int(0.03 * rate_hz))])
    return 0.3 * shape_spectrum(padded, wood, rate_hz)


def violin(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    vibrato_cents: float,
    bow_noise: float,
) -> Samples:
    """A violin's note."""
    phrase = Phrase.drawn(body, 64, 86)
    return _bowed(
        n, rate_hz, rng, phrase, index, notes_per_s, _VIOLIN,
        vibrato_cents=vibrato_cents, bow_noise=bow_noise, brightness_hz=7000,
    )  # fmt: skip


def cello(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    vibrato_cents: float,
    bow_noise: float,
) -> Samples:
    """A cello's note."""
    phrase = Phrase.drawn(body, 43, 66)
    return _bowed(
        n, rate_hz, rng, phrase, index, notes_per_s, _CELLO,
        vibrato_cents=vibrato_cents, bow_noise=bow_noise, brightness_hz=9000,
    )  # fmt: skip


CLASSES: Final = (
    SoundClass(
        name="violin",
        audioset=("Violin, fiddle", "Bowed string instrument"),
        singular="a violin",
        plural="violins",
        phrases=("violin", "fiddle", "violinist", "viola"),
        imagenet=("violin",),
        family="music",
        source=Room(Events(violin, "notes_per_s", 4.0, jitter=0.01), t60_s=0.8, wet=0.25, floor=0.0005),
        knobs=(
            Knob("notes_per_s", 1.0, 2.2, 5.0, "1/s", "notes"),
            Knob("vibrato_cents", 8, 28, 60, "cents", "depth of the vibrato"),
            Knob("bow_noise", 0.0, 0.06, 0.2, "", "how much of the bow's hair is heard"),
        ),
        drives={"notes_per_s": "activity"},
        together=("music", "people"),
    ),
    SoundClass(
        name="cello",
        audioset=("Cello", "Bowed string instrument", "Double bass"),
        singular="a cello",
        plural="cellos",
        phrases=("cello", "cellist", "violoncello", "double bass"),
        imagenet=("cello",),
        family="music",
        source=Room(Events(cello, "notes_per_s", 5.0, jitter=0.01), t60_s=0.8, wet=0.25, floor=0.0005),
        knobs=(
            Knob("notes_per_s", 0.7, 1.3, 3.5, "1/s", "notes"),
            Knob("vibrato_cents", 8, 22, 50, "cents", "depth of the vibrato"),
            Knob("bow_noise", 0.0, 0.05, 0.2, "", "how much of the bow's hair is heard"),
        ),
        drives={"notes_per_s": "activity"},
        together=("music", "people"),
    ),
)
