"""What happened becomes events and deliveries, in the very transaction in which it happens: neither without the other.

An event is written once for each change of a row, so a notification, a lease or a worker that comes twice makes no
second one. Nothing is written for owners without an endpoint that wants it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from workers.records import FINAL, JOBS, QUESTIONS, Job, State, moment, new_id
from workers.webhooks.tables import DELIVERIES, EVENTS, OPEN_BATCHES, WEBHOOKS

STALE_S: Final = 3600.0
"""A batch that is still being made after so long was left by a process that is gone."""


class EventType(StrEnum):
    """What may happen."""

    SUCCEEDED = "job.succeeded"
    FAILED = "job.failed"
    CANCELED = "job.canceled"
    EXPIRED = "job.expired"
    BATCH_FINISHED = "batch.finished"
    TEST = "webhook.test"


USUAL: Final = (EventType.SUCCEEDED, EventType.FAILED, EventType.CANCELED, EventType.BATCH_FINISHED)
"""What an endpoint gets that says nothing else."""
CHOICES: Final = (*USUAL, EventType.EXPIRED)
"""What an endpoint may ask for; a test comes when somebody asks for it."""
_OF_STATE: Final = {
    State.SUCCEEDED: EventType.SUCCEEDED,
    State.FAILED: EventType.FAILED,
    State.CANCELED: EventType.CANCELED,
    State.EXPIRED: EventType.EXPIRED,
}


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"  # it is sent, or sent again, when its time has come
    DELIVERED = "delivered"
    FAILED = "failed"  # it is not sent again by itself
    HELD = "held"  # its endpoint was disabled


def ended(connection: sa.Connection, jobs: Iterable[Job], wall_s: float) -> None:
    """Jobs have come to a final state, and their batches perhaps to their ends.

    Args:
        connection: the transaction in which they did.
        wall_s: now, as people read it.
    """
    batches = dict[str, Job]()
    for job in jobs:
        if job.mode in QUESTIONS or job.state not in _OF_STATE:
            continue
        event = _OF_STATE[job.state]
        wanting = _wanting(connection, job.owner, event, {job.webhook_id})
        if wanting:
            put(connection, job.owner, event, job.id, job_json(job), wanting, wall_s)
        if job.batch_id is not None and job.state is not State.EXPIRED:
            batches[job.batch_id] = job
    for batch_id, job in batches.items():
        batch_ended(connection, batch_id, job.owner, wall_s)


def open_batch(connection: sa.Connection, batch_id: str, wall_s: float) -> None:
    """More jobs of a batch will come: it does not end before :func:`close_batch`."""
    connection.execute(sa.insert(OPEN_BATCHES).values(batch_id=batch_id, opened_at=wall_s))


def close_batch(connection: sa.Connection, batch_id: str, owner: str, wall_s: float) -> None:
    """All jobs of a batch are made; all of them may have ended already."""
    connection.execute(sa.delete(OPEN_BATCHES).where(OPEN_BATCHES.c.batch_id == batch_id))
    batch_ended(connection, batch_id, owner, wall_s)


def close_abandoned(connection: sa.Connection, wall_s: float) -> None:
    """Close batches whose maker is gone, killed in the middle: what it had made may have ended since."""
    old = sa.delete(OPEN_BATCHES).where(OPEN_BATCHES.c.opened_at <= wall_s - STALE_S)
    for batch_id in list(connection.scalars(old.returning(OPEN_BATCHES.c.batch_id))):
        owner = connection.scalar(sa.select(JOBS.c.owner).where(JOBS.c.batch_id == batch_id).limit(1))
        if owner is not None:
            batch_ended(connection, batch_id, owner, wall_s)


def batch_ended(connection: sa.Connection, batch_id: str, owner: str, wall_s: float) -> None:
    """Tell that a batch has ended, if all its jobs have."""
    if connection.dialect.name == "postgresql":
        # Its two last jobs may end at once, and neither transaction would see the other's.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(batch_id, 0))))
    named = set(connection.scalars(sa.select(JOBS.c.webhook_id).where(JOBS.c.batch_id == batch_id).distinct()))
    wanting = _wanting(connection, owner, EventType.BATCH_FINISHED, named)
    if not wanting:
        return
    young = sa.and_(OPEN_BATCHES.c.batch_id == batch_id, OPEN_BATCHES.c.opened_at > wall_s - STALE_S)
    if connection.scalar(sa.select(sa.func.count()).select_from(OPEN_BATCHES).where(young)):
        return
    counted = sa.select(JOBS.c.state, sa.func.count()).where(JOBS.c.batch_id == batch_id, JOBS.c.owner == owner)
    counts = {str(state): int(count) for state, count in connection.execute(counted.group_by(JOBS.c.state))}
    if not counts or set(counts) - {state.value for state in FINAL}:
        return
    told = {
        "id": batch_id,
        "status": "finished",
        "counts": {"total": sum(counts.values()), **{state.value: counts.get(state.value, 0) for state in State}},
        "links": {"self": f"/v1/batches/{batch_id}", "result": f"/v1/batches/{batch_id}/result.zip"},
    }
    put(connection, owner, EventType.BATCH_FINISHED, batch_id, told, wanting, wall_s)


def put(
    connection: sa.Connection,
    owner: str,
    event: EventType,
    about: str,
    data: Mapping[str, Any],
    webhooks: Sequence[sa.Row[Any]],
    wall_s: float,
) -> list[str]:
    """One event and a delivery of it to each endpoint, due at once; the deliveries.

    Args:
        about: id of the job or batch.
        webhooks: rows with ``id`` and ``disabled_at``; a disabled one's delivery is kept for later.
    """
    event_id = f"msg_{secrets.token_hex(16)}"
    body = {"type": event.value, "timestamp": moment(wall_s), "data": data}
    values = {"id": event_id, "owner": owner, "type": event.value, "about": about, "created_at": wall_s}
    connection.execute(sa.insert(EVENTS).values(**values, body=json.dumps(body, separators=(",", ":"))))
    rows = [
        {
            "id": new_id(wall_s),
            "webhook_id": one.id,
            "event_id": event_id,
            "state": DeliveryState.PENDING if one.disabled_at is None else DeliveryState.HELD,
            "tries": 0,
            "attempt": 0,
            "next_at": 0.0,
            "created_at": wall_s,
            "log": [],
        }
        for one in webhooks
    ]
    connection.execute(sa.insert(DELIVERIES), rows)
    return [str(row["id"]) for row in rows]


def job_json(job: Job) -> dict[str, Any]:
    """What is told of a job: no more than anybody needs to go on from there with the API, under the API's names."""
    base = f"/v1/jobs/{job.id}"
    entries = (job.result or {}).get("outputs", ())
    return {
        "id": job.id,
        "status": job.state.value,
        "title": job.title,
        "mode": job.mode,
        "batch_id": job.batch_id,
        "attempt": job.attempt,
        "error": dict(job.error) if job.error else None,
        "created_at": moment(job.created_at),
        "started_at": moment(job.started_at),
        "finished_at": moment(job.finished_at),
        "outputs": [
            {"take": one["take"], "seed": one["seed"], "links": {"video": f"{base}/outputs/{one['take']}/video"}}
            for one in entries
        ],
        "links": {"self": base, "page": f"/jobs/{job.id}"},
    }


def _wanting(connection: sa.Connection, owner: str, event: EventType, named: set[str | None]) -> list[sa.Row[Any]]:
    """The owner's endpoints that want an event, and those that the job itself names."""
    wanted = sa.select(WEBHOOKS).where(WEBHOOKS.c.owner == owner)
    return [
        row
        for row in connection.execute(wanted)
        if row.id in named or (not row.named_only and event.value in row.events)
    ]
