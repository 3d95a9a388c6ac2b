"""What an ImageNet classifier's answer says about the sounds of the catalogue: "cab" speaks for a passing car.

The table lies beside this file, ``sounds.tsv``: a row a word with the sounds that it speaks for and how much, 1 for the
thing itself, less for what is often beside it or sounds alike; below 0 for what it speaks against. It was written by
judgement of all 1000 names, before any answer of the network was seen. ``speech`` is no sound of the catalogue: it
stands for people who talk.

Shapes: S = sounds, 1000 = class answers.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.models.vocabulary.imagenet import NAMES

SPEECH: Final = "speech"
FILE: Final = "sounds.tsv"


@dataclass(frozen=True, eq=False)
class WordTable:
    """Which words speak for which sounds.

    Attributes:
        sounds: names in the catalogue, with :data:`SPEECH`, in alphabetical order.
        weights: float64 [S, 1000], -1..1.
        undecided: float64 [S], what a network that knows nothing would give each sound.
    """

    sounds: tuple[str, ...]
    weights: NDArray[np.float64]
    undecided: NDArray[np.float64]

    def evidence(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Evidence 0..1 for each sound from probabilities [1000]: [S].

        The weighted probability of its words, above what a network that knows nothing would give them.
        """
        weighed = self.weights @ probabilities
        return np.asarray(np.maximum(0.0, (weighed - self.undecided) / (1 - self.undecided)))

    def likeness(self, first: str, second: str) -> float:
        """How far the same words speak for two sounds, 0..1: the cosine of their rows; 0 where one has no words."""
        one, other = (self.weights[self.sounds.index(name)].clip(0) for name in (first, second))
        scale = float(np.linalg.norm(one) * np.linalg.norm(other))
        return float(one @ other) / scale if scale > 0 else 0.0

    def speakers(self, sound: str, probabilities: NDArray[np.floating]) -> list[tuple[str, float]]:
        """The words for a sound with the probability of each, those that speak most for it first."""
        row = self.weights[self.sounds.index(sound)]
        order = np.argsort(-row * probabilities, kind="stable")
        return [(NAMES[number], float(probabilities[number])) for number in order if row[number] > 0]


@functools.cache
def word_table() -> WordTable:
    """The packaged table.

    Raises:
        ValueError: a row of it does not fit ImageNet's names, or a weight is outside -1..1.
    """
    entries: list[tuple[int, str, float]] = []
    with (resources.files(__package__) / FILE).open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            number = int(row["index"])
            if NAMES[number] != row["word"]:
                raise ValueError(f"{FILE} calls class {number} {row['word']!r}; its name is {NAMES[number]!r}")
            for part in row["sounds"].split():
                sound, weight = part.split("=")
                if not -1 <= float(weight) <= 1:
                    raise ValueError(
                        f"{FILE} gives {row['word']!r} the weight {weight} for {sound}; allowed is -1 to 1"
                    )
                entries.append((number, sound, float(weight)))
    sounds = tuple(sorted({sound for _, sound, _ in entries} | {SPEECH}))
    at = {sound: row for row, sound in enumerate(sounds)}
    weights = np.zeros((len(sounds), len(NAMES)))
    for number, sound, weight in entries:
        weights[at[sound], number] = weight
    return WordTable(sounds, weights, weights.mean(1))
