"""What Celery knows of the work: one task, and how a process begins. Its parent, which only hands messages on, loads
nothing of what the work needs.
"""

from __future__ import annotations

from typing import Any

from celery import shared_task, signals

from workers.broker.queue import TASK


@signals.worker_process_init.connect  # type: ignore[untyped-decorator, unused-ignore]
def begin(sender: str | None = None, **_: Any) -> None:
    """Load what this process works with, before its first message."""
    from workers.tasks import run_jobs

    run_jobs.begin_process(sender)


@shared_task(name=TASK, Request="workers.broker.celery_request:Request")  # type: ignore[untyped-decorator, unused-ignore]
def work(mode: str) -> None:
    """Claim and do jobs of a mode until none waits, or until it is time to look up."""
    from workers.tasks import run_jobs

    run_jobs.work(mode)
