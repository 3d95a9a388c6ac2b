"""On the water: motorboat, ship's horn."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import fade_out, gates
from synth.voices.ambient.catalogue.parts.mechanical.combustion import Engine, add_engine
from synth.voices.ambient.catalogue.parts.mechanical.horns import air_horn
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms, peak
from synth.voices.ambient.catalogue.parts.places import OUTDOORS_S, indoors, outdoors
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def motorboat(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    splash: float,
    distance_m: float,
) -> Samples:
    """An outboard whose exhaust leaves through the water; the hull slaps waves and spray falls."""
    turns = phase / 60 + walk(0.7, -0.8, 0.8, "load") + walk(5.0, -0.03, 0.03, "flutter")
    slapping = np.clip(walk(2.2, -1.6, 1.6, "waves"), 0.0, None)
    source = Mix(n, rate_hz, 0.1)
    add_engine(source, rng, body, turns, Engine(3, 4, 0.9, 1500, 0.18, 0.0035, 0.45, 0.08))
    source.coloured((30, -10), (80, 2), (300, 0), (1000, -6), (4000, -16), (12000, -30))
    mix = Mix(n, rate_hz, OUTDOORS_S)
    mix.add(1.0, source.signal() * walk(2.0, 0.7, 1.3, "depth"))
    spray = mix.noise(rng, (80, -8), (400, 0), (1500, -2), (5000, -8), (14000, -20))
    mix.add_raw(0.55 * splash, spray * (0.35 + 0.6 * slapping))
    thud = mix.noise(rng, (30, 0), (90, 0), (300, -10), (2000, -30))
    mix.add_raw(0.25 * splash, thud * slapping**2)
    mix.through(outdoors(rate_hz, body, distance_m, 0.2))
    return at_rms(mix.signal())


def ship_horn(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, hz: float, distance_m: float
) -> Samples:
    """Two diaphragms a hair apart, with breath, over a bay that answers."""
    hold = n / rate_hz * rng.uniform(0.45, 0.6)
    gate = gates(n, rate_hz, [0.0], [hold], 0.25)
    mix = Mix(n, rate_hz, 2.2)
    mix.add_raw(1.0, air_horn(n, rate_hz, rng, hz, gate, 700))
    mix.add_raw(0.5, air_horn(n, rate_hz, rng, hz * body.uniform(1.003, 1.009), gate, 500))
    breath = mix.noise(rng, (hz, -6), (hz * 3, 0), (max(1500, hz * 4), -8), (6000, -20), (16000, -36))
    mix.add_raw(0.25, gate * breath)
    mix.coloured((40, 0), (120, 0), (500, 0), (1500, -8), (8000, -30))
    mix.through(indoors(rate_hz, body, 1.8, 0.8, 700))
    mix.through(outdoors(rate_hz, body, min(distance_m, 300.0), 0.3))
    return peak(mix.signal() * fade_out(n, rate_hz, 0.5))


CLASSES = (
    SoundClass(
        name="motorboat",
        audioset=("Motorboat, speedboat", "Boat, Water vehicle"),
        singular="a motorboat",
        plural="motorboats",
        phrases=("motorboat", "speedboat", "outboard motor", "boat engine"),
        imagenet=("speedboat", "lifeboat", "amphibian"),
        family="traffic",
        knobs=(
            Knob("rpm", 1800, 3800, 5500, "1/min", "speed of the engine"),
            Knob("splash", 0.1, 0.5, 1, "", "level of spray and waves"),
            Knob("distance_m", 2, 10, 80, "m", "distance"),
        ),
        drives={"rpm": "activity"},
        together=("traffic", "nature", "people"),
        source=Texture(motorboat, 4.0, 0.4, phase_of="rpm"),
    ),
    SoundClass(
        name="ship_horn",
        audioset=("Foghorn", "Ship", "Air horn, truck horn"),
        singular="a ship's horn",
        plural="ships' horns",
        phrases=("ship horn", "foghorn", "ferry horn", "harbour"),
        imagenet=("container ship", "liner", "dock", "aircraft carrier", "submarine", "breakwater"),
        family="traffic",
        knobs=(
            Knob("blasts_per_s", 0.1, 0.3, 0.5, "1/s", "how many blasts a second"),
            Knob("hz", 65, 110, 220, "Hz", "its note"),
            Knob("distance_m", 30, 200, 2000, "m", "distance"),
        ),
        together=("traffic", "nature", "people"),
        source=Events(ship_horn, rate="blasts_per_s", longest_s=4.5, jitter=0.08, first=0.08),
    ),
)
