"""Which words of made speech are heard, by two recognisers, beside what chance gets right.

The word error rate ``wer`` is by our own recogniser (:mod:`synth.training.speech.grid_recogniser`), which always
answers; ``wer_pocketsphinx`` by one for the general public (:mod:`synth.evaluation.speech.pocketsphinx_words`), which
was fitted to nobody but gives no answer where speech is distorted: how often stands beside it. Both hear sentences of
GRID and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from synth.data.corpora.grid import Sentence
from synth.errors import WeightsError
from synth.evaluation.speech.baselines import Corpus
from synth.evaluation.speech.pocketsphinx_words import Recogniser
from synth.metrics.grid_sentences import (
    Words,
    chance_accuracies,
    chance_word_error_rate,
    is_sentence,
    most_frequent,
    place_accuracies,
    word_error_rate,
)
from synth.training.speech import grid_recogniser

OWN: Final = "wer"
POCKETSPHINX: Final = "wer_pocketsphinx"
WORD_MEASURES: Final = (OWN, POCKETSPHINX)
"""Word error rates by name; what else a recogniser finds ends as its rate's name does, after ``wer``."""


class Hears(Protocol):
    """A recogniser: its name for reports, and what it hears in a sound [N] at 16 kHz."""

    @property
    def name(self) -> str:
        """What and which version it is."""

    def hear(self, sound: NDArray[Any]) -> Words:
        """The words; none where it gives no answer."""


def recognisers(corpus: Corpus) -> tuple[dict[str, Hears], dict[str, str]]:
    """By the name of their rate, and why those that are missing are: both are for sentences of GRID only.

    Raises:
        OptionError: pocketsphinx is not installed.
    """
    if not all(is_sentence(words) for words in said(corpus)):
        return {}, dict.fromkeys(WORD_MEASURES, "not all held-out sentences are sentences of GRID's grammar")
    found: dict[str, Hears] = {}
    left_out: dict[str, str] = {}
    try:
        found[OWN] = grid_recogniser.load()
    except WeightsError as error:
        left_out[OWN] = str(error)
    found[POCKETSPHINX] = Recogniser()
    return found, left_out


def said(corpus: Corpus) -> list[Words]:
    """The words of the held-out sentences; none where nobody wrote them down."""
    return [_words(sentence) for sentence in corpus.held_out]


def _words(sentence: Sentence) -> Words:
    return tuple(word.text for word in sentence.words or ())


def error_rates(spoken: Sequence[Words], heard: Sequence[Words]) -> list[float | None]:
    """Word error rate of each sentence by itself.

    Raises:
        OptionError: jiwer is not installed.
    """
    return [word_error_rate([one], [other]) for one, other in zip(spoken, heard, strict=True)]


def figures(spoken: Sequence[Words], heard: Mapping[str, Sequence[Words]]) -> dict[str, Any]:
    """Accuracy by place, sentences that are right as a whole, and answers that pocketsphinx did not give."""
    found: dict[str, Any] = {}
    for name in WORD_MEASURES:
        words, suffix = heard.get(name, ()), name.removeprefix(OWN)
        exact = [one == other for one, other in zip(spoken, words, strict=True)] if words else []
        found[f"word_accuracy{suffix}"] = place_accuracies(spoken, words) if words else {}
        found[f"whole_sentences_right{suffix}"] = fmean(exact) if exact else None
    answers = heard.get(POCKETSPHINX, ())
    found["empty_answers"] = fmean(not words for words in answers) if answers else None
    return found


def floors(corpus: Corpus) -> dict[str, Any]:
    """What a random sentence and always the same sentence get right, without any recogniser."""
    spoken = said(corpus)
    found: dict[str, Any] = {
        "floor: a random sentence of the grammar": {
            "wer": chance_word_error_rate(),
            "word_accuracy": chance_accuracies(),
        }
    }
    common = most_frequent([_words(sentence) for sentence in corpus.training])
    if common:
        heard = [common] * len(spoken)
        found[f"floor: always '{' '.join(common)}', the most frequent words in training"] = {
            "wer": word_error_rate(spoken, heard),
            "word_accuracy": place_accuracies(spoken, heard),
        }
    return found
