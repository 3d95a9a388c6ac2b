"""Queue notifications: messages that say that there may be work of a mode.

One may be lost, or come twice: what the work is stands in the database, and the reconciler notifies again. So whoever
submits a job never waits for the broker. A thread sends; what it meets, from a dead socket to a missing package, is
written down (:mod:`workers.faults`), and the message is sent again until it arrives.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from workers.broker.client import broker_client
from workers.broker.queue import TASK, make_app, queue_of
from workers.errors import ServiceError
from workers.faults import Faults, reason_of
from workers.settings import Settings

ANSWER_S: Final = 1.0  # in which a broker that works answers
PAUSE_S: Final = 1.0  # after a failure
UNSENT: Final = 8  # of one mode, at most: who is woken looks for more by itself


class QueueNotifier:
    """The way from one process to the broker. Safe to use from many threads.

    Attributes:
        faults: what went wrong.
        sent: how many notifications reached the broker.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app = make_app(settings, answer_s=ANSWER_S)
        self._unsent: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._over = False
        self._thread: threading.Thread | None = None
        self.faults = Faults("queue-notification")
        self.sent = 0

    def notify(self, mode: str) -> None:
        """Wake a worker for a mode. Returns at once and never fails."""
        with self._changed:
            if self._over:
                return
            self._unsent[mode] = min(UNSENT, self._unsent[mode] + 1)
            try:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="queue-notifier", daemon=True)
                    thread.start()
                    self._thread = thread
            except RuntimeError as error:  # no thread can be started now; the next call tries again
                self.faults.add(error)
            self._changed.notify()

    def check(self) -> None:
        """Raise ServiceError unless the broker answers now and its transport can be loaded. Takes 2 s at most."""
        try:
            with broker_client(self._settings.broker_url, ANSWER_S) as client:
                client.ping()
            with self._app.connection_for_write() as connection:
                _ = connection.transport
        except Exception as error:
            raise ServiceError(f"the broker: {reason_of(error)}") from error

    def close(self) -> None:
        """End the thread after what it is sending; what is unsent is left to the reconciler of the next process."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._app.close()

    def _run(self) -> None:
        while (mode := self._next()) is not None:
            try:
                self._app.send_task(TASK, kwargs={"mode": mode}, queue=queue_of(mode), retry=False, ignore_result=True)
            except Exception as error:
                self.faults.add(error)
                with self._changed:
                    self._unsent[mode] = min(UNSENT, self._unsent[mode] + 1)
                    self._changed.wait_for(lambda: self._over, PAUSE_S)
            else:
                self.sent += 1
                self.faults.clear()

    def _next(self) -> str | None:
        """The mode of a notification to send, as soon as there is one; ``None`` at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._unsent.total() > 0)
            if self._over:
                return None
            mode = max(self._unsent, key=lambda one: self._unsent[one])
            self._unsent[mode] -= 1
            return mode
