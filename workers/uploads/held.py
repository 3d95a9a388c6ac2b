"""The one writer of an upload: pieces that count once they are on the disk and right, or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from workers.errors import ChecksumMismatch, Conflict, StorageError
from workers.files import disk
from workers.files.keys import CHUNK_BYTES
from workers.uploads.records import Upload

Change = Callable[..., Upload]
"""Takes an upload's id and columns of its row by name; gives it as it is then."""


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


class BrokenStream(Exception):
    """A stream whose sender went away; raised by who reads from the wire."""


class Held:
    """One upload and its open, locked file.

    Args:
        folder: of uploads.
        change: writes down how much of it is here, or something else that is new.

    Attributes:
        upload: as its row is now.
    """

    def __init__(self, upload: Upload, file: BufferedRandom, folder: Path, change: Change) -> None:
        self.upload, self._file, self._folder, self._change = upload, file, folder, change

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
        """Of all that is here, in hex; written down at its first computing.

        Raises:
            ChecksumMismatch: the client announced another one; the upload begins anew.
        """
        if self.upload.sha256 is None:
            self._file.seek(0)
            digest = hashlib.file_digest(self._file, "sha256").hexdigest()
            announced = self.upload.metadata.get("sha256", digest).lower()
            if digest != announced:
                self.upload = self._change(self.upload.id, received=0)
                raise ChecksumMismatch(
                    f"the upload's SHA-256 is {digest}; announced was {announced[:64]}; send it anew"
                )
            self.upload = self._change(self.upload.id, sha256=digest)
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
            disk.require_room(self._folder, len(piece))
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
        self.upload = self._change(self.upload.id, received=self._file.tell())


def _failing(error: OSError) -> StorageError:
    return StorageError(f"the folder of uploads cannot be used: {error.strerror or 'it fails'}")
