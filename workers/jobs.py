"""The truth about every job: one SQL table. The broker only carries notifications.

:class:`Jobs` is what the web and its people ask of the table; it inherits what workers ask from
:class:`workers.leases.Leases`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from synth.options import Options
from workers.database import Database, open_database
from workers.errors import Conflict, NotFound
from workers.files import tombstones
from workers.files.storage import Stored
from workers.gallery import listing, made
from workers.gallery.listing import Filters
from workers.job_table import creation
from workers.leases import Leases
from workers.owners.quotas import DAY_S, Owners, Quota
from workers.records import HELD, IS_HELD, JOBS, OVERLAY, QUESTIONS, Cancellation, job_of, owner_of
from workers.records import Job as Job
from workers.records import State as State
from workers.records import made_at as made_at
from workers.records import new_id as new_id
from workers.scheduling_clock import Clock
from workers.score.tables import SCORE_RENDERS
from workers.search import text_search
from workers.telemetry import context, tracing
from workers.timing.expectation import learn
from workers.timing.queue_view import QueueLooks, QueueView
from workers.uploads import sources
from workers.webhooks import outbox

if TYPE_CHECKING:
    from workers.settings import Settings

MAX_PAGE: Final = listing.MAX_PAGE
_RETRIABLE: Final = (State.FAILED, State.CANCELED)


class Jobs(Leases):
    """All jobs. Every method raises DatabaseError when the database cannot be reached.

    Where a method takes an ``owner``, somebody else's job is not found; ``None`` means: whoever's.

    Args:
        quota: what owners may have for whom nothing else was set.
    """

    def __init__(self, database: Database, *, quota: Quota | None = None, **how: Any) -> None:
        super().__init__(database, **how)
        self.owners = Owners(database, quota, self._clock)
        self._looks = QueueLooks(database, self.now, self._clock)

    def create(
        self,
        *,
        options: Options,
        title: str,
        source_key: str,
        info: Mapping[str, Any],
        owner: str,
        batch_id: str | None = None,
        idempotency_key: str | None = None,
        request_hash: str | None = None,
        id: str | None = None,
        mode: str | None = None,
        source: Stored | None = None,
        spooled: bool = False,
        keep_days: float | None = None,
        custom_id: str | None = None,
        cancel_after_s: float | None = None,
        webhook_id: str | None = None,
    ) -> Job:
        """Queue a job, on the disk when this returns; notify the queue afterwards.

        A second call with the same owner and idempotency key gives the job of the first and makes none.

        Args:
            request_hash: of all that was asked; another one under the same key is refused.
            id: a name from :func:`new_id`, where the caller has stored the source under it already.
            mode: one of :data:`workers.records.QUESTIONS` for what is a question and no job; else that of the options.
            source: what was stored under ``source_key`` for this job; ``None`` where it is another's.
            spooled: it is not stored, but waits for the storage: see :mod:`workers.uploads.deposits`.
            webhook_id: an endpoint that is to get its events, whatever else it gets.
            keep_days: its files are deleted after so many days, whatever its owner or the settings say.
            custom_id: the client's own name for it, once in a batch.
            cancel_after_s: seconds from now after which it is cancelled unless it has ended.

        Raises:
            QueueFull: as many jobs wait as are allowed to.
            OverQuota: the owner has as much as they may.
            Conflict: the idempotency key belongs to a different request; or the clip is another's, and gone.
        """
        now, made_at_s, asked = self.now(), self._clock(), options.as_dict()
        row = {
            "id": id or new_id(made_at_s),
            "owner": owner,
            "batch_id": batch_id,
            "custom_id": custom_id,
            "state": State.QUEUED,
            "mode": mode or options.mode.value,
            "options": asked,
            "title": title,
            "source_key": source_key,
            "source_id": owner_of(source_key),
            "info": dict(info),
            "attempt": 0,
            "attempt_limit": self.max_attempts,
            "progress": 0.0,
            "cancel_requested": False,
            "created_at": made_at_s,
            "queued_at": now,
            "not_before": now,
            "rung_at": now,
            "idempotency_key": idempotency_key,
            "request_hash": request_hash,
            "keep_until": None if keep_days is None else made_at_s + keep_days * DAY_S,
            "cancel_at": None if cancel_after_s is None else now + cancel_after_s,
            "webhook_id": webhook_id,
            "request_id": context.request_id(),
            "traceparent": tracing.traceparent(),
        }
        more_bytes = 0 if source is None else source.bytes_
        try:
            with self._database.writing() as connection:
                if (earlier := creation.same_request(connection, owner, idempotency_key, request_hash)) is not None:
                    return earlier
                creation.refuse_when_full(connection, self.max_queued)
                what = (owner, str(row["mode"]), info, asked)
                row["turn"] = self.owners.admit(connection, *what, more_bytes=more_bytes)
                sources.take(connection, row, source, spooled=spooled)
                return job_of(connection.execute(creation.INSERT, row).one())
        except IntegrityError as error:  # PostgreSQL lets two in at once; the constraint stops the second
            with self._database.reading() as connection:
                if (earlier := creation.same_request(connection, owner, idempotency_key, request_hash)) is not None:
                    return earlier
            if custom_id is not None:
                raise Conflict(f"this batch has a job with the custom_id {custom_id!r} already") from error
            raise Conflict("a job of that name exists already") from error

    def find(self, *, owner: str, idempotency_key: str, request_hash: str | None = None) -> Job | None:
        """The job made earlier under this key, before an upload is stored for nothing.

        Raises:
            Conflict: the key belongs to a different request.
        """
        with self._database.reading() as connection:
            return creation.same_request(connection, owner, idempotency_key, request_hash)

    def get(self, id: str, owner: str | None) -> Job:
        """One job. Raises NotFound, also for somebody else's."""
        with self._database.reading() as connection:
            return self._found(connection.execute(sa.select(JOBS).where(*creation.whose(id, owner))).one_or_none())

    def recent(
        self,
        *,
        owner: str | None,
        state: State | None = None,
        mode: str | None = None,
        batch_id: str | None = None,
        cursor: str | None = None,
        limit: int = 24,
    ) -> tuple[list[Job], str | None]:
        """One page, newest first, and the cursor of the next one (``None`` after the last)."""
        wanted = Filters(owner, state, mode, batch_id)
        return listing.page(self._database, wanted, cursor=cursor, limit=limit)

    def rename(self, id: str, owner: str | None, title: str) -> Job:
        """Give a job another title; words find it by that from now on. Raises NotFound."""
        with self._database.writing() as connection:
            named = sa.update(JOBS).where(*creation.whose(id, owner)).values(title=title).returning(JOBS)
            job = self._found(connection.execute(named).one_or_none())
            if job.result is not None and job.mode not in QUESTIONS:
                text_search.write(connection, id, text_search.rows_of(job.title, job.mode, job.result))
        return job

    def lacks_picture(self, id: str) -> None:
        """Say of a job that there is no picture of its clip after all; a job that is gone is no error."""
        with self._database.writing() as connection:
            info = connection.scalar(sa.select(JOBS.c.info).where(JOBS.c.id == id).with_for_update())
            if info is not None:
                plain = {name: value for name, value in info.items() if name != "poster_key"}
                connection.execute(sa.update(JOBS).where(JOBS.c.id == id).values(info=plain))

    def cancel(self, id: str, owner: str | None, *, keep_partial: bool = False) -> Cancellation:
        """Stop a job: at once if it waits, else as soon as its worker hears of it. Raises NotFound.

        Args:
            keep_partial: keep what was made by then, as if the job's options had asked for it.
        """
        with self._database.writing() as connection:
            whose = creation.whose(id, owner)
            ended = {"state": State.CANCELED, "stage": None, "finished_at": self._clock(), "cancel_requested": True}
            waits = sa.update(JOBS).where(*whose, JOBS.c.state == State.QUEUED).values(ended)
            if gone := connection.execute(waits.returning(JOBS)).one_or_none():
                outbox.ended(connection, [job_of(gone)], self._clock())
                return Cancellation.CANCELED
            conditions = sa.update(JOBS).where(*whose, IS_HELD).values(cancel_requested=True)
            if row := connection.execute(conditions.returning(JOBS.c.options)).one_or_none():
                if keep_partial:
                    kept = {**row.options, "keep_partial": True}
                    connection.execute(sa.update(JOBS).where(JOBS.c.id == id).values(options=kept))
                return Cancellation.REQUESTED
            self._found(connection.execute(sa.select(JOBS).where(*whose)).one_or_none())
        return Cancellation.ALREADY_FINISHED

    def retry(self, id: str, owner: str | None, *, of: Sequence[State] = _RETRIABLE) -> Job:
        """Let a failed or cancelled job wait again, with all its attempts; notify the queue afterwards.

        Args:
            of: the states in which it may be.

        Raises:
            NotFound: there is none.
            Conflict: it is in another state.
            QueueFull: as many jobs wait as are allowed to.
            OverQuota: the owner has as much as they may.
        """
        now = self.now()
        again: dict[str, Any] = {
            "state": State.QUEUED,
            "attempt_limit": JOBS.c.attempt + self.max_attempts,
            "stage": None,
            "progress": 0.0,
            "cancel_requested": False,
            "error": None,
            "result": None,
            "queued_at": now,
            "not_before": now,
            "rung_at": now,
            "started_at": None,
            "finished_at": None,
            "cancel_at": None,
            "request_id": context.request_id(),
            "traceparent": tracing.traceparent(),
        }
        with self._database.writing() as connection:
            creation.refuse_when_full(connection, self.max_queued)
            found = sa.select(JOBS).where(*creation.whose(id, owner)).with_for_update()
            there = self._found(connection.execute(found).one_or_none())
            if there.state not in of:
                raise Conflict(f"the job is {there.state}; only failed and canceled ones can be tried again")
            again["turn"] = self.owners.admit(connection, there.owner, there.mode, there.info, there.options)
            row = connection.execute(sa.update(JOBS).where(JOBS.c.id == id).values(again).returning(JOBS)).one()
            made.unlist(connection, [id])
            if sources.is_waiting(connection, row.source_key):
                held = sa.update(JOBS).where(JOBS.c.id == id).values(**sources.UNTIL_STORED)
                row = connection.execute(held.returning(JOBS)).one()
        return job_of(row)

    def keep(self, id: str, owner: str | None, days: float | None) -> Job:
        """Keep a job's files for so many days from now; ``None``: as its owner or the settings say. Raises NotFound."""
        until = None if days is None else self._clock() + days * DAY_S
        with self._database.writing() as connection:
            kept = sa.update(JOBS).where(*creation.whose(id, owner)).values(keep_until=until).returning(JOBS)
            return self._found(connection.execute(kept).one_or_none())

    def delete(self, id: str, owner: str | None, *, has_files: bool = True) -> Job:
        """Forget a job in whatever state; :mod:`workers.files.tombstones` deletes its files. Raises NotFound.

        Args:
            has_files: false where its files are deleted already, or it never had any.
        """
        with self._database.writing() as connection:
            there = self._found(connection.execute(sa.select(JOBS).where(*creation.whose(id, owner))).one_or_none())
            sources.lock(connection, id, there.source_id)
            renders = sa.select(SCORE_RENDERS.c.row_id).where(SCORE_RENDERS.c.job_id == id)
            connection.execute(sa.delete(JOBS).where(JOBS.c.id.in_(renders)))
            # Who asked for a video of its maps may have left before the answer: such a row would hold its files.
            connection.execute(sa.delete(JOBS).where(JOBS.c.source_id == id, JOBS.c.mode == OVERLAY))
            gone = sa.delete(JOBS).where(*creation.whose(id, owner)).returning(JOBS)
            job = self._found(connection.execute(gone).one_or_none())
            sources.release(connection, id)
            if has_files:
                tombstones.write(connection, id)
            # Of an upload or another job, the last to use its clip takes it away.
            if job.source_id not in (None, id) and sources.release(connection, str(job.source_id)):
                tombstones.write(connection, str(job.source_id))
        return job

    def counts(self, *, owner: str | None = None, batch_id: str | None = None) -> dict[str, int]:
        """State -> how many jobs, every state named."""
        conditions = [JOBS.c[name] == value for name, value in (("owner", owner), ("batch_id", batch_id)) if value]
        by_state = sa.select(JOBS.c.state, sa.func.count()).where(*conditions).group_by(JOBS.c.state)
        with self._database.reading() as connection:
            found = {str(state): int(count) for state, count in connection.execute(by_state)}
        return {state.value: found.get(state, 0) for state in State}

    def queue(self) -> QueueView:
        """How the queue stands now: one look that tells of all that wait."""
        return self._looks.view()

    def moment(self) -> tuple[int, int]:
        """This moment, as exact as what is remembered of the queue: another one twice a second."""
        return self._looks.moment()

    def position(self, job: Job) -> int:
        """The job's place in the queue of its mode, 1 for the next; 0 when it does not wait."""
        return self.queue().position(job) if job.state is State.QUEUED else 0

    def eta_s(self, job: Job, queue: QueueView | None = None) -> float | None:
        """Seconds until the job should be done, judged by what its mode took so far; ``None`` without any to judge by.

        Args:
            queue: of :meth:`queue`, where the caller has asked for it already.
        """
        if job.state.final:
            return 0.0
        return (queue or self.queue()).eta_s(job)

    def learn(self, job: Job, stages_s: Mapping[str, float]) -> None:
        """Take what the stages of a finished job took into account, for the expectations of later ones."""
        learn(self._database, job, stages_s)

    def open_batch(self, batch_id: str) -> None:
        """Say that more jobs of a batch will come, so that it has not ended before :meth:`close_batch`."""
        with self._database.writing() as connection:
            outbox.open_batch(connection, batch_id, self._clock())

    def close_batch(self, batch_id: str, owner: str) -> None:
        """Say that all jobs of a batch are made."""
        with self._database.writing() as connection:
            outbox.close_batch(connection, batch_id, owner, self._clock())

    def ids(self, ids: list[str]) -> dict[str, Job]:
        """Those of the named jobs that exist."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(JOBS).where(JOBS.c.id.in_(ids)))
            return {row.id: job_of(row) for row in rows}

    def without_results(self, owner: str | None, *, ids: Sequence[str] = (), batch_id: str | None = None) -> list[Job]:
        """Those of the named jobs, and those of a batch, that the owner has; their results, which may be long, left
        out.
        """
        named = sa.or_(JOBS.c.id.in_(list(ids)), sa.false() if batch_id is None else JOBS.c.batch_id == batch_id)
        return listing.without_results(self._database, owner, named)

    def made_after(self, owner: str | None, id: str) -> int:
        """How many jobs of the owner's were made after one; questions do not count."""
        return listing.count(self._database, owner, JOBS.c.id > id)

    def under_way(self, owner: str | None) -> int:
        """How many jobs of the owner's wait or are being done; questions do not count."""
        return listing.count(self._database, owner, JOBS.c.state.in_((State.QUEUED, *HELD)))

    def check(self) -> None:
        """Raise DatabaseError unless the database answers now and is whole."""
        self._database.check()

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    @staticmethod
    def _found(row: sa.Row[Any] | None) -> Job:
        if row is None:
            raise NotFound("there is no such job")
        return job_of(row)


def open_jobs(
    database_url: str,
    *,
    clock: Clock | None = None,
    lease_s: float = 10.0,
    max_attempts: int = 3,
    max_queued: int = 1000,
    quota: Quota | None = None,
) -> Jobs:
    """Open the table, made or migrated as needed. Raises DatabaseError."""
    database = open_database(database_url)
    how = {"clock": clock, "lease_s": lease_s, "max_attempts": max_attempts, "max_queued": max_queued}
    return Jobs(database, quota=quota, **how)


def jobs_of(settings: Settings) -> Jobs:
    """The jobs of a server with these settings. Raises DatabaseError."""
    return open_jobs(
        settings.database_url,
        lease_s=settings.lease_s,
        max_attempts=settings.max_attempts,
        max_queued=settings.max_queued,
        quota=Quota(
            max_bytes=settings.owner_bytes or None,
            max_queued=settings.owner_queued or None,
            max_sound_s=settings.owner_sound_s or None,
        ),
    )
