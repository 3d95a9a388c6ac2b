"""Whether a worker's processes run at all: each touches a file every second, and one that stops doing so is replaced.

A process that is stopped, or that native code holds, keeps its worker's only slot: no other job would reach it, though
its lease ended long ago. Its worker kills it, and Celery's pool starts another.
"""

from __future__ import annotations

import contextlib
import glob
import logging
import os
import signal
import time
from pathlib import Path
from typing import Final

BEAT_S: Final = 1.0
LEASES: Final = 1.5  # of silence: by then another worker may have the job
SILENT_S: Final = 10.0  # at least, however short the leases are

_log = logging.getLogger(__name__)


def beat(folder: Path, process: str) -> None:
    """Show from now on, for good, that this process runs.

    Args:
        folder: this process's own, below that of the work.
        process: its name, ``node#pid``.
    """
    path = folder / f"{process}.pulse"
    while True:
        with contextlib.suppress(OSError):  # without the folder nobody finds it silent either
            path.touch()
        time.sleep(BEAT_S)


class PulseWatch:
    """Of the processes of one worker. Call :meth:`look` every second or so.

    Args:
        work_dir: where the processes have their folders.
        node: the worker's name.
        lease_s: how long a job is theirs without a sign of life.
    """

    def __init__(self, work_dir: Path, node: str, lease_s: float) -> None:
        self._pattern = f"*/{glob.escape(node)}#*.pulse"
        self._work_dir = work_dir
        self._silent_s = max(SILENT_S, LEASES * lease_s)
        self._beats: dict[Path, tuple[float, float]] = {}  # when touched last, and when that was seen (monotonic)
        self._looked_at = time.monotonic()

    def look(self) -> list[int]:
        """Kill those that have shown no life for too long; which."""
        now, killed = time.monotonic(), []
        if now - self._looked_at > self._silent_s / 2:  # this process stood still itself
            self._beats.clear()
        self._looked_at = now
        for path in self._work_dir.glob(self._pattern):
            pid = int(path.stem.rpartition("#")[2])
            try:
                touched = path.stat().st_mtime
            except FileNotFoundError:
                continue
            if self._beats.get(path, (0.0, 0.0))[0] != touched:
                self._beats[path] = touched, now
            elif now - self._beats[path][1] > self._silent_s and _is_ours(pid):
                _log.error("process %d has shown no life for %g s and is replaced", pid, self._silent_s)
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        return killed


def _is_ours(pid: int) -> bool:
    """Whether a process belongs to this one's group; its number may be another's by now."""
    try:
        return pid != os.getpid() and os.getpgid(pid) == os.getpgid(0)
    except ProcessLookupError:
        return False
