"""Answers beside jobs, in one process: where one worker does everything, its nets are loaded once.

A thread listens to the queues of what is answered quickly, so that a search waits for no job. Should a process be lost,
jobs and answers that were in it are tried again one by one, so that what kills workers takes no other with it twice.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from kombu import Consumer

from workers.broker.queue import make_app, queue_of
from workers.settings import Settings

PAUSE_S: Final = 1.0  # after the broker was away
LOOK_UP_S: Final = 1.0

_log = logging.getLogger(__name__)


class Room:
    """Who works in this process: many beside each other, or one by itself."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._occupied = False
        self._waiting = 0

    @contextlib.contextmanager
    def entered(self, *, alone: bool) -> Iterator[None]:
        """Wait until there is room, and be inside while the block runs.

        Args:
            alone: with nobody else; whoever comes later waits until it has been.
        """
        with self._changed:
            self._waiting += alone
            self._changed.wait_for(lambda: not self._occupied and not (self._inside if alone else self._waiting))
            self._waiting -= alone
            self._inside += 1
            self._occupied = alone
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._occupied = False
                self._changed.notify_all()


class Answering(threading.Thread):
    """Hears notifications of some modes until the process ends.

    Args:
        drain: does what waits of a mode; true if more may be waiting.
        notify: of :class:`workers.broker.notifications.QueueNotifier`.
    """

    def __init__(
        self,
        settings: Settings,
        modes: Sequence[str],
        drain: Callable[[str], bool],
        notify: Callable[[str], object],
    ) -> None:
        super().__init__(name="answering", daemon=True)
        self._app, self._modes = make_app(settings), modes
        self._drain, self._notify = drain, notify

    def run(self) -> None:
        """Listen; a broker that is away is tried again."""
        while True:
            try:
                self._listen()
            except Exception as error:
                _log.warning("notifications of questions are not heard: %s", error)
                time.sleep(PAUSE_S)

    def _listen(self) -> None:
        with self._app.connection_for_read() as connection, contextlib.ExitStack() as held:
            for mode in self._modes:
                queue = self._app.amqp.queues[queue_of(mode)]
                heard = functools.partial(self._heard, mode)
                consumer = Consumer(connection.channel(), [queue], callbacks=[heard], accept=["json"])
                consumer.qos(prefetch_count=1)
                held.enter_context(consumer)
            while True:
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=LOOK_UP_S)

    def _heard(self, mode: str, _body: Any, message: Any) -> None:
        message.ack()  # it may be lost: the reconciler sends another one while the question waits
        if self._drain(mode):
            self._notify(mode)
