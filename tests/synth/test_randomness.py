"""Random numbers by position: the same alone, in chunks and in any order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import OptionError
from synth.randomness import uniforms

SEEDS = st.integers(0, 2**64 - 1)
STREAMS = st.text(max_size=20)
GOLDEN = [0.8822394609451294, 0.6522153615951538, 0.4513578414916992, 0.5504865646362305, 0.9143370985984802]


@given(seed=SEEDS, stream=STREAMS, start=st.integers(0, 2**40), cuts=st.lists(st.integers(0, 50), max_size=6))
def test_chunks_are_pieces_of_the_whole(seed: int, stream: str, start: int, cuts: list[int]) -> None:
    whole = uniforms(seed, stream, start, sum(cuts))
    at, pieces = start, [np.zeros(0, np.float32)]
    for count in cuts:
        pieces.append(uniforms(seed, stream, at, count))
        at += count
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


@given(seed=SEEDS, stream=STREAMS, start=st.integers(0, 2**62))
def test_they_are_float32_below_one(seed: int, stream: str, start: int) -> None:
    numbers = uniforms(seed, stream, start, 100)
    assert numbers.dtype == np.float32
    assert numbers.min() >= 0
    assert numbers.max() < 1


def test_they_are_these_numbers_forever() -> None:
    """Results that are stored name their seed; another generator would make them lies."""
    assert uniforms(0, "hits", 0, 5).tolist() == GOLDEN


def test_they_are_uniform_and_independent() -> None:
    one, two, other = uniforms(1, "a", 0, 200_000), uniforms(2, "a", 0, 200_000), uniforms(1, "b", 0, 200_000)
    counts, _ = np.histogram(one, 100, (0, 1))
    assert ((counts - 2000) ** 2 / 2000).sum() < 170  # chi-squared, 99 degrees: one in 100 000 seeds is above
    for pair in ((one, two), (one, other), (one[1:], one[:-1]), (one[4:], one[:-4])):
        assert abs(np.corrcoef(*pair)[0, 1]) < 0.012


@pytest.mark.parametrize(("seed", "start", "count"), [(-1, 0, 1), (2**64, 0, 1), (0, -1, 1), (0, 0, -1)])
def test_what_is_refused(seed: int, start: int, count: int) -> None:
    with pytest.raises(OptionError):
        uniforms(seed, "a", start, count)


def test_none_are_asked_for() -> None:
    assert uniforms(0, "a", 7, 0).shape == (0,)
