"""A lane of a worker's process for what somebody waits for, beside the one that does jobs.

A machine with one worker need not hold the nets twice to answer a search while a job is running: a thread of the
worker's process listens to the queues of :data:`workers.records.QUICK`, which nobody else of it does. Celery's pool
hands its process one message at a time and keeps the others, so the thread has a connection of its own.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from synth.errors import SynthError
from workers.broker.queue import make_app, queue_of
from workers.faults import reason_of
from workers.records import QUICK
from workers.settings import Settings
from workers.tasks import search_answers

LOOK_AGAIN_S: Final = 5.0
"""So often it looks without having been notified: a notification may be lost, and a look costs a millisecond."""
PAUSE_S: Final = 1.0  # after a failure

_log = logging.getLogger(__name__)


class QuickLane:
    """Does what waits of the quick modes, in a thread of its own, for as long as the process lives.

    Args:
        do: does what waits of a mode.
    """

    def __init__(self, settings: Settings, do: Callable[[str], object]) -> None:
        self._settings, self._do = settings, do

    def start(self) -> None:
        """Begin; returns at once."""
        # The nets take half a minute where the machine is busy: a score needs none of them, and a worker that takes
        # nothing for so long is taken for deaf and started anew, to load them once more.
        threading.Thread(target=_load, name="quick-lane-nets", daemon=True).start()
        threading.Thread(target=self._run, name="quick-lane", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self._listen()
            except Exception as error:
                _log.warning("the quick lane begins anew: %s", reason_of(error))
                threading.Event().wait(PAUSE_S)

    def _listen(self) -> None:
        app = make_app(self._settings)
        queues = [app.amqp.queues[queue_of(mode)] for mode in QUICK]
        with (
            app.connection_for_read() as connection,
            # A message is gone when it is read: what the work is stands in the database.
            connection.Consumer(queues, on_message=_read, accept=["json"], no_ack=True),
        ):
            while True:
                for mode in QUICK:
                    self._do(mode)
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=LOOK_AGAIN_S)


def _load() -> None:
    try:
        search_answers.use_once()
    except (ImportError, SynthError) as error:
        _log.warning("searches by file cannot be answered: %s", error)


def _read(_message: Any) -> None:
    """Whatever it says, all quick modes are looked at."""
