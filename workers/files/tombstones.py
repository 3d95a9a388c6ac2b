"""Deleted jobs and ended uploads whose files are still to be deleted.

A job's row goes at once, so that nobody sees it any more; in the same transaction a tombstone is written. It goes when
the files are gone: now, or once the storage is back, or after the next start. Files that other jobs use stay, and get a
tombstone of their own when the last of those goes.
"""

from __future__ import annotations

import logging
import time
from typing import Final

import sqlalchemy as sa

from workers.database import Database
from workers.errors import StorageError
from workers.files.storage import Storage
from workers.records import TOMBSTONES
from workers.uploads import sources

AT_ONCE: Final = 100  # deletions a turn

_log = logging.getLogger(__name__)


def write(connection: sa.Connection, job_id: str) -> None:
    """Note that the files of a job are to be deleted."""
    connection.execute(sa.delete(TOMBSTONES).where(TOMBSTONES.c.job_id == job_id))
    connection.execute(sa.insert(TOMBSTONES).values(job_id=job_id, deleted_at=time.time()))


def delete_files(database: Database, storage: Storage, job_id: str) -> int:
    """Delete the files of a deleted job that nobody else uses, and its tombstone after them; how many files.

    Raises:
        StorageError: the storage is away; the tombstone stays.
        DatabaseError: the tombstone stays, and its files are looked for once more.
    """
    written = sa.select(TOMBSTONES.c.deleted_at).where(TOMBSTONES.c.job_id == job_id)
    with database.reading() as connection:
        deleted_at = connection.scalar(written)
    if deleted_at is None:
        return 0
    deleted = sources.delete_unused(database, storage, job_id)
    # One that somebody wrote meanwhile, because the last to use a file has gone, is another one.
    same = (TOMBSTONES.c.job_id == job_id, TOMBSTONES.c.deleted_at == deleted_at)
    with database.writing() as connection:
        connection.execute(sa.delete(TOMBSTONES).where(*same))
    return deleted


def count(database: Database) -> int:
    """How many deleted jobs have files. Raises DatabaseError."""
    with database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(TOMBSTONES)) or 0


def delete_all_files(database: Database, storage: Storage) -> int:
    """Delete the files of the jobs that were deleted first; how many jobs. While the storage is away, none.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    oldest = sa.select(TOMBSTONES.c.job_id).order_by(TOMBSTONES.c.deleted_at).limit(AT_ONCE)
    with database.reading() as connection:
        waiting = list(connection.scalars(oldest))
    for done, job_id in enumerate(waiting):
        try:
            delete_files(database, storage, job_id)
        except StorageError as error:
            _log.warning("%d deleted jobs have files still: %s", len(waiting) - done, error)
            return done
    return len(waiting)
