"""Balls: bounced and bowled."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.bursts import blows, peaked
from synth.voices.ambient.catalogue.parts.modes import rings, struck
from synth.voices.ambient.catalogue.parts.spectra import drift, painted_noise, tilt, unit_peak
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_FLOOR_DB: Final = np.array([-6.0, -3, -1, 0, 0, 0, 0, 0, 0])  # a short blow does not stir the deepest octaves
_PIN_DB: Final = np.array([-10.0, -6, -3, 0, 1, 1, -4, -11, -20])
_PIN_MS: Final = np.array([20.0, 15, 12, 10, 9, 8, 6, 4, 3])
_LANDING_DB: Final = np.array([4.0, 2, 0, -6, -10, -16, -22, -30, -40])
_LANDING_MS: Final = np.array([60.0, 40, 25, 15, 10, 8, 5, 3, 2])


def bounce(n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, pressure_bar: float) -> Samples:
    """A basketball on a hall's floor: thump, slap of leather, a touch of the ball's air cavity."""
    length = min(n, int(0.4 * rate_hz))
    hard = np.sqrt(pressure_bar / 0.55)
    levels = peaked(78 * hard**0.3, 1.1, 2.85) + _FLOOR_DB + body.normal(0, 1, 9)
    thump = blows(
        length, rate_hz, rng, 0.002, 1.0, levels, 0.66 * np.array([40, 30, 18, 12, 9, 7, 5, 3, 2]), 2.0, 0.001
    )
    cavity_hz = np.array([930.0, 1330, 1720, 2050]) * hard**0.2 * body.uniform(0.95, 1.05)
    cavity = struck(length, rate_hz, rng, 0.002, 1.0, cavity_hz, (0.015, 0.012, 0.01, 0.008), 0.0001, 0.4)
    return 0.6 * rng.uniform(0.6, 1) * (unit_peak(thump) + 0.07 * unit_peak(cavity))


def bowl(n: int, rate_hz: int, rng: np.random.Generator, roll_s: float, pins: float) -> Samples:
    """The ball lands, rolls with a rumble that comes nearer, and the pins (the accent) clatter, fall and roll."""
    hit_s = 0.05 + roll_s
    length = min(n, int(rate_hz * (hit_s + 2.2)))

    def level(t: Samples, f: Samples) -> Samples:
        near = np.clip((t - 0.05) / roll_s, 0.3, 1) * (t > 0.05) * (t < hit_s)
        return np.asarray(near * tilt(f, -9, 150) * (f > 40))

    roll = unit_peak(painted_noise(length, rate_hz, rng, level) * drift(length, rate_hz, rng, 14, 0.6, 1.3))
    landing = unit_peak(blows(length, rate_hz, rng, 0.05, 1.0, _LANDING_DB, _LANDING_MS))
    count = int(4 * pins)
    after_s = np.concatenate([[0.0], rng.exponential(0.08, count // 2), rng.exponential(0.45, count - count // 2)])
    gains = np.exp(-after_s / 0.7) * rng.lognormal(0, 0.35, len(after_s))
    clatter = unit_peak(blows(length, rate_hz, rng, hit_s + after_s, gains, _PIN_DB, _PIN_MS))
    maple = rng.uniform(600, 1100, (len(after_s), 1)) * np.array([1, 1.9, 3.1])
    strengths = gains[:, None] * rng.lognormal(0, 0.5, maple.shape)
    tone = unit_peak(rings(length, rate_hz, np.repeat(hit_s + after_s, 3), strengths.ravel(), maple.ravel(), 0.01))
    return 0.55 * (0.4 * landing + 0.14 * roll + clatter + 0.3 * tone)


_HALL: Final = ("people", "foley", "music")

CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="basketball",
        audioset=("Basketball bounce", "Bouncing"),
        singular="a bouncing ball",
        plural="bouncing balls",
        phrases=("basketball", "bouncing ball", "dribbling", "ball", "football"),
        imagenet=("basketball", "volleyball", "soccer ball", "rugby ball"),
        family="foley",
        knobs=(
            Knob("bounces_per_s", 0.8, 2, 4, "1/s", "how often it bounces"),
            Knob("pressure_bar", 0.2, 0.55, 0.9, "bar", "how hard it is pumped up"),
            Knob("hall_s", 0.3, 1.4, 3, "s", "how long the hall rings"),
        ),
        drives={"bounces_per_s": "onsets"},
        together=_HALL,
        source=Room(
            Events(bounce, "bounces_per_s", 0.4, jitter=0.07), "hall_s", 0.107, 2500, predelay_s=0.015, floor=0.014
        ),
    ),
    SoundClass(
        name="bowling",
        audioset=("Smash, crash", "Clatter", "Roll", "Thump, thud", "Wood"),
        singular="a bowling ball that hits the pins",
        plural="bowling",
        phrases=("bowling", "bowling alley", "strike", "ninepins", "bowling pins"),
        family="foley",
        knobs=(
            Knob("throws_per_s", 0.08, 0.22, 0.5, "1/s", "how often"),
            Knob("roll_s", 1, 1.8, 3, "s", "how long the ball rolls"),
            Knob("pins", 3, 10, 10.5, "", "how many pins stand"),
        ),
        drives={"throws_per_s": "onsets"},
        together=_HALL,
        source=Room(
            Events(bowl, "throws_per_s", 5.4, jitter=0.1, first=0.05), 1.2, 0.2, 3000, predelay_s=0.02, floor=0.003
        ),
    ),
)
