"""Hand tools on wood: hammer, saw, sandpaper, axe."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.bursts import blows, clicks, peaked
from synth.voices.ambient.catalogue.parts.modes import rings, struck
from synth.voices.ambient.catalogue.parts.spectra import band, bump, rise, spectrum_noise, tilt, unit_peak, unit_rms
from synth.voices.ambient.catalogue.parts.timing import at_times
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room
from synth.voices.ambient.catalogue.walk import Walk

_NAIL: Final = np.array([1, 1.37, 1.6, 1.93, 2.35, 2.8])
_PLANK: Final = ((450, 1.5, 0.7), (1100, 1.5, 1.0), (2300, 1.6, 0.9), (4200, 1.6, 0.6))  # Hz, width, gain


def hammer_blow(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    index: int,
    nail_mm: float,
    wood_ratio: float,
) -> Samples:
    """Steel on a nail in wood: a bright knock, a short ping that rises as the nail sinks, the plank."""
    more = 12 * (wood_ratio - 0.6)
    low = np.array([-14 + more, -8 + more, -6 + more, -3 + more, 0, 0, -1, -5, -10]) + body.normal(0, 1, 9)
    length = min(n, int(0.35 * rate_hz))
    knock = blows(length, rate_hz, rng, 0.002, 1.0, low, [25, 22, 18, 14, 11, 8, 6, 4, 3])
    nail_hz = 1900 * 80 / nail_mm * _NAIL * (1 + 0.03 * (index % 8)) * rng.uniform(0.97, 1.03, len(_NAIL))
    ping = rings(length, rate_hz, 0.002, rng.lognormal(0, 0.6, len(_NAIL)), nail_hz, 0.006)
    return 0.6 * rng.uniform(0.7, 1) * (unit_peak(knock) + 0.15 * unit_peak(ping))


def sawing(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    phase: Samples,
    walk: Walk,
    strokes_per_s: float,
    teeth_per_mm: float,
    stroke_mm: float,
) -> Samples:
    """Push and pull: the teeth beat on the plank one by one, through its resonances."""
    stroke = np.sin(2 * np.pi * (phase + 0.05 * walk(1.0, -1, 1, "arm")))
    speed, push = np.abs(stroke), np.where(stroke > 0, 1.0, 0.6)
    teeth = np.cumsum(speed * np.pi * strokes_per_s * stroke_mm * teeth_per_mm) / rate_hz
    at_s = np.flatnonzero(np.diff(np.floor(teeth)) > 0) / rate_hz
    at_s = at_s + rng.normal(0, 0.001, len(at_s))
    gains = at_times(speed * push, at_s, rate_hz) * rng.lognormal(0, 0.5, len(at_s))
    rasp = clicks(n, rate_hz, rng, at_s, gains, 0.004)
    rasp += 0.1 * speed**1.5 * push * rng.standard_normal(n)
    size = body.uniform(0.85, 1.2)
    wood = sum(
        (gain * band(rasp, rate_hz, size * hz / width, size * hz * width, 1) for hz, width, gain in _PLANK), np.zeros(n)
    )
    return 0.1 * unit_rms(wood)


def sanding(n: int, rate_hz: int, rng: np.random.Generator, phase: Samples, walk: Walk, grit_um: float) -> Samples:
    """Sandpaper: steady hiss of thousands of grains that swells with each stroke; no tooth is heard alone."""
    stroke = np.sin(2 * np.pi * (phase + 0.06 * walk(1.0, -1, 1, "arm")))
    swing = np.abs(stroke) ** 0.8 * np.where(stroke > 0, 1.0, 0.75)
    centre_hz = 3800 * (120 / grit_um) ** 0.35

    def shape(f: Samples) -> Samples:
        return np.asarray((bump(f, centre_hz, 1.0) + 0.25 * tilt(f, -3, 900)) * rise(f, 500))

    grains = spectrum_noise(n, rate_hz, rng, shape)
    return 0.1 * unit_rms(grains * (0.03 + swing))


def axe_blow(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, log_mm: float, split_ratio: float
) -> Samples:
    """An axe into a log: a hard knock, the log's hollow tone, fibres that split after it."""
    pitch = (200 / log_mm) ** 0.7
    levels = peaked(500 * pitch, 3.2, 3.0) + body.normal(0, 1.5, 9)
    knock = unit_peak(blows(n, rate_hz, rng, 0.002, 1.0, levels, [40, 34, 26, 20, 14, 10, 7, 5, 4], 2.5))
    modes = np.array([240.0, 410, 640, 900, 1300]) * pitch * body.uniform(0.9, 1.1, 5)
    log = unit_peak(struck(n, rate_hz, rng, 0.002, 1.0, modes, 0.03 * np.sqrt(300 / modes), 0.0004))
    count = rng.poisson(30 * split_ratio)
    at_s = 0.01 + rng.exponential(0.05, count)
    split = clicks(n, rate_hz, rng, at_s, rng.pareto(2, count) + 0.2, rng.uniform(0.001, 0.005, count))
    split = unit_peak(band(split, rate_hz, 900, 9000, 1))
    return 0.55 * rng.uniform(0.7, 1) * (knock + 0.25 * log + 0.3 * split_ratio * split)


_WORKSHOP: Final = ("people", "foley", "machines", "nature", "animals")

CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="hammer",
        audioset=("Hammer", "Wood"),
        singular="a hammer",
        plural="hammers",
        phrases=("hammer", "hammering", "hammering a nail", "carpenter", "construction"),
        imagenet=("hammer", "nail", "carpenter's kit"),
        family="foley",
        knobs=(
            Knob("blows_per_s", 0.7, 1.8, 4, "1/s", "how often"),
            Knob("nail_mm", 30, 80, 150, "mm", "length of the nail"),
            Knob("wood_ratio", 0.2, 0.6, 1, "", "how much the plank sounds"),
        ),
        drives={"blows_per_s": "onsets"},
        impacts=True,
        together=_WORKSHOP,
        source=Room(Events(hammer_blow, "blows_per_s", 0.4, jitter=0.08), 0.6, 0.3, 4500, floor=0.006),
    ),
    SoundClass(
        name="sawing",
        audioset=("Sawing",),
        singular="a saw",
        plural="saws",
        phrases=("sawing", "hand saw", "sawing wood", "cutting wood"),
        imagenet=("plane", "carpenter's kit"),
        imagenet_against=("chain saw", "airliner"),
        family="foley",
        knobs=(
            Knob("strokes_per_s", 0.7, 1.6, 3.5, "1/s", "how quickly somebody saws"),
            Knob("teeth_per_mm", 0.1, 0.3, 0.8, "1/mm", "how fine the saw is"),
            Knob("stroke_mm", 100, 300, 600, "mm", "how far each stroke goes"),
        ),
        drives={"strokes_per_s": "activity"},
        worked=True,
        together=_WORKSHOP,
        source=Room(Texture(sawing, 2.0, 0.1, "gain", phase_of="strokes_per_s"), 0.4, 0.25, 5000, floor=0.005),
    ),
    SoundClass(
        name="sanding",
        audioset=("Sanding", "Filing (rasp)"),
        singular="sandpaper",
        plural="sandpaper",
        phrases=("sanding", "sandpaper", "sanding wood", "rubbing", "filing"),
        imagenet=("plane", "carpenter's kit"),
        imagenet_against=("airliner",),
        family="foley",
        knobs=(
            Knob("strokes_per_s", 0.7, 2.2, 4, "1/s", "how quickly somebody rubs"),
            Knob("grit_um", 20, 120, 500, "µm", "size of the grains"),
        ),
        drives={"strokes_per_s": "activity"},
        worked=True,
        together=_WORKSHOP,
        source=Room(Texture(sanding, 2.0, 0.2, phase_of="strokes_per_s"), 0.3, 0.2, 6000, floor=0.001),
    ),
    SoundClass(
        name="wood_chopping",
        audioset=("Chop", "Wood", "Splinter", "Crack"),
        singular="an axe",
        plural="axes",
        phrases=("chopping wood", "axe", "splitting logs", "wood cutting"),
        imagenet=("hatchet",),
        family="foley",
        knobs=(
            Knob("blows_per_s", 0.2, 0.7, 1.5, "1/s", "how often"),
            Knob("log_mm", 80, 200, 500, "mm", "thickness of the log"),
            Knob("split_ratio", 0, 0.5, 1.5, "", "how much the wood splits"),
        ),
        drives={"blows_per_s": "onsets"},
        impacts=True,
        together=_WORKSHOP,
        source=Room(Events(axe_blow, "blows_per_s", 0.7, jitter=0.1, first=0.15), 0.7, 0.2, 4000, floor=0.004),
    ),
)
