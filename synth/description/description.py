"""What is known of a clip once its picture was looked at and its takes were heard.

Made by :mod:`synth.description.describer` as the last stage of a job; kept in the job's row, in the retrieval index and
as heat map files. Importable without torch.

Shapes: K pictures of the clip, maps of 14 x 14 positions, vectors of D numbers whose length is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.shapes import Arrays

SPACES: Final[Mapping[str, int]] = {"ave": 128, "crossmodal": 128}
"""Embedding spaces by name, with their dimensions. Vectors of one space compare across pictures and sounds.

Takes are ranked in AVE-Net's; the search goes by the crossmodal one unless asked otherwise: real pictures find more of
what they show in it (``sonorize eval crossmodal``).
"""

MAP_SIDE: Final = 14


class Side(StrEnum):
    """What a vector was made of."""

    PICTURE = "picture"
    SOUND = "sound"


@dataclass(frozen=True, repr=False)
class Vector(Arrays):
    """A point in one of the :data:`SPACES`.

    Attributes:
        space: its name.
        side: what was embedded.
        values: float32 [D], of length one, so that a scalar product is the cosine.
    """

    space: str
    side: Side
    values: NDArray[np.float32]

    def __post_init__(self) -> None:
        self.require(values="D")


@dataclass(frozen=True)
class Tag:
    """A word for what is heard, and how sure the tagger is, 0..1."""

    name: str
    probability: float

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"name": self.name, "probability": round(self.probability, 4)}


@dataclass(frozen=True)
class Texture:
    """What the statistics of a sound (Owens et al., ECCV 2016) say of it.

    Attributes:
        cluster: the nearest cluster of sound textures.
        distance: to its centre, in standard deviations a number of the texture.
        typicality: share of the training sounds that lie farther from their own centre, 0..1; low is odd.
        expected: the cluster that the picture makes one expect; ``None`` where it was not looked at.
        expected_probability: of that cluster, 0..1.
    """

    cluster: int
    distance: float
    typicality: float
    expected: int | None = None
    expected_probability: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "cluster": self.cluster,
            "distance": round(self.distance, 4),
            "typicality": round(self.typicality, 4),
            "expected": self.expected,
            "expected_probability": None if self.expected_probability is None else round(self.expected_probability, 4),
        }


@dataclass(frozen=True)
class TakeDescription:
    """What was heard in one take.

    Attributes:
        tags: the likeliest first.
        correspondence: probability that sound and picture belong together (L3-Net), 0..1.
        distance: between sound and picture in the AVE space, 0..2; takes are ranked by it.
        texture: of the sound.
        maps: where the sound comes from, by method (``avol``, ``attention``): float32 [K, 14, 14] in 0..1.
        firmness: the highest value of each method's maps, 0..1; where it is low nothing in the picture sounds.
        vectors: of the sound.
    """

    tags: tuple[Tag, ...]
    correspondence: float
    distance: float
    texture: Texture | None = None
    maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    firmness: Mapping[str, float] = field(default_factory=dict)
    vectors: tuple[Vector, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; maps and vectors are kept elsewhere."""
        return {
            "tags": [tag.as_json() for tag in self.tags],
            "correspondence": round(self.correspondence, 4),
            "distance": round(self.distance, 4),
            "texture": self.texture.as_json() if self.texture else None,
            "firmness": {name: round(value, 4) for name, value in self.firmness.items()},
        }


@dataclass(frozen=True)
class Unit:
    """A unit of L3-Net's picture tower that this clip excites more than other pictures do.

    Attributes:
        number: its place in the tower's last layer.
        likes: what sounds in the training clips that excite it most.
        strength: how far this clip's peak lies above the usual one, in standard deviations.
        maps: where it is excited, float32 [K, 14, 14] in 0..1.
    """

    number: int
    likes: str
    strength: float
    maps: NDArray[np.float32]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, without the maps."""
        return {"number": self.number, "likes": self.likes, "strength": round(self.strength, 3)}


@dataclass(frozen=True)
class Description:
    """What was seen in a clip and heard in each of its takes.

    Attributes:
        times_s: of the K pictures that were looked at.
        vectors: of the picture.
        takes: in the order of the takes.
        units: of L3-Net, the most excited first.
        stages_s: what was done -> wall seconds.
    """

    times_s: tuple[float, ...]
    vectors: tuple[Vector, ...]
    takes: tuple[TakeDescription, ...]
    units: tuple[Unit, ...] = ()
    stages_s: Mapping[str, float] = field(default_factory=dict)

    def ranking(self) -> tuple[int, ...]:
        """Numbers of the takes, the one whose sound lies nearest to the picture first; ties keep their order."""
        return tuple(sorted(range(len(self.takes)), key=lambda take: self.takes[take].distance))
