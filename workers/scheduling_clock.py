"""The time by which jobs wait and leases end: seconds since 1970 that do not go back while a job depends on them.

A computer's clock is set back by its owner, by NTP, or by the host of a virtual machine that was restored. Jobs queued
before that would then lie in the future, and leases of lost workers would last as much longer. So a process counts on
by its monotonic clock where its wall clock falls behind, and every look at the table lifts it to the newest time that
stands there: all processes, also those that start later, agree on one time. Once no job waits or runs, nothing depends
on it, and the wall clock is followed again.

The wall clock is the machine's for SQLite, and the database's own for PostgreSQL, whose workers may stand anywhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from workers.database import Database
from workers.records import HELD, JOBS, State

LOOK_EVERY_S: Final = 1.0  # at the table, for what other processes know
STEP_S: Final = 2.0  # smaller steps back only delay, and clocks of one network differ by less

Clock = Callable[[], float]


@dataclass
class _Look:
    """What the last look at the database told, and what was counted since."""

    looked_at: float  # monotonic
    ahead_s: float = 0.0  # of the wall clock
    database_ahead_s: float = 0.0  # the database's wall clock, ahead of this process's monotonic one
    time_s: float = 0.0  # the newest time given out ...
    given_at: float = 0.0  # ... and when, monotonic


class SchedulingClock:
    """Call it for the time. Safe to use from many threads; never call it inside a transaction.

    Args:
        database: where the jobs stand.
        wall: seconds since 1970 that may step back.
        of_database: whether PostgreSQL's own clock is used instead of ``wall``.
        monotonic: seconds that never step back.
    """

    def __init__(
        self, database: Database, wall: Clock, *, of_database: bool, monotonic: Clock = time.monotonic
    ) -> None:
        self._database, self._wall, self._monotonic = database, wall, monotonic
        self._of_database = of_database and database.is_postgresql
        self._lock = threading.Lock()
        self._look: _Look | None = None

    def __call__(self) -> float:
        """Seconds since 1970.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        with self._lock:
            fresh = self._look is not None and self._monotonic() - self._look.looked_at < LOOK_EVERY_S
        stored = None if fresh else self._ask()
        with self._lock:
            return self._count(stored)

    def _ask(self) -> tuple[float | None, float | None]:
        """The newest time that stands in a row of a job that waits or runs, and the database's own clock."""
        alive = JOBS.c.state.in_((State.QUEUED, *HELD))
        columns: list[sa.ColumnElement[float]] = [sa.func.max(JOBS.c.queued_at), sa.func.max(JOBS.c.rung_at)]
        if self._of_database:
            columns.append(sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double))
        with self._database.reading() as connection:
            queued_at, seen_at, *now = connection.execute(sa.select(*columns).where(alive)).one()
        newest = None if queued_at is None else max(float(queued_at), float(seen_at))
        return newest, float(now[0]) if now else None

    def _count(self, stored: tuple[float | None, float | None] | None) -> float:
        now = self._monotonic()
        look = self._look = self._look or _Look(looked_at=now)
        newest, database_now = stored or (None, None)
        if database_now is not None:
            look.database_ahead_s = database_now - now
        if stored is not None:
            look.looked_at = now
            if newest is None:  # nothing waits for a time or has a lease
                look.ahead_s = look.time_s = 0.0
        wall_s = now + look.database_ahead_s if self._of_database else self._wall()
        least_s = max(look.time_s + now - look.given_at if look.time_s else 0.0, newest or 0.0)
        if wall_s + look.ahead_s < least_s - STEP_S:
            look.ahead_s = least_s - wall_s
        look.time_s, look.given_at = wall_s + look.ahead_s, now
        return look.time_s
