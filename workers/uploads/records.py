"""What an upload is: its row as a value. No file is opened and no database is spoken to here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

TUS: Final = "tus"
PRESIGNED: Final = "presigned"
PARTIAL: Final = "partial"
"""A piece of a concatenation; no job is made of it."""


@dataclass(frozen=True)
class Upload:
    """One row. Times are seconds since 1970.

    Attributes:
        kind: :data:`TUS`, :data:`PRESIGNED` or :data:`PARTIAL`.
        bytes_: how long the whole is.
        received: how many of them are here.
        metadata: what the client says of it; ``filename`` is text to show.
        sha256: of the whole, in hex, once somebody looked.
        info: what the clip is, once somebody looked.
        stored: whether it is in the storage, under :attr:`key`.
        expires_at: when its bytes are deleted.
    """

    id: str
    owner: str
    kind: str
    bytes_: int
    received: int
    metadata: Mapping[str, str]
    sha256: str | None
    info: Mapping[str, Any] | None
    stored: bool
    created_at: float
    expires_at: float
    ended_at: float | None

    @property
    def ready(self) -> bool:
        """Whether all of it is here."""
        return self.received == self.bytes_

    @property
    def key(self) -> str:
        """Where the storage has it."""
        return f"{self.id}/source"

    @property
    def filename(self) -> str:
        """Text to show."""
        return str(self.metadata.get("filename") or self.metadata.get("name") or "")


def upload_of(row: sa.Row[Any]) -> Upload:
    """A row of :data:`workers.uploads.tables.UPLOADS` as an :class:`Upload`."""
    values = dict(row._mapping)
    values["bytes_"] = values.pop("bytes")
    return Upload(**values)
