"""What the headers of tus 1.0.0 say (https://tus.io/protocols/resumable-upload): read strictly, written plainly.

Nothing is stored here; :mod:`workers.uploads` does that, :mod:`web.api.uploads` joins the two.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, Final

from werkzeug.exceptions import ClientDisconnected

from web.api.problems import Problem
from workers.uploads.held import BrokenStream, Checksum
from workers.uploads.records import Upload

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation",
    "creation-with-upload",
    "expiration",
    "checksum",
    "termination",
)
ALGORITHMS: Final = ("sha256", "sha1", "sha512", "md5")
"""Of checksums; sha1 is the one that every tus server has to know."""
PIECE_TYPE: Final = "application/offset+octet-stream"
METADATA_BYTES: Final = 4096
VALUE_LENGTH: Final = 1024
_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


def check_version(shown: str | None) -> None:
    """Hold that a request speaks this version of tus.

    Raises:
        Problem: ``precondition``.
    """
    if shown != VERSION:
        what = f"Tus-Resumable is {shown[:20]!r}" if shown else "Tus-Resumable is missing"
        raise Problem("precondition", f"{what}; this server speaks {VERSION}", {"Tus-Version": VERSION})


def number(name: str, text: str | None) -> int:
    """A length or an offset in bytes.

    Raises:
        Problem: ``bad-request``: it is missing or no whole number.
    """
    if text is None:
        raise Problem("bad-request", f"the header {name} is missing")
    if not _NUMBER.fullmatch(text):
        raise Problem("bad-request", f"{name} is {text[:40]!r}; it must be a whole number of bytes")
    return int(text)


def metadata_of(text: str | None) -> dict[str, str]:
    """``Upload-Metadata`` as text by name, without what cannot be seen or turns a line around.

    Raises:
        Problem: ``bad-request``: a pair is not ``name base64``, a name comes twice, or it is all too long.
    """
    if not text:
        return {}
    if len(text) > METADATA_BYTES:
        raise Problem("bad-request", f"Upload-Metadata has {len(text)} bytes; allowed are {METADATA_BYTES}")
    found: dict[str, str] = {}
    for pair in text.split(","):
        name, _, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(name) or name in found:
            raise Problem(
                "bad-request", f"Upload-Metadata has the name {name[:40]!r}, twice or not of letters, digits and . _ -"
            )
        try:
            raw = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Problem("bad-request", f"the value of {name!r} in Upload-Metadata is not base64") from error
        found[name] = plain(raw.decode("utf-8", "replace"))
    return found


def plain(text: str) -> str:
    """Text without control, format and surrogate characters, composed, and not too long."""
    seen = "".join(char for char in unicodedata.normalize("NFC", text) if unicodedata.category(char)[0] != "C")
    return seen[:VALUE_LENGTH]


def metadata_header(metadata: Mapping[str, str]) -> str:
    """Text by name as ``Upload-Metadata``."""
    pairs = ((name, base64.b64encode(value.encode()).decode()) for name, value in metadata.items())
    return ",".join(f"{name} {value}".rstrip() for name, value in pairs)


def checksum_of(text: str | None) -> Checksum | None:
    """``Upload-Checksum``, where there is one.

    Raises:
        Problem: ``bad-request``: another algorithm, or no digest of it in base64.
    """
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise Problem("bad-request", f"Upload-Checksum names {algorithm[:40]!r}; allowed are {', '.join(ALGORITHMS)}")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise Problem("bad-request", f"Upload-Checksum is no {algorithm} in base64")
    return Checksum(algorithm, digest)


def headers_of(upload: Upload) -> dict[str, str]:
    """Where an upload stands, as headers."""
    return {
        "Upload-Offset": str(upload.received),
        "Upload-Expires": formatdate(upload.expires_at, usegmt=True),
        "Cache-Control": "no-store",
    }


class Body:
    """A request's body as :meth:`workers.uploads.store.Held.append` reads it: who goes away breaks it off."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """The next bytes. Raises BrokenStream."""
        try:
            return bytes(self._stream.read(size))
        except ClientDisconnected as error:
            raise BrokenStream from error
