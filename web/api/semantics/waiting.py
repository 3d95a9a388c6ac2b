"""Callers that wait for the end of their job in one request.

Each holds a thread of the server, as a live stream does. So there is a cap, and beyond it nobody waits: the caller is
answered at once, without ``Preference-Applied``, and reads the job as any other does.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from flask import request

from workers.errors import DatabaseError
from workers.jobs import Job, Jobs

MAX_WAITS: Final = 8
MAX_WAITS_OF_ONE: Final = 4
LOOK_EVERY_S: Final = 0.1


def ended(job: Job) -> bool:
    """Whether nothing more happens to a job by itself."""
    return job.state.final


class Waits:
    """Who waits now. Safe to use from many threads.

    Args:
        most: of all callers together.
        most_of_one: of one owner.
    """

    def __init__(self, most: int = MAX_WAITS, most_of_one: int = MAX_WAITS_OF_ONE) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._of: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def open(self) -> int:
        """How many wait now."""
        return self._of.total()

    def until(
        self,
        jobs: Jobs,
        job: Job,
        seconds: float,
        done: Callable[[Job], bool] = ended,
        *,
        pause: Callable[[float], object] = time.sleep,
    ) -> Job | None:
        """Wait until a job is as wanted, but not for longer than so many seconds; the job as it is then.

        ``None``, at once, where too many wait already.

        Raises:
            NotFound: it was deleted meanwhile.
        """
        if not self._enter(job.owner):
            return None
        try:
            gone: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
            until = time.monotonic() + seconds
            while not done(job) and (left := until - time.monotonic()) > 0 and not gone():
                pause(min(LOOK_EVERY_S, left))
                with suppress(DatabaseError):  # busy or away for a moment: the next look will tell
                    job = jobs.get(job.id, job.owner)
            return job
        finally:
            with self._lock:
                self._of[job.owner] -= 1

    def _enter(self, owner: str) -> bool:
        with self._lock:
            if self._of.total() >= self._most or self._of[owner] >= self._most_of_one:
                return False
            self._of[owner] += 1
            return True
