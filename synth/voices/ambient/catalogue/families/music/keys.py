"""Piano, organ and accordion: chords and a phrase over them; a note, or a handful, an event."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import decay, fade
from synth.voices.ambient.catalogue.parts.instruments.melody import CHORDS, Phrase, midi_hz
from synth.voices.ambient.catalogue.parts.instruments.mode_bank import decaying_modes
from synth.voices.ambient.catalogue.parts.instruments.strings import string_modes
from synth.voices.ambient.catalogue.parts.instruments.winds import reeds
from synth.voices.ambient.catalogue.parts.voice.formants import band_pass, shape_spectrum
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def _struck(rate_hz: int, rng: np.random.Generator, midi: float, duration_s: float, brightness: float) -> Samples:
    """A piano's note: two strings of a stiff wire, the hammer's knock, a damper at the end."""
    pitch = midi_hz(midi)
    n = int((max(1.6 * duration_s, 0.6) + 0.3) * rate_hz)
    tone = string_modes(
        n,
        rate_hz,
        rng,
        pitch,
        pluck_place=0.12,
        stiffness=2e-4 * (pitch / 260) ** 1.3,
        t60_s=9 * (220 / pitch) ** 0.6,
        damping_hz=1800 + 2500 * brightness,
        tilt=1.15,
        detune=0.0009,
        most=36,
    )
    knock = int(0.05 * rate_hz)
    tone[:knock] += 0.12 * band_pass(rng.standard_normal(knock), rate_hz, 100, 3500) * decay(knock, rate_hz, 0.008)
    return tone * fade(n, rate_hz, 0.002, 0.08)


def piano(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    brightness: float,
    chords: float,
) -> Samples:
    """One note of the right hand, and at every third step some of a chord of the left."""
    phrase = Phrase.drawn(body, 60, 84)
    note = phrase.note(index)
    out = np.zeros(n)
    if note.steps:
        tone = _struck(rate_hz, rng, note.midi, note.steps / notes_per_s, brightness)[:n]
        out[: len(tone)] += note.level * tone
    if index % 3 == 0:
        base = note.midi - 12 - (0, 5, 8)[int(rng.integers(3))]
        for below in (0, 5, 12):
            if rng.random() < chords:
                tone = _struck(rate_hz, rng, base - below, 2.5 / notes_per_s, brightness)[:n]
                out[: len(tone)] += 0.5 * tone
    return out


_FOREVER_S: Final = 1e6  # a pipe sounds as long as it is blown


def _pipe(rate_hz: int, rng: np.random.Generator, midi: float, duration_s: float, brightness: float) -> Samples:
    """A rank of organ pipes at 16, 8, 4, 2 2/3, 2 feet and above, and the chiff of the lips."""
    n = int((duration_s + 0.04) * rate_hz)
    pitch = midi_hz(midi)
    bright = brightness
    ranks = np.array([0.5, 1, 2, 3, 4, 6, 8])
    stops = np.array([0.4, 1.0, 0.7, 0.25 * bright, 0.5 * bright, 0.25 * bright, 0.25 * bright])
    gains = np.array([1, 0.4, 0.25 * (1 + bright), 0.12, 0.1 * bright, 0.06 * bright, 0.04 * bright])
    pipes_hz = pitch * ranks * (1 + rng.normal(0, 0.0006, len(ranks)))
    hz = np.outer(pipes_hz, np.arange(1, len(gains) + 1)).ravel()
    out = decaying_modes(n, rate_hz, hz, _FOREVER_S, np.outer(stops, gains).ravel())
    wind = band_pass(rng.standard_normal(n), rate_hz, pitch, 4 * pitch) * (1 + 4 * decay(n, rate_hz, 0.03))
    return fade(n, rate_hz, 0.04, 0.06) * (out + 0.02 * wind)


def organ(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    chords_per_s: float,
    brightness: float,
) -> Samples:
    """A chord of the manuals, its root in the pedal, and four notes that move above it."""
    root = int(body.integers(55, 62))
    chord = CHORDS[int(body.integers(0, 5, 16)[index % 16])]
    length_s = 1 / chords_per_s
    parts = [(0.0, length_s, root + tone, 0.6) for tone in chord]
    parts.append((0.0, length_s, root + chord[0] - (24 if root + chord[0] >= 62 else 12), 0.8))
    for i in range(4):
        above = root + 12 + chord[int(rng.integers(3))] + int(rng.choice([0, 0, 2]))
        parts.append((i * length_s / 4, length_s / 4, above, 0.7))
    out = np.zeros(n)
    for start_s, duration_s, midi, level in parts:
        at = int(start_s * rate_hz)
        tone = _pipe(rate_hz, rng, midi, duration_s, brightness)[: n - at]
        out[at : at + len(tone)] += 0.25 * level * tone
    return out


_BELLOWS: Final = ((20, -20), (100, -8), (300, 0), (900, 2), (1800, 1), (3500, -4), (8000, -16), (18_000, -34))


def accordion(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    beat_hz: float,
    chords: float,
) -> Samples:
    """A note of the phrase, and under every second one bass and chord in turn."""
    phrase = Phrase.drawn(body, 64, 83)
    note = phrase.note(index)
    parts = [(note.midi, 0.95 * note.steps / notes_per_s, note.level)] if note.steps else []
    root = 52 + phrase.root % 12 - 12 + (0, 5, 7, 0)[index // 8 % 4]
    if index % 4 == 0:
        parts.append((root, 1 / notes_per_s, 0.7))
    elif index % 4 == 2:
        parts += [(root + tone, 0.7 / notes_per_s, 0.35 * chords) for tone in (12, 16, 19)]
    out = np.zeros(n)
    for midi, duration_s, level in parts:
        m = min(n, int(max(duration_s, 0.08) * rate_hz))
        out[:m] += level * reeds(m, rate_hz, rng, midi_hz(midi), beat_hz=beat_hz)
    return 0.2 * shape_spectrum(out, _BELLOWS, rate_hz)


CLASSES: Final = (
    SoundClass(
        name="piano",
        audioset=("Piano", "Electric piano", "Keyboard (musical)"),
        singular="a piano",
        plural="pianos",
        phrases=("piano", "grand piano", "pianist", "playing the piano"),
        imagenet=("grand piano", "upright"),
        family="music",
        source=Room(Events(piano, "notes_per_s", 4.0, jitter=0.015), t60_s=0.9, wet=0.25, floor=0.001),
        knobs=(
            Knob("notes_per_s", 1.0, 3.0, 6.0, "1/s", "notes"),
            Knob("brightness", 0.0, 0.5, 1.0, "", "how hard the hammers are"),
            Knob("chords", 0.0, 0.6, 1.0, "", "how full the left hand plays"),
        ),
        drives={"notes_per_s": "activity"},
        together=("music", "people"),
    ),
    SoundClass(
        name="organ",
        audioset=("Organ", "Electronic organ", "Hammond organ"),
        singular="an organ",
        plural="organs",
        phrases=("organ", "church organ", "pipe organ"),
        imagenet=("organ", "altar", "church"),
        family="music",
        source=Room(Events(organ, "chords_per_s", 3.0, jitter=0.0, first=0.05), t60_s="hall_s", wet=0.6),
        knobs=(
            Knob("chords_per_s", 0.4, 0.8, 2.0, "1/s", "chords"),
            Knob("brightness", 0.0, 0.5, 1.0, "", "how many high stops are drawn"),
            Knob("hall_s", 0.5, 2.5, 5.0, "s", "how long the hall rings"),
        ),
        drives={"chords_per_s": "activity"},
        together=("music", "people"),
    ),
    SoundClass(
        name="accordion",
        audioset=("Accordion", "Harmonica"),
        singular="an accordion",
        plural="accordions",
        phrases=("accordion", "squeezebox", "concertina", "melodeon"),
        imagenet=("accordion",),
        family="music",
        source=Room(Events(accordion, "notes_per_s", 2.0, jitter=0.01), t60_s=0.6, wet=0.2, floor=0.001),
        knobs=(
            Knob("notes_per_s", 2.0, 3.5, 7.0, "1/s", "notes"),
            Knob("beat_hz", 0.0, 2.6, 6.0, "Hz", "how far its two reeds are apart"),
            Knob("chords", 0.0, 0.7, 1.0, "", "how loud the left hand plays"),
        ),
        drives={"notes_per_s": "activity"},
        together=("music", "people"),
    ),
)
