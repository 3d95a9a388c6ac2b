"""The ten ambient classes: those of ESC-10 (Piczak, "ESC: Dataset for Environmental Sound Classification", 2015)."""

from typing import Final

AMBIENT_CLASSES: Final[tuple[str, ...]] = (
    "chainsaw",
    "clock_tick",
    "crackling_fire",
    "crying_baby",
    "dog",
    "helicopter",
    "rain",
    "rooster",
    "sea_waves",
    "sneezing",
)
"""Names in alphabetical order: the order of every ten-way answer."""

DISPLAY_NAMES: Final[dict[str, str]] = {
    "chainsaw": "chainsaw",
    "clock_tick": "ticking clock",
    "crackling_fire": "crackling fire",
    "crying_baby": "crying baby",
    "dog": "barking dog",
    "helicopter": "helicopter",
    "rain": "rain",
    "rooster": "crowing rooster",
    "sea_waves": "sea waves",
    "sneezing": "sneezing person",
}
"""What a person reads."""
