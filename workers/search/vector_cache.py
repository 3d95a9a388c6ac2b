"""The retrieval index in the memory of one process: read from the database once, afterwards only what is new.

Before each search it is brought up to date: rows with a serial above the newest one known are read; and where fewer
rows are left than known, the names of all are compared, so that what was deleted is found no more. Any number of
processes may have one. Importable without torch.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from synth.description.description import SPACES, Side
from synth.search.vector_index import EXACT_AT_MOST, Index
from workers.leases import Leases
from workers.records import JOBS, VECTORS
from workers.search.vectors import STORED

PIECE: Final = 5000  # rows read at once
WASTE: Final = 0.25  # share of places of deleted vectors at which everything is read anew


@dataclass(frozen=True)
class Item:
    """One vector of the index: of which job, of which of its takes (-1: its picture), made by which attempt."""

    job_id: str
    take: int
    attempt: int


@dataclass(frozen=True)
class Neighbour:
    """An item, what it was made of, and its cosine with what was asked for."""

    item: Item
    side: Side
    score: float


@dataclass(frozen=True)
class Matrix:
    """Float16 vectors [N, D] with the item of each, in the order in which they came."""

    items: tuple[Item, ...]
    values: NDArray[np.float16]


class VectorCache:
    """All vectors of all jobs, by space and side. Safe to use from many threads.

    Every method raises DatabaseError when the database cannot be reached.

    Args:
        exact_at_most: see :class:`synth.search.vector_index.Index`.
    """

    def __init__(self, jobs: Leases, exact_at_most: int = EXACT_AT_MOST) -> None:
        self._jobs = jobs
        self._exact_at_most = exact_at_most
        self._boards: dict[tuple[str, Side], _Board] = {}
        self._lock = threading.Lock()

    def matrix(self, space: str, side: Side, owner: str | None) -> Matrix:
        """What there is of an owner's, or of everybody's for ``None``."""
        with self._lock:
            board = self._current(space, side)
            places = np.flatnonzero(board.allowed(owner, ()))
            return Matrix(tuple(board.items[place] for place in places), board.index.values[places])

    def nearest(
        self,
        query: NDArray[np.float32],
        space: str,
        side: Side,
        owner: str | None,
        k: int,
        without: Collection[str] = (),
    ) -> list[Neighbour]:
        """The items nearest to a query [D] of length one, the nearest first.

        Args:
            owner: whose; everybody's for ``None``.
            without: jobs that are not to be found.

        Raises:
            ValueError: the query is not of the space's dimension.
        """
        with self._lock:
            board = self._current(space, side)
            hits = board.index.nearest(query, k, board.allowed(owner, without))
            found = zip(hits.positions, hits.scores, strict=True)
            # A vector in float16 is a little longer or shorter than one.
            return [Neighbour(board.items[place], side, min(1.0, max(-1.0, float(score)))) for place, score in found]

    def wait(self) -> None:
        """Until large collections are searched through their graphs; nobody has to."""
        for board in list(self._boards.values()):
            board.index.wait()

    def _current(self, space: str, side: Side) -> _Board:
        board = self._boards.get((space, side))
        if board is None or board.wasted() > WASTE:
            board = self._boards[space, side] = _Board(space, side, self._exact_at_most)
        with self._jobs.database.reading() as connection:
            board.renew(connection)
        return board


class _Board:
    """The vectors of one space and side."""

    def __init__(self, space: str, side: Side, exact_at_most: int) -> None:
        self.index = Index(SPACES[space], exact_at_most)
        self.items: list[Item] = []
        self._wanted = (VECTORS.c.space == space, VECTORS.c.side == side.value)
        self._serial = -1
        self._places: dict[str, list[int]] = {}  # job -> its living vectors
        self._owners: dict[str, int] = {}
        self._owner_of = np.zeros(1024, dtype=np.int32)  # with room, as the index has it
        self._count = 0  # of living vectors

    def wasted(self) -> float:
        """Share of places that deleted vectors hold."""
        return 0.0 if not self.items else 1.0 - self._count / len(self.items)

    def allowed(self, owner: str | None, without: Collection[str]) -> NDArray[np.bool_]:
        """Bool [N]: whose living vectors may be found."""
        may = self.index.living.copy()
        if owner is not None:
            may &= self._owner_of[: len(may)] == self._owners.get(owner, -1)
        for job_id in without:
            may[self._places.get(job_id, [])] = False
        return may

    def renew(self, connection: sa.Connection) -> None:
        """Read what is new; forget what is gone."""
        columns = (VECTORS.c.job_id, VECTORS.c.take, VECTORS.c.attempt, VECTORS.c.serial, VECTORS.c.vector)
        new = sa.select(*columns, JOBS.c.owner).join(JOBS, JOBS.c.id == VECTORS.c.job_id)
        new = new.where(*self._wanted, VECTORS.c.serial > self._serial).order_by(VECTORS.c.serial, VECTORS.c.job_id)
        rows = connection.execution_options(yield_per=PIECE).execute(new)
        dropped: set[str] = set()
        for piece in _pieces(rows):
            again = {row.job_id for row in piece if row.job_id not in dropped}
            self._drop(again)  # a job's vectors come all at once, in place of those before
            dropped |= again
            self._add(piece)
        if connection.scalar(sa.select(sa.func.count()).where(*self._wanted)) != self._count:
            self._compare(connection)

    def _add(self, rows: list[Any]) -> None:
        values = np.frombuffer(b"".join(row.vector for row in rows), STORED).reshape(len(rows), -1)
        first = self.index.extend(values)
        if first + len(rows) > len(self._owner_of):
            self._owner_of = np.resize(self._owner_of, max(first + len(rows), len(self._owner_of) * 3 // 2))
        for place, row in enumerate(rows, first):
            self.items.append(Item(row.job_id, row.take, row.attempt))
            self._places.setdefault(row.job_id, []).append(place)
            self._owner_of[place] = self._owners.setdefault(row.owner, len(self._owners))
        self._count += len(rows)
        self._serial = rows[-1].serial

    def _drop(self, job_ids: Iterable[str]) -> None:
        gone = [place for job_id in job_ids for place in self._places.pop(job_id, [])]
        self.index.remove(np.array(gone, dtype=np.int64))
        self._count -= len(gone)

    def _compare(self, connection: sa.Connection) -> None:
        """Forget the jobs of which nothing is left."""
        left = set(connection.scalars(sa.select(VECTORS.c.job_id).where(*self._wanted)))
        self._drop([job_id for job_id in self._places if job_id not in left])


def _pieces(rows: Iterable[Any]) -> Iterable[list[Any]]:
    stream = iter(rows)
    while piece := list(islice(stream, PIECE)):
        yield piece
