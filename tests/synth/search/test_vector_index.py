"""The index finds what comparing with every vector finds."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.search import vector_index
from synth.search.vector_index import Index


def drawn(count: int, seed: int, dimensions: int = 32) -> NDArray[np.float16]:
    """Unit vectors around a few directions, as embeddings lie, in float16."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((20, dimensions))
    values = centres[random.integers(20, size=count)] + random.standard_normal((count, dimensions))
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float16)


def by_hand(values: NDArray[np.float16], query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_]) -> list[int]:
    """One after another in float64, sorted by score and then by place."""
    scores = [float(np.dot(one.astype(np.float64), query.astype(np.float64))) for one in values]
    places = [place for place in range(len(values)) if allowed[place]]
    return sorted(places, key=lambda place: (-scores[place], place))[:k]


@pytest.mark.parametrize("count", [1, 7, vector_index.BLOCK - 1, vector_index.BLOCK, vector_index.BLOCK + 1])
@pytest.mark.parametrize("k", [1, 10, 10_000])
def test_exact_search_agrees_with_brute_force(count: int, k: int) -> None:
    values, query = drawn(count, count), drawn(1, 99)[0].astype(np.float32)
    everything = np.ones(count, dtype=np.bool_)
    hits = vector_index.nearest(values, query, k)
    wanted = by_hand(values, query, k, everything)
    scores = values.astype(np.float64) @ query.astype(np.float64)
    assert len(hits.positions) == min(k, count)
    # Scores that differ in the last bit of a float32 may change places.
    assert np.allclose(scores[hits.positions], scores[wanted], atol=1e-6)
    assert np.allclose(hits.scores, scores[hits.positions], atol=1e-6)
    assert len(set(hits.positions.tolist())) == len(hits.positions)


def test_only_what_is_allowed_is_found() -> None:
    values, query = drawn(3000, 1), drawn(1, 2)[0].astype(np.float32)
    allowed = np.random.default_rng(3).random(3000) < 0.1
    hits = vector_index.nearest(values, query, 25, allowed)
    assert allowed[hits.positions].all()
    scores = values.astype(np.float64) @ query.astype(np.float64)
    assert np.allclose(scores[hits.positions], scores[by_hand(values, query, 25, allowed)], atol=1e-6)
    assert len(vector_index.nearest(values, query, 25, np.zeros(3000, np.bool_)).positions) == 0


def test_equals_keep_the_order_in_which_they_came() -> None:
    one = drawn(1, 5)
    values = np.concatenate([drawn(50, 6), *[one] * 40, drawn(50, 7)])
    hits = vector_index.nearest(values, one[0].astype(np.float32), 10)
    assert hits.positions.tolist() == list(range(50, 60))


@pytest.mark.parametrize("query", [np.ones(31, np.float32), np.ones((1, 32), np.float32), np.full(32, np.nan)])
def test_a_query_that_is_no_vector_is_refused(query: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="the query"):
        vector_index.nearest(drawn(10, 1), query, 3)


def test_an_index_grows_and_forgets() -> None:
    values, query = drawn(5000, 11), drawn(1, 12)[0].astype(np.float32)
    grown = Index(32)
    for start in range(0, 5000, 700):
        assert grown.extend(values[start : start + 700]) == start
    removed = np.arange(0, 5000, 3)
    grown.remove(removed)
    assert len(grown) == 5000 - len(removed)
    allowed = np.ones(5000, dtype=np.bool_)
    allowed[removed] = False
    whole, rest = vector_index.nearest(values, query, 20, allowed), grown.nearest(query, 20)
    assert rest.positions.tolist() == whole.positions.tolist()
    half = np.arange(5000) < 2500
    assert (grown.nearest(query, 20, half).positions < 2500).all()


def test_without_a_graph_large_collections_are_searched_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "approximate", lambda: False)
    values, query = drawn(3000, 21), drawn(1, 22)[0].astype(np.float32)
    large = Index(32, exact_at_most=100)
    large.extend(values)
    assert large.nearest(query, 9).positions.tolist() == vector_index.nearest(values, query, 9).positions.tolist()


@pytest.mark.skipif(importlib.util.find_spec("faiss") is None, reason="faiss is not installed: pip install .[search]")
@pytest.mark.filterwarnings("ignore:builtin type .* has no __module__ attribute:DeprecationWarning")
def test_the_graph_finds_nearly_all_that_is_near_and_nothing_else() -> None:
    values = drawn(6000, 31)
    large = Index(32, exact_at_most=100)
    large.extend(values[:5000])
    first = large.nearest(values[0].astype(np.float32), 5)  # exact, while the graph is built beside it
    assert first.positions[0] == 0
    large.wait()
    large.extend(values[5000:])  # of these the graph knows nothing
    gone = np.arange(1, 6000, 5)
    large.remove(gone)
    allowed = np.random.default_rng(1).random(6000) < 0.5
    living = np.ones(6000, dtype=np.bool_)
    living[gone] = False
    shared = 0
    for place in range(0, 6000, 200):
        query = values[place].astype(np.float32)
        hits, exact = large.nearest(query, 10, allowed), vector_index.nearest(values, query, 10, allowed & living)
        assert (allowed & living)[hits.positions].all()
        assert (np.diff(hits.scores) <= 0).all()
        shared += len(set(hits.positions.tolist()) & set(exact.positions.tolist()))
    assert shared / 300 > 0.95
