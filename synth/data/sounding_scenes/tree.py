"""A small tree of labels: what a thing is, from the general to the particular; how far two labels are apart in it.

Stands in for the hierarchy of AudioSet's labels that nDCG gains are taken from (Arandjelovic and Zisserman, ECCV 2018,
arXiv 1712.06651, section 4.1). Importable without torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from synth.errors import OptionError
from synth.materials import MATERIALS

_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "soft": ("carpet", "cloth", "paper", "plastic-bag"),
    "ground": ("dirt", "grass", "gravel", "leaf"),
    "hard": ("ceramic", "drywall", "glass", "rock", "tile"),
    "stiff": ("metal", "plastic", "wood"),
    "liquid": ("water",),
}

TREE: Final[Mapping[str, tuple[str, ...]]] = {
    "chainsaw": ("machine", "motor", "chainsaw"),
    "clock_tick": ("machine", "clockwork", "clock_tick"),
    "crackling_fire": ("nature", "fire", "crackling_fire"),
    "crying_baby": ("human", "voice", "crying_baby"),
    "dog": ("animal", "mammal", "dog"),
    "helicopter": ("machine", "motor", "helicopter"),
    "rain": ("nature", "water", "rain"),
    "rooster": ("animal", "fowl", "rooster"),
    "sea_waves": ("nature", "water", "sea_waves"),
    "sneezing": ("human", "body", "sneezing"),
    "bell": ("instrument", "percussion", "bell"),
    "drum": ("instrument", "percussion", "drum"),
    "siren": ("machine", "alarm", "siren"),
    "engine": ("machine", "motor", "engine"),
    "whistle": ("instrument", "wind", "whistle"),
    "bird": ("animal", "fowl", "bird"),
    "speech": ("human", "voice", "speech"),
    "hammer": ("impact", "tool", "hammer"),
    **{name: ("impact", family, name) for family, names in _FAMILIES.items() for name in names},
}
"""The path of each class and of each of the 17 materials, from below the root."""

assert set(MATERIALS) <= set(TREE)


def tree_distance(a: str, b: str) -> int:
    """Edges between two labels: 0 for the same, up to 6.

    Raises:
        OptionError: a label is not in the tree.
    """
    for label in (a, b):
        if label not in TREE:
            raise OptionError(f"the label {label!r} is not in the tree; allowed are {', '.join(TREE)}")
    one, other = TREE[a], TREE[b]
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    return len(one) + len(other) - 2 * shared
