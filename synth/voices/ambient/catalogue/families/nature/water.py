"""Water that runs, falls, boils and breaks on the shore."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.measured import SEA_WAVES_DB
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
    unit_rms,
)
from synth.voices.ambient.catalogue.parts.timing import at_times, poisson_times
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.walk import Walk


def stream(
    n: int, rate_hz: int, rng: np.random.Generator, walk: Walk, bubbles_per_s: float, rapids_ratio: float
) -> Samples:
    """A brook: bubbles of many sizes (van den Doel) over a little noise of the rapids."""
    flow = walk(3.0, 0.4, 1.6)
    bubbling = bubble_cloud(n, rate_hz, rng, bubbles_per_s * flow, 0.5, 7.0, 1.6, 0.15)
    bed = spectrum_noise(n, rate_hz, rng, lambda f: tilt(f, -4, 500) * rise(f, 350))
    return 0.08 * unit_rms(unit_rms(bubbling) + rapids_ratio * bed)


def waterfall(
    n: int, rate_hz: int, rng: np.random.Generator, walk: Walk, height_m: float, spray_ratio: float
) -> Samples:
    """So many bubbles and drops that they are noise, and a deep roar that grows with the height."""
    roar = 0.02 * height_m

    def shape(f: Samples) -> Samples:
        body = tilt(f, -3.2, 250) * rise(f, 120) + roar * bump(f, 180, 0.7)
        return np.asarray(body + 0.12 * spray_ratio * bump(f, 4500, 0.9))

    bubbling = bubble_cloud(n, rate_hz, rng, 1500.0, 0.6, 5.0, 1.5, 0.05)
    mixed = spectrum_noise(n, rate_hz, rng, shape) + 0.25 * unit_rms(bubbling)
    return 0.1 * unit_rms(mixed) * walk(2.0, 0.92, 1.08)


def sea_waves(
    n: int, rate_hz: int, rng: np.random.Generator, phase: Samples, walk: Walk, shore_m: float, foam_ratio: float
) -> Samples:
    """Each breaker swells as a low roar, breaks bright, and drains away as fizzing foam, with real surf's band levels.

    ``phase`` counts waves; each has its own delay and size.
    """
    first = int(np.floor(phase[0])) - 3
    count = int(np.floor(phase[-1])) - first + 2
    delays, sizes = 0.4 * walk.levels(first, count, "delay"), 0.45 + 0.55 * walk.levels(first, count, "size")

    def level(t: Samples, f: Samples) -> Samples:
        at = at_times(phase, t, rate_hz)
        swell, foam = np.full(t.shape, 0.08), np.zeros(t.shape)
        for wave, (delay, size) in enumerate(zip(delays, sizes, strict=True)):
            since = at - (first + wave + delay)
            up = np.clip(since / 0.3, 0, 1) ** 2
            after = np.maximum(since - 0.3, 0)
            swell += size * up * np.exp(-after / 0.22)
            foam += size * up * np.exp(-after / 0.4)
        surf = third_octaves(f, SEA_WAVES_DB) * tilt(f, -3, 150)
        far = 1 / np.sqrt(1 + (f * shore_m / 350_000) ** 2)
        break_ = swell * surf * tilt(f, 3 * np.minimum(swell, 1) - 3, 400)
        fizz = 0.003 * foam_ratio * foam * bump(f, 3500, 1.2)
        return np.asarray((break_ + fizz) * far)

    ripple = 1 + 0.15 * drift(n, rate_hz, rng, 20, -1, 1)
    return 12 * painted_noise(n, rate_hz, rng, level) * ripple


def boiling(
    n: int, rate_hz: int, rng: np.random.Generator, bubbles_per_s: float, pot_hz: float, steam_ratio: float
) -> Samples:
    """Bubbles that rise and burst in a pot in swarms, fizz of small ones, the pot's rumble, steam."""
    flow = drift(n, rate_hz, rng, 17, 0.76, 1.24)
    rising = bubble_cloud(n, rate_hz, rng, bubbles_per_s * flow, 2.2, 4.6, 1.2, 0.2)
    fizz = bubble_cloud(n, rate_hz, rng, 1200 * flow, 0.5, 2.0, 1.5, 0.1)
    at_s = poisson_times(n, rate_hz, rng, 0.5 * bubbles_per_s * flow)
    pops = clicks(n, rate_hz, rng, at_s, rng.lognormal(0, 0.5, len(at_s)), rng.uniform(0.004, 0.015, len(at_s)), 0.003)
    pops = band(pops, rate_hz, 0.6 * pot_hz, 2.5 * pot_hz, 1)
    rumble = flow * spectrum_noise(n, rate_hz, rng, lambda f: tilt(f, -5, 0.4 * pot_hz))
    steam = spectrum_noise(n, rate_hz, rng, lambda f: bump(f, 5000, 1.2))
    mixed = unit_rms(rising) + 0.18 * unit_rms(pops) + 0.24 * unit_rms(fizz) + 0.53 * rumble + steam_ratio * steam
    return 0.1 * unit_rms(mixed)


def pouring(
    n: int, rate_hz: int, rng: np.random.Generator, time_s: Samples, glass_mm: float, fill_s: float, flow_ratio: float
) -> Samples:
    """A jet into a glass: bubbles in clusters, splashing, and the air column that rises in pitch as it fills.

    A full glass is put away and the next one filled.
    """
    filled = np.maximum(time_s, 0) % (1.15 * fill_s) / fill_s
    jet = np.clip((1 - filled) * fill_s / 0.1, 0, 1) * np.clip(filled * fill_s / 0.05, 0, 1)
    gulp = drift(n, rate_hz, rng, 12, 0.3, 1.7) * drift(n, rate_hz, rng, 3, 0.7, 1.2) * jet
    bubbling = bubble_cloud(n, rate_hz, rng, 1200 * flow_ratio * gulp, 0.5, 3.0, 1.5, 0.1)
    splashing = (0.3 * jet + 0.7 * gulp) * spectrum_noise(n, rate_hz, rng, lambda f: tilt(f, -3, 1200) * rise(f, 700))

    def column(t: Samples, f: Samples) -> Samples:
        height_m = glass_mm * 1e-3 * np.clip(1 - at_times(filled, t, rate_hz), 0.12, 1)
        return np.asarray(bump(f, 85 / height_m, 0.25) + 0.5 * bump(f, 255 / height_m, 0.15))

    tube = unit_rms(painted_noise(n, rate_hz, rng, column))
    return 0.09 * (0.7 * unit_rms(bubbling) + 0.5 * splashing + 0.25 * gulp * tube)


def water_tap(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, flow_ratio: float, basin_hz: float
) -> Samples:
    """A jet on the bottom of a sink: splashing noise through the basin's resonances, and small bubbles."""
    uneven = drift(n, rate_hz, rng, 25, 0.7, 1.3) * drift(n, rate_hz, rng, 3, 0.85, 1.15)
    modes = basin_hz * np.array([1.0, 1.63, 2.4]) * body.uniform(0.9, 1.1, 3)

    def shape(f: Samples) -> Samples:
        ring = sum(gain * bump(f, mode, 0.12) for gain, mode in zip((1.2, 0.8, 0.6), modes, strict=True))
        return np.asarray(tilt(f, -2.5, 1800) * rise(f, 500) + ring)

    jet = uneven * spectrum_noise(n, rate_hz, rng, shape)
    bubbling = bubble_cloud(n, rate_hz, rng, 900 * flow_ratio * uneven, 0.4, 3.2, 1.7, 0.1)
    return 0.1 * unit_rms(jet + 0.6 / np.sqrt(flow_ratio) * unit_rms(bubbling))


def underwater(
    n: int, rate_hz: int, rng: np.random.Generator, walk: Walk, gulps_per_s: float, depth_m: float
) -> Samples:
    """Below the surface: large bubbles in gulps, dull and near, and the dark murmur of the water."""
    swarm = walk(max(0.5, gulps_per_s), 0.0, 1.0) ** 3
    large = bubble_cloud(n, rate_hz, rng, 120 * swarm, 3.0, 14.0, 1.2, 0.35)
    small = bubble_cloud(n, rate_hz, rng, 500 * swarm, 1.0, 4.0, 1.5, 0.25)
    murmur = spectrum_noise(n, rate_hz, rng, lambda f: tilt(f, -7, 110))
    dark_hz = 9000 / (1 + depth_m)
    return 0.09 * unit_rms(band(unit_rms(large) + 0.4 * unit_rms(small), rate_hz, None, dark_hz, 1) + 0.3 * murmur)


_NEAR_WATER: Final = ("nature", "animals", "people", "foley", "traffic")

CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="stream",
        audioset=("Stream", "Trickle, dribble", "Gurgling"),
        singular="a stream",
        plural="streams",
        phrases=("stream", "brook", "creek", "babbling brook", "running water", "small river"),
        imagenet=("viaduct", "lakeside", "dam", "water ouzel"),
        imagenet_against=("seashore", "washbasin"),
        family="nature",
        knobs=(
            Knob("bubbles_per_s", 100, 500, 2000, "1/s", "how lively it runs"),
            Knob("rapids_ratio", 0, 0.3, 1.5, "", "how much it rushes"),
        ),
        drives={"bubbles_per_s": "activity"},
        together=_NEAR_WATER,
        source=Texture(stream, 2.0, 0.5),
    ),
    SoundClass(
        name="waterfall",
        audioset=("Waterfall", "Stream"),
        singular="a waterfall",
        plural="waterfalls",
        phrases=("waterfall", "falls", "cascade", "roaring water", "weir"),
        imagenet=("dam", "cliff", "valley"),
        family="nature",
        knobs=(
            Knob("height_m", 2, 10, 60, "m", "how far it falls"),
            Knob("spray_ratio", 0, 0.5, 1.5, "", "how much it sprays"),
        ),
        drives={"height_m": "area"},
        together=_NEAR_WATER,
        source=Texture(waterfall, 2.0, 0.5),
    ),
    SoundClass(
        name="sea_waves",
        audioset=("Waves, surf", "Ocean"),
        singular="waves on the shore",
        plural="waves",
        phrases=("sea", "ocean waves", "surf", "waves on a beach", "seashore", "breakers"),
        imagenet=("seashore", "sandbar", "breakwater", "promontory", "lakeside", "swimming trunks", "catamaran"),
        family="nature",
        knobs=(
            Knob("waves_per_s", 0.07, 0.16, 0.33, "1/s", "how often a wave breaks"),
            Knob("shore_m", 5, 25, 150, "m", "to the water"),
            Knob("foam_ratio", 0, 1, 3, "", "how much the foam fizzes"),
        ),
        drives={"waves_per_s": "activity"},
        together=_NEAR_WATER,
        source=Texture(sea_waves, 3.0, 0.6, phase_of="waves_per_s"),
    ),
    SoundClass(
        name="boiling",
        audioset=("Boiling", "Gurgling", "Liquid"),
        singular="boiling water",
        plural="boiling pots",
        phrases=("boiling water", "boiling", "simmering pot", "bubbling kettle"),
        imagenet=("caldron", "teapot", "coffeepot", "hot pot", "consomme", "geyser"),
        family="nature",
        knobs=(
            Knob("bubbles_per_s", 100, 235, 400, "1/s", "how hard it boils"),
            Knob("pot_hz", 200, 394, 900, "Hz", "pitch of the pot"),
            Knob("steam_ratio", 0, 0.045, 0.3, "", "how much it hisses"),
        ),
        drives={"bubbles_per_s": "activity"},
        together=("foley", "people", "machines"),
        source=Texture(boiling, 2.0, 0.4),
    ),
    SoundClass(
        name="pouring",
        audioset=("Pour", "Liquid", "Water", "Fill (with liquid)", "Trickle, dribble"),
        singular="water poured into a glass",
        plural="drinks being poured",
        phrases=("pouring water", "pouring a drink", "filling a glass", "pouring wine", "pouring tea"),
        imagenet=("pitcher", "water jug", "wine bottle", "red wine", "beer glass", "goblet", "coffee mug", "teapot"),
        family="nature",
        knobs=(
            Knob("glass_mm", 60, 140, 300, "mm", "height of the glass"),
            Knob("fill_s", 3, 7, 20, "s", "until it is full"),
            Knob("flow_ratio", 0.3, 1, 3, "", "how much is poured"),
        ),
        drives={"flow_ratio": "activity"},
        worked=True,
        together=("foley", "people", "machines"),
        source=Texture(pouring, 2.0, 0.2),
    ),
    SoundClass(
        name="water_tap",
        audioset=("Water tap, faucet", "Sink (filling or washing)", "Bathtub (filling or washing)", "Water"),
        singular="a running tap",
        plural="running taps",
        phrases=("tap", "faucet", "running water in a sink", "washing hands", "filling the bath", "shower"),
        imagenet=("washbasin", "tub", "bathtub", "shower curtain", "soap dispenser", "toilet seat"),
        family="nature",
        knobs=(
            Knob("flow_ratio", 0.3, 1, 3, "", "how far it is open"),
            Knob("basin_hz", 150, 420, 1200, "Hz", "pitch of the basin"),
        ),
        drives={"flow_ratio": "activity"},
        together=("foley", "people", "machines"),
        source=Texture(water_tap, 2.0, 0.4),
    ),
    SoundClass(
        name="underwater",
        audioset=("Gurgling", "Water", "Liquid"),
        singular="bubbles under water",
        plural="bubbles under water",
        phrases=("underwater", "diving", "scuba", "aquarium", "bubbles"),
        imagenet=("scuba diver", "coral reef", "goldfish", "great white shark", "snorkel", "anemone fish", "jellyfish"),
        family="nature",
        knobs=(
            Knob("gulps_per_s", 0.5, 2, 8, "1/s", "how often bubbles come"),
            Knob("depth_m", 0, 2, 20, "m", "how deep it is"),
        ),
        drives={"gulps_per_s": "activity"},
        together=("nature",),
        source=Texture(underwater, 3.0, 0.6),
    ),
)
