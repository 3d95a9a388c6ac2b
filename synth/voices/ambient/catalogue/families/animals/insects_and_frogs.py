"""Frogs, crickets and bees: many small animals at once, as textures; the nearest is the loudest.

Frog: trains of pulses ringing in an air sac. Cricket: a file drawn over a scraper, a few teeth a chirp at the wing's
resonance (Bennet-Clark, 1989). Bee: wing beats with strong harmonics.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import scipy

from synth.voices.ambient.catalogue.engines import Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.curves import swell, wander
from synth.voices.ambient.catalogue.parts.instruments.mode_bank import decaying_modes
from synth.voices.ambient.catalogue.parts.mechanical.electric import tone
from synth.voices.ambient.catalogue.parts.space import in_turn, joined
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import band_pass, shape_spectrum
from synth.voices.ambient.catalogue.parts.voice.voice_source import pulses
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_SAC_RATIOS = np.array([1.0, 2.2, 3.89, 0.88, 6.3])
_SAC_T60_S = np.array([0.039, 0.037, 0.03, 0.031, 0.02])
_SAC_GAINS = np.array([1.0, 1.12, 0.23, 0.28, 0.08])


def _croak(rate_hz: int, rng: np.random.Generator, pitch_hz: float, pulses_per_s: float) -> Samples:
    length = int(0.08 * rate_hz)
    ring = decaying_modes(length, rate_hz, pitch_hz * _SAC_RATIOS, _SAC_T60_S, _SAC_GAINS)
    parts: list[Samples | float] = []
    for duration_s in (rng.uniform(0.07, 0.24), rng.uniform(0.17, 0.3)):
        n = int(duration_s * rate_hz)
        u = np.linspace(0, 1, n)
        speed = pulses_per_s * (0.8 + 0.63 * u) * (1 + 0.05 * wander(n, rate_hz, rng, 17))
        strikes = np.diff(np.floor(np.cumsum(speed) / rate_hz), prepend=0) * rng.uniform(0.7, 0.86, n)
        strikes += 0.002 * rng.standard_normal(n)
        parts += [scipy.signal.oaconvolve(strikes, ring)[:n] * swell(n, 0.44), rng.uniform(0.035, 0.06)]
    return unit_peak(joined(rate_hz, parts))


def _any_of(bank: Sequence[Samples], rng: np.random.Generator) -> Samples:
    return bank[int(rng.integers(len(bank)))]


def frogs(
    n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, pulses_per_s: float, frogs: float
) -> Samples:
    """Frogs at a pond, each at its own pitch and pace; two-part croaks."""
    out = np.zeros(n)
    for i in range(max(1, round(frogs))):
        pitch, speed = pitch_hz * rng.uniform(0.75, 1.16), pulses_per_s * rng.uniform(0.72, 1.4)
        near = 1.0 if i == 0 else rng.uniform(0.07, 0.55)
        bank = [_croak(rate_hz, rng, pitch, speed) for _ in range(4)]
        out += near * in_turn(n, rate_hz, rng, partial(_any_of, bank, rng), lambda: rng.uniform(0.14, 1.2), 0.6)
    return out


def crickets(
    n: int, rate_hz: int, rng: np.random.Generator, *, pitch_hz: float, chirps_per_s: float, crickets: float
) -> Samples:
    """Crickets: chirps of four to seven pulses over the hum of the far ones."""
    t = np.arange(n) / rate_hz
    out = np.zeros(n)
    for i in range(max(1, round(crickets))):
        speed = chirps_per_s * rng.uniform(0.85, 1.15) * (1 + 0.08 * wander(n, rate_hz, rng, 1.5))
        since_s = (np.cumsum(speed) / rate_hz + rng.random()) % 1 / chirps_per_s
        tooth = since_s * rng.uniform(38, 48)
        place = tooth % 1
        sounding = (tooth < rng.integers(4, 8)) & (place < 0.75)
        level = np.zeros(n)
        level[sounding] = np.sin(np.pi / 0.75 * place[sounding]) ** 0.7 * np.minimum(
            1, 0.4 + 0.25 * np.floor(tooth[sounding])
        )
        pitch = pitch_hz * rng.uniform(0.93, 1.07) * (1.015 - 0.05 * place + 0.004 * wander(n, rate_hz, rng, 200))
        wave = tone(np.cumsum(pitch) / rate_hz, (1.0, 0.03))
        out += level * wave * (1.0 if i == 0 else rng.uniform(0.05, 0.35))
    far = band_pass(rng.standard_normal(n), rate_hz, pitch_hz * 0.93, pitch_hz * 1.07, 2)
    return np.asarray(out + far * (0.03 / far.std()) * (1 + 0.3 * np.sin(2 * np.pi * 42 * t)))


_WING_SPECTRUM = (
    (20.0, -20.0),
    (150.0, -3.0),
    (400.0, 0.0),
    (900.0, 0.0),
    (2000.0, -4.0),
    (5000.0, -12.0),
    (16_000.0, -34.0),
)


def bees(n: int, rate_hz: int, rng: np.random.Generator, *, wing_hz: float, bees: float, nearness: float) -> Samples:
    """Bees that come near and leave again."""
    out = np.zeros(n)
    for i in range(max(1, round(bees))):
        turn = np.exp(0.035 * wander(n, rate_hz, rng, 1.5) + 0.012 * wander(n, rate_hz, rng, 9))
        buzz = pulses(
            wing_hz * rng.uniform(0.92, 1.1) * turn, rate_hz, rng, brightness_hz=2500, jitter=0.008, shimmer=0.12
        )
        near = np.exp(nearness * wander(n, rate_hz, rng, 0.8))
        out += unit_peak(buzz * near) * (1.0 if i == 0 else 0.5)
    return shape_spectrum(out, _WING_SPECTRUM, rate_hz)


CLASSES: Final = (
    SoundClass(
        name="frog",
        audioset=("Frog", "Croak"),
        singular="a croaking frog",
        plural="croaking frogs",
        phrases=("frog", "croak", "toad", "frogs at a pond"),
        imagenet=("bullfrog", "tree frog", "tailed frog"),
        family="animals",
        source=Room(Texture(frogs, segment_s=8.0, crossfade_s=0.5), t60_s=0.53, wet=0.15, floor=0.02),
        knobs=(
            Knob("pitch_hz", 700, 1149, 1700, "Hz", "resonance of the air sac: small frogs are high"),
            Knob("pulses_per_s", 36, 48, 60, "1/s", "pulses in a croak"),
            Knob("frogs", 1, 4, 10, "", "how many frogs"),
        ),
        drives={"frogs": "area"},
        together=("nature", "animals"),
    ),
    SoundClass(
        name="cricket",
        audioset=("Cricket", "Insect"),
        singular="a chirping cricket",
        plural="chirping crickets",
        phrases=("cricket", "crickets", "grasshopper", "cicada", "summer night"),
        imagenet=("cricket", "grasshopper", "cicada"),
        family="animals",
        source=Room(Texture(crickets, segment_s=8.0, crossfade_s=0.6), t60_s=0.5, wet=0.25, dark_hz=9000, floor=0.03),
        knobs=(
            Knob("pitch_hz", 3700, 4600, 5800, "Hz", "resonance of the wing"),
            Knob("chirps_per_s", 1.2, 2.4, 4.0, "1/s", "chirps: the warmer the night, the quicker"),
            Knob("crickets", 1, 5, 12, "", "how many crickets"),
        ),
        drives={"crickets": "area"},
        together=("nature", "animals", "traffic", "people", "music"),
    ),
    SoundClass(
        name="bee",
        audioset=("Bee, wasp, etc.", "Buzz", "Insect", "Fly, housefly", "Mosquito"),
        singular="a buzzing bee",
        plural="buzzing bees",
        phrases=("bee", "bees", "buzzing insect", "wasp", "bumblebee", "fly", "bee hive"),
        imagenet=("bee", "fly", "bee eater", "apiary"),
        family="animals",
        source=Room(Texture(bees, segment_s=6.0, crossfade_s=0.8), t60_s=0.2, wet=0.05, floor=0.004),
        knobs=(
            Knob("wing_hz", 170, 220, 300, "Hz", "wing beats a second"),
            Knob("bees", 1, 2, 8, "", "how many bees"),
            Knob("nearness", 0.2, 0.6, 1.0, "", "how much they come and go"),
        ),
        drives={"bees": "activity"},
        together=("nature", "animals", "people"),
    ),
)
