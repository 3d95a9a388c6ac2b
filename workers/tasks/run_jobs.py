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
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import scipy.signal  # noqa: F401  (all of it, before there are threads that would each begin to import a part)

from synth.errors import SynthError
from synth.options import Mode
from synth.pipeline.job import Request
from synth.pipeline.modes import TOGETHER
from synth.pipeline.sonorize import sonorize_all
from synth.result import Result
from synth.sampler.backends import keep_kernels_in
from synth.sampler.native import use_at_most
from synth.voices.library import registry
from workers import music, pulse
from workers.broker.notifications import QueueNotifier
from workers.errors import DatabaseError, WorkError
from workers.files.storage import storage_of
from workers.files.temporary_directories import ProcessFolder, sweep
from workers.jobs import Job, jobs_of
from workers.records import (
    AND_SEARCH,
    SEARCHER,
)
from workers.settings import from_environment
from workers.tasks import description, memory, search_answers
from workers.tasks.answers import ANSWERS, answer
from workers.tasks.job_run import JobRun, WorkerContext, about
from workers.tasks.quick_lane import QuickLane
from workers.telemetry import logs, tracing
from workers.telemetry.counters import UNWRITTEN
from workers.telemetry.families import WAIT_SECONDS

LANES: Final = 2 if (os.cpu_count() or 1) > 1 else 1
"""Jobs that are done side by side, where several wait: half of one is waiting for ffmpeg, and its nets take one
processor (:mod:`synth.models.reproducible`)."""
SIDE_BY_SIDE: Final = frozenset({Mode.HITS, Mode.AUTO})
"""Modes of such jobs."""
BEGIN_AGAIN_S: Final = 1.0  # where the database was away when a process began
DRAIN_S: Final = 5.0  # after so long a worker notifies the next one, or itself, and looks whether it is to end

_log = logging.getLogger(__name__)


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
        found: Sequence[Job] = [job]
        while found:
            _do(context, found)
            found = [] if time.monotonic() > until_s else _claim(context, mode, 1)

    with ThreadPoolExecutor(len(claimed), "lane") as pool:
        for done in [pool.submit(lane, job) for job in claimed]:
            done.result()


def _claim(context: WorkerContext, mode: str, at_once: int) -> Sequence[Job]:
    """Jobs that are this process's now, until :func:`_do` is done; none where none waits or the database is away."""
    jobs, sound_s = context.jobs, context.settings.batch_sound_s
    try:
        claimed = context.lanes.claim(
            lambda beside: jobs.claim(at_once, mode, context.worker, sound_s=sound_s, beside=beside),
            lambda: jobs.lost(mode),
        )
    except DatabaseError:
        _log.warning("no job could be claimed: the database does not answer")
        return []  # the reconciler notifies again
    for job in claimed:
        if job.attempt == 1 and job.started_at is not None:
            UNWRITTEN.add(WAIT_SECONDS.one(max(0.0, job.started_at - job.queued_at), job.mode))
    return claimed


def _do(context: WorkerContext, claimed: Sequence[Job]) -> None:
    """Do what was claimed at once, and clear up behind it."""
    try:
        with about(*claimed):
            if claimed[0].mode in ANSWERS:
                answer(context, claimed[0])
            else:
                run_jobs(context, claimed)
    finally:
        context.lanes.release(len(claimed))
    UNWRITTEN.flush(context.jobs.database)
    memory.give_back()


def run_jobs(context: WorkerContext, jobs: Sequence[Job]) -> None:
    """One attempt at each of several jobs, sounded in one go, from the claim to the last row.

    What becomes of one is nobody else's; nothing is raised that concerns a job alone.
    """
    with contextlib.ExitStack() as held, ThreadPoolExecutor(len(jobs), "errand") as pool:
        job_runs = [held.enter_context(JobRun(context, job)) for job in jobs]
        begun = zip(job_runs, pool.map(_begin, job_runs), strict=True)
        requested = [(one, request) for one, request in begun if request is not None]
        ends: list[Future[None]] = []
        sonorize_all(
            [request for _, request in requested],
            lambda number, outcome: ends.append(pool.submit(_end, requested[number][0], outcome)),
        )
        for end in ends:
            end.result()


def _begin(job_run: JobRun) -> Request | None:
    with about(job_run.job):  # this thread may be another one than the work's
        return job_run.begin()


def _end(job_run: JobRun, outcome: Result | Exception) -> None:
    with about(job_run.job):
        job_run.end(outcome)
