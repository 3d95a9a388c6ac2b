"""Footsteps by surface: heel and sole on hard floors, grains that give way on loose ground."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.bubbles import bubble_cloud
from synth.voices.ambient.catalogue.parts.bursts import blows, clicks, peaked
from synth.voices.ambient.catalogue.parts.modes import random_modes, struck
from synth.voices.ambient.catalogue.parts.spectra import band, bump, spectrum_noise, unit_peak, unit_rms
from synth.voices.ambient.catalogue.parts.timing import at_times, poisson_times
from synth.voices.ambient.catalogue.performance import Samples, Source
from synth.voices.ambient.catalogue.room import Room
from synth.voices.ambient.catalogue.sound_function import SoundFunction

_HEEL_DECAYS_MS: Final = np.array([35.0, 26, 18, 12, 9, 7, 5, 4, 3])
_LONGEST_S: Final = 0.7


def _hard_step(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    index: int,
    peak_hz: float,
    low_db: float,
    high_db: float,
    decay: float,
    attack_s: float,
    scuff: float,
) -> Samples:
    """Heel and then sole; every other foot sounds a little lower, and each shoe (``body``) its own way."""
    peak_hz *= body.uniform(0.85, 1.2) * (1.0 if index % 2 else 0.93)
    roll_s = 0.075 * body.uniform(0.75, 1.3) * rng.uniform(0.85, 1.15)
    sole = body.uniform(0.6, 1.1)
    levels = peaked(peak_hz, low_db, high_db) + body.normal(0, 1.5, 9)
    heel = blows(n, rate_hz, rng, 0.002, 1.0, levels, decay * _HEEL_DECAYS_MS, 2.5, attack_s)
    flat = blows(n, rate_hz, rng, roll_s, sole, peaked(1.5 * peak_hz, low_db, high_db), 1.3 * decay * _HEEL_DECAYS_MS)
    grit = band(clicks(n, rate_hz, rng, np.array([0.7 * roll_s]), 1.0, 0.06, 0.05), rate_hz, 700, 5000, 1)
    return 0.6 * rng.uniform(0.5, 1) * (unit_peak(heel + flat) + scuff * unit_peak(grit))


def step_on_wood(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, index: int, peak_hz: float
) -> Samples:
    """A shoe on a hollow wooden floor."""
    return _hard_step(n, rate_hz, rng, body, index, peak_hz, 4.4, 4.2, 0.49, 0.0023, 0.073)


def step_on_concrete(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, index: int, heel_ratio: float
) -> Samples:
    """A shoe on stone: a short dry clack of the heel, hardly a low end, grit under the sole."""
    peak_hz = 345 * 2**heel_ratio
    return _hard_step(n, rate_hz, rng, body, index, peak_hz, 1.4, 6.0, 0.41, 0.0003, 0.32)


def step_on_metal(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, index: int, grate_hz: float
) -> Samples:
    """A shoe on a grating or a metal stair: the blow, and the plate's many modes after it."""
    blow = _hard_step(n, rate_hz, rng, body, index, 485.0, 1.4, 6.0, 0.41, 0.0003, 0.2)
    frequencies, decays = random_modes(body, 40, grate_hz, 13 * grate_hz, 0.01, 0.07)
    plate = struck(n, rate_hz, rng, (0.002, 0.08), (1.0, 0.5), frequencies, decays, 0.0002)
    return blow + 0.05 * rng.uniform(0.5, 1) * unit_peak(plate)


def _pressed_grains(
    n: int, rate_hz: int, rng: np.random.Generator, grains_per_s: float, press: float
) -> tuple[Samples, Samples, Samples]:
    """Grains of a foot that presses into loose ground (heel, then toe): times, force at each, and the force [n].

    PhISEM (Cook, 1997): random collisions under a shaped force.
    """
    time_s = np.arange(n) / rate_hz
    force = np.zeros(n)
    for lag_s, size, long_s in ((0.0, 1.0, 0.07), (0.14, 0.8, 0.12)):
        since = np.maximum(time_s - lag_s * rng.uniform(0.9, 1.1), 0) / (long_s * press)
        force += size * since * np.exp(1 - since)
    force *= rng.uniform(0.7, 1)
    at_s = poisson_times(n, rate_hz, rng, grains_per_s * force)
    return at_s, at_times(force, at_s, rate_hz), force


def step_on_gravel(n: int, rate_hz: int, rng: np.random.Generator, stone_mm: float, grains_per_s: float) -> Samples:
    """Stones that grind and knock under the shoe: dense grains, the larger stones duller, some that knock."""
    at_s, force, push = _pressed_grains(n, rate_hz, rng, grains_per_s, 0.63)
    gains = force * rng.lognormal(0, 0.65, len(at_s))
    lengths = rng.uniform(0.001, 0.005, len(at_s))
    grind = band(clicks(n, rate_hz, rng, at_s, gains, lengths), rate_hz, 5000 / stone_mm, 50_000 / stone_mm, 1)
    some = rng.random(len(at_s)) < 0.12
    knocks = clicks(n, rate_hz, rng, at_s[some], gains[some], 0.003)
    knocks = band(knocks, rate_hz, 12_000 / stone_mm, 30_000 / stone_mm)
    thud = push**2 * spectrum_noise(n, rate_hz, rng, lambda f: bump(f, 140, 0.8))
    return 0.06 * (unit_rms(grind) + 0.8 * unit_rms(knocks) + 0.08 * unit_rms(thud))


def step_on_snow(n: int, rate_hz: int, rng: np.random.Generator, cold_ratio: float, grains_per_s: float) -> Samples:
    """Snow that packs and shears under the shoe: dense dull crunch, squeaky when cold."""
    at_s, force, push = _pressed_grains(n, rate_hz, rng, grains_per_s, 0.62)
    gains = force * rng.lognormal(0, 0.6, len(at_s))
    lengths = rng.uniform(0.001, 0.006, len(at_s))
    crunch = band(clicks(n, rate_hz, rng, at_s, gains, lengths), rate_hz, 250, 1000 + 1100 * cold_ratio, 1)
    shear = clicks(n, rate_hz, rng, at_s, gains * (rng.random(len(at_s)) < 0.3), 0.004)
    shear = band(shear, rate_hz, 700 * (1 + cold_ratio), 1000 * (1 + cold_ratio))
    hiss = push**1.5 * spectrum_noise(n, rate_hz, rng, lambda f: bump(f, 2500, 1.3))
    thud = push**2 * spectrum_noise(n, rate_hz, rng, lambda f: bump(f, 120, 0.8))
    mixed = unit_rms(crunch) + 1.6 * cold_ratio * unit_rms(shear) + 0.05 * unit_rms(hiss) + 0.3 * unit_rms(thud)
    return 0.07 * mixed


def step_on_leaves(n: int, rate_hz: int, rng: np.random.Generator, dry_ratio: float, grains_per_s: float) -> Samples:
    """Dry leaves or grass: crackling and swishing before, under and after the foot."""
    at_s, force, push = _pressed_grains(n, rate_hz, rng, grains_per_s, 1.0)
    gains = force * np.minimum(rng.pareto(1.8, len(at_s)) + 0.1, 6)
    crackle = clicks(n, rate_hz, rng, at_s, gains, rng.uniform(0.0006, 0.004, len(at_s)))
    crackle = band(crackle, rate_hz, 350 + 550 * dry_ratio, 14_000, 1)
    swish = push * spectrum_noise(n, rate_hz, rng, lambda f: bump(f, 5100, 1.2))
    thud = push**2 * spectrum_noise(n, rate_hz, rng, lambda f: bump(f, 110, 0.8))
    mixed = (0.2 + 0.4 * dry_ratio) * unit_rms(crackle) + 0.32 * unit_rms(swish) + 0.08 * unit_rms(thud)
    return 0.6 * unit_peak(mixed)


def step_in_mud(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, index: int, wet_ratio: float
) -> Samples:
    """Soft wet ground: a dull slap, and the squelch of small bubbles while the foot presses and comes out."""
    slap = _hard_step(n, rate_hz, rng, body, index, 300.0, 2.0, 5.0, 0.6, 0.003, 0.3)
    _, _, push = _pressed_grains(n, rate_hz, rng, 1.0, 1.0)
    squelch = bubble_cloud(n, rate_hz, rng, (300 + 1200 * wet_ratio) * push, 0.5, 3.0, 1.5, 0.3)
    smear = push * spectrum_noise(n, rate_hz, rng, lambda f: bump(f, 1500, 1.2))
    return 0.7 * slap + (0.1 + 0.4 * wet_ratio) * unit_peak(squelch) + 0.15 * unit_peak(smear)


_PACE: Final = Knob("steps_per_s", 0.8, 1.6, 3.2, "1/s", "how quickly somebody walks")
_ROOM: Final = Knob("room_s", 0.2, 1.2, 2, "s", "how long the room rings")
_GRAINS_MEANING: Final = "how densely the ground crunches"
_WHERE: Final = ("nature", "people", "animals", "traffic", "machines", "foley")
_WALKERS: Final = ("running shoe", "Loafer", "cowboy boot", "clog", "sandal")


def _steps(
    name: str,
    where: str,
    phrases: tuple[str, ...],
    source: Source,
    knobs: tuple[Knob, ...],
    audioset: tuple[str, ...] = ("Walk, footsteps",),
) -> SoundClass:
    """The class of steps on one surface; they are all driven and shown alike."""
    return SoundClass(
        name=f"footsteps_{name}",
        audioset=audioset,
        singular=f"a footstep {where}",
        plural=f"footsteps {where}",
        phrases=phrases,
        imagenet=_WALKERS,
        family="foley",
        knobs=(_PACE, *knobs),
        drives={"steps_per_s": "onsets"},
        together=_WHERE,
        source=source,
    )


def _walk(step: SoundFunction) -> Events:
    return Events(step, "steps_per_s", _LONGEST_S, jitter=0.03)


CLASSES: Final[tuple[SoundClass, ...]] = (
    _steps(
        "wood",
        "on wood",
        ("footsteps on wood", "walking on a wooden floor", "footsteps", "steps", "walking"),
        Room(_walk(step_on_wood), "room_s", 0.1, 3300, floor=0.0125),
        (Knob("peak_hz", 80, 120, 400, "Hz", "pitch of the floor"), _ROOM),
    ),
    _steps(
        "concrete",
        "on stone",
        ("footsteps on concrete", "footsteps on tiles", "high heels", "walking on the pavement", "running on asphalt"),
        Room(_walk(step_on_concrete), "room_s", 0.05, 8000, floor=0.0175),
        (Knob("heel_ratio", 0, 0.5, 2, "", "how hard the heel is"), _ROOM),
    ),
    _steps(
        "metal",
        "on metal",
        ("footsteps on metal", "metal stairs", "walking on a grate", "footsteps on a ladder"),
        Room(_walk(step_on_metal), "room_s", 0.05, 5000, floor=0.018),
        (Knob("grate_hz", 120, 300, 700, "Hz", "lowest tone of the plate"), _ROOM),
    ),
    _steps(
        "gravel",
        "on gravel",
        ("footsteps on gravel", "walking on gravel", "crunching gravel", "footsteps on stones"),
        Room(_walk(step_on_gravel), 0.15, 0.05, floor=0.032),
        (
            Knob("stone_mm", 4, 16, 30, "mm", "size of the stones"),
            Knob("grains_per_s", 300, 900, 2500, "1/s", _GRAINS_MEANING),
        ),
    ),
    _steps(
        "snow",
        "in snow",
        ("footsteps in snow", "walking in snow", "crunching snow"),
        Room(_walk(step_on_snow), 0.15, 0.05, floor=0.018),
        (
            Knob("cold_ratio", 0, 0.45, 1, "", "how cold and squeaky it is"),
            Knob("grains_per_s", 500, 1400, 5000, "1/s", _GRAINS_MEANING),
        ),
        ("Walk, footsteps", "Crunch"),
    ),
    _steps(
        "leaves",
        "in leaves",
        ("footsteps in leaves", "footsteps in grass", "walking in a forest", "walking through leaves"),
        Room(_walk(step_on_leaves), 0.15, 0.05, floor=0.019),
        (
            Knob("dry_ratio", 0, 0.6, 1, "", "how dry the leaves are"),
            Knob("grains_per_s", 200, 870, 2500, "1/s", _GRAINS_MEANING),
        ),
    ),
    _steps(
        "mud",
        "in mud",
        ("footsteps in mud", "squelching steps", "walking in puddles", "wading"),
        Room(_walk(step_in_mud), 0.3, 0.05, 8000, floor=0.018),
        (Knob("wet_ratio", 0, 0.5, 1, "", "how wet the ground is"),),
        ("Walk, footsteps", "Squish", "Slosh", "Splash, splatter"),
    ),
)
