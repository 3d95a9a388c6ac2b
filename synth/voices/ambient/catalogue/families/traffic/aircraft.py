"""In the air: propeller plane, jet, helicopter."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts import measured
from synth.voices.ambient.catalogue.parts.band_levels import match
from synth.voices.ambient.catalogue.parts.control import crossings, gates, phase
from synth.voices.ambient.catalogue.parts.mechanical.combustion import Engine, add_engine, pulse_response
from synth.voices.ambient.catalogue.parts.mechanical.electric import tone
from synth.voices.ambient.catalogue.parts.mechanical.passing import passing, source_length
from synth.voices.ambient.catalogue.parts.mechanical.struck import impulses
from synth.voices.ambient.catalogue.parts.mix import Mix, at_rms, coloured, peak
from synth.voices.ambient.catalogue.parts.places import OUTDOORS_S, outdoors
from synth.voices.ambient.catalogue.parts.spectra import drift
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def propeller_plane(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    blades: float,
    distance_m: float,
) -> Samples:
    """A light aeroplane: each blade's pressure pulse and the turbulence that it sheds, and a flat four behind it."""
    turns = phase / 60 + walk(0.56, -0.062, 0.18, "governor")
    mix = Mix(n, rate_hz, OUTDOORS_S)
    blade = Engine(1, 2 / round(blades), 0.26, 5000, 0.08, 0.00056, 1.1, 0.066)
    source = Mix(n, rate_hz, 0.04)
    add_engine(source, rng, body, turns, blade)
    add_engine(source, rng, body, turns, Engine(4, 4, 1.8, 1500, 0.09, 0.0048, 0.81, 0.045), 0.5)
    source.add_noise(0.33, rng, (60, 0), (200, 2), (1000, -14), (4000, -17), (12000, -18))
    mix.add(1.0, source.signal() * walk(2.3, 0.35, 1.3, "air"))
    mix.coloured((20, -15), (90, -2), (1000, 7), (4000, 5), (12000, -16))
    mix.through(outdoors(rate_hz, body, min(20 + 0.17 * distance_m, 67), 0.27))
    return at_rms(mix.signal())


def jet(n: int, rate_hz: int, rng: np.random.Generator, *, thrust: float, fan_hz: float, distance_m: float) -> Samples:
    """A jet flies over: roar of the exhaust with its crackle, the fan's tones in a band of hiss."""
    speed = 75.0
    at_s = n / rate_hz * rng.uniform(0.4, 0.6)
    length = source_length(n, rate_hz, speed, distance_m, at_s)
    mix = Mix(length, rate_hz, 0.1)
    roar = mix.noise(rng, (20, -14), (60, -4), (150, 0), (400, 0), (1000, -3), (2500, -9), (6000, -18), (16000, -36))
    roar *= drift(length, rate_hz, rng, 12.0, 0.85, 1.15)
    mix.add(thrust, roar)
    crackle = np.maximum(0.0, rng.standard_normal(length) - 1.8)
    mix.add(0.3 * thrust, crackle, (40, -10), (200, 0), (1500, -6), (6000, -18), (16000, -34))
    fan = phase(fan_hz * (1 + drift(length, rate_hz, rng, 1.0, -0.003, 0.003)), length, rate_hz)
    whine = sum(
        tone(ratio * fan, levels) for ratio, levels in ((1, (1, 0.4)), (0.52, (0.4,)), (1.31, (0.3,)), (0.26, (0.3,)))
    )
    mix.add_raw(0.35, whine * drift(length, rate_hz, rng, 8.0, 0.6, 1.4))
    mix.add_noise(0.24, rng, (800, -20), (fan_hz, 0), (2 * fan_hz, -5), (14000, -22))
    heard = Mix(n, rate_hz, OUTDOORS_S)
    heard.add_raw(1.0, passing(mix.signal(), n, rate_hz, speed, distance_m, at_s))
    heard.coloured((20, 0), (2500, 0), (4000, -3), (8000, -24), (16000, -48))  # the air between takes what is above
    heard.through(outdoors(rate_hz, rng, 20.0, 0.3))
    return peak(heard.signal() * gates(n, rate_hz, [0], [n / rate_hz - 1.0], 1.0))


def helicopter(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    walk: Walk,
    phase: Samples,
    blades: float,
    slap: float,
) -> Samples:
    """Main rotor: a thump and chopped air at each blade; tail rotor, gears, turbine; band levels of recordings."""
    count = round(blades)
    turns = phase / 60 + walk(1.5, -0.015, 0.015, "governor")
    at, number = crossings(turns, rng, count, 0.0021)
    strength = (1 + 0.18 * body.standard_normal(count))[number % count] * (1 + 0.1 * rng.standard_normal(len(at)))
    mix = Mix(n, rate_hz, OUTDOORS_S)
    pulses = mix.spectrum(impulses(n, at, strength))
    thump = pulses * pulse_response(mix, 0.0082, 0.0047) * mix.frequencies_hz
    mix.add(1.6, thump)
    mix.add(0.3 + 0.33 * slap, pulses * pulse_response(mix, 0.0017, 0.0016) * mix.frequencies_hz)
    chop = mix.time(pulses * pulse_response(mix, 0.028, 0.017))
    chop = np.maximum(chop, 0.0) / max(chop.max(initial=0.0), 1e-9)
    wash = mix.noise(rng, (40, -8), (120, -6), (400, -3), (1200, -10), (3500, -11), (10000, -17), (20000, -31))
    mix.add(0.79 + 0.5 * slap, wash * (chop + 0.35) * walk(2.5, 0.66, 1.4, "gusts"))
    tail, _ = crossings(turns * 5.2, rng, 2.0, 0.003)
    blade = mix.spectrum(impulses(n, tail)) * pulse_response(mix, 0.002, 0.00096) * mix.frequencies_hz
    mix.add(0.83, blade, (40, -4), (600, 0), (2500, -5), (10000, -19))
    whine = 2 * np.pi * turns * body.uniform(380, 560)
    mix.add(0.13, np.sin(whine) + 0.51 * np.sin(1.1 * whine) + 0.5 * np.sin(0.41 * whine) + 0.3 * np.sin(0.83 * whine))
    mix.add_noise(0.024, rng, (200, -12), (1500, -6), (5000, -8), (14000, -18))
    mix.through(outdoors(rate_hz, body, 15, 0.3))
    darker_db = 1.1 * np.maximum(np.arange(30) - 9, 0)  # means in dB of unlike recordings lie above the typical one
    match(mix, measured.HELICOPTER.drawn(body, 0.4) - darker_db)
    near = mix.signal()
    air = coloured(near, rate_hz, (20, -60), (500, -12), (1200, 0))
    near += air * (walk(1.6, 0.2, 1.6, "air") - 1.0)
    return at_rms(near * walk(1.2, 0.7, 1.3, "wind"))


CLASSES = (
    SoundClass(
        name="propeller_plane",
        audioset=("Propeller, airscrew", "Fixed-wing aircraft, airplane", "Aircraft", "Aircraft engine"),
        singular="a propeller plane",
        plural="propeller planes",
        phrases=("propeller plane", "light aircraft", "biplane", "small plane"),
        imagenet=("warplane", "wing"),
        family="traffic",
        knobs=(
            Knob("rpm", 1500, 2400, 2800, "1/min", "speed of the propeller"),
            Knob("blades", 2, 2, 4, "", "how many blades"),
            Knob("distance_m", 40, 100, 1000, "m", "distance"),
        ),
        drives={"rpm": "activity"},
        together=("traffic", "nature"),
        source=Texture(propeller_plane, 4.0, 0.4, phase_of="rpm"),
    ),
    SoundClass(
        name="jet",
        audioset=("Jet engine", "Aircraft", "Fixed-wing aircraft, airplane", "Aircraft engine"),
        singular="a jet plane",
        plural="jet planes",
        phrases=("jet", "airliner", "plane taking off", "plane flying over", "airport"),
        imagenet=("airliner", "airship", "wing", "space shuttle"),
        family="traffic",
        knobs=(
            Knob("planes_per_s", 0.05, 0.17, 0.3, "1/s", "how many fly over a second"),
            Knob("thrust", 0.4, 0.8, 1.5, "", "level of the exhaust beside the fan"),
            Knob("fan_hz", 1200, 2200, 3600, "Hz", "pitch of the fan"),
            Knob("distance_m", 60, 250, 1200, "m", "distance at the nearest point"),
        ),
        drives={"thrust": "activity"},
        together=("traffic", "nature"),
        source=Events(jet, rate="planes_per_s", longest_s=9.0, jitter=0.1, first=0.4, lead_s=4.0),
    ),
    SoundClass(
        name="helicopter",
        audioset=("Helicopter",),
        singular="a helicopter",
        plural="helicopters",
        phrases=("helicopter", "chopper", "rotor blades"),
        imagenet=(),
        family="traffic",
        knobs=(
            Knob("rotor_rpm", 220, 300, 480, "1/min", "speed of the main rotor"),
            Knob("blades", 2, 3, 5, "", "how many blades"),
            Knob("slap", 0, 0.5, 1.5, "", "how hard the blades slap the air"),
        ),
        drives={"rotor_rpm": "activity"},
        together=("traffic", "nature", "people"),
        source=Texture(helicopter, 4.0, 0.4, phase_of="rotor_rpm"),
    ),
)
