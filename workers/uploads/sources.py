"""Files that several jobs use: the clip of an upload or of an older job, a take that music is laid under.

Nobody keeps a count. A stored file belongs to the name before its first slash, a job's or an upload's; other jobs use
it by naming it as their ``source_key``. It goes once its owner is gone and no job names it: asked of the rows each
time, so that no crash leaves a wrong number behind. Jobs that expired use nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa

from workers.database import Database
from workers.errors import Conflict
from workers.files import objects
from workers.files.keys import Stored
from workers.files.storage import Storage
from workers.records import JOBS, OBJECTS, State
from workers.uploads.tables import SPOOLED, UPLOADS

_LOCKS: Final = 7_306_095_202  # PostgreSQL's locks of sources are numbered from a hash beside this
_LIVING: Final = JOBS.c.state != State.EXPIRED


POSTER: Final = "poster.jpg"
"""The picture of a clip lies beside it, and stays as long."""
STORING: Final = "storing"
"""The stage of a job whose clip waits for the storage."""
UNTIL_STORED: Final = {"stage": STORING, "not_before": 1e11}
"""What stands in the row of such a job: nobody claims it in the next thousand years, unless it is let go."""


_WAITING: Final = sa.select(SPOOLED.c.key).where(SPOOLED.c.key == sa.bindparam("of_key"))


def lock(connection: sa.Connection, *owners: str | None) -> None:
    """Until the transaction ends, nobody begins or ceases to use what belongs to these jobs and uploads.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name != "postgresql":
        return
    for owner in sorted({owner for owner in owners if owner}):  # in one order, so that no two wait for each other
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(owner, _LOCKS))))


def require(connection: sa.Connection, key: str, owner: str) -> None:
    """Hold that a file may be used by one more job, in the transaction that makes that job.

    Raises:
        Conflict: whose it was is gone, and nobody uses it any more.
    """
    lock(connection, owner)
    if not is_there(connection, owner) and key not in used(connection, owner):
        raise Conflict("the clip is no longer stored; upload it again")


def take(connection: sa.Connection, row: dict[str, Any], clip: Stored | None, *, spooled: bool) -> None:
    """See to it that the clip of a new job is there, or that the job waits for it; write down what is new.

    Args:
        row: of the job, as it is about to be written; it may be changed.
        clip: what was stored or spooled for this job; ``None`` where the clip is another's.

    Raises:
        Conflict: the clip is another's, and gone.
    """
    key, belongs_to = str(row["source_key"]), row["source_id"]
    if belongs_to is not None and belongs_to != row["id"]:
        require(connection, key, belongs_to)
    if clip is not None and not spooled:
        objects.write(connection, {key: clip})
    elif clip is not None and not is_waiting(connection, key):
        wait(connection, key, clip)
    if is_waiting(connection, key):
        row.update(UNTIL_STORED)


def used(connection: sa.Connection, owner: str) -> set[str]:
    """Keys of files that belong to a job or an upload and that other jobs use, with the clip's picture."""
    named = sa.select(JOBS.c.source_key).where(JOBS.c.source_id == owner, JOBS.c.id != owner, _LIVING).distinct()
    found = set(connection.scalars(named))
    return found | {f"{owner}/{POSTER}"} if found else found


def owners_in_use(database: Database, owners: Iterable[str]) -> set[str]:
    """Those of the names of whose files other jobs use some, or that are uploads that have not ended."""
    names, found = list(owners), set[str]()
    for start in range(0, len(names), 500):
        some = names[start : start + 500]
        by_jobs = sa.select(JOBS.c.source_id).where(JOBS.c.source_id.in_(some), JOBS.c.id != JOBS.c.source_id, _LIVING)
        by_uploads = sa.select(UPLOADS.c.id).where(UPLOADS.c.id.in_(some), UPLOADS.c.ended_at.is_(None))
        with database.reading() as connection:
            found |= {str(name) for name in connection.scalars(by_jobs)} | set(connection.scalars(by_uploads))
    return found


def wait(connection: sa.Connection, key: str, clip: Stored) -> None:
    """Write down that a clip lies on this machine's own disk, because the storage is away."""
    row = {"key": key, "bytes": clip.bytes_, "sha256": clip.sha256, "created_at": time.time()}
    connection.execute(sa.insert(SPOOLED).values(row))


def is_waiting(connection: sa.Connection, key: str) -> bool:
    """Whether a clip still lies on a server's own disk, because the storage was away."""
    return connection.scalar(_WAITING, {"of_key": key}) is not None


def release(connection: sa.Connection, owner: str) -> bool:
    """Forget what is known of files that belong to a job or an upload and that nobody uses now; after a deletion.

    Returns:
        Whether files of it may have to be deleted.
    """
    if is_there(connection, owner):
        return False
    connection.execute(
        sa.delete(OBJECTS).where(OBJECTS.c.job_id == owner, OBJECTS.c.key.not_in(used(connection, owner)))
    )
    return True


def delete_unused(
    database: Database, storage: Storage, owner: str, below: str = "", *, though_there: bool = False
) -> int:
    """Delete the files of a job or an upload that is gone, but for those that others use; how many.

    Args:
        below: only those in this folder of its own, such as an attempt; then it need not be gone.
        though_there: nor need it be then, because it goes as soon as its files have made room.

    Raises:
        StorageError: the storage is away.
        DatabaseError: nothing is deleted.
    """
    with database.reading() as connection:
        if not below and not though_there and is_there(connection, owner):
            return 0
        kept = used(connection, owner)
    prefix = f"{owner}/{below}" if below else owner
    if not any(key.startswith(f"{prefix}/") for key in kept):
        return storage.delete(prefix)
    gone = [key for key in storage.keys(prefix) if key not in kept]
    return sum(storage.delete(key) for key in gone)


def is_there(connection: sa.Connection, owner: str) -> bool:
    """Whether a job or an upload is there, and has not expired."""
    job = sa.select(JOBS.c.id).where(JOBS.c.id == owner, _LIVING)
    upload = sa.select(UPLOADS.c.id).where(UPLOADS.c.id == owner, UPLOADS.c.ended_at.is_(None))
    return connection.scalar(job) is not None or connection.scalar(upload) is not None
