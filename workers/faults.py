"""Parts that go on regardless of what they meet, and what they meet: logged, counted by kind, and told while it lasts.

No text of an error is kept or shown: that of a broken address holds a piece of its password. The kind of the error, and
in the log the line that raised it, say enough.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path
from typing import Final

import redis.exceptions

from workers.errors import WorkError

LOG_AGAIN_S: Final = 60.0  # the same kind of fault is logged this often at most

_log = logging.getLogger(__name__)


class Faults:
    """Those of one part. Safe to use from many threads.

    Args:
        part: what it is called in the log, in ``/readyz`` and in ``/metrics``.
    """

    def __init__(self, part: str) -> None:
        self.part = part
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._logged_at: dict[str, float] = {}
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the newest try failed, in words; ``None`` where it did not."""
        return self._reason

    @property
    def counts(self) -> dict[str, int]:
        """Kind of error -> how often it came since this process began."""
        with self._lock:
            return dict(self._counts)

    def add(self, error: Exception) -> None:
        """Note a failure."""
        kind, now = type(root_of(error)).__name__, time.monotonic()
        with self._lock:
            self._counts[kind] += 1
            self._reason = reason_of(error)
            logged_at = self._logged_at.get(kind)
            silent = logged_at is not None and now - logged_at < LOG_AGAIN_S
            if not silent:
                self._logged_at[kind] = now
        if not silent:
            _log.warning("%s: %s (%s); it is tried again", self.part, reason_of(error), place_of(error))

    def clear(self) -> None:
        """Note that all went well."""
        if self._reason is not None:
            self._reason = None
            self._logged_at.clear()
            _log.warning("%s: all is well again", self.part)


class Part(ABC):
    """A part of a process that takes turns in a thread of its own until it is stopped, whatever they meet.

    Use :meth:`start` and :meth:`stop`, or ``turn`` by hand.

    Args:
        name: of the part, see :class:`Faults`, and of its thread.
        every_s: between two turns.
        at_once: whether the first turn comes before the first wait.

    Attributes:
        faults: what its turns met.
    """

    def __init__(self, name: str, every_s: float, *, at_once: bool = False) -> None:
        self.faults = Faults(name)
        self._every_s, self._at_once = every_s, at_once
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End after the turn that is going on."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    @abstractmethod
    def turn(self) -> object:
        """Do once what the part is for."""

    def _take_turn(self) -> None:
        """One turn of the thread."""
        self.turn()

    def _run(self) -> None:
        over = not self._at_once and self._over.wait(self._every_s)
        while not over:
            try:
                self._take_turn()
            except Exception as error:
                self.faults.add(error)
            else:
                self.faults.clear()
            over = self._over.wait(self._every_s)


def root_of(error: BaseException) -> BaseException:
    """The error from which another one was made."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def reason_of(error: BaseException) -> str:
    """An error in words that hold nothing secret."""
    root = root_of(error)
    if isinstance(error, WorkError):
        return str(error)
    if isinstance(root, ImportError):
        return f"a package is missing or broken: {root.name or type(root).__name__}"
    if isinstance(root, redis.exceptions.AuthenticationError):
        return "the password is refused"
    if isinstance(root, (TimeoutError, redis.exceptions.TimeoutError)):
        return "no answer in time"
    if isinstance(root, (OSError, redis.exceptions.ConnectionError)):
        return f"cannot be reached ({type(root).__name__})"
    return f"an unexpected {type(root).__name__}"


def place_of(error: BaseException) -> str:
    """The line that raised an error, without anything of its text."""
    frames = traceback.extract_tb(root_of(error).__traceback__)
    if not frames:
        return "no traceback"
    last = frames[-1]
    return f"{type(root_of(error)).__name__} in {'/'.join(Path(last.filename).parts[-3:])}:{last.lineno}"
