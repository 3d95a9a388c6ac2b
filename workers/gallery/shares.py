"""Links by which people without a key see one result, until they expire or are revoked.

A link holds a random token; only its digest is kept, so that who reads the database cannot open what was shared.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from workers.database import Database
from workers.errors import Conflict, NotFound
from workers.gallery.tables import SHARES
from workers.jobs import Job, Jobs
from workers.records import JOBS, new_id

SHORTEST_S: Final = 60
LONGEST_S: Final = 366 * 86_400
USUAL_S: Final = 7 * 86_400
MOST: Final = 50
"""Links of one job that are good at a time."""


@dataclass(frozen=True)
class Share:
    """One link. Times are seconds since 1970; ``token`` is known only at the moment when it is made."""

    id: str
    job_id: str
    created_at: float
    expires_at: float
    token: str | None = None


class Shares:
    """All links. Every method raises DatabaseError when the database cannot be reached."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._database: Database = jobs.database

    def make(self, job_id: str, owner: str | None, lives_s: float) -> Share:
        """A new link to a job of the owner's; only what this returns has the token.

        Raises:
            NotFound: there is no such job.
            Conflict: the job has as many as it may have.
        """
        self._jobs.get(job_id, owner)
        now_s, token = time.time(), secrets.token_urlsafe(24)
        made = Share(new_id(now_s), job_id, now_s, now_s + lives_s, token)
        row = {**{name: value for name, value in vars(made).items() if name != "token"}, "digest": _digest(token)}
        with self._database.writing() as connection:
            connection.execute(sa.delete(SHARES).where(SHARES.c.expires_at <= now_s))
            held = sa.select(sa.func.count()).select_from(SHARES).where(SHARES.c.job_id == job_id)
            if (connection.scalar(held) or 0) >= MOST:
                raise Conflict(f"{MOST} links to this result are good, the most there may be; revoke some")
            connection.execute(sa.insert(SHARES).values(row))
        return made

    def of_job(self, job_id: str, owner: str | None) -> list[Share]:
        """The links to a job of the owner's that are still good, the newest first. Raises NotFound."""
        self._jobs.get(job_id, owner)
        good = sa.select(SHARES).where(SHARES.c.job_id == job_id, SHARES.c.expires_at > time.time())
        with self._database.reading() as connection:
            return [_share(row) for row in connection.execute(good.order_by(SHARES.c.id.desc()))]

    def revoke(self, job_id: str, share_id: str, owner: str | None) -> None:
        """End a link now. Raises NotFound, also for somebody else's."""
        self._jobs.get(job_id, owner)
        with self._database.writing() as connection:
            its = (SHARES.c.id == share_id, SHARES.c.job_id == job_id)
            if not connection.execute(sa.delete(SHARES).where(*its)).rowcount:
                raise NotFound("there is no such link")

    def opened(self, token: str) -> tuple[Share, Job]:
        """The link that a token opens, and its job.

        Raises:
            NotFound: there is none, it expired, was revoked, or its job is gone.
        """
        good = sa.select(SHARES).join(JOBS, JOBS.c.id == SHARES.c.job_id)
        good = good.where(SHARES.c.digest == _digest(token), SHARES.c.expires_at > time.time())
        with self._database.reading() as connection:
            row = connection.execute(good).one_or_none()
        if row is None:
            raise NotFound("this link is not known here: it has expired, or was taken back")
        return _share(row), self._jobs.get(row.job_id, None)


def _share(row: sa.Row[Any]) -> Share:
    return Share(row.id, row.job_id, row.created_at, row.expires_at)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
