"""Takes that are asked for of a score: numbered, queued as rows of their own, and joined to the job when they are done.

The row that renders one is claimed, renewed and ended as any other; it is nobody's job. Its take is written into the
result of the job in the transaction in which the row ends, so that there is never one without the other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from synth.options import Options
from workers.errors import Conflict, NotFound
from workers.files import objects
from workers.jobs import Job, Jobs, new_id
from workers.records import IS_HELD, JOBS, SCORE, SLOW_SCORE
from workers.score.ranking import ranked
from workers.score.tables import SCORE_RENDERS, SCORES
from workers.search import text_search, vectors

MAX_TAKES: Final = 99
"""Takes that a job may have, those of its options included."""
QUICK_S: Final = 120.0
"""Clips that last longer are rendered by those who do jobs, so that nobody who searches waits for them."""
_TRIES: Final = 5
_DELETED: Final = ""
"""Instead of the id of a row: the take was deleted."""


@dataclass(frozen=True)
class Render:
    """A take that was asked for.

    Attributes:
        take: its number.
        parent, version: whose score, and which version of it.
        asked_at: seconds since 1970.
        row: what renders it; ``None`` once that is done, or no longer kept.
    """

    take: int
    parent: int
    version: int
    asked_at: float
    row: Job | None


class Renders:
    """Those of one server. Every method raises DatabaseError when the database cannot be reached."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs, self._database = jobs, jobs.database

    def ask(self, job: Job, parent: int, version: int, saved_at: float = 0.0) -> Render:
        """Ask for a take; the one that there is, where the same was asked for before and has not failed. Notify the
        queue of the row's mode afterwards.

        Args:
            saved_at: when that version was saved: a draft that was forgotten may have had one of the same number.

        Raises:
            Conflict: the job has as many takes as are allowed.
            QueueFull: as many jobs wait as are allowed to.
            OverQuota: the owner has asked for as many seconds of sound today as they may.
        """
        for _ in range(_TRIES):
            asked = self.of_job(job.id)
            for one in asked:
                same = (one.parent, one.version) == (parent, version) and one.asked_at >= saved_at
                if same and _goes_on(job, one):
                    return one
            there = {one.take for one in asked} | {int(one["take"]) for one in (job.result or {}).get("outputs", ())}
            take = max(there | self._numbers(job.id), default=-1) + 1
            if len(there) >= MAX_TAKES:
                raise Conflict(f"the job has {MAX_TAKES} takes, which is what is allowed; delete some")
            row_id, asked_at = new_id(time.time()), time.time()
            try:
                with self._database.writing() as connection:
                    number = {"job_id": job.id, "take": take, "parent": parent, "version": version}
                    connection.execute(
                        sa.insert(SCORE_RENDERS).values({**number, "row_id": row_id, "asked_at": asked_at})
                    )
            except IntegrityError:
                continue  # somebody else asked at the same moment
            try:
                row = self._queue(job, row_id, take, parent, version)
            except BaseException:
                self._forget(job.id, take)
                raise
            return Render(take, parent, version, asked_at, row)
        raise Conflict("too many ask for takes of this job at once; try again")

    def of_job(self, job_id: str) -> list[Render]:
        """All that were asked for of a job, by their numbers; without those that were deleted."""
        kept = sa.select(SCORE_RENDERS).where(SCORE_RENDERS.c.job_id == job_id, SCORE_RENDERS.c.row_id != _DELETED)
        with self._database.reading() as connection:
            asked = connection.execute(kept.order_by(SCORE_RENDERS.c.take)).all()
        rows = self._jobs.ids([one.row_id for one in asked])
        return [Render(one.take, one.parent, one.version, one.asked_at, rows.get(one.row_id)) for one in asked]

    def _numbers(self, job_id: str) -> set[int]:
        """All numbers of takes that were ever given."""
        given = sa.select(SCORE_RENDERS.c.take).where(SCORE_RENDERS.c.job_id == job_id)
        with self._database.reading() as connection:
            return set(connection.scalars(given))

    def get(self, job_id: str, take: int) -> Render | None:
        """One of them; ``None`` for a take that was not rendered from a score."""
        return next((one for one in self.of_job(job_id) if one.take == take), None)

    def delete(self, job: Job, take: int) -> list[str]:
        """Take one out of its job; the keys of the files that were its own.

        Raises:
            NotFound: the job has no such take that was rendered from a score.
        """
        with self._database.writing() as connection:
            serial = vectors.next_serial(connection, self._database.is_postgresql)
            row = connection.execute(sa.select(JOBS).where(JOBS.c.id == job.id).with_for_update()).one_or_none()
            asked = connection.execute(_numbered(job.id, take)).one_or_none()
            if row is None or asked is None or asked.row_id == _DELETED:
                raise NotFound(f"the job has no take {take} that was rendered from a score")
            # Its number stays taken: browsers keep what lies at addresses with it.
            connection.execute(sa.update(SCORE_RENDERS).where(*_number(job.id, take)).values(row_id=_DELETED))
            connection.execute(sa.delete(SCORES).where(SCORES.c.job_id == job.id, SCORES.c.take == take))
            connection.execute(sa.delete(JOBS).where(JOBS.c.id == asked.row_id))
            outputs = list((row.result or {}).get("outputs", ()))
            left = [one for one in outputs if one["take"] != take]
            if len(left) < len(outputs):
                self._write(connection, row, ranked({**row.result, "outputs": left}))
                vectors.keep_take(connection, serial, job.id, take, ())  # or a search would find what is not there
            still = {key for one in left for key in keys_of_take(one)}
            mine = [key for one in outputs if one["take"] == take for key in keys_of_take(one) if key not in still]
            objects.forget_in(connection, mine)  # they count for nobody any more, also while the storage is away
        return mine

    def finish(self, attempt: Job, entry: Mapping[str, Any]) -> bool:
        """End the row of an attempt with a take, and join that to its job; false, and nothing changed, if the lease is
        lost, the row is to be cancelled, or the job or the take before is gone.
        """
        of = str(attempt.info["score"]["of"])
        mine = (JOBS.c.id == attempt.id, JOBS.c.attempt == attempt.attempt, IS_HELD)
        try:
            with self._database.writing() as connection:
                row = connection.execute(sa.select(JOBS).where(JOBS.c.id == of).with_for_update()).one_or_none()
                if row is None or row.result is None:
                    raise NotFound("the job is gone")
                if all(one["take"] != attempt.info["score"]["parent"] for one in row.result["outputs"]):
                    raise NotFound("the take before was deleted, and with it parts that this one shares")
                # It has done what it was for: nobody lists it, and the clip is to be used by who shows it only.
                done = sa.delete(JOBS).where(*mine, sa.not_(JOBS.c.cancel_requested))
                if not connection.execute(done).rowcount:
                    raise NotFound("the lease is lost")
                others = [one for one in row.result["outputs"] if one["take"] != entry["take"]]
                outputs = sorted([*others, dict(entry)], key=lambda one: int(one["take"]))
                self._write(connection, row, {**row.result, "outputs": outputs})
        except NotFound:
            return False
        return True

    def _write(self, connection: sa.Connection, row: sa.Row[Any], result: dict[str, Any]) -> None:
        connection.execute(sa.update(JOBS).where(JOBS.c.id == row.id).values(result=result))
        text_search.write(connection, row.id, text_search.rows_of(row.title, row.mode, result))

    def _queue(self, job: Job, row_id: str, take: int, parent: int, version: int) -> Job:
        duration_s = float(job.info["duration_s"])
        info = {**job.info, "score": {"of": job.id, "take": take, "parent": parent, "version": version}}
        return self._jobs.create(
            options=Options.parse(job.options),
            title=job.title,
            source_key=job.source_key,
            info=info,
            owner=job.owner,
            id=row_id,
            mode=SCORE if duration_s <= QUICK_S else SLOW_SCORE,
        )

    def _forget(self, job_id: str, take: int) -> None:
        with self._database.writing() as connection:
            connection.execute(sa.delete(SCORE_RENDERS).where(*_number(job_id, take)))


def keys_of_take(entry: Mapping[str, Any]) -> set[str]:
    """The keys of the files of a take."""
    named = {str(key) for name, key in entry.items() if name == "key" or name.endswith("_key")}
    return named | {str(one["key"]) for one in entry.get("stems", ())}


def _goes_on(job: Job, render: Render) -> bool:
    """Whether a take that was asked for is there, or may still come."""
    there = any(one["take"] == render.take for one in (job.result or {}).get("outputs", ()))
    return there or (render.row is not None and not render.row.state.final)


def _number(job_id: str, take: int) -> tuple[sa.ColumnElement[bool], ...]:
    return SCORE_RENDERS.c.job_id == job_id, SCORE_RENDERS.c.take == take


def _numbered(job_id: str, take: int) -> sa.Select[Any]:
    return sa.select(SCORE_RENDERS).where(*_number(job_id, take))
