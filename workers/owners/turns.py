"""Whose job is next: fair turns between owners, by start-time fair queueing (Goyal, Vin and Cheng, 1996).

Every mode's queue has a virtual time, in seconds of sound. A new job's *turn* is where its owner's last one ends, but
no earlier than the virtual time now, which is the turn of what is being worked on; it ends its seconds of sound, over
the owner's weight, later. Workers take the lowest turns. So an owner with hundreds of jobs takes every other turn as
soon as somebody else comes, and who rested saves up nothing. A turn is given once, when the job is queued: a claim
reads it off an index, however many wait.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from workers.owners.tables import OWNER_DAYS, TURNS
from workers.records import HELD, JOBS, State

LEAST_S: Final = 1.0  # of sound; a question makes none, and very short jobs take time as well


def sound_seconds(info: Any, options: Any) -> float:
    """Seconds of sound that a job makes, over all its takes."""
    return float(info.get("duration_s") or 0.0) * int(options.get("takes") or 1)


def take(connection: sa.Connection, owner: str, mode: str, sound_s: float, weight: float) -> float:
    """The turn of a new job of an owner. On PostgreSQL it holds the owner's turns of that mode until the commit."""
    cost = max(LEAST_S, sound_s) / weight
    now = float(connection.execute(sa.select(_virtual_time(mode))).scalar_one())
    ends = sa.case((TURNS.c.ends > now, TURNS.c.ends), else_=now) + cost
    row = {"owner": owner, "mode": mode, "ends": now + cost}
    wanted = insert(connection, TURNS).values(row)
    wanted = wanted.on_conflict_do_update(index_elements=[TURNS.c.owner, TURNS.c.mode], set_={"ends": ends})
    return float(connection.execute(wanted.returning(TURNS.c.ends)).scalar_one()) - cost


def count_day(connection: sa.Connection, owner: str, day: str, sound_s: float) -> float:
    """Add to the seconds of sound that an owner asked for on a day; how many those are now.

    On PostgreSQL it holds that day of the owner's until the commit, so that no two requests count the same jobs.
    """
    row = {"owner": owner, "day": day, "sound_s": sound_s}
    added = insert(connection, OWNER_DAYS).values(row)
    added = added.on_conflict_do_update(
        index_elements=[OWNER_DAYS.c.owner, OWNER_DAYS.c.day], set_={"sound_s": OWNER_DAYS.c.sound_s + sound_s}
    )
    return float(connection.execute(added.returning(OWNER_DAYS.c.sound_s)).scalar_one())


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ``ON CONFLICT DO UPDATE``; both databases do, in the same words."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _virtual_time(mode: str) -> sa.ColumnElement[float]:
    """Of a mode's queue: the turn of what is worked on, else of what is next; in an empty one all begin anew."""
    held = sa.select(sa.func.max(JOBS.c.turn)).where(JOBS.c.state.in_(HELD), JOBS.c.mode == mode)
    waits = sa.select(sa.func.min(JOBS.c.turn)).where(JOBS.c.state == State.QUEUED, JOBS.c.mode == mode)
    past = sa.select(sa.func.max(TURNS.c.ends)).where(TURNS.c.mode == mode)
    return sa.func.coalesce(held.scalar_subquery(), waits.scalar_subquery(), past.scalar_subquery(), 0.0)
