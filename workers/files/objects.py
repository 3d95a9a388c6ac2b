"""What was put into the storage, as it was then: length and SHA-256 of each object, by its key.

Written beside the row of the job that an object belongs to; read when the object is sent or verified.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from workers.database import Database
from workers.files.storage import Stored
from workers.records import JOBS, OBJECTS, State
from workers.uploads.tables import UPLOADS

_FORGET: Final = sa.delete(OBJECTS).where(OBJECTS.c.key == sa.bindparam("of_key"))
_KEEP: Final = sa.insert(OBJECTS)


def write(connection: sa.Connection, stored: Mapping[str, Stored]) -> None:
    """Write down what was put under each key, instead of what was known of it."""
    if not stored:
        return
    now = time.time()
    rows = [
        {"key": key, "job_id": key.partition("/")[0], "bytes": one.bytes_, "sha256": one.sha256, "stored_at": now}
        for key, one in stored.items()
    ]
    connection.execute(_FORGET, [{"of_key": key} for key in stored])
    connection.execute(_KEEP, rows)


def record(database: Database, stored: Mapping[str, Stored], *, synced: bool = True) -> None:
    """The same in a transaction of its own.

    Args:
        synced: false where the next transaction, of the row that names them, takes this one along to the disk.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    if stored:
        with database.writing(synced=synced) as connection:
            write(connection, stored)


def find(database: Database, key: str) -> Stored | None:
    """What was put under a key; ``None`` where an older release put it. Raises DatabaseError."""
    with database.reading() as connection:
        row = connection.execute(sa.select(OBJECTS.c.bytes, OBJECTS.c.sha256).where(OBJECTS.c.key == key)).one_or_none()
    return None if row is None else Stored(row.bytes, row.sha256)


def of_job(database: Database, job_id: str) -> dict[str, Stored]:
    """What was put under the keys of a job. Raises DatabaseError."""
    wanted = sa.select(OBJECTS.c.key, OBJECTS.c.bytes, OBJECTS.c.sha256).where(OBJECTS.c.job_id == job_id)
    with database.reading() as connection:
        return {row.key: Stored(row.bytes, row.sha256) for row in connection.execute(wanted)}


def forget(database: Database, keys: list[str]) -> None:
    """Forget objects that are deleted. Raises DatabaseError."""
    with database.writing() as connection:
        forget_in(connection, keys)


def forget_in(connection: sa.Connection, keys: list[str]) -> None:
    """The same in a transaction of the caller's."""
    for start in range(0, len(keys), 500):
        connection.execute(sa.delete(OBJECTS).where(OBJECTS.c.key.in_(keys[start : start + 500])))


def forget_unowned(database: Database, older_than: float) -> None:
    """Forget objects of jobs and uploads that are gone, and that no job uses, written down before that time.

    Raises DatabaseError.
    """
    living = JOBS.c.state != State.EXPIRED
    own = sa.select(JOBS.c.id).where(JOBS.c.id == OBJECTS.c.job_id, living).exists()
    others = sa.select(JOBS.c.id).where(JOBS.c.source_id == OBJECTS.c.job_id, living).exists()
    upload = sa.select(UPLOADS.c.id).where(UPLOADS.c.id == OBJECTS.c.job_id, UPLOADS.c.ended_at.is_(None)).exists()
    with database.writing() as connection:
        connection.execute(sa.delete(OBJECTS).where(OBJECTS.c.stored_at < older_than, ~own, ~others, ~upload))
