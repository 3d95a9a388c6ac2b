"""What an ImageNet classifier's answer says about which voice a clip wants, beside the words of the ambient classes.

Chosen by hand from the 1000 class names: what one strikes with or what is struck, animals, and what makes a sound that
no voice here makes. A drumstick in a hand is often taken for another stick: those count too.

Shapes: [1000] = class answers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.models.vocabulary.imagenet import NAMES
from synth.models.vocabulary.scenes import chances

STRIKING: Final = (
    "drum",
    "drumstick",
    "steel drum",
    "marimba",
    "gong",
    "maraca",
    "chime",
    "hammer",
    "hatchet",
    "cleaver",
    "racket",
    "tennis ball",
    "ping-pong ball",
    "croquet ball",
    "golf ball",
    "pool table",
    "wooden spoon",
    "ladle",
    "spatula",
    "mortar",
    "carpenter's kit",
    "plunger",
    "matchstick",
    "swab",
    "broom",
    "nail",
    "screw",
    "screwdriver",
    "plane",
    "typewriter keyboard",
    "computer keyboard",
    "space bar",
)
"""Names of what strikes, scratches or is struck."""

UNVOICED: Final = (
    "accordion",
    "acoustic guitar",
    "assault rifle",
    "banjo",
    "bassoon",
    "cello",
    "cornet",
    "electric guitar",
    "flute",
    "French horn",
    "grand piano",
    "harmonica",
    "harp",
    "oboe",
    "organ",
    "panpipe",
    "revolver",
    "rifle",
    "sax",
    "trombone",
    "upright",
    "violin",
)
"""Names of what sounds as no voice here does: instruments that are blown, bowed or plucked, and guns."""

ANIMALS: Final = range(398)
"""The animals are the first classes."""


def _numbers(words: tuple[str, ...]) -> list[int]:
    known = {name: number for number, name in reversed(list(enumerate(NAMES)))}
    return [known[word] for word in words]


_STRIKING: Final = _numbers(STRIKING)
_UNVOICED: Final = _numbers(UNVOICED)


def striking(logits: NDArray[np.floating]) -> float:
    """Probability of :data:`STRIKING`: [1000] -> 0..1."""
    return float(chances(logits)[_STRIKING].sum())


def unvoiced(logits: NDArray[np.floating]) -> float:
    """Probability of :data:`UNVOICED`: [1000] -> 0..1."""
    return float(chances(logits)[_UNVOICED].sum())


def animals(logits: NDArray[np.floating]) -> float:
    """Probability of :data:`ANIMALS`: [1000] -> 0..1."""
    return float(chances(logits)[ANIMALS.start : ANIMALS.stop].sum())
