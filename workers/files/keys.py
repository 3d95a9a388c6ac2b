"""Names of stored objects, and how much of one is held in memory at a time."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from workers.errors import StorageError

CHUNK_BYTES: Final = 256 * 1024

_PART: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}"
_KEY: Final = re.compile(rf"{_PART}(/{_PART}){{0,7}}")


def checked_key(key: str) -> str:
    """The key itself. Raises StorageError for what is no key of ours, such as a path that leads elsewhere."""
    if not _KEY.fullmatch(key):
        raise StorageError(f"{key!r} is no storage key")
    return key


class Address(NamedTuple):
    """Where a file may be sent: with ``POST`` as a form of these fields, the file last; with ``PUT`` as it is."""

    method: str
    url: str
    fields: dict[str, str]
    headers: dict[str, str]


class Stored(NamedTuple):
    """What was put under a key: its length, and the SHA-256 of its bytes in hex."""

    bytes_: int
    sha256: str
