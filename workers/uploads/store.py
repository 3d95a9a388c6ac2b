"""Uploads that arrive piece by piece: a row each, and a file each in a folder of this machine.

The row is the truth. A piece counts once its bytes are on the disk and the row says so: what a killed process left
behind that is cut off before the next piece. One writer at a time holds the file's lock, which ends with its process.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import sqlalchemy as sa

from workers.database import Database
from workers.errors import ChecksumMismatch, Conflict, Gone, Locked, NotFound, StorageError, TooMany
from workers.files import disk
from workers.files.keys import CHUNK_BYTES
from workers.records import new_id
from workers.scheduling_clock import Clock
from workers.uploads.tables import UPLOADS

TUS: Final = "tus"
PRESIGNED: Final = "presigned"
PARTIAL: Final = "partial"
"""A piece of a concatenation; no job is made of it."""

MAX_OPEN: Final = 200  # unfinished, an owner
MAX_PAGE: Final = 100
TOLD_S: Final = 24 * 3600.0  # so long after its end an upload is said to be gone, and not unknown
STRAY_S: Final = 3600.0  # a file without a row may be that young: it is made first


class Digest(Protocol):
    """What :mod:`hashlib` makes."""

    def update(self, data: bytes, /) -> object:
        """Take more bytes in."""
        ...

    def digest(self) -> bytes:
        """Of all bytes so far."""
        ...


@dataclass(frozen=True)
class Checksum:
    """What a piece has to be: an algorithm of :mod:`hashlib` and its digest."""

    algorithm: str
    digest: bytes


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
        self, owner: str, length: int, metadata: Mapping[str, str], kind: str = TUS, *, sha256: str | None = None
    ) -> Upload:
        """Begin an upload; its file is there when this returns.

        Raises:
            TooMany: the owner has :data:`MAX_OPEN` that are not finished.
            OSError: the disk has no room for this one beside those that are under way.
        """
        now = self._clock()
        open_ones = (UPLOADS.c.ended_at.is_(None), UPLOADS.c.received < UPLOADS.c.bytes, UPLOADS.c.expires_at > now)
        missing = sa.select(sa.func.coalesce(sa.func.sum(UPLOADS.c.bytes - UPLOADS.c.received), 0)).where(*open_ones)
        count = sa.select(sa.func.count()).select_from(UPLOADS).where(*open_ones, UPLOADS.c.owner == owner)
        with self.database.reading() as connection:
            if (connection.scalar(count) or 0) >= MAX_OPEN:
                raise TooMany(f"{MAX_OPEN} uploads of yours are not finished; finish or delete some of them")
            under_way = int(connection.scalar(missing) or 0)
        id = new_id(now)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk.require_room(self.folder, length + under_way)
        self.path(id).open("xb").close()
        row = {
            "id": id,
            "owner": owner,
            "kind": kind,
            "bytes": length,
            "received": 0,
            "metadata": dict(metadata),
            "sha256": sha256,
            "stored": False,
            "created_at": now,
            "expires_at": now + self.kept_s,
        }
        try:
            with self.database.writing() as connection:
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
    def hold(self, id: str, owner: str | None) -> Iterator[Held]:
        """The only writer of an upload, until the block ends.

        Raises:
            Locked: another one is writing.
            Gone: its bytes are not on this machine's disk.
            NotFound, Gone: as :meth:`get`.
        """
        self.get(id, owner)  # what is somebody else's is not even known to be locked
        try:
            file = self.path(id).open("r+b")
        except FileNotFoundError:
            upload = self.get(id, owner)
            if upload.stored:
                raise Conflict("the upload is finished and stored") from None
            raise Gone("the bytes of this upload are not here any more; begin again") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Locked("another request is writing to this upload") from None
            yield Held(self, self.get(id, owner), file)  # what the row says now that nobody else changes it

    def path(self, id: str) -> Path:
        """Where the bytes of an upload lie until the storage has them."""
        return self.folder / id

    def change(self, id: str, **values: Any) -> Upload:
        """Write down something new of an upload that is there.

        Raises:
            NotFound, Gone: as :meth:`get`.
        """
        changed = sa.update(UPLOADS).where(UPLOADS.c.id == id, UPLOADS.c.ended_at.is_(None))
        with self.database.writing() as connection:
            row = connection.execute(changed.values(**values).returning(UPLOADS)).one_or_none()
        return self.get(id, None) if row is None else upload_of(row)

    def later(self) -> float:
        """When an upload expires to which something happens now."""
        return self._clock() + self.kept_s

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
            Those that ended now; what the storage has of them is the caller's to delete.
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
            with self.database.reading() as connection:
                known |= set(connection.scalars(some))
        return [path for name, path in there.items() if name not in known and _older(path, time.time() - STRAY_S)]

    def _end(self, which: sa.ColumnElement[bool]) -> list[Upload]:
        over = sa.update(UPLOADS).where(which, UPLOADS.c.ended_at.is_(None)).values(ended_at=self._clock())
        with self.database.writing() as connection:
            ended = [upload_of(row) for row in connection.execute(over.returning(UPLOADS))]
        for one in ended:
            self.path(one.id).unlink(missing_ok=True)
        return ended

    def _there(self, row: sa.Row[Any] | None) -> Upload:
        if row is None:
            raise NotFound("there is no such upload")
        upload = upload_of(row)
        if upload.ended_at is not None or upload.expires_at <= self._clock():
            raise Gone(_GONE)
        return upload


class Held:
    """One upload and its open, locked file.

    Attributes:
        upload: as its row is now.
    """

    def __init__(self, uploads: Uploads, upload: Upload, file: BufferedRandom) -> None:
        self._uploads, self.upload, self._file = uploads, upload, file

    def append(self, stream: BinaryIO | Any, offset: int, checksum: Checksum | None = None) -> bool:
        """Write the next piece: to the end of the stream, which may break off.

        Returns:
            Whether the stream came to its end; else what had come by then counts, or nothing with a checksum.

        Raises:
            Conflict: the piece does not begin where the upload ends.
            ChecksumMismatch: it is not what it has to be; nothing of it counts.
            OSError: the disk is full; what was written before counts, or nothing with a checksum.
            StorageError: the disk fails otherwise.
        """
        upload = self.upload
        if offset != upload.received:
            raise Conflict(f"the upload is at {upload.received}, and the piece begins at {offset}")
        try:
            self._file.truncate(upload.received)  # what a killed process wrote after its last count
            self._file.seek(upload.received)
        except OSError as error:
            raise _failing(error) from error
        digest = None if checksum is None else hashlib.new(checksum.algorithm, usedforsecurity=False)
        whole, trouble = True, None
        try:
            whole = self._copy(stream, upload.bytes_ - upload.received, digest)
        except OSError as error:
            trouble = error
        if checksum is None or (digest is not None and whole and digest.digest() == checksum.digest):
            if trouble is None or checksum is None:
                self._count()
        elif trouble is None and whole:
            raise ChecksumMismatch(f"the piece's {checksum.algorithm} is not the one that was announced")
        if trouble is not None:
            raise trouble if disk.is_full(trouble) else _failing(trouble) from trouble
        return whole

    def replace(self, stream: BinaryIO | Any) -> None:
        """Write the whole, which counts only as such.

        Raises:
            Conflict: it is there already, or the stream has another length.
            OSError, StorageError: as :meth:`append`.
        """
        if self.upload.ready:
            raise Conflict("the upload is finished")
        try:
            self._file.truncate(0)
            self._file.seek(0)
            whole = self._copy(stream, self.upload.bytes_, None)
        except OSError as error:
            raise error if disk.is_full(error) else _failing(error) from error
        if not whole or self._file.tell() != self.upload.bytes_:
            raise Conflict(f"{self._file.tell()} bytes came; announced were {self.upload.bytes_}")
        self._count()

    def sha256(self) -> str:
        """Of all that is here, in hex; written down at its first computing."""
        if self.upload.sha256 is None:
            self._file.seek(0)
            digest = hashlib.file_digest(self._file, "sha256").hexdigest()
            self.upload = self._uploads.change(self.upload.id, sha256=digest)
        return str(self.upload.sha256)

    def _copy(self, stream: BinaryIO | Any, most: int, digest: Digest | None) -> bool:
        """Copy at most so many bytes; whether the stream ended by itself."""
        left = most
        while left > 0:
            try:
                piece = stream.read(min(CHUNK_BYTES, left))
            except (ConnectionError, EOFError, BrokenStream):
                return False
            if not piece:
                break
            disk.require_room(self._uploads.folder, len(piece))
            self._file.write(piece)
            if digest is not None:
                digest.update(piece)
            left -= len(piece)
        return True

    def _count(self) -> None:
        """What is in the file counts from now on."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise error if disk.is_full(error) else _failing(error) from error
        values = {"received": self._file.tell(), "expires_at": self._uploads.later()}
        self.upload = self._uploads.change(self.upload.id, **values)


class BrokenStream(Exception):
    """A stream whose sender went away; raised by who reads from the wire."""


def upload_of(row: sa.Row[Any]) -> Upload:
    """A row of :data:`workers.uploads.tables.UPLOADS` as an :class:`Upload`."""
    values = dict(row._mapping)
    values["bytes_"] = values.pop("bytes")
    return Upload(**values)


def _whose(id: str, owner: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    return (UPLOADS.c.id == id,) if owner is None else (UPLOADS.c.id == id, UPLOADS.c.owner == owner)


def _older(path: Path, than: float) -> bool:
    try:
        return path.stat().st_mtime < than
    except OSError:
        return False


def _failing(error: OSError) -> StorageError:
    return StorageError(f"the folder of uploads cannot be used: {error.strerror or 'it fails'}")


_GONE: Final = "this upload expired or was deleted"
