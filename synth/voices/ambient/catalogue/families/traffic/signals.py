"""Warnings of vehicles: car alarm, truck horn, reversing beeps."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import fade_out, gates, phase
from synth.voices.ambient.catalogue.parts.mechanical.combustion import diesel
from synth.voices.ambient.catalogue.parts.mechanical.electric import beeper
from synth.voices.ambient.catalogue.parts.mechanical.horns import air_horn, siren_speaker
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms, peak
from synth.voices.ambient.catalogue.parts.places import indoors, outdoors
from synth.voices.ambient.catalogue.performance import Samples


def car_alarm(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, time_s: Samples, high_hz: float
) -> Samples:
    """A car's siren in a parking place: bursts of quick sweeps and two-tone, each for some seconds."""
    mode = (np.floor(time_s / 2.4).astype(np.int64) + body.integers(0, 3)) % 3
    part = time_s % 2.4
    saw = (part * 4) % 1
    two = np.clip(40 * (np.abs((part * 2.2) % 1 - 0.5) - 0.25) + 0.5, 0, 1)
    quick = 0.5 - 0.5 * np.cos(16 * np.pi * part)
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
    mix.add(engine, diesel(n, rate_hz, rng, body, 900))
    mix.add_noise(0.25 * engine, rng, (40, -18), (120, -8), (500, -3), (900, 0), (3000, -12), (16000, -36))
    mix.through(outdoors(rate_hz, body, 12.0, 0.4))
    return at_rms(mix.signal())


CLASSES = (
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
