"""What an attempt writes into the database: its row, patiently; what it stored; how long its stages took."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from workers.attempt import LOAD, Attempt, Stop
from workers.errors import DatabaseError
from workers.files import objects
from workers.jobs import Jobs
from workers.telemetry import tracing
from workers.telemetry.counters import UNWRITTEN
from workers.telemetry.families import STAGE_SECONDS

RECORD_PATIENCE_S: Final = 30.0

_log = logging.getLogger(__name__)


def record(attempt: Attempt, write: Callable[[], bool]) -> bool:
    """Write to the row, again and again while the database is away and the lease is ours.

    Raises:
        DatabaseError: patience ended.
    """
    deadline = time.monotonic() + RECORD_PATIENCE_S
    while True:
        try:
            return write()
        except DatabaseError:
            if time.monotonic() > deadline or attempt.reason is Stop.LOST:
                raise
        time.sleep(0.5)


def trace(attempt: Attempt, *, succeeded: bool) -> None:
    """Tell of the attempt's stages, where somebody follows the request."""
    job = attempt.job
    tracing.add_job(
        attempt.stages_s(),
        job.traceparent,
        succeeded=succeeded,
        job_id=job.id,
        mode=job.mode,
        attempt=job.attempt,
    )


def learn(attempt: Attempt, jobs: Jobs) -> None:
    """Let later jobs be expected to take what this one took; that it cannot be written is no reason to fail it."""
    stages_s, job = attempt.stages_s(), attempt.job
    _log.info("job %s: attempt %d succeeded in %.2f s", job.id, job.attempt, sum(stages_s.values()))
    for stage, seconds in stages_s.items():
        UNWRITTEN.add(STAGE_SECONDS.one(seconds, job.mode, stage))
    trace(attempt, succeeded=True)
    with contextlib.suppress(DatabaseError):
        # Loading is that of a process's first jobs: no later one is to be expected to take that long.
        jobs.learn(job, {stage: seconds for stage, seconds in stages_s.items() if stage != LOAD})


def write_down_objects(attempt: Attempt, jobs: Jobs) -> None:
    """Write down what was stored, before the result that names it. Raises DatabaseError."""
    if attempt.stored:

        def write() -> bool:
            objects.record(jobs.database, attempt.stored, synced=False)
            return True

        record(attempt, write)
