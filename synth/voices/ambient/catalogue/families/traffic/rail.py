"""On rails: train, its horn, steam locomotive, tram bell."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import crossings, fade_out, gates, phase
from synth.voices.ambient.catalogue.parts.mechanical.electric import tone
from synth.voices.ambient.catalogue.parts.mechanical.horns import air_horn
from synth.voices.ambient.catalogue.parts.mechanical.struck import (
    add_at,
    blows,
    burst,
    convolved,
    decay,
    impulses,
    rung,
    together,
)
from synth.voices.ambient.catalogue.parts.mechanical.struck import body as stiff_body
from synth.voices.ambient.catalogue.parts.mix import Mix, peak
from synth.voices.ambient.catalogue.parts.places import OUTDOORS_S, indoors, outdoors
from synth.voices.ambient.catalogue.parts.spectra import drift, unit_rms
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room
from synth.voices.ambient.catalogue.walk import Walk

_AXLES_M = np.array([0.0, 2.4, 14.5, 16.9])
_CAR_M = 20.0


def rolling(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, metres: Samples, joint_level: float
) -> Samples:
    """Steel wheels: rough contact that shakes wheel and rail, and each axle's clack at a joint, [n].

    Args:
        n: samples.
        rate_hz: samples a second.
        rng: what differs from one contact to the next.
        body: what this train is like.
        metres: way gone at each sample.
        joint_level: level of the clacks beside the rolling.
    """
    speed = max((metres[-1] - metres[0]) / n * rate_hz, 0.1)
    count = int(n / rate_hz * 130 * speed)
    grit = np.bincount(rng.integers(0, n, count), rng.standard_normal(count) * rng.exponential(1, count), n)
    mix = Mix(n, rate_hz, 0.1)
    mix.add(1.0, mix.spectrum(grit) * mix.spectrum(stiff_body(rate_hz, body, 0.006, 110, 3500, 45, -3)))
    mix.add_noise(0.5, rng, (40, -4), (120, 0), (400, -3), (1500, -8), (3500, -12), (8000, -22), (18000, -34))
    out = mix.signal() * drift(n, rate_hz, rng, 8.0, 0.7, 1.3)
    first = body.uniform(0, _CAR_M)
    cars = np.arange(np.floor(metres[0] / _CAR_M) - 2, metres[-1] / _CAR_M + 2)
    at = np.interp((cars[:, None] * _CAR_M + _AXLES_M + first).ravel(), metres, np.arange(n), -1, -1)
    times = np.sort(at[at >= 0]) / rate_hz

    def clack() -> Samples:
        blow = burst(rate_hz, rng, 0.02, (60, 0), (250, 0), (900, -3), (2500, -8), (6000, -16), (16000, -30))
        return together(blow, 0.5 * stiff_body(rate_hz, rng, 0.03, 130, 2500, 40, -3))

    half = 0.5 * _CAR_M / speed  # the joints of the two rails are staggered
    return np.asarray(
        out
        + joint_level * blows(n, rate_hz, rng, times, clack, 3)
        + 0.36 * joint_level * blows(n, rate_hz, rng, times + half, clack, 2)
    )


def train(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    time_s: Samples,
    speed_kmh: float,
    joints: float,
    distance_m: float,
) -> Samples:
    """A train at constant speed on jointed rails, with a flange that squeals now and then."""
    mix = Mix(n, rate_hz, OUTDOORS_S)
    mix.add_raw(1.0, rolling(n, rate_hz, rng, body, speed_kmh / 3.6 * time_s, joints))
    squeal = np.sin(2 * np.pi * phase(2300 + drift(n, rate_hz, rng, 5.4, -60, 60), n, rate_hz))
    mix.add_raw(0.13, squeal * np.clip(walk(1.2, -2.2, 1.0, "flange"), 0, 1))
    mix.through(indoors(rate_hz, body, 0.3, 0.2, 2500))
    mix.through(outdoors(rate_hz, body, distance_m, 0.2))
    return np.asarray(0.3 * np.tanh(0.45 * mix.signal()))


def train_horn(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    root_hz: float,
    chimes: float,
    distance_m: float,
) -> Samples:
    """A long blast of three to five air horns in a chord, under a far rumble."""
    notes = root_hz * body.uniform(0.97, 1.03) * np.array([1, 1.19, 1.335, 1.588, 2])[: round(chimes)]
    hold = min(rng.uniform(1.0, 1.9), n / rate_hz - 0.9)
    blast = np.zeros(n)
    for hz in notes:
        late = body.uniform(0, 0.05)
        gate = gates(n, rate_hz, [late], [hold + 0.5 * late], 0.09)
        blast += air_horn(n, rate_hz, rng, hz * body.uniform(0.99, 1.01), gate, 3800) * body.uniform(0.7, 1)
    mix = Mix(n, rate_hz, 1.0)
    mix.add_raw(1.0, np.tanh(0.3 * blast))
    mix.through(indoors(rate_hz, body, 0.9, 0.5, 2500))
    mix.through(outdoors(rate_hz, body, distance_m, 0.3))
    return peak(mix.signal() * fade_out(n, rate_hz, 0.2))


def steam_train(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    time_s: Samples,
    speed_kmh: float,
    whistle: float,
    wheel_m: float,
) -> Samples:
    """Four puffs a turn of the driving wheels, leaking steam, rods that clank, and a chord whistle."""
    metres = speed_kmh / 3.6 * time_s
    at, number = crossings(metres / (np.pi * wheel_m), rng, 4, 0.02)
    strength = np.array([1, 0.75, 0.9, 0.7])[number % 4] * rng.uniform(0.85, 1.1, len(at))
    puffs = np.maximum(0, convolved(impulses(n, at, strength), decay(rate_hz, 0.19, 0.03)))
    puffs = puffs / max(puffs.max(initial=0.0), 1e-09)
    mix = Mix(n, rate_hz, 0.4)
    chuff = mix.noise(rng, (60, -6), (200, 0), (600, -4), (1500, -2), (4000, -7), (12000, -15), (20000, -26))
    soft = mix.noise(rng, (60, -6), (250, 0), (700, -4), (2500, -14), (9000, -30))
    mix.add(1.0, chuff * puffs**1.3 + 0.5 * soft * puffs**0.6)
    leak = mix.noise(rng, (300, -24), (2000, -2), (6000, 0), (14000, -8))
    mix.add_raw(0.22, leak * (0.6 + puffs))
    clank = np.zeros(n)
    add_at(clank, at[::2] + 0.03 * rate_hz, strength[::2], stiff_body(rate_hz, body, 0.05, 300, 5000, 30, -2))
    mix.add(0.25, clank)
    mix.add(0.3, rolling(n, rate_hz, rng, body, metres, 1.9))
    if whistle:
        gate = np.clip(8 * walk(0.45, -0.99, 1.0, "whistle") - 2.0, 0, 1)
        chord = np.zeros(n)
        for hz in 520 * body.uniform(0.9, 0.99) * np.array([1, 1.26, 4.2]):
            note = hz * (1 - 0.046 * (1 - gate)) * (1 + drift(n, rate_hz, rng, 12, -0.005, 0.0028))
            chord += tone(phase(note, n, rate_hz), (1, 0.39, 0.3))
        breath = mix.noise(rng, (300, -12), (800, 0), (3000, -4), (10000, -10))
        mix.add_raw(whistle, gate * (chord + 0.99 * breath))
    mix.through(indoors(rate_hz, body, 0.5, 0.31, 2500))
    mix.through(outdoors(rate_hz, body, 15, 0.075))
    return 0.12 * mix.signal()


def tram_bell(n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, pitch_hz: float) -> Samples:
    """A foot gong: one or two strokes on a steel bowl with a clear lowest pair of modes."""
    ratios = np.array([1, 1.004, 2.02, 2.03, 2.94, 4.1, 5.4, 6.9]) * body.uniform(0.985, 1.015, 8)
    strokes = np.array([0.0, rng.uniform(0.16, 0.24)])[: 1 + (rng.uniform() < 0.6)]
    hammer = burst(rate_hz, rng, 0.0015, (300, -6), (2000, 0), (9000, -2), (20000, -8))
    hits = convolved(impulses(n, strokes * rate_hz, rng.uniform(0.7, 1.0, len(strokes))), hammer)
    bell = rung(
        hits,
        rate_hz,
        pitch_hz * ratios,
        (0.9, 0.8, 0.5, 0.45, 0.3, 0.2, 0.12, 0.08),
        (1, 0.7, 0.8, 0.6, 0.7, 0.6, 0.5, 0.4),
    )
    return peak(unit_rms(bell) + 0.1 * hits / max(np.abs(hits).max(), 1e-9))


CLASSES = (
    SoundClass(
        name="train",
        audioset=(
            "Train",
            "Rail transport",
            "Railroad car, train wagon",
            "Clickety-clack",
            "Subway, metro, underground",
        ),
        singular="a train",
        plural="trains",
        phrases=("train", "railway", "train passing", "rattling train", "tram", "subway"),
        imagenet=("bullet train", "electric locomotive", "freight car", "passenger car", "streetcar"),
        family="traffic",
        knobs=(
            Knob("speed_kmh", 30, 60, 140, "km/h", "how fast it goes"),
            Knob("joints", 0.5, 2.2, 3, "", "level of the rail joints"),
            Knob("distance_m", 2, 6, 50, "m", "distance to the track"),
        ),
        drives={"speed_kmh": "activity"},
        together=("traffic", "nature", "people"),
        source=Texture(train, 4.0, 0.3),
    ),
    SoundClass(
        name="train_horn",
        audioset=("Train horn", "Train whistle"),
        singular="a train horn",
        plural="train horns",
        phrases=("train horn", "locomotive horn", "train hooting"),
        imagenet=("electric locomotive",),
        family="traffic",
        knobs=(
            Knob("blasts_per_s", 0.15, 0.4, 0.6, "1/s", "how many blasts a second"),
            Knob("root_hz", 230, 311, 400, "Hz", "lowest note of the chord"),
            Knob("chimes", 3, 5, 5, "", "how many horns"),
            Knob("distance_m", 5, 40, 400, "m", "distance"),
        ),
        drives={"blasts_per_s": "activity"},
        together=("traffic", "nature", "people"),
        source=Events(train_horn, rate="blasts_per_s", longest_s=3.2, jitter=0.1, first=0.1),
    ),
    SoundClass(
        name="steam_train",
        audioset=("Steam", "Train", "Rail transport", "Steam whistle", "Train whistle"),
        singular="a steam train",
        plural="steam trains",
        phrases=("steam train", "steam engine", "steam locomotive", "chuffing"),
        imagenet=("steam locomotive",),
        family="traffic",
        knobs=(
            Knob("speed_kmh", 6, 18, 50, "km/h", "how fast it goes"),
            Knob("whistle", 0, 0.4, 1, "", "level of the whistle"),
            Knob("wheel_m", 0.9, 1.5, 2, "m", "diameter of the driving wheels"),
        ),
        drives={"speed_kmh": "activity"},
        together=("traffic", "nature", "people"),
        source=Texture(steam_train, 4.0, 0.3),
    ),
    SoundClass(
        name="tram_bell",
        audioset=("Ding", "Bell", "Bicycle bell", "Chime"),
        singular="a tram bell",
        plural="tram bells",
        phrases=("tram bell", "streetcar bell", "trolley bell", "ding ding"),
        imagenet=("streetcar", "trolleybus"),
        family="traffic",
        knobs=(
            Knob("rings_per_s", 0.2, 0.8, 2, "1/s", "how often it is struck"),
            Knob("pitch_hz", 600, 950, 1600, "Hz", "its lowest mode"),
        ),
        drives={"rings_per_s": "activity"},
        together=("traffic", "nature", "people"),
        source=Room(Events(tram_bell, rate="rings_per_s", longest_s=2.5, jitter=0.15), 0.6, 0.15, 5000),
    ),
)
