"""Fire, leaves and steam."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.measured import FIRE_DB
from synth.voices.ambient.catalogue.parts.bursts import clicks
from synth.voices.ambient.catalogue.parts.spectra import (
    band,
    bump,
    drift,
    spectrum_noise,
    third_octaves,
    tilt,
    unit_rms,
)
from synth.voices.ambient.catalogue.parts.timing import poisson_times
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk

_CRACKS_HZ: Final = ((500.0, 2500.0), (1500.0, 7000.0), (3000.0, 16000.0))


def crackling_fire(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    walk: Walk,
    crackles_per_s: float,
    roar_ratio: float,
) -> Samples:
    """Flames that lap (slow low noise), hiss of gas, and cracks of wood in bouts (Farnell)."""
    slope_db = body.normal(0, 0.7)
    flames = spectrum_noise(n, rate_hz, rng, lambda f: third_octaves(f, FIRE_DB) * tilt(f, -8, 250))
    flames *= drift(n, rate_hz, rng, 7, 0.3, 1.2)
    hiss = spectrum_noise(n, rate_hz, rng, lambda f: bump(f, 4500, 1.4) * tilt(f, slope_db, 1000))
    hiss *= walk(4.0, 0.2, 1.0, "hiss") ** 2
    at_s = poisson_times(n, rate_hz, rng, 3 * crackles_per_s * walk(2.5, 0.0, 1.0, "bouts") ** 2)
    gains = np.minimum(rng.pareto(1.5, len(at_s)), 14) + 0.1
    lengths = rng.uniform(0.0006, 0.006, len(at_s))
    cracks = np.zeros(n)
    kind = rng.integers(0, len(_CRACKS_HZ), len(at_s))
    for number, (low_hz, high_hz) in enumerate(_CRACKS_HZ):
        chosen = kind == number
        burst = clicks(n, rate_hz, rng, at_s[chosen], gains[chosen], lengths[chosen], lengths=2)
        cracks += band(burst, rate_hz, low_hz, high_hz, 1)
    return 0.15 * (0.6 * cracks + 0.35 * roar_ratio * flames + 0.012 * hiss)


def rustling_leaves(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    walk: Walk,
    flutter_per_s: float,
    gust_per_s: float,
    dry_ratio: float,
) -> Samples:
    """Leaves that brush each other as the branch sways: hiss in flutters, and the snaps of dry ones."""
    gust = walk(gust_per_s, 0.15, 1.0, "gust")
    sway = (0.15 + walk(flutter_per_s, 0.0, 1.0, "sway") ** 2) * gust
    centre_hz = 3500 * body.uniform(0.85, 1.2)
    bed = sway * spectrum_noise(n, rate_hz, rng, lambda f: bump(f, centre_hz, 1.3))
    at_s = poisson_times(n, rate_hz, rng, 60 * sway)
    gains = np.minimum(rng.pareto(2, len(at_s)), 5) + 0.2
    snaps = clicks(n, rate_hz, rng, at_s, gains, rng.uniform(0.001, 0.008, len(at_s)), 0.0005)
    snaps = band(snaps, rate_hz, 1500, 9000, 1)
    breeze = gust * spectrum_noise(n, rate_hz, rng, lambda f: tilt(f, -7, 80))
    return 0.12 * (1.6 * bed + dry_ratio * 0.6 * unit_rms(snaps) + 0.15 * breeze)


def steam(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, pressure_bar: float, nozzle_mm: float
) -> Samples:
    """A jet of steam: broad turbulence that peaks at St ~ .2 of speed over nozzle, wavering a little."""
    peak_hz = np.clip(0.2 * 250 * np.sqrt(pressure_bar) / (nozzle_mm * 1e-3) * body.uniform(0.85, 1.15), 900, 14000)
    jet = spectrum_noise(n, rate_hz, rng, lambda f: bump(f, peak_hz, 1.5) + 0.05 * tilt(f, -3, 200))
    return 0.1 * jet * drift(n, rate_hz, rng, 12, 0.8, 1.2) * drift(n, rate_hz, rng, 2, 0.8, 1.2)


CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="crackling_fire",
        audioset=("Fire", "Crackle"),
        singular="a crackling fire",
        plural="fires",
        phrases=("fire", "campfire", "fireplace", "crackling fire", "bonfire", "burning wood", "flames"),
        imagenet=("fire screen", "stove", "torch", "candle", "matchstick", "volcano", "Dutch oven"),
        imagenet_against=("fire engine",),
        family="nature",
        knobs=(
            Knob("crackles_per_s", 3, 18, 60, "1/s", "how much the wood cracks"),
            Knob("roar_ratio", 0, 0.5, 2, "", "how much the flames roar"),
        ),
        drives={"crackles_per_s": "activity", "roar_ratio": "area"},
        together=("nature", "animals", "people", "foley"),
        source=Texture(crackling_fire, 2.0, 0.3),
    ),
    SoundClass(
        name="rustling_leaves",
        audioset=("Rustling leaves", "Rustle"),
        singular="rustling leaves",
        plural="rustling leaves",
        phrases=("rustling leaves", "trees in the wind", "bushes", "foliage", "leaves"),
        imagenet=("daisy", "buckeye", "acorn", "hip", "lemon", "orange", "fig", "maypole", "hay"),
        family="nature",
        knobs=(
            Knob("flutter_per_s", 2, 5, 10, "1/s", "how quickly the leaves flutter"),
            Knob("gust_per_s", 0.2, 0.8, 3, "1/s", "how often the wind gusts"),
            Knob("dry_ratio", 0, 0.4, 1, "", "how dry the leaves are"),
        ),
        drives={"flutter_per_s": "activity"},
        together=("nature", "animals", "people", "traffic"),
        source=Texture(rustling_leaves, 3.0, 0.6),
    ),
    SoundClass(
        name="steam",
        audioset=("Steam", "Hiss"),
        singular="hissing steam",
        plural="jets of steam",
        phrases=("steam", "hissing", "hissing steam", "gas leak", "espresso steam", "air escaping"),
        imagenet=("espresso maker", "geyser", "steam locomotive"),
        family="nature",
        knobs=(
            Knob("pressure_bar", 0.2, 1.5, 8, "bar", "how hard it blows"),
            Knob("nozzle_mm", 2, 9, 40, "mm", "width of the opening"),
        ),
        drives={"pressure_bar": "activity"},
        together=("machines", "foley", "people", "traffic"),
        source=Texture(steam, 2.0, 0.4),
    ),
)
