"""When a job's files are deleted: what was said of the job, else what its owner set, else what the settings say."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.owners.tables import OWNERS
from workers.records import JOBS, Job

DAY_S: Final = 86_400.0


def ends_at(kept_s: float) -> sa.ColumnElement[float]:
    """The moment when a finished job's files are deleted, in seconds since 1970.

    Args:
        kept_s: for jobs of which neither was said.
    """
    days = sa.select(OWNERS.c.retention_days).where(OWNERS.c.name == JOBS.c.owner).scalar_subquery()
    return sa.func.coalesce(JOBS.c.keep_until, JOBS.c.finished_at + sa.func.coalesce(days * DAY_S, kept_s))


def expires_at(job: Job, owner_days: float | None, usual_days: float) -> float | None:
    """The same of one job; ``None`` while it has not ended."""
    if job.finished_at is None:
        return job.keep_until
    return job.keep_until or job.finished_at + (usual_days if owner_days is None else owner_days) * DAY_S
