"""Clips on their way into the storage, which may be away: then they wait on this machine's disk, and their jobs too.

A clip that waits is a file in the folder of uploads, on the disk before anybody is answered, and a row. Whichever
process runs :class:`Deposits` over that folder stores it later, also after a restart.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from workers.errors import StorageAway
from workers.faults import Part
from workers.files import objects
from workers.files.storage import Storage, Stored
from workers.jobs import Jobs
from workers.records import JOBS, State
from workers.uploads import sources
from workers.uploads.tables import SPOOLED, UPLOADS

TURN_S: Final = 1.0
AWAY_S: Final = 5.0
"""So long after it did not answer nobody is made to wait for the storage again."""
SOURCE_TYPE: Final = "application/octet-stream"  # whatever the client says it is, nobody is to run it

_log = logging.getLogger(__name__)


class Deposits(Part):
    """Stores what waits.

    Args:
        folder: of uploads, where clips wait under the names of their owners.
        notify: wakes a worker for a mode.

    Attributes:
        faults: what its turns met; while the storage is away, that.
    """

    def __init__(self, jobs: Jobs, storage: Storage, folder: Path, notify: Callable[[str], object]) -> None:
        super().__init__("deposits", TURN_S)
        self._jobs, self._storage, self._folder, self._notify = jobs, storage, folder, notify
        self._try_again_at = 0.0  # monotonic

    def put(self, key: str, path: Path, sha256: str, *, settled: bool = False) -> tuple[Stored, bool]:
        """Put a clip into the storage; where that is away, under its owner's name into the folder of uploads.

        Args:
            path: the clip, on the disk of that folder, or in it already; then it stays until it is stored.
            settled: whether nobody writes to it any more, so that the storage may take it as it is, without a copy.

        Returns:
            What it is, and whether it waits: then :meth:`workers.jobs.Jobs.create` is to be told so.

        Raises:
            StorageError: the storage is there and refuses it, or the folder fails.
            OSError: the disk is full.
        """
        if time.monotonic() >= self._try_again_at:
            try:
                known = Stored(path.stat().st_size, sha256) if settled else None
                return self._storage.put(key, path, SOURCE_TYPE, known=known), False
            except StorageAway as error:
                self._try_again_at = time.monotonic() + AWAY_S
                _log.warning("%s waits on this disk: %s", key, error)
        waiting = self._folder / key.partition("/")[0]
        stored = Stored(path.stat().st_size, sha256)
        if path != waiting:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.rename(waiting)
        for durable in (waiting, self._folder):
            opened = os.open(durable, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
        return stored, True

    def forget(self, owner: str) -> None:
        """Take back a clip that was put and of which no job was made."""
        (self._folder / owner).unlink(missing_ok=True)

    def is_waiting(self, key: str) -> bool:
        """Whether a clip waits. Raises DatabaseError."""
        with self._jobs.database.reading() as connection:
            return sources.is_waiting(connection, key)

    def waiting(self) -> int:
        """How many clips wait. Raises DatabaseError."""
        with self._jobs.database.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(SPOOLED)) or 0

    def turn(self) -> int:
        """Store the clips that wait here, the oldest first; how many were.

        Raises:
            WorkError: the database or the storage is away still.
        """
        oldest = sa.select(SPOOLED.c.key).order_by(SPOOLED.c.created_at)
        with self._jobs.database.reading() as connection:
            keys = list(connection.scalars(oldest))
        return sum(self._store(key) for key in keys)

    def _store(self, key: str) -> bool:
        owner = key.partition("/")[0]
        try:
            file = (self._folder / owner).open("rb")
        except FileNotFoundError:
            return False  # it waits on another server's disk
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if not self._is_wanted(key, owner):
                (self._folder / owner).unlink(missing_ok=True)
                return False
            stored = self._storage.put(key, self._folder / owner, SOURCE_TYPE)
            self._try_again_at = 0.0
            modes = self._is_stored(key, owner, stored)
            (self._folder / owner).unlink(missing_ok=True)
        for mode in modes:
            self._notify(mode)
        return True

    def _is_wanted(self, key: str, owner: str) -> bool:
        """Whether anybody uses a clip that waits; else it is forgotten."""
        with self._jobs.database.writing() as connection:
            sources.lock(connection, owner)
            if sources.is_there(connection, owner) or key in sources.used(connection, owner):
                return sources.is_waiting(connection, key)
            connection.execute(sa.delete(SPOOLED).where(SPOOLED.c.key == key))
        return False

    def _is_stored(self, key: str, owner: str, stored: Stored) -> list[str]:
        """Let the jobs that waited for a clip be claimed; their modes."""
        waited = (JOBS.c.source_key == key, JOBS.c.state == State.QUEUED, JOBS.c.stage == sources.STORING)
        with self._jobs.database.writing() as connection:
            sources.lock(connection, owner)
            connection.execute(sa.delete(SPOOLED).where(SPOOLED.c.key == key))
            connection.execute(sa.update(UPLOADS).where(UPLOADS.c.id == owner).values(stored=True))
            objects.write(connection, {key: stored})
            let_go = sa.update(JOBS).where(*waited).values(stage=None, not_before=self._jobs.now())
            return [str(mode) for mode in connection.scalars(let_go.returning(JOBS.c.mode))]
