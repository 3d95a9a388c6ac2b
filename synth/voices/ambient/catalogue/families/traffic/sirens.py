"""Sirens and signals: police, ambulance, fire engine, civil defence, car alarm, reversing beeps, truck horn."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.combustion import DIESEL, DIESEL_COLOUR, add_engine
from synth.voices.ambient.catalogue.parts.control import fade_out, gates, phase
from synth.voices.ambient.catalogue.parts.electric import beeper
from synth.voices.ambient.catalogue.parts.horns import air_horn, siren_speaker
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms, peak
from synth.voices.ambient.catalogue.parts.places import indoors, outdoors
from synth.voices.ambient.catalogue.parts.spectra import unit_rms
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk

SOUND_MPS = 343.0


def _street(mix: Mix, rng: np.random.Generator, body: np.random.Generator, distance_m: float) -> Samples:
    """Between house fronts: reflections, air, and the street's own low noise."""
    mix.through(indoors(mix.rate_hz, body, 0.8, 0.4, 3000))
    mix.through(outdoors(mix.rate_hz, body, distance_m, 0.4))
    mix.add_noise(0.05, rng, (30, 0), (150, -2), (800, -12), (5000, -34))
    return at_rms(mix.signal())


def _approach(walk: Walk, speed_mps: float) -> Samples:
    """Doppler factor of a vehicle that comes and goes, never faster than `speed_mps`."""
    return 1.0 + walk(0.15, -speed_mps / SOUND_MPS, speed_mps / SOUND_MPS, "approach")


def _diesel(n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, rpm: float) -> Samples:
    mix = Mix(n, rate_hz, 0.1)
    add_engine(mix, rng, body, phase(rpm / 60, n, rate_hz, rng.uniform()), DIESEL)
    mix.coloured(*DIESEL_COLOUR)
    return unit_rms(mix.signal())


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
    half = 0.55 * body.uniform(0.9, 1.1)
    corner = np.clip(20 * (np.abs((time_s / (2 * half)) % 1 - 0.5) - 0.25) + 0.5, 0, 1)
    late = np.clip(20 * (walk(0.5, 0, 1, "crossing") - (0.95 - 0.9 * yelp)), 0, 1)
    wave = _swing(time_s * 2 * body.uniform(0.95, 1.05))
    note = low_hz * ((high_hz / low_hz) ** corner * (1 - late) + 2**wave * late) * _approach(walk, speed_mps)
    mix = Mix(n, rate_hz, 1.2)
    mix.add(1.0, siren_speaker(phase(note, n, rate_hz, rng.uniform()), rate_hz, 2.0))
    mix.add(0.1, _diesel(n, rate_hz, rng, body, 1500))
    return _street(mix, rng, body, 12.0)


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
    mix.add(0.35, _diesel(n, rate_hz, rng, body, 1500))
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


def car_alarm(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, time_s: Samples, high_hz: float
) -> Samples:
    """A car's siren in a parking place: bursts of quick sweeps and two-tone, each for some seconds."""
    mode = (np.floor(time_s / 2.4).astype(np.int64) + body.integers(0, 3)) % 3
    part = time_s % 2.4
    saw = (part * 4) % 1
    two = np.clip(40 * (np.abs((part * 2.2) % 1 - 0.5) - 0.25) + 0.5, 0, 1)
    quick = _swing(part * 8)
    height = np.where(mode == 0, saw, np.where(mode == 1, two, quick))
    note = high_hz * (0.5 + 0.5 * height)
    mix = Mix(n, rate_hz, 1.0)
    mix.add(1.0, siren_speaker(phase(note, n, rate_hz), rate_hz, 4.0))
    mix.coloured((300, -20), (900, -3), (2000, 2), (4000, 0), (9000, -10), (18000, -24))
    mix.through(indoors(rate_hz, body, 0.7, 0.35, 4000))
    mix.through(outdoors(rate_hz, body, 10.0, 0.4))
    return at_rms(mix.signal())


def truck_horn(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, low_hz: float, distance_m: float
) -> Samples:
    """A pair of trumpet horns on compressed air, a little under a third apart."""
    hold = min(rng.uniform(0.5, 1.2), n / rate_hz - 0.6)
    gate = gates(n, rate_hz, [0.0], [hold], 0.05)
    mix = Mix(n, rate_hz, 1.2)
    for ratio in (1.0, body.uniform(1.17, 1.25)):
        mix.add_raw(1.0, air_horn(n, rate_hz, rng, low_hz * ratio, gate, 3000))
    mix.through(indoors(rate_hz, body, 0.9, 0.35, 3000))
    mix.through(outdoors(rate_hz, body, distance_m, 0.3))
    return peak(mix.signal() * fade_out(n, rate_hz, 0.15))


def reversing_beeps(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    time_s: Samples,
    hz: float,
    period_s: float,
    engine: float,
) -> Samples:
    """A lorry's warning beeps over its idling diesel."""
    part = (time_s / period_s + body.uniform()) % 1
    edge = 0.006 / period_s
    gate = np.clip(part / edge, 0, 1) * np.clip((0.5 - part) / edge, 0, 1)
    mix = Mix(n, rate_hz, 0.9)
    mix.add(1.0, beeper(hz * body.uniform(0.97, 1.03), gate, rate_hz, (1, 0.15, 0.5, 0.1, 0.2)))
    mix.through(indoors(rate_hz, body, 0.7, 0.4, 4000))
    mix.add(engine, _diesel(n, rate_hz, rng, body, 900))
    mix.add_noise(0.25 * engine, rng, (40, -18), (120, -8), (500, -3), (900, 0), (3000, -12), (16000, -36))
    mix.through(outdoors(rate_hz, body, 12.0, 0.4))
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
    SoundClass(
        name="car_alarm",
        audioset=("Car alarm", "Alarm", "Siren"),
        singular="a car alarm",
        plural="car alarms",
        phrases=("car alarm", "alarm of a car"),
        imagenet=(),
        family="traffic",
        knobs=(Knob("high_hz", 1200, 1800, 2600, "Hz", "top of its sweeps"),),
        together=("traffic", "nature", "people"),
        source=Texture(car_alarm, 4.8, 0.05),
    ),
    SoundClass(
        name="truck_horn",
        audioset=("Air horn, truck horn", "Vehicle horn, car horn, honking"),
        singular="a truck horn",
        plural="truck horns",
        phrases=("truck horn", "air horn", "lorry horn"),
        imagenet=("trailer truck",),
        family="traffic",
        knobs=(
            Knob("blasts_per_s", 0.2, 0.5, 1, "1/s", "how often it hoots"),
            Knob("low_hz", 150, 230, 330, "Hz", "the lower note"),
            Knob("distance_m", 3, 12, 150, "m", "distance"),
        ),
        drives={"blasts_per_s": "activity"},
        together=("traffic", "nature", "people"),
        source=Events(truck_horn, rate="blasts_per_s", longest_s=2.2, jitter=0.15, first=0.1),
    ),
    SoundClass(
        name="reversing_beeps",
        audioset=("Reversing beeps", "Beep, bleep"),
        singular="reversing beeps",
        plural="reversing beeps",
        phrases=("reversing truck", "backing up beeps", "backup alarm"),
        imagenet=("garbage truck", "forklift", "moving van"),
        family="traffic",
        knobs=(
            Knob("hz", 900, 1250, 2000, "Hz", "pitch of the beeps"),
            Knob("period_s", 0.6, 1, 1.5, "s", "time from beep to beep"),
            Knob("engine", 0, 0.65, 1.2, "", "level of the engine"),
        ),
        together=("traffic", "nature", "people"),
        source=Texture(reversing_beeps, 4.0, 0.1),
    ),
)
