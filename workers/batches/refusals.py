"""Items of a batch that were refused: written down when it is made, told with its results, forgotten with its jobs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from workers.batches.tables import REFUSALS
from workers.database import Database
from workers.records import JOBS


@dataclass(frozen=True)
class Refusal:
    """One item of which no job was made.

    Attributes:
        number: of the item in the request, from 0.
        line: of the manifest, from 1; ``None`` where there was none.
        code, detail: of the problem.
    """

    number: int
    line: int | None
    custom_id: str | None
    name: str
    code: str
    detail: str


def write(database: Database, batch_id: str, owner: str, refused: Sequence[Refusal]) -> None:
    """Write down what was refused of a batch; a second time, as for a request that is repeated, changes nothing.

    Raises DatabaseError.
    """
    shared = {"batch_id": batch_id, "owner": owner, "created_at": time.time()}
    with database.writing() as connection:
        there = sa.select(sa.func.count()).select_from(REFUSALS).where(REFUSALS.c.batch_id == batch_id)
        if refused and not connection.scalar(there):
            connection.execute(sa.insert(REFUSALS), [{**shared, **asdict(one)} for one in refused])


def of_batch(database: Database, batch_id: str, owner: str | None) -> list[Refusal]:
    """Those of one batch, in the order of the request. Raises DatabaseError."""
    wanted = sa.select(REFUSALS).where(REFUSALS.c.batch_id == batch_id).order_by(REFUSALS.c.number)
    if owner is not None:
        wanted = wanted.where(REFUSALS.c.owner == owner)
    with database.reading() as connection:
        rows = connection.execute(wanted).all()
    return [Refusal(row.number, row.line, row.custom_id, row.name, row.code, row.detail) for row in rows]


def forget(database: Database, older_than: float) -> None:
    """Forget those of batches that have no job any more, written down before that time. Raises DatabaseError."""
    has_jobs = sa.select(JOBS.c.id).where(JOBS.c.batch_id == REFUSALS.c.batch_id).exists()
    with database.writing() as connection:
        connection.execute(sa.delete(REFUSALS).where(REFUSALS.c.created_at < older_than, ~has_jobs))
