"""Whether anybody is there to do the work: each worker leaves a sign of life in the database every few seconds.

The broker cannot tell: a notification to nobody is accepted as well.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa

from workers.database import Database
from workers.errors import DatabaseError
from workers.records import QUICK
from workers.timing.tables import WORKER_SIGNS

SIGN_EVERY_S: Final = 2.0
GONE_S: Final = 8.0
"""After so long without a sign a worker counts as gone."""
FORGOTTEN_S: Final = 3600.0


class Signs:
    """One worker's signs of life.

    Args:
        node: its name, unlike all others.
        modes: of which it does jobs.
        now: the scheduling clock.
    """

    def __init__(self, database: Database, node: str, modes: Sequence[str], now: Callable[[], float]) -> None:
        self._database, self._node, self._now = database, node, now
        self._modes = f",{','.join(modes)},"
        self._due = 0.0

    def show(self) -> None:
        """Leave a sign, unless the last one is young. That the database is away is no worker's fault."""
        if time.monotonic() < self._due:
            return
        with contextlib.suppress(DatabaseError):
            now_s = self._now()
            row = {"node": self._node, "modes": self._modes, "seen_at": now_s}
            with self._database.writing(synced=False) as connection:
                mine = WORKER_SIGNS.c.node == self._node
                if not connection.execute(sa.update(WORKER_SIGNS).where(mine).values(row)).rowcount:
                    connection.execute(sa.delete(WORKER_SIGNS).where(WORKER_SIGNS.c.seen_at < now_s - FORGOTTEN_S))
                    connection.execute(sa.insert(WORKER_SIGNS).values(row))
            self._due = time.monotonic() + SIGN_EVERY_S

    def leave(self) -> None:
        """The worker goes."""
        with contextlib.suppress(DatabaseError), self._database.writing() as connection:
            connection.execute(sa.delete(WORKER_SIGNS).where(WORKER_SIGNS.c.node == self._node))


def present(database: Database, now_s: float) -> int:
    """How many workers are there that do jobs, those that only answer searches left out.

    Args:
        now_s: by the scheduling clock.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    alive = (WORKER_SIGNS.c.seen_at > now_s - GONE_S, WORKER_SIGNS.c.modes != f",{','.join(QUICK)},")
    with database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(WORKER_SIGNS).where(*alive)) or 0
