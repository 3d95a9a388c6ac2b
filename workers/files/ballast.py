"""A file of no use but its size: it is given up on a full disk, so that the database can write down what makes room.

SQLite needs room even to delete. Without it a full disk could be freed from outside only.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from workers.errors import DatabaseFull
from workers.files import disk

BALLAST_BYTES: Final = 8 * 1024**2  # thousands of rows

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Ballast:
    """The file of one data folder.

    Args:
        folder: on the disk of the database.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ballast"

    def restore(self) -> bool:
        """Make the file whole where there is room for it again; whether it is whole now."""
        try:
            if self.file.is_file() and self.file.stat().st_size >= BALLAST_BYTES:
                return True
            disk.require_room(self.file.parent, BALLAST_BYTES)
            with self.file.open("wb") as made:
                os.posix_fallocate(made.fileno(), 0, BALLAST_BYTES)
        except OSError as error:
            _log.warning("there is no room for the ballast: %s", error.strerror)
            return False
        return True

    def release(self) -> bool:
        """Give its room away; false where it was given away already."""
        try:
            self.file.unlink()
        except OSError:
            return False
        _log.warning("the disk is full; the ballast was given up so that deleting and canceling go on")
        return True

    def spent_on(self, change: Callable[[], T]) -> T:
        """Do what makes room, with the ballast's room where there is no other.

        Raises:
            DatabaseFull: there is no room although the ballast is gone.
        """
        try:
            return change()
        except DatabaseFull:
            if not self.release():
                raise
        return change()
