"""Room on a disk: what stays free for the database, so that those who make room by deleting can always do it."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

RESERVE_BYTES: Final = 64 * 1024**2
"""No upload, no result and no temporary file of ours takes the last so many bytes of a disk."""


def require_room(folder: Path, wanted_bytes: int) -> None:
    """Hold that a folder's disk takes so many bytes and keeps :data:`RESERVE_BYTES` free.

    Raises:
        OSError: ``ENOSPC``, as the disk itself would say a little later; or the folder cannot be looked at.
    """
    if free_bytes(folder) < wanted_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def free_bytes(folder: Path) -> int:
    """What may be taken of a folder's disk; below zero where the reserve is touched already. Raises OSError."""
    return shutil.disk_usage(folder).free - RESERVE_BYTES


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is that of a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False


def remove_abandoned(folder: Path, older_than_s: float) -> int:
    """Remove files and folders directly below ``folder`` that nobody has changed for so long; how many.

    A folder is as old as the newest thing in it. What cannot be removed now is left for the next time.
    """
    removed = 0
    for path in _entries(folder):
        try:
            if time.time() - _changed_at(path) < older_than_s:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            removed += 1
        except OSError:
            continue
    return removed


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from list(folder.iterdir())
    except OSError:
        return


def _changed_at(path: Path) -> float:
    below = path.rglob("*") if path.is_dir() and not path.is_symlink() else ()
    return max(float(one.lstat().st_mtime) for one in (path, *below))
