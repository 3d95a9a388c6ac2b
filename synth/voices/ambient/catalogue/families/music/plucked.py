"""Guitar and harp: plucked strings; a note or a strummed chord an event."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import decay, fade
from synth.voices.ambient.catalogue.parts.instruments.melody import SCALES, midi_hz
from synth.voices.ambient.catalogue.parts.instruments.mode_bank import decaying_modes
from synth.voices.ambient.catalogue.parts.instruments.strings import string_modes
from synth.voices.ambient.catalogue.parts.space import add_at
from synth.voices.ambient.catalogue.parts.voice.formants import band_pass
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_SHAPES: Final = (
    (40, 47, 52, 56, 59, 64),
    (45, 52, 57, 60, 64),
    (48, 52, 55, 60, 64),
    (43, 47, 50, 55, 59, 67),
    (50, 57, 62, 66),
    (50, 57, 62, 65),
)
"""Open chords of a guitar, MIDI: E, Am, C, G, D, Dm."""

_GUITAR_HZ: Final = (102, 204, 270, 395, 530)
_GUITAR_S: Final = (0.25, 0.2, 0.15, 0.12, 0.1)
_GUITAR_GAIN: Final = (1, 1, 0.6, 0.5, 0.4)


def _guitar_string(
    rate_hz: int, rng: np.random.Generator, midi: float, duration_s: float, brightness: float
) -> Samples:
    n = int((duration_s + 1.2) * rate_hz)
    tone = string_modes(
        n,
        rate_hz,
        rng,
        midi_hz(midi),
        pluck_place=rng.uniform(0.12, 0.22),
        stiffness=6e-5,
        t60_s=3.5,
        damping_hz=1400 + 2200 * brightness,
        tilt=0.9,
    )
    m = int(0.4 * rate_hz)
    tone[:m] += 0.2 * decaying_modes(m, rate_hz, _GUITAR_HZ, _GUITAR_S, _GUITAR_GAIN, rng.uniform(0, 6.28, 5))
    k = int(0.05 * rate_hz)
    tone[:k] += 0.06 * band_pass(rng.standard_normal(k), rate_hz, 100, 5000) * decay(k, rate_hz, 0.008)
    return tone * fade(n, rate_hz, 0.0008, 0.08)


def guitar(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    brightness: float,
    strums: float,
) -> Samples:
    """Bars of four steps on one chord: picked string by string, or strummed on the first and third step."""
    chords, strummed = body.integers(0, len(_SHAPES), 16), body.random(16) < strums
    bar, step = index // 4, index % 4
    shape = _SHAPES[int(chords[bar // 2 % 16])]
    out = np.zeros(n)
    if strummed[bar % 16]:
        if step % 2:
            return out[:1]
        order = shape[::-1] if rng.random() < 0.3 else shape
        for i, midi in enumerate(order):
            level = rng.uniform(0.6, 1)
            add_at(out, level * _guitar_string(rate_hz, rng, midi, 0.9, brightness), int(0.012 * i * rate_hz))
        return out
    midi = shape[0] if step == 0 else shape[int(rng.integers(1, len(shape)))]
    add_at(out, rng.uniform(0.6, 1) * _guitar_string(rate_hz, rng, midi, 0.9, brightness), 0)
    return out


def _harp_string(rate_hz: int, rng: np.random.Generator, midi: float) -> Samples:
    """A gut string plucked by the ball of a finger: soft, few partials, and the finger's own short noise."""
    pitch = midi_hz(midi)
    n = int(1.8 * rate_hz)
    tone = string_modes(
        n,
        rate_hz,
        rng,
        pitch,
        pluck_place=0.35,
        stiffness=1e-5,
        t60_s=2.4 * (260 / pitch) ** 0.37,
        damping_hz=900,
        tilt=1.39,
        most=24,
    )
    tone *= fade(n, rate_hz, 0.0064, 0.2)
    finger = int(0.05 * rate_hz)
    tone[:finger] += 0.11 * band_pass(rng.standard_normal(finger), rate_hz, 300, 3500) * decay(finger, rate_hz, 0.003)
    return tone


def harp(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    figures_per_s: float,
    notes_per_s: float,
    glissando: float,
) -> Samples:
    """One figure: a glissando over ten to sixteen strings, or a broken chord up and down again."""
    scale, root = SCALES[int(body.integers(2))], int(body.integers(43, 50))
    strings = [m for m in range(root, root + 44) if (m - root) % 12 in scale]
    if rng.random() < glissando:
        low, count = int(rng.integers(2, 9)), int(rng.integers(10, 17))
        played = strings[low : low + count]
        played = played if rng.random() < 0.6 else played[::-1]
        step_s = 0.08
    else:
        low = int(rng.integers(0, 8))
        played = [strings[low + i] for i in (0, 4, 7, 9, 11, 14, 11, 9)]
        step_s = 1 / notes_per_s
    out = np.zeros(n)
    for i, midi in enumerate(played):
        add_at(out, rng.uniform(0.6, 1) * _harp_string(rate_hz, rng, midi), int(i * step_s * rate_hz))
    return 0.5 * out


CLASSES: Final = (
    SoundClass(
        name="guitar",
        audioset=("Acoustic guitar", "Guitar", "Strum", "Plucked string instrument"),
        singular="an acoustic guitar",
        plural="acoustic guitars",
        phrases=("guitar", "acoustic guitar", "strumming", "guitarist", "ukulele"),
        imagenet=("acoustic guitar", "electric guitar"),
        family="music",
        source=Room(Events(guitar, "notes_per_s", 2.4, jitter=0.03), t60_s=0.5, wet=0.2, floor=0.001),
        knobs=(
            Knob("notes_per_s", 2.0, 4.0, 7.0, "1/s", "steps of the picking"),
            Knob("brightness", 0.0, 0.5, 1.0, "", "wound with nylon (0) or steel (1)"),
            Knob("strums", 0.0, 0.4, 1.0, "", "how many bars are strummed"),
        ),
        drives={"notes_per_s": "activity"},
        together=("music", "people"),
    ),
    SoundClass(
        name="harp",
        audioset=("Harp",),
        singular="a harp",
        plural="harps",
        phrases=("harp", "glissando", "harpist"),
        imagenet=("harp",),
        family="music",
        source=Room(Events(harp, "figures_per_s", 4.5, jitter=0.05, first=0.1), t60_s=1.35, wet=0.32, floor=0.001),
        knobs=(
            Knob("figures_per_s", 0.3, 0.6, 0.9, "1/s", "figures"),
            Knob("notes_per_s", 3.0, 6.0, 10.0, "1/s", "notes of a broken chord"),
            Knob("glissando", 0.0, 0.6, 1.0, "", "how many figures are glissandi"),
        ),
        drives={"figures_per_s": "activity"},
        together=("music", "people"),
    ),
)
