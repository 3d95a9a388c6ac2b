"""A person whistling a tune: nearly a sine that slides from note to note (the mouth is a Helmholtz resonator)."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import wander
from synth.voices.ambient.catalogue.parts.instruments.melody import Phrase, midi_hz
from synth.voices.ambient.catalogue.parts.voice.formants import band_pass
from synth.voices.ambient.catalogue.parts.voice.voice_source import vibrato
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_SLIDE_S: Final = 0.05


def whistle(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    pitch_hz: float,
    notes_per_s: float,
    breath: float,
) -> Samples:
    """One note, slid into from the one before, with the breath that makes it."""
    low = 69 + 12 * np.log2(pitch_hz / 440) - 7
    phrase = Phrase.drawn(body, low, low + 15)
    note = phrase.note(index)
    if not note.steps:
        return np.zeros(1)
    before = phrase.midi[(index - 1) % len(phrase.midi)]
    m = min(n, int(note.steps / notes_per_s * rate_hz))
    t = np.arange(m) / rate_hz
    slide = (before - note.midi) * np.clip(1 - t / _SLIDE_S, 0, 1) ** 2
    pitch = midi_hz(note.midi) * 2 ** (slide / 12)
    pitch = pitch * (1 + 0.006 * vibrato(m, rate_hz, rng, 5.5) + 0.002 * wander(m, rate_hz, rng, 12))
    phase = np.cumsum(pitch) * (2 * np.pi / rate_hz)
    level = np.minimum(1, t / 0.03) * np.clip((m / rate_hz - t) / 0.06, 0, 1) ** 0.7
    noise = rng.standard_normal((3, m))
    air = 0.02 * band_pass(noise[0], rate_hz, 900, 3500) + 0.015 * band_pass(noise[1], rate_hz, 3000, 12_000)
    tone = (np.sin(phase) + 0.03 * np.sin(2 * phase)) * (1 + 0.1 * wander(m, rate_hz, rng, 10))
    flutter = 0.05 * band_pass(noise[2], rate_hz, 0, 60, 2) * np.sin(phase)
    return note.level * level * (tone + breath * (air + flutter))


CLASSES: Final = (
    SoundClass(
        name="whistling",
        audioset=("Whistling", "Whistle"),
        singular="a whistling person",
        plural="whistling people",
        phrases=("whistling", "whistle a tune", "wolf whistle"),
        family="people",
        source=Room(Events(whistle, "notes_per_s", 2.5, jitter=0.0), t60_s=0.5, wet=0.2, dark_hz=7000, floor=0.003),
        knobs=(
            Knob("pitch_hz", 1000, 1400, 2000, "Hz", "middle of the tune"),
            Knob("notes_per_s", 1.5, 2.6, 4.0, "1/s", "notes"),
            Knob("breath", 0.1, 0.4, 1.0, "", "how much air is heard"),
        ),
        drives={"notes_per_s": "activity"},
        together=("people", "music", "machines", "nature"),
    ),
)
