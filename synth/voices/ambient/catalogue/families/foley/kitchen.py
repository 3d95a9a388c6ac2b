"""The kitchen: chopping, frying."""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.bursts import blows, clicks, peaked
from synth.voices.ambient.catalogue.parts.spectra import band, drift, unit_peak, unit_rms
from synth.voices.ambient.catalogue.parts.timing import poisson_times
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room

_BOARD_MS: Final = 0.9 * np.array([25.0, 18, 13, 10, 7, 5, 4, 3, 2])
_DRAG_DB: Final = np.array([-30.0, -24, -16, -10, -6, -3, 0, 0, -2])


def chop(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    body: np.random.Generator,
    chops_per_s: float,
    crisp_ratio: float,
    board_mm: float,
) -> Samples:
    """A knife through something crisp, then the board (the accent, after .06 s), then the blade drawn back."""
    board_s = 0.06
    levels = peaked(1300 * board_mm / 25 * body.uniform(0.85, 1.2), 4, 5) + body.normal(0, 1.5, 9)
    board = unit_peak(blows(n, rate_hz, rng, board_s, 1.0, levels, _BOARD_MS))
    cuts_s = board_s - rng.uniform(0, 0.05, 16)
    crisp = band(clicks(n, rate_hz, rng, cuts_s, rng.lognormal(0, 0.7, 16), 0.003), rate_hz, 1000, 9000, 1)
    drag_s = board_s + min(0.45 / chops_per_s, 0.25)
    drag = unit_peak(blows(n, rate_hz, rng, drag_s, 1.0, _DRAG_DB, 40.0, 3.0, 0.02))
    return 0.6 * rng.uniform(0.4, 1) * (board + 0.35 * crisp_ratio * unit_peak(crisp) + 0.022 * drag)


def frying(n: int, rate_hz: int, rng: np.random.Generator, pops_per_s: float, hiss_ratio: float) -> Samples:
    """Water flashing to steam in hot fat: a steady hiss of tiny bursts and some loud pops."""
    grains_s = poisson_times(n, rate_hz, rng, 2500.0)
    sizzle = clicks(n, rate_hz, rng, grains_s, rng.lognormal(0, 0.45, len(grains_s)), 0.0007)
    sizzle = band(sizzle, rate_hz, 3900, 12_000, 1) * drift(n, rate_hz, rng, 8, 0.91, 1.09)
    at_s = poisson_times(n, rate_hz, rng, pops_per_s)
    loud = np.minimum(rng.pareto(2, len(at_s)), 6) + 0.1
    pops = band(clicks(n, rate_hz, rng, at_s, loud, rng.uniform(0.0008, 0.004, len(at_s))), rate_hz, 1200, 9000, 1)
    spitting = min(1.0, float(np.sqrt(pops_per_s / 16)))
    return 0.05 * (hiss_ratio * unit_rms(sizzle) + spitting * unit_rms(pops))


_KITCHEN: Final = ("people", "foley", "machines", "nature", "music")

CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(
        name="chopping_food",
        audioset=("Chopping (food)", "Chop"),
        singular="a knife that chops",
        plural="chopping knives",
        phrases=("chopping vegetables", "chopping food", "cutting onions", "knife on a board", "slicing"),
        imagenet=("cleaver", "cucumber", "zucchini", "bell pepper", "head cabbage", "broccoli", "carbonara"),
        imagenet_against=("letter opener",),
        family="foley",
        knobs=(
            Knob("chops_per_s", 1, 3.2, 8, "1/s", "how quickly somebody chops"),
            Knob("crisp_ratio", 0, 0.3, 1, "", "how crisp the food is"),
            Knob("board_mm", 12, 25, 45, "mm", "thickness of the board"),
        ),
        drives={"chops_per_s": "onsets"},
        impacts=True,
        together=_KITCHEN,
        source=Room(Events(chop, "chops_per_s", 0.6, jitter=0.12, lead_s=0.06), 0.3, 0.2, floor=0.006),
    ),
    SoundClass(
        name="frying",
        audioset=("Frying (food)", "Sizzle"),
        singular="frying food",
        plural="frying pans",
        phrases=("frying", "sizzling pan", "bacon frying", "frying eggs", "sizzle", "barbecue"),
        imagenet=("frying pan", "wok", "spatula", "stove", "cheeseburger"),
        family="foley",
        knobs=(
            Knob("pops_per_s", 5, 16, 80, "1/s", "how much it spits"),
            Knob("hiss_ratio", 0.5, 1, 2, "", "how much it sizzles"),
        ),
        drives={"pops_per_s": "activity"},
        together=_KITCHEN,
        source=Texture(frying, 2.0, 0.3),
    ),
)
