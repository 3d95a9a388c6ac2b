"""The work itself: claim, fetch, sound, describe, store, finish. The only importer of the pipeline.

A notification makes a worker claim jobs one at a time, a few of them, so that a job waits in the queue where the
next free worker finds it and not behind another in a worker's hand. Where a voice renders several jobs in one go, those
that wait are claimed together, and each is stored as soon as it is made; none waits for others to come. Of other modes
two go side by side.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from synth import weights
from synth.errors import Cancelled, OptionError, SynthError
from synth.media import looking, video
from synth.media.picture.views import Views
from synth.options import Mode, Options
from synth.pipeline.job import Request
from synth.pipeline.modes import MODES, TOGETHER
from synth.pipeline.sonorize import sonorize_all
from synth.result import Result
from synth.routing import router
from synth.sampler.backends import keep_kernels_in
from synth.sampler.native import use_at_most
from synth.score.kept import keeper
from synth.voices.library import registry
from workers import music, pulse
from workers.attempt import Attempt, close
from workers.broker.notifications import QueueNotifier
from workers.errors import DatabaseError, ObjectDamaged, StorageAway, StorageError, WorkError
from workers.files import disk, objects
from workers.files.result_upload import patiently, store
from workers.files.storage import Storage, storage_of
from workers.files.temporary_directories import ProcessFolder, sweep
from workers.jobs import Job, Jobs, jobs_of
from workers.records import (
    AND_SEARCH,
    COMPARISON,
    MUSIC,
    OVERLAY,
    QUESTIONS,
    ROUTE,
    SCORE,
    SEARCH,
    SEARCHER,
    SLOW_SCORE,
)
from workers.score import rendering
from workers.score.renders import Renders
from workers.settings import Settings, from_environment
from workers.tasks import comparisons, description, failures, memory, overlays, recording, search_answers
from workers.tasks.quick_lane import QuickLane
from workers.telemetry import context as log_context
from workers.telemetry import logs, tracing
from workers.telemetry.counters import UNWRITTEN
from workers.telemetry.families import WAIT_SECONDS
from workers.uploads import sources

LANES: Final = 2 if (os.cpu_count() or 1) > 1 else 1
"""Jobs that are done side by side, where several wait: half of one is waiting for ffmpeg, and its nets take one
processor (:mod:`synth.models.reproducible`)."""
SIDE_BY_SIDE: Final = frozenset({Mode.HITS, Mode.AUTO})
"""Modes of such jobs."""
BEGIN_AGAIN_S: Final = 1.0  # where the database was away when a process began
DRAIN_S: Final = 5.0  # after so long a worker notifies the next one, or itself, and looks whether it is to end

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


_CONTEXT: list[WorkerContext] = []  # one a process, laid by begin_process


_SENDER: list[str | None] = [None]  # what Celery calls this process's worker
_BEGINNING: Final = threading.Lock()


def begin_process(sender: str | None = None) -> None:
    """Lay out what this process works with, and begin to load the nets.

    Where the database is away it is tried again until it is there: what listens by itself waits for no message.

    Args:
        sender: the worker's name; it says what is asked of its process.

    Raises:
        WorkError: the database or the storage cannot be opened now.
    """
    _SENDER[:] = [sender]
    try:
        _begin_once()
    except WorkError:
        threading.Thread(target=_begin_later, name="begin", daemon=True).start()
        raise


def _begin_later() -> None:
    while True:
        threading.Event().wait(BEGIN_AGAIN_S)
        with contextlib.suppress(WorkError):
            return _begin_once()


def _begin_once() -> None:
    with _BEGINNING:
        if not _CONTEXT:
            _begin_as(_SENDER[0])


def _begin_as(sender: str | None) -> None:
    settings = from_environment()
    jobs, storage = jobs_of(settings), storage_of(settings)
    if settings.log_format == "json":
        logs.set_up(settings.log_format, logging.INFO)
    tracing.set_up(settings.traces, "sonorize-worker")
    sweep(settings.work_dir)
    folder = ProcessFolder(settings.work_dir).path
    # Whatever makes temporary files in this process makes them where they are swept after a kill.
    tempfile.tempdir = str(folder)
    keep_kernels_in(settings.data_dir / "kernels")
    use_at_most(settings.sampler_instructions)
    registry.keep_in(settings.libraries_dir)
    for module in filter(None, settings.preload.split(",")):
        importlib.import_module(module.strip())
    searches, name = str(sender).startswith(SEARCHER), f"{sender or 'worker'}#{os.getpid()}"

    def warm_up() -> None:
        _warm_up(settings.describe, searches)
        pulse.beat(folder, name)  # not before: while a large library loads, no thread of this process may run

    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    if not searches:
        music.keeper(settings)
    notify = QueueNotifier(settings).notify
    _CONTEXT[:] = [WorkerContext(settings, jobs, storage, notify, folder, name)]
    if AND_SEARCH in str(sender):
        QuickLane(settings, functools.partial(drain, _CONTEXT[0])).start()


def _warm_up(describes: bool, searches: bool) -> None:
    """Load what every job needs and what takes seconds, while the first job begins or is waited for."""
    for name in ("torch", "moviepy.video.io.ffmpeg_reader"):
        with contextlib.suppress(ImportError):  # who really needs it says so
            importlib.import_module(name)
    with contextlib.suppress(ImportError, SynthError):
        if searches:
            search_answers.warm_up()
        elif describes:
            description.describer()


def work(mode: str) -> None:
    """Claim and do jobs of a mode until none waits, or until it is time to look up."""
    if not _CONTEXT:  # it could not be laid when the process began; Celery only logs what its signals raise
        _begin_once()
    context = _CONTEXT[0]
    if drain(context, mode):
        context.notify(mode)


def drain(context: WorkerContext, mode: str) -> bool:
    """Do jobs of a mode; true if more may be waiting."""
    until_s = time.monotonic() + DRAIN_S
    at_once = context.settings.batch_claim if mode in TOGETHER else LANES if mode in SIDE_BY_SIDE else 1
    for _ in range(context.settings.batch_claim):
        claimed = _claim(context, mode, at_once)
        if not claimed:
            return False
        if mode in SIDE_BY_SIDE and len(claimed) > 1:
            _do_side_by_side(context, mode, claimed, until_s)
        else:
            _do(context, claimed)
        if time.monotonic() > until_s:
            break
    return True


def _do_side_by_side(context: WorkerContext, mode: str, claimed: Sequence[Job], until_s: float) -> None:
    """Do jobs that were claimed, each in a lane, and after it what else waits, until it is time to look up.

    Each lane claims one at a time, when it is free: what waits is left to whichever worker is free first.
    """

    def lane(job: Job) -> None:
        found = [job]
        while found:
            _do(context, found)
            found = [] if time.monotonic() > until_s else _claim(context, mode, 1, beside=True)

    with ThreadPoolExecutor(len(claimed), "lane") as pool:
        for done in [pool.submit(lane, job) for job in claimed]:
            done.result()


def _claim(context: WorkerContext, mode: str, at_once: int, *, beside: bool = False) -> list[Job]:
    """Jobs that are this process's now; none where none waits or the database is away."""
    try:
        sound_s = context.settings.batch_sound_s
        claimed = context.jobs.claim(at_once, mode, context.worker, sound_s=sound_s, beside=beside)
    except DatabaseError:
        _log.warning("no job could be claimed: the database does not answer")
        return []  # the reconciler notifies again
    for job in claimed:
        if job.attempt == 1 and job.started_at is not None:
            UNWRITTEN.add(WAIT_SECONDS.one(max(0.0, job.started_at - job.queued_at), job.mode))
    return claimed


def _do(context: WorkerContext, claimed: Sequence[Job]) -> None:
    """Do what was claimed at once, and clear up behind it."""
    with _about(*claimed):
        if claimed[0].mode in ANSWERS:
            answer(context, claimed[0])
        else:
            run_jobs(context, claimed)
    UNWRITTEN.flush(context.jobs.database)
    memory.give_back()


def run_jobs(context: WorkerContext, jobs: Sequence[Job]) -> None:
    """One attempt at each of several jobs, sounded in one go, from the claim to the last row.

    What becomes of one is nobody else's; nothing is raised that concerns a job alone.
    """
    with contextlib.ExitStack() as held, ThreadPoolExecutor(len(jobs), "errand") as pool:
        job_runs = [held.enter_context(_JobRun(context, job)) for job in jobs]
        begun = zip(job_runs, pool.map(_begin, job_runs), strict=True)
        requested = [(one, request) for one, request in begun if request is not None]
        ends: list[Future[None]] = []
        sonorize_all(
            [request for _, request in requested],
            lambda number, outcome: ends.append(pool.submit(_end, requested[number][0], outcome)),
        )
        for end in ends:
            end.result()


def answer(context: WorkerContext, job: Job) -> None:
    """One attempt at a question, answered by :data:`ANSWERS`; the answer stands in the row."""
    with _JobRun(context, job) as job_run:
        request = job_run.begin()
        if request is None:
            return
        try:
            message = ANSWERS[job.mode](job_run, request)
            recording.write_down_objects(job_run.attempt, context.jobs)
        except Exception as error:
            _unstore(job_run)
            job_run.end(error)
            return
        if recording.record(job_run.attempt, lambda: _finish_answer(context.jobs, job, message)):
            recording.learn(job_run.attempt, context.jobs)
        else:
            recording.record(job_run.attempt, lambda: context.jobs.canceled(job.id, job.attempt))
            _unstore(job_run)


def _unstore(job_run: _JobRun) -> None:
    """Take away what an answer put beside the files of another job."""
    for key in job_run.attempt.stored:
        with contextlib.suppress(StorageError):
            job_run.context.storage.delete(key)


def _finish_answer(jobs: Jobs, job: Job, message: dict[str, Any]) -> bool:
    if job.mode in (SCORE, SLOW_SCORE):
        return Renders(jobs).finish(job, message)
    return jobs.finish(job.id, job.attempt, message)


def _about(*jobs: Job) -> contextlib.AbstractContextManager[None]:
    """Log lines in the block are about a job; where several are done together, about none of them."""
    only = jobs[0] if len(jobs) == 1 else None
    return log_context.about(request=only.request_id if only else None, job=only.id if only else None)


def _begin(job_run: _JobRun) -> Request | None:
    with _about(job_run.job):  # this thread may be another one than the work's
        return job_run.begin()


def _end(job_run: _JobRun, outcome: Result | Exception) -> None:
    with _about(job_run.job):
        job_run.end(outcome)


class _JobRun:
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
            recording.record(attempt, lambda: close(jobs, job, attempt.reason))
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


def _route(job_run: _JobRun, request: Request) -> dict[str, Any]:
    """Which voice suits a clip; no file is made."""
    info = video.probe(request.source, salvage=True, recut=True)
    found = router.route_clip(
        request.source, info, tuple(MODES), progress=request.progress, cancelled=request.cancelled
    )
    return {"outputs": [], "route": found.as_json()}


def _overlay(job_run: _JobRun, _request: Request) -> dict[str, Any]:
    """A take's heat maps over its video."""
    return overlays.draw(job_run.context.storage, job_run.attempt, job_run.folder)


def _search(job_run: _JobRun, request: Request) -> dict[str, Any]:
    """What a picture, a sound or a clip looks and sounds like."""
    return search_answers.answer(request.source, job_run.job.info.get("by"), request.cancelled)


def _music(job_run: _JobRun, _request: Request) -> dict[str, Any]:
    """A finished take with music under its sound; no question, but a job of its own."""
    context = job_run.context
    return music.lay(context.jobs, context.storage, context.settings, job_run.attempt, job_run.folder)


def _score(job_run: _JobRun, _request: Request) -> dict[str, Any]:
    """A take of another job, rendered from a score."""
    context = job_run.context
    return rendering.render(context.jobs, context.storage, job_run.attempt, job_run.folder)


ANSWERS: Final[dict[str, Callable[[_JobRun, Request], dict[str, Any]]]] = {
    ROUTE: _route,
    OVERLAY: _overlay,
    COMPARISON: lambda run, _: comparisons.make(run.context.jobs, run.context.storage, run.attempt, run.folder),
    SEARCH: _search,
    MUSIC: _music,
    SCORE: _score,
    SLOW_SCORE: _score,
}
"""Mode of a question -> what answers it."""


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
