"""Moved air in the house: hair dryer, fan, air conditioner."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.mechanical.electric import mains_hum, motor, tone
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms
from synth.voices.ambient.catalogue.parts.places import indoors
from synth.voices.ambient.catalogue.parts.spectra import bump
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def hair_dryer(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    airflow: float,
    sway: float,
) -> Samples:
    """A jet of air from a short nozzle near the ear, a small fast fan behind it."""
    air = Mix(n, rate_hz, 0.074)
    air.add_noise(airflow, rng, (60, -23), (200, -9), (500, 10), (1200, 1), (3000, -4), (6000, -8), (16000, -26))
    hz = air.frequencies_hz
    nozzle = 1 + 1.4 * bump(hz, 1000 * body.uniform(0.27, 0.61), 0.83) + bump(hz, 2300 * body.uniform(0.75, 1), 0.19)
    air.through(nozzle.astype(np.complex64))
    mix = Mix(n, rate_hz, 0.24)
    mix.add_raw(1.0, air.signal())
    turns = phase + walk(2.0, -0.24, 0.22, "load")
    mix.add_raw(0.5, motor(turns, rate_hz, rng, 7, (1.5, 1, 0.54, 0.41), (0.5, 0.65, 0.1), 0.32))
    mix.through(indoors(rate_hz, body, 0.29, 0.42))
    return at_rms(mix.signal() * (1 + sway * walk(0.62, -0.2, 0.39, "hand")))


def fan(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    phase: Samples,
    hum: float,
    mains_hz: float,
) -> Samples:
    """Blades that push air past a grille, a rotor out of true, and a shaded-pole motor that hums."""
    turns = phase / 60
    mix = Mix(n, rate_hz, 0.26)
    flow = mix.noise(rng, (25, -27), (80, 0), (200, -7), (400, 1), (1000, -8), (2000, 4), (4000, -15), (14000, -16))
    blades = body.integers(3, 6)
    beat = 1 + 0.15 * np.sin(2 * np.pi * turns * blades) + 0.045 * np.sin(2 * np.pi * turns)
    mix.add(1.0, flow * beat)
    mix.add(hum, mains_hum(n, rate_hz, rng, mains_hz * 0.99, (1, 1.7, 0.25, 0.37, 0.045, 0.11)))
    mix.add(0.2, tone(turns * blades, (1, 0.5, 0.09, 0.27), rng))
    mix.through(indoors(rate_hz, body, 0.42, 0.1))
    return at_rms(mix.signal())


def air_conditioner(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, phase: Samples, compressor: float
) -> Samples:
    """A blower in a duct and a compressor behind the wall."""
    turns = phase / 60
    mix = Mix(n, rate_hz, 0.38)
    mix.add_noise(1.0, rng, (25, -20), (60, 10), (120, 10), (300, 3), (800, -2), (2500, -22), (8000, -31), (18000, -33))
    mix.add(0.5 * compressor, tone(turns, (1, 0.36, 2.1, 0.5, 0.39, 1, 0.037, 0.073), body))
    mix.add(0.22 * compressor, mains_hum(n, rate_hz, rng, float(50 + 10 * body.integers(0, 2)), (1, 0.5, 0.11, 0.22)))
    rattle = mix.noise(rng, (200, -17), (700, -8), (2000, 2), (8000, -18))
    mix.add(0.4, rattle * np.maximum(0, np.sin(2 * np.pi * turns)) ** 2)
    mix.through(indoors(rate_hz, body, 0.37, 0.11, 2500))
    return at_rms(mix.signal())


CLASSES = (
    SoundClass(
        name="hair_dryer",
        audioset=("Hair dryer",),
        singular="a hair dryer",
        plural="hair dryers",
        phrases=("hair dryer", "blow dryer", "drying hair"),
        imagenet=("hand blower",),
        family="machines",
        knobs=(
            Knob("turn_hz", 160, 260, 350, "Hz", "turns of the fan a second"),
            Knob("airflow", 0.6, 1, 1.5, "", "level of the air"),
            Knob("sway", 0, 0.3, 1, "", "how much it is moved about"),
        ),
        drives={"sway": "activity"},
        together=("machines", "foley", "people"),
        source=Texture(hair_dryer, 4.0, 0.4, phase_of="turn_hz"),
    ),
    SoundClass(
        name="fan",
        audioset=("Mechanical fan",),
        singular="an electric fan",
        plural="electric fans",
        phrases=("electric fan", "ventilator", "desk fan", "ceiling fan"),
        imagenet=("electric fan",),
        family="machines",
        knobs=(
            Knob("rpm", 500, 900, 1600, "1/min", "speed of the blades"),
            Knob("hum", 0.3, 0.6, 1.2, "", "level of the motor's hum beside the air"),
            Knob("mains_hz", 50, 60, 60, "Hz", "frequency of the mains"),
        ),
        drives={"rpm": "activity"},
        together=("machines", "foley", "people"),
        source=Texture(fan, 4.0, 0.4, phase_of="rpm"),
    ),
    SoundClass(
        name="air_conditioner",
        audioset=("Air conditioning", "Mechanical fan", "Hum"),
        singular="an air conditioner",
        plural="air conditioners",
        phrases=("air conditioning", "air conditioner", "ventilation", "HVAC"),
        imagenet=(),
        family="machines",
        knobs=(
            Knob("rpm", 1000, 1450, 1800, "1/min", "speed of the compressor"),
            Knob("compressor", 0.3, 0.6, 1.2, "", "level of the compressor beside the air"),
        ),
        together=("machines", "foley", "people"),
        source=Texture(air_conditioner, 4.0, 0.4, phase_of="rpm"),
    ),
)
