"""Drafts of scores: each change of a take's score is a version, and the last hundred are kept for undo."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from workers.errors import Conflict, NotFound
from workers.jobs import Jobs
from workers.score.tables import SCORES

VERSIONS_KEPT: Final = 100


@dataclass(frozen=True)
class Version:
    """One version of a score, from 1 on.

    Attributes:
        score: as :meth:`synth.score.score.Score.as_json` gives it.
        saved_at: seconds since 1970.
    """

    version: int
    score: Mapping[str, Any]
    saved_at: float


class StaleVersion(Conflict):
    """Somebody changed the score meanwhile.

    Attributes:
        newest: the version that there is.
    """

    def __init__(self, newest: int, asked: int) -> None:
        super().__init__(f"the score is at version {newest} now, and version {asked} was to be changed; read it again")
        self.newest = newest


class Drafts:
    """The drafts of one server. Every method raises DatabaseError when the database cannot be reached."""

    def __init__(self, jobs: Jobs) -> None:
        self._database = jobs.database

    def newest(self, job_id: str, take: int) -> Version | None:
        """The draft of a take; ``None`` where nobody changed it."""
        with self._database.reading() as connection:
            row = connection.execute(_of(job_id, take).order_by(SCORES.c.version.desc()).limit(1)).one_or_none()
        return None if row is None else Version(row.version, row.score, row.saved_at)

    def get(self, job_id: str, take: int, version: int) -> Version:
        """One version. Raises NotFound, also for one that is no longer kept."""
        with self._database.reading() as connection:
            row = connection.execute(_of(job_id, take).where(SCORES.c.version == version)).one_or_none()
        if row is None:
            raise NotFound(f"version {version} of this score is not kept")
        return Version(row.version, row.score, row.saved_at)

    def versions(self, job_id: str, take: int) -> list[Version]:
        """Those that are kept, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(_of(job_id, take).order_by(SCORES.c.version.desc())).all()
        return [Version(row.version, row.score, row.saved_at) for row in rows]

    def save(self, job_id: str, take: int, score: Mapping[str, Any], *, changes: int) -> Version:
        """Keep a changed score as the next version.

        Args:
            changes: the version that was changed.

        Raises:
            StaleVersion: it is not the newest.
            NotFound: the job is gone.
        """
        saved = Version(changes + 1, dict(score), time.time())
        row = {"job_id": job_id, "take": take, "version": saved.version, "score": saved.score}
        try:
            with self._database.writing() as connection:
                newest = self._newest(connection, job_id, take)
                if newest != changes:
                    raise StaleVersion(newest, changes)
                connection.execute(sa.insert(SCORES).values({**row, "saved_at": saved.saved_at}))
                old = sa.delete(SCORES).where(*_whose(job_id, take), SCORES.c.version <= changes + 1 - VERSIONS_KEPT)
                connection.execute(old)
        except IntegrityError as error:  # PostgreSQL lets two in at once; or the job was deleted
            with self._database.reading() as connection:
                newest = self._newest(connection, job_id, take)
            if newest > changes:
                raise StaleVersion(newest, changes) from error
            raise NotFound("there is no such job") from error
        return saved

    def forget(self, job_id: str, take: int) -> None:
        """Forget the draft of a take with all its versions."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(SCORES).where(*_whose(job_id, take)))

    @staticmethod
    def _newest(connection: sa.Connection, job_id: str, take: int) -> int:
        newest = sa.select(sa.func.max(SCORES.c.version)).where(*_whose(job_id, take))
        return int(connection.scalar(newest) or 0)


def _whose(job_id: str, take: int) -> tuple[sa.ColumnElement[bool], ...]:
    return SCORES.c.job_id == job_id, SCORES.c.take == take


def _of(job_id: str, take: int) -> sa.Select[Any]:
    return sa.select(SCORES).where(*_whose(job_id, take))
