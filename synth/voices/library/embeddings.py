"""What nets hear in the recordings of a library, and see in the pictures that are to be sounded.

The sound vector is AVE's (see :mod:`synth.description.describer`): it compares with the picture's across modalities.
Tags are those of :mod:`synth.description.tags`. Where weights are not installed, libraries do without, and say so.
Importable without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from synth.description.description import Vector
    from synth.models.imagenet import ImageNetEye

SPACE: Final = "ave"
WEIGHTS: Final = "ave-small"
TAGS: Final = "tags-small"


@dataclass(frozen=True, eq=False)
class Also:
    """What nets hear in a recording; ``None`` where none listened."""

    vector: NDArray[np.float32] | None = None
    tags: Mapping[str, float] | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """What nets see in a picture.

    Attributes:
        answers: float32 [1000], ImageNet's probabilities.
        vector: float32 [128] of length one, in the space of the recordings' vectors; ``None`` without its weights.
    """

    answers: NDArray[np.float32]
    vector: NDArray[np.float32] | None


def vectors_by() -> str | None:
    """Whose the vectors of this installation are: the weights and their digest; ``None`` where there are none."""
    return _told(WEIGHTS)


def _told(name: str) -> str | None:
    found = weights.entries().get(name)
    return f"{name} {found.sha256[:16]}" if found else None


def entry() -> weights.Entry | None:
    """What the manifest says of the weights that make vectors; ``None`` where they are not installed."""
    return weights.entries().get(WEIGHTS)


class Ears:
    """The nets that this installation has, for recordings."""

    def __init__(self) -> None:
        self._vectors_by, self._tags_by = vectors_by(), _told(TAGS)

    @property
    def signature(self) -> str:
        """Who listens; a recording that others listened to is heard again."""
        return f"vectors by {self._vectors_by}, tags by {self._tags_by}"

    @property
    def told(self) -> dict[str, str]:
        """What is noted in the index."""
        return {"vectors_by": self._vectors_by or "", "tags_by": self._tags_by or ""}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person ought to know."""
        if self._vectors_by:
            return ()
        return (
            f"the weights {WEIGHTS!r} are not installed: pictures choose by words and by texture, not by what such "
            "pictures sound like",
        )

    def hear(self, sound: NDArray[Any], rate_hz: int) -> Also:
        """Listen to a recording [N]."""
        vector, tags = None, None
        if self._vectors_by is not None:
            from synth.description.describer import describer

            vector = _of_space(describer().of_sound(np.asarray(sound, np.float32), rate_hz))
        if self._tags_by is not None:
            from synth.description import tags as tagging

            tags = {tag.name: round(tag.probability, 4) for tag in tagging.load().tags(sound, rate_hz)}
        return Also(vector, tags)


def see(picture: NDArray[np.uint8]) -> Seen:
    """What a picture [H, W, 3] shows.

    Raises:
        WeightsError: weights are missing or damaged.
    """
    import torch

    from synth.models.reproducible import reproducible_inference

    sight = _eye().look(picture[None])
    answers = np.exp(sight.classes[0] - sight.classes[0].max())
    if vectors_by() is None:
        return Seen(answers / answers.sum(), None)
    from synth.description import nets

    with reproducible_inference():
        vector = nets.ave().embed_pictures(torch.from_numpy(sight.maps).float())[0].numpy()
    return Seen(answers / answers.sum(), np.asarray(vector, np.float32))


@cache
def _eye() -> ImageNetEye:
    from synth.models.imagenet import ImageNetEye

    return ImageNetEye(weights.load_imagenet())


def _of_space(vectors: Sequence[Vector]) -> NDArray[np.float32] | None:
    return next((one.values for one in vectors if one.space == SPACE), None)
