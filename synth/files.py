"""Small files, written whole or not at all, and the digests that name them. Importable without torch."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


def write_whole(target: Path, payload: bytes) -> None:
    """Write beside the target, then move into its place: a reader sees the old file or the new one, never half.

    Raises:
        OSError: the folder is missing, unwritable or full; nothing is left behind.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".sonorize-", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(payload)
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def file_sha256(file: Path) -> str:
    """Hexadecimal sha256 of a file of any size, read in pieces.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
