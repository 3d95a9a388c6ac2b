"""Deadlines of tests, in seconds of a machine that has nothing else to do."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOAD: Final = Path("/proc/loadavg")


def shared_by() -> float:
    """How many programs share a core right now, at least 1: the mean of the last minute or this moment's, the greater.

    A deadline that is multiplied by it says the same of the program under test whatever else runs beside it.
    """
    minute, runnable = os.getloadavg()[0], 0.0
    if _LOAD.is_file():
        runnable = float(_LOAD.read_text().split()[3].split("/")[0]) - 1  # this test is one of them
    return max(1.0, max(minute, runnable) / len(os.sched_getaffinity(0)))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block takes less than so many seconds, times the number of programs that share a core."""
    before, began = shared_by(), time.monotonic()
    yield
    took_s = time.monotonic() - began
    allowed_s = seconds * max(before, shared_by())
    assert took_s < allowed_s, f"took {took_s:.2f} s; allowed are {seconds:g} s, here {allowed_s:.2f} s"
