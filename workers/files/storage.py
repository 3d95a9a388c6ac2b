"""Where files lie: a folder of this machine, or a bucket (:mod:`workers.files.s3`). One protocol, one contract test for
both.

Keys are ours, ``<job>/source`` or ``<job>/<attempt>/take0.mp4``; a client's file name never becomes one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from workers.errors import ObjectNotFound, StorageError
from workers.files import disk
from workers.files.keys import CHUNK_BYTES, Address, checked_key
from workers.files.keys import Stored as Stored
from workers.telemetry.counters import UNWRITTEN
from workers.telemetry.families import STORAGE_ERRORS

if TYPE_CHECKING:
    from workers.settings import Settings

_ARRIVING: Final = ".arriving"  # no key begins with a dot


class Storage(Protocol):
    """Bytes under keys. Every method raises :class:`StorageError` when the storage cannot do its part."""

    def put(self, key: str, source: Path | BinaryIO, content_type: str, *, known: Stored | None = None) -> Stored:
        """Store a file or the rest of a stream under a key, whole or not at all, replacing.

        Args:
            known: what a file is, where that is known and nobody writes to it any more: it may then be taken as it is,
                by another name for the same bytes.
        """
        ...

    def fetch(self, key: str, target: Path) -> None:
        """Write what is stored to a local file. Raises ObjectNotFound."""
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Bytes ``start`` to ``end`` (exclusive; ``None``: the last) in pieces. Raises ObjectNotFound at once."""
        ...

    def size(self, key: str) -> int:
        """Number of bytes stored under a key. Raises ObjectNotFound."""
        ...

    def delete(self, prefix: str) -> int:
        """Delete the key and everything below it as a folder; how many there were. Nothing there is no error."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The key itself and all below it as a folder, in no set order; all keys for an empty prefix."""
        ...

    def remove_unfinished(self, older_than_s: float) -> int:
        """Remove what uploads left that broke off so long ago, as when a process was killed; how many."""
        ...

    def url(self, key: str, *, expires_s: int, filename: str | None, content_type: str | None) -> str | None:
        """An address from which a browser may fetch for ``expires_s`` seconds; ``None``: serve it yourself."""
        ...

    def upload_address(self, key: str, bytes_: int, *, method: str, expires_s: int) -> Address | None:
        """An address that takes a file of just that length for ``expires_s`` seconds; ``None``: take it yourself.

        Args:
            method: ``POST``, or ``PUT`` for servers that know no POST policies.
        """
        ...

    def check(self) -> None:
        """Raise StorageError unless files can be stored and fetched now."""
        ...


def open_storage(url: str, *, access_key: str = "", secret_key: str = "") -> Storage:
    """The storage that a URL names.

    ``file:///folder``, or ``s3://bucket?endpoint=http://host:port&region=name&public=https://host``. Without
    ``endpoint`` it is Amazon's; ``public`` is the address under which browsers reach an endpoint of one's own, and
    without it they are served through the web process. Empty keys leave boto3 to find credentials by itself.

    Raises:
        StorageError: no such kind of storage, or a URL that lacks its folder or bucket.
    """
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "file" and parts.path:
        return LocalStorage(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from workers.files.s3 import S3Storage  # boto3 takes a third of a second, which a local folder need not pay

        return S3Storage(parts.netloc, access_key=access_key, secret_key=secret_key, **_s3_options(query))
    raise StorageError(f"storage is {parts.scheme or 'empty'}://...; allowed are file:///folder and s3://bucket")


def storage_of(settings: Settings) -> Storage:
    """The storage that the settings name. Raises StorageError as :func:`open_storage` does."""
    return open_storage(settings.storage_url, access_key=settings.s3_access_key, secret_key=settings.s3_secret_key)


def _s3_options(query: dict[str, str]) -> dict[str, str]:
    if unknown := sorted(set(query) - {"endpoint", "region", "public"}):
        raise StorageError(f"the storage's URL has {unknown[0]!r}; allowed are endpoint, region and public")
    return query


class LocalStorage:
    """Files in a folder. A key's file appears by renaming, once its bytes are on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def put(self, key: str, source: Path | BinaryIO, content_type: str, *, known: Stored | None = None) -> Stored:
        """See :class:`Storage`; the content type is not kept. The last bytes of the disk are not taken."""
        target = self.root / checked_key(key)
        part = self.root / _ARRIVING / secrets.token_hex(8)
        with _local_errors("stored"):
            part.parent.mkdir(parents=True, exist_ok=True)
            try:
                if known is not None and isinstance(source, Path) and _linked(source, part):
                    _move(part, target)
                    return known
                with part.open("xb") as arriving:
                    if isinstance(source, Path):
                        disk.require_room(part.parent, source.stat().st_size)
                        with source.open("rb") as opened:
                            stored = _copy(opened, arriving, part.parent)
                    else:
                        stored = _copy(source, arriving, part.parent)
                    arriving.flush()
                    os.fsync(arriving.fileno())
                _move(part, target)
            finally:
                part.unlink(missing_ok=True)
        return stored

    def fetch(self, key: str, target: Path) -> None:
        """See :class:`Storage`."""
        with _local_errors("fetched"):
            shutil.copyfile(self._existing(key), target)

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See :class:`Storage`."""
        return self._pieces(self._existing(key), start, end)

    def size(self, key: str) -> int:
        """See :class:`Storage`."""
        with _local_errors("found"):
            return self._existing(key).stat().st_size

    def delete(self, prefix: str) -> int:
        """See :class:`Storage`."""
        found = list(self.keys(checked_key(prefix.rstrip("/"))))
        with _local_errors("deleted"):
            for key in found:
                (self.root / key).unlink(missing_ok=True)
            folder = self.root / prefix.rstrip("/")
            if folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
        return len(found)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See :class:`Storage`."""
        start = self.root / (checked_key(prefix.rstrip("/")) if prefix.strip("/") else "")
        if start.is_file():
            yield prefix.rstrip("/")
            return
        with _local_errors("listed"):
            for folder, folders, files in os.walk(start):
                folders[:] = sorted(name for name in folders if name != _ARRIVING)
                yield from sorted((Path(folder) / name).relative_to(self.root).as_posix() for name in files)

    def remove_unfinished(self, older_than_s: float) -> int:
        """See :class:`Storage`."""
        return disk.remove_abandoned(self.root / _ARRIVING, older_than_s)

    def url(self, key: str, *, expires_s: int, filename: str | None, content_type: str | None) -> str | None:
        """``None``: only the web process sees the folder."""
        return None

    def upload_address(self, key: str, bytes_: int, *, method: str, expires_s: int) -> Address | None:
        """``None``: only the web process sees the folder."""
        return None

    def check(self) -> None:
        """See :class:`Storage`."""
        probe = f"check-{secrets.token_hex(8)}"
        folder = self.root / _ARRIVING
        with _local_errors("stored"):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                (folder / probe).write_bytes(b"\0")
            finally:
                (folder / probe).unlink(missing_ok=True)  # on a full disk its name is there, and its byte is not

    def _existing(self, key: str) -> Path:
        path = self.root / checked_key(key)
        if not path.is_file():
            raise ObjectNotFound(f"nothing is stored as {key}")
        return path

    @staticmethod
    def _pieces(path: Path, start: int, end: int | None) -> Iterator[bytes]:
        with _local_errors("read"), path.open("rb") as opened:
            opened.seek(start)
            left = (end if end is not None else path.stat().st_size) - start
            while left > 0 and (piece := opened.read(min(CHUNK_BYTES, left))):
                left -= len(piece)
                yield piece


def _copy(source: BinaryIO, target: BinaryIO, folder: Path) -> Stored:
    """Copy the rest of a stream as far as the disk of ``folder`` has room for it."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(CHUNK_BYTES):
        disk.require_room(folder, len(piece))
        target.write(piece)
        digest.update(piece)
        size += len(piece)
    return Stored(size, digest.hexdigest())


def _linked(source: Path, part: Path) -> bool:
    """Give a file another name, its bytes on the disk; false where it lies on another disk, or this one knows no links.

    It is no more room that is taken, so none is required.
    """
    try:
        os.link(source, part)
    except OSError:
        return False
    opened = os.open(part, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
    return True


def _move(part: Path, target: Path) -> None:
    """Rename, and make the name as durable as the bytes. A folder that a deletion takes meanwhile is made again."""
    for last in (False, True):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.replace(target)
            break
        except FileNotFoundError:
            if last:
                raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _local_errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        UNWRITTEN.add(STORAGE_ERRORS.one(errno.errorcode.get(error.errno or 0, "unknown")))
        raise StorageError(f"a file cannot be {what}: {error.strerror or 'the storage folder fails'}") from error
