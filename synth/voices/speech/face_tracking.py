"""Faces followed through a clip of any length: who is where in each frame, and crops of their mouths and faces.

Every eighth of a second a frame is looked at; between two looks landmarks are interpolated, and all are smoothed, so
that an answer comes about a second after its frame. A face that is missed for a moment is bridged; one that is lost
for longer is not seen until it is back, and then keeps its number. Nothing is interpolated or smoothed across a cut.
What is kept does not grow with the length of the clip.

Shapes: H x W = one frame, 64 x 64 = one crop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.errors import Cancelled
from synth.voices.ambient import optical_flow
from synth.voices.base import CancelPoll, Frame, Progress, ignore_progress, never_cancelled
from synth.voices.speech import face_detection, mouth_crops
from synth.voices.speech.face_landmarks import Track, margin_of, matched

Doubles = NDArray[np.float64]
Pixels = NDArray[np.uint8]

LOOK_EVERY_S: Final = 0.12
"""At 25 frames a second every third is looked at."""

BRIDGED_S: Final = 0.4
"""Between two sightings that are no further apart, landmarks are interpolated."""

MOST_TRACKS: Final = 4
"""So many faces are followed at once, the largest."""

_REMEMBERED: Final = 16  # lost faces that may come back


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face in one frame.

    Attributes:
        track: whose face it is: a number that stays with it, counted from 0 as faces appear.
        mouth: uint8 [64, 64], grey, :data:`synth.voices.speech.mouth_crops.MOUTH`.
        face: uint8 [64, 64], grey, :data:`synth.voices.speech.mouth_crops.FACE`.
        points: float64 [5, 2], smoothed landmarks in pixels of the frame.
    """

    track: int
    mouth: Pixels
    face: Pixels
    points: Doubles


def follow(
    frames: Iterable[Frame],
    rate_hz: float,
    *,
    expected_frames: int = 0,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Iterator[tuple[Sighting, ...]]:
    """Follow all faces of a clip: for each frame, in order, who is seen in it, in order of their numbers.

    Args:
        frames: uint8 [H, W, 3] in RGB, pixels square, all of one size.
        rate_hz: frames a second.
        expected_frames: about how many will come, for the progress only.
        progress: told ``("faces", fraction)``.
        cancelled: polled every frame.

    Yields:
        As many items as frames came, each about a second of frames late; an empty one where no face is seen.

    Raises:
        WeightsError: the detector is missing or damaged.
        Cancelled: ``cancelled()`` turned true.
    """
    follower = _Follower(rate_hz)
    for count, frame in enumerate(frames, 1):
        if cancelled():
            raise Cancelled("stopped while looking for faces")
        follower.add(frame)
        yield from follower.ready()
        if count % 25 == 0:
            progress("faces", count / max(count, expected_frames))
    follower.end()
    yield from follower.ready()


class _Follower:
    """Frames in, sightings out as soon as they are settled."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.every = max(1, round(LOOK_EVERY_S * rate_hz))
        self.bridged = max(self.every, round(BRIDGED_S * rate_hz))
        self.margin = margin_of(rate_hz)
        self.tracks: list[Track] = []
        self.born = 0
        self.index = -1  # of the newest frame
        self.looked = -1  # the newest frame that was looked at
        self.newest: Frame | None = None
        self.coarse: NDArray[np.float32] | None = None
        self.waiting: deque[Pixels] = deque()  # grey frames that were not told yet
        self.told = 0  # frames that were
        self.ended = False

    def add(self, frame: Frame) -> None:
        """One more frame: looked at when its turn has come, or when it begins another scene."""
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        coarse = optical_flow.coarse(grey)
        if self.coarse is not None and optical_flow.is_cut(self.coarse, coarse):
            self._look_at_newest()  # the last of the old scene
            for track in self.tracks:
                track.open = False
            self.looked = -1
        self.coarse, self.newest = coarse, frame
        self.waiting.append(grey)
        self.index += 1
        if self.looked < 0 or self.index - self.looked >= self.every:
            self._look_at_newest()

    def end(self) -> None:
        """No more frames will come: the last one is looked at, and all that is open is settled."""
        self._look_at_newest()
        self.ended = True

    def ready(self) -> Iterator[tuple[Sighting, ...]]:
        """The frames that nothing still to come can change, told and forgotten."""
        settled = min([self.looked, *(track.last_seen - self.margin for track in self.tracks if track.open)])
        if self.ended:
            settled = self.index
        while self.told <= settled:
            grey = self.waiting.popleft()
            sightings = []
            for track in self.tracks:
                points = track.points(self.told, self.rate_hz)
                if points is not None:
                    mouth, whole = (
                        mouth_crops.crop(grey, points, one) for one in (mouth_crops.MOUTH, mouth_crops.FACE)
                    )
                    sightings.append(Sighting(track.number, mouth, whole, points))
            yield tuple(sorted(sightings, key=lambda one: one.track))
            self.told += 1
        for track in self.tracks:
            track.forget_before(self.told - self.margin)

    def _look_at_newest(self) -> None:
        if self.newest is None or self.looked == self.index:
            return
        found = face_detection.detect(self.newest)[:MOST_TRACKS]
        self.looked = self.index
        for track in self.tracks:
            if self.index - track.last_seen > self.bridged:
                track.open = False
        for known, face in matched(self.tracks, found):
            if known is None:
                known = Track(self.born)
                self.born += 1
                self.tracks.append(known)
            known.see(self.index, face)
        # Who is longest lost is forgotten, but not before all frames were told in which it is seen.
        self.tracks.sort(key=lambda track: -track.last_seen)
        self.tracks = [
            track for place, track in enumerate(self.tracks) if place < _REMEMBERED or track.last_seen >= self.told
        ]
