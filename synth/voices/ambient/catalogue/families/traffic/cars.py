"""Cars: standing, starting, driving by, hooting."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import crossings, fade_out, gates, line, phase
from synth.voices.ambient.catalogue.parts.mechanical.combustion import Engine, add_engine
from synth.voices.ambient.catalogue.parts.mechanical.horns import diaphragm
from synth.voices.ambient.catalogue.parts.mechanical.passing import passing, source_length
from synth.voices.ambient.catalogue.parts.mechanical.struck import add_at, burst, convolved, decay, impulses, together
from synth.voices.ambient.catalogue.parts.mechanical.struck import body as stiff_body
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms, coloured_noise, peak
from synth.voices.ambient.catalogue.parts.places import OUTDOORS_S, indoors, outdoors
from synth.voices.ambient.catalogue.parts.spectra import drift, unit_rms
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room
from synth.voices.ambient.catalogue.walk import Walk

_TYRES = ((40, -18), (120, -8), (500, -3), (900, 0), (1400, -3), (3000, -12), (8000, -24), (16000, -36))

_BONNET = (
    *((60, 7.6), (125, 5), (250, 2.4), (500, -2.5), (850, -7.6), (1400, -6.5)),
    *((2500, -6), (4700, -11), (9400, -29), (18800, -49)),
)
"""What is heard of an engine through its bonnet: searched in view of recordings of idling engines."""


def car_idle(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    cylinders: float,
    roughness: float,
) -> Samples:
    """A four-stroke engine without load: each cylinder knocks on the block in its own way, the exhaust puffs."""
    count = round(cylinders)
    turns = phase / 60 + walk(0.5, -0.08, 0.08, "hunting") + walk(3.0, -0.008, 0.008, "flutter")
    at, number = crossings(turns, rng, count / 2, 0.015)
    strength = (1 + roughness * np.clip(body.standard_normal(count), -2, 2))[number % count]
    strength = strength * rng.uniform(0.85, 1.1, len(at))
    mix = Mix(n, rate_hz, 0.45)
    knocks = np.zeros(n)
    for cylinder in range(count):
        metal = stiff_body(rate_hz, body, 0.014, 500, 7500, 40, -1)
        thud = burst(rate_hz, body, 0.012, (60, -4), (150, 0), (600, 0), (2500, -1), (7000, -4), (18000, -16))
        knock = together(metal / np.abs(metal).max(), 0.8 * thud / np.abs(thud).max())
        mine = number % count == cylinder
        add_at(knocks, at[mine], strength[mine], knock)
    mix.add(1.0, knocks)
    puff = np.maximum(0.0, convolved(impulses(n, at, strength), decay(rate_hz, 0.02, 0.008)))
    gas = mix.noise(rng, (60, -2), (200, 0), (800, 0), (2500, -3), (8000, -8), (18000, -18))
    mix.add(0.8, puff * gas)
    engine = Engine(count, 4, 2.0, 1200, roughness, 0.004, 0.4, 0.3)
    exhaust = Mix(n, rate_hz, 0.1)
    add_engine(exhaust, rng, body, turns, engine)
    mix.add(0.8, exhaust.signal(), (20, -14), (60, 0), (300, 0), (2000, -4), (8000, -14))
    mix.through(indoors(rate_hz, body, 0.4, 0.5))
    mix.coloured(*_BONNET)
    return at_rms(mix.signal())


def engine_start(n: int, rate_hz: int, rng: np.random.Generator, *, crank_s: float, rpm: float) -> Samples:
    """A starter motor labours over the compressions, the engine catches, flares up and settles."""
    catch = crank_s * rng.uniform(0.43, 0.89)
    seconds = n / rate_hz
    speed = line(n, rate_hz, [(0, 60), (0.078, 230), (catch, 250), (catch + 0.31, 1.5 * rpm), (catch + 0.48, rpm)])
    turns = phase(speed / 60, n, rate_hz, rng.uniform())
    cranking = gates(n, rate_hz, [0.011], [catch], 0.024)
    running = gates(n, rate_hz, [catch - 0.16], [seconds], 0.03)
    labour = 1 + 0.47 * np.sin(2 * np.pi * 2 * turns) + 0.041 * drift(n, rate_hz, rng, 3.8, -1.0, 1.0)
    whine = phase(210 * (0.41 + 0.22 * labour), n, rate_hz)
    teeth = sum(level * np.sin(2 * np.pi * k * whine + k) for k, level in ((1, 0.58), (2, 1.0), (3, 0.45), (5, 0.53)))
    mix = Mix(n, rate_hz, OUTDOORS_S)
    mix.add_raw(0.5, cranking * labour * np.asarray(teeth))
    grind = mix.noise(rng, (100, -8), (400, 5), (1500, 7), (4000, -16), (12000, -21))
    mix.add_raw(1.5, cranking * np.maximum(labour, 0) ** 2 * grind)
    engine = Mix(n, rate_hz, 0.092)
    add_engine(engine, rng, rng, turns, Engine(4, 4, 1.5, 1500, 0.093, 0.012, 0.5, 0.35))
    load = line(n, rate_hz, [(0, 0.15), (catch, 1.4), (catch + 0.17, 1.5), (catch + 2, 0.7)])
    mix.add_raw(0.85, unit_rms(engine.signal()) * running * load)
    mix.through(outdoors(rate_hz, rng, 9.1, 0.36))
    return peak(mix.signal() * fade_out(n, rate_hz, 0.35))


def car_passing(
    n: int, rate_hz: int, rng: np.random.Generator, *, speed_kmh: float, distance_m: float, cylinders: float
) -> Samples:
    """Rolling tyres and an engine under them go by; the tyres lead above 40 km/h."""
    speed = speed_kmh / 3.6
    at_s = n / rate_hz / 2
    length = source_length(n, rate_hz, speed, distance_m, at_s)
    rolling = coloured_noise(length, rate_hz, rng, *_TYRES) * drift(length, rate_hz, rng, 12.0, 0.8, 1.2)
    turns = phase((1200 + 18 * speed_kmh) / 60, length, rate_hz) + drift(length, rate_hz, rng, 2.0, -0.03, 0.03)
    mix = Mix(length, rate_hz, 0.1)
    mix.add(1.0, rolling)
    add_engine(mix, rng, rng, turns, Engine(round(cylinders), 4, 1.9, 1500, 0.12, 0.004, 0.3, 0.05), 0.35)
    heard = Mix(n, rate_hz, OUTDOORS_S)
    heard.add_raw(1.0, passing(mix.signal(), n, rate_hz, speed, distance_m, at_s))
    heard.through(outdoors(rate_hz, rng, distance_m, 0.15))
    heard.add_noise(0.006, rng, (30, 0), (200, -6), (2000, -24), (12000, -44))
    edge = 0.12 * n / rate_hz
    return peak(heard.signal() * gates(n, rate_hz, [0], [n / rate_hz - edge], edge))


def car_horn(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, low_hz: float, distance_m: float
) -> Samples:
    """One honk of a pair of disc horns a minor third to a third apart, between house fronts."""
    apart = body.uniform(1.18, 1.26)
    hold = min(rng.uniform(0.22, 0.6), n / rate_hz - 0.3)
    gate = gates(n, rate_hz, [0.0], [hold], 0.02)
    mix = Mix(n, rate_hz, 0.8)
    for hz in (low_hz, low_hz * apart):
        stop = ((100, -24), (hz * 0.8, -6), (hz, -2), (1200, -1), (2200, 2), (3200, 3), (4500, -6), (8000, -20))
        mix.add_raw(1.0, diaphragm(n, rate_hz, rng, hz, gate, (*stop, (16000, -40)), 0.02))
    mix.through(outdoors(rate_hz, body, distance_m, 0.4))
    return peak(mix.signal())


CLASSES = (
    SoundClass(
        name="car_idle",
        audioset=("Idling", "Engine"),
        singular="an idling car",
        plural="idling cars",
        phrases=("car idling", "engine running", "idling engine", "parked car with its engine on"),
        imagenet=("car wheel", "grille", "pickup"),
        family="traffic",
        knobs=(
            Knob("rpm", 600, 780, 1100, "1/min", "speed of the engine"),
            Knob("cylinders", 3, 4, 8, "", "how many cylinders"),
            Knob("roughness", 0.05, 0.25, 0.6, "", "how differently the cylinders fire"),
        ),
        drives={"rpm": "activity"},
        together=("traffic", "nature", "people"),
        source=Texture(car_idle, 4.0, 0.4, phase_of="rpm"),
    ),
    SoundClass(
        name="engine_start",
        audioset=("Engine starting", "Engine"),
        singular="a car that is started",
        plural="cars that are started",
        phrases=("starting the car", "engine starts", "ignition", "turning the key"),
        family="traffic",
        knobs=(
            Knob("starts_per_s", 0.05, 0.18, 0.3, "1/s", "how often it is started"),
            Knob("crank_s", 0.4, 0.9, 2.5, "s", "how long the starter turns"),
            Knob("rpm", 650, 900, 1300, "1/min", "speed at which the engine settles"),
        ),
        together=("traffic", "nature", "people"),
        source=Events(engine_start, rate="starts_per_s", longest_s=5.5, first=0.05),
    ),
    SoundClass(
        name="car_passing",
        audioset=("Car passing by", "Car", "Vehicle"),
        singular="a passing car",
        plural="passing cars",
        phrases=("car passing by", "cars driving by", "a car drives past", "road"),
        imagenet=("sports car", "convertible", "cab", "beach wagon", "minivan", "limousine", "jeep"),
        family="traffic",
        knobs=(
            Knob("cars_per_s", 0.05, 0.2, 0.4, "1/s", "how many cars a second"),
            Knob("speed_kmh", 30, 60, 130, "km/h", "how fast they drive"),
            Knob("distance_m", 2, 5, 30, "m", "distance to the road"),
            Knob("cylinders", 3, 4, 8, "", "how many cylinders"),
        ),
        drives={"speed_kmh": "activity"},
        together=("traffic", "nature", "people"),
        source=Events(car_passing, rate="cars_per_s", longest_s=6.0, jitter=0.15, first=0.5, lead_s=3.0),
    ),
    SoundClass(
        name="car_horn",
        audioset=("Vehicle horn, car horn, honking",),
        singular="a car horn",
        plural="car horns",
        phrases=("car horn", "honking", "hooting", "beeping cars"),
        imagenet=("traffic light", "cab"),
        family="traffic",
        knobs=(
            Knob("honks_per_s", 0.3, 1.1, 2.5, "1/s", "how often it hoots"),
            Knob("low_hz", 300, 410, 520, "Hz", "the lower note of the pair"),
            Knob("distance_m", 2, 8, 100, "m", "distance"),
        ),
        drives={"honks_per_s": "activity"},
        together=("traffic", "nature", "people"),
        source=Room(Events(car_horn, rate="honks_per_s", longest_s=0.95, jitter=0.2), 0.8, 0.25, 4000),
    ),
)
