"""Trumpet, trombone, flute and clarinet: a note an event."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.instruments import winds
from synth.voices.ambient.catalogue.parts.instruments.melody import Phrase, midi_hz
from synth.voices.ambient.catalogue.parts.voice.formants import shape_spectrum
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_TRUMPET: Final = (
    (20, -20),
    (200, -8),
    (500, -2),
    (1000, 2),
    (1500, 3),
    (2500, 0),
    (6000, -6),
    (12_000, -16),
    (20_000, -30),
)
_TROMBONE: Final = (
    (20, -20),
    (80, -6),
    (250, 0),
    (520, 4),
    (800, 2),
    (1500, -2),
    (3000, -8),
    (8000, -20),
    (16_000, -34),
)
_CLARINET: Final = ((20, -20), (140, -2), (400, 2), (1500, 3), (2500, -3), (4000, -8), (9000, -20), (18_000, -36))


def _brass(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    phrase: Phrase,
    index: int,
    notes_per_s: float,
    bell: tuple[tuple[float, float], ...],
    brightness: float,
    cut_hz: float,
    slide_s: float = 0.0,
) -> Samples:
    note = phrase.note(index)
    if not note.steps:
        return np.zeros(1)
    before = phrase.midi[(index - 1) % len(phrase.midi)]
    m = min(n, int(0.92 * note.steps / notes_per_s * rate_hz))
    tone = winds.brass(
        m,
        rate_hz,
        rng,
        midi_hz(note.midi),
        level=note.level,
        brightness=brightness,
        cut_hz=cut_hz,
        from_hz=midi_hz(before),
        slide_s=slide_s,
    )
    return shape_spectrum(np.concatenate([tone, np.zeros(int(0.02 * rate_hz))]), bell, rate_hz)


def trumpet(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    brightness: float,
) -> Samples:
    """A trumpet's note."""
    return _brass(n, rate_hz, rng, Phrase.drawn(body, 62, 80), index, notes_per_s, _TRUMPET, brightness, 2600)


def trombone(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    brightness: float,
    slide_s: float,
) -> Samples:
    """A trombone's note, slid into from the one before."""
    phrase = Phrase.drawn(body, 43, 62)
    return _brass(n, rate_hz, rng, phrase, index, notes_per_s, _TROMBONE, brightness, 1500, slide_s)


def flute(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    breath: float,
    vibrato_hz: float,
) -> Samples:
    """A flute's note."""
    note = Phrase.drawn(body, 67, 89).note(index)
    if not note.steps:
        return np.zeros(1)
    m = min(n, int(0.96 * note.steps / notes_per_s * rate_hz))
    tone = winds.flute(m, rate_hz, rng, midi_hz(note.midi), level=note.level, breath=breath, vibrato_hz=vibrato_hz)
    return 0.6 * tone


def clarinet(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, index: int, notes_per_s: float
) -> Samples:
    """A clarinet's note."""
    note = Phrase.drawn(body, 52, 76).note(index)
    if not note.steps:
        return np.zeros(1)
    m = min(n, int(0.95 * note.steps / notes_per_s * rate_hz))
    tone = np.concatenate([winds.clarinet(m, rate_hz, rng, midi_hz(note.midi)), np.zeros(int(0.02 * rate_hz))])
    return note.level * shape_spectrum(tone, _CLARINET, rate_hz)


def _notes(low: float, default: float, high: float) -> Knob:
    return Knob("notes_per_s", low, default, high, "1/s", "notes")


CLASSES: Final = (
    SoundClass(
        name="trumpet",
        audioset=("Trumpet", "Brass instrument"),
        singular="a trumpet",
        plural="trumpets",
        phrases=("trumpet", "cornet", "fanfare", "trumpeter", "bugle"),
        imagenet=("cornet",),
        family="music",
        source=Room(Events(trumpet, "notes_per_s", 3.0, jitter=0.01), t60_s=1.1, wet=0.28, floor=0.0005),
        knobs=(_notes(1.0, 2.5, 6.0), Knob("brightness", 0.3, 0.8, 1.5, "", "how hard it is blown")),
        drives={"notes_per_s": "activity"},
        together=("music", "people"),
    ),
    SoundClass(
        name="trombone",
        audioset=("Trombone", "Brass instrument", "French horn"),
        singular="a trombone",
        plural="trombones",
        phrases=("trombone", "tuba", "horn player", "brass band"),
        imagenet=("trombone", "French horn"),
        family="music",
        source=Room(Events(trombone, "notes_per_s", 4.0, jitter=0.01), t60_s=1.1, wet=0.28, floor=0.0005),
        knobs=(
            _notes(1.0, 1.8, 4.0),
            Knob("brightness", 0.3, 0.7, 1.5, "", "how hard it is blown"),
            Knob("slide_s", 0.0, 0.12, 0.3, "s", "how long the slide moves"),
        ),
        drives={"notes_per_s": "activity"},
        together=("music", "people"),
    ),
    SoundClass(
        name="flute",
        audioset=("Flute", "Wind instrument, woodwind instrument"),
        singular="a flute",
        plural="flutes",
        phrases=("flute", "recorder", "piccolo", "pan pipe"),
        imagenet=("flute",),
        family="music",
        source=Room(Events(flute, "notes_per_s", 3.0, jitter=0.01), t60_s=1.3, wet=0.3, floor=0.0005),
        knobs=(
            _notes(1.0, 2.5, 6.0),
            Knob("breath", 0.0, 0.5, 1.0, "", "how much air is heard"),
            Knob("vibrato_hz", 3.5, 5.0, 7.0, "Hz", "speed of the vibrato"),
        ),
        drives={"notes_per_s": "activity"},
        together=("music", "people"),
    ),
    SoundClass(
        name="clarinet",
        audioset=("Clarinet", "Wind instrument, woodwind instrument"),
        singular="a clarinet",
        plural="clarinets",
        phrases=("clarinet", "oboe", "woodwind"),
        imagenet=("oboe", "bassoon"),
        family="music",
        source=Room(Events(clarinet, "notes_per_s", 3.0, jitter=0.01), t60_s=0.9, wet=0.25, floor=0.0005),
        knobs=(_notes(1.0, 2.2, 5.0),),
        drives={"notes_per_s": "activity"},
        together=("music", "people"),
    ),
)
