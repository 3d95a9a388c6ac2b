"""Counters that survive the process that counts: rows that only grow, added to in the transaction that they tell of.

Worker processes are short-lived and stand on other machines, so that nobody could ask them. What a transaction changes
is counted in it, exactly once; what happens outside of one is kept in :data:`UNWRITTEN` and written a little later.
"""

from __future__ import annotations

import bisect
import functools
import json
import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from workers.database import Database
from workers.errors import DatabaseError
from workers.telemetry.tables import COUNTERS

Increments = dict[tuple[str, tuple[str, ...]], float]
"""Name of a counter and values of its labels -> by how much it grows."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CounterFamily:
    """One counter, or one for each set of values of its labels.

    Attributes:
        name: as Prometheus knows it, without ``_total``.
        labels: their names.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def one(self, *values: str, by: float = 1.0) -> Increments:
        """What is to be added for something that happened."""
        return {(self.name, values): by}


@dataclass(frozen=True)
class HistogramFamily:
    """How long something takes, or how large it is, sorted into buckets.

    Attributes:
        buckets: upper edges, rising; what lies above all of them is counted too.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]

    def one(self, value: float, *values: str) -> Increments:
        """What is to be added for one observation."""
        place = bisect.bisect_left(self.buckets, value)
        edge = f"{self.buckets[place]:g}" if place < len(self.buckets) else "+Inf"
        return {(f"{self.name}_bucket", (*values, edge)): 1.0, (f"{self.name}_sum", values): value}


def together(*several: Increments) -> Increments:
    """Increments as one, so that they are written with one statement."""
    found: Increments = {}
    for one in several:
        for key, by in one.items():
            found[key] = found.get(key, 0.0) + by
    return found


def write(connection: sa.Connection, increments: Increments) -> None:
    """Add to the counters, in the caller's transaction; in one order, so that no two transactions block each other."""
    rows = [
        {"name": name, "labels": json.dumps(values), "value": by} for (name, values), by in sorted(increments.items())
    ]
    if rows:
        connection.execute(_added(connection.dialect.name), rows)


@functools.cache  # one statement for any number of rows: SQLAlchemy compiles it once
def _added(dialect: str) -> sa.Executable:
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(COUNTERS)
    grown = COUNTERS.c.value + statement.excluded.value
    return statement.on_conflict_do_update(index_elements=["name", "labels"], set_={"value": grown})


def read(database: Database) -> dict[str, dict[tuple[str, ...], float]]:
    """Name -> values of the labels -> value.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    found: dict[str, dict[tuple[str, ...], float]] = {}
    with database.reading() as connection:
        for row in connection.execute(sa.select(COUNTERS)):
            found.setdefault(row.name, {})[tuple(json.loads(row.labels))] = row.value
    return found


class Unwritten:
    """What this process has counted and not written yet. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, tuple[str, ...]], float] = {}

    def add(self, increments: Increments) -> None:
        """Keep for the next :meth:`flush`."""
        with self._lock:
            for key, by in increments.items():
                self._counts[key] = self._counts.get(key, 0.0) + by

    def flush(self, database: Database) -> None:
        """Write what was kept. While the database is away it stays kept; a process that is killed takes it along."""
        with self._lock:
            counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            with database.writing(synced=False) as connection:
                write(connection, counts)
        except DatabaseError as error:
            _log.debug("counters are written later: %s", error)
            self.add(counts)


UNWRITTEN: Final = Unwritten()
"""Of this process."""


def cumulative(edges: Sequence[float], counts: Mapping[str, float]) -> Iterable[tuple[str, float]]:
    """Buckets as Prometheus wants them, each with all below it; ``counts`` by upper edge as text."""
    total = 0.0
    for edge in (*(f"{edge:g}" for edge in edges), "+Inf"):
        total += counts.get(edge, 0.0)
        yield edge, total
