"""The search for the best sentence, against trying all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.training.speech.viterbi import best_path

PLACES = ((1, 2), (3,), (2, 4, 5))  # one class stands in two places
CLASSES = 6


def every_path(frames: int, places: Sequence[Sequence[int]], shortest: int) -> Iterator[NDArray[np.int64]]:
    """The class of each frame, of all sentences and all times at which their words can begin and end."""
    borders = itertools.combinations_with_replacement(range(frames + 1), 2 * len(places))
    for ends in borders:
        spans = list(zip(ends[::2], ends[1::2], strict=True))
        if any(end - start < shortest for start, end in spans):
            continue
        for words in itertools.product(*places):
            labels = np.zeros(frames, np.int64)
            for word, (start, end) in zip(words, spans, strict=True):
                labels[start:end] = word
            yield labels


@pytest.mark.parametrize("shortest", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_it_finds_what_trying_all_paths_finds(seed: int, shortest: int) -> None:
    frames = 8
    scores = 3 * np.random.default_rng(seed).standard_normal((frames, CLASSES))
    best = max(every_path(frames, PLACES, shortest), key=lambda labels: scores[np.arange(frames), labels].sum())
    found = best_path(scores, PLACES, shortest=shortest)
    assert found.score == pytest.approx(scores[np.arange(frames), best].sum())
    labels = np.zeros(frames, np.int64)
    for word, (start, end) in zip(found.classes, found.spans, strict=True):
        labels[start:end] = word
    np.testing.assert_array_equal(labels, best)


def test_words_keep_to_their_places_and_their_shortest_length() -> None:
    scores = np.zeros((20, CLASSES))
    scores[:, 0] = 50.0  # all speaks for silence
    found = best_path(scores, PLACES, shortest=3)
    assert [word in place for word, place in zip(found.classes, PLACES, strict=True)] == [True] * 3
    assert [end - start for start, end in found.spans] == [3, 3, 3]
    assert found.score == (20 - 9) * 50


def test_pauses_are_silence() -> None:
    labels = np.array([0, 1, 1, 0, 0, 3, 3, 3, 0, 5, 5, 0])
    scores = np.log(np.full((12, CLASSES), 0.02) + 0.9 * np.eye(CLASSES)[labels])
    found = best_path(scores, PLACES, shortest=2)
    assert found.classes == (1, 3, 5)
    assert found.spans == ((1, 3), (5, 8), (9, 11))


def test_what_cannot_hold_a_sentence_is_refused() -> None:
    assert best_path(np.zeros((6, CLASSES)), PLACES, shortest=2).spans == ((0, 2), (2, 4), (4, 6))
    with pytest.raises(ValueError, match="5 frames cannot hold 3 words of 2 frames"):
        best_path(np.zeros((5, CLASSES)), PLACES, shortest=2)
    with pytest.raises(ValueError, match="cannot hold"):
        best_path(np.zeros((5, CLASSES)), ((1,), ()), shortest=1)
    with pytest.raises(ValueError, match="finite"):
        best_path(np.full((6, CLASSES), -np.inf), PLACES, shortest=1)
