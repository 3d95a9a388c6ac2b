"""What a worker says of a picture, a sound or a clip that somebody searches with: its vectors. The search is the web's.

Questions have a queue of their own, so that nobody waits behind a job for an answer: a single worker listens to it with
a thread of its process (:mod:`workers.tasks.quick_lane`), beside several there is a process for it. Either loads the
nets when it starts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.description.description import Side, Vector
from synth.errors import MediaError
from synth.search import query

_LOADING: Final = threading.Lock()


class Embeds(Protocol):
    """Who makes vectors of pictures and sounds: :class:`synth.description.describer.Describer`."""

    def of_picture(self, pictures: NDArray[np.uint8]) -> tuple[Vector, ...]:
        """Of pictures [K, H, W, 3] taken together, one a space."""
        ...

    def of_sound(self, sound: NDArray[np.float32], rate_hz: int) -> tuple[Vector, ...]:
        """Of a sound [N], one a space."""
        ...


def embedder() -> Embeds:
    """The one of this process, with its weights.

    Raises:
        WeightsError: they are not there.
    """
    from synth.description.describer import describer  # loads torch

    with _LOADING:  # else whoever comes while it is warmed up would load all of it a second time
        return describer()


def warm_up() -> None:
    """Make this process one that answers searches: load the nets and use each once, because the first use is slow.

    It computes in one thread: a query is small, and threads that wait for each other beside a running job cost more
    than they gain (a picture took 4.5 s with two threads and 0.4 s with one, on two cores with seven busy programs).

    Raises:
        WeightsError: weights are missing.
    """
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    use_once()


def use_once() -> None:
    """Load the nets, and use each once. Raises WeightsError."""
    ready = embedder()
    ready.of_picture(np.zeros((query.PICTURES, 224, 224, 3), np.uint8))
    ready.of_picture(np.zeros((1, 224, 224, 3), np.uint8))
    ready.of_sound(np.zeros(44_100, np.float32), 44_100)


def answer(source: Path, by: str | None, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """What a file looks and sounds like; the ``result`` of the question.

    Args:
        by: a :class:`Side` that alone is wanted; ``None`` for what there is.

    Raises:
        MediaError: it is no picture, sound or clip, breaks a limit, or lacks what is wanted.
        WeightsError: weights are missing.
        Cancelled: ``cancelled`` said so.
    """
    found = query.read(source, cancelled)
    vectors: list[Vector] = []
    if found.pictures is not None and by != Side.SOUND:
        vectors += embedder().of_picture(found.pictures)
    if found.sound is not None and by != Side.PICTURE:
        vectors += embedder().of_sound(*found.sound)
    if not vectors:
        raise MediaError(f"the file is a {found.kind} without {by}; choose what it has to search by")
    return {"outputs": [], "kind": found.kind, "vectors": [_as_json(vector) for vector in vectors]}


def _as_json(vector: Vector) -> dict[str, Any]:
    return {"space": vector.space, "side": vector.side.value, "values": [round(float(one), 6) for one in vector.values]}
