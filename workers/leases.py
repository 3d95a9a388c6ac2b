"""The worker's side of the table: claim, stay alive, finish; and what is done for workers that went missing.

A claim raises the job's ``attempt``. Whatever a worker writes later says ``WHERE attempt = mine``, so that one who lost
the lease (was paused, cut off or killed) cannot touch a job that somebody else has taken over.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from workers.database import Database
from workers.gallery import made
from workers.job_table import claims
from workers.owners import retention
from workers.records import FINAL, HELD, IS_HELD, JOBS, QUESTIONS, Job, State, job_of
from workers.scheduling_clock import Clock, SchedulingClock
from workers.search import text_search
from workers.telemetry import counters
from workers.telemetry.families import ATTEMPTS, ERRORS
from workers.uploads import sources
from workers.webhooks import outbox

NOTIFY_AGAIN_S: Final = 3.0  # a waiting job's worker is notified this often, should a notification have been lost
RETRY_WAIT_S: Final = 2.0  # before the second attempt after a failure that may pass; doubled for each later one
WORKER_LOST: Final = "worker_lost"
LATE: Final = "cancel_after"
"""Code of the error of jobs that were cancelled because they had not ended in the time that their sender gave them."""


class Leases:
    """Claims and what follows from them. Every method raises DatabaseError when the database cannot be reached.

    Args:
        clock: seconds since 1970, for what people read and for keeping files; jobs wait and leases end by
            :class:`workers.scheduling_clock.SchedulingClock`, which goes by it too. ``None``: this machine's, and for
            the scheduling PostgreSQL's own.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock | None = None,
        lease_s: float = 10.0,
        max_attempts: int = 3,
        max_queued: int = 1000,
    ) -> None:
        self._database = database
        self._clock: Clock = clock or time.time
        self.now = SchedulingClock(database, lambda: self._clock(), of_database=clock is None)
        self.lease_s = lease_s
        self.max_attempts = max_attempts
        self.max_queued = max_queued

    @property
    def database(self) -> Database:
        """Where the jobs stand, for who keeps something beside them."""
        return self._database

    def claim(self, n: int, mode: str, worker: str, *, sound_s: float = math.inf, beside: bool = False) -> list[Job]:
        """Take up to ``n`` jobs of a mode, in the order of their turns, in one transaction: no two take the same.

        Turns are fair between owners (:mod:`workers.owners.turns`); of one owner, the longest waiting goes first.
        Jobs whose lease ran out are taken too, unless they were cancelled or had all their attempts. One whose worker
        was lost is taken alone: should it be what kills its workers, it takes no other with it. Of several that a
        process was lost with, nobody knows which one it was: that attempt counts for none of them.

        Args:
            sound_s: the jobs together make no more sound than that, unless the first alone does.
            beside: they are done beside others that this process does already, so none of a lost worker is taken.
        """
        now = self.now()
        waiting = sa.and_(JOBS.c.state == State.QUEUED, JOBS.c.not_before <= now)
        # Whoever claims dies with the machine that holds a SQLite file: who loses the claim has lost its worker too.
        with self._database.writing(synced=False) as connection:
            # Two questions, not one with an OR: the index gives each its first few, whatever waits behind them.
            rows = list(connection.execute(claims.first(n, mode, waiting)).mappings())
            if workers := claims.workers_of_lost(connection, now, JOBS.c.mode == mode):
                claims.settle_blame(connection, now, [name for name in workers if name is not None])
                rows += connection.execute(claims.first(n, mode, claims.lost(now))).mappings()
            rows.sort(key=lambda row: (row["turn"], row["queued_at"], row["id"]))
            ids = claims.together([row for row in rows[:n] if not (beside and row["lease_until"])], sound_s)
            if not ids:
                return []
            counters.write(connection, claims.lost_leases(row for row in rows if row["id"] in ids))
            taken = (
                sa.update(JOBS)
                .where(JOBS.c.id.in_(ids))
                .values(
                    state=State.RUNNING,
                    attempt=JOBS.c.attempt + 1,
                    lease_until=now + self.lease_s,
                    rung_at=now,
                    worker=worker,
                    stage=None,
                    progress=0.0,
                    started_at=self._clock(),
                )
                .returning(JOBS)
            )
            jobs = [job_of(row) for row in connection.execute(taken)]
        return sorted(jobs, key=lambda job: (job.turn, job.queued_at, job.id))

    def lost(self, mode: str) -> frozenset[str]:
        """Ids of the jobs of a mode whose worker was lost and that may be claimed."""
        found = sa.select(JOBS.c.id).where(
            JOBS.c.mode == mode, *claims.LEFT, claims.lost(self.now()), JOBS.c.lease_until > 0
        )
        with self._database.reading() as connection:
            return frozenset(connection.scalars(found))

    def heartbeat(self, id: str, attempt: int) -> bool:
        """Renew the lease; false if it is lost: the job is somebody else's, ended or deleted."""
        now = self.now()
        return self._held(id, attempt, synced=False, lease_until=now + self.lease_s, rung_at=now)

    def progress(self, id: str, attempt: int, stage: str, fraction: float) -> None:
        """Say what is being done and how much of the whole job is, 0..1. A lost lease makes this do nothing."""
        self._held(id, attempt, synced=False, stage=stage, progress=min(1.0, max(0.0, fraction)))

    def finishing(self, id: str, attempt: int) -> bool:
        """The sound is made and is being stored; false if the lease is lost."""
        return self._held(id, attempt, synced=False, state=State.FINISHING, stage="store")

    def cancel_requested(self, id: str) -> bool:
        """Whether somebody wants the job stopped; also true when it was deleted."""
        with self._database.reading() as connection:
            requested = connection.scalar(sa.select(JOBS.c.cancel_requested).where(JOBS.c.id == id))
        return True if requested is None else bool(requested)

    def keeps_partial(self, id: str) -> bool:
        """Whether what was made of a job is to be kept when it is cancelled."""
        with self._database.reading() as connection:
            options = connection.scalar(sa.select(JOBS.c.options).where(JOBS.c.id == id))
        return bool((options or {}).get("keep_partial"))

    def finish(self, id: str, attempt: int, result: dict[str, Any]) -> bool:
        """Commit a result; false, and nothing changed, if the lease is lost or the job is to be cancelled."""
        done: dict[str, Any] = {"state": State.SUCCEEDED, "stage": None, "progress": 1.0, "error": None}
        mine = sa.not_(JOBS.c.cancel_requested)
        return self._held(id, attempt, mine, listed=result, outcome="succeeded", result=result, **self._ended(), **done)

    def canceled(self, id: str, attempt: int, result: dict[str, Any] | None = None) -> bool:
        """The worker stopped as it was asked to; false if the lease is lost.

        Args:
            result: what was made by then, where that is to be kept.
        """
        ended = {**self._ended(), "state": State.CANCELED, "stage": None, "result": result}
        return self._held(id, attempt, JOBS.c.cancel_requested, listed=result, outcome="canceled", **ended)

    def spare(self, id: str, attempt: int) -> bool:
        """Free a job whose process is ended for the sake of another: this attempt does not count.

        False, and nothing changed, if the lease is lost.
        """
        limit = JOBS.c.attempt_limit + 1
        return self._held(id, attempt, lease_until=self._ended_lease(), rung_at=0.0, attempt_limit=limit)

    def fail(
        self,
        id: str,
        attempt: int,
        code: str,
        detail: str,
        retryable: bool,
        *,
        blameless: bool = False,
        by_itself: bool = True,
    ) -> bool:
        """The attempt failed: the job waits for the next one if that may help and one is left, else it has failed.

        Args:
            blameless: the attempt does not count, and the next one is made half a minute later at most.
            by_itself: whether another attempt is made without being asked for, where it may help.

        False, and nothing changed, if the lease is lost.
        """
        error = {"code": code, "detail": detail, "retryable": retryable, "attempt": attempt}
        if retryable and by_itself:
            wait_s = RETRY_WAIT_S * 2 ** min(attempt - 1, 4 if blameless else 8)
            again: dict[str, Any] = {"state": State.QUEUED, "not_before": self.now() + wait_s}
            again |= {"lease_until": None, "worker": None, "stage": None, "progress": 0.0, "error": error}
            left = sa.and_(JOBS.c.attempt < JOBS.c.attempt_limit, sa.not_(JOBS.c.cancel_requested))
            if blameless:
                left, again["attempt_limit"] = sa.not_(JOBS.c.cancel_requested), JOBS.c.attempt_limit + 1
            if self._held(id, attempt, left, outcome="retried", **again):
                return True
        return self._held(id, attempt, outcome="failed", **self._ended(), state=State.FAILED, stage=None, error=error)

    def abandon(self, worker: str, *, blameless: bool) -> int:
        """Free what a worker held that is known to be gone, without waiting for its leases; how many jobs.

        Args:
            worker: a process, ``node#pid``, or a node with all its processes.
            blameless: it was asked to go, so the attempt does not count.
        """
        its = sa.or_(JOBS.c.worker == worker, JOBS.c.worker.startswith(f"{worker}#", autoescape=True))
        ended = 0.0 if blameless else self._ended_lease()
        freed = sa.update(JOBS).where(its, IS_HELD).values(lease_until=ended, rung_at=0.0, worker=None)
        with self._database.writing() as connection:
            limit = JOBS.c.attempt_limit + 1 if blameless else claims.limit_of_lost(connection, its)
            return int(connection.execute(freed.values(attempt_limit=limit)).rowcount)

    def overdue(self, limit: int = 100) -> list[Job]:
        """Jobs that wait, or whose worker went missing, and for which nobody was woken lately.

        They count as notified for from now on, so that several reconcilers do not all notify.
        """
        now = self.now()
        ready = sa.or_(sa.and_(JOBS.c.state == State.QUEUED, JOBS.c.not_before <= now), claims.lost(now))
        lately = sa.or_(JOBS.c.rung_at > now - NOTIFY_AGAIN_S, JOBS.c.attempt >= JOBS.c.attempt_limit)
        waiting = sa.select(JOBS.c.id).where(ready, ~lately).order_by(JOBS.c.queued_at).limit(limit)
        with self._database.reading() as connection:
            ids = list(connection.scalars(waiting))
        if not ids:
            return []
        return self._change(sa.and_(JOBS.c.id.in_(ids), ready, ~lately), rung_at=now)

    def neglects(self, worker: str, modes: Sequence[str], wait_s: float) -> bool:
        """Whether a worker holds no job although one of its modes has waited for ``wait_s``: is it deaf?

        A job whose lease is over waits since then, and nobody holds it: its process may be frozen.

        Args:
            worker: a node with all its processes.
        """
        now = self.now()
        since = sa.func.coalesce(sa.case((JOBS.c.not_before > JOBS.c.queued_at, JOBS.c.not_before)), JOBS.c.queued_at)
        left = sa.and_(JOBS.c.attempt < JOBS.c.attempt_limit, sa.not_(JOBS.c.cancel_requested))
        ready = sa.or_(sa.and_(JOBS.c.state == State.QUEUED, since < now - wait_s), claims.lost(now - wait_s))
        waits = sa.and_(JOBS.c.mode.in_(modes), left, ready)
        its = JOBS.c.worker.startswith(f"{worker}#", autoescape=True)
        holds = sa.and_(IS_HELD, its, JOBS.c.lease_until >= now)
        with self._database.reading() as connection:
            if connection.scalar(sa.select(JOBS.c.id).where(waits).limit(1)) is None:
                return False
            return connection.scalar(sa.select(JOBS.c.id).where(holds).limit(1)) is None

    def give_up(self) -> list[Job]:
        """End the jobs whose worker went missing and that get no further attempt; those that ended."""
        now = self.now()
        with self._database.reading() as connection:
            workers = [name for name in claims.workers_of_lost(connection, now) if name is not None]
        if workers:
            with self._database.writing() as connection:
                claims.settle_blame(connection, now, workers)
        lost = claims.lost(now)
        detail = "the worker was lost in the middle of the work, as often as is allowed"
        error = {"code": WORKER_LOST, "detail": detail, "retryable": True}
        canceled = self._change_lost(sa.and_(lost, JOBS.c.cancel_requested), State.CANCELED, None)
        spent = sa.and_(lost, JOBS.c.attempt >= JOBS.c.attempt_limit)
        return canceled + self._change_lost(spent, State.FAILED, error)

    def cancel_late(self) -> list[Job]:
        """Cancel what should have ended by now: at once what waits, the rest as soon as its worker hears; which."""
        now = self.now()
        late = sa.and_(JOBS.c.cancel_at < now, ~JOBS.c.cancel_requested, JOBS.c.state.in_((State.QUEUED, *HELD)))
        with self._database.reading() as connection:
            found = connection.execute(sa.select(JOBS.c.id, JOBS.c.attempt).where(late)).all()
        told: list[Job] = []
        for id, attempt in found:
            detail = "it had not ended by the time after which it was to be canceled"
            error = {"code": LATE, "detail": detail, "retryable": True, "attempt": attempt}
            this = sa.and_(JOBS.c.id == id, late)
            with self._database.writing() as connection:
                marks = {"cancel_requested": True, "error": error}
                waits = sa.update(JOBS).where(this, JOBS.c.state == State.QUEUED)
                gone = waits.values(**marks, **self._ended(), state=State.CANCELED).returning(JOBS)
                canceled = [job_of(row) for row in connection.execute(gone)]
                outbox.ended(connection, canceled, self._clock())
                marked = connection.execute(sa.update(JOBS).where(this).values(**marks).returning(JOBS))
                told += [*canceled, *(job_of(row) for row in marked)]
        return told

    def expire(self, older_than: float) -> list[Job]:
        """Mark jobs that ended before that time as expired; their files are the caller's to delete.

        Where an owner set how long their jobs are kept, or it was said of a job, that counts instead.
        """
        now = self._clock()
        over = retention.ends_at(now - older_than) < now
        old = sa.and_(JOBS.c.state.in_(FINAL), JOBS.c.state != State.EXPIRED, over)
        with self._database.writing() as connection:
            gone = sa.update(JOBS).where(old).values(state=State.EXPIRED, result=None).returning(JOBS)
            expired = [job_of(row) for row in connection.execute(gone)]
            sources.lock(connection, *(name for job in expired for name in (job.id, job.source_id)))
            made.unlist(connection, [job.id for job in expired])
            outbox.ended(connection, expired, self._clock())
        return expired

    def forget(self, older_than: float, kept_s: float = 0.0) -> int:
        """Delete the rows of jobs that expired before that time; how many.

        Args:
            kept_s: how long files are usually kept after a job's end.
        """
        old = sa.and_(JOBS.c.state == State.EXPIRED, retention.ends_at(kept_s) < older_than)
        with self._database.writing() as connection:
            return int(connection.execute(sa.delete(JOBS).where(old)).rowcount)

    def _ended_lease(self) -> float:
        """The end of a lease that has just been lost, whatever it was."""
        return self.now() - self.lease_s

    def _ended(self) -> dict[str, Any]:
        return {"finished_at": self._clock(), "lease_until": None, "worker": None}

    def _held(
        self,
        id: str,
        attempt: int,
        *conditions: sa.ColumnElement[bool],
        listed: Mapping[str, Any] | None = None,
        outcome: str | None = None,
        synced: bool = True,
        **values: Any,
    ) -> bool:
        """Change a row that is still this attempt's; with a result that is ``listed``, words find it from now on.

        Args:
            synced: see :meth:`workers.database.Database.writing`; a sign of life dies with the machine anyway.
            outcome: of the attempt, where this ends it: it is counted.
        """
        mine = (JOBS.c.id == id, JOBS.c.attempt == attempt, IS_HELD)
        ends = values.get("state") in FINAL
        told = (JOBS,) if ends else (JOBS.c.title, JOBS.c.mode)  # a heartbeat need not read all of a row
        changed = sa.update(JOBS).where(*mine, *conditions).values(**values).returning(*told)
        with self._database.writing(synced=synced) as connection:
            row = connection.execute(changed).one_or_none()
            if row is not None and listed is not None and row.mode not in QUESTIONS:
                text_search.write(connection, id, text_search.rows_of(row.title, row.mode, listed))
                made.write(connection, id, listed)
            if row is not None and outcome is not None:
                error = ERRORS.one(row.mode, values["error"]["code"]) if values.get("error") else {}
                counters.write(connection, counters.together(ATTEMPTS.one(row.mode, outcome), error))
            if row is not None and ends:
                outbox.ended(connection, [job_of(row)], self._clock())
        return row is not None

    def _change(self, condition: sa.ColumnElement[bool], **values: Any) -> list[Job]:
        with self._database.writing() as connection:
            changed = connection.execute(sa.update(JOBS).where(condition).values(**values).returning(JOBS))
            return [job_of(row) for row in changed]

    def _change_lost(self, lost: sa.ColumnElement[bool], state: State, error: dict[str, Any] | None) -> list[Job]:
        with self._database.reading() as connection:
            found = connection.execute(sa.select(JOBS.c.id, JOBS.c.attempt).where(lost)).all()
        ended: list[Job] = []
        for id, attempt in found:  # one by one: the attempt stands in the error
            this = sa.and_(lost, JOBS.c.id == id, JOBS.c.attempt == attempt)
            full = None if error is None else {**error, "attempt": attempt}
            values = {**self._ended(), "state": state, "stage": None, "error": full}
            with self._database.writing() as connection:
                lost_rows = connection.execute(sa.select(JOBS.c.mode, JOBS.c.lease_until).where(this)).mappings().all()
                changed = connection.execute(sa.update(JOBS).where(this).values(**values).returning(JOBS))
                jobs = [job_of(row) for row in changed]
                counters.write(connection, claims.lost_leases(lost_rows) if jobs else {})
                outbox.ended(connection, jobs, self._clock())
            ended += jobs
        return ended
