"""A new job in the table: its row, and what may be in its way."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.errors import Conflict, QueueFull
from workers.records import JOBS, Job, State, job_of

_WAITING: Final = sa.select(sa.func.count()).where(JOBS.c.state == State.QUEUED)
INSERT: Final = sa.insert(JOBS).returning(JOBS)


def refuse_when_full(connection: sa.Connection, most: int) -> None:
    """Hold that one more job may wait.

    Raises:
        QueueFull: ``most`` wait already.
    """
    waiting = connection.scalar(_WAITING) or 0
    if waiting >= most:
        raise QueueFull(f"{waiting} jobs wait already; allowed are {most}")


def same_request(
    connection: sa.Connection, owner: str, idempotency_key: str | None, request_hash: str | None
) -> Job | None:
    """The job that the same request made before; ``None`` where there is none, or no key.

    Raises:
        Conflict: the key was used for a different request.
    """
    if idempotency_key is None:
        return None
    same = (JOBS.c.owner == owner, JOBS.c.idempotency_key == idempotency_key)
    row = connection.execute(sa.select(JOBS).where(*same)).one_or_none()
    if row is not None and row.request_hash != request_hash:
        raise Conflict("this idempotency key was used for a different request")
    return None if row is None else job_of(row)


def whose(id: str, owner: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    """The condition of one job, and of its owner where that counts."""
    return (JOBS.c.id == id,) if owner is None else (JOBS.c.id == id, JOBS.c.owner == owner)
