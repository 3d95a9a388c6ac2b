"""The order of words: what a reader's doubtful answers mean where it is known which words may stand where."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.voices.speech.word_order import WordOrder

# Silence, two commands (1, 2), two colours (3, 4).
ORDER = WordOrder([(1, 2), (3, 4)])


def _answers(classes: list[int], sure: float = 0.9) -> NDArray[np.float64]:
    shares = np.full((len(classes), 5), (1 - sure) / 4)
    shares[np.arange(len(classes)), classes] = sure
    return np.asarray(np.log(shares))


def test_clear_answers_are_read_as_they_are() -> None:
    said = ORDER.read(_answers([0, 0, 0, 2, 2, 2, 2, 3, 3, 3, 3, 3, 0, 0, 0]))
    assert said.words == ((2, 3, 7), (3, 7, 12))
    assert said.classes.sum(1) == pytest.approx(1.0)
    assert said.classes[4, 2] > 0.95
    assert said.classes[1, 0] == 1.0


def test_a_word_is_one_word_from_its_beginning_to_its_end() -> None:
    wavering = ORDER.read(_answers([0, 0, 1, 1, 2, 1, 1, 1, 0, 0, 3, 3, 3, 3, 0, 0, 0]))
    assert wavering.words == ((1, 2, 8), (3, 10, 14))
    assert np.ptp(wavering.classes[2:8], axis=0).max() == pytest.approx(0, abs=1e-6)


def test_what_cannot_stand_there_is_read_as_what_can() -> None:
    answers = _answers([0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0])
    answers[6:10, 4] = answers[6:10, 2] - 0.1  # almost as probable: a colour, which has to come next
    assert [word for word, _, _ in ORDER.read(answers).words] == [1, 4]


def test_doubt_stays_doubt() -> None:
    answers = _answers([0, 0, 1, 1, 1, 1, 3, 3, 3, 3, 0])
    answers[6:10, 4] = answers[6:10, 3]
    shares = ORDER.read(answers).classes[7]
    assert shares[3] == pytest.approx(shares[4], abs=1e-6)
    assert shares[3] == pytest.approx(0.5, abs=1e-3)


def test_sentences_follow_one_another_and_windows_begin_anywhere() -> None:
    sentence = [0, 0, 1, 1, 1, 1, 3, 3, 3, 3]
    assert [word for word, _, _ in ORDER.read(_answers(sentence * 3)).words] == [1, 3] * 3
    assert [word for word, _, _ in ORDER.read(_answers(sentence[7:] + sentence)).words] == [3, 1, 3]


def test_phases_run_through_each_word() -> None:
    said = ORDER.read(_answers([0, 0, 1, 1, 1, 1, 3, 3, 3, 3, 0]))
    assert said.phases[2:6].tolist() == [[0, 0.25], [0.25, 0.5], [0.5, 0.75], [0.75, 1]]


def test_nothing_is_read_in_nothing_and_broken_answers_are_refused() -> None:
    assert ORDER.read(np.zeros((0, 5))).words == ()
    with pytest.raises(ValueError, match="finite"):
        ORDER.read(np.full((4, 5), np.nan))
    with pytest.raises(ValueError, match="one place only"):
        WordOrder([(1, 2), (2, 3)])
    with pytest.raises(ValueError, match="one place only"):
        WordOrder([(0, 2)])
