"""Heavier and louder on the road: motorcycle, lorry, bus, racing car, and the road as a whole."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import gates, line, phase, throttle
from synth.voices.ambient.catalogue.parts.mechanical.air import release
from synth.voices.ambient.catalogue.parts.mechanical.combustion import DIESEL, DIESEL_COLOUR, Engine, add_engine
from synth.voices.ambient.catalogue.parts.mechanical.electric import tone
from synth.voices.ambient.catalogue.parts.mechanical.passing import passing, source_length
from synth.voices.ambient.catalogue.parts.mix import Mix, peak
from synth.voices.ambient.catalogue.parts.places import OUTDOORS_S, outdoors
from synth.voices.ambient.catalogue.parts.spectra import drift, unit_rms
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk

_TYRES = ((40, -18), (120, -8), (500, -3), (900, 0), (1400, -3), (3000, -12), (8000, -24), (16000, -36))


def motorcycle(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    low_rpm: float,
    high_rpm: float,
    gap_s: float,
) -> Samples:
    """A V-twin under a restless hand: uneven firing, a short pipe, louder the further the throttle is open."""
    opened = throttle(walk, gap_s)
    rpm = low_rpm + (high_rpm - low_rpm) * opened
    turns = phase(rpm / 60, n, rate_hz, rng.uniform()) + drift(n, rate_hz, rng, 18, -0.0053, 0.01)
    mix = Mix(n, rate_hz, 0.12)
    pipe_m = body.uniform(0.56, 1.0)
    add_engine(mix, rng, body, turns, Engine(2, 4, pipe_m, 2500, 0.52, 0.0024, 0.46, 0.22, odd_fire=0.3))
    mix.coloured((20, -21), (60, 8), (400, 2), (1500, -3), (4000, -11), (12000, -20))
    return np.asarray(0.093 * np.tanh(0.43 * mix.signal() * (0.35 + 0.92 * opened)))


def truck(n: int, rate_hz: int, rng: np.random.Generator, *, rpm: float, load: float, brake: float) -> Samples:
    """A lorry pulls away, changes gear with a release of its air brake, and pulls on."""
    seconds = n / rate_hz
    change = seconds * rng.uniform(0.4, 0.5)
    low, high = rng.uniform(0.65, 0.8), rng.uniform(1.2, 1.4)
    speed = line(n, rate_hz, [(0, low * rpm), (change, high * rpm), (change + 0.3, 0.8 * rpm), (seconds, high * rpm)])
    turns = phase(speed / 60, n, rate_hz, rng.uniform()) + drift(n, rate_hz, rng, 3.0, -0.02, 0.02)
    engine = Mix(n, rate_hz, 0.1)
    add_engine(engine, rng, rng, turns, DIESEL)
    mix = Mix(n, rate_hz, OUTDOORS_S)
    mix.add(load, engine.signal(), *DIESEL_COLOUR)
    turbo = np.sin(2 * np.pi * phase(speed * 1.7 + 800, n, rate_hz)) * (speed / 2000) ** 2
    mix.add_raw(0.03 * load, turbo)
    mix.add_noise(0.15, rng, *_TYRES)
    mix.add_raw(brake, release(n, rate_hz, rng, change, 0.7))
    mix.through(outdoors(rate_hz, rng, 8.0, 0.2))
    return 0.3 * mix.signal() * gates(n, rate_hz, [0], [seconds - 0.4], 0.4)


def bus(n: int, rate_hz: int, rng: np.random.Generator, *, rpm: float, load: float, brake: float) -> Samples:
    """A city bus comes to its stop, lets air out, kneels, and pulls away with a whining gearbox."""
    seconds = n / rate_hz
    stop = seconds * rng.uniform(0.3, 0.35)
    go = stop + rng.uniform(0.17, 0.84) * seconds
    points = [
        (0, 1.3 * rpm),
        (stop, 1.6 * rpm),
        (go, 0.71 * rpm),
        (1.8 * seconds, 2 * rpm),
        (1.7 * seconds, 0.92 * rpm),
    ]
    speed = line(n, rate_hz, [*points, (seconds, 4.6 * rpm)])
    turns = phase(speed / 60, n, rate_hz, rng.uniform()) + drift(n, rate_hz, rng, 1.4, -0.0035, 0.011)
    engine = Mix(n, rate_hz, 0.1)
    add_engine(engine, rng, rng, turns, DIESEL)
    engine.coloured(*DIESEL_COLOUR)
    mix = Mix(n, rate_hz, OUTDOORS_S)
    mix.add(load, engine.signal(), (20, -5), (60, -3), (150, 5), (400, -2), (1200, 0), (4000, -9))
    fan = ((40, 7), (120, 0), (500, 10), (1500, -2), (5000, -15), (16000, -36))
    mix.add_noise(0.54, rng, *fan)
    gears = tone(turns * 27, (0.0, 1.0, 0.75), rng) + 0.42 * np.sin(2 * np.pi * turns * 66)
    mix.add_raw(0.17, gears * (speed / (2 * rpm)) ** 2)
    mix.add_raw(0.54, unit_rms(Mix(n, rate_hz, 0).noise(rng, *_TYRES)) * np.clip(speed / (2 * rpm), 0.082, 1))
    mix.add_raw(brake, release(n, rate_hz, rng, stop, 0.92))
    mix.add_raw(0.5 * brake, release(n, rate_hz, rng, stop + 0.12 * seconds, 0.5))
    squeal = np.sin(2 * np.pi * phase(1900 + drift(n, rate_hz, rng, 6, -100, 100), n, rate_hz))
    mix.add_raw(0.13, squeal * gates(n, rate_hz, [max(0.0, stop - 0.41)], [stop - 0.24], 0.8))
    mix.coloured((20, 0), (2500, 0), (4000, -3), (8000, -18), (16000, -36))
    mix.through(outdoors(rate_hz, rng, 6, 1.1))
    return 0.6 * mix.signal() * gates(n, rate_hz, [0], [seconds - 1.6], 0.15)


def race_car(
    n: int, rate_hz: int, rng: np.random.Generator, *, rpm: float, speed_kmh: float, distance_m: float
) -> Samples:
    """A racing engine near its limit goes by, changing up on the way."""
    speed = speed_kmh / 3.6
    at_s = n / rate_hz * rng.uniform(0.45, 0.55)
    length = source_length(n, rate_hz, speed, distance_m, at_s)
    seconds = length / rate_hz
    first = seconds * rng.uniform(0.2, 0.4)
    second = first + seconds * rng.uniform(0.25, 0.35)
    points = [(0, 0.85), (first, 1.0), (first + 0.06, 0.72), (second, 1.0), (second + 0.06, 0.81), (seconds, 0.98)]
    turns = phase(line(length, rate_hz, [(at, level * rpm / 60) for at, level in points]), length, rate_hz)
    source = Mix(length, rate_hz, 0.1)
    add_engine(source, rng, rng, turns, Engine(8, 4, 0.6, 5000, 0.15, 0.0007, 0.5, 0.1))
    source.coloured((40, -20), (150, -4), (500, 3), (2000, 2), (5000, -2), (14000, -14))
    heard = Mix(n, rate_hz, OUTDOORS_S)
    heard.add_raw(1.0, passing(np.tanh(source.signal()), n, rate_hz, speed, distance_m, at_s))
    heard.through(outdoors(rate_hz, rng, distance_m, 0.5, 10))
    edge = 0.12 * n / rate_hz
    return peak(heard.signal() * gates(n, rate_hz, [0], [n / rate_hz - edge], edge))


def traffic_noise(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    walk: Walk,
    body: np.random.Generator,
    density: float,
    distance_m: float,
) -> Samples:
    """A busy road from some way off: tyres of many cars that swell and go, engines under them, a lorry now and then."""
    mix = Mix(n, rate_hz, OUTDOORS_S)
    near = np.zeros(n)
    for lane in range(3):
        swell = np.clip(walk(0.25 + 0.3 * density, -0.8, 1.3, f"lane {lane}"), 0.05, None) ** 1.5
        near += swell * mix.noise(rng, *_TYRES)
    mix.add_raw(1.0, near)
    hum = mix.noise(rng, (25, -8), (60, 0), (120, 0), (300, -8), (1000, -20), (6000, -40))
    mix.add_raw(0.8, hum * walk(0.5, 0.4, 1.2, "engines"))
    turns = phase(1500 / 60 * (1 + walk(0.2, -0.2, 0.2, "lorry")), n, rate_hz, rng.uniform())
    engine = Mix(n, rate_hz, 0.1)
    add_engine(engine, rng, body, turns, DIESEL)
    engine.coloured(*DIESEL_COLOUR)
    mix.add_raw(0.5, engine.signal() * np.clip(walk(0.2, -0.6, 1.0, "lorry level"), 0, 1))
    mix.through(outdoors(rate_hz, body, distance_m, 0.4, 10))
    return 0.1 * mix.signal()


CLASSES = (
    SoundClass(
        name="motorcycle",
        audioset=("Motorcycle",),
        singular="a motorcycle",
        plural="motorcycles",
        phrases=("motorbike", "motorcycle revving", "biker", "chopper bike"),
        imagenet=("moped", "motor scooter"),
        family="traffic",
        knobs=(
            Knob("low_rpm", 1000, 1600, 3000, "1/min", "speed at which it idles"),
            Knob("high_rpm", 3500, 5200, 8000, "1/min", "speed at full throttle"),
            Knob("gap_s", 1, 2.2, 5, "s", "time between two twists of the throttle"),
        ),
        drives={"high_rpm": "activity"},
        together=("traffic", "nature", "people"),
        source=Texture(motorcycle, 4.0, 0.15),
    ),
    SoundClass(
        name="truck",
        audioset=("Truck", "Air brake"),
        singular="a truck",
        plural="trucks",
        phrases=("truck", "lorry", "heavy goods vehicle", "semi pulling away"),
        imagenet=("trailer truck", "garbage truck", "moving van", "tow truck", "fire engine"),
        family="traffic",
        knobs=(
            Knob("rpm", 700, 1200, 1800, "1/min", "speed of the engine"),
            Knob("load", 0.3, 0.5, 1, "", "how loud the engine works"),
            Knob("brake", 0, 0.6, 1.5, "", "level of the air brake"),
        ),
        drives={"rpm": "activity"},
        together=("traffic", "nature", "people"),
        source=Events(truck, rate=1 / 5.6, longest_s=6.0, jitter=0.02, first=0.0),
    ),
    SoundClass(
        name="bus",
        audioset=("Bus",),
        singular="a bus",
        plural="buses",
        phrases=("bus", "city bus", "bus stop", "coach pulling away"),
        imagenet=("minibus", "school bus", "trolleybus"),
        family="traffic",
        knobs=(
            Knob("rpm", 600, 900, 1400, "1/min", "speed of the engine"),
            Knob("load", 0.3, 0.7, 1, "", "how loud the engine works"),
            Knob("brake", 0, 0.9, 2, "", "level of the air brakes"),
        ),
        drives={"rpm": "activity"},
        together=("traffic", "nature", "people"),
        source=Events(bus, rate=1 / 6.6, longest_s=7.0, jitter=0.02, first=0.0),
    ),
    SoundClass(
        name="race_car",
        audioset=("Race car, auto racing", "Accelerating, revving, vroom"),
        singular="a racing car",
        plural="racing cars",
        phrases=("race car", "formula one", "car racing by", "motor racing"),
        imagenet=("racer",),
        family="traffic",
        knobs=(
            Knob("cars_per_s", 0.1, 0.7, 0.8, "1/s", "how many go by a second"),
            Knob("rpm", 6000, 6200, 14000, "1/min", "speed of the engine"),
            Knob("speed_kmh", 100, 255, 320, "km/h", "how fast they drive"),
            Knob("distance_m", 5, 5, 60, "m", "distance to the track"),
        ),
        drives={"speed_kmh": "activity"},
        together=("traffic", "people"),
        source=Events(race_car, rate="cars_per_s", longest_s=5.0, jitter=0.2, first=0.6, lead_s=2.5),
    ),
    SoundClass(
        name="traffic_noise",
        audioset=("Traffic noise, roadway noise", "Vehicle"),
        singular="a busy road",
        plural="busy roads",
        phrases=("traffic", "street noise", "busy road", "motorway", "highway"),
        imagenet=("traffic light", "street sign", "parking meter"),
        family="traffic",
        knobs=(
            Knob("density", 0, 0.5, 1, "", "how thick the traffic is"),
            Knob("distance_m", 5, 20, 300, "m", "distance to the road"),
        ),
        drives={"density": "activity"},
        together=("traffic", "nature", "people"),
        source=Texture(traffic_noise, 5.0, 0.5),
    ),
)
