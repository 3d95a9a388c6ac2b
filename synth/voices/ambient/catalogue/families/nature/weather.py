"""Wind, rain on different grounds, hail and thunder."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.measured import RAIN_DB
from synth.voices.ambient.catalogue.parts.bubbles import bubble_cloud
from synth.voices.ambient.catalogue.parts.bursts import clicks
from synth.voices.ambient.catalogue.parts.spectra import (
    band,
    bump,
    drift,
    painted_noise,
    rise,
    spectrum_noise,
    third_octaves,
    tilt,
    unit_peak,
    unit_rms,
)
from synth.voices.ambient.catalogue.parts.timing import at_times, poisson_times
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room
from synth.voices.ambient.catalogue.walk import Walk

_SPEED_OF_SOUND_M_S: Final = 343.0


def wind(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    walk: Walk,
    speed_m_s: float,
    gust_per_s: float,
    whistle_ratio: float,
) -> Samples:
    """Turbulence whose loudness and pitch follow the gusts, and the whistle of edges (Aeolian tone ~ speed)."""
    gust = walk(gust_per_s, 0.25, 1.0, "gust") * walk(4 * gust_per_s, 0.75, 1.0, "flutter")
    centre_hz = speed_m_s * 32 * body.uniform(0.85, 1.2)
    edge = body.uniform(0.8, 1.3)

    def level(t: Samples, f: Samples) -> Samples:
        g = at_times(gust, t, rate_hz)
        low = tilt(f, -9, 60 + 20 * g) * (f > 20)
        howl = 0.25 * bump(f, centre_hz * (0.6 + 0.6 * g), 0.55) * g**1.5
        whistle = whistle_ratio * 0.25 * bump(f, centre_hz * edge * (1.6 + 1.2 * g), 0.10) * g**3
        return np.asarray(g * (low + howl + whistle))

    return 1.2 * painted_noise(n, rate_hz, rng, level, 0.085)


def rain(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, drops_per_s: float, distance_m: float
) -> Samples:
    """Far drops merge into noise (with the band levels of real rain); near ones are clicks and small bubbles."""
    slope_db = body.normal(0, 0.7) - 0.12 * (distance_m - 4)
    bed = spectrum_noise(n, rate_hz, rng, lambda f: third_octaves(f, RAIN_DB) * tilt(f, slope_db, 500))
    at_s = poisson_times(n, rate_hz, rng, drops_per_s)
    gains, lengths = rng.lognormal(0, 1, len(at_s)), rng.uniform(0.0008, 0.003, len(at_s))
    near = band(clicks(n, rate_hz, rng, at_s, gains, lengths), rate_hz, 900, 9000, 1)
    wet = bubble_cloud(n, rate_hz, rng, 0.2 * drops_per_s, 0.3, 2.5, 2.0)
    mixed = (0.4 + 0.1 * distance_m) * bed + 0.6 * unit_rms(near) + 0.25 * unit_rms(wet)
    return 0.1 * unit_rms(mixed)


def _rain_on(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    drops_per_s: float,
    tap_hz: tuple[float, float],
    tap_s: tuple[float, float],
    panel_hz: tuple[float, float],
    panel_s: float,
    panel: float,
    bed: float,
) -> Samples:
    """Drops on a stiff thing: short taps, each with the dull ring of the panel, over the rain around."""
    at_s = poisson_times(n, rate_hz, rng, drops_per_s)
    gains = rng.lognormal(0, 0.9, len(at_s))
    taps = band(clicks(n, rate_hz, rng, at_s, gains, rng.uniform(*tap_s, len(at_s))), rate_hz, *tap_hz, 1)
    dull = band(clicks(n, rate_hz, rng, at_s, gains * rng.random(len(at_s)), panel_s), rate_hz, *panel_hz, 1)
    around = spectrum_noise(n, rate_hz, rng, lambda f: tilt(f, -3, 900) * rise(f, 500))
    return 0.1 * unit_rms(unit_rms(taps) + panel * unit_rms(dull) + bed * around)


def rain_on_roof(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    drops_per_s: float,
    hollow_ratio: float,
) -> Samples:
    """Rain on sheet metal or tiles: hard taps and a hollow panel."""
    panel_hz = body.uniform(120, 200)
    return _rain_on(
        n, rate_hz, rng, drops_per_s, (500, 7000), (0.001, 0.005), (panel_hz, 6 * panel_hz), 0.008, hollow_ratio, 0.7
    )


def rain_on_leaves(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, drops_per_s: float, height_m: float
) -> Samples:
    """Rain in a wood: soft pats of leaves of many sizes, and the hiss of the crowns above."""
    pat_hz = body.uniform(500, 900)
    pats = _rain_on(n, rate_hz, rng, drops_per_s, (pat_hz, 5000), (0.002, 0.008), (250, 1200), 0.006, 0.35, 0.0)
    hiss = spectrum_noise(n, rate_hz, rng, lambda f: third_octaves(f, RAIN_DB) * tilt(f, -1.5, 3000) * rise(f, 900))
    return 0.1 * unit_rms(pats / 0.1 + (0.4 + 0.06 * height_m) * hiss)


def hail(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, stones_per_s: float, stone_mm: float
) -> Samples:
    """Ice on hard ground: bright clacks, the larger stones duller and louder, each with a bounce or two."""
    at_s = poisson_times(n, rate_hz, rng, stones_per_s)
    size = rng.lognormal(0, 0.5, len(at_s))
    again_s = at_s + rng.uniform(0.03, 0.09, len(at_s)) * np.sqrt(stone_mm / 8)
    both, gains = np.concatenate([at_s, again_s]), np.concatenate([size**1.5, 0.3 * size**1.5])
    centre_hz = 3200 * (8 / stone_mm) ** 0.5 * body.uniform(0.85, 1.15)
    lengths = rng.uniform(0.0008, 0.003, len(both)) * (stone_mm / 8) ** 0.5
    clacks = band(clicks(n, rate_hz, rng, both, gains, lengths), rate_hz, 0.4 * centre_hz, 3.5 * centre_hz, 1)
    around = spectrum_noise(n, rate_hz, rng, lambda f: tilt(f, -2, 1500) * rise(f, 700))
    return 0.1 * unit_rms(unit_rms(clacks) + 0.45 * around)


def thunder(n: int, rate_hz: int, rng: np.random.Generator, distance_m: float, channel_m: float) -> Samples:
    """A crooked channel: its kinks make claps; far parts arrive later and duller, as rumble (Few, 1969)."""
    kinks = max(6, int(channel_m / 200))
    near = (700 / max(distance_m, 100.0)) ** 0.5
    lags_s = 0.1 + np.sort(rng.random(kinks) ** 1.4) * channel_m / _SPEED_OF_SOUND_M_S * 0.6
    sizes = rng.lognormal(0, 0.5, kinks)
    up_s, down_s = rng.uniform(0.02, 0.12, kinks) / near**0.5, rng.uniform(0.15, 0.6, kinks)
    tail_s = 1.2 + distance_m / 1000

    def level(t: Samples, f: Samples) -> Samples:
        total = np.zeros(np.broadcast_shapes(t.shape, f.shape))
        low, roll = tilt(f, -6, 70), f / (1800 * near)
        for lag_s, size, up, down in zip(lags_s, sizes, up_s, down_s, strict=True):
            since = np.maximum(t - lag_s, 0)
            late = (lag_s - 0.1) * _SPEED_OF_SOUND_M_S / distance_m
            clap = (1 - np.exp(-since / up)) * np.exp(-since / down) / (1 + 0.5 * late)
            total += size * clap * low / (1 + (roll / (0.35 + clap)) ** 2)
        after = np.exp(-np.maximum(t - 0.1, 0) / tail_s) * (t > 0.1)
        return (total + 0.3 * after * tilt(f, -9, 70)) * np.minimum(1, f / 30)

    length = min(n, int(rate_hz * (lags_s[-1] + 1.5 + 3 * tail_s)))
    sound = painted_noise(length, rate_hz, rng, level, 0.021) * drift(length, rate_hz, rng, 18, 0.5, 1.2)
    fade = min(length, rate_hz // 2)
    sound[-fade:] *= np.linspace(1, 0, fade) ** 2
    return 0.8 * unit_peak(sound)


_WET = ("thunder", "wind", "people", "traffic", "animals", "foley")

CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="wind",
        audioset=("Wind", "Wind noise (microphone)"),
        singular="wind",
        plural="winds",
        phrases=("wind", "breeze", "gale", "storm wind", "gusts", "howling wind"),
        imagenet=("alp", "cliff", "valley", "dogsled", "snowplow", "parachute", "flagpole", "geyser"),
        imagenet_against=("washbasin", "stove"),
        family="nature",
        knobs=(
            Knob("speed_m_s", 4, 12, 30, "m/s", "how strong it blows"),
            Knob("gust_per_s", 0.1, 0.5, 2, "1/s", "how often it gusts"),
            Knob("whistle_ratio", 0, 0.3, 1, "", "how much edges whistle"),
        ),
        drives={"speed_m_s": "activity"},
        together=("nature", "animals", "people", "traffic", "machines", "foley"),
        source=Texture(wind, 4.0, 1.0),
    ),
    SoundClass(
        name="rain",
        audioset=("Rain", "Raindrop", "Rain on surface"),
        singular="rain",
        plural="showers of rain",
        phrases=("rain", "heavy rain", "drizzle", "downpour", "shower", "rainy street"),
        imagenet=("umbrella", "trench coat"),
        imagenet_against=("lakeside", "seashore"),
        family="nature",
        knobs=(
            Knob("drops_per_s", 200, 1500, 6000, "1/s", "near drops"),
            Knob("distance_m", 1, 4, 12, "m", "to the nearest drops"),
        ),
        drives={"drops_per_s": "activity"},
        together=_WET,
        source=Texture(rain, 2.0, 0.4),
    ),
    SoundClass(
        name="rain_on_roof",
        audioset=("Rain on surface", "Rain", "Raindrop"),
        singular="rain on a roof",
        plural="rain on roofs",
        phrases=("rain on a tin roof", "rain on metal", "rain on a car", "rain on a tent", "rain on the window"),
        imagenet=("tile roof", "mobile home", "greenhouse", "mountain tent"),
        family="nature",
        knobs=(
            Knob("drops_per_s", 60, 350, 2000, "1/s", "near drops"),
            Knob("hollow_ratio", 0, 0.5, 1.5, "", "how hollow the roof is"),
        ),
        drives={"drops_per_s": "activity"},
        together=_WET,
        source=Texture(rain_on_roof, 2.0, 0.4),
    ),
    SoundClass(
        name="rain_on_leaves",
        audioset=("Rain", "Raindrop", "Rain on surface"),
        singular="rain on leaves",
        plural="rain on leaves",
        phrases=("rain in a forest", "rain on leaves", "rain on trees", "jungle rain"),
        imagenet=("rapeseed", "yellow lady's slipper", "pot"),
        family="nature",
        knobs=(
            Knob("drops_per_s", 50, 300, 1500, "1/s", "drops on near leaves"),
            Knob("height_m", 1, 6, 20, "m", "of the crowns above"),
        ),
        drives={"drops_per_s": "activity"},
        together=_WET,
        source=Texture(rain_on_leaves, 2.0, 0.4),
    ),
    SoundClass(
        name="hail",
        audioset=("Rain on surface", "Rain", "Raindrop"),
        singular="hail",
        plural="showers of hail",
        phrases=("hail", "hailstones", "sleet", "ice pellets"),
        family="nature",
        knobs=(
            Knob("stones_per_s", 30, 150, 800, "1/s", "near stones"),
            Knob("stone_mm", 3, 8, 30, "mm", "size of a stone"),
        ),
        drives={"stones_per_s": "activity"},
        together=_WET,
        source=Texture(hail, 2.0, 0.4),
    ),
    SoundClass(
        name="thunder",
        audioset=("Thunder", "Thunderstorm"),
        singular="thunder",
        plural="claps of thunder",
        phrases=("thunder", "thunderstorm", "lightning strike", "rolling thunder", "thunder far away"),
        family="nature",
        knobs=(
            Knob("strikes_per_s", 0.03, 0.12, 0.4, "1/s", "how often it strikes"),
            Knob("distance_m", 150, 700, 4000, "m", "to the lightning"),
            Knob("channel_m", 1000, 3000, 6000, "m", "length of the lightning"),
        ),
        drives={"strikes_per_s": "onsets"},
        together=("nature", "people", "traffic", "animals"),
        source=Room(Events(thunder, "strikes_per_s", 16.0, jitter=0.25, first=0.03), 1.5, 0.1, 1500, floor=0.004),
    ),
)
