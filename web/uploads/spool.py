"""Where uploads wait while they are looked at: one folder a request, gone when the request is over."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from web.api.problems import RETRY_AFTER_S, Problem
from workers.errors import StorageError
from workers.files import disk


class Spool:
    """A folder for bytes that nobody has accepted yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def request(self) -> Iterator[Path]:
        """A folder of its own for one request; whatever is left in it when the block ends is removed.

        Raises:
            StorageError: no folder can be made.
        """
        mine = self.folder / secrets.token_hex(12)
        try:
            mine.mkdir(parents=True)  # with its parent, should somebody have taken that away
        except OSError as error:
            raise StorageError(f"the folder of uploads cannot be used: {error.strerror}") from error
        try:
            yield mine
        finally:
            shutil.rmtree(mine, ignore_errors=True)

    def make_room(self, wanted_bytes: int) -> None:
        """Refuse before reading what would not fit.

        Raises:
            Problem: ``disk-full``.
            StorageError: the folder cannot be looked at.
        """
        try:
            disk.require_room(self.folder, wanted_bytes)
        except OSError as error:
            if not disk.is_full(error):
                raise StorageError(f"the folder of uploads cannot be used: {error.strerror}") from error
            later = {"Retry-After": f"{RETRY_AFTER_S}"}
            raise Problem("disk-full", "the server's disk has no room for this upload", later) from error

    def check(self) -> None:
        """Raise StorageError unless uploads can arrive now."""
        try:
            with self.request() as folder:
                (folder / "check").write_bytes(b"\0")
        except OSError as error:
            raise StorageError(f"the folder of uploads cannot be used: {error.strerror}") from error
