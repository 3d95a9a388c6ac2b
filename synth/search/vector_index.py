"""The nearest of many vectors by cosine: exactly up to a hundred thousand, above that through a graph if there is one.

Exact search reads float16 vectors in blocks, makes float32 of each block and sums in float32; ties keep the order in
which vectors came, so that the same query gives the same answer every time. The graph is an HNSW (Malkov and Yashunin,
arXiv 1603.09320) of faiss, the optional extra ``search``. It only proposes: what it proposes is measured again exactly,
together with whatever came after it was built. It is built beside the search, which stays exact until it is ready.

Importable without torch. D is the dimension, N the number of vectors.
"""

from __future__ import annotations

import importlib.util
import threading
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

EXACT_AT_MOST: Final = 100_000
BLOCK: Final = 4096  # vectors: a block in float32 stays in the processor's cache
NEIGHBOURS: Final = 32  # of each vector in the graph
BUILD_WIDTH: Final = 80  # candidates looked at where a vector is put into the graph
SEARCH_WIDTH: Final = 256  # and at least so many where one is looked for
PROPOSED: Final = 4  # times what is asked for
REBUILT_AT: Final = 0.25  # share of vectors that the graph does not know when a new one is begun

Values = NDArray[np.float16] | NDArray[np.float32]


@dataclass(frozen=True)
class Hits:
    """The nearest vectors, the nearest first.

    Attributes:
        positions: int64 [k], of the vectors in the order in which they came.
        scores: float32 [k], their cosines, -1..1.
    """

    positions: NDArray[np.int64]
    scores: NDArray[np.float32]


def nearest(values: Values, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> Hits:
    """Search exactly.

    Args:
        values: [N, D], each of length one.
        query: [D], of length one.
        k: how many; fewer come where there are fewer.
        allowed: [N], which may be found; ``None`` for all.

    Raises:
        ValueError: the query is not of the vectors' dimension, or holds what is no number.
    """
    _check(query, values.shape[1])
    positions = np.arange(len(values)) if allowed is None else np.flatnonzero(allowed)
    every = len(positions) == len(values)
    scores = np.empty(len(positions), dtype=np.float32)
    for start in range(0, len(positions), BLOCK):
        end = start + BLOCK
        block = values[start:end] if every else values[positions[start:end]]
        np.matmul(block.astype(np.float32, copy=False), query, out=scores[start:end])
    best = _best(scores, k)
    return Hits(positions[best], scores[best])


class Index:
    """Vectors that come and go, in one piece of memory. Not for several threads at once; the graph's builder is ours.

    Args:
        dimensions: D.
        exact_at_most: search exactly while no more vectors than these may be found.
    """

    def __init__(self, dimensions: int, exact_at_most: int = EXACT_AT_MOST) -> None:
        self.dimensions = dimensions
        self.exact_at_most = exact_at_most
        self._room = np.empty((1024, dimensions), dtype=np.float16)
        self._living = np.zeros(1024, dtype=np.bool_)
        self._count = 0
        self._graph: _Graph | None = None
        self._builder: threading.Thread | None = None

    def __len__(self) -> int:
        """How many are there, without those that were removed."""
        return int(np.count_nonzero(self.living))

    @property
    def values(self) -> NDArray[np.float16]:
        """Float16 [N, D], the removed among them."""
        return self._room[: self._count]

    @property
    def living(self) -> NDArray[np.bool_]:
        """Bool [N]: which were not removed."""
        return self._living[: self._count]

    def extend(self, values: Values) -> int:
        """Take in vectors [M, D]; gives the position of the first, the others follow it."""
        first, self._count = self._count, self._count + len(values)
        if self._count > len(self._room):
            size = max(self._count, len(self._room) * 3 // 2)
            room, living = np.empty((size, self.dimensions), np.float16), np.zeros(size, np.bool_)
            room[:first], living[:first] = self._room[:first], self._living[:first]
            self._room, self._living = room, living
        self._room[first : self._count] = values
        self._living[first : self._count] = True
        return first

    def remove(self, positions: NDArray[np.int64]) -> None:
        """Never find these again. Their places stay taken."""
        self._living[positions] = False

    def nearest(self, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> Hits:
        """Search; see :func:`nearest`. Above ``exact_at_most``, and where faiss is installed, it may miss a few."""
        may = self.living if allowed is None else self.living & allowed
        if np.count_nonzero(may) <= self.exact_at_most or not approximate():
            return nearest(self.values, query, k, may)
        graph = self._graph
        if graph is None or self._count - graph.count > REBUILT_AT * self._count:
            self._build()
        if graph is None:
            return nearest(self.values, query, k, may)
        _check(query, self.dimensions)
        proposed = may.copy()
        proposed[: graph.count] = False
        proposed[graph.propose(query, PROPOSED * k, may)] = True
        return nearest(self.values, query, k, proposed)

    def wait(self) -> None:
        """Until the graph that is being built is ready, if one is."""
        if self._builder is not None:
            self._builder.join()

    def _build(self) -> None:
        """Begin a graph of all that is there, in a thread of its own, unless one is under way."""
        if self._builder is not None and self._builder.is_alive():
            return
        values = self.values.copy()  # the room may move meanwhile

        def build() -> None:
            self._graph = _Graph(values)

        self._builder = threading.Thread(target=build, name="search-graph", daemon=True)
        self._builder.start()


def approximate() -> bool:
    """Whether faiss is installed, so that large collections are searched through a graph."""
    return importlib.util.find_spec("faiss") is not None


class _Graph:
    """An HNSW over the vectors [N, D] that there were when it was built."""

    def __init__(self, values: NDArray[np.float16]) -> None:
        faiss = _faiss()
        self.count = len(values)
        kind = faiss.ScalarQuantizer.QT_fp16
        self._index = faiss.IndexHNSWSQ(values.shape[1], kind, NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = BUILD_WIDTH
        self._index.train(values[:1].astype(np.float32))  # float16 has nothing to learn, and wants to be asked
        for start in range(0, self.count, BLOCK):
            self._index.add(values[start : start + BLOCK].astype(np.float32))

    def propose(self, query: NDArray[np.float32], k: int, may: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Positions of up to ``k`` vectors near the query, among those that may be found."""
        faiss = _faiss()
        bits = np.packbits(may[: self.count], bitorder="little")
        asked = faiss.SearchParametersHNSW(sel=faiss.IDSelectorBitmap(bits), efSearch=max(SEARCH_WIDTH, k))
        _, found = self._index.search(query[None].astype(np.float32), k, params=asked)
        return np.asarray(found[0][found[0] >= 0], dtype=np.int64)


def _faiss() -> Any:
    return importlib.import_module("faiss")


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Indices of the ``k`` highest scores, the highest first; of equals, those that came first."""
    k = min(max(k, 0), len(scores))
    if k == 0:
        return np.zeros(0, dtype=np.intp)
    edge = np.partition(scores, len(scores) - k)[len(scores) - k]
    above = np.flatnonzero(scores > edge)
    chosen = np.concatenate([above, np.flatnonzero(scores == edge)[: k - len(above)]])
    return chosen[np.argsort(-scores[chosen], kind="stable")]


def _check(query: NDArray[np.float32], dimensions: int) -> None:
    if query.shape != (dimensions,):
        raise ValueError(f"the query is {query.shape}; its shape must be ({dimensions},)")
    if not np.isfinite(query).all():
        raise ValueError("the query holds what is no number")
