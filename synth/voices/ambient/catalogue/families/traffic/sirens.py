"""Sirens: police, ambulance, fire engine, civil defence."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import phase
from synth.voices.ambient.catalogue.parts.mechanical.combustion import SOUND_MPS, diesel
from synth.voices.ambient.catalogue.parts.mechanical.horns import air_horn, siren_speaker
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms
from synth.voices.ambient.catalogue.parts.places import indoors, outdoors
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def _street(mix: Mix, rng: np.random.Generator, body: np.random.Generator, distance_m: float) -> Samples:
    """Between house fronts: reflections, air, and the street's own low noise."""
    mix.through(indoors(mix.rate_hz, body, 0.8, 0.4, 3000))
    mix.through(outdoors(mix.rate_hz, body, distance_m, 0.4))
    mix.add_noise(0.05, rng, (30, 0), (150, -2), (800, -12), (5000, -34))
    return at_rms(mix.signal())


def _approach(walk: Walk, speed_mps: float) -> Samples:
    """Doppler factor of a vehicle that comes and goes, never faster than `speed_mps`."""
    return 1.0 + walk(0.15, -speed_mps / SOUND_MPS, speed_mps / SOUND_MPS, "approach")


def police_siren(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    time_s: Samples,
    sweep_s: float,
    high_hz: float,
    speed_mps: float,
) -> Samples:
    """An electronic siren that wails, and yelps at crossings; each sweep goes up and down a little over an octave."""
    yelp = np.clip(12 * walk(0.2, -0.6, 1.0, "crossing"), 0, 1)
    wail_cycles = time_s / (sweep_s * 11.8) + body.uniform()
    yelp_cycles = time_s / sweep_s
    height = (1 - yelp) * _swing(wail_cycles) + yelp * _swing(yelp_cycles)
    note = 0.45 * high_hz * (1 / 0.45) ** height * _approach(walk, speed_mps)
    mix = Mix(n, rate_hz, 1.2)
    mix.add(1.0, siren_speaker(phase(note, n, rate_hz, rng.uniform()), rate_hz))
    return _street(mix, rng, body, 15.0)


def _swing(cycles: Samples) -> Samples:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * cycles))


def ambulance(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    time_s: Samples,
    low_hz: float,
    high_hz: float,
    yelp: float,
    speed_mps: float,
) -> Samples:
    """A two-tone siren that changes to a yelp over an octave for a share `yelp` of the time."""
    half = 1.8 * body.uniform(0.88, 1.1)
    corner = np.clip(20 * (np.abs((time_s / (2 * half)) % 1 - 0.5) - 0.18) + 0.5, 0, 1)
    late = np.clip(20 * (walk(0.5, 0, 1, "crossing") - (0.28 - 1.1 * yelp)), 0, 1)
    wave = _swing(time_s * 2 * body.uniform(0.95, 3.1))
    note = low_hz * ((high_hz / low_hz) ** corner * (1 - late) + 2**wave * late) * _approach(walk, speed_mps)
    mix = Mix(n, rate_hz, 2.3)
    mix.add(1.0, siren_speaker(phase(note, n, rate_hz, rng.uniform()), rate_hz, 2.0))
    mix.add(0.053, diesel(n, rate_hz, rng, body, 1500))
    return _street(mix, rng, body, 4.4)


def fire_engine(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    time_s: Samples,
    wail_s: float,
    horn: float,
    speed_mps: float,
) -> Samples:
    """A mechanical siren that winds up and coasts down, an air horn, and a heavy diesel under both."""
    part = (time_s / wail_s + body.uniform()) % 1
    rise = np.sin(np.pi / 2 * np.minimum(part / 0.55, 1)) ** 0.8
    height = np.where(part < 0.55, rise, np.cos(np.pi / 2 * np.clip((part - 0.55) / 0.45, 0, 1)))
    note = (480 + 760 * height) * _approach(walk, speed_mps)
    mix = Mix(n, rate_hz, 1.2)
    mix.add(1.0, siren_speaker(phase(note, n, rate_hz, rng.uniform()), rate_hz, 1.6))
    if horn:
        pressure = np.clip(8 * walk(0.8, -1, 1, "horn"), 0, 1)
        blast = sum(air_horn(n, rate_hz, rng, hz, pressure, 1800) for hz in (220, 277))
        mix.add_raw(1.2 * horn, np.asarray(blast))
    mix.add(0.35, diesel(n, rate_hz, rng, body, 1500))
    return _street(mix, rng, body, 12.0)


def civil_defense_siren(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    time_s: Samples,
    high_hz: float,
    wail_s: float,
    distance_m: float,
) -> Samples:
    """A rotor chops air through ports in two rows a third apart; it winds up and down over a whole town."""
    part = (time_s / wail_s + body.uniform()) % 1
    height = np.where(part < 0.5, 1 - np.exp(-part * 9), np.exp(-(part - 0.5) * 5))
    note = high_hz * (0.25 + 0.75 * height)
    mix = Mix(n, rate_hz, 2.4)
    for ratio in (1.0, 1.2):
        cycles = phase(note * ratio, n, rate_hz, rng.uniform())
        angle = 2 * np.pi * cycles
        mix.add(0.7, np.sin(angle) + 0.5 * np.sin(2 * angle + 1) + 0.35 * np.sin(3 * angle) + 0.15 * np.sin(5 * angle))
    mix.coloured((100, -18), (300, -3), (600, 0), (1500, -2), (4000, -12), (12000, -30))
    mix.through(indoors(rate_hz, body, 2.0, 0.7, 1500))
    mix.through(outdoors(rate_hz, body, min(distance_m, 400.0) * 0.5, 0.5))
    mix.add_noise(0.04, rng, (30, 0), (150, -2), (800, -12), (5000, -34))
    return at_rms(mix.signal())


_SIRENS = ("Siren", "Emergency vehicle")

CLASSES = (
    SoundClass(
        name="police_siren",
        audioset=("Police car (siren)", *_SIRENS),
        singular="a police siren",
        plural="police sirens",
        phrases=("police siren", "police car", "cop car", "siren"),
        imagenet=("police van",),
        family="traffic",
        knobs=(
            Knob("sweep_s", 0.2, 0.32, 0.6, "s", "time of one yelp; a wail takes twelve"),
            Knob("high_hz", 1100, 1500, 1900, "Hz", "top of a sweep"),
            Knob("speed_mps", 0, 9, 30, "m/s", "how fast it comes and goes"),
        ),
        together=("traffic", "nature", "people"),
        source=Texture(police_siren, 4.0, 0.1),
    ),
    SoundClass(
        name="ambulance",
        audioset=("Ambulance (siren)", *_SIRENS),
        singular="an ambulance siren",
        plural="ambulance sirens",
        phrases=("ambulance", "ambulance siren", "two-tone siren"),
        imagenet=("ambulance",),
        family="traffic",
        knobs=(
            Knob("low_hz", 430, 660, 750, "Hz", "lower note"),
            Knob("high_hz", 760, 880, 1000, "Hz", "upper note"),
            Knob("yelp", 0, 0.5, 1, "", "share of the time that it yelps"),
            Knob("speed_mps", 0, 10, 30, "m/s", "how fast it comes and goes"),
        ),
        together=("traffic", "nature", "people"),
        source=Texture(ambulance, 4.0, 0.1),
    ),
    SoundClass(
        name="fire_engine",
        audioset=("Fire engine, fire truck (siren)", *_SIRENS),
        singular="a fire engine",
        plural="fire engines",
        phrases=("fire engine", "fire truck", "fire brigade"),
        imagenet=("fire engine",),
        family="traffic",
        knobs=(
            Knob("wail_s", 2, 5, 9, "s", "time of one rise and fall"),
            Knob("horn", 0, 0.3, 1, "", "level of the air horn"),
            Knob("speed_mps", 0, 8, 25, "m/s", "how fast it comes and goes"),
        ),
        together=("traffic", "nature", "people"),
        source=Texture(fire_engine, 4.0, 0.1),
    ),
    SoundClass(
        name="civil_defense_siren",
        audioset=("Civil defense siren", "Siren"),
        singular="a civil defence siren",
        plural="civil defence sirens",
        phrases=("air raid siren", "tornado siren", "civil defense siren", "warning siren"),
        imagenet=(),
        family="traffic",
        knobs=(
            Knob("high_hz", 350, 480, 700, "Hz", "top of the wail"),
            Knob("wail_s", 4, 8, 20, "s", "time of one rise and fall"),
            Knob("distance_m", 50, 300, 800, "m", "distance"),
        ),
        together=("traffic", "nature", "people"),
        source=Texture(civil_defense_siren, 4.0, 0.1),
    ),
)
