"""Small files, written whole or not at all, and the digests that name them. Importable without torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from synth.errors import MediaError
from synth.media.files import arriving


def write_whole(target: Path, payload: bytes) -> None:
    """Write a file all at once: a reader sees the old one or the new one, never half. An older one is replaced.

    Raises:
        MediaError: the folder is missing, unwritable or full; nothing is left behind.
    """
    with arriving(target) as part:
        part.write_bytes(payload)


def file_sha256(file: Path) -> str:
    """Hexadecimal sha256 of a file of any size, read in pieces.

    Raises:
        MediaError: it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise MediaError(f"{file.name} cannot be read: {error.strerror}") from error
