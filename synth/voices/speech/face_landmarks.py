"""One face's landmarks over time, and whose face one that is found now is: what :mod:`.face_tracks` keeps of each.

Landmarks are kept in runs of consecutive frames; between two sightings they move in a straight line, and smoothing
stays within a run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.voices.speech import mouth_crops
from synth.voices.speech.face_detection import Face

Doubles = NDArray[np.float64]

_REACH: Final = 0.7  # face widths from one sighting to the next
_GROWTH: Final = 1.7  # of the face's width from one sighting to the next, either way


class Track:
    """One face: its landmarks in the run of frames that it was last seen in without a break."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.runs: deque[Run] = deque()
        self.width = 0.0
        self.centre = np.zeros(2)
        self.last_seen = -1
        self.open = False

    def see(self, index: int, face: Face) -> None:
        """A look at frame ``index`` found it."""
        if self.open:
            self.runs[-1].extend(index, face.points)
        else:
            self.runs.append(Run(index, face.points))
            self.open = True
        self.last_seen = index
        self.width, self.centre = _place(face)

    def points(self, index: int, rate_hz: float) -> Doubles | None:
        """Smoothed landmarks [5, 2] at a frame that is settled; ``None`` where the face is not seen."""
        for run in self.runs:
            if run.first <= index <= run.last:
                return run.smoothed(index, rate_hz)
        return None

    def forget_before(self, index: int) -> None:
        """Drop what no later frame needs."""
        while self.runs and self.runs[0].last < index and (len(self.runs) > 1 or not self.open):
            self.runs.popleft()
        if self.runs:
            self.runs[0].forget_before(index)


class Run:
    """Landmarks of consecutive frames."""

    def __init__(self, first: int, points: Doubles) -> None:
        self.first = self.kept = first
        self.rows: list[Doubles] = [points]

    @property
    def last(self) -> int:
        """The last frame of it."""
        return self.kept + len(self.rows) - 1

    def extend(self, index: int, points: Doubles) -> None:
        """Go on to a frame, in a straight line."""
        before, start = self.rows[-1], self.last
        for step in range(1, index - start + 1):
            share = step / (index - start)
            self.rows.append(before + (points - before) * share)

    def smoothed(self, index: int, rate_hz: float) -> Doubles:
        """Landmarks [5, 2] at a frame of the run, as if the whole run were smoothed at once."""
        margin = margin_of(rate_hz)
        start = max(self.kept, index - margin)
        rows = self.rows[start - self.kept : index + margin + 1 - self.kept]
        return np.asarray(mouth_crops.smoothed(np.stack(rows), rate_hz)[index - start])

    def forget_before(self, index: int) -> None:
        """Drop the rows of earlier frames; the last row always stays."""
        spare = min(index - self.kept, len(self.rows) - 1)
        if spare > 0:
            del self.rows[:spare]
            self.kept += spare


def matched(tracks: Sequence[Track], found: Sequence[Face]) -> list[tuple[Track | None, Face]]:
    """Whose face each found one is, ``None`` for somebody new.

    Who was just seen goes before who was lost, then the nearest first, of about the same place and size. A face that
    is alone in the picture is the one that was alone before, wherever it is now: a close-up after a cut is no other
    person for the voice.
    """
    pairs = sorted(
        (not track.open, apart, track.number, number)
        for track in tracks
        for number, face in enumerate(found)
        if (apart := _apart(track, face)) is not None
    )
    by_number = {track.number: track for track in tracks}
    chosen: dict[int, Track] = {}
    for _, _, name, number in pairs:
        if number not in chosen and by_number[name] not in chosen.values():
            chosen[number] = by_number[name]
    if len(found) == 1 and not chosen and tracks and not any(track.open for track in tracks):
        newest = max(track.last_seen for track in tracks)
        alone = [track for track in tracks if track.last_seen == newest]
        if len(alone) == 1:
            chosen[0] = alone[0]
    return [(chosen.get(number), face) for number, face in enumerate(found)]


def _apart(track: Track, face: Face) -> float | None:
    """How far a face lies from where a track was last, in face widths; ``None`` when it is too far or another size."""
    width, centre = _place(face)
    if max(width, track.width) > _GROWTH * max(min(width, track.width), 1e-9):
        return None
    apart = float(np.linalg.norm(centre - track.centre)) / max(width, track.width)
    return apart if apart <= _REACH else None


def _place(face: Face) -> tuple[float, Doubles]:
    left, top, width, height = face.box
    return max(width, 1.0), np.array([left + width / 2, top + height / 2])


def margin_of(rate_hz: float) -> int:
    """Frames to either side that smoothing looks at."""
    return int(3 * mouth_crops.SMOOTHING_S * rate_hz + 0.5)
