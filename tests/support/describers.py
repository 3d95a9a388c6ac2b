"""A tiny real describer, so that what follows from a description can be tested without weights.

What is bright in the picture sounds; a loud take fits better than a quiet one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.description.description import (
    MAP_SIDE,
    SPACES,
    Description,
    Side,
    Tag,
    TakeDescription,
    Texture,
    Unit,
    Vector,
)
from synth.media import video
from synth.media.picture.views import Views

PICTURES = 4


@dataclass
class FlashDescriber:
    """Maps are how bright the picture is where; vectors are one number of the sound, repeated."""

    described: int = 0
    before: Callable[[], None] = lambda: None
    looked: int = 0
    before_looking: Callable[[], None] = lambda: None

    def see(self, source: Path, cancelled: Callable[[], bool], *, views: Views | None = None) -> None:
        """Looks only when it describes; tells that it was asked."""
        self.before_looking()
        self.looked += 1

    def describe(
        self,
        source: Path,
        sounds: Sequence[tuple[NDArray[np.float32], int]],
        cancelled: Callable[[], bool] = lambda: False,
        *,
        views: Views | None = None,
        seen: None = None,
    ) -> Description:
        self.before()
        self.described += 1
        info = video.probe(source)
        times_s = tuple((number + 0.5) * info.duration_s / PICTURES for number in range(PICTURES))
        frames = list(video.read_frames(source, rate_hz=20, width=56, height=56))
        shown = [frames[min(len(frames) - 1, round(20 * time_s))].mean(axis=2) / 255 for time_s in times_s]
        bright = np.stack([cv2.resize(one, (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA) for one in shown])
        unit = Unit(7, "thunder", 2.5, bright.astype(np.float32))
        takes = tuple(_take(bright.astype(np.float32), sound) for sound, _ in sounds)
        return Description(times_s, _vectors(Side.PICTURE, 1.0), takes, (unit,), {"look": 0.25, "listen": 0.125})


def _take(bright: NDArray[np.float32], sound: NDArray[np.float32]) -> TakeDescription:
    loud = float(np.clip(np.abs(sound).max(initial=0.0), 0, 1))
    return TakeDescription(
        tags=(Tag("crackling fire", 0.5 + 0.4 * loud), Tag("rain", 0.2)),
        correspondence=0.5 + 0.3 * loud,
        distance=1.2 - loud,
        texture=Texture(2, 0.9, 0.62, 5, 0.4),
        maps={"avol": bright, "attention": np.sqrt(bright)},
        firmness={"avol": float(bright.max()), "attention": float(np.sqrt(bright).max())},
        vectors=_vectors(Side.SOUND, loud),
    )


def _vectors(side: Side, lean: float) -> tuple[Vector, ...]:
    vectors = []
    for space, size in SPACES.items():
        values = np.ones(size, np.float32)
        values[0] += lean
        vectors.append(Vector(space, side, values / np.linalg.norm(values)))
    return tuple(vectors)
