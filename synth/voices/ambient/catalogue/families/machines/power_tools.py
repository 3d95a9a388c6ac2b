"""Power tools: drill, jackhammer."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import crossings, line, phase
from synth.voices.ambient.catalogue.parts.mechanical.combustion import Engine, add_engine
from synth.voices.ambient.catalogue.parts.mechanical.electric import motor
from synth.voices.ambient.catalogue.parts.mechanical.struck import blows, burst
from synth.voices.ambient.catalogue.parts.mechanical.struck import body as stiff_body
from synth.voices.ambient.catalogue.parts.mix import Mix
from synth.voices.ambient.catalogue.parts.places import OUTDOORS_S, indoors, outdoors
from synth.voices.ambient.catalogue.parts.spectra import drift
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def drill(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, turn_hz: float, gear_ratio: float
) -> Samples:
    """One hole: the motor runs up, labours as the bit goes in, and runs down."""
    seconds = n / rate_hz
    hold = seconds * rng.uniform(0.62, 0.8)
    run = line(n, rate_hz, [(0, 0.05), (0.12, 0.9), (0.25, 1), (hold, 1), (hold + 0.25, 0.12), (seconds, 0.0)])
    press = line(n, rate_hz, [(0, 0), (0.25, 0.1), (0.5, 1), (hold, 1), (hold + 0.1, 0), (seconds, 0)])
    load = 1 - 0.2 * press + drift(n, rate_hz, rng, 1.5, -0.06, 0.06) * press
    turns = phase(turn_hz * run * load, n, rate_hz, rng.uniform())
    whine = motor(turns, rate_hz, rng, 7, (1, 0.8, 0.6, 0.5, 0.3), (0.7, 0.5, 0.3, 0.2), 0.5)
    chuck = np.sin(2 * np.pi * turns / gear_ratio)
    mix = Mix(n, rate_hz, 0.6)
    mix.add_raw(1.0, whine * (1 + 0.25 * chuck) * run**1.2)
    bite = mix.noise(rng, (200, -10), (800, 0), (2500, 0), (6000, -6), (14000, -16), (20000, -22))
    torn = (1 + 0.5 * np.sin(4 * np.pi * turns / gear_ratio)) * drift(n, rate_hz, rng, 20.0, 0.5, 1.5)
    mix.add_raw(0.6, bite * torn * press)
    mix.through(indoors(rate_hz, body, 0.45, 0.3))
    return 0.09 * mix.signal() * line(n, rate_hz, [(0, 1), (seconds - 0.1, 1), (seconds, 0)])


def jackhammer(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    pause: float,
    distance_m: float,
) -> Samples:
    """A piston on compressed air: exhaust through ports, steel on steel, stone that breaks; a compressor far off."""
    strokes = phase + walk(0.8, -0.3, 0.3, "air")
    on = np.clip(14 * (walk(0.35, 0, 1, "pause") - pause) + 0.5, 0, 1) if pause else np.ones(n)
    mix = Mix(n, rate_hz, OUTDOORS_S)
    air = Mix(n, rate_hz, 0.1)
    ports = Engine(1, 2, 0.6, 1800, 0.12, 0.004, 0.6, 0.6, (800.0, 1300.0, 1900.0, 2700.0, 3700.0, 5200.0))
    add_engine(air, rng, body, strokes, ports)
    air.coloured((20, -24), (50, -6), (160, -2), (500, 0), (1500, 2), (5000, 2), (12000, -4), (20000, -10))
    at, _ = crossings(strokes, rng, 1.0, 0.012)
    times = at / rate_hz
    steel = blows(n, rate_hz, rng, times, lambda: stiff_body(rate_hz, rng, 0.012, 700, 9500, 60, 0.5), 4)
    stone = ((60, 0), (200, 2), (800, 0), (2500, 0), (7000, 0), (20000, -14))
    broken = blows(n, rate_hz, rng, times, lambda: burst(rate_hz, rng, 0.008, *stone), 4)
    for level, layer in ((1.2, air.signal()), (0.7, steel), (0.6, broken)):
        mix.add(level, layer)
    out = mix.signal() * on
    heard = Mix(n, rate_hz, OUTDOORS_S)
    heard.add_raw(1.0, out)
    heard.add_noise(0.12, rng, (60, -10), (200, -2), (900, 0), (2500, 0), (6000, -4), (18000, -18))
    heard.through(outdoors(rate_hz, body, distance_m, 0.3))
    return 0.08 * heard.signal()


CLASSES = (
    SoundClass(
        name="drill",
        audioset=("Drill", "Power tool"),
        singular="a power drill",
        plural="power drills",
        phrases=("drill", "power drill", "drilling", "electric drill"),
        imagenet=("power drill", "screwdriver"),
        family="machines",
        knobs=(
            Knob("holes_per_s", 0.15, 0.5, 1, "1/s", "how many holes a second"),
            Knob("turn_hz", 180, 330, 480, "Hz", "turns of the motor a second"),
            Knob("gear_ratio", 6, 11, 25, "", "turns of the motor for one of the bit"),
        ),
        drives={"turn_hz": "activity"},
        together=("machines", "foley", "people"),
        source=Events(drill, rate="holes_per_s", longest_s=2.0, jitter=0.1, first=0.05),
    ),
    SoundClass(
        name="jackhammer",
        audioset=("Jackhammer",),
        singular="a jackhammer",
        plural="jackhammers",
        phrases=("jackhammer", "pneumatic drill", "road works", "breaking concrete"),
        imagenet=(),
        family="machines",
        knobs=(
            Knob("blow_hz", 12, 17, 28, "Hz", "blows a second"),
            Knob("pause", 0, 0.15, 0.5, "", "share of the time that it rests"),
            Knob("distance_m", 2, 5, 60, "m", "distance"),
        ),
        drives={"blow_hz": "activity"},
        together=("machines", "traffic", "people"),
        source=Texture(jackhammer, 4.0, 0.1, phase_of="blow_hz"),
    ),
)
