"""Words of recordings and of pictures, brought to one form so that they can be compared: "Barking_Dogs-02" and "dog".

English only, by hand: endings are cut off, words that every library is full of are left out, and a few families of
words stand for each material and each ambient class. Nothing here is learned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from synth.ambient_classes import AMBIENT_CLASSES
from synth.materials import MATERIALS

_SPOKEN: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ENDINGS: Final = ("ings", "ing", "ers", "er", "ies", "es", "ed", "s", "y", "e")
_SHORTEST: Final = 3  # what is left of a word
_USELESS: Final = """
wav wave flac ogg opus mp3 aif aiff m4a mono stereo take rec recording sound sounds sample samples sfx fx foley audio
free library pack the and with from for loop mix edit final version clip file edited derived
"""
_EVERYWHERE: Final = frozenset(_USELESS.split())

_MATERIALS: Final[Mapping[str, str]] = {
    "carpet": "carpet rug mat",
    "ceramic": "ceramic mug cup plate dish porcelain pottery vase bowl china",
    "cloth": "cloth fabric pillow cushion cotton blanket towel curtain sofa couch textile leather",
    "dirt": "dirt soil earth ground mud sand",
    "drywall": "drywall wall plaster plasterboard",
    "glass": "glass bottle window jar",
    "grass": "grass lawn meadow hay",
    "gravel": "gravel pebble pebbles shingle rubble",
    "leaf": "leaf leaves foliage bush shrub plant branch twig",
    "metal": "metal steel iron metallic pipe can tin railing pan pot clang anvil hammer bell brass copper chain",
    "paper": "paper cardboard book carton newspaper page",
    "plastic": "plastic bucket tub lego polystyrene styrofoam toy",
    "plastic-bag": "plasticbag bag polythene sack crinkle rustle",
    "rock": "rock stone brick concrete boulder marble",
    "tile": "tile tiles tiled",
    "water": "water splash drip plop sink pool puddle",
    "wood": "wood wooden door knock table desk plank timber board log drumstick furniture",
}
_CLASSES: Final[Mapping[str, str]] = {
    "chainsaw": "chainsaw saw motorsaw",
    "clock_tick": "clock tick ticking watch timepiece tock",
    "crackling_fire": "fire crackling campfire bonfire fireplace flame burning ember",
    "crying_baby": "baby infant toddler newborn cry crying",
    "dog": "dog bark barking puppy hound woof",
    "helicopter": "helicopter chopper rotor",
    "rain": "rain raindrop downpour drizzle shower storm",
    "rooster": "rooster cock cockerel crow crowing",
    "sea_waves": "sea ocean surf beach shore coast seaside waves",
    "sneezing": "sneeze sneezing achoo",
}


def stem(word: str) -> str:
    """A word without its ending: ``barking``, ``barks`` and ``bark`` become one."""
    short = word.lower()
    for ending in _ENDINGS:
        if short.endswith(ending) and len(short) - len(ending) >= _SHORTEST:
            return short[: -len(ending)]
    return short


def words_of(*texts: str) -> tuple[str, ...]:
    """Stems of the words of names or sentences, each once, in their order; numbers and words of no use left out."""
    found: dict[str, None] = {}
    for text in texts:
        for word in _SPOKEN.findall(text):
            if len(word) >= _SHORTEST and word.lower() not in _EVERYWHERE:
                found[stem(word)] = None
    return tuple(found)


@cache
def material_words(material: str) -> frozenset[str]:
    """Stems that speak for one of :data:`synth.materials.MATERIALS`."""
    return frozenset(map(stem, _MATERIALS[material].split()))


@cache
def class_words(name: str) -> frozenset[str]:
    """Stems that speak for one of :data:`synth.ambient_classes.AMBIENT_CLASSES`."""
    return frozenset(map(stem, _CLASSES[name].split()))


def of_materials(chances: Mapping[str, float]) -> dict[str, float]:
    """Stem -> how much it is wanted, 0..1, where materials are wanted so much."""
    return _spread((material_words(name), chances[name]) for name in MATERIALS if chances.get(name))


def of_classes(chances: Mapping[str, float]) -> dict[str, float]:
    """Stem -> how much it is wanted, 0..1, where ambient classes are wanted so much."""
    return _spread((class_words(name), chances[name]) for name in AMBIENT_CLASSES if chances.get(name))


def _spread(families: Iterable[tuple[frozenset[str], float]]) -> dict[str, float]:
    wanted: dict[str, float] = {}
    for family, chance in families:
        for word in family:
            wanted[word] = max(wanted.get(word, 0.0), chance)
    return wanted
