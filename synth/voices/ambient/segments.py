"""Long beds as segments: stretches of one sound that are sampled side by side and cross-faded where they meet.

A sampler makes many streams almost as fast as one, and a sound that lasts has no need to be one stream. Each segment
begins a moment before it is heard, so that its network has found into the sound, and is faded in over the end of the
one before it with equal power: the two are independent, so their powers add up.

Where segments begin depends on the length of the sound alone, never on the machine or on who else is being rendered.

Shapes: F = top frames, N = samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

WARM_S: Final = 0.256
"""Made before a segment and left out: a stream that begins is not yet in the sound."""

FADE_S: Final = 0.512
STEP_S: Final = 4.096
"""From one segment's beginning to the next one's. All three are whole numbers of top frames of sizes up to 4096."""

SEGMENTED: Final = frozenset({"rain", "sea_waves"})
"""Classes of the decoder that are beds: sounds without single events that a fade could double."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a sound, in samples from its beginning.

    Attributes:
        number: from 0.
        first: what is made begins here,
        heard: is heard from here on, faded in over ``fade`` samples,
        end: and ends here.
        fade: 0 for the first segment.
    """

    number: int
    first: int
    heard: int
    end: int
    fade: int


def plan(count: int, top: int, rate_hz: int) -> list[Segment]:
    """The segments of ``count`` samples, a whole number of top frames; one where the sound is too short for two.

    Args:
        top: samples a top frame.
        rate_hz: samples a second.
    """
    step, fade, warm = (max(1, round(part * rate_hz / top)) * top for part in (STEP_S, FADE_S, WARM_S))
    segments = max(1, round(count / step))
    made = []
    for number in range(segments):
        heard = number * step
        end = count if number == segments - 1 else heard + step + fade
        made.append(Segment(number, heard - warm if number else 0, heard, min(end, count), fade if number else 0))
    return made


def faded_in(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """Two independent sounds [N] as one that goes from the first to the second with equal power."""
    place = (np.arange(len(before)) + 0.5) / max(len(before), 1) * (np.pi / 2)
    return np.asarray(before * np.cos(place) + after * np.sin(place), np.float32)


def joined(count: int, pieces: Iterable[tuple[Segment, NDArray[np.float32]]]) -> tuple[NDArray[np.float32], int]:
    """Sound [count] of neighbouring segments from the first on, each made as far as its piece goes.

    Args:
        pieces: each with its sound from ``first`` on.

    Returns:
        The sound, silent from where the first gap is, and where that is.
    """
    sound = np.zeros(count, np.float32)
    reached = 0
    for segment, piece in pieces:
        heard = piece[segment.heard - segment.first :]
        end = segment.heard + len(heard)
        if segment.heard > reached or end <= segment.heard + segment.fade:
            break
        seam = segment.heard + segment.fade
        sound[segment.heard : seam] = faded_in(sound[segment.heard : seam], heard[: segment.fade])
        sound[seam:end] = heard[segment.fade :]
        reached = end
        if end < segment.end:
            break
    return sound, reached
