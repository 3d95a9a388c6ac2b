"""When each word is said: a spoken sentence laid against what the lips seem to say, by dynamic programming.

Both are log mel spectra at 100 a second, the sentence as the synthesiser says it and the clip as the lip reader reads
it. Neither voice is the other's, so each band counts against its own mean and deviation. The path may run faster or
slower than the sentence within bounds, and may wait before any word where the lips rest (Sakoe and Chiba, "Dynamic
programming algorithm optimization for spoken word recognition", IEEE Trans. ASSP 1978, with a silence between words).

Shapes: A = spectra of the sentence, B = spectra of the clip, M = bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPECTRA_HZ: Final = 100.0
FASTEST, SLOWEST = 2.0, 3.0
"""A sentence is said at most so many times faster, or slower, than the synthesiser would."""

_STEPS: Final = ((1, 1, 1.0), (1, 2, 1.0), (2, 1, 1.0), (1, 3, 1.15))  # spectra of sentence, of clip; weight
_ACTIVE: Final = 3.0  # nepers under the loudest spectrum: what is quieter is no speech
_LOUDNESS_WEIGHT: Final = 3.0
_CAP: Final = 3.0  # deviations: one wild band is not the end
_PAUSE_COST: Final = 0.3
_SILENCE_COSTS: Final = (0.02, 2.0)
_FLOOR: Final = 0.3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Path:
    """Where each part of a sentence lies in a clip.

    Attributes:
        of_sentence, of_clip: places in spectra from each one's start, both rising; a pause is a step of the clip alone.
        cost: a spectrum of the clip; the smaller, the better the lips fit.
    """

    of_sentence: NDArray[np.int64]
    of_clip: NDArray[np.int64]
    cost: float

    def in_clip(self, place: float) -> float:
        """Where a place of the sentence lies in the clip, after any pause there."""
        last = int(np.searchsorted(self.of_sentence, place, side="right")) - 1
        last = max(0, last)
        if last + 1 == len(self.of_sentence):
            return float(self.of_clip[last])
        start, end = self.of_sentence[last], self.of_sentence[last + 1]
        share = (place - start) / (end - start)
        return float(self.of_clip[last] + share * (self.of_clip[last + 1] - self.of_clip[last]))

    def in_sentence(self, places: Floats) -> Floats:
        """Which place of the sentence is said at places of the clip; NaN before, after and in pauses."""
        at = np.searchsorted(self.of_clip, places, side="right") - 1
        inside = (at >= 0) & (at + 1 < len(self.of_clip))
        at = np.clip(at, 0, len(self.of_clip) - 2)
        start, end = self.of_clip[at], self.of_clip[at + 1]
        share = (places - start) / np.maximum(end - start, 1)
        moved = self.of_sentence[at + 1] - self.of_sentence[at]
        found = self.of_sentence[at] + share * moved
        return np.where(inside & (moved > 0), found, np.nan)


def align(sentence: NDArray[np.float32], clip: NDArray[np.float32], words: NDArray[np.int64]) -> Path | None:
    """The best path of a sentence through a clip; None where it does not fit within the bounds.

    Args:
        sentence: log mel spectra [A, M], from the beginning of its first word to the end of its last.
        clip: log mel spectra [B, M] of the lips.
        words: where words begin, in spectra of the sentence; there may be a pause before each.
    """
    apart, silence = _costs(sentence, clip)
    waited = np.concatenate([[0.0], np.cumsum(silence)])
    best = np.full((len(sentence) + 1, len(clip) + 1), np.inf)
    came = np.zeros(best.shape, np.int32)  # which step led here; -1 - j: a pause since j
    best[0] = waited
    pauses = frozenset(int(word) for word in words if word > 0)
    for row in range(1, len(sentence) + 1):
        summed = np.concatenate([[0.0], np.cumsum(apart[row - 1])])
        for number, (down, across, weight) in enumerate(_STEPS, 1):
            if row < down or across > len(clip):
                continue
            share = weight * max(down, across) / across
            cost = best[row - down, :-across] + share * (summed[across:] - summed[:-across])
            better = cost < best[row, across:]
            best[row, across:][better] = cost[better]
            came[row, across:][better] = number
        if row in pauses:
            _wait(best[row], came[row], waited)
    ends = best[-1] + waited[-1] - waited
    if not np.isfinite(ends.min()):
        return None
    return _traced(came, int(np.argmin(ends)), float(ends.min()) / max(1, len(clip)))


def _wait(best: Floats, came: NDArray[np.int32], waited: Floats) -> None:
    """Let a row be reached by waiting in it while the lips rest."""
    level = best - waited
    lowest = np.minimum.accumulate(level)
    places = np.arange(len(best))
    since = np.maximum.accumulate(np.where(level <= lowest, places, 0))
    cost = lowest + waited + _PAUSE_COST
    better = (cost < best) & (since < places)
    best[better] = cost[better]
    came[better] = -1 - since[better]


def _traced(came: NDArray[np.int32], column: int, cost: float) -> Path:
    row, places = len(came) - 1, [(len(came) - 1, column)]
    while row > 0:
        step = int(came[row, column])
        if step < 0:
            column = -1 - step
            places.append((row, column))
            step = int(came[row, column])
        down, across, _ = _STEPS[step - 1]
        row, column = row - down, column - across
        places.append((row, column))
    of_sentence, of_clip = np.array(places[::-1], np.int64).T
    return Path(of_sentence, of_clip, cost)


def _costs(sentence: NDArray[np.float32], clip: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """How far apart each two spectra are [A, B], and what it costs to be silent at each of the clip [B]."""
    mine, _ = _standardised(sentence)
    theirs, loud = _standardised(clip)
    apart = np.empty((len(mine), len(theirs)))
    for row, spectrum in enumerate(mine):
        apart[row] = np.minimum(np.abs(theirs - spectrum), _CAP).mean(1)
    silence = np.clip(0.2 * np.maximum(0.0, loud + 3.0) + 0.05, *_SILENCE_COSTS)
    return apart, silence


def _standardised(mel: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Bands and loudness [*, M + 1] in deviations of what is speech, and the weighted loudness alone."""
    logs = np.asarray(mel, np.float64)
    loud = loudness(mel)
    speech = loud > loud.max() - _ACTIVE - 1.0
    bands = (logs - logs[speech].mean(0)) / (logs[speech].std(0) + _FLOOR)
    level = _LOUDNESS_WEIGHT * (loud - loud[speech].mean()) / (loud[speech].std() + _FLOOR)
    return np.concatenate([bands, level[:, None]], axis=1), level


def loudness(mel: NDArray[np.float32]) -> Floats:
    """Natural logarithm of the mean magnitude of log mel spectra [*, M]."""
    return np.asarray(np.log(np.exp(np.asarray(mel, np.float64)).mean(1) + 1e-9))
