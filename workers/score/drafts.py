"""Drafts of scores: each change of a take's score is a version, and the last hundred are kept for undo.

No number is given twice, as browsers and editors keep what they were told under it: a draft that was forgotten leaves
a last row without a score, beyond which the next one is numbered.
"""

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
            row = _newest(connection, job_id, take)
        return None if row is None or row.score is None else Version(row.version, row.score, row.saved_at)

    def get(self, job_id: str, take: int, version: int) -> Version:
        """One version. Raises NotFound, also for one that is no longer kept."""
        with self._database.reading() as connection:
            row = connection.execute(_of(job_id, take).where(SCORES.c.version == version)).one_or_none()
        if row is None or row.score is None:
            raise NotFound(f"version {version} of this score is not kept")
        return Version(row.version, row.score, row.saved_at)

    def versions(self, job_id: str, take: int) -> list[Version]:
        """Those that are kept, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(_of(job_id, take).order_by(SCORES.c.version.desc())).all()
        return [Version(row.version, row.score, row.saved_at) for row in rows if row.score is not None]

    def save(self, job_id: str, take: int, score: Mapping[str, Any], *, changes: int) -> Version:
        """Keep a changed score as the next version.

        Args:
            changes: the version that was changed; 0 where there is no draft.

        Raises:
            StaleVersion: it is not the newest.
            NotFound: the job is gone.
        """
        try:
            with self._database.writing() as connection:
                newest = _newest(connection, job_id, take)
                if _shown(newest) != changes:
                    raise StaleVersion(_shown(newest), changes)
                saved = Version(1 if newest is None else newest.version + 1, dict(score), time.time())
                connection.execute(sa.insert(SCORES).values({"job_id": job_id, "take": take, **vars(saved)}))
                kept = SCORES.c.version > saved.version - VERSIONS_KEPT
                connection.execute(sa.delete(SCORES).where(*_whose(job_id, take), ~kept))
        except IntegrityError as error:  # PostgreSQL lets two in at once; or the job was deleted
            with self._database.reading() as connection:
                shown = _shown(_newest(connection, job_id, take))
            if shown != changes:
                raise StaleVersion(shown, changes) from error
            raise NotFound("there is no such job") from error
        return saved

    def forget(self, job_id: str, take: int) -> None:
        """Forget the draft of a take with all its versions."""
        with self._database.writing() as connection:
            newest = _newest(connection, job_id, take)
            if newest is None or newest.score is None:
                return
            connection.execute(sa.delete(SCORES).where(*_whose(job_id, take)))
            last = {"job_id": job_id, "take": take, "version": newest.version + 1, "score": None}
            connection.execute(sa.insert(SCORES).values({**last, "saved_at": time.time()}))


def _newest(connection: sa.Connection, job_id: str, take: int) -> sa.Row[Any] | None:
    return connection.execute(_of(job_id, take).order_by(SCORES.c.version.desc()).limit(1)).one_or_none()


def _shown(row: sa.Row[Any] | None) -> int:
    """The number of the newest version, as people see it."""
    return 0 if row is None or row.score is None else int(row.version)


def _whose(job_id: str, take: int) -> tuple[sa.ColumnElement[bool], ...]:
    return SCORES.c.job_id == job_id, SCORES.c.take == take


def _of(job_id: str, take: int) -> sa.Select[Any]:
    return sa.select(SCORES).where(*_whose(job_id, take))
