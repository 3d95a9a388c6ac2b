"""Temporary folders that outlive nobody: a process holds a lock on its own, and takes away those without a holder."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from pathlib import Path
from typing import Final

_LOCK: Final = "lock"


class ProcessFolder:
    """A folder of one process. It may be swept away as soon as the process is gone, however it ended."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made under another name and locked before it shows: a sweep must not find it without its holder.
        hidden = parent / f".{secrets.token_hex(8)}"
        hidden.mkdir(mode=0o700)
        self._lock = os.open(hidden / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = hidden.rename(parent / hidden.name[1:])


def sweep(parent: Path) -> int:
    """Take away the folders of processes that are gone; how many there were."""
    swept = 0
    for folder in parent.iterdir() if parent.is_dir() else ():
        if folder.name.startswith(".") or not (folder / _LOCK).is_file():
            continue
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
        except BlockingIOError:
            pass
        finally:
            os.close(lock)
    return swept
