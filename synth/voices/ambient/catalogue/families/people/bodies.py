"""Coughing, snoring, breathing and the heart: what a body does without speaking."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import decay, fade, through, wander
from synth.voices.ambient.catalogue.parts.space import add_at, joined
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import Formant, band_pass, resonate
from synth.voices.ambient.catalogue.parts.voice.utterance import breath_noise
from synth.voices.ambient.catalogue.parts.voice.voice_source import pulses
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def _one_cough(rate_hz: int, rng: np.random.Generator, pitch_hz: float, wetness: float) -> Samples:
    """A burst of air, then the folds that close in it, through a throat about as long as the pitch says."""
    size = 0.66 + 0.00056 * (pitch_hz - 150)
    n = int(rng.uniform(0.24, 0.28) * rate_hz)
    t = np.arange(n) / rate_hz
    burst = (1.4 * np.exp(-t / 0.018) + 0.5 * np.exp(-(((t - 0.08) / 0.048) ** 2))) * np.minimum(1, t / 0.0025)
    pitch = through(n, ((0, pitch_hz * 1.4), (0.33, pitch_hz * 1.25), (1, pitch_hz * 0.83)), logarithmic=True)
    voice = pulses(pitch, rate_hz, rng, brightness_hz=4550, jitter=0.033, shimmer=0.28, roughness=0.09)
    voice *= through(n, ((0, 0), (0.05, 0.16), (0.23, 0.7), (0.6, 0.63), (1, 0))) * (0.95 / voice.std())
    gurgle = 1 + wetness * np.clip(wander(n, rate_hz, rng, 50), -1, 1)
    formants = (
        Formant(((0, 600 * size), (0.3, 850 * size), (1, 600 * size)), 274),
        Formant(870 * size, 250, -1),
        Formant(2600 * size, 560, -3),
        Formant(6200, 800, -5),
        Formant(10_000, 4000, -12),
    )
    sound = resonate((rng.standard_normal(n) * burst + voice) * gurgle, rate_hz, formants, -36)
    return unit_peak(sound * fade(n, rate_hz, 0.0006, 0.04))


def coughs(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch_hz: float, wetness: float
) -> Samples:
    """Two or three coughs, each softer."""
    pitch = pitch_hz * body.uniform(0.93, 1.22)
    parts: list[Samples | float] = []
    for i in range(int(rng.integers(2, 4))):
        parts += [(1, 0.85, 0.66)[i] * _one_cough(rate_hz, rng, pitch, wetness), rng.uniform(0.06, 0.25)]
    return joined(rate_hz, parts)


_NOSE: Final = (
    Formant(260, 160, -2),
    Formant(600, 200),
    Formant(1250, 300, -4),
    Formant(2400, 500, -8),
    Formant(3600, 900, -14),
    Formant(8000, 4000, -30),
)
_OUT: Final = (Formant(600, 300), Formant(1500, 500, -2), Formant(2800, 900, -6), Formant(7000, 4000, -20))


def snore(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    flutter_hz: float,
    breaths_per_s: float,
) -> Samples:
    """One breath of a sleeper: the palate flutters while it is drawn, then the air goes out."""
    cycle_s = rng.uniform(0.92, 1.08) / breaths_per_s
    m = int(0.42 * cycle_s * rate_hz)
    pitch = through(m, ((0, 0.9), (0.5, 1.1), (1, 1)), logarithmic=True) * flutter_hz * body.uniform(0.85, 1.2)
    pitch *= np.exp(0.05 * wander(m, rate_hz, rng, 8))
    flutter = pulses(pitch, rate_hz, rng, brightness_hz=900, jitter=0.04, shimmer=0.3, roughness=0.1)
    flutter /= flutter.std()
    air = rng.standard_normal(m) * (0.25 + 0.45 * np.clip(flutter, 0, 3))
    level = through(m, ((0, 0), (0.3, 0.5), (0.75, 1), (0.93, 0.8), (1, 0)))
    drawn = resonate((0.5 * flutter + air) * np.exp(0.25 * wander(m, rate_hz, rng, 12)) * level, rate_hz, _NOSE, -44)
    out = breath_noise(0.32 * cycle_s, rate_hz, rng, _OUT, ((0, 0), (0.5, 1), (1, 0)))
    return joined(rate_hz, [unit_peak(drawn), 0.08 * cycle_s, 0.15 * out])


_INHALE: Final = (
    Formant(950, 200, -8),
    Formant(1700, 260),
    Formant(2800, 350, -2),
    Formant(3900, 500, -8),
    Formant(5600, 1500, -18),
    Formant(9000, 4000, -26),
)
_EXHALE: Final = (
    Formant(600, 200, -1),
    Formant(1250, 220),
    Formant(2500, 350, -8),
    Formant(3600, 600, -14),
    Formant(5500, 2000, -24),
    Formant(9000, 4000, -32),
)


def breath(n: int, rate_hz: int, rng: np.random.Generator, *, breaths_per_s: float, effort: float) -> Samples:
    """One breath in and out."""
    cycle_s = rng.uniform(0.92, 1.08) / breaths_per_s
    drawn = breath_noise(0.36 * cycle_s, rate_hz, rng, _INHALE, ((0, 0), (0.3, 0.35), (0.6, 1), (1, 0)), -46)
    out = breath_noise(0.4 * cycle_s, rate_hz, rng, _EXHALE, ((0, 0), (0.3, 1), (0.6, 0.5), (1, 0)), -46)
    return joined(rate_hz, [(0.4 + 0.5 * effort) * drawn, 0.06 * cycle_s, out])


def _thump(rate_hz: int, rng: np.random.Generator, pitch_hz: float, width_s: float, muffle_hz: float) -> Samples:
    n = int(0.2 * rate_hz)
    t = np.arange(n) / rate_hz
    level = t / width_s * np.exp(1 - t / width_s)
    sweep = np.sin(2 * np.pi * (pitch_hz * t + 14 * width_s * np.exp(-t / width_s)))
    return np.asarray(sweep * level**1.5 + 0.4 * band_pass(rng.standard_normal(n), rate_hz, 30, muffle_hz) * level**2)


def heartbeat(n: int, rate_hz: int, rng: np.random.Generator, *, beats_per_s: float, muffle_hz: float) -> Samples:
    """The two sounds of one beat: the valves to the chambers, then those to the arteries, heard through the chest."""
    out = np.zeros(int(0.75 * rate_hz))
    add_at(out, _thump(rate_hz, rng, 46 * rng.uniform(0.95, 1.05), 0.028, muffle_hz), 0)
    second_s = 0.22 + 0.1 * min(1.0, 0.83 / beats_per_s)
    add_at(out, 0.7 * _thump(rate_hz, rng, 62 * rng.uniform(0.95, 1.05), 0.02, muffle_hz), int(second_s * rate_hz))
    return band_pass(np.tanh(1.5 * unit_peak(out)), rate_hz, 0, 2 * muffle_hz) * decay(len(out), rate_hz, 2.0)


CLASSES: Final = (
    SoundClass(
        name="cough",
        audioset=("Cough", "Throat clearing"),
        singular="a coughing person",
        plural="coughing people",
        phrases=("cough", "coughing", "a sick person", "clearing the throat"),
        family="people",
        source=Room(Events(coughs, "fits_per_s", 2.0, jitter=0.12, first=0.15), t60_s=0.2, wet=0.28, floor=0.0006),
        knobs=(
            Knob("pitch_hz", 150, 220, 330, "Hz", "pitch: a man is low, a child high"),
            Knob("wetness", 0.0, 0.3, 1.0, "", "how much it gurgles"),
            Knob("fits_per_s", 0.2, 0.6, 0.8, "1/s", "how often they begin to cough"),
        ),
        drives={"fits_per_s": "activity"},
        together=("people", "machines"),
    ),
    SoundClass(
        name="snoring",
        audioset=("Snoring",),
        singular="a snoring person",
        plural="snoring people",
        phrases=("snoring", "snore", "sleeping person"),
        imagenet=("sleeping bag", "quilt", "pillow"),
        family="people",
        source=Room(Events(snore, "breaths_per_s", 5.0, jitter=0.03, first=0.05), t60_s=0.3, wet=0.25, floor=0.003),
        knobs=(
            Knob("flutter_hz", 28, 46, 75, "Hz", "how quickly the palate flutters"),
            Knob("breaths_per_s", 0.2, 0.28, 0.4, "1/s", "breaths"),
        ),
        together=("machines", "nature"),
    ),
    SoundClass(
        name="breathing",
        audioset=("Breathing", "Pant", "Gasp"),
        singular="a breathing person",
        plural="breathing people",
        phrases=("breathing", "breath", "panting", "out of breath", "heavy breathing"),
        imagenet=("oxygen mask", "snorkel", "gasmask"),
        family="people",
        source=Room(Events(breath, "breaths_per_s", 5.0, jitter=0.03, first=0.05), t60_s=0.25, wet=0.2, floor=0.003),
        knobs=(
            Knob("breaths_per_s", 0.22, 0.43, 0.8, "1/s", "breaths"),
            Knob("effort", 0.0, 0.5, 1.0, "", "how loud the air is drawn in"),
        ),
        drives={"effort": "activity"},
        together=("people", "machines", "nature"),
    ),
    SoundClass(
        name="heartbeat",
        audioset=("Heart sounds, heartbeat", "Heart murmur"),
        singular="a beating heart",
        plural="beating hearts",
        phrases=("heartbeat", "heart", "pulse"),
        imagenet=("stethoscope",),
        family="people",
        source=Events(heartbeat, "beats_per_s", 0.75, jitter=0.03),
        knobs=(
            Knob("beats_per_s", 0.8, 1.2, 2.2, "1/s", "beats"),
            Knob("muffle_hz", 110, 180, 350, "Hz", "what the chest lets through"),
        ),
        drives={"beats_per_s": "activity"},
        together=("people", "machines"),
    ),
)
