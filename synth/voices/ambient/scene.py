"""What the ambient voice sees: frames in; what is in the picture, what moves, and how much, out.

After Zhou et al., "Visual to Sound" (CVPR 2018, arXiv 1712.01393): one row of features a control frame, appearance
beside motion. Theirs were VGG-19's and those of a network over optical flow; ours are the packaged EfficientNet-Lite0's
and 15 numbers read off the flow by hand, because nothing may be downloaded and no licensed video is there to train on.

Frames are taken as they come. The network looks at every eighth, about two a second: scenes change slower than
that, and a look costs as much as eleven frames of flow. Kept are 60 bytes a frame and 5 kilobytes a picture, 6.6 MB
for ten minutes; and the sums from which the cues of :mod:`synth.models.selector` come.

Lengths are in picture sides: x in widths, y in heights, so that numbers do not depend on resolution.
Shapes: T = frames, K = pictures that the network looked at, M = 15 motion numbers, H x W = one frame.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.errors import Cancelled
from synth.models.vocabulary.sound_selector import word_probabilities
from synth.voices.ambient.image_cues import Cues
from synth.voices.ambient.optical_flow import MOTION as MOTION
from synth.voices.ambient.optical_flow import RATE_HZ as RATE_HZ
from synth.voices.ambient.optical_flow import Motion, activity_of
from synth.voices.base import CancelPoll, Frame, Progress, ignore_progress, never_cancelled

if TYPE_CHECKING:
    from synth.models.imagenet import ImageNetEye

FRAME_SIZE: Final = (224, 224)
"""Width and height that the network sees; pictures are squeezed to a square, as crops were in its training."""

FEATURES: Final = 1280
CLASSES: Final = 1000

EVERY: Final = 8
"""The network looks at each eighth frame: 1.95 pictures a second."""

_AT_ONCE: Final = 2  # so that the network looks while frames are decoded, and little is left to look at behind them
_WAITING: Final = 8  # such pairs, at most: pictures that wait take memory
_Answers = tuple[NDArray[np.float32], NDArray[np.float32]]


class Eye(Protocol):
    """What looks at pictures; :class:`synth.models.imagenet.ImageNetEye` is one."""

    def features_and_classes(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """RGB [K, H, W, 3] -> features [K, 1280] and class answers [K, 1000]."""
        ...


@dataclass(frozen=True)
class Seen:
    """One clip as the ambient voice sees it.

    Attributes:
        appearance: float32 [K, 1280], pooled features of the pictures that the network looked at.
        appearance_index: int64 [T], for each frame the row of the latest of them.
        motion: float32 [T, 15], columns as in :data:`MOTION`.
        activity: float32 [T], 0..1: how much moves by itself; see
            :func:`synth.voices.ambient.optical_flow.activity_of`.
        position: float32 [T], where what moves by itself is, from the left, 0..1; what was before where nothing moves.
        logits_mean: float32 [1000], the network's class answers, mean over the pictures.
        words: float64 [1000], the probability of each word, mean over the pictures; see
            :func:`synth.models.vocabulary.sound_selector.word_probabilities`.
        cues: name -> number, measured on the whole clip; see :class:`synth.voices.ambient.image_cues.Cues`.
    """

    appearance: NDArray[np.float32]
    appearance_index: NDArray[np.int64]
    motion: NDArray[np.float32]
    activity: NDArray[np.float32]
    position: NDArray[np.float32]
    logits_mean: NDArray[np.float32]
    words: NDArray[np.float64]
    cues: Mapping[str, float]


@functools.cache
def word_eye() -> Eye:
    """The packaged network on the input that it was trained on: for whoever reads its class answers as words.

    Raises:
        WeightsError: its package is missing or damaged.
    """
    from synth.models.imagenet import TRAINED_INPUT

    return packaged_eye().fed(TRAINED_INPUT)


@functools.cache
def packaged_eye() -> ImageNetEye:
    """The packaged ImageNet network on the input that the shipped networks know it by, loaded once a process.

    Raises:
        WeightsError: its package is missing or damaged.
    """
    from synth import weights
    from synth.models.imagenet import ImageNetEye  # only now: it brings torch

    return ImageNetEye(weights.load_imagenet())


def look(
    frames: Iterable[Frame],
    *,
    expected_frames: int = 0,
    eye: Eye | None = None,
    every: int = EVERY,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Seen:
    """Look at a clip once, in order.

    Args:
        frames: uint8 [H, W, 3] at :data:`RATE_HZ`; of any one size, best :data:`FRAME_SIZE`.
        expected_frames: about how many will come, for the progress only.
        eye: what looks at pictures; the packaged network where none is given.
        every: it looks at the first of so many frames.
        progress: told ``("look", fraction)``.
        cancelled: polled every frame.

    Returns:
        Rows for as many frames as came; none came: no rows, and zeros where a mean is asked for.

    Raises:
        WeightsError: the packaged network is missing or damaged.
        Cancelled: ``cancelled()`` turned true.
    """
    eye = eye or packaged_eye()
    motion, cues = Motion(), Cues()
    rows: list[NDArray[np.float32]] = []
    waiting: list[Frame] = []
    features: list[NDArray[np.float32]] = []
    classes, words = np.zeros(CLASSES), np.zeros(CLASSES)
    positions: list[float | None] = []
    # In a thread beside this one, in which frames are waited for and their motion is measured.
    with ThreadPoolExecutor(1, "scene") as pool:
        glances: list[Future[_Answers]] = []
        for index, frame in enumerate(frames):
            if cancelled():
                raise Cancelled("stopped while looking at the picture")
            rows.append(motion.step(frame))
            cues.add(frame, rows[-1], motion.difference)
            positions.append(motion.position)
            if index % every == 0:
                waiting.append(frame.copy())
            if len(waiting) == _AT_ONCE:
                if len(glances) >= _WAITING:
                    glances[-_WAITING].result()
                glances.append(pool.submit(eye.features_and_classes, np.stack(waiting)))
                waiting.clear()
                progress("look", (index + 1) / max(index + 1, expected_frames))
        if waiting:
            glances.append(pool.submit(eye.features_and_classes, np.stack(waiting)))
        for glance in glances:
            seen, answers = glance.result()
            features.append(seen)
            words += len(answers) * word_probabilities(answers)
            classes += answers.sum(0, dtype=np.float64)
    return _conclude(rows, positions, features, classes, words, cues, every)


def _conclude(
    rows: list[NDArray[np.float32]],
    positions: list[float | None],
    features: list[NDArray[np.float32]],
    classes: NDArray[np.float64],
    words: NDArray[np.float64],
    cues: Cues,
    every: int,
) -> Seen:
    if not rows:
        none = np.zeros(0, np.float32)
        logits = np.zeros(CLASSES, np.float32)
        empty = np.zeros((0, FEATURES), np.float32), np.zeros(0, np.int64), np.zeros((0, len(MOTION)), np.float32)
        return Seen(*empty, none, none, logits, words, cues.means())
    appearance = np.concatenate(features)
    if len(rows) > 1:
        rows[0] = rows[1].copy()  # nothing was before the first frame: it moves as the next one does
        rows[0][MOTION.index("cut")] = 0
    motion = np.stack(rows)
    return Seen(
        appearance=appearance,
        appearance_index=np.arange(len(rows)) // every,
        motion=motion,
        activity=activity_of(motion),
        position=_held(positions),
        logits_mean=(classes / len(appearance)).astype(np.float32),
        words=words / len(appearance),
        cues=cues.means(),
    )


def _held(positions: list[float | None]) -> NDArray[np.float32]:
    """Positions [T] without gaps: what was before, at the start what comes first, the middle where nothing ever is."""
    known = [(index, value) for index, value in enumerate(positions) if value is not None]
    if not known:
        return np.full(len(positions), 0.5, np.float32)
    places, values = zip(*known, strict=True)
    latest = np.searchsorted(places, np.arange(len(positions)), side="right") - 1
    return np.asarray(np.array(values)[np.maximum(latest, 0)], np.float32)
