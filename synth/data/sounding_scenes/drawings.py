"""Things drawn from an integer, one drawing routine a class, and how a drawing comes into a picture.

All is drawn with polygons and lines (:mod:`synth.data.sounding_scenes.pen`), without any file. No two instances of a
class are alike: form, colours and pose come from the seed; place, size, turn and mirroring from the scene.

Importable without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.data.sounding_scenes import animals, instruments, machines, nature, people
from synth.data.sounding_scenes.pen import Pen
from synth.errors import OptionError

Draw: TypeAlias = Callable[[Pen, np.random.Generator, float], None]

DRAWINGS: Final[Mapping[str, Draw]] = {
    "chainsaw": machines.chainsaw,
    "clock_tick": machines.clock_tick,
    "crackling_fire": nature.crackling_fire,
    "crying_baby": people.crying_baby,
    "dog": animals.dog,
    "helicopter": machines.helicopter,
    "rain": nature.rain,
    "rooster": animals.rooster,
    "sea_waves": nature.sea_waves,
    "sneezing": people.sneezing,
    "bell": instruments.bell,
    "drum": instruments.drum,
    "siren": machines.siren,
    "engine": machines.engine,
    "whistle": instruments.whistle,
    "bird": animals.bird,
    "speech": people.speech,
    "hammer": instruments.hammer,
}
"""By class, in the order of ``CLASSES``."""

_TURN_DEG: Final[Mapping[str, float]] = {
    "hammer": 25,
    "whistle": 35,
    "chainsaw": 20,
    "bell": 18,
    "helicopter": 15,
    "sea_waves": 3,
    "rain": 4,
}
_USUAL_TURN_DEG: Final = 9.0
_SEEN: Final = 0.3  # opacity from which a pixel belongs to a thing


@dataclass(frozen=True)
class Look:
    """How one instance looks, apart from its place.

    Attributes:
        label: its class.
        seed: of its form and colours.
        size: of its longer side, as a share of the picture's side.
        turn_deg: counter-clockwise.
        mirrored: left and right changed.
    """

    label: str
    seed: int
    size: float
    turn_deg: float
    mirrored: bool


def draw_look(label: str, size: float, rng: np.random.Generator) -> Look:
    """An instance of a class.

    Raises:
        OptionError: the class is unknown.
    """
    if label not in DRAWINGS:
        raise OptionError(f"nothing is known to look like {label!r}; known are {', '.join(DRAWINGS)}")
    most = _TURN_DEG.get(label, _USUAL_TURN_DEG)
    return Look(label, int(rng.integers(2**31)), size, float(rng.uniform(-most, most)), bool(rng.random() < 0.5))


def patch_of(look: Look, time_s: float, side_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An instance at a time: RGB [h, w, 3] in 0..255 and its opacity [h, w] in 0..1, cut to what is seen of it.

    The longer side measures ``look.size * side_px`` at time 0, and about that at others.
    """
    layer_px = max(48, round(1.1 * look.size * side_px))
    colour, alpha = _layer(look, time_s, layer_px)
    scale = look.size * side_px / _longer_px(look, layer_px)
    left, top, right, bottom = _seen(alpha)
    width, height = max(2, round((right - left) * scale)), max(2, round((bottom - top) * scale))
    size = (width, height)
    return (
        np.asarray(cv2.resize(colour[top:bottom, left:right], size, interpolation=cv2.INTER_AREA), np.float32),
        np.asarray(cv2.resize(alpha[top:bottom, left:right], size, interpolation=cv2.INTER_AREA), np.float32),
    )


def _layer(look: Look, time_s: float, layer_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(look.seed)
    pen = Pen(layer_px, lit=float(rng.uniform(0.35, 0.6)))
    DRAWINGS[look.label](pen, rng, time_s)
    matrix = cv2.getRotationMatrix2D(((layer_px - 1) / 2, (layer_px - 1) / 2), look.turn_deg, 0.92)
    colour = cv2.warpAffine(pen.colour, matrix, (layer_px, layer_px), borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(pen.alpha, matrix, (layer_px, layer_px))
    if look.mirrored:
        colour, alpha = colour[:, ::-1], alpha[:, ::-1]
    return np.ascontiguousarray(np.clip(colour, 0, 255)), np.ascontiguousarray(alpha)


@lru_cache(maxsize=256)
def _longer_px(look: Look, layer_px: int) -> int:
    """Of the longer side at time 0; kept, because every picture of a scene asks for it again."""
    left, top, right, bottom = _seen(_layer(look, 0.0, layer_px)[1])
    return max(right - left, bottom - top)


def _seen(alpha: NDArray[np.float32]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero((alpha > _SEEN).any(1)), np.flatnonzero((alpha > _SEEN).any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
