"""Whose job is next: fair turns between owners, by start-time fair queueing (Goyal, Vin and Cheng, 1996).

Every mode's queue has a virtual time, in seconds of sound. A new job's *turn* is where its owner's last one ends, but
no earlier than the virtual time now, which is the turn of what is being worked on; it ends its seconds of sound, over
the owner's weight, later. Workers take the lowest turns. So an owner with hundreds of jobs takes every other turn as
soon as somebody else comes, and who rested saves up nothing. A turn is given once, when the job is queued: a claim
reads it off an index, however many wait.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from workers.owners.tables import OWNER_DAYS, TURNS
from workers.records import IS_HELD, JOBS, State

LEAST_S: Final = 1.0  # of sound; a question makes none, and very short jobs take time as well


def sound_seconds(info: Any, options: Any) -> float:
    """Seconds of sound that a job makes, over all its takes."""
    return float(info.get("duration_s") or 0.0) * int(options.get("takes") or 1)


def take(connection: sa.Connection, owner: str, mode: str, sound_s: float, weight: float) -> float:
    """The turn of a new job of an owner. On PostgreSQL it holds the owner's turns of that mode until the commit."""
    cost = max(LEAST_S, sound_s) / weight
    now = float(connection.execute(_VIRTUAL_TIME, {"of_mode": mode}).scalar_one())
    row = {"owner": owner, "mode": mode, "ends": now + cost, "now": now, "cost": cost}
    return float(connection.execute(_taking(connection.dialect.name), row).scalar_one()) - cost


def count_day(connection: sa.Connection, owner: str, day: str, sound_s: float) -> float:
    """Add to the seconds of sound that an owner asked for on a day; how many those are now.

    On PostgreSQL it holds that day of the owner's until the commit, so that no two requests count the same jobs.
    """
    row = {"owner": owner, "day": day, "sound_s": sound_s, "more_s": sound_s}
    return float(connection.execute(_counting(connection.dialect.name), row).scalar_one())


# Statements that every job needs are put together once: that takes SQLAlchemy longer than the database takes for all.


@functools.cache
def _taking(dialect: str) -> Any:
    now, cost = sa.bindparam("now", type_=sa.Float), sa.bindparam("cost", type_=sa.Float)
    ends = sa.case((TURNS.c.ends > now, TURNS.c.ends), else_=now) + cost
    row = _INSERTS[dialect](TURNS).values(_named(TURNS, "owner", "mode", "ends"))
    row = row.on_conflict_do_update(index_elements=[TURNS.c.owner, TURNS.c.mode], set_={"ends": ends})
    return row.returning(TURNS.c.ends)


@functools.cache
def _counting(dialect: str) -> Any:
    more = OWNER_DAYS.c.sound_s + sa.bindparam("more_s", type_=sa.Float)
    row = _INSERTS[dialect](OWNER_DAYS).values(_named(OWNER_DAYS, "owner", "day", "sound_s"))
    row = row.on_conflict_do_update(index_elements=[OWNER_DAYS.c.owner, OWNER_DAYS.c.day], set_={"sound_s": more})
    return row.returning(OWNER_DAYS.c.sound_s)


def _named(table: sa.Table, *names: str) -> dict[str, Any]:
    return {name: sa.bindparam(name, type_=table.c[name].type) for name in names}


_INSERTS: Final[dict[str, Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ``ON CONFLICT DO UPDATE``; both databases do, in the same words."""
    return _INSERTS[connection.dialect.name](table)


def _virtual_time() -> sa.Select[Any]:
    """Of the queue of a mode: the turn of what is worked on, else of what is next; in an empty one all begin anew."""
    mode = sa.bindparam("of_mode", type_=sa.String)
    held = sa.select(sa.func.max(JOBS.c.turn)).where(IS_HELD, JOBS.c.mode == mode)
    waits = sa.select(sa.func.min(JOBS.c.turn)).where(JOBS.c.state == State.QUEUED, JOBS.c.mode == mode)
    past = sa.select(sa.func.max(TURNS.c.ends)).where(TURNS.c.mode == mode)
    parts = (held.scalar_subquery(), waits.scalar_subquery(), past.scalar_subquery())
    return sa.select(sa.func.coalesce(*parts, 0.0))


_VIRTUAL_TIME: Final = _virtual_time()
