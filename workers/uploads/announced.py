"""How much of the free room uploads may hold that were announced and have not arrived.

Room is kept for what somebody announced, so that an upload that began can end. Who announces much and sends nothing
would keep everybody else out by that: an owner's announcements hold a share of the free room, all together another, and
none that nobody has gone on with for an hour. A single upload is let in whatever its length, where there is room.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from workers.errors import TooMany
from workers.files import disk
from workers.uploads.tables import UPLOADS

OWNER_SHARE: Final = 0.25
ALL_SHARE: Final = 0.5
IDLE_S: Final = 3600.0


def unfinished(now: float) -> tuple[sa.ColumnElement[bool], ...]:
    """Of which something is missing still, and may come."""
    return UPLOADS.c.ended_at.is_(None), UPLOADS.c.received < UPLOADS.c.bytes, UPLOADS.c.expires_at > now


def require_room(connection: sa.Connection, folder: Path, length: int, *, now: float, kept_s: float) -> None:
    """Hold that the disk has room for an upload beside those that are under way.

    Args:
        now, kept_s: seconds; the time, and how long an upload is kept after its last piece.

    Raises:
        OSError: it has not.
    """
    disk.require_room(folder, length + _missing(connection, now, kept_s))


def require_share(
    connection: sa.Connection, folder: Path, owner: str, length: int, *, now: float, kept_s: float
) -> None:
    """Hold that an upload leaves room for others, in the transaction that writes it down.

    Raises:
        TooMany: with this one the owner's, or everybody's, would hold too much.
    """
    free = disk.free_bytes(folder)
    own = _missing(connection, now, kept_s, UPLOADS.c.owner == owner)
    if own and own + length > OWNER_SHARE * free:
        raise TooMany(
            f"{own} bytes of your uploads are announced and have not arrived; with {length} more they would hold over "
            f"{OWNER_SHARE:.0%} of the room that is free here; send or delete some of them first"
        )
    under_way = _missing(connection, now, kept_s)
    if under_way and under_way + length > ALL_SHARE * free:
        raise TooMany(
            f"uploads that are announced and have not arrived would hold over {ALL_SHARE:.0%} of the room that is free "
            "here; send this one when some of them have ended"
        )


def _missing(connection: sa.Connection, now: float, kept_s: float, *which: sa.ColumnElement[bool]) -> int:
    """Bytes that have not arrived, of uploads with which somebody has gone on lately."""
    alive = UPLOADS.c.expires_at > now + kept_s - IDLE_S
    missing = sa.select(sa.func.sum(UPLOADS.c.bytes - UPLOADS.c.received))
    found: Any = connection.scalar(missing.where(*unfinished(now), alive, *which))
    return int(found or 0)
