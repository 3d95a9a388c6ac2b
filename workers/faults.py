"""What goes wrong in a part that goes on regardless: logged, counted by kind, and told while it lasts.

No text of an error is kept or shown: that of a broken address holds a piece of its password. The kind of the error, and
in the log the line that raised it, say enough.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
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
