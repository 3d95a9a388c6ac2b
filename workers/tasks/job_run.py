"""One job in a worker's hands: the hold on it, a folder, what is asked for, and what becomes of what was made."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from synth import weights
from synth.errors import Cancelled, OptionError
from synth.media import looking
from synth.media.picture.views import Views
from synth.options import Options
from synth.pipeline.job import Request
from synth.result import Result
from synth.score.kept import keeper
from synth.voices.library import registry
from workers import music
from workers.attempt import Attempt
from workers.errors import DatabaseError, ObjectDamaged, StorageAway, StorageError, WorkError
from workers.files import disk, objects
from workers.files.result_upload import patiently, store
from workers.files.storage import Storage
from workers.jobs import Job, Jobs
from workers.records import QUESTIONS
from workers.settings import Settings
from workers.tasks import description, failures, recording
from workers.tasks.lanes import Lanes
from workers.tasks.take_descriptions import TakeDescriptions
from workers.telemetry import context as log_context
from workers.uploads import sources

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerContext:
    """What a worker process works with."""

    settings: Settings
    jobs: Jobs
    storage: Storage
    notify: Callable[[str], object]
    folder: Path
    worker: str
    peers: list[Attempt] = field(default_factory=list)
    """Attempts that this process makes now; they end with it, should one have to be ended by force."""
    lanes: Lanes = field(default_factory=Lanes)
    take_descriptions: TakeDescriptions = field(default_factory=TakeDescriptions)


def about(*jobs: Job) -> contextlib.AbstractContextManager[None]:
    """Log lines in the block are about a job; where several are done together, about none of them."""
    only = jobs[0] if len(jobs) == 1 else None
    return log_context.about(request=only.request_id if only else None, job=only.id if only else None)


class JobRun:
    """One job in this worker's hands: the hold on it, and a folder; both are let go of when it ends."""

    def __init__(self, context: WorkerContext, job: Job) -> None:
        self.context, self.job = context, job
        self._held = contextlib.ExitStack()
        self.folder = Path(
            self._held.enter_context(
                tempfile.TemporaryDirectory(prefix="job-", dir=context.folder, ignore_cleanup_errors=True)
            )
        )
        beat_s, timeout_s = context.settings.heartbeat_s, context.settings.job_timeout_s
        self.views = Views(self.folder)
        if context.settings.describe:
            self.views.want(description.views_of)
        self.attempt = Attempt(context.jobs, job, heartbeat_s=beat_s, timeout_s=timeout_s, batch_peers=context.peers)
        describes = context.settings.describe and description.is_tried(job)
        self._looking = description.Looking(self.attempt, self.folder / "source", self.views) if describes else None

    def __enter__(self) -> Self:
        self._held.enter_context(self.attempt)
        if self._looking is not None:
            self._held.enter_context(self._looking)
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def begin(self) -> Request | None:
        """Fetch the clip and say what is wanted of it; nothing, and the job is ended, if that cannot be."""
        attempt, source = self.attempt, self.folder / "source"
        _log.info("job %s: attempt %d begins, mode %s", self.job.id, self.job.attempt, self.job.mode)
        try:
            options = Options.parse(self.job.options)
            if options.bank is not None and options.bank not in weights.entries():
                raise OptionError(
                    f"bank is {options.bank!r}; allowed are the names of banks that ship with this server"
                )
            if options.library is not None and options.library not in registry.names():
                known = ", ".join(registry.names()) or "none"
                raise OptionError(f"library is {options.library!r}; allowed are those of this server: {known}")
            attempt.progress("fetch", 0.0)
            patiently(attempt, lambda: self._fetch(source))
            self._refuse_damaged(source)
            # A question makes no video, and what it is about need not be one.
            target = self.folder / f"take{'' if self.job.mode in QUESTIONS else _suffix(source, options)}"
        except Exception as error:
            self.end(error)
            return None
        attempt.loading()
        return Request(
            source,
            target,
            options,
            progress=attempt.progress,
            cancelled=attempt.stop,
            keeps=attempt.keeps,
            keep=keeper(self.folder),
            views=self.views,
        )

    def _fetch(self, source: Path) -> None:
        """Fetch the clip where there is room for it, and for about as much again that is made of it."""
        try:
            disk.require_room(self.folder, 2 * int(self.job.info.get("bytes", 0)))
        except OSError as error:
            raise StorageError("the server's disk is full") from error
        self.context.storage.fetch(self.job.source_key, source)

    def _refuse_damaged(self, source: Path) -> None:
        """Raise ObjectDamaged where a fetched clip is not as long as the one that was stored."""
        stored = objects.find(self.context.jobs.database, self.job.source_key)
        if stored is not None and source.stat().st_size != stored.bytes_:
            raise ObjectDamaged(f"{source.stat().st_size} bytes of the clip's {stored.bytes_} are in the storage")

    def end(self, outcome: Result | Exception) -> None:
        """Store what was made, or write down why nothing was."""
        job, storage = self.job, self.context.storage
        with self._held:
            try:
                kept = self._keep(outcome)
            except DatabaseError:
                _log.warning("job %s: the database does not answer; the lease will run out", job.id)
                return
            lost = [job.attempt] if not kept else range(1, job.attempt)
            for attempt in lost:
                _delete(self.context.jobs, storage, job.id, attempt)

    def _keep(self, outcome: Result | Exception) -> bool:
        """True if what was stored for this attempt is the job's result."""
        attempt, jobs, job = self.attempt, self.context.jobs, self.job
        try:
            if isinstance(outcome, Exception):
                raise outcome
            described = description.Described(reason=description.SWITCHED_OFF)
            if self.context.settings.describe:
                described = description.describe(attempt, outcome, self.folder, self.views, self._looking)
            if not recording.record(attempt, lambda: jobs.finishing(job.id, job.attempt)):
                return False
            stored = store(self.context.storage, attempt, outcome, self.folder)
            description.add(stored, described, self.context.storage, attempt)
            music.suggest(stored, self.context.settings, attempt, self.folder)
            recording.write_down_objects(attempt, jobs)
        except Cancelled:
            recording.trace(attempt, succeeded=False)
            recording.record(attempt, attempt.close)
            return False
        except Exception as error:
            code, detail, retryable = failures.explain(error, self.folder, self.context.settings)
            _log.log(logging.INFO if not retryable else logging.ERROR, "job %s: %s", job.id, code, exc_info=retryable)
            recording.trace(attempt, succeeded=False)
            # A storage that is away is nobody's fault: the job waits for it, however long that takes.
            blameless = isinstance(error, StorageAway)
            recording.record(
                attempt, lambda: jobs.fail(job.id, job.attempt, code, detail, retryable, blameless=blameless)
            )
            return False
        if recording.record(attempt, lambda: jobs.finish(job.id, job.attempt, stored)):
            recording.learn(attempt, jobs)
            description.keep_vectors(jobs, attempt, described, outcome.outputs)
            return True
        # Perhaps it was cancelled; a lost lease stays lost.
        keeps = recording.record(attempt, lambda: jobs.keeps_partial(job.id))
        return (
            recording.record(attempt, lambda: jobs.canceled(job.id, job.attempt, stored if keeps else None)) and keeps
        )


def _suffix(source: Path, options: Options) -> str:
    """The container of the result: what browsers play, unless what is to be kept does not fit into it."""
    seen = looking.look(source, salvage=options.salvage, recut=options.recut)
    return seen.result_suffix(options.existing_sound)


def _delete(jobs: Jobs, storage: Storage, job_id: str, attempt: int) -> None:
    """Delete what an attempt stored that is not the job's result; takes that music lies under stay."""
    try:
        sources.delete_unused(jobs.database, storage, job_id, str(attempt))
    except WorkError:
        _log.warning("attempt %d of %s could not be deleted; the sweep will find it", attempt, job_id)
