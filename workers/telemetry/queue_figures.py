"""How many jobs there are, of whom, in which state, and since when the oldest waits: one look at the table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from workers.database import Database
from workers.records import JOBS, QUESTIONS, State


@dataclass(frozen=True)
class QueueFigures:
    """Of one moment.

    Attributes:
        by_state: every state named.
        waiting: mode -> jobs that wait.
        oldest_s: state -> seconds since its oldest job was queued; zero where there is none.
        by_owner: owner and state -> jobs; questions of the pages are nobody's.
    """

    by_state: dict[str, int]
    waiting: dict[str, int]
    oldest_s: dict[str, float]
    by_owner: dict[tuple[str, str], int]


def read(database: Database, now_s: float) -> QueueFigures:
    """Look at the table.

    Args:
        now_s: by the scheduling clock.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    columns = (JOBS.c.owner, JOBS.c.mode, JOBS.c.state)
    grouped = sa.select(*columns, sa.func.count().label("jobs"), sa.func.min(JOBS.c.queued_at).label("since"))
    by_state, waiting, by_owner = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    since: dict[str, float] = {}
    with database.reading() as connection:
        for row in connection.execute(grouped.group_by(*columns)):
            by_state[row.state] += row.jobs
            since[row.state] = min(since.get(row.state, row.since), row.since)
            if row.state == State.QUEUED:
                waiting[row.mode] += row.jobs
            if row.mode not in QUESTIONS:
                by_owner[row.owner, row.state] += row.jobs
    oldest_s = {state: max(0.0, now_s - since.get(state, now_s)) for state in (State.QUEUED.value, State.RUNNING.value)}
    return QueueFigures({state.value: by_state[state] for state in State}, dict(waiting), oldest_s, dict(by_owner))
