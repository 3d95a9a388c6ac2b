"""Single drops and splashes."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.bubbles import bubble_cloud, bubbles
from synth.voices.ambient.catalogue.parts.bursts import clicks
from synth.voices.ambient.catalogue.parts.modes import rings
from synth.voices.ambient.catalogue.parts.spectra import band, bump, painted_noise, rise, tilt, unit_peak
from synth.voices.ambient.catalogue.parts.timing import power_law
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def drip(n: int, rate_hz: int, rng: np.random.Generator, drop_mm: float) -> Samples:
    """A drop that falls into a basin: its own bubble, a tick, and a small spray of lesser bubbles."""
    spray = rng.poisson(16.0)
    strength = rng.uniform(0.5, 1)
    small = power_law(rng, spray, 0.45, 2 * drop_mm, 1.35)
    radii = np.concatenate([drop_mm * rng.lognormal(0, 0.2, 1), small])
    at_s = np.concatenate([[0.012], np.minimum(rng.exponential(0.05, spray), 0.3)])
    gains = np.concatenate([[0.08], small / (2 * drop_mm) * rng.random(spray) ** 1.5])
    sound = bubbles(n, rate_hz, at_s, gains, radii, np.where(rng.random(len(radii)) < 0.5, 0.1, 0.0))
    tick = band(clicks(n, rate_hz, rng, np.zeros(1), 1.0, 0.004), rate_hz, 700, 6000, 1)
    return 0.5 * strength * (sound + 0.07 * tick)


def splash(n: int, rate_hz: int, rng: np.random.Generator, size_m: float) -> Samples:
    """Something falls in: slap, crown of spray, the cavity that closes, and bubbles and drops after it."""

    def level(t: Samples, f: Samples) -> Samples:
        swing = np.clip(t / 0.02, 0, 1) * np.exp(-np.maximum(t, 0) / (0.12 + 0.3 * size_m))
        centre_hz = 500 + 3500 * np.exp(-np.maximum(t, 0) / 0.25)
        return np.asarray(swing * (tilt(f, -5, 300) * rise(f, 200) + 0.115 * bump(f, centre_hz, 0.9)))

    length = min(n, int(rate_hz * (1.2 + size_m)))
    slap = unit_peak(painted_noise(length, rate_hz, rng, level, 0.021))
    time_s = np.arange(length) / rate_hz
    flow = 900 * np.exp(-time_s / 0.35) * np.minimum(1, time_s / 0.05)
    after = unit_peak(bubble_cloud(length, rate_hz, rng, flow, 0.8, 9.0, 1.3, 0.1))
    cavity = rings(length, rate_hz, 0.06, 1.0, 60 / (size_m + 0.1), 0.05, rise_per_s=4.0)
    sound = slap + 0.45 * after + 0.3 * cavity
    fade = length // 8
    sound[-fade:] *= np.linspace(1, 0, fade)
    return 0.5 * rng.uniform(0.6, 1) * sound


CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="dripping",
        audioset=("Drip", "Raindrop", "Water tap, faucet", "Trickle, dribble"),
        singular="dripping water",
        plural="drops of water",
        phrases=("dripping tap", "drops of water", "leak", "drip", "cave drips"),
        imagenet=("washbasin", "bucket"),
        family="nature",
        knobs=(
            Knob("drips_per_s", 0.5, 6, 12, "1/s", "how often it drips"),
            Knob("drop_mm", 1.5, 2.7, 5, "mm", "radius of the bubble a drop makes"),
            Knob("room_s", 0.1, 0.3, 2, "s", "how long the room rings"),
        ),
        drives={"drips_per_s": "onsets"},
        together=("nature", "foley", "people", "machines"),
        source=Room(Events(drip, "drips_per_s", 0.45, jitter=0.3), "room_s", 0.35, 6000, floor=0.003),
    ),
    SoundClass(
        name="splash",
        audioset=("Splash, splatter", "Water", "Slosh"),
        singular="a splash",
        plural="splashes",
        phrases=("splash", "jumping into water", "stone into a pond", "splashing about"),
        imagenet=("swimming trunks", "bathing cap", "paddle", "otter", "sea lion", "bathtub"),
        family="nature",
        knobs=(
            Knob("splashes_per_s", 0.2, 1.1, 3, "1/s", "how often"),
            Knob("size_m", 0.04, 0.12, 0.6, "m", "size of what falls in"),
        ),
        drives={"splashes_per_s": "onsets", "size_m": "area"},
        together=("nature", "people", "animals"),
        source=Room(Events(splash, "splashes_per_s", 1.9, jitter=0.15), 0.5, 0.25, floor=0.004),
    ),
)
