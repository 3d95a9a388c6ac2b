"""Which ranges of a take are heard under a score, and what of them is told in the take.

A range is one part: its hits and layers are no members of the score, but they sound for as long as the range does.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from synth.options import Mode
from synth.routing.ranges import RANGE_STEM, Range
from synth.score.score import RANGES_STEM, Score
from synth.voices.ambient.layers import Layer
from synth.voices.base import Hit


@dataclass(frozen=True)
class RangeContents:
    """What the ranges of a take are made of, on the clock of the clip, whether they are heard or not."""

    hits: tuple[Hit, ...] = ()
    layers: tuple[Layer, ...] = ()


def heard(score: Score, ranges: Sequence[Range]) -> list[bool]:
    """Whether each of the ranges is heard."""
    known = {stem.name for stem in score.stems}
    own = [f"{RANGE_STEM}{number}" for number, _ in enumerate(ranges, start=1)]
    return [score.is_heard(name if name in known else RANGES_STEM) for name in own]


def heard_modes(score: Score, ranges: Sequence[Range]) -> list[Mode]:
    """The voices of the ranges that are heard."""
    return [one.mode for one, is_heard in zip(ranges, heard(score, ranges), strict=True) if is_heard]


def told(contents: RangeContents, score: Score, ranges: Sequence[Range]) -> RangeContents:
    """What is heard of the ranges; nothing where there are none."""
    are_heard, starts_s = heard(score, ranges), [one.start_s for one in ranges]

    def sounds(time_s: float) -> bool:
        return are_heard[max(0, bisect.bisect_right(starts_s, time_s) - 1)]

    def middle_s(layer: Layer) -> float:
        """Starts and ends are told in milliseconds, so that an edge may lie in the range beside."""
        end_s = ranges[-1].end_s if layer.end_s is None else layer.end_s
        return ((layer.start_s or 0.0) + end_s) / 2

    if not ranges:
        return RangeContents()
    return RangeContents(
        tuple(hit for hit in contents.hits if sounds(hit.time_s)),
        tuple(layer for layer in contents.layers if sounds(middle_s(layer))),
    )
