"""Doors: knocked at, slammed, creaking; drawers."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.bursts import blows, clicks, peaked
from synth.voices.ambient.catalogue.parts.modes import rings, struck
from synth.voices.ambient.catalogue.parts.spectra import band, drift, painted_noise, tilt, unit_peak, unit_rms
from synth.voices.ambient.catalogue.parts.timing import at_times
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_KNOCK_DB: Final = np.array([-12.0, -3, 0, 0, -4, -11, -20, -28, -36])
_KNOCK_MS: Final = np.array([30.0, 24, 18, 13, 9, 6, 4, 3, 2])
_SLAM_MS: Final = np.array([70.0, 55, 40, 28, 20, 14, 9, 6, 4])
_LATCH_DB: Final = np.array([-30.0, -25, -14, -7, -2, 0, -2, -6, -12])
_LATCH_MS: Final = np.array([20.0, 15, 10, 9, 8, 7, 6, 5, 4])


def knock(n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, door_m: float) -> Samples:
    """Knuckles on a hollow wooden door."""
    length = min(n, rate_hz // 3)
    colour = body.normal(0, 1.5, 9)
    modes = np.array([115.0, 190, 290, 420, 610]) * 2 / door_m * body.uniform(0.85, 1.2, 5)
    hit = unit_peak(blows(length, rate_hz, rng, 0.002, 1.0, _KNOCK_DB + colour, _KNOCK_MS))
    panel = struck(length, rate_hz, rng, 0.002, 1.0, modes, 0.02 * np.sqrt(200 / modes), 0.0004, 0.4)
    return 0.6 * rng.uniform(0.7, 1) * (hit + 0.3 * panel)


def slam(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, weight_kg: float, force_ratio: float
) -> Samples:
    """The handle rattles, the leaf hits the frame (the accent, after .2 s), the latch snaps."""
    octaves_down = 0.5 * np.log2(weight_kg / 25)
    levels = peaked(180 * 2**-octaves_down, 1.7, 2.1) + body.normal(0, 1.5, 9)
    leaf = unit_peak(blows(n, rate_hz, rng, 0.2, 1.0, levels, 0.95 * _SLAM_MS, 2.0))
    rattle_s = 0.2 + np.array([-0.16, -0.02, 0.05, 0.09]) + rng.normal(0, 0.006, 4)
    latch = unit_peak(blows(n, rate_hz, rng, rattle_s, (0.5, 0.8, 0.7, 0.4), _LATCH_DB, _LATCH_MS))
    loud = 0.75 * (0.25 + 0.75 * force_ratio)
    return np.asarray(loud * (leaf + 0.17 / force_ratio**0.5 * latch))


def creak(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    slips_per_s: float,
    creak_s: float,
) -> Samples:
    """Stick and slip: uneven jerks of a wavering rate, each of which strikes the modes of the wood."""
    length = min(n, int(rate_hz * creak_s * rng.uniform(0.6, 1.1)))
    place = np.linspace(0, 1, length)
    bend = 0.8 * (place * rng.choice([-1.0, 1.0, 1.0]) + 0.5 * np.sin(5 * place + 6 * rng.random()))
    rate = slips_per_s * rng.uniform(0.7, 1.3) * 2**bend * drift(length, rate_hz, rng, 15, 0.85, 1.15)
    slips = np.cumsum(rate) / rate_hz
    at_s = np.flatnonzero(np.diff(np.floor(slips)) > 0) / rate_hz
    at_s = np.maximum(at_s + rng.normal(0, 0.25 / slips_per_s, len(at_s)), 0.0)
    loud = np.sin(np.pi * place) ** 0.5 * drift(length, rate_hz, rng, 9, 0.3, 1.0)
    gains = at_times(loud, at_s, rate_hz) * rng.lognormal(0, 0.3, len(at_s))
    modes = np.exp(np.sort(body.uniform(np.log(600), np.log(6000), 12)))
    strengths = gains[:, None] * body.lognormal(0, 0.5, len(modes)) * (600 / modes) ** 0.3
    wood = rings(
        length,
        rate_hz,
        np.repeat(at_s, len(modes)),
        strengths.ravel(),
        np.tile(modes, len(at_s)),
        np.tile(0.0025 * np.sqrt(900 / modes), len(at_s)),
    )
    grit = band(clicks(length, rate_hz, rng, at_s, gains, 0.002), rate_hz, 500, 9000, 1)
    return 0.06 * (unit_rms(wood) + 0.5 * unit_rms(grit))


def drawer(n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, slide_s: float) -> Samples:
    """A drawer runs in its rails (rolling noise that rattles) and knocks at the end, the accent after ``slide_s``."""
    length = min(n, int(rate_hz * (slide_s + 0.5)))
    modes = body.uniform(180, 700, 3)

    def level(t: Samples, f: Samples) -> Samples:
        place = np.clip(t / slide_s, 0, 1)
        speed = (place * (1 - place) * 4) ** 0.6 * (t < slide_s) * (t > 0)
        return np.asarray(speed * tilt(f, -3, modes[0]) * np.minimum(1, f / 90))

    roll = painted_noise(length, rate_hz, rng, level, 0.02) * drift(length, rate_hz, rng, 28, 0.3, 1.3)
    stop_s = slide_s + np.array([0.0, 0.018, 0.05])
    levels = peaked(modes[1], 3.5, 3.0) + body.normal(0, 2, 9)
    stop = blows(length, rate_hz, rng, stop_s, (1.0, 0.5, 0.3), levels, [40, 34, 26, 18, 13, 9, 7, 5, 4])
    rattle = blows(length, rate_hz, rng, stop_s + 0.01, (0.6, 0.4, 0.3), _LATCH_DB, _LATCH_MS)
    return 0.6 * rng.uniform(0.7, 1) * (unit_peak(stop) + 0.25 * unit_peak(rattle) + 0.22 * unit_peak(roll))


_INDOORS: Final = ("people", "foley", "machines", "nature", "music")
_ROOM: Final = Knob("room_s", 0.2, 0.5, 3, "s", "how long the room rings")

CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="door_knock",
        audioset=("Knock", "Door", "Tap"),
        singular="a knock at a door",
        plural="knocks at a door",
        phrases=("knock", "knocking at the door", "knock on wood", "knocking"),
        imagenet=("sliding door", "doormat", "wardrobe", "prison"),
        family="foley",
        knobs=(
            Knob("knocks_per_s", 0.5, 4.5, 7, "1/s", "how quickly somebody knocks"),
            Knob("door_m", 1.2, 2, 3, "m", "height of the door"),
            _ROOM,
        ),
        drives={"knocks_per_s": "onsets"},
        impacts=True,
        together=_INDOORS,
        source=Room(Events(knock, "knocks_per_s", 0.4, jitter=0.06), "room_s", 0.25, 3000, floor=0.006),
    ),
    SoundClass(
        name="door_slam",
        audioset=("Door", "Slam", "Cupboard open or close"),
        singular="a slamming door",
        plural="slamming doors",
        phrases=("door slam", "closing door", "door", "door shuts", "car door"),
        imagenet=("sliding door", "wardrobe", "refrigerator", "safe"),
        family="foley",
        knobs=(
            Knob("slams_per_s", 0.1, 0.4, 1.5, "1/s", "how often"),
            Knob("weight_kg", 8, 25, 80, "kg", "weight of the door"),
            Knob("force_ratio", 0.3, 0.9, 1, "", "how hard it is slammed"),
            _ROOM,
        ),
        drives={"slams_per_s": "onsets"},
        together=_INDOORS,
        source=Room(
            Events(slam, "slams_per_s", 0.9, jitter=0.1, first=0.2, lead_s=0.2), "room_s", 0.14, 2500, floor=0.001
        ),
    ),
    SoundClass(
        name="door_creak",
        audioset=("Creak", "Squeak", "Door"),
        singular="a creaking door",
        plural="creaking doors",
        phrases=("creaking door", "creak", "squeaky hinge", "creaking wood", "creaky floor", "haunted house"),
        imagenet=("rocking chair", "swing", "church", "barn"),
        family="foley",
        knobs=(
            Knob("creaks_per_s", 0.2, 0.8, 2, "1/s", "how often it creaks"),
            Knob("slips_per_s", 12, 40, 300, "1/s", "pitch of the creak"),
            Knob("creak_s", 0.3, 1.1, 3, "s", "how long a creak lasts"),
        ),
        drives={"creaks_per_s": "onsets"},
        together=_INDOORS,
        source=Room(Events(creak, "creaks_per_s", 3.3, jitter=0.15, first=0.1), 0.5, 0.3, 4000, floor=0.001),
    ),
    SoundClass(
        name="drawer",
        audioset=("Drawer open or close", "Cupboard open or close", "Door"),
        singular="a drawer",
        plural="drawers",
        phrases=("drawer", "opening a drawer", "closing a drawer", "cupboard", "cabinet"),
        imagenet=("chiffonier", "desk", "file", "medicine chest", "china cabinet"),
        family="foley",
        knobs=(
            Knob("pulls_per_s", 0.2, 0.8, 2, "1/s", "how often"),
            Knob("slide_s", 0.15, 0.4, 1, "s", "how long it slides"),
        ),
        drives={"pulls_per_s": "onsets"},
        together=_INDOORS,
        source=Room(
            Events(drawer, "pulls_per_s", 1.6, jitter=0.2, first=0.1, lead_s=0.0), 0.3, 0.25, 4000, floor=0.001
        ),
    ),
)
