"""Glass, coins, keys and dishes: many damped modes struck in quick succession."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.bursts import blows, clicks, peaked
from synth.voices.ambient.catalogue.parts.modes import rings
from synth.voices.ambient.catalogue.parts.spectra import band, unit_peak, unit_rms
from synth.voices.ambient.catalogue.parts.timing import bounces, poisson_times
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room
from synth.voices.ambient.catalogue.walk import Walk

_DISC: Final = np.array([1, 1.03, 1.73, 2.33, 2.41, 2.9, 3.4, 3.9, 4.1])  # modes of a free disc
_SHARD: Final = np.array([1, 1.37, 1.61, 2.1, 2.43, 3.3])
_GLASS_MODES: Final = 14


def shattering(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    pane_m: float,
    shards: float,
    fall_s: float,
) -> Samples:
    """The pane breaks (a burst and its modes), shards ring, fall, hit the floor and bounce."""
    crash_s = 0.005 + np.sort(rng.random(10)) ** 2 * 0.06
    levels = np.array([-10, -8, -8, -6, -4, -2, 0, 1, 0]) + body.normal(0, 1, 9)
    crash = blows(n, rate_hz, rng, crash_s, rng.lognormal(-0.5, 0.5, 10), levels, [20, 18, 15, 12, 12, 14, 16, 16, 12])
    count = int(shards)
    first_s = np.concatenate([rng.exponential(0.05, count // 2), fall_s * rng.lognormal(0, 0.35, count)])
    sizes = np.clip(rng.lognormal(0, 0.6, len(first_s)), 0.3, 4)
    again_s = first_s + rng.uniform(0.03, 0.15, len(first_s))
    last_s = again_s + 0.7 * rng.uniform(0.03, 0.15, len(first_s))
    at_s, size = np.concatenate([first_s, again_s, last_s]), np.concatenate([sizes, 0.6 * sizes, 0.36 * sizes])
    shape = (len(at_s), len(_SHARD))
    frequencies = 4200 / np.maximum(size, 0.7)[:, None] * _SHARD * rng.lognormal(0, 0.15, shape) * 0.5 / pane_m**0.3
    gains = (size * rng.lognormal(0, 0.7, len(at_s)))[:, None] * rng.lognormal(0, 0.5, shape)
    ring = rings(
        n, rate_hz, np.repeat(at_s, shape[1]), gains.ravel(), frequencies.ravel(), rng.uniform(0.003, 0.018, gains.size)
    )
    scrape = band(clicks(n, rate_hz, rng, at_s, gains[:, 0], 0.002), rate_hz, 2500, None, 1)
    return 0.25 * (unit_peak(crash) + 0.13 * (unit_rms(ring) + 0.7 * unit_rms(scrape)))


def clink(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, glass_hz: float, ring_s: float
) -> Samples:
    """Two glasses touch: dense modes of both, damped by hands and wine, over the tick of the touch."""
    sound = np.zeros(n)
    for _ in range(2):
        modes = glass_hz * 4.0 ** np.sort(body.random(_GLASS_MODES))
        sound += rings(n, rate_hz, 0.001, rng.lognormal(0, 0.6, len(modes)), modes, ring_s * (modes / glass_hz) ** -0.5)
    tick = blows(n, rate_hz, rng, 0.001, 1.0, peaked(6000, 8, 2), 3.0)
    return 0.45 * rng.uniform(0.6, 1) * (unit_peak(sound) + 0.5 * unit_peak(tick))


def coin(n: int, rate_hz: int, rng: np.random.Generator, diameter_mm: float, table_ratio: float) -> Samples:
    """A coin (a free disc, its modes damped by the table) falls, bounces, then whirls faster and faster."""
    lowest_hz = 2700 * 23 / diameter_mm * rng.uniform(0.7, 1.3)
    fall_s, fall = bounces(0.13 * rng.uniform(0.6, 1.4), 0.62 * rng.uniform(0.85, 1.15), 6)
    whirls = int(rng.integers(4, 18))
    whirl_s = fall_s[-1] + 0.02 + np.cumsum(0.045 * 0.9 ** np.arange(whirls))
    at_s = np.concatenate([fall_s, whirl_s])
    at_s = np.maximum(at_s + rng.normal(0, 0.003, len(at_s)), 0.001)
    gains = np.concatenate([fall, 0.15 * 0.93 ** np.arange(whirls)])
    shape = (len(at_s), len(_DISC))
    frequencies = np.tile(lowest_hz * _DISC * rng.uniform(0.97, 1.03, len(_DISC)), len(at_s))
    strengths = gains[:, None] * rng.lognormal(0, 0.8, shape)
    decays = rng.uniform(0.3, 1.7, strengths.size) * 0.003 * (23 / diameter_mm) ** -0.3
    ring = rings(n, rate_hz, np.repeat(at_s, shape[1]), strengths.ravel(), frequencies, decays)
    levels = np.array([-99, -99, -8, -6, -4, -2, 0, 0, 0])
    table = blows(
        n, rate_hz, rng, at_s, gains * rng.lognormal(0, 0.3, len(at_s)), levels, [15, 12, 8, 6, 4, 3, 3, 3, 3]
    )
    return 0.5 * (unit_peak(ring) + table_ratio * unit_peak(table))


def keys(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    walk: Walk,
    time_s: Samples,
    clinks_per_s: float,
    key_mm: float,
    shake_per_s: float,
) -> Samples:
    """A bunch of flat steel pieces shaken: short bright clinks in bouts, each piece with many damped modes."""
    shake = np.abs(np.sin(np.pi * shake_per_s * (time_s + 0.1 * walk(2.0, -1, 1, "hand")))) ** 1.5
    shake *= walk(1.0, 0.3, 1.3, "bouts")
    at_s = poisson_times(n, rate_hz, rng, 1.7 * clinks_per_s * shake)
    modes = 55 / key_mm * np.sort(body.uniform(2200, 14_000, (7, 20)), axis=1)
    chosen = modes[rng.integers(0, 7, len(at_s))] * rng.uniform(0.97, 1.03, (len(at_s), 1))
    gains = rng.lognormal(0, 0.9, (len(at_s), 1)) * rng.lognormal(0, 0.7, chosen.shape)
    decays = rng.uniform(0.3, 1.7, chosen.size) * 0.0028
    ring = rings(n, rate_hz, np.repeat(at_s, chosen.shape[1]), gains.ravel(), chosen.ravel(), decays)
    tick = band(clicks(n, rate_hz, rng, at_s, gains[:, 0], 0.002), rate_hz, 2000, None, 1)
    return 0.02 * (unit_rms(ring) + 0.12 * unit_rms(tick))


def dishes(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    hits_per_s: float,
    plate_mm: float,
    cutlery_ratio: float,
) -> Samples:
    """One clatter of plates (dense modes, damped by hands and stack) and of cutlery."""
    plates = 220 / plate_mm * np.sort(body.uniform(700, 7500, (5, 16)), axis=1)
    spread_s = min(0.3, 1.5 / hits_per_s)
    at_s = 0.002 + np.array([0.0, rng.uniform(0.015, 0.06), rng.uniform(0.05, 0.16)])
    modes = plates[rng.integers(0, 5)]
    damping_s = rng.uniform(0.0022, 0.017) * np.sqrt(1500 / modes)
    loud = rng.lognormal(0, 0.5)
    gains = loud * rng.lognormal(0, 0.8, (3, 16)) * (1500 / modes) ** 0.4
    china = rings(n, rate_hz, np.repeat(at_s, 16), gains.ravel(), np.tile(modes, 3), np.tile(damping_s, 3))
    bodies = blows(n, rate_hz, rng, at_s, loud, peaked(700, 4, 4), [20, 16, 12, 10, 8, 6, 5, 4, 3])
    forks = rng.poisson(2 * cutlery_ratio)
    pieces = rng.uniform(2500, 9000, (forks, 8))
    steel = rings(
        n,
        rate_hz,
        np.repeat(spread_s * rng.random(forks), 8),
        rng.lognormal(-0.5, 0.6, pieces.size),
        pieces.ravel(),
        rng.uniform(0.004, 0.04, pieces.size),
    )
    return 0.025 * (china + 0.9 * bodies + 0.7 * cutlery_ratio * steel)


_TABLE: Final = ("people", "foley", "machines", "nature", "music")

CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="glass_breaking",
        audioset=("Shatter", "Glass", "Breaking", "Smash, crash"),
        singular="breaking glass",
        plural="breaking windows",
        phrases=("breaking glass", "shattering glass", "window breaks", "smashed bottle", "broken glass"),
        imagenet=("window screen", "beer bottle", "wine bottle", "water bottle"),
        family="foley",
        knobs=(
            Knob("crashes_per_s", 0.1, 0.4, 1, "1/s", "how often something breaks"),
            Knob("pane_m", 0.1, 0.5, 1.5, "m", "size of the pane"),
            Knob("shards", 30, 80, 300, "", "how many shards"),
            Knob("fall_s", 0.2, 0.45, 0.9, "s", "how long they fall"),
        ),
        drives={"crashes_per_s": "onsets", "pane_m": "area"},
        together=_TABLE,
        source=Room(Events(shattering, "crashes_per_s", 2.2, jitter=0.1, first=0.12), 0.5, 0.25, 7000, floor=0.001),
    ),
    SoundClass(
        name="glass_clink",
        audioset=("Chink, clink", "Glass"),
        singular="a clink of glasses",
        plural="clinking glasses",
        phrases=("clinking glasses", "cheers", "toast", "chink"),
        imagenet=("goblet", "red wine", "beer glass", "cocktail shaker"),
        family="foley",
        knobs=(
            Knob("clinks_per_s", 0.2, 1.2, 5, "1/s", "how often"),
            Knob("glass_hz", 1500, 2600, 4500, "Hz", "pitch of the glasses"),
            Knob("ring_s", 0.015, 0.04, 0.15, "s", "how long they ring"),
        ),
        drives={"clinks_per_s": "onsets"},
        together=_TABLE,
        source=Room(Events(clink, "clinks_per_s", 0.9, jitter=0.25), 0.4, 0.2, 7000, floor=0.001),
    ),
    SoundClass(
        name="coins",
        audioset=("Coin (dropping)",),
        singular="a coin that drops",
        plural="coins",
        phrases=("coins", "dropping coins", "money", "loose change", "coin on a table"),
        imagenet=("piggy bank", "slot", "purse", "vending machine"),
        imagenet_against=("padlock",),
        family="foley",
        knobs=(
            Knob("coins_per_s", 0.5, 4, 8, "1/s", "how many fall"),
            Knob("diameter_mm", 16, 23, 32, "mm", "size of a coin"),
            Knob("table_ratio", 0, 0.62, 1, "", "how much the table sounds"),
        ),
        drives={"coins_per_s": "onsets"},
        together=_TABLE,
        source=Room(Events(coin, "coins_per_s", 1.3, jitter=0.5), 0.4, 0.2, 7000, floor=0.003),
    ),
    SoundClass(
        name="keys",
        audioset=("Keys jangling", "Jingle, tinkle"),
        singular="a jangling bunch of keys",
        plural="jangling keys",
        phrases=("keys", "jangling keys", "bunch of keys", "key ring"),
        imagenet=("padlock", "combination lock"),
        imagenet_against=("piggy bank",),
        family="foley",
        knobs=(
            Knob("clinks_per_s", 15, 75, 150, "1/s", "how many keys strike each other"),
            Knob("key_mm", 35, 70, 90, "mm", "length of a key"),
            Knob("shake_per_s", 1, 3, 6, "1/s", "how quickly they are shaken"),
        ),
        drives={"clinks_per_s": "activity"},
        worked=True,
        together=_TABLE,
        source=Room(Texture(keys, 2.0, 0.1), 0.3, 0.15, 8000, floor=0.007),
    ),
    SoundClass(
        name="dishes",
        audioset=("Dishes, pots, and pans", "Cutlery, silverware"),
        singular="clattering dishes",
        plural="clattering dishes",
        phrases=("dishes", "washing up", "plates and cutlery", "pots and pans", "setting the table", "cutlery"),
        imagenet=("plate", "plate rack", "dishwasher", "dining table", "frying pan", "wok", "soup bowl", "spatula"),
        family="foley",
        knobs=(
            Knob("hits_per_s", 1, 6, 15, "1/s", "how busy it is"),
            Knob("plate_mm", 120, 265, 320, "mm", "size of a plate"),
            Knob("cutlery_ratio", 0, 0.4, 2, "", "how much cutlery there is"),
        ),
        drives={"hits_per_s": "activity"},
        worked=True,
        together=_TABLE,
        source=Room(Events(dishes, "hits_per_s", 0.6, "poisson"), 0.4, 0.25, 5000, floor=0.007),
    ),
)
