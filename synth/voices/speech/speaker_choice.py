"""Whose lips are read: what is known about each face of a clip, and which of them speaks.

Who speaks is told by the mouth: how much it changes from frame to frame, less what the eyes and the nose change, so
that a turning head, a shaking camera and a coarse coding do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError, OptionError
from synth.voices.base import Frame
from synth.voices.speech.face_detection import MIN_SHARE
from synth.voices.speech.face_tracking import Sighting, follow

SHORTEST_S: Final = 0.4
"""What is seen for less time in all is taken for a mistake of the detector, or is of no use."""

_UPPER: Final = (slice(8, 34), slice(13, 51))  # of a face's crop: brows, eyes and the bridge of the nose
_LIPS: Final = (slice(10, 58), slice(8, 56))  # of a mouth's crop
_FAINT: Final = 6.0  # grey levels: no contrast below it is made larger


@dataclass(frozen=True)
class Presence:
    """One face over the whole clip.

    Attributes:
        track: its number in :func:`synth.voices.speech.face_tracking.follow`.
        first: the first frame that it is seen in.
        last: the last one.
        frames: how many it is seen in.
        gaps_s: when it is not seen, (from, to) in seconds in order, before its first frame and after its last too.
        x: mean place of its eyes, nose and mouth from left to right, in pixels.
        mouth_motion: change of the mouth from frame to frame less that of the upper face, each over its own
            contrast, mean over all pairs of frames; 0 or more, of a clip of GRID about 0.06 at 25 frames a second.
    """

    track: int
    first: int
    last: int
    frames: int
    gaps_s: tuple[tuple[float, float], ...]
    x: float
    mouth_motion: float


@dataclass
class _Tally:
    first: int
    last: int = -1
    frames: int = 0
    x_sum: float = 0.0
    motion_sum: float = 0.0
    pairs: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    before: Sighting | None = None

    def add(self, index: int, seen: Sighting) -> None:
        if index > self.last + 1:
            self.gaps.append((self.last + 1, index))
        elif self.before is not None:
            self.motion_sum += _mouth_motion(self.before, seen)
            self.pairs += 1
        self.last, self.before = index, seen
        self.frames += 1
        self.x_sum += float(seen.points[:, 0].mean())


class Attendance:
    """Frame after frame of sightings in, a :class:`Presence` for each face out; small however long the clip is."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.frames = 0
        self._tallies: dict[int, _Tally] = {}

    def add(self, sightings: Sequence[Sighting]) -> None:
        """The sightings of the next frame."""
        for seen in sightings:
            self._tallies.setdefault(seen.track, _Tally(self.frames)).add(self.frames, seen)
        self.frames += 1

    def presences(self) -> list[Presence]:
        """Every face that was seen for :data:`SHORTEST_S` or more, from left to right."""
        found = [
            self._presence(track, tally)
            for track, tally in self._tallies.items()
            if tally.frames >= SHORTEST_S * self.rate_hz
        ]
        return sorted(found, key=lambda one: (one.x, one.track))

    def _presence(self, track: int, tally: _Tally) -> Presence:
        gaps = [*tally.gaps, *([(tally.last + 1, self.frames)] if tally.last + 1 < self.frames else [])]
        return Presence(
            track=track,
            first=tally.first,
            last=tally.last,
            frames=tally.frames,
            gaps_s=tuple((start / self.rate_hz, end / self.rate_hz) for start, end in gaps),
            x=tally.x_sum / tally.frames,
            mouth_motion=max(0.0, tally.motion_sum / max(tally.pairs, 1)),
        )

    def speaker(self, wanted: int | None = None) -> Presence:
        """Whose lips are to be read: the most mouth motion in all, or the one that is asked for.

        Args:
            wanted: counted from the left, from 1.

        Raises:
            OptionError: there are fewer faces.
            MediaError: there is none.
        """
        found = self.presences()
        if not found:
            raise MediaError(
                f"no face was found in frames 0 to {max(self.frames - 1, 0)} (0.0 to "
                f"{self.frames / self.rate_hz:.1f} s); a face must look into the camera, be seen for {SHORTEST_S} s "
                f"and be at least {MIN_SHARE * 100:.0f} % as high as the shorter side of the picture"
            )
        if wanted is None:
            return max(found, key=lambda one: (one.mouth_motion * one.frames, one.frames, -one.track))
        if not 1 <= wanted <= len(found):
            raise OptionError(f"face {wanted} was asked for; this clip has {len(found)}, counted from the left from 1")
        return found[wanted - 1]


def speaking(
    frames: Iterable[Frame], rate_hz: float, wanted: int | None = None
) -> tuple[dict[int, Sighting], Attendance]:
    """The face that speaks in a clip, frame -> sighting, and who else was there; keeps the crops of all faces.

    For learning and measuring; the voice reads as it looks, and keeps nothing.

    Raises:
        OptionError, MediaError: as :meth:`Attendance.speaker`.
    """
    attendance = Attendance(rate_hz)
    seen: dict[int, dict[int, Sighting]] = {}
    for index, sightings in enumerate(follow(frames, rate_hz)):
        attendance.add(sightings)
        for one in sightings:
            seen.setdefault(one.track, {})[index] = one
    return seen[attendance.speaker(wanted).track], attendance


def _mouth_motion(before: Sighting, now: Sighting) -> float:
    return _change(before.mouth[_LIPS], now.mouth[_LIPS]) - _change(before.face[_UPPER], now.face[_UPPER])


def _change(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> float:
    """Mean absolute change of a pixel, over the contrast of the crop."""
    change = np.abs(now.astype(np.float32) - before).mean()
    return float(change / max(float(now.std()), _FAINT))
