"""The bench of the search, with little of everything."""

from __future__ import annotations

import pytest

from synth.search import vector_index
from web.benchmarks import search


@pytest.mark.filterwarnings("ignore:builtin type .* has no __module__ attribute:DeprecationWarning")
def test_every_figure_is_measured() -> None:
    figures = search.search(sizes=(500,), queries=3)["500"]
    wanted = {"exact_ms", "vectors_mb", "first_search_s", "cache_mb", "database_ms", "owner_ms", "words_ms"}
    assert set(figures) == wanted | ({"graph"} if vector_index.approximate() else set())
    for name in ("exact_ms", "database_ms", "owner_ms", "words_ms"):
        assert 0 < figures[name]["p50"] <= figures[name]["p95"]
    assert figures["vectors_mb"] == pytest.approx(500 * 128 * 2 / 1e6, abs=0.05)
