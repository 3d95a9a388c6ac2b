"""Drum kit, bass drum, snare drum, tambourine and cymbal: skins by their modes, wires and plates; a stroke an event."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import decay
from synth.voices.ambient.catalogue.parts.instruments.mode_bank import decaying_modes
from synth.voices.ambient.catalogue.parts.instruments.plates import plate
from synth.voices.ambient.catalogue.parts.space import add_at
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import band_pass, shape_spectrum
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_MEMBRANE: Final = np.array([1.0, 1.59, 2.14, 2.65, 2.92, 3.5])
"""Modes of an ideal round skin beside the lowest (Fletcher and Rossing, chapter 18)."""

_WIRES: Final = ((100, -20), (700, -8), (2000, 0), (7000, 0), (14_000, -6), (20_000, -14))


def kick(rate_hz: int, rng: np.random.Generator, pitch_hz: float, ring_s: float) -> Samples:
    """A bass drum of a kit: the pitch falls as the skin slackens, and the beater clicks."""
    n = int(4 * ring_s * rate_hz)
    t = np.arange(n) / rate_hz
    phase = 2 * np.pi * pitch_hz * (t + 1.6 * 0.035 * (1 - np.exp(-t / 0.035)))
    tone = np.sin(phase) * np.exp(-t / ring_s) + 0.25 * np.sin(1.59 * phase) * np.exp(-t / (0.4 * ring_s))
    click = band_pass(rng.standard_normal(n), rate_hz, 800, 7000) * decay(n, rate_hz, 0.004)
    return np.asarray((tone + 0.3 * click) * np.minimum(1, t / 0.001))


def snare(rate_hz: int, rng: np.random.Generator, pitch_hz: float) -> Samples:
    """A snare drum: a small skin, and wires that rattle under it."""
    n = int(0.35 * rate_hz)
    tone = decaying_modes(
        n, rate_hz, pitch_hz * _MEMBRANE[:4], [0.41, 0.31, 0.24, 0.2], [0.8, 0.5, 0.3, 0.2], rng.uniform(0, 6.28, 4)
    )
    wires = shape_spectrum(rng.standard_normal(n), _WIRES, rate_hz)
    wires *= (decay(n, rate_hz, 0.07) + 0.2 * decay(n, rate_hz, 0.15)) * np.minimum(1, np.arange(n) / (0.001 * rate_hz))
    stick = band_pass(rng.standard_normal(n), rate_hz, 400, 5000) * decay(n, rate_hz, 0.005)
    return 0.6 * tone + 0.45 * wires + 0.5 * stick


def kit(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    index: int,
    fills: float,
    size: float,
) -> Samples:
    """One eighth of a bar of rock: hi-hat, bass drum by the pattern, snare on two and four, now and then a crash."""
    kicks = body.random(8) < 0.3
    kicks[[0, 4]] = True
    kick_hz, snare_hz = body.uniform(48, 60) / size, body.uniform(170, 220) / size
    step = index % 8
    out = np.zeros(n)
    open_hat = step == 7
    hat = plate(0.35 if open_hat else 0.09, rate_hz, body, low_hz=2500, count=120, t60_s=1.2)
    hat = unit_peak(band_pass(hat, rate_hz, 4000, 0, 2)) * decay(len(hat), rate_hz, 0.12 if open_hat else 0.02)
    add_at(out, 0.28 * rng.uniform(0.6, 1) * hat, 0)
    if kicks[step] and step not in (2, 6):
        add_at(out, kick(rate_hz, rng, kick_hz, 0.11), 0)
    if step in (2, 6):
        add_at(out, rng.uniform(0.68, 0.8) * snare(rate_hz, rng, snare_hz), 0)
    elif rng.random() < 0.12 * fills:
        add_at(out, 0.35 * snare(rate_hz, rng, snare_hz), 0)
    if index % 32 == 0:
        crash = plate(2.0, rate_hz, body, low_hz=350, count=240, t60_s=3.0)
        add_at(out, 0.3 * unit_peak(crash), 0)
    return np.asarray(np.tanh(out))


def bass_drum(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch_hz: float, ring_s: float
) -> Samples:
    """A concert bass drum."""
    m = min(n, int(4 * ring_s * rate_hz))
    t = np.arange(m) / rate_hz
    fall = 1 + 0.25 * 0.03 * (1 - np.exp(-t / 0.03)) / np.maximum(t, 1e-6)
    phase = 2 * np.pi * pitch_hz * body.uniform(0.93, 1.08) * t * fall
    out = np.zeros(m)
    ratios = (1, 1.5, 1.98, 2.44, 2.95, 3.5)
    for ratio, gain, share in zip(ratios, (1, 0.6, 0.4, 0.25, 0.18, 0.12), (1, 0.6, 0.4, 0.3, 0.22, 0.2), strict=True):
        out += gain * np.exp(-t / (ring_s * share)) * np.sin(ratio * phase)
    felt = band_pass(rng.standard_normal(m), rate_hz, 60, 900) * decay(m, rate_hz, 0.02)
    skin = band_pass(rng.standard_normal(m), rate_hz, 900, 5000) * decay(m, rate_hz, 0.006)
    return rng.uniform(0.8, 1) * (out + 0.9 * felt + 0.25 * skin) * np.minimum(1, t / 0.002)


def roll(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, index: int, strokes_per_s: float
) -> Samples:
    """One stroke on a snare drum, every fourth accented."""
    accent = 1.0 if index % 4 == 0 else rng.uniform(0.35, 0.6)
    return accent * snare(rate_hz, rng, body.uniform(170, 230))


def shake(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, index: int, shakes_per_s: float
) -> Samples:
    """One shake of a tambourine: a few dozen jingles strike within hundredths of a second (Cook's PhISEM, 1997)."""
    pitches = body.uniform(3800, 9500, (9, 4))
    m = min(n, int(0.3 * rate_hz))
    strong = index % 2 == 0
    out = np.zeros(m)
    for at_s in rng.exponential(0.02 if strong else 0.012, 26 if strong else 12):
        jingle = pitches[int(rng.integers(9))]
        ring = decaying_modes(
            int(0.16 * rate_hz),
            rate_hz,
            jingle,
            rng.uniform(0.08, 0.2, 4),
            rng.uniform(0.2, 1, 4),
            rng.uniform(0, 6, 4),
        )
        add_at(out, rng.uniform(0.3, 1) * ring, int(at_s * rate_hz))
    if strong:
        out[: int(0.05 * rate_hz)] += (
            0.8
            * band_pass(rng.standard_normal(int(0.05 * rate_hz)), rate_hz, 300, 2500)
            * decay(int(0.05 * rate_hz), rate_hz, 0.01)
        )
    return 0.2 * (1.0 if strong else 0.5) * out


def cymbal(n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, size_m: float) -> Samples:
    """One stroke on a suspended cymbal: its high modes need a moment to fill (nonlinear coupling), and die first."""
    scale = 0.45 / size_m
    m = min(n, int(3.0 * rate_hz))
    tone = plate(3.0, rate_hz, body, low_hz=330 * scale, count=480, t60_s=4.7 / scale)[:m]
    tone = unit_peak(tone) * (0.15 + 0.85 * np.minimum(1, np.arange(m) / (0.01 * rate_hz)))
    wash, tick = rng.standard_normal((2, m))
    tone += 0.08 * band_pass(wash, rate_hz, 3000, 16_000) * decay(m, rate_hz, 0.25)
    tone += 0.22 * band_pass(tick, rate_hz, 1500, 9000) * decay(m, rate_hz, 0.004)
    return rng.uniform(0.7, 1) * tone


CLASSES: Final = (
    SoundClass(
        name="drum_kit",
        audioset=("Drum kit", "Drum", "Snare drum", "Percussion"),
        singular="a drum kit",
        plural="drum kits",
        phrases=("drums", "drum kit", "drummer", "drum beat", "drum set"),
        imagenet=("drum", "drumstick"),
        family="music",
        source=Room(Events(kit, "steps_per_s", 2.2, jitter=0.015, first=0.1), t60_s=0.45, wet=0.25, floor=0.001),
        knobs=(
            Knob("steps_per_s", 2.3, 3.7, 5.6, "1/s", "eighth notes: beats a minute over 30"),
            Knob("fills", 0.0, 0.3, 1.0, "", "strokes beside the pattern"),
            Knob("size", 0.8, 1.0, 1.3, "", "of the drums"),
        ),
        drives={"steps_per_s": "onsets"},
        impacts=True,
        together=("music", "people"),
    ),
    SoundClass(
        name="bass_drum",
        audioset=("Bass drum", "Drum", "Timpani"),
        singular="a bass drum",
        plural="bass drums",
        phrases=("bass drum", "big drum", "kettledrum", "timpani"),
        imagenet=("drum",),
        family="music",
        source=Room(Events(bass_drum, "beats_per_s", 2.4, jitter=0.01), t60_s=0.8, wet=0.35, dark_hz=2000),
        knobs=(
            Knob("pitch_hz", 40, 58, 78, "Hz", "pitch of the skin"),
            Knob("ring_s", 0.15, 0.35, 0.55, "s", "how long it rings"),
            Knob("beats_per_s", 0.7, 1.3, 2.2, "1/s", "strokes"),
        ),
        drives={"beats_per_s": "onsets"},
        impacts=True,
        together=("music", "people"),
    ),
    SoundClass(
        name="snare_drum",
        audioset=("Snare drum", "Drum roll", "Drum", "Percussion"),
        singular="a snare drum",
        plural="snare drums",
        phrases=("snare drum", "drum roll", "marching drum", "side drum"),
        imagenet=("drum", "drumstick"),
        family="music",
        source=Room(Events(roll, "strokes_per_s", 0.4, jitter=0.02, first=0.1), t60_s=0.4, wet=0.2, floor=0.001),
        knobs=(Knob("strokes_per_s", 3.0, 8.0, 20.0, "1/s", "strokes: above 15 a roll"),),
        drives={"strokes_per_s": "onsets"},
        impacts=True,
        together=("music", "people"),
    ),
    SoundClass(
        name="tambourine",
        audioset=("Tambourine", "Percussion"),
        singular="a tambourine",
        plural="tambourines",
        phrases=("tambourine", "jingles", "shaker"),
        imagenet=("maraca",),
        family="music",
        source=Room(Events(shake, "shakes_per_s", 0.3, jitter=0.02, first=0.1), t60_s=0.4, wet=0.2, floor=0.0005),
        knobs=(Knob("shakes_per_s", 2.0, 4.0, 8.0, "1/s", "shakes"),),
        drives={"shakes_per_s": "activity"},
        together=("music", "people"),
    ),
    SoundClass(
        name="cymbal",
        audioset=("Cymbal", "Hi-hat"),
        singular="a cymbal",
        plural="cymbals",
        phrases=("cymbal", "crash", "ride cymbal"),
        family="music",
        source=Room(Events(cymbal, "strokes_per_s", 3.0, jitter=0.02, first=0.06), t60_s=0.6, wet=0.2, dark_hz=9000),
        knobs=(
            Knob("size_m", 0.3, 0.45, 0.6, "m", "diameter"),
            Knob("strokes_per_s", 0.35, 0.6, 3.0, "1/s", "strokes"),
        ),
        drives={"strokes_per_s": "onsets"},
        together=("music", "people"),
    ),
)
