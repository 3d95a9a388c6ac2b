"""Claims in detail: which jobs may be taken, in which order, how many at once; and what is said of lost workers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa

from workers.records import IS_HELD, JOBS
from workers.telemetry import counters
from workers.telemetry.families import ATTEMPTS, LEASES_LOST

LEFT: Final = (~JOBS.c.cancel_requested, JOBS.c.attempt < JOBS.c.attempt_limit)
"""Of a job that may be claimed: nobody wants it stopped, and an attempt is left."""
_CLAIMED: Final = ("id", "mode", "turn", "queued_at", "lease_until", "info", "options")


def first(n: int, mode: str, ready: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The first ``n`` jobs of a mode in the order of their turns, of those that are ready in this way."""
    wanted = sa.select(*(JOBS.c[name] for name in _CLAIMED))
    wanted = wanted.where(JOBS.c.mode == mode, *LEFT, ready).order_by(JOBS.c.turn, JOBS.c.queued_at, JOBS.c.id)
    return wanted.limit(n).with_for_update(skip_locked=True)


def lost(now_s: float) -> sa.ColumnElement[bool]:
    """Jobs whose lease was over by then."""
    return sa.and_(IS_HELD, JOBS.c.lease_until < now_s)


def limit_of_lost(connection: sa.Connection, its: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """The last attempt of jobs whose process was lost: one more than before where it was lost with others, because
    that attempt is blamed on none of them.
    """
    held = sa.select(JOBS.c.worker).where(its, IS_HELD)
    several = list(connection.scalars(held.group_by(JOBS.c.worker).having(sa.func.count() > 1)))
    return JOBS.c.attempt_limit + sa.case((JOBS.c.worker.in_(several), 1), else_=0)


def workers_of_lost(connection: sa.Connection, now_s: float, *which: sa.ColumnElement[bool]) -> list[str | None]:
    """The workers that jobs were lost with by then, each once; ``None`` stands for those of which that is settled."""
    return list(connection.scalars(sa.select(JOBS.c.worker).where(lost(now_s), *which).distinct()))


def settle_blame(connection: sa.Connection, now_s: float, workers: list[str]) -> None:
    """Of leases that ran out, as when a machine is gone: see :func:`limit_of_lost`. No worker stands in the row of a
    lost job of which that was settled. Leases of one worker end one after another, as each is renewed by itself: with
    the first it is settled of all, and the last is no job that was lost alone.
    """
    if not workers:
        return
    its = JOBS.c.worker.in_(workers)
    held = sa.update(JOBS).where(its, IS_HELD)
    connection.execute(held.values(attempt_limit=limit_of_lost(connection, its)))
    connection.execute(sa.update(JOBS).where(lost(now_s), its).values(worker=None))


def lost_leases(rows: Iterable[sa.RowMapping]) -> counters.Increments:
    """What is counted for rows whose lease ran out; who was freed on purpose has an end of lease that is zero."""
    modes = [row["mode"] for row in rows if row["lease_until"]]
    return counters.together(*(LEASES_LOST.one(mode) | ATTEMPTS.one(mode, "lost") for mode in modes))


def together(rows: Iterable[sa.RowMapping], sound_s: float) -> list[str]:
    """The ids that one worker takes at once, of jobs in the order in which they wait."""
    ids: list[str] = []
    for row in rows:
        asked_s = float(row["info"].get("duration_s", 0.0)) * int(row["options"].get("takes", 1))
        lost = bool(row["lease_until"])  # who waits has no lease, and who was freed on purpose none that counts
        if lost and not ids:
            return [row["id"]]
        if not lost and (not ids or asked_s <= sound_s):
            ids.append(row["id"])
            sound_s -= asked_s
    return ids
