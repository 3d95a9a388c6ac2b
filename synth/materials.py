"""The 17 materials of the Greatest Hits data set (Owens et al., CVPR 2016, arXiv 1512.08512)."""

from typing import Final

MATERIALS: Final[tuple[str, ...]] = (
    "carpet",
    "ceramic",
    "cloth",
    "dirt",
    "drywall",
    "glass",
    "grass",
    "gravel",
    "leaf",
    "metal",
    "paper",
    "plastic",
    "plastic-bag",
    "rock",
    "tile",
    "water",
    "wood",
)
"""Names as the data set's own label files spell them, in alphabetical order: the order of every 17-way head."""
