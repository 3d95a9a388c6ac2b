"""The order of words: what a reader's doubtful answers mean where it is known which words may stand where."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.voices.speech.word_order import ReadWord, WordOrder, without_order

# Silence, two commands (1, 2), two colours (3, 4).
ORDER = WordOrder([(1, 2), (3, 4)])


def _answers(classes: list[int], sure: float = 0.9) -> NDArray[np.float64]:
    shares = np.full((len(classes), 5), (1 - sure) / 4)
    shares[np.arange(len(classes)), classes] = sure
    return np.asarray(np.log(shares))


def _told(words: tuple[ReadWord, ...]) -> list[tuple[int, int, int]]:
    return [(one.word, one.start, one.end) for one in words]


def test_clear_answers_are_read_as_they_are() -> None:
    words = ORDER.read(_answers([0, 0, 0, 2, 2, 2, 2, 3, 3, 3, 3, 3, 0, 0, 0]))
    assert _told(words) == [(2, 3, 7), (3, 7, 12)]
    assert all(one.sure > 0.95 for one in words)


def test_a_word_is_one_word_from_its_beginning_to_its_end() -> None:
    words = ORDER.read(_answers([0, 0, 1, 1, 2, 1, 1, 1, 0, 0, 0, 3, 3, 3, 3, 0, 0, 0]))
    assert _told(words) == [(1, 2, 8), (3, 11, 15)]


def test_what_cannot_stand_there_is_read_as_what_can() -> None:
    answers = _answers([0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0])
    answers[6:10, 4] = answers[6:10, 2] - 0.1  # almost as probable: a colour, which has to come next
    assert [one.word for one in ORDER.read(answers)] == [1, 4]
    assert [one.word for one in without_order(answers)] == [1, 2]


def test_doubt_stays_doubt() -> None:
    answers = _answers([0, 0, 1, 1, 1, 1, 3, 3, 3, 3, 0])
    answers[6:10, 4] = answers[6:10, 3]
    sure, doubtful = ORDER.read(answers)
    assert sure.sure > 0.95
    assert doubtful.sure == pytest.approx(0.5, abs=1e-3)


def test_sentences_follow_one_another_and_windows_begin_anywhere() -> None:
    sentence = [0, 0, 1, 1, 1, 1, 3, 3, 3, 3]
    assert [one.word for one in ORDER.read(_answers(sentence * 3))] == [1, 3] * 3
    assert [one.word for one in ORDER.read(_answers(sentence[6:] + sentence))] == [3, 1, 3]


def test_without_an_order_runs_are_words_and_silence_is_none() -> None:
    words = without_order(_answers([0, 2, 2, 3, 0, 3]))
    assert _told(words) == [(2, 1, 3), (3, 3, 4), (3, 5, 6)]
    assert words[0].sure == pytest.approx(0.9)


def test_nothing_is_read_in_nothing_and_broken_answers_are_refused() -> None:
    assert ORDER.read(np.zeros((0, 5))) == ()
    assert without_order(np.zeros((0, 5))) == ()
    with pytest.raises(ValueError, match="finite"):
        ORDER.read(np.full((4, 5), np.nan))
    with pytest.raises(ValueError, match="one place only"):
        WordOrder([(1, 2), (2, 3)])
    with pytest.raises(ValueError, match="one place only"):
        WordOrder([(0, 2)])
