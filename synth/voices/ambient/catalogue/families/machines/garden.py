"""Small engines with a tool on them: chainsaw, lawn mower."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts import measured
from synth.voices.ambient.catalogue.parts.band_levels import match
from synth.voices.ambient.catalogue.parts.control import phase, throttle
from synth.voices.ambient.catalogue.parts.mechanical.combustion import Engine, add_engine
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms
from synth.voices.ambient.catalogue.parts.places import OUTDOORS_S, outdoors
from synth.voices.ambient.catalogue.parts.spectra import drift, unit_rms
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def chainsaw(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    idle_rpm: float,
    full_rpm: float,
    gap_s: float,
    cutting: float,
) -> Samples:
    """A single two-stroke without a pipe to speak of, a running chain, and wood that is torn; learnt band levels."""
    opened = throttle(walk, gap_s)
    rpm = idle_rpm + (full_rpm - idle_rpm) * opened
    bite = np.clip(opened * 0.81 - 0.84, 0, 1) * np.clip(walk(1.0 / gap_s, -0.5, 1.1, "wood"), 0, 1) * cutting
    rpm = rpm * (1 - 0.3 * bite) * (1 + drift(n, rate_hz, rng, 15, -0.049, 0.052))
    turns = phase(rpm / 60, n, rate_hz, rng.uniform())
    load = 0.5 + 0.5 * opened + 0.28 * bite
    mix = Mix(n, rate_hz, OUTDOORS_S)
    two_stroke = Engine(1, 2, 0.12, 6000, 0.085, 0.0004, 0.18, 0.45, (1300, 4300, 2800, 2900, 2400))
    add_engine(mix, rng, body, turns, two_stroke, 1.0, load)
    chain = mix.noise(rng, (600, -22), (2500, 4), (5000, -9), (12000, -12), (20000, -7))
    links = 1 + 0.5 * np.sin(2 * np.pi * turns * body.integers(5, 9))
    mix.add(0.55, chain * links * (0.21 + opened + 2 * bite) * drift(n, rate_hz, rng, 22, 0.5, 0.93))
    mix.through(outdoors(rate_hz, body, 4, 0.43))
    match(mix, measured.CHAINSAW.drawn(body))
    swell = 0.59 + 0.51 * opened
    return np.asarray(0.27 * np.tanh(unit_rms(mix.signal()) * swell))


def lawn_mower(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    blade: float,
    distance_m: float,
) -> Samples:
    """A four-stroke single and its blade, whose two tips beat the air twice a turn under the deck."""
    turns = phase / 60 + walk(0.8, -0.15, 0.15, "governor") + walk(5.0, -0.02, 0.02, "flutter")
    mix = Mix(n, rate_hz, OUTDOORS_S)
    tips = Engine(1, 1.0, 0.25, 5000, 0.06, 0.0012, 0.7, 0.1)
    source = Mix(n, rate_hz, 0.1)
    add_engine(source, rng, body, turns, tips)
    add_engine(source, rng, body, turns, Engine(1, 4, 0.5, 1500, 0.15, 0.002, 0.5, 0.3), 0.5)
    source.add_noise(blade, rng, (60, -6), (200, 0), (1000, -3), (4000, -8), (12000, -22), (20000, -30))
    mix.add(1.0, source.signal() * walk(1.5, 0.88, 1.12, "grass"))
    mix.coloured((20, -14), (90, 0), (1000, 1), (4000, 0), (12000, -12))
    mix.through(outdoors(rate_hz, body, distance_m, 0.4))
    return at_rms(mix.signal())


CLASSES = (
    SoundClass(
        name="chainsaw",
        audioset=("Chainsaw",),
        singular="a chainsaw",
        plural="chainsaws",
        phrases=("chainsaw", "chain saw", "lumberjack", "cutting down a tree"),
        imagenet=("chain saw",),
        family="machines",
        knobs=(
            Knob("idle_rpm", 2500, 3200, 4000, "1/min", "speed at which it idles"),
            Knob("full_rpm", 6500, 8600, 12000, "1/min", "speed at full throttle"),
            Knob("gap_s", 1, 2.2, 6, "s", "time between two pulls of the throttle"),
            Knob("cutting", 0, 0.6, 1, "", "how much of the time it bites into wood"),
        ),
        drives={"cutting": "activity"},
        together=("machines", "nature", "people"),
        source=Texture(chainsaw, 4.0, 0.15),
    ),
    SoundClass(
        name="lawn_mower",
        audioset=("Lawn mower",),
        singular="a lawn mower",
        plural="lawn mowers",
        phrases=("lawn mower", "mowing the lawn", "cutting grass"),
        imagenet=("lawn mower",),
        family="machines",
        knobs=(
            Knob("rpm", 2400, 3000, 3600, "1/min", "speed of the engine"),
            Knob("blade", 0.1, 0.3, 0.8, "", "level of the air under the deck"),
            Knob("distance_m", 1, 5, 50, "m", "distance"),
        ),
        drives={"rpm": "activity"},
        together=("machines", "nature", "people"),
        source=Texture(lawn_mower, 4.0, 0.4, phase_of="rpm"),
    ),
)
