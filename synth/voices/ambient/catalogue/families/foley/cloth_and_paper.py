"""Zippers, paper and scissors."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.bursts import blows, clicks, peaked
from synth.voices.ambient.catalogue.parts.modes import struck
from synth.voices.ambient.catalogue.parts.spectra import band, bump, drift, painted_noise, unit_peak, unit_rms
from synth.voices.ambient.catalogue.parts.timing import at_times, poisson_times
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_CLICK_MS: Final = 4.4 * np.array([2, 1.7, 1.5, 1.3, 1.2, 1, 1, 0.8, 0.7])


def zipper(n: int, rate_hz: int, rng: np.random.Generator, teeth_per_s: float, pull_s: float) -> Samples:
    """The slider runs over the teeth, faster and higher as the pull goes on; cloth and tape hiss along."""
    length = min(n, int(rate_hz * pull_s * rng.uniform(0.8, 1.2)))
    place = np.linspace(0, 1, length)
    speed = (0.3 + 0.7 * place**1.3) * np.minimum(1, 12 * (1 - place)) * np.minimum(1, 20 * place)
    speed *= rng.uniform(0.85, 1.15)
    teeth = np.cumsum(speed * teeth_per_s) / rate_hz
    at_s = np.flatnonzero(np.diff(np.floor(teeth)) > 0) / rate_hz
    at_s = at_s + rng.normal(0, 0.03 / teeth_per_s, len(at_s))
    loud = at_times(speed, at_s, rate_hz) * rng.lognormal(0, 0.4, len(at_s))
    clack = band(clicks(length, rate_hz, rng, at_s, loud, 0.0007), rate_hz, 1600, None, 1)

    def level(t: Samples, f: Samples) -> Samples:
        now = at_times(speed, t, rate_hz)
        return np.asarray(now * bump(f, 2000 + 3500 * now, 0.8))

    cloth = painted_noise(length, rate_hz, rng, level, 0.0107)
    return 0.6 * unit_peak(unit_rms(clack) + 0.08 * unit_rms(cloth))


def tear(n: int, rate_hz: int, rng: np.random.Generator, tear_s: float) -> Samples:
    """Fibres that snap one after another, the sheet's sound rising as the tear speeds up."""
    length = min(n, int(rate_hz * tear_s * rng.uniform(0.7, 1.2)))
    place = np.linspace(0, 1, length)
    rate = (600 + 2400 * place) * np.sin(np.pi * place) ** 0.4 * drift(length, rate_hz, rng, 25, 0.3, 1.7)
    at_s = poisson_times(length, rate_hz, rng, rate)
    gains = rng.lognormal(0, 1, len(at_s))
    fibres = clicks(length, rate_hz, rng, at_s, gains, rng.uniform(0.0006, 0.003, len(at_s)))
    sheet = band(fibres, rate_hz, 900, None, 1) * (0.5 + 0.5 * place)
    return 0.6 * unit_peak(sheet + 0.5 * band(fibres, rate_hz, 2500, 12_000, 1) * place)


def crumple(n: int, rate_hz: int, rng: np.random.Generator, squeeze_s: float, stiff_ratio: float) -> Samples:
    """Paper crushed in a hand: facets that buckle, clicks of power-law loudness (Houle and Sethna, 1996), each a short
    ring of the sheet."""
    length = min(n, int(rate_hz * squeeze_s * rng.uniform(0.8, 1.4)))
    place = np.linspace(0, 1, length)
    rate = 260 * np.sin(np.pi * place) ** 0.6 * drift(length, rate_hz, rng, 9, 0.05, 1.8) ** 2
    at_s = poisson_times(length, rate_hz, rng, rate)
    gains = np.minimum(rng.pareto(1.3, len(at_s)) + 0.15, 12)
    snaps = clicks(length, rate_hz, rng, at_s, gains, rng.uniform(0.0008, 0.007, len(at_s)))
    low_hz = 900 + 1500 * stiff_ratio
    return 0.6 * unit_peak(band(snaps, rate_hz, low_hz, 12_000, 1) + 0.3 * band(snaps, rate_hz, 400, 1500, 1))


def snip(
    n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator, snips_per_s: float, blade_mm: float
) -> Samples:
    """Blades slide along each other (a rising scrape), close with a click (the accent, after .12 s) and open again."""
    close_s = 0.12
    open_s = close_s + rng.uniform(0.35, 0.5) / snips_per_s
    length = min(n, int(rate_hz * (open_s + 0.15)))
    time_s = np.arange(length) / rate_hz
    slide, where = np.zeros(length), np.zeros(length)
    for end_s, gain, long_s in ((close_s, 1.0, 0.075), (open_s, 0.65, 0.06)):
        since = (time_s - end_s + long_s) / long_s
        on = (since > 0) & (since < 1)
        slide[on], where[on] = gain * since[on] ** 0.7, since[on]

    def level(t: Samples, f: Samples) -> Samples:
        centre_hz = (3000 + 3500 * at_times(where, t, rate_hz)) * np.sqrt(80 / blade_mm)
        return np.asarray(at_times(slide, t, rate_hz) * bump(f, centre_hz, 0.8))

    scrape = painted_noise(length, rate_hz, rng, level, 0.0107)
    at_s, gains = (close_s, open_s), (rng.uniform(0.6, 1), 0.65 * rng.uniform(0.5, 1))
    click = blows(length, rate_hz, rng, at_s, gains, peaked(3000, 6, 3), _CLICK_MS)
    modes = np.sort(body.uniform(2500, 12_000, 12)) * 80 / blade_mm
    ping = struck(length, rate_hz, rng, at_s, gains, modes, body.uniform(0.004, 0.02, 12), 0.0)
    return 0.5 * (unit_peak(click) + 0.04 * unit_rms(scrape) + 0.13 * unit_peak(ping))


_QUIET: Final = ("people", "foley", "machines", "nature", "music")

CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="zipper",
        audioset=("Zipper (clothing)",),
        singular="a zipper",
        plural="zippers",
        phrases=("zipper", "zip", "unzipping a bag", "closing a jacket"),
        imagenet=("sleeping bag", "backpack", "jean", "purse", "mountain tent"),
        family="foley",
        knobs=(
            Knob("pulls_per_s", 0.3, 1, 2, "1/s", "how often"),
            Knob("teeth_per_s", 80, 380, 500, "1/s", "how quickly it is pulled"),
            Knob("pull_s", 0.25, 0.6, 1.5, "s", "how long a pull lasts"),
        ),
        drives={"pulls_per_s": "onsets"},
        together=_QUIET,
        source=Room(Events(zipper, "pulls_per_s", 1.8, jitter=0.1, first=0.15), 0.25, 0.15, floor=0.0021),
    ),
    SoundClass(
        name="paper_tearing",
        audioset=("Tearing", "Crumpling, crinkling"),
        singular="tearing paper",
        plural="tearing paper",
        phrases=("tearing paper", "ripping paper", "torn cloth", "tearing"),
        imagenet=("toilet tissue", "envelope", "paper towel", "packet"),
        family="foley",
        knobs=(
            Knob("tears_per_s", 0.3, 0.8, 2, "1/s", "how often"),
            Knob("tear_s", 0.2, 0.7, 2, "s", "how long a tear takes"),
        ),
        drives={"tears_per_s": "onsets"},
        together=_QUIET,
        source=Room(Events(tear, "tears_per_s", 2.4, jitter=0.1, first=0.1), 0.25, 0.2, floor=0.0019),
    ),
    SoundClass(
        name="paper_crumpling",
        audioset=("Crumpling, crinkling", "Rustle"),
        singular="crumpling paper",
        plural="crumpling paper",
        phrases=("crumpling paper", "rustling paper", "crisp packet", "newspaper", "wrapping paper", "plastic bag"),
        imagenet=("plastic bag", "packet", "comic book", "crossword puzzle", "diaper"),
        family="foley",
        knobs=(
            Knob("squeezes_per_s", 0.3, 0.9, 3, "1/s", "how often"),
            Knob("squeeze_s", 0.3, 1, 2.5, "s", "how long it takes"),
            Knob("stiff_ratio", 0, 0.5, 1, "", "how stiff the paper is"),
        ),
        drives={"squeezes_per_s": "activity"},
        worked=True,
        together=_QUIET,
        source=Room(Events(crumple, "squeezes_per_s", 3.6, jitter=0.2, first=0.05), 0.25, 0.15, floor=0.002),
    ),
    SoundClass(
        name="scissors",
        audioset=("Scissors",),
        singular="a pair of scissors",
        plural="scissors",
        phrases=("scissors", "cutting hair", "cutting paper", "haircut", "snipping"),
        imagenet=("barbershop",),
        family="foley",
        knobs=(
            Knob("snips_per_s", 0.7, 2.6, 4, "1/s", "how often"),
            Knob("blade_mm", 40, 80, 160, "mm", "length of the blades"),
        ),
        drives={"snips_per_s": "onsets"},
        together=_QUIET,
        source=Room(Events(snip, "snips_per_s", 1.1, jitter=0.08, first=0.3, lead_s=0.12), 0.3, 0.2, 7000, floor=0.003),
    ),
)
