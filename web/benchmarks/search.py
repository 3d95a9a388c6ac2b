"""How fast a search is: the index alone, with its graph where faiss is installed, and the way through the database.

Vectors are drawn around a few hundred directions, as embeddings lie. The database is SQLite in a temporary folder, with
a row for every job, so that what is measured is what a search costs a server: is anything new, compare, look up the
jobs. Everything is asked in one process by one caller.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from synth.description.description import SPACES, Side
from synth.options import Options
from synth.search import vector_index
from synth.search.vector_index import Index
from workers.jobs import Jobs, new_id, open_jobs
from workers.records import JOBS, VECTORS, WORDS, State
from workers.search import text_search, vectors
from workers.search.vector_cache import VectorCache

SIZES: Final = (10_000, 100_000)
QUERIES: Final = 50
FOUND: Final = 24
DIRECTIONS: Final = 400
SPACE: Final = "ave"
_PIECE: Final = 10_000
_TAGS: Final = ("rain", "dog", "wood", "metal", "waves", "fire", "clock", "helicopter", "glass", "water")


def search(sizes: Sequence[int] = SIZES, queries: int = QUERIES) -> dict[str, Any]:
    """All figures, as JSON values: size -> what was measured."""
    return {str(size): _of_size(size, queries) for size in sizes}


def _of_size(size: int, queries: int) -> dict[str, Any]:
    values = _drawn(size, 1)
    asked = _drawn(queries, 2).astype(np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    exact = Index(SPACES[SPACE], exact_at_most=size)
    exact.extend(values)
    figures: dict[str, Any] = {
        "exact_ms": _percentiles_ms(lambda query: exact.nearest(query, FOUND), asked),
        "vectors_mb": round(exact.values.nbytes / 1e6, 1),
    }
    if vector_index.approximate():
        figures["graph"] = _graph(values, asked)
    return {**figures, **_database(values, asked)}


def _graph(values: NDArray[np.float16], asked: NDArray[np.float32]) -> dict[str, Any]:
    """The same through the graph, and how much of the exact answer it finds."""
    large = Index(values.shape[1], exact_at_most=0)
    large.extend(values)
    begin = time.perf_counter()
    large.nearest(asked[0], FOUND)
    large.wait()
    build_s = time.perf_counter() - begin
    shared = [
        np.intersect1d(large.nearest(query, FOUND).positions, vector_index.nearest(values, query, FOUND).positions).size
        for query in asked
    ]
    return {
        "build_s": round(build_s, 2),
        "ms": _percentiles_ms(lambda query: large.nearest(query, FOUND), asked),
        f"recall_at_{FOUND}": round(sum(shared) / (FOUND * len(asked)), 4),
    }


def _database(values: NDArray[np.float16], asked: NDArray[np.float32]) -> dict[str, Any]:
    """Through the database: the first search, which reads everything, and those after it."""
    with tempfile.TemporaryDirectory(prefix="sonorize-bench-") as name:
        jobs = open_jobs(f"sqlite:///{Path(name) / 'bench.db'}")
        try:
            _fill(jobs, values)
            vector_cache, before_mb = VectorCache(jobs), _memory_mb()

            def like(query: NDArray[np.float32]) -> None:
                near = vector_cache.nearest(query, SPACE, Side.SOUND, None, FOUND)
                jobs.ids([one.item.job_id for one in near])

            begin = time.perf_counter()
            like(asked[0])
            first_s = time.perf_counter() - begin
            return {
                "first_search_s": round(first_s, 2),
                "cache_mb": round(_memory_mb() - before_mb, 1),
                "database_ms": _percentiles_ms(like, asked),
                "owner_ms": _percentiles_ms(
                    lambda query: vector_cache.nearest(query, SPACE, Side.SOUND, "bench-1", FOUND), asked
                ),
                "words_ms": _percentiles_ms(
                    lambda text: text_search.find(jobs.database, text, None, FOUND),
                    [*_TAGS, "rain wood", "clip 77"] * 2,
                ),
            }
        finally:
            jobs.close()


def _fill(jobs: Jobs, values: NDArray[np.float16]) -> None:
    """A finished job for each vector; every hundredth belongs to another owner."""
    now = time.time()
    options = Options().as_dict()
    result = {"outputs": [{"take": 0, "mode": "hits", "hits": []}]}
    for start in range(0, len(values), _PIECE):
        rows = [
            {
                "id": new_id(now + 0.001 * place),
                "owner": f"bench-{int(place % 100 == 0)}",
                "state": State.SUCCEEDED,
                "mode": "hits",
                "options": options,
                "title": f"clip {place}.mp4",
                "source_key": "",
                "info": {},
                "attempt": 1,
                "attempt_limit": 3,
                "progress": 1.0,
                "cancel_requested": False,
                "result": result,
                **dict.fromkeys(("created_at", "queued_at", "not_before", "rung_at", "finished_at"), now),
            }
            for place in range(start, min(start + _PIECE, len(values)))
        ]
        kept = [
            {
                "job_id": row["id"], "take": 0, "space": SPACE, "side": Side.SOUND.value, "attempt": 1,
                "vector": vectors.packed(values[place].astype(np.float32)), "serial": place + 1,
            }
            for place, row in enumerate(rows, start)
        ]  # fmt: skip
        told = [
            {"job_id": row["id"], "take": take, "word": word, "weight": weight}
            for place, row in enumerate(rows, start)
            for take, word, weight in [
                *text_search.rows_of(str(row["title"]), "hits", result),
                (0, _TAGS[place % len(_TAGS)], 0.5 + 0.5 * (place % 7) / 7),
            ]
        ]
        with jobs.database.writing() as connection:
            for table, entries in ((JOBS, rows), (VECTORS, kept), (WORDS, told)):
                connection.execute(sa.insert(table), entries)


def _drawn(count: int, seed: int) -> NDArray[np.float16]:
    """Unit vectors [count, D] around :data:`DIRECTIONS`."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((DIRECTIONS, SPACES[SPACE])).astype(np.float32)
    values = centres[random.integers(DIRECTIONS, size=count)]
    values += 1.2 * random.standard_normal(values.shape).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float16)


def _percentiles_ms(act: Callable[[Any], object], asked: Sequence[Any] | NDArray[np.float32]) -> dict[str, float]:
    times_ms = []
    for one in asked:
        begin = time.perf_counter()
        act(one)
        times_ms.append(1000 * (time.perf_counter() - begin))
    times_ms.sort()
    return {
        "p50": round(statistics.median(times_ms), 2),
        "p95": round(times_ms[round(0.95 * (len(times_ms) - 1))], 2),
    }


def _memory_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
