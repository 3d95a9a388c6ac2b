"""Sentences of GRID: their grammar, and figures of words said and heard.

GRID (Cooke, Barker, Cunningham and Shao, JASA 2006) says six words a sentence: command, colour, preposition, letter,
digit, adverb. jiwer is an extra (``sonorize[eval]``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from synth.metrics.speech import extra

Words = tuple[str, ...]

GRAMMAR: Final[tuple[tuple[str, ...], ...]] = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)
"""What may be said: command, colour, preposition, letter (there is no w), digit, adverb."""


SLOTS: Final[Mapping[str, Words]] = dict(
    zip(("command", "colour", "preposition", "letter", "digit", "adverb"), GRAMMAR, strict=True)
)
"""What may be said in each place of a sentence, in their order; no word occurs in two places."""


def is_sentence(words: Sequence[str]) -> bool:
    """Whether these words are a sentence of GRID's grammar."""
    return len(words) == len(SLOTS) and all(w in known for w, known in zip(words, SLOTS.values(), strict=True))


def word_error_rate(said: Sequence[Words], heard: Sequence[Words]) -> float | None:
    """Substitutions, deletions and insertions over the words said, of all sentences together; ``None`` without any.

    A sentence of which nothing was heard counts as six deletions. No word of the grammar has two places, so that for
    whole sentences this is the share of places that are wrong.

    Raises:
        ValueError: the numbers of sentences differ.
        OptionError: jiwer is not installed.
    """
    if len(said) != len(heard):
        raise ValueError(f"{len(said)} sentences were said and {len(heard)} were heard; they must be as many")
    if not any(said):
        return None
    return float(extra("jiwer").wer([" ".join(words) for words in said], [" ".join(words) for words in heard]))


def place_accuracies(said: Sequence[Words], heard: Sequence[Words]) -> dict[str, float | None]:
    """Share of sentences whose word in each place was heard, by the place's name."""
    table: dict[str, float | None] = {}
    for place, name in enumerate(SLOTS):
        right = [words[place] == found[place] if found else False for words, found in zip(said, heard, strict=True)]
        table[name] = float(np.mean(right)) if right else None
    return table


def chance_word_error_rate() -> float:
    """Expected word error rate of a sentence that is drawn evenly from the grammar: exact, .81."""
    return 1.0 - float(np.mean([1 / len(words) for words in SLOTS.values()]))


def chance_accuracies() -> dict[str, float]:
    """Share of sentences whose word in each place such a draw hits."""
    return {name: 1 / len(words) for name, words in SLOTS.items()}


def most_frequent(training: Sequence[Words]) -> Words:
    """The sentence of each place's most frequent word in the training set; the first in the alphabet of equals."""
    counts = [Counter(words[place] for words in training if is_sentence(words)) for place in range(len(SLOTS))]
    return tuple(min(count, key=lambda word: (-count[word], word)) for count in counts if count)
