"""Files at the edge: what may be read as a source, and how a result comes into being all at once or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synth.errors import MediaError

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "the folder may not be written",
    errno.EPERM: "the folder may not be written",
    errno.ENOENT: "the folder does not exist",
    errno.ENOTDIR: "the folder does not exist",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EFBIG: "it is larger than a file may be here",
    errno.EISDIR: "a folder of that name is in the way",
}


def source_bytes(path: Path, max_bytes: int) -> int:
    """Size of a source in bytes, once it is sure to be an ordinary file that is neither empty nor too large.

    Raises:
        MediaError: it is missing, may not be read, is no ordinary file, is empty, or is too large.
    """
    try:
        status = os.stat(path)
        readable = os.access(path, os.R_OK)
    except (OSError, ValueError) as error:
        raise MediaError("the file does not exist or cannot be reached") from error
    if not stat.S_ISREG(status.st_mode):
        raise MediaError("what was named is not an ordinary file")
    if not readable:
        raise MediaError("the file may not be read")
    if status.st_size == 0:
        raise MediaError("the file is empty")
    if status.st_size > max_bytes:
        raise MediaError(f"the file has {status.st_size} bytes; allowed are {max_bytes}")
    return status.st_size


def url(path: Path) -> str:
    """``path`` as ffmpeg takes it without reading anything into it: no dash, colon or percent sign can matter."""
    return f"file:{os.path.abspath(path)}"


@contextmanager
def arriving(target: Path, *, replace: bool = True) -> Iterator[Path]:
    """A temporary file beside ``target`` that takes its place when the block ends well and vanishes when it does not.

    The bytes are on the disk before the name is, so a power cut leaves the old state or the new one.

    Raises:
        MediaError: ``target`` exists and ``replace`` is False, or it cannot be written.
    """
    target = Path(os.path.abspath(target))
    if not replace and os.path.lexists(target):
        raise MediaError(f"{target.name} exists already and is not overwritten")
    part = target.parent / f".{secrets.token_hex(8)}.part"
    made = False
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        made = True
        yield part
        _sync(part)
        _place(part, target, replace=replace)
        _sync(target.parent)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or "the disk refuses it")
        raise MediaError(f"{target.name} cannot be written: {reason}") from error
    except ValueError as error:  # a name with a zero byte in it
        raise MediaError("the result cannot be written: its name is not allowed") from error
    finally:
        if made:
            part.unlink(missing_ok=True)


def _place(part: Path, target: Path, *, replace: bool) -> None:
    if replace:
        os.replace(part, target)
        return
    try:
        os.link(part, target)  # unlike a rename, fails when somebody else was quicker
    except FileExistsError as error:
        raise MediaError(f"{target.name} exists already and is not overwritten") from error
    except OSError:  # a disk without hard links
        os.replace(part, target)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
