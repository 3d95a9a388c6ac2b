"""ffmpeg's complaints in plain words: the one table that turns them into the sentence of a MediaError."""

from __future__ import annotations

import errno
import os
import re
import signal
from typing import Final

# The first pattern that is found wins, so causes stand before their consequences.
_SENTENCES: Final = (
    (r"No space left on device", "the disk is full"),
    (r"File too large", "the result is larger than a file may be here"),
    (r"Disk quota exceeded", "the disk quota is used up"),
    (r"Permission denied|Operation not permitted", "the file or its folder may not be read or written"),
    (r"Read-only file system", "the folder of the result is on a disk that is read-only"),
    (r"Is a directory", "a folder was named where a file is needed"),
    (r"No such file or directory", "the file does not exist"),
    (r"exceeds max_streams", "the file has more streams than are allowed"),
    (r"exceeds specified max pixel count|Picture size \S+ is invalid", "the picture is larger than is allowed"),
    (r"Cannot allocate memory|Out of memory", "the file needs more memory than is allowed for it"),
    (
        r"[Ff]ormat not on whitelist",
        "the file is not of a kind that is read: allowed are mp4, mov, mkv, webm, avi, mpg and ts",
    ),
    (r"[Pp]rotocol '?\S+ not on whitelist", "the file points to other files or hosts, which are never opened"),
    (r"not on whitelist", "the file is in a coding that is not read"),
    (r"moov atom not found|End of file|Truncat", "the file is cut short, damaged, or not a video at all"),
    (r"matches no streams|does not contain any stream", "the file holds no stream of the kind that is needed"),
    (
        r"not find tag for codec|not currently supported in container|[Oo]nly .*supported|incorrect codec parameters",
        "the container of the result cannot hold a stream of the source",
    ),
    (r"Decoder .* not found|Unsupported codec|no decoder", "the file is in a coding that is not read"),
    (r"Invalid data found", "the file is damaged, or not a video at all"),
)

_NO_ROOM: Final = {errno.ENOSPC: "No space left on device", errno.EDQUOT: "Disk quota exceeded"}


def cause_of(stderr: str) -> OSError | None:
    """The system's error behind a complaint, where it is one that passes when somebody makes room."""
    number = next((number for number, text in _NO_ROOM.items() if text in stderr), None)
    return None if number is None else OSError(number, os.strerror(number))


def explain(stderr: str, returncode: int) -> str:
    """One plain sentence for a child that ended with ``returncode`` (negative: killed by that signal)."""
    if returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "the file needs more work than is allowed for it"
    if returncode == -signal.SIGXFSZ:
        return "the result is larger than a file may be here"
    if returncode < 0:
        return f"ffmpeg broke down over the file (signal {-returncode})"
    for pattern, sentence in _SENTENCES:
        if re.search(pattern, stderr):
            return sentence
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return f"ffmpeg could not do it: {lines[-1][:200] if lines else f'it ended with {returncode}'}"
