"""The doorbell: a Celery application that wakes workers, and nothing that could not be lost.

A message says only ``{"mode": ...}``: *there may be work of this mode*. What the work is stands in the database. A
bell that rings twice finds nothing to claim; one that never rings is rung again by the reconciler.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from synth.options import Mode
from workers.errors import ServiceError
from workers.records import MUSIC, OVERLAY, ROUTE

if TYPE_CHECKING:
    from workers.settings import Settings

TASK: Final = "sonorize.work"
QUEUES: Final = tuple(f"sonorize.{mode.value}" for mode in Mode)
SOFT_SHUTDOWN_S: Final = 30.0
PAUSE_S: Final = 1.0  # after a failure nobody waits for the broker for so long

Notify = Callable[[str], object]
"""Says that there is work of a mode. It may be lost: the database is the truth."""

_log = logging.getLogger(__name__)


def make_app(settings: Settings) -> Celery:
    """The Celery application of web and workers. Connects to nothing yet."""
    app = Celery("sonorize", broker=settings.broker_url, include=["workers.tasks.run_jobs"], set_as_current=False)
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
        worker_cancel_long_running_tasks_on_connection_loss=False,  # a doorbell that is gone is no reason to stop
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
            "socket_timeout": 30,
            "socket_connect_timeout": 2,
            "health_check_interval": 25,
            "max_retries": 0,  # of whoever rings; a worker reconnects by rules of its own
        },
    )
    return app


def queue_of(mode: str) -> str:
    """The queue on which workers listen for jobs of a mode; who does ``auto`` also says which voice suits a clip,
    draws what is asked for later, and lays music under results.
    """
    return f"sonorize.{Mode.AUTO.value if mode in (ROUTE, OVERLAY, MUSIC) else mode}"


class _Bell:
    """What is known of the way from one application to its broker."""

    def __init__(self) -> None:
        self.failures = 0
        self.silent_until = 0.0


_BELLS: Final[weakref.WeakKeyDictionary[Any, _Bell]] = weakref.WeakKeyDictionary()


def ring(app: Celery, mode: str) -> bool:
    """Wake a worker for a mode; false, and no error, where the broker cannot be reached: the reconciler will ring.

    For a second after a failure nothing is tried, so that a dead broker does not slow down who submits jobs.
    """
    bell = _BELLS.setdefault(app, _Bell())
    if time.monotonic() < bell.silent_until:
        bell.failures += 1
        return False
    try:
        app.send_task(TASK, kwargs={"mode": mode}, queue=queue_of(mode), retry=False, ignore_result=True)
    except (KombuError, RedisError, OSError) as error:
        bell.failures += 1
        bell.silent_until = time.monotonic() + PAUSE_S
        _log.warning("the broker cannot be reached (%s); waiting jobs are rung for later", type(error).__name__)
        return False
    return True


def failures(app: Celery) -> int:
    """How many rings did not reach the broker since this process began."""
    return _BELLS.setdefault(app, _Bell()).failures


def check(app: Celery) -> None:
    """Raise ServiceError unless the broker answers now."""
    try:
        with app.connection_for_write(connect_timeout=2.0) as connection:
            connection.ensure_connection(max_retries=1, timeout=2.0)
            connection.default_channel.client.ping()
    except (KombuError, RedisError, OSError) as error:
        raise ServiceError(f"the broker cannot be reached: {type(error).__name__}") from error
