"""The best sentence of a fixed form in what a network hears: an exact Viterbi search (Viterbi, IEEE Trans. Inf. Theory
1967) over a grammar of places, each of which is filled by one word of its own list. No torch.

Silence may stand before, between and behind the words and be as long as it likes; a word lasts a few frames at least.
The search always answers, with one word a place.

Shapes: T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class WordPath:
    """What was found.

    Attributes:
        classes: one a place.
        spans: the frames of each, first and one after the last.
        score: the sum of what lies on the path, over all frames.
    """

    classes: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    score: float


def best_path(
    scores: NDArray[np.floating], places: Sequence[Sequence[int]], *, shortest: int, silence: int = 0
) -> WordPath:
    """The path with the greatest sum through ``scores`` [T, C], natural logarithms of probabilities.

    For each place and each of its words the sum up to a frame is the best sum at which the word can have begun, so one
    running maximum a word finds them all: T x C steps. Of equal paths the one with the earliest word in its list is
    taken.

    Args:
        places: for each place in the order of the sentence, the classes that may fill it.
        shortest: frames of a word at least.

    Raises:
        ValueError: there are too few frames, a place has no word, or a score is not finite.
    """
    frames = len(scores)
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    if shortest < 1 or frames < shortest * len(places) or not all(len(words) for words in places):
        raise ValueError(f"{frames} frames cannot hold {len(places)} words of {shortest} frames or more")
    sums = np.vstack([np.zeros(scores.shape[1]), np.cumsum(scores, axis=0, dtype=np.float64)])  # before each frame
    quiet = sums[:, silence]
    best = quiet.copy()  # of all paths that have reached a frame's beginning and are between two words
    steps = []
    for words in places:
        table = sums[:, list(words)]
        begun, since = _running_maximum(best[:, None] - table)
        ended = np.full_like(table, -np.inf)
        ended[shortest:] = table[shortest:] + begun[: len(table) - shortest]
        chosen = ended.argmax(1)
        paused, until = _running_maximum((ended.max(1) - quiet)[:, None])
        best = paused[:, 0] + quiet
        steps.append((words, chosen, since, until[:, 0]))
    return _back(steps, frames, shortest, float(best[-1]))


def _running_maximum(values: Doubles) -> tuple[Doubles, NDArray[np.int64]]:
    """Maximum of all rows up to each one, by column, and the first row at which it stood."""
    reached = np.maximum.accumulate(values, axis=0)
    new = np.vstack([np.ones((1, values.shape[1]), bool), reached[1:] > reached[:-1]])
    rows = np.where(new, np.arange(len(values))[:, None], 0)
    return reached, np.maximum.accumulate(rows, axis=0)


def _back(
    steps: Sequence[tuple[Sequence[int], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]],
    frame: int,
    shortest: int,
    score: float,
) -> WordPath:
    classes, spans = [], []
    for words, chosen, since, until in reversed(steps):
        end = int(until[frame])
        word = int(chosen[end])
        frame = int(since[end - shortest, word])
        classes.append(int(words[word]))
        spans.append((frame, end))
    return WordPath(tuple(reversed(classes)), tuple(reversed(spans)), score)
