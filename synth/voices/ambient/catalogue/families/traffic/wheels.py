"""Small wheels: bicycle, its bell, skateboard."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import crossings, gates
from synth.voices.ambient.catalogue.parts.mechanical.struck import add_at, blows, burst, impulses, rung, together
from synth.voices.ambient.catalogue.parts.mechanical.struck import body as stiff_body
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms, peak
from synth.voices.ambient.catalogue.parts.places import OUTDOORS_S, outdoors
from synth.voices.ambient.catalogue.parts.spectra import drift, unit_rms
from synth.voices.ambient.catalogue.parts.timing import uneven_beats
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room
from synth.voices.ambient.catalogue.walk import Walk


def bicycle(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    clicks_per_s: float,
    road: float,
) -> Samples:
    """A freewheel: two or three pawls a hair apart fall over the teeth; narrow tyres roll under it."""
    at, _ = crossings(phase + walk(0.93, -1.5, 2.9, "coasting"), rng, 1.0, 0.015)
    out = np.zeros(n)
    for pawl in range(3):
        click = together(
            burst(rate_hz, body, 0.00045, (500, -22), (2000, 9), (5000, 0), (11000, -6), (20000, -17)),
            2.2 * stiff_body(rate_hz, body, 0.0056, 1500, 9000, 14, -1),
        )
        late = pawl * body.uniform(0.0015, 0.008) * rate_hz
        add_at(out, at + late, rng.uniform(0.5, 1, len(at)) * (1, 0.45, 0.24)[pawl], click)
    mix = Mix(n, rate_hz, OUTDOORS_S)
    mix.add(1.0, out)
    gravel = mix.noise(rng, (100, -8), (300, 7), (800, -5), (2500, -12), (8000, -23), (18000, -37))
    mix.add_raw(road, gravel * drift(n, rate_hz, rng, 4.2, 0.5, 4.3))
    mix.through(outdoors(rate_hz, body, 2.0, 0.54))
    return at_rms(mix.signal(), 0.033)


def bicycle_bell(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, size_mm: float, strokes: float
) -> Samples:
    """A thumb bell: the lever goes in and comes back, and a geared wheel throws the hammers each time."""
    lowest = 2100 * 55 / size_mm * body.uniform(0.9, 1.1)
    hz = lowest * np.array([1, 1.008, 1.74, 1.75, 2.62, 2.64, 3.6, 3.62, 4.5])
    count = round(strokes)
    starts = (0.0, rng.uniform(0.26, 0.34))
    at = np.concatenate([start + np.cumsum(rng.uniform(0.022, 0.03, count)) for start in starts])
    gain = rng.uniform(0.5, 1, len(at))
    hits = impulses(n, at * rate_hz, gain)
    falls, levels = (0.22, 0.2, 0.16, 0.15, 0.1, 0.1, 0.06, 0.06, 0.05), (0.6, 0.5, 1, 0.8, 0.9, 0.7, 0.6, 0.5, 0.4)
    ring = unit_rms(rung(hits, rate_hz, hz, falls, levels))
    tick = together(
        burst(rate_hz, rng, 0.004, (500, -12), (2500, 0), (9000, -2), (20000, -8)),
        0.4 * stiff_body(rate_hz, rng, 0.008, 900, 9000, 30),
    )
    ticks = np.zeros(n)
    add_at(ticks, at * rate_hz, gain, tick)
    return peak(ring + 0.5 * unit_rms(ticks))


def skateboard(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    speed_mps: float,
    slab_m: float,
    tricks: float,
) -> Samples:
    """Hard wheels on rough ground shake a wooden deck; both axles cross the joints; the tail pops, the wheels land."""
    seconds = n / rate_hz
    speed = speed_mps * walk(0.6, 0.7, 1.3, "speed")
    count = int(seconds * 2250 * speed_mps)
    grit = np.bincount(rng.integers(0, n, count), rng.standard_normal(count) * rng.exponential(1, count), n)
    deck = Mix(n, rate_hz, 0.1)
    deck.add(1.0, deck.spectrum(grit) * deck.spectrum(stiff_body(rate_hz, body, 0.003, 200, 2500, 50, -4)))
    deck.add_noise(0.024, rng, (100, -14), (300, -3), (900, 0), (2500, -3), (6000, -9), (18000, -20))
    roll = deck.signal() * (speed / speed_mps) ** 1.5 * drift(n, rate_hz, rng, 8.2, 0.8, 1.2)
    metres = np.cumsum(speed) / rate_hz
    joints = np.arange(0, metres[-1] + 1, slab_m)
    joints = joints + rng.uniform(-0.3, 0.3, len(joints)) * slab_m
    at = np.concatenate([np.interp(joints + axle, metres, np.arange(n), -1, -1) for axle in (0, 0.42)])

    def clack() -> Samples:
        blow = burst(rate_hz, rng, 0.008, (150, -8), (600, 0), (2000, -1), (6000, -8), (18000, -24))
        return together(blow, 2 * stiff_body(rate_hz, rng, 0.02, 180, 3000, 40, -2))

    out = 2 * blows(n, rate_hz, rng, at[at >= 0] / rate_hz, clack, 3)
    for pop in uneven_beats(seconds, rng, 0.96, 0.3, rng.uniform(0.4, 1.2)):
        if rng.uniform() < tricks:
            air = rng.uniform(0.25, 0.4)
            roll *= 1 - 0.8 * gates(n, rate_hz, [pop], [pop + air], 0.03)
            out += 4 * blows(n, rate_hz, rng, np.array([pop, pop + air, pop + air + 0.02, pop + air + 0.06]), clack, 3)
    mix = Mix(n, rate_hz, OUTDOORS_S)
    mix.add_raw(1.0, roll + out)
    mix.through(outdoors(rate_hz, body, 4, 0.3))
    return 0.04 * mix.signal()


CLASSES = (
    SoundClass(
        name="bicycle",
        audioset=("Bicycle", "Ratchet, pawl", "Clicking", "Gears"),
        singular="a bicycle",
        plural="bicycles",
        phrases=("bicycle", "bike freewheel", "cycling", "coasting bike"),
        imagenet=("mountain bike", "bicycle-built-for-two", "unicycle"),
        family="traffic",
        knobs=(
            Knob("clicks_per_s", 8, 18, 45, "1/s", "teeth of the freewheel a second"),
            Knob("road", 0, 0.2, 0.6, "", "level of the tyres on the road"),
        ),
        drives={"clicks_per_s": "activity"},
        together=("traffic", "nature", "people"),
        source=Texture(bicycle, 3.0, 0.1, phase_of="clicks_per_s"),
    ),
    SoundClass(
        name="bicycle_bell",
        audioset=("Bicycle bell",),
        singular="a bicycle bell",
        plural="bicycle bells",
        phrases=("bicycle bell", "bike bell", "cyclist ringing"),
        imagenet=("bicycle-built-for-two", "mountain bike", "tricycle"),
        family="traffic",
        knobs=(
            Knob("rings_per_s", 0.25, 0.9, 1.4, "1/s", "how often it is rung"),
            Knob("size_mm", 34, 40, 65, "mm", "diameter of the bell"),
            Knob("strokes", 2, 4, 9, "", "hammer strokes each way of the lever"),
        ),
        drives={"rings_per_s": "activity"},
        together=("traffic", "nature", "people"),
        source=Room(Events(bicycle_bell, rate="rings_per_s", longest_s=1.6, jitter=0.15), 0.3, 0.12, 8000, floor=0.002),
    ),
    SoundClass(
        name="skateboard",
        audioset=("Skateboard",),
        singular="a skateboard",
        plural="skateboards",
        phrases=("skateboard", "skateboarding", "skater", "skate park"),
        imagenet=(),
        family="traffic",
        knobs=(
            Knob("speed_mps", 1.5, 4, 8, "m/s", "how fast it rolls"),
            Knob("slab_m", 0.5, 3, 6, "m", "length of the paving slabs"),
            Knob("tricks", 0, 0.8, 1, "", "share of chances to jump that are taken"),
        ),
        drives={"speed_mps": "activity"},
        together=("traffic", "nature", "people"),
        source=Texture(skateboard, 5.0, 0.2),
    ),
)
