"""What a resumable upload says in headers (tus 1.0.0), the same for both clients; nothing is sent here."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final

PIECE_BYTES: Final = 8 * 1024**2
"""So much is lost at most where a server is killed while it takes a piece in."""
_VERSION: Final = {"Tus-Resumable": "1.0.0"}


def begin(clip: Path) -> dict[str, str]:
    """Headers of the request that begins the upload of a file."""
    name = clip.name.encode("utf-8", "replace")
    metadata = f"filename {base64.b64encode(name).decode()}"
    return {**_VERSION, "Upload-Length": str(clip.stat().st_size), "Upload-Metadata": metadata}


def ask() -> dict[str, str]:
    """Headers of the question where an upload stands."""
    return dict(_VERSION)


def piece_of(clip: Path, offset: int) -> tuple[bytes, dict[str, str]]:
    """The piece of a file that begins there, and the headers under which it is sent."""
    with clip.open("rb") as file:
        file.seek(offset)
        data = file.read(PIECE_BYTES)
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return data, {**_VERSION, **headers, "Upload-Checksum": f"sha256 {checksum}"}
