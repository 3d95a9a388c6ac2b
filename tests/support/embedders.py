"""A tiny real embedder, so that the search can be tested without weights: vectors of how light and how loud it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.description.description import SPACES, Side, Vector


class LightsAndLevels:
    """Pictures by their mean light, sounds by their peak, both 0..1, as an angle of one plane."""

    def of_picture(self, pictures: NDArray[np.uint8]) -> tuple[Vector, ...]:
        return leaning(Side.PICTURE, float(pictures.mean()) / 255)

    def of_sound(self, sound: NDArray[np.float32], rate_hz: int) -> tuple[Vector, ...]:
        return leaning(Side.SOUND, float(np.abs(sound).max(initial=0.0)))


def leaning(side: Side, lean: float, space: str = "crossmodal") -> tuple[Vector, ...]:
    """A vector that turns with ``lean``: the nearer two leans, the greater the cosine."""
    values = np.zeros(SPACES[space], np.float32)
    values[:2] = np.cos(lean), np.sin(lean)
    return (Vector(space, side, values),)
