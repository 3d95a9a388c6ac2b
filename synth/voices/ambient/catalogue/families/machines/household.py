"""Motors in the house: vacuum cleaner, washing machine, blender, shaver."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import crossings, line
from synth.voices.ambient.catalogue.parts.mechanical.electric import motor, tone
from synth.voices.ambient.catalogue.parts.mechanical.struck import add_at, modes
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms
from synth.voices.ambient.catalogue.parts.places import indoors
from synth.voices.ambient.catalogue.parts.spectra import bump, drift
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def vacuum_cleaner(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    suction: float,
    strokes_per_s: float,
) -> Samples:
    """Air through a nozzle that goes to and fro, two resonances of the tube, a motor that feels the load."""
    stroke = walk(2 * strokes_per_s, -1, 1, "stroke")
    air = Mix(n, rate_hz, 0.1)
    air.add_noise(1.0, rng, (40, -14), (150, -4), (400, 0), (1000, -1), (2500, -5), (6000, -9), (14000, -20))
    hz = air.frequencies_hz
    tube = 1 + 1.2 * bump(hz, 620 * body.uniform(0.85, 1.2), 0.3) + 0.8 * bump(hz, 1500 * body.uniform(0.85, 1.2), 0.25)
    air.through(tube.astype(np.complex64))
    mix = Mix(n, rate_hz, 0.5)
    mix.add(suction, air.signal() * (1 + 0.1 * stroke) * drift(n, rate_hz, rng, 10.0, 0.92, 1.08))
    turns = phase + 0.5 * stroke
    mix.add_raw(0.22, motor(turns, rate_hz, rng, 9, (1, 0.6, 0.35, 0.2), (0.35, 0.2, 0.1), 0.1))
    mix.through(indoors(rate_hz, body, 0.4, 0.3))
    return at_rms(mix.signal())


def washing_machine(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    water: float,
    motor_hz: float,
) -> Samples:
    """A drum whose ribs lift the wash and drop it, water that follows, a belt-driven motor, a rattling cabinet."""
    drum = phase / 60
    lifted = np.clip(np.sin(6 * np.pi * drum), 0, 1) ** 3
    swing = np.sin(2 * np.pi * drum)
    turns = motor_hz * (np.arange(n) / rate_hz) + 0.5 * swing
    mix = Mix(n, rate_hz, 0.55)
    mix.add_raw(0.5, motor(turns, rate_hz, rng, 8, (1, 0.7, 0.4, 0.12), (0.5, 0.23, 0.1), 0.25) * (1 + 0.09 * swing))
    slosh = mix.noise(rng, (60, -6), (250, 3), (700, 1), (2000, -10), (7000, -17), (18000, -36))
    mix.add_raw(water, slosh * (0.2 + lifted * walk(4, 0.5, 1.5, "wash")))
    at, _ = crossings(drum, rng, 3, 0.035)
    thump = np.zeros(n)
    kernel = modes(rate_hz, (62, 110, 170, 260), (0.092,) * 4, (1, 1, 1, 1), body)
    add_at(thump, at, rng.uniform(0.4, 1, len(at)), kernel)
    mix.add(0.5, thump)
    rattles, _ = crossings(turns, rng, 0.2, 0.24)
    cabinet = np.zeros(n)
    panel = modes(rate_hz, (800, 1400, 2600, 5200), (0.004,) * 4, (1, 1, 1, 0.5), body)
    add_at(cabinet, rattles, rng.uniform(0.23, 1, len(rattles)), panel)
    mix.add(0.098, cabinet)
    mix.through(indoors(rate_hz, body, 0.5, 0.35))
    return at_rms(mix.signal())


def blender(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, turn_hz: float, ice: float
) -> Samples:
    """One run of a blender: a universal motor at full cry, blades that chop what floats by."""
    seconds = n / rate_hz
    run = line(n, rate_hz, [(0, 0.0), (0.25, 1), (seconds - 0.26, 2), (seconds - 0.076, 0.074), (seconds, 0)])
    load = 1 + ice * drift(n, rate_hz, rng, 16, -0.026, 0.08)
    turns = np.cumsum(turn_hz * run * load) / rate_hz
    mix = Mix(n, rate_hz, 0.5)
    mix.add_raw(
        0.5, motor(turns, rate_hz, rng, 11, (2.6, 0.73, 0.5, 0.26, 0.47), (0.65, 0.5, 0.36, 0.2), 0.52) * run**1.5
    )
    slurry = mix.noise(rng, (100, -7), (350, -5), (1200, -3), (3500, -8), (9000, -13), (18000, -29))
    mix.add_raw(1.2, slurry * run**2 * drift(n, rate_hz, rng, 26, 1.3, 0.8))
    hits = np.zeros(n)
    count = int(25 * ice * seconds)
    at = rng.uniform(0.64, max(0.3, seconds - 0.54), count) * rate_hz
    jar = modes(rate_hz, body.uniform(700, 6000, 14), np.full(14, 0.022), np.ones(14), body)
    add_at(hits, at, rng.exponential(1, count), jar)
    mix.add_raw(0.5, hits)
    mix.through(indoors(rate_hz, body, 0.77, 0.3))
    return 0.095 * mix.signal() * line(n, rate_hz, [(0, 1), (seconds - 0.062, 1), (seconds, 0)])


def electric_shaver(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    bristle: float,
) -> Samples:
    """An oscillating cutter twice a mains cycle, pressed to a cheek and taken off again."""
    cycles = phase + walk(1.0, -0.5, 0.5, "hand")
    near = walk(1.2, 0.2, 1.0, "cheek")
    buzz = tone(cycles, [1 / (k + 1) ** 0.6 for k in range(24)], body)
    mix = Mix(n, rate_hz, 0.09)
    mix.add(1.0, buzz * near, (80, -2), (300, -7), (1500, 0), (4000, -7), (9000, -6), (18000, -20))
    hair = mix.noise(rng, (800, -18), (3000, 3), (7000, 8), (16000, -11))
    mix.add_raw(0.5 * bristle, hair * near * (1 + 0.18 * np.sin(2 * np.pi * cycles)))
    mix.through(indoors(rate_hz, body, 0.15, 0.2))
    return at_rms(mix.signal(), 0.027)


CLASSES = (
    SoundClass(
        name="vacuum_cleaner",
        audioset=("Vacuum cleaner",),
        singular="a vacuum cleaner",
        plural="vacuum cleaners",
        phrases=("vacuum cleaner", "hoover", "vacuuming"),
        imagenet=("vacuum",),
        family="machines",
        knobs=(
            Knob("turn_hz", 250, 400, 600, "Hz", "turns of the motor a second"),
            Knob("suction", 0.3, 0.45, 0.7, "", "level of the air"),
            Knob("strokes_per_s", 0.1, 0.6, 1.2, "1/s", "how often the nozzle goes to and fro"),
        ),
        drives={"strokes_per_s": "activity"},
        together=("machines", "foley", "people"),
        source=Texture(vacuum_cleaner, 4.0, 0.4, phase_of="turn_hz"),
    ),
    SoundClass(
        name="washing_machine",
        audioset=("Mechanisms",),
        singular="a washing machine",
        plural="washing machines",
        phrases=("washing machine", "laundry", "washer", "spin cycle"),
        imagenet=("washer",),
        family="machines",
        knobs=(
            Knob("drum_rpm", 30, 52, 90, "1/min", "turns of the drum a minute"),
            Knob("water", 0.1, 0.6, 1, "", "level of the water"),
            Knob("motor_hz", 50, 90, 160, "Hz", "turns of the motor a second"),
        ),
        drives={"drum_rpm": "activity"},
        together=("machines", "foley", "people"),
        source=Texture(washing_machine, 4.0, 0.4, phase_of="drum_rpm"),
    ),
    SoundClass(
        name="blender",
        audioset=("Blender", "Vacuum cleaner", "Hair dryer"),
        singular="a blender",
        plural="blenders",
        phrases=("blender", "mixer", "food processor", "smoothie"),
        imagenet=(),
        family="machines",
        knobs=(
            Knob("runs_per_s", 0.08, 0.22, 0.6, "1/s", "how often it is switched on"),
            Knob("turn_hz", 180, 280, 400, "Hz", "turns of the motor a second"),
            Knob("ice", 0, 0.5, 1, "", "how much there is to chop"),
        ),
        together=("machines", "foley", "people"),
        source=Events(blender, rate="runs_per_s", longest_s=4.4, jitter=0.05, first=0.02),
    ),
    SoundClass(
        name="electric_shaver",
        audioset=("Electric shaver, electric razor", "Electric toothbrush", "Toothbrush"),
        singular="an electric shaver",
        plural="electric shavers",
        phrases=("electric shaver", "electric razor", "hair clipper", "shaving"),
        imagenet=(),
        family="machines",
        knobs=(
            Knob("buzz_hz", 90, 110, 150, "Hz", "strokes of the cutter a second"),
            Knob("bristle", 0, 0.5, 1, "", "level of the hair that is cut"),
        ),
        together=("machines", "foley", "people"),
        source=Texture(electric_shaver, 4.0, 0.3, phase_of="buzz_hz"),
    ),
)
