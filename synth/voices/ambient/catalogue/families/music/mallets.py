"""Xylophone, vibraphone, wind chime, music box, gong and singing bowl: bars, tubes and plates; a stroke an event."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import decay
from synth.voices.ambient.catalogue.parts.instruments import plates
from synth.voices.ambient.catalogue.parts.instruments.melody import Phrase, midi_hz
from synth.voices.ambient.catalogue.parts.instruments.mode_bank import decaying_modes
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import band_pass
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

FREE_TUBE: Final = np.array([1.0, 2.756, 5.404, 8.933])
"""Transverse modes of a free tube or bar beside the lowest (Rayleigh, 1894)."""


def _bar(
    rate_hz: int,
    rng: np.random.Generator,
    midi: float,
    hardness: float,
    ratios: Samples,
    falls: Samples,
    gains: Samples,
) -> Samples:
    pitch = midi_hz(midi)
    n = int(0.9 * rate_hz)
    tone = decaying_modes(
        n, rate_hz, pitch * ratios, falls * (520 / pitch) ** 0.5, gains, rng.uniform(0, 6.28, len(ratios))
    )
    m = int(0.04 * rate_hz)
    tone[:m] += 0.25 * hardness * band_pass(rng.standard_normal(m), rate_hz, 1000, 9000) * decay(m, rate_hz, 0.004)
    return tone * np.minimum(1, np.arange(n) / (0.0006 * rate_hz))


def xylophone(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    hardness: float,
) -> Samples:
    """A wooden bar, tuned to a twelfth or double octave above its pitch, over a tube; sometimes two at once."""
    phrase = Phrase.drawn(body, 65, 96, leap=3)
    note = phrase.note(index)
    ratios, falls = np.array([1, 3.93, 9.2, 1.005]), np.array([0.8, 0.25, 0.1, 0.6])
    gains = np.array([1, 0.5 * hardness, 0.35 * hardness, 0.3])
    out = phrase.level[index % 48] * _bar(rate_hz, rng, note.midi, hardness, ratios, falls, gains)
    if rng.random() < 0.2:
        out += 0.6 * _bar(rate_hz, rng, note.midi - 5, hardness, ratios, falls, gains)
    return out


def wind_chime(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch_hz: float, tubes: float
) -> Samples:
    """One tube of a chime, struck by the clapper."""
    steps = body.choice([0, 2, 4, 7, 9, 11, 14, 16, 19], max(1, round(tubes)), replace=False)
    pitches = pitch_hz * 2 ** (steps / 12) * body.uniform(0.99, 1.01, len(steps))
    m = min(n, int(3.0 * rate_hz))
    return rng.uniform(0.2, 1) * decaying_modes(
        m,
        rate_hz,
        float(rng.choice(pitches)) * FREE_TUBE,
        np.array([3.5, 2.1, 0.9, 0.4]) * rng.uniform(0.8, 1.2),
        np.array([1, 0.55, 0.3, 0.15]) * rng.uniform(0.5, 1.3, 4),
        rng.uniform(0, 6.28, 4),
    )


def gong(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, size_m: float, force: float
) -> Samples:
    """One stroke with a soft mallet on a gong."""
    sound = plates.gong(n / rate_hz, rate_hz, body, pitch_hz=106 / size_m, force=force)
    m = int(0.2 * rate_hz)
    sound = unit_peak(sound)
    sound[:m] += 0.11 * band_pass(rng.standard_normal(m), rate_hz, 60, 455) * decay(m, rate_hz, 0.03)
    return rng.uniform(0.8, 1) * sound * np.minimum(1, np.arange(len(sound)) / (0.004 * rate_hz))


def singing_bowl(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch_hz: float
) -> Samples:
    """A struck bowl of bronze: each mode is a pair that beats slowly, since no bowl is quite round."""
    ratios = np.repeat([1, 2.83, 5.42, 8.77, 12.7], 2)
    apart = np.tile([0.0, 1.0], 5) * body.uniform(0.5, 2.5, 10)
    pitch = pitch_hz * body.uniform(0.9, 1.1)
    tone = decaying_modes(
        n, rate_hz, pitch * ratios + apart, np.repeat([14, 9, 5, 3, 1.5], 2), np.repeat([1, 0.6, 0.3, 0.15, 0.08], 2),
        rng.uniform(0, 6.28, 10),
    )  # fmt: skip
    return rng.uniform(0.8, 1) * 0.4 * tone * np.minimum(1, np.arange(n) / (0.002 * rate_hz))


def vibraphone(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    notes_per_s: float,
    vibrato_hz: float,
) -> Samples:
    """A metal bar over a tube that a turning disc opens and closes."""
    note = Phrase.drawn(body, 58, 84, leap=3).note(index)
    m = min(n, int(2.5 * rate_hz))
    tone = decaying_modes(
        m,
        rate_hz,
        midi_hz(note.midi) * np.array([1, 4.0, 10.2]),
        [5.0, 1.5, 0.4],
        [1, 0.25, 0.12],
        rng.uniform(0, 6, 3),
    )
    wave = 1 + 0.35 * np.sin(2 * np.pi * vibrato_hz * np.arange(m) / rate_hz)
    return 0.6 * (note.level or 0.7) * tone * wave * np.minimum(1, np.arange(m) / (0.002 * rate_hz))


CLASSES: Final = (
    SoundClass(
        name="xylophone",
        audioset=("Marimba, xylophone", "Mallet percussion", "Glockenspiel"),
        singular="a xylophone",
        plural="xylophones",
        phrases=("xylophone", "marimba", "glockenspiel", "mallets"),
        imagenet=("marimba",),
        family="music",
        source=Room(Events(xylophone, "notes_per_s", 0.9, jitter=0.015), t60_s=0.6, wet=0.2, dark_hz=8000),
        knobs=(
            Knob("notes_per_s", 2.0, 5.0, 10.0, "1/s", "notes"),
            Knob("hardness", 0.2, 0.6, 1.0, "", "of the mallets: felt to wood"),
        ),
        drives={"notes_per_s": "onsets"},
        together=("music", "people"),
    ),
    SoundClass(
        name="vibraphone",
        audioset=("Vibraphone", "Mallet percussion", "Marimba, xylophone"),
        singular="a vibraphone",
        plural="vibraphones",
        phrases=("vibraphone", "vibes", "metallophone"),
        imagenet=("marimba",),
        family="music",
        source=Room(Events(vibraphone, "notes_per_s", 2.5, jitter=0.015), t60_s=0.8, wet=0.25),
        knobs=(
            Knob("notes_per_s", 1.0, 3.0, 7.0, "1/s", "notes"),
            Knob("vibrato_hz", 2.0, 5.0, 8.0, "Hz", "turns of the discs"),
        ),
        drives={"notes_per_s": "onsets"},
        together=("music", "people"),
    ),
    SoundClass(
        name="wind_chime",
        audioset=("Wind chime", "Chime"),
        singular="a wind chime",
        plural="wind chimes",
        phrases=("wind chime", "chimes", "tinkling"),
        imagenet=("chime",),
        family="music",
        source=Room(
            Events(wind_chime, "strikes_per_s", 3.0, spacing="poisson"),
            t60_s=0.4,
            wet=0.17,
            dark_hz=10_000,
            floor=0.003,
        ),
        knobs=(
            Knob("pitch_hz", 800, 1700, 2400, "Hz", "lowest tube"),
            Knob("strikes_per_s", 2.0, 6.5, 12.0, "1/s", "how often a tube is struck: the wind"),
            Knob("tubes", 4, 7, 9, "", "how many tubes"),
        ),
        drives={"strikes_per_s": "activity"},
        together=("nature", "animals", "people"),
    ),
    SoundClass(
        name="gong",
        audioset=("Gong",),
        singular="a gong",
        plural="gongs",
        phrases=("gong", "tam-tam", "gong stroke"),
        imagenet=("gong",),
        family="music",
        source=Room(Events(gong, "strokes_per_s", 8.0, jitter=0.03, first=0.03), t60_s=1.5, wet=0.4),
        knobs=(
            Knob("size_m", 0.5, 0.8, 1.4, "m", "diameter"),
            Knob("force", 0.3, 0.6, 1.0, "", "how hard it is struck"),
            Knob("strokes_per_s", 0.1, 0.2, 0.5, "1/s", "strokes"),
        ),
        drives={"strokes_per_s": "onsets"},
        together=("music", "people", "nature"),
    ),
    SoundClass(
        name="singing_bowl",
        audioset=("Singing bowl", "Bell", "Chime"),
        singular="a singing bowl",
        plural="singing bowls",
        phrases=("singing bowl", "Tibetan bowl", "meditation bell"),
        imagenet=("mixing bowl",),
        family="music",
        source=Room(Events(singing_bowl, "strokes_per_s", 8.0, jitter=0.05, first=0.03), t60_s=1.2, wet=0.3),
        knobs=(
            Knob("pitch_hz", 150, 260, 420, "Hz", "lowest mode: large bowls are low"),
            Knob("strokes_per_s", 0.1, 0.25, 0.5, "1/s", "strokes"),
        ),
        drives={"strokes_per_s": "onsets"},
        together=("music", "people", "nature"),
    ),
)
