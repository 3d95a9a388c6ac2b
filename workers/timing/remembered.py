"""What was read of the database, kept for as long as nobody changes it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from workers.database import Database

T = TypeVar("T")


class Remembered:
    """What was read or worked out, until the database changes, and for a while at most. For many threads.

    Args:
        age_s: for how long, since what is told may depend on the time.
        most: how many things are remembered at once.
    """

    def __init__(self, database: Database, age_s: float, most: int = 1000) -> None:
        self._database, self._age_s, self._most = database, age_s, most
        self._lock = threading.Lock()
        self._version: int | None = None
        self._known: dict[Any, tuple[float, Any]] = {}

    def get(self, key: Any, make: Callable[[], T]) -> T:
        """What ``make`` gives, now or a moment ago; what it raises is not remembered."""
        version, now = self._database.version(), time.monotonic()
        if version is None:
            return make()
        with self._lock:
            if version != self._version:
                self._known.clear()
                self._version = version
            found = self._known.get(key)
        if found is not None and now - found[0] <= self._age_s:
            return cast(T, found[1])
        made = make()
        with self._lock:
            # The version is older than what was made: whatever came between makes the next call forget it.
            if self._version == version:
                if len(self._known) >= self._most:
                    self._known.clear()
                self._known[key] = (now, made)
        return made
