"""A bank of recordings' band levels and fine structure, and what is chosen of it for a picture.

A silent picture has no band levels, so they are taken from recordings, example-based as in Owens et al. (CVPR 2016): of
each class's tracks, the stretch whose loudness moves most like the picture does. The fine structure of the same stretch
goes with it, for :mod:`synth.voices.ambient.harmonics`.

Importable without torch. Shapes: S steps of 256 samples at 16 kHz (62.5 Hz), K = 16 bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.band_envelopes import Levels, loudness
from synth.voices.ambient.fine_structure import FineStructure, PackedFineStructure
from synth.voices.base import Uniforms

_PIECE: Final = 188  # steps: 3 s of one recording
_FADE: Final = 32  # steps: 0.5 s, from one recording's levels to the next one's
_CANDIDATES: Final = 24
_STILL: Final = 0.04  # a picture whose activity varies less than this has no rhythm to follow
_FOLLOW: Final = 0.2  # how far loudness follows activity: 18 dB from a still moment to the liveliest
_LIFT: Final = (-0.12, 0.06)  # but no further than this beyond what the recording itself does
_SMOOTH: Final = 9  # steps: what happens within 0.14 s is the sound's own matter


class Guide(NamedTuple):
    """What a decoder is told in place of a picture.

    Attributes:
        levels: [S, K].
        fine: of as many steps, from a bank that has it.
    """

    levels: Levels
    fine: FineStructure | None


@dataclass(frozen=True)
class EnvelopeBank:
    """Band levels of recordings, by class.

    Attributes:
        labels: the class of each recording.
        starts: int64 [recordings + 1], where each begins in ``levels``, and where the last one ends.
        levels: uint8 [all S, K]; 255 stands for level 1.
        fine: of all S; ``None`` in a bank without.
    """

    labels: tuple[str, ...]
    starts: NDArray[np.int64]
    levels: NDArray[np.uint8]
    fine: PackedFineStructure | None = None

    @classmethod
    def of(
        cls, labels: Sequence[str], tracks: Sequence[Levels], fine: Sequence[FineStructure] | None = None
    ) -> EnvelopeBank:
        """The bank of these recordings' levels, and their fine structure where it is given."""
        starts = np.concatenate([[0], np.cumsum([len(track) for track in tracks])]).astype(np.int64)
        packed = np.clip(np.round(np.concatenate(list(tracks)) * 255), 0, 255).astype(np.uint8)
        return cls(tuple(labels), starts, packed, None if fine is None else PackedFineStructure.of(fine))

    def track(self, recording: int) -> Levels:
        """The levels [S, K] of one recording."""
        first, last = self.starts[recording : recording + 2]
        return np.asarray(self.levels[first:last] / np.float32(255), np.float32)

    def choose(self, label: str, activity: NDArray[np.float32], steps: int, uniforms: Uniforms) -> Guide:
        """What a class is told for a picture: pieces of recordings that move as it does, one after another.

        Of some pieces drawn at random the one is taken whose loudness correlates best with the picture's activity
        there, and which begins about as loud as the piece before ends; then its loudness is moved towards the
        activity. A picture that is still decides nothing. Where two pieces overlap, fine structure
        passes from one to the other in the middle.

        Args:
            activity: float32 [steps], 0..1.
            uniforms: see :data:`synth.voices.base.Uniforms`.
        """
        known = [index for index, name in enumerate(self.labels) if name == label]
        out = np.zeros((steps, self.levels.shape[1]), np.float32)
        fine = None if self.fine is None else FineStructure.unknown(steps)
        wanted = _smoothed(np.asarray(activity, np.float32))
        fade_in = (np.arange(_FADE, dtype=np.float32) + 0.5) / _FADE
        for number, at in enumerate(range(0, steps, _PIECE - _FADE)):
            draws = uniforms("envelopes", number * 2 * _CANDIDATES, 2 * _CANDIDATES)
            places = [
                self._place(known[int(draws[2 * i] * len(known))], float(draws[2 * i + 1])) for i in range(_CANDIDATES)
            ]
            pieces = [np.asarray(self.levels[place] / np.float32(255), np.float32) for place in places]
            here = wanted[at : at + _PIECE]
            loud = [_smoothed(loudness(piece)) for piece in pieces]
            before = loudness(out[at : at + _FADE]).mean() if at else None
            best = int(np.argmax([_match(one, here, before) for one in loud]))
            piece = pieces[best]
            count = min(len(piece), steps - at)
            over = min(_FADE, count) if at else 0
            share = fade_in[:over, None]
            out[at : at + over] = out[at : at + over] * (1 - share) + piece[:over] * share
            out[at + over : at + count] = piece[over:count]
            if fine is not None and self.fine is not None:
                fine.put(slice(at + over // 2, at + count), self.fine.at(places[best][over // 2 : count]))
        return Guide(_follow(out, wanted), fine)

    def _place(self, recording: int, draw: float) -> NDArray[np.int64]:
        """The steps [188] of a piece of a recording, from a place that ``draw`` names; a short one is repeated."""
        begin, end = self.starts[recording : recording + 2]
        length = int(end - begin)
        repeated = length * max(1, -(-_PIECE // length))
        first = int(draw * (repeated - _PIECE + 1))
        return np.asarray(begin + (first + np.arange(_PIECE)) % length, np.int64)


def _smoothed(track: NDArray[np.float32]) -> NDArray[np.float32]:
    """A track [S] without what is faster than the picture, edges held."""
    padded = np.pad(track, (_SMOOTH // 2, _SMOOTH // 2), mode="edge")
    return np.asarray(np.convolve(padded, np.full(_SMOOTH, 1 / _SMOOTH, np.float32), mode="valid"), np.float32)


def _match(loud: NDArray[np.float32], activity: NDArray[np.float32], before: float | None) -> float:
    """How well a piece's loudness goes with the picture there and with what was heard before it."""
    score = 0.0 if before is None else -2.0 * abs(float(loud[:_FADE].mean()) - float(before))
    own = loud[: len(activity)]
    if len(activity) > 1 and activity.std() > _STILL and own.std() > 1e-3:
        score += float(np.corrcoef(own, activity)[0, 1])
    return score


def lift(activity: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far activity [S] moves loudness, [S], on the scale of levels; not at all where the picture is still."""
    if len(activity) == 0 or activity.std() <= _STILL:
        return np.zeros(len(activity), np.float32)
    return np.asarray(np.clip(_FOLLOW * (activity - np.quantile(activity, 0.75)), *_LIFT), np.float32)


def _follow(levels: Levels, activity: NDArray[np.float32]) -> Levels:
    """Levels moved towards the activity; silence stays silence."""
    return np.asarray(np.where(levels > 0, np.maximum(levels + lift(activity)[:, None], 0), 0), np.float32)
