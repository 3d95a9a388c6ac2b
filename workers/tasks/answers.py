"""Questions: rows whose answer stands in the row, or goes to another job's files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final

from synth.media import video
from synth.pipeline.job import Request
from synth.pipeline.modes import MODES
from synth.routing import router
from workers import music
from workers.errors import StorageError
from workers.jobs import Job, Jobs
from workers.records import COMPARISON, MUSIC, OVERLAY, ROUTE, SCORE, SEARCH, SLOW_SCORE
from workers.score import rendering
from workers.score.renders import Renders
from workers.tasks import comparisons, overlays, recording, search_answers
from workers.tasks.job_run import JobRun, WorkerContext


def answer(context: WorkerContext, job: Job) -> None:
    """One attempt at a question, answered by :data:`ANSWERS`; the answer stands in the row.

    A take is described once it is there, beside whatever this lane does next.
    """
    if _answer(context, job) and job.mode in (SCORE, SLOW_SCORE) and context.settings.describe:
        asked = job.info["score"]
        of, take = str(asked["of"]), int(asked["take"])
        context.take_descriptions.begin(context.jobs, context.storage, context.folder, of, take)


def _answer(context: WorkerContext, job: Job) -> bool:
    """Whether the answer stands in the row."""
    with JobRun(context, job) as job_run:
        request = job_run.begin()
        if request is None:
            return False
        try:
            message = ANSWERS[job.mode](job_run, request)
            recording.write_down_objects(job_run.attempt, context.jobs)
        except Exception as error:
            _unstore(job_run)
            job_run.end(error)
            return False
        if recording.record(job_run.attempt, lambda: _finish_answer(context.jobs, job, message)):
            recording.learn(job_run.attempt, context.jobs)
            return True
        recording.record(job_run.attempt, lambda: context.jobs.canceled(job.id, job.attempt))
        _unstore(job_run)
        return False


def _unstore(job_run: JobRun) -> None:
    """Take away what an answer put beside the files of another job."""
    for key in job_run.attempt.stored:
        with contextlib.suppress(StorageError):
            job_run.context.storage.delete(key)


def _finish_answer(jobs: Jobs, job: Job, message: dict[str, Any]) -> bool:
    if job.mode in (SCORE, SLOW_SCORE):
        return Renders(jobs).finish(job, message)
    return jobs.finish(job.id, job.attempt, message)


def _route(job_run: JobRun, request: Request) -> dict[str, Any]:
    """Which voice suits a clip; no file is made."""
    info = video.probe(request.source, salvage=True, recut=True)
    found = router.route_clip(
        request.source, info, tuple(MODES), progress=request.progress, cancelled=request.cancelled
    )
    return {"outputs": [], "route": found.as_json()}


def _overlay(job_run: JobRun, _request: Request) -> dict[str, Any]:
    """A take's heat maps over its video."""
    return overlays.draw(job_run.context.storage, job_run.attempt, job_run.folder)


def _search(job_run: JobRun, request: Request) -> dict[str, Any]:
    """What a picture, a sound or a clip looks and sounds like."""
    return search_answers.answer(request.source, job_run.job.info.get("by"), request.cancelled)


def _music(job_run: JobRun, _request: Request) -> dict[str, Any]:
    """A finished take with music under its sound; no question, but a job of its own."""
    context = job_run.context
    return music.lay(context.jobs, context.storage, context.settings, job_run.attempt, job_run.folder)


def _score(job_run: JobRun, _request: Request) -> dict[str, Any]:
    """A take of another job, rendered from a score."""
    context = job_run.context
    return rendering.render(context.jobs, context.storage, job_run.attempt, job_run.folder)


ANSWERS: Final[dict[str, Callable[[JobRun, Request], dict[str, Any]]]] = {
    ROUTE: _route,
    OVERLAY: _overlay,
    COMPARISON: lambda run, _: comparisons.make(run.context.jobs, run.context.storage, run.attempt, run.folder),
    SEARCH: _search,
    MUSIC: _music,
    SCORE: _score,
    SLOW_SCORE: _score,
}
"""Mode of a question -> what answers it."""
