"""The queue's Celery application. Its messages are notifications: they wake workers, and each of them may be lost.

A message says only ``{"mode": ...}``: *there may be work of this mode*. What the work is stands in the database. A
notification that comes twice finds nothing to claim; one that never comes is sent again by the reconciler.
:mod:`workers.broker.notifications` sends them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from celery import Celery

from synth.options import Mode
from workers.records import COMPARISON, MUSIC, OVERLAY, ROUTE, SLOW_SCORE

if TYPE_CHECKING:
    from workers.settings import Settings

TASK: Final = "sonorize.work"
QUEUES: Final = tuple(f"sonorize.{mode.value}" for mode in Mode)
SOFT_SHUTDOWN_S: Final = 30.0
WORKERS_ANSWER_S: Final = 30.0

Notify = Callable[[str], object]
"""Says that there is work of a mode. It may be lost: the database is the truth."""


def make_app(settings: Settings, *, answer_s: float = WORKERS_ANSWER_S) -> Celery:
    """The Celery application of web and workers. Connects to nothing yet.

    Args:
        answer_s: how long the broker may take for an answer; a worker can wait, who notifies cannot.
    """
    app = Celery("sonorize", broker=settings.broker_url, include=["workers.tasks.entry"], set_as_current=False)
    app.conf.update(
        # CUDA cannot be used after a fork; and what a child spawns slowly must not be taken for dead.
        worker_pool="prefork",
        worker_pool_start_method="spawn",
        worker_proc_alive_timeout=120.0,
        worker_concurrency=1,
        # A message is gone when its work is done. Safe with lost workers, because jobs count their attempts.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,  # a lost broker is no reason to stop
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=queue_of(Mode.HITS),
        worker_soft_shutdown_timeout=SOFT_SHUTDOWN_S,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=2.0,
        broker_transport_options={
            "visibility_timeout": 3600,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": answer_s,
            "socket_connect_timeout": min(2.0, answer_s),
            "health_check_interval": 25,
            "max_retries": 0,  # of whoever notifies; a worker reconnects by rules of its own
        },
    )
    return app


def queue_of(mode: str) -> str:
    """The queue on which workers listen for jobs of a mode; who does ``auto`` also says which voice suits a clip,
    draws what is asked for later, and lays music under results.
    """
    return f"sonorize.{Mode.AUTO.value if mode in (ROUTE, OVERLAY, COMPARISON, MUSIC, SLOW_SCORE) else mode}"
