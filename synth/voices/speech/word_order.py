"""Which words stand where in what lips say, where a speaker's sentences follow a known order of places.

A network says for each picture how probable silence and each word are. The order of the places (in GRID: command,
colour, preposition, letter, digit, adverb, then the next sentence) makes one reading of that: a hidden Markov model
whose states are the words and a silence before each place. The words are those of its best path (Viterbi 1967), their
probabilities those that the forward and backward sums give (Rabiner, Proc. IEEE 1989). A clip may begin anywhere in a
sentence and hold any number of them. No torch.

Shapes: T pictures, C classes (0 is silence), N states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.best_path import best_path

Doubles = NDArray[np.float64]

SILENCE: Final = 0
EVIDENCE: Final = 0.5
"""What the logarithm of a picture's probabilities is multiplied by: neighbouring pictures are no independent witnesses,
and taken for such they make every reading certain."""

_STAYS_WORD: Final = 0.85  # a word lasts 0.27 s on average
_STAYS_SILENT: Final = 0.9
_PAUSES: Final = 0.2  # of the ends of words
_LEAST: Final = 1e-7


@dataclass(frozen=True)
class ReadWord:
    """One word as it was read.

    Attributes:
        word: its class.
        start, end: the first picture, and one after the last.
        sure: its probability among the words of its place, 0 to 1.
    """

    word: int
    start: int
    end: int
    sure: float


class WordOrder:
    """The places of a sentence, and which classes may fill each.

    Raises:
        ValueError: a place is empty, or a class stands in two places.
    """

    def __init__(self, places: Sequence[Sequence[int]]) -> None:
        flat = [word for words in places for word in words]
        if not places or not all(places) or len(set(flat)) != len(flat) or SILENCE in flat:
            raise ValueError(f"places must hold words, each in one place only: {places}")
        self.places: Final = tuple(tuple(words) for words in places)
        count = len(self.places)
        # States: the silence before each place, then all words in the order of the places.
        self._classes: Final = np.array([SILENCE] * count + flat)
        self._place: Final = np.array([*range(count), *(k for k, words in enumerate(self.places) for _ in words)])
        self._moves: Final = np.log(np.maximum(self._transitions(), 1e-30))
        begins = np.full(len(self._classes), 0.5 / len(self._classes))
        begins[0] += 0.5  # the silence before a sentence
        self._begins: Final = np.log(begins)

    def _transitions(self) -> Doubles:
        count, states = len(self.places), len(self._classes)
        table = np.zeros((states, states))
        for state in range(states):
            silent = state < count
            place = int(self._place[state])
            coming = place if silent else (place + 1) % count
            stays = _STAYS_SILENT if silent else _STAYS_WORD
            table[state, state] = stays
            following = (np.arange(states) >= count) & (self._place == coming)
            table[state, following] += (1 - stays) * (1.0 if silent else 1 - _PAUSES) / following.sum()
            if not silent:
                table[state, coming] += (1 - stays) * _PAUSES
        return table

    def read(self, log_probabilities: NDArray[np.floating], *, evidence: float = EVIDENCE) -> tuple[ReadWord, ...]:
        """The words in order of time, of natural logarithms of probabilities [T, C].

        Raises:
            ValueError: a score is not finite.
        """
        scores = np.maximum(np.asarray(log_probabilities, np.float64), np.log(_LEAST))
        if not np.isfinite(scores).all():
            raise ValueError("scores must be finite")
        if not len(scores):
            return ()
        emitted = evidence * scores[:, self._classes]
        return tuple(self._words(self._shares(emitted), self._best(emitted)))

    def _shares(self, emitted: Doubles) -> Doubles:
        """How probable each state is at each picture, all pictures considered; [T, N]."""
        forward, backward = np.zeros_like(emitted), np.zeros_like(emitted)
        forward[0] = self._begins + emitted[0]
        for index in range(1, len(emitted)):
            forward[index] = emitted[index] + _log_sum(forward[index - 1][:, None] + self._moves, 0)
        for index in range(len(emitted) - 2, -1, -1):
            backward[index] = _log_sum(self._moves + (emitted[index + 1] + backward[index + 1])[None], 1)
        both = forward + backward
        return np.asarray(np.exp(both - _log_sum(both, 1)[:, None]))

    def _best(self, emitted: Doubles) -> NDArray[np.int64]:
        """The states of the most probable path, [T]."""
        return best_path(np.concatenate([self._begins[None] + emitted[:1], emitted[1:]]), lambda _: self._moves)

    def _words(self, shares: Doubles, path: NDArray[np.int64]) -> list[ReadWord]:
        found = []
        for state, start, end in _runs(path):
            if self._classes[state] == SILENCE:
                continue
            rivals = (self._place == self._place[state]) & (self._classes != SILENCE)
            share = shares[start:end].mean(0)
            sure = float(share[state] / max(float(share[rivals].sum()), _LEAST))
            found.append(ReadWord(int(self._classes[state]), start, end, sure))
        return found


def without_order(log_probabilities: NDArray[np.floating]) -> tuple[ReadWord, ...]:
    """The words where no order is known: runs of pictures whose most probable class is the same, of [T, C]."""
    if not len(log_probabilities):
        return ()
    return tuple(
        ReadWord(word, start, end, float(np.exp(log_probabilities[start:end, word].mean())))
        for word, start, end in _runs(np.asarray(log_probabilities).argmax(1))
        if word != SILENCE
    )


def _runs(values: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Each stretch of one value: the value, where it begins, and one after its last; of at least one value."""
    ends = np.flatnonzero(np.diff(values)) + 1
    return [
        (int(values[start]), int(start), int(end)) for start, end in zip([0, *ends], [*ends, len(values)], strict=True)
    ]


def _log_sum(values: Doubles, axis: int) -> Doubles:
    top = values.max(axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - top).sum(axis)) + top.squeeze(axis))
