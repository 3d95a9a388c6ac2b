"""What administrators see of everybody: who has how much, what waits, who works. Nobody's jobs, titles or files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from workers.jobs import Jobs
from workers.owners.quotas import Quota
from workers.owners.tables import KEYS, OWNER_DAYS
from workers.records import HELD, IS_HELD, JOBS, QUESTIONS, State
from workers.timing.presence import GONE_S
from workers.timing.tables import WORKER_SIGNS
from workers.webhooks.tables import DELIVERIES

_WORKING: Final = tuple(state.value for state in HELD)


@dataclass(frozen=True)
class OwnerRow:
    """One owner: what they have, and what they may."""

    name: str
    queued: int
    running: int
    jobs: int
    stored_bytes: int
    sound_s: float
    keys: int
    quota: Quota


@dataclass(frozen=True)
class ModeRow:
    """One mode's queue; ``oldest_s`` is how long its oldest job has waited."""

    mode: str
    queued: int
    running: int
    oldest_s: float


@dataclass(frozen=True)
class WorkerRow:
    """One worker; ``seen_s`` is how long ago it last showed a sign of life, ``None`` where it never did."""

    name: str
    modes: list[str]
    seen_s: float | None
    is_there: bool
    jobs: int


def owners(jobs: Jobs) -> list[OwnerRow]:
    """Everybody, those with most to do first. Raises DatabaseError."""
    mine = JOBS.c.mode.not_in(QUESTIONS)
    by_state = sa.select(JOBS.c.owner, JOBS.c.state, sa.func.count()).where(mine).group_by(JOBS.c.owner, JOBS.c.state)
    today = sa.select(OWNER_DAYS.c.owner, OWNER_DAYS.c.sound_s).where(OWNER_DAYS.c.day == jobs.owners.today())
    active = sa.select(KEYS.c.owner, sa.func.count()).where(
        KEYS.c.revoked_at.is_(None), sa.or_(KEYS.c.expires_at.is_(None), KEYS.c.expires_at > jobs.owners.now())
    )
    states: Counter[tuple[str, str]] = Counter()
    with jobs.database.reading() as connection:
        for owner, state, count in connection.execute(by_state):
            states[owner, state] += count
        sound_s = _pairs(connection, today)
        keys = _pairs(connection, active.group_by(KEYS.c.owner))
    quotas = jobs.owners.quotas()
    rows = [
        OwnerRow(
            name=name,
            queued=states[name, State.QUEUED],
            running=sum(states[name, state] for state in _WORKING),
            jobs=sum(states[name, state] for state in State),
            stored_bytes=jobs.owners.use(name).stored_bytes,
            sound_s=float(sound_s.get(name, 0.0)),
            keys=int(keys.get(name, 0)),
            quota=quotas.get(name, jobs.owners.usual),
        )
        for name in jobs.owners.names()
    ]
    return sorted(rows, key=lambda row: (-row.running, -row.queued, -row.stored_bytes, row.name))


def queue(jobs: Jobs) -> list[ModeRow]:
    """Each mode of which something waits or is worked on. Raises DatabaseError."""
    columns = (JOBS.c.mode, JOBS.c.state)
    grouped = sa.select(*columns, sa.func.count().label("jobs"), sa.func.min(JOBS.c.queued_at).label("since"))
    grouped = grouped.where(JOBS.c.state.in_((State.QUEUED, *HELD))).group_by(*columns)
    counted: Counter[tuple[str, str]] = Counter()
    since: dict[str, float] = {}
    with jobs.database.reading() as connection:
        for row in connection.execute(grouped):
            state = "queued" if row.state == State.QUEUED else "running"
            counted[row.mode, state] += row.jobs
            if state == "queued":
                since[row.mode] = row.since
    now_s = jobs.now()
    return [
        ModeRow(mode, counted[mode, "queued"], counted[mode, "running"], max(0.0, now_s - since.get(mode, now_s)))
        for mode in sorted({mode for mode, _ in counted})
    ]


def workers(jobs: Jobs) -> list[WorkerRow]:
    """Workers that left a sign of life lately, or hold a job. Raises DatabaseError."""
    held = sa.select(JOBS.c.worker, sa.func.count()).where(IS_HELD).group_by(JOBS.c.worker)
    holds: Counter[str] = Counter()
    with jobs.database.reading() as connection:
        for worker, count in connection.execute(held):
            holds[str(worker or "").partition("#")[0]] += count
        signs = {row.node: row for row in connection.execute(sa.select(WORKER_SIGNS))}
    now_s, rows = jobs.now(), []
    for name in sorted({*signs, *holds} - {""}):
        seen_s = max(0.0, now_s - signs[name].seen_at) if name in signs else None
        modes = [mode for mode in signs[name].modes.split(",") if mode] if name in signs else []
        there = seen_s is not None and seen_s < GONE_S
        rows.append(WorkerRow(name, modes, seen_s, there, holds[name]))
    return rows


def deliveries(jobs: Jobs) -> dict[str, int]:
    """State -> deliveries of webhooks. Raises DatabaseError."""
    counted = sa.select(DELIVERIES.c.state, sa.func.count()).group_by(DELIVERIES.c.state)
    with jobs.database.reading() as connection:
        return {str(state): int(count) for state, count in _pairs(connection, counted).items()}


def _pairs(connection: sa.Connection, wanted: sa.Select[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in connection.execute(wanted)}
