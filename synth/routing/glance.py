"""A first, quick look at a clip, before a voice is chosen: does somebody talk, is something struck, what is the scene?

Frames come at 15 Hz. Once a second faces are looked for, and the mouth of the largest is held against the rest of its
face over a quarter of a second: a mouth that moves talks, a face that is still does not. For two seconds of every five,
and after each cut, the hits voice's network listens; in the middle of them the packaged network looks at a picture, and
colours and motion are measured for a second, as :mod:`synth.models.selector` wants them. At two moments of each it
looks again, on the input that it was trained on, for :mod:`synth.models.vocabulary.sound_selector`. What is kept does
not grow with the picture's size.

Shapes: H x W = one frame, 64 x 64 = a face, S = steps of the hits voice's network (90 a second).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth import weights
from synth.errors import Cancelled
from synth.models.vocabulary.sound_selector import word_probabilities
from synth.voices.ambient import scene
from synth.voices.ambient.image_cues import Cues
from synth.voices.ambient.optical_flow import COARSE_SIDE, Motion, is_cut
from synth.voices.base import CancelPoll, Frame, Progress, ignore_progress, never_cancelled
from synth.voices.hits import voice
from synth.voices.speech import face_detection as faces
from synth.voices.speech import mouth_crops

if TYPE_CHECKING:
    from synth.media.video import VideoInfo
    from synth.models.two_stream import TwoStream

RATE_HZ: Final = voice.VIDEO_RATE_HZ
HEIGHT_PX: Final = 240

_FACE_HEIGHT_PX: Final = 168  # faces are looked for in a smaller picture still
_FACE_SHARE: Final = 0.12
_FACE_EVERY: Final = 15  # frames from one look for faces to the next
_MOUTH_FRAMES, _FEWEST_NEAR = 5, 3
_CODING_NOISE: Final = 8.0  # grey levels
_WINDOW, _PERIOD, _SHORTEST = 30, 75, 8  # frames that are listened to, from start to start, and at least
_CUES_FRAMES: Final = 16

_MOUTH_ROWS, _MOUTH_COLUMNS = slice(36, 56), slice(18, 46)
_REST_ROWS, _REST_COLUMNS = slice(10, 32), slice(12, 52)


@dataclass(frozen=True)
class FaceLook:
    """The largest face at one moment.

    Attributes:
        time_s: when.
        height: of its box, as a share of the picture's; 0 where no face was found.
        mouth: how much the mouth changes in a seventh of a second, in deviations of the face's own brightness.
        rest: the same of the eyes and the forehead.
    """

    time_s: float
    height: float = 0.0
    mouth: float = 0.0
    rest: float = 0.0


@dataclass(frozen=True, eq=False)
class Window:
    """Two seconds or less that were looked at closely.

    Attributes:
        start_s, end_s: from the first frame to beyond the last.
        onset: float32 [S], probability that something is struck.
        loudness: float32 [S], what the hits voice's network expects to hear, mean over its bands.
        logits: float32 [1000], what the packaged network takes the picture in the middle for, on the input that the
            hits voice's network knows it by.
        words: float64 [1000], what it takes two pictures for on the input that it was trained on; see
            :func:`synth.models.vocabulary.sound_selector.word_probabilities`.
        cues: of colours and motion, see :data:`synth.voices.ambient.image_cues.CUES`.
    """

    start_s: float
    end_s: float
    onset: NDArray[np.float32]
    loudness: NDArray[np.float32]
    logits: NDArray[np.float32]
    words: NDArray[np.float64]
    cues: Mapping[str, float]


@dataclass(frozen=True)
class Glance:
    """What was seen of a clip.

    Attributes:
        duration_s: of its picture.
        cuts_s: when another scene begins, in order.
        faces: one a second.
        windows: in order.
    """

    duration_s: float
    cuts_s: tuple[float, ...]
    faces: tuple[FaceLook, ...]
    windows: tuple[Window, ...]


def frame_size(info: VideoInfo) -> tuple[int, int]:
    """Width and height of the frames that :func:`glance` wants: not distorted, and never enlarged."""
    height = min(HEIGHT_PX, info.height)
    return max(2, round(info.width * height / info.height)), height


def glance(
    frames: Iterable[Frame],
    duration_s: float,
    *,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Glance:
    """Look at a clip once, in order.

    Args:
        frames: uint8 [H, W, 3] at :data:`RATE_HZ`, of the size of :func:`frame_size`.
        duration_s: length of the picture.
        progress: told ``("route", fraction)``.
        cancelled: polled every frame.

    Raises:
        WeightsError: weights are missing or damaged.
        Cancelled: ``cancelled()`` turned true.
    """
    expected = max(1.0, duration_s * RATE_HZ)
    # Windows are listened to in a thread beside this one, in which frames are waited for and faces are found.
    with ThreadPoolExecutor(1, "glance") as pool:
        looker = _Looker(pool)
        for index, frame in enumerate(frames):
            if cancelled():
                raise Cancelled("stopped while choosing a voice")
            looker.see(index, frame)
            if index % _FACE_EVERY == 0:
                progress("route", min(1.0, index / expected))
        looker.end()
        windows = tuple(window.result() for window in looker.windows)
    return Glance(duration_s, tuple(looker.cuts_s), tuple(looker.faces), windows)


class _Looker:
    """Frame after frame in; cuts, faces and windows out."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self.cuts_s: list[float] = []
        self.faces: list[FaceLook] = []
        self.windows: list[Future[Window]] = []
        self._coarse: NDArray[np.float32] | None = None
        self._after_cut = False
        self._near: list[Frame] = []  # frames from a look for faces on, as many as the mouth is watched for
        self._near_from = 0
        self._open: list[Frame] = []  # the frames of the window that is open
        self._opened = self._next = 0

    def see(self, index: int, frame: Frame) -> None:
        """One more frame."""
        if self._cut(frame):
            self.cuts_s.append(index / RATE_HZ)
            self._watch_mouth()
            self._close()
            self._next = index
        if not self._open and index >= self._next:
            self._opened, self._next = index, index + _PERIOD
        if index < self._opened + _WINDOW:
            self._open.append(frame.copy())
        else:
            self._close()
        if index % _FACE_EVERY == 0:
            self._near_from = index
        if index < self._near_from + _MOUTH_FRAMES and (self._near or index == self._near_from):
            self._near.append(frame.copy())
        else:
            self._watch_mouth()

    def end(self) -> None:
        """There are no more."""
        self._watch_mouth()
        self._close()

    def _cut(self, frame: Frame) -> bool:
        """Whether another scene begins with this frame; two in a row are none, but something wild before the lens."""
        small = cv2.resize(frame, (COARSE_SIDE, COARSE_SIDE), interpolation=cv2.INTER_AREA).mean(2).ravel()
        now = np.asarray(small, np.float32)
        before, self._coarse = self._coarse, now
        self._after_cut = before is not None and not self._after_cut and is_cut(before, now)
        return self._after_cut

    def _watch_mouth(self) -> None:
        """Look for a face in the first of the frames at hand, and hold its mouth against the rest of it."""
        near, self._near = self._near, []
        if len(near) >= _FEWEST_NEAR:
            self.faces.append(_face(near, self._near_from / RATE_HZ))

    def _close(self) -> None:
        frames, self._open = self._open, []
        if len(frames) >= _SHORTEST:
            if len(self.windows) > 1:
                self.windows[-2].result()  # frames that wait take memory
            self.windows.append(self._pool.submit(_listen, frames, self._opened / RATE_HZ))


def _face(near: list[Frame], time_s: float) -> FaceLook:
    height, width = near[0].shape[:2]
    scale = min(1.0, _FACE_HEIGHT_PX / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(near[0], size, interpolation=cv2.INTER_AREA), np.uint8)
    found = faces.detect(small, min_share=_FACE_SHARE)
    if not found:
        return FaceLook(time_s)
    face = found[0]
    seen = np.stack([mouth_crops.crop(one, face.points / scale, mouth_crops.FACE) for one in near]).astype(np.float32)
    change = np.abs(seen[2:] - seen[:-2]).mean(0) / (float(seen.std()) + _CODING_NOISE)
    return FaceLook(
        time_s,
        height=face.box[3] / size[1],
        mouth=float(change[_MOUTH_ROWS, _MOUTH_COLUMNS].mean()),
        rest=float(change[_REST_ROWS, _REST_COLUMNS].mean()),
    )


def _listen(frames: list[Frame], start_s: float) -> Window:
    """One window: the hits voice's network, the packaged network, colours and motion."""
    from synth.models.vocabulary.materials import evidence
    from synth.voices.hits import detector

    model = _ear()
    shown = np.stack([frames[len(frames) // 4], frames[3 * len(frames) // 4]])
    words = word_probabilities(scene.word_eye().features_and_classes(shown)[1])
    features, classes = scene.packaged_eye().features_and_classes(frames[len(frames) // 2][None])
    picture = np.concatenate([features[0], evidence(classes)[0]])
    size = model.config.width, model.config.height
    grey = [cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for frame in frames]
    heard = detector.hear_arrays(model, np.stack(grey).astype(np.uint8), picture)
    motion, cues = Motion(), Cues()
    for frame in frames[:_CUES_FRAMES]:
        cues.add(frame, motion.step(frame), motion.difference)
    end_s = start_s + len(frames) / RATE_HZ
    return Window(start_s, end_s, heard.onset, heard.cochleagram.mean(1), classes[0], words, cues.means())


@functools.cache
def _ear() -> TwoStream:
    """The hits voice's network, loaded once a process."""
    from synth.voices.hits import detector

    loaded = weights.load(voice.NETWORK)
    return detector.build(loaded.tensors, loaded.metadata)[0]
