"""Uploads that arrive piece by piece: a row each, and a file each in a folder of this machine.

The row is the truth. A piece counts once its bytes are on the disk and the row says so: what a killed process left
behind that is cut off before the next piece. One writer at a time holds the file's lock, which ends with its process.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from workers.database import Database
from workers.errors import Conflict, Gone, Locked, NotFound, TooMany
from workers.files import objects, tombstones
from workers.files.keys import Stored as Clip
from workers.records import new_id
from workers.scheduling_clock import Clock
from workers.uploads import announced, sources
from workers.uploads.held import Held
from workers.uploads.records import PRESIGNED, TUS, Upload, upload_of
from workers.uploads.tables import SPOOLED, UPLOADS

MAX_OPEN: Final = 200  # unfinished, an owner
MAX_PAGE: Final = 100
POLL_S: Final = 0.05
TOLD_S: Final = 24 * 3600.0  # so long after its end an upload is said to be gone, and not unknown
STRAY_S: Final = 3600.0  # a file without a row may be that young: it is made first


class Uploads:
    """All uploads of one server. Safe to use from many threads.

    Every method raises DatabaseError when the database cannot be reached. Where one takes an ``owner``, somebody else's
    upload is not found; ``None`` means: whoever's.

    Args:
        folder: where the bytes arrive, on a disk of this machine.
        kept_s: how long an upload is kept after its last piece.
    """

    def __init__(self, database: Database, folder: Path, *, kept_s: float, clock: Clock | None = None) -> None:
        self.database, self.folder, self.kept_s = database, folder, kept_s
        self._clock: Clock = clock or time.time

    def create(
        self,
        owner: str,
        length: int,
        metadata: Mapping[str, str],
        kind: str = TUS,
        *,
        admit: Callable[[sa.Connection], None] = lambda _: None,
    ) -> Upload:
        """Begin an upload; its file is there when this returns.

        Args:
            admit: may refuse it by an error of its own, in the transaction that writes it down.

        Raises:
            TooMany: the owner has :data:`MAX_OPEN` that are not finished; or what was announced and has not arrived
                would hold too much of the free room, see :mod:`workers.uploads.announced`.
            OSError: the disk has no room for this one beside those that are under way.
        """
        now = self._clock()
        count = (
            sa.select(sa.func.count()).select_from(UPLOADS).where(*announced.unfinished(now), UPLOADS.c.owner == owner)
        )
        id = new_id(now)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.database.reading() as connection:
            announced.require_room(connection, self.folder, length, now=now, kept_s=self.kept_s)
        self.path(id).open("xb").close()
        row = {
            "id": id,
            "owner": owner,
            "kind": kind,
            "bytes": length,
            "received": 0,
            "metadata": dict(metadata),
            "stored": False,
            "created_at": now,
            "expires_at": now + self.kept_s,
        }
        try:
            with self.database.writing() as connection:
                admit(connection)
                if (connection.scalar(count) or 0) >= MAX_OPEN:
                    raise TooMany(f"{MAX_OPEN} uploads of yours are not finished; finish or delete some of them")
                announced.require_share(connection, self.folder, owner, length, now=now, kept_s=self.kept_s)
                return upload_of(connection.execute(sa.insert(UPLOADS).values(row).returning(UPLOADS)).one())
        except BaseException:
            self.path(id).unlink(missing_ok=True)
            raise

    def get(self, id: str, owner: str | None) -> Upload:
        """One upload.

        Raises:
            NotFound: there is none.
            Gone: it expired or was deleted.
        """
        with self.database.reading() as connection:
            return self._there(connection.execute(sa.select(UPLOADS).where(*_whose(id, owner))).one_or_none())

    def recent(
        self, owner: str | None, *, cursor: str | None = None, limit: int = MAX_PAGE
    ) -> tuple[list[Upload], str | None]:
        """A page of uploads that are there, newest first, and what to ask for the next one with."""
        wanted = sa.select(UPLOADS).where(UPLOADS.c.ended_at.is_(None), UPLOADS.c.expires_at > self._clock())
        if owner is not None:
            wanted = wanted.where(UPLOADS.c.owner == owner)
        if cursor is not None:
            wanted = wanted.where(UPLOADS.c.id < cursor)
        with self.database.reading() as connection:
            rows = connection.execute(wanted.order_by(UPLOADS.c.id.desc()).limit(limit + 1)).all()
        found = [upload_of(row) for row in rows[:limit]]
        return found, found[-1].id if len(rows) > limit else None

    @contextmanager
    def hold(self, id: str, owner: str | None, *, patience_s: float = 0.0) -> Iterator[Held]:
        """The only writer of an upload, until the block ends.

        Args:
            patience_s: how long to wait for another one to end.

        Raises:
            Locked: another one is writing.
            Stored: the storage has it, and it is not on this disk any more.
            Gone: its bytes are not on this machine's disk.
            NotFound, Gone: as :meth:`get`.
        """
        self.get(id, owner)  # what is somebody else's is not even known to be locked
        try:
            file = self.path(id).open("r+b")
        except FileNotFoundError:
            upload = self.get(id, owner)
            if upload.stored:
                raise Stored("the upload is finished and stored") from None
            raise Gone("the bytes of this upload are not here any more; begin again") from None
        with file:
            _lock(file, time.monotonic() + patience_s)
            # What the row says now that nobody else changes it.
            yield Held(self.get(id, owner), file, self.folder, self._written)

    def path(self, id: str) -> Path:
        """Where the bytes of an upload lie until the storage has them."""
        return self.folder / id

    def _written(self, id: str, **values: Any) -> Upload:
        """Something of an upload was written: it is kept for longer."""
        return self.change(id, expires_at=self._clock() + self.kept_s, **values)

    def change(self, id: str, **values: Any) -> Upload:
        """Write down something new of an upload that is there.

        Raises:
            NotFound, Gone: as :meth:`get`.
        """
        changed = sa.update(UPLOADS).where(UPLOADS.c.id == id, UPLOADS.c.ended_at.is_(None))
        with self.database.writing() as connection:
            row = connection.execute(changed.values(**values).returning(UPLOADS)).one_or_none()
        return self.get(id, None) if row is None else upload_of(row)

    def deposited(self, id: str, clip: Clip, *, waits: bool) -> None:
        """Write down that the storage has an upload now, or that it waits for the storage on this disk."""
        with self.database.writing() as connection:
            sources.lock(connection, id)
            if waits:
                sources.wait(connection, f"{id}/source", clip)
                return
            connection.execute(sa.update(UPLOADS).where(UPLOADS.c.id == id).values(stored=True))
            objects.write(connection, {f"{id}/source": clip})
        self.path(id).unlink(missing_ok=True)

    def end(self, id: str, owner: str | None) -> Upload:
        """Take an upload away: its row says so for a while, and its file goes. Raises NotFound, Gone."""
        self.get(id, owner)
        ended = self._end(UPLOADS.c.id == id)
        if not ended:
            raise Gone(_GONE)
        return ended[0]

    def expire(self) -> list[Upload]:
        """End what nobody has gone on with in time, forget what ended long ago, delete files without a row.

        Returns:
            Those that ended now; what the storage has of them, and no job uses, has tombstones.
        """
        now = self._clock()
        expired = self._end(UPLOADS.c.expires_at <= now)
        with self.database.writing() as connection:
            connection.execute(sa.delete(UPLOADS).where(UPLOADS.c.ended_at < now - TOLD_S))
        return expired

    def strays(self) -> list[Path]:
        """Files in the folder that no upload has, older than an hour."""
        there = {path.name: path for path in self.folder.iterdir()} if self.folder.is_dir() else {}
        names, known = list(there), set[str]()
        for start in range(0, len(names), 500):
            some = sa.select(UPLOADS.c.id).where(
                UPLOADS.c.id.in_(names[start : start + 500]), UPLOADS.c.ended_at.is_(None)
            )
            waiting = sa.select(SPOOLED.c.key).where(
                SPOOLED.c.key.in_([f"{name}/source" for name in names[start : start + 500]])
            )
            with self.database.reading() as connection:
                known |= set(connection.scalars(some))
                known |= {key.partition("/")[0] for key in connection.scalars(waiting)}
        return [path for name, path in there.items() if name not in known and _older(path, time.time() - STRAY_S)]

    def _end(self, which: sa.ColumnElement[bool]) -> list[Upload]:
        over = sa.update(UPLOADS).where(which, UPLOADS.c.ended_at.is_(None)).values(ended_at=self._clock())
        with self.database.writing() as connection:
            ended = [upload_of(row) for row in connection.execute(over.returning(UPLOADS))]
            sources.lock(connection, *(one.id for one in ended))
            for one in ended:
                if (one.stored or one.info or one.kind == PRESIGNED) and sources.release(connection, one.id):
                    tombstones.write(connection, one.id)
            waiting = {one.id for one in ended if sources.is_waiting(connection, one.key)}
        for one in ended:
            if one.id not in waiting:
                self.path(one.id).unlink(missing_ok=True)
        return ended

    def _there(self, row: sa.Row[Any] | None) -> Upload:
        if row is None:
            raise NotFound("there is no such upload")
        upload = upload_of(row)
        if upload.ended_at is not None or upload.expires_at <= self._clock():
            raise Gone(_GONE)
        return upload


class Stored(Conflict):
    """The storage has the upload."""


def _whose(id: str, owner: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    return (UPLOADS.c.id == id,) if owner is None else (UPLOADS.c.id == id, UPLOADS.c.owner == owner)


def _lock(file: BufferedRandom, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Locked("another request is writing to this upload") from None
        time.sleep(POLL_S)


def _older(path: Path, than: float) -> bool:
    try:
        return path.stat().st_mtime < than
    except OSError:
        return False


_GONE: Final = "this upload expired or was deleted"
