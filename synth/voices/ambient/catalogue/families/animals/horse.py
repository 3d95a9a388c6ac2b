"""A horse: its voice and its feet."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import signal

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import decay
from synth.voices.ambient.catalogue.parts.instruments.mode_bank import decaying_modes
from synth.voices.ambient.catalogue.parts.space import add_at, joined
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import Formant, band_pass
from synth.voices.ambient.catalogue.parts.voice.utterance import Call, utter
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

NEIGH: Final = Call(
    pitch=((0, 0.51), (0.1, 1.2), (0.3, 1.27), (0.65, 0.81), (0.85, 0.4), (1, 0.25)),
    level=((0, 0), (0.06, 0.7), (0.25, 1), (0.7, 0.7), (1, 0)),
    formants=(
        Formant(519, 137, -11),
        Formant(1810, 466, 5.2),
        Formant(3161, 1024, -4),
        Formant(4362, 522, -0.2),
        Formant(7800, 2000, -14),
    ),
    brightness_hz=10_000,
    jitter=0.019,
    shimmer=0.11,
    roughness=0.39,
    breath=0.088,
    vibrato_hz=8.6,
    vibrato_pitch=0.07,
    vibrato_level=0.42,
)
SNORT: Final = Call(
    pitch=((0, 1.2), (1, 0.7)),
    level=((0, 0), (0.2, 0.5), (1, 0)),
    formants=(Formant(350, 200), Formant(900, 300, -6), Formant(2000, 600, -10), Formant(5000, 3000, -16)),
    jitter=0.06,
    shimmer=0.4,
    breath=0.7,
)


def neigh(n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, duration_s: float) -> Samples:
    """A horse's neigh with the snort that ends it."""
    call = utter(NEIGH, pitch_hz * rng.uniform(0.92, 1.1), duration_s * rng.uniform(0.85, 1.2), rate_hz, rng)
    return joined(rate_hz, [call, 0.25 * utter(SNORT, 90, 0.5, rate_hz, rng)])


def hoof(rate_hz: int, rng: np.random.Generator, foot: int, hardness: float) -> Samples:
    """One hoof on the ground: a knock of the horn (``hardness`` 1, stone) over a thud and loose dirt (0, earth)."""
    n = int(0.14 * rate_hz)
    edge = np.hanning(int(0.0012 * rate_hz))
    base = (859.0, 1010.0, 1083.0, 1084.0)[foot % 4] * rng.uniform(0.82, 1.04)
    ring = decaying_modes(
        n, rate_hz, base * np.array([1, 1.74, 2.19, 2.88]), [0.032, 0.024, 0.025, 0.026], [1, 0.58, 0.6, 0.25]
    )
    strike = rng.standard_normal(n) * (decay(n, rate_hz, 0.0016) + 0.08 * decay(n, rate_hz, 0.025))
    strike[: len(edge)] += 3 * edge
    horn = signal.oaconvolve(strike, ring)[:n]
    earth, dirt = rng.standard_normal((2, n))
    t = np.arange(n) / rate_hz
    thud = band_pass(earth, rate_hz, 64, 345, 2) * np.exp(-t / 0.025) * np.minimum(1, t / 0.004)
    grit = band_pass(dirt, rate_hz, 800, 6000, 2) * np.exp(-t / 0.0275) * np.minimum(1, t / 0.006)
    return hardness * unit_peak(horn) + (1 - hardness) * unit_peak(thud) + (0.3 - 0.2 * hardness) * unit_peak(grit)


def stride(n: int, rate_hz: int, rng: np.random.Generator, *, strides_per_s: float, hardness: float) -> Samples:
    """One stride: four beats in a walk, and in a gallop three close ones and the pause in the air."""
    beats = (0.0, 0.19, 0.44, 0.84) if strides_per_s < 1.2 else (0.0, 0.35, 0.41)
    out = np.zeros(n)
    for foot, beat in enumerate(beats):
        at_s = max(0.0, beat / strides_per_s + rng.normal(0, 0.012))
        add_at(out, rng.uniform(0.42, 1) * hoof(rate_hz, rng, foot, hardness), int(at_s * rate_hz))
    return out


CLASSES: Final = (
    SoundClass(
        name="horse",
        audioset=("Neigh, whinny", "Horse"),
        singular="a neighing horse",
        plural="neighing horses",
        phrases=("horse", "neigh", "whinny", "pony", "stallion"),
        imagenet=("sorrel",),
        imagenet_against=("horse cart",),
        family="animals",
        source=Room(Events(neigh, "calls_per_s", 3.0, jitter=0.15), t60_s=0.95, wet=0.28, floor=0.004),
        knobs=(
            Knob("pitch_hz", 750, 918, 1200, "Hz", "highest pitch of the neigh"),
            Knob("duration_s", 1.0, 1.2, 2.0, "s", "length of the neigh"),
            Knob("calls_per_s", 0.1, 0.4, 0.5, "1/s", "how often it neighs"),
        ),
        drives={"calls_per_s": "activity"},
        together=("nature", "animals", "people", "horse_gallop"),
    ),
    SoundClass(
        name="horse_gallop",
        audioset=("Clip-clop", "Horse"),
        singular="a horse's hooves",
        plural="horses' hooves",
        phrases=("hooves", "clip-clop", "gallop", "trot", "horse riding", "horse-drawn carriage"),
        imagenet=("horse cart", "sorrel", "oxcart"),
        family="animals",
        source=Room(
            Events(stride, "strides_per_s", 1.6, jitter=0.01, first=0.1),
            t60_s=0.26,
            wet=0.13,
            floor=0.02,
        ),
        knobs=(
            Knob("strides_per_s", 0.8, 2.4, 3.0, "1/s", "strides of all four feet: walk below 1.2, gallop above"),
            Knob("hardness", 0.3, 0.95, 1.0, "", "the ground: 0 earth, 1 stone"),
        ),
        drives={"strides_per_s": "activity"},
        together=("nature", "animals", "people", "traffic", "horse"),
    ),
)
