"""Words that turn a sound's knobs: how much, how far, how large, how quick, how high."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from synth.voices.ambient.catalogue.entry import Knob, SoundClass

LEVEL_RANGE_DB: Final = (-30.0, 12.0)
_GEOMETRIC_FROM: Final = 4.0
"""A knob whose range spans this ratio is turned in equal ratios, any other in equal steps."""


@dataclass(frozen=True)
class Modifier:
    """What a word asks for.

    Attributes:
        dimension: of :data:`DIMENSIONS`, or ``level``, ``pan``, ``surface``.
        amount: -1 (all the way down) .. 1 (all the way up); for ``level`` in dB, for ``pan`` the pan.
        after: whether it usually follows what it is said of.
    """

    dimension: str
    amount: float
    after: bool = False


# dimension -> patterns of the knobs that it may turn, likest first; "-" in front: the knob runs the other way.
DIMENSIONS: Final[dict[str, tuple[str, ...]]] = {
    "intensity": (
        "(drops|stones|bubbles|pops|crackles|shells|planes|cars)_per_s",
        "speed_m_s",
        "(roar|flow|force|rapids|spray|foam|hiss|split|crisp)_ratio",
        "force|effort|density|excitement|distress|pressure_bar|thrust|load|airflow|suction|wetness|gulps_per_s",
        "height_m|waves_per_s|flutter_per_s|strikes_per_s|splashes_per_s",
    ),
    "distance": ("distance_m", "shore_m", "-nearness"),
    "size": (
        "size(_m+)?",
        "(pane|door|log|stone|key|blade|nail|plate|glass|drop|table|diameter|grit|calibre|wheel|nozzle)_(m|mm|um)",
        "diameter_mm|weight_kg|height_m|board_mm",
        "-pitch(_hz)?|-hz|-(low|strike|root|pot|basin|glass|grate|peak|high)_hz",
    ),
    "pitch": ("pitch(_hz)?|hz|(low|strike|root|pot|basin|glass|grate|peak|high|fan|flutter)_hz", "rpm", "-size(_m+)?"),
    "rate": (
        "(?!teeth|grains|slips|gust|clinks|drops|stones|bubbles|pops|crackles|flutter).*_per_s",
        "(stitch|blow|wing|clapper)_hz|rounds_per_min",
        "rpm|speed_kmh|speed_mps|rotor_rpm|drum_rpm|full_rpm|turn_hz",
        "-(gap|period|cadence|sweep|wail|pass)_s",
        "(clinks|drops|bubbles|pops|crackles|stones|flutter|gust)_per_s",
    ),
    "speed": (
        "speed_kmh|speed_mps|speed_m_s",
        "rpm|rotor_rpm|high_rpm|full_rpm|drum_rpm|turn_hz",
        "(?!teeth|grains|slips|gust|clinks|drops|stones|bubbles|pops|crackles|flutter).*_per_s",
        "(stitch|blow)_hz|rounds_per_min|teeth_per_s|-(gap|period|sweep|wail|pass)_s",
        "(drops|stones|bubbles|flutter|gust|clinks)_per_s",
    ),
    "duration": ("duration(_s)?|(hold|ring|creak|tear|pull|burst|beep|squeeze|slide|roll|crank|fill)_s",),
    "count": (
        "people|frogs|crickets|bees|shards|pins|density|(cars|planes|coins)_per_s",
        "flock|pack|chorus|others",
    ),
    "room": ("room_s|hall_s",),
    "brightness": ("brightness(_hz)?|hardness|heel_ratio|harshness|whistle_ratio",),
    "roughness": ("harshness|roughness|distress",),
    "wetness": ("wet_ratio|wetness", "-dry_ratio"),
    "excitement": ("excitement|distress|effort|harshness|high_rpm",),
    "hollowness": ("hollow_ratio|table_ratio|wood_ratio",),
}
_WHOLE: Final = frozenset(
    [
        "people",
        "frogs",
        "crickets",
        "bees",
        "shards",
        "pins",
        "tubes",
        "beeps",
        "grunts",
        "chimes",
        "strokes",
        "cylinders",
        "blades",
    ]
)

_WORDS: Final = """
heavy intensity .75|strong intensity .7|hard intensity .6|intense intensity .75|violent intensity .95
torrential intensity 1|fierce intensity .85|powerful intensity .75|roaring intensity .7|raging intensity .9
howling intensity .7|blazing intensity .7|thick intensity .6|dense intensity .6|steady intensity 0|busy intensity .6
moderate intensity .1|light intensity -.65|soft intensity -.6|softly intensity -.6 +|gentle intensity -.65
gently intensity -.65 +|slight intensity -.7|weak intensity -.7|faint level -9|faintly level -9 +|mild intensity -.5
heavily intensity .75 +|strongly intensity .7 +|lightly intensity -.65 +|violently intensity .95 +|subtle level -8
loud level 6|loudly level 6 +|louder level 6 +|quiet level -8|quietly level -8 +|quieter level -8 +|deafening level 9
muffled level -6|background level -8|barely audible level -12 +|in the background level -8 +
far distance .7 +|far away distance .7 +|far off distance .7 +|distant distance .7|in the distance distance .7 +
remote distance .8|away distance .5 +|afar distance .7 +|from afar distance .7 +|on the horizon distance .9 +
near distance -.7|nearby distance -.6 +|close distance -.75|close by distance -.7 +|close up distance -.9 +
next to us distance -.8 +|overhead distance -.7 +|right here distance -.9 +
big size .6|large size .6|huge size .9|giant size 1|enormous size 1|massive size .9|great size .5|grand size .5
small size -.6|tiny size -.9|little size -.6|miniature size -.9|young size -.6|old size .4
high pitch .6|high pitched pitch .7|shrill pitch .85|squeaky pitch .8|low pitch -.6|low pitched pitch -.7
deep voiced pitch -.75|high voiced pitch .7|deep pitch -.75|bass pitch -.8
fast speed .7|quick speed .6|quickly speed .6 +|rapid speed .8|rapidly speed .8 +|swift speed .6|hurried speed .6
hasty speed .6|racing speed .8|full speed speed 1 +|speeding speed .9|hurrying speed .6 +|running speed .8
slow speed -.7|slowly speed -.7 +|leisurely speed -.5|sluggish speed -.8|lazy speed -.6|idle speed -.8
frequent rate .6|frequently rate .6 +|often rate .5 +|constant rate .6|constantly rate .7 +|incessant rate .9
continuous rate .5|repeated rate .4|repeatedly rate .5 +|rare rate -.8|rarely rate -.8 +|occasional rate -.6
occasionally rate -.6 +|sometimes rate -.6 +|now and then rate -.7 +|sporadic rate -.7|single rate -.9|once rate -.9 +
lone count -.9|solitary count -.9|few count -.5|several count .35|many count .7|lots of count .7|a lot of count .7
crowded count .7|hundreds of count 1|pack of count .6|flock of count .6|swarm of count .8|herd of count .6
long duration .7|lengthy duration .7|short duration -.7|brief duration -.7|quick short duration -.7
echoing room .8|echo room .8|reverberant room .8|in a hall room .8 +|in a church room .95 +|in a cave room .95 +
in a cathedral room 1 +|in a tunnel room .8 +|in a large room room .5 +|in a small room room -.5 +|outdoors room -.9 +
outside room -.8 +|in a gym room .8 +
bright brightness .7|sharp brightness .7|dull brightness -.7|dark brightness -.6|mellow brightness -.6
warm brightness -.5|hoarse roughness .7|rough roughness .7|harsh roughness .8|smooth roughness -.7
wet wetness .7|soggy wetness .8|dry wetness -.7|damp wetness .4|moist wetness .3
excited excitement .7|angry excitement .8|nervous excitement .6|calm intensity -.6|calmly intensity -.6 +
peaceful intensity -.7|wild intensity .8|furious excitement .9|aggressive excitement .8|upset excitement .7
hollow hollowness .8|on the left pan -.8 +|to the left pan -.8 +|from the left pan -.8 +|left pan -.8
on the right pan .8 +|to the right pan .8 +|from the right pan .8 +|right pan .8|in the middle pan 0 +
in the center pan 0 +|in the centre pan 0 +|centered pan 0
"""
_STRONGER: Final = frozenset(["very", "extremely", "really", "so", "super", "incredibly", "terribly", "extra", "too"])
_WEAKER: Final = frozenset(["slightly", "somewhat", "fairly", "bit", "little", "rather", "quite", "moderately"])


def degree_of(word: str) -> float | None:
    """What an adverb does to the next modifier: a factor on its amount; None for any other word."""
    if word in _STRONGER:
        return 1.35
    return 0.5 if word in _WEAKER else None


def modifier_phrases() -> dict[str, Modifier]:
    """Phrase -> what it asks for."""
    found: dict[str, Modifier] = {}
    for entry in re.split(r"[|\n]", _WORDS.strip()):
        *words, dimension, amount = entry.removesuffix("+").split()
        found[" ".join(words)] = Modifier(dimension, float(amount), entry.endswith("+"))
    return found


def knob_of(sound: SoundClass, dimension: str) -> tuple[Knob, int] | None:
    """The knob of a sound that a dimension turns, and which way it runs (1 or -1); None where it has none."""
    for patterns in DIMENSIONS.get(dimension, ()):
        for pattern in _alternatives(patterns):
            for knob in sound.knobs:
                if re.fullmatch(pattern.removeprefix("-"), knob.name):
                    return knob, -1 if pattern.startswith("-") else 1
    return None


def _alternatives(patterns: str) -> list[str]:
    """The parts of ``a|-b|(c|d)_s`` that stand outside brackets."""
    return re.split(r"\|(?![^()]*\))", patterns)


def turned(knob: Knob, amount: float) -> float:
    """A knob's value, ``amount`` (-1 .. 1) of the way from its default to an end of its range."""
    amount = min(1.0, max(-1.0, amount))
    end = knob.high if amount > 0 else knob.low
    if min(knob.default, end) > 0 and knob.high >= _GEOMETRIC_FROM * max(knob.low, 1e-9):
        value = knob.default * (end / knob.default) ** abs(amount)
    else:
        value = knob.default + (end - knob.default) * abs(amount)
    return neat(knob, value)


def placed(knob: Knob, share: float) -> float:
    """A knob's value at a share (0 .. 1) of its whole range."""
    if knob.low > 0 and knob.high >= _GEOMETRIC_FROM * knob.low:
        return neat(knob, knob.low * (knob.high / knob.low) ** share)
    return neat(knob, knob.low + (knob.high - knob.low) * share)


def neat(knob: Knob, value: float) -> float:
    """A value inside the knob's range that is written with three digits, or as a whole number where things are
    counted."""
    rounded = round(value) if knob.name in _WHOLE else float(f"{value:.3g}")
    return float(min(knob.high, max(knob.low, rounded)))
