"""The retrieval index's side of the database: what finished jobs look and sound like, kept and read again.

Vectors are kept as float16 (10 KB for a job with twenty takes in two spaces): against float32 a cosine changes by less
than 0.001. Every change of the table gets a *serial* greater than all before, so that whoever holds the table in memory
reads only what is new; see :mod:`workers.search.vector_cache`.
Importable without torch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from synth.description.description import SPACES, Side, Vector
from workers.database import Database
from workers.leases import Leases
from workers.records import JOBS, VECTORS

PICTURE_TAKE: Final = -1
"""The take under which the picture stands that all takes of a job share."""

STORED: Final = np.dtype("<f2")
_WRITERS_LOCK: Final = 7_306_095_202  # any number that nobody else locks


def keep(
    jobs: Leases | Database,
    job_id: str,
    attempt: int,
    vectors_of_picture: Sequence[Vector],
    vectors_of_takes: Mapping[int, Sequence[Vector]],
) -> bool:
    """Keep what an attempt's picture and takes look and sound like, in place of all that was kept of the job before.

    May be called again with the same. It is no error where the job was deleted or taken over meanwhile.

    Args:
        vectors_of_takes: number of the take -> of its sound.

    Returns:
        Whether they were kept; false where the job is gone or is at another attempt by now.

    Raises:
        ValueError: a vector belongs to no space, has another dimension or is not of length one.
        DatabaseError: the database cannot be reached.
    """
    rows = [_row(PICTURE_TAKE, vector) for vector in vectors_of_picture]
    rows += [_row(take, vector) for take, vectors in vectors_of_takes.items() for vector in vectors]
    database = jobs if isinstance(jobs, Database) else jobs.database
    with database.writing() as connection:
        serial = next_serial(connection, database.is_postgresql)
        if connection.scalar(sa.select(JOBS.c.attempt).where(JOBS.c.id == job_id)) != attempt:
            return False
        connection.execute(sa.delete(VECTORS).where(VECTORS.c.job_id == job_id))
        if rows:
            payload = {"job_id": job_id, "attempt": attempt, "serial": serial}
            connection.execute(sa.insert(VECTORS), [{**payload, **row} for row in rows])
    return True


def keep_take(connection: sa.Connection, serial: int, job_id: str, take: int, found: Sequence[Vector]) -> bool:
    """Keep what one more take sounds like beside the others of its job, or nothing of it where ``found`` is empty.

    It belongs into the transaction that writes the take into its job or takes it out, with the job's row locked: so no
    vectors stay of a take that is gone.

    Args:
        serial: of :func:`next_serial`, asked for at the beginning of that transaction.

    Returns:
        Whether they were kept; false where nothing is kept of the job.

    Raises:
        ValueError: as :func:`keep`.
    """
    rows = [_row(take, vector) for vector in found]
    its = VECTORS.c.job_id == job_id
    attempt = connection.scalar(sa.select(VECTORS.c.attempt).where(its).limit(1))
    if attempt is None:
        return False
    connection.execute(sa.delete(VECTORS).where(its, VECTORS.c.take == take))
    # Who holds the table in memory reads all of a job anew, in place of what it knew of it.
    connection.execute(sa.update(VECTORS).where(its).values(serial=serial))
    if rows:
        payload = {"job_id": job_id, "attempt": attempt, "serial": serial}
        connection.execute(sa.insert(VECTORS), [{**payload, **row} for row in rows])
    return True


def of_job(jobs: Leases | Database, job_id: str) -> dict[int, tuple[Vector, ...]]:
    """Take -> its vectors; :data:`PICTURE_TAKE` for those of the picture. Empty where none are kept.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    database = jobs if isinstance(jobs, Database) else jobs.database
    found: dict[int, tuple[Vector, ...]] = {}
    wanted = sa.select(VECTORS).where(VECTORS.c.job_id == job_id).order_by(VECTORS.c.take, VECTORS.c.space)
    with database.reading() as connection:
        for row in connection.execute(wanted):
            vector = Vector(row.space, Side(row.side), unpacked(row.vector))
            found[row.take] = (*found.get(row.take, ()), vector)
    return found


def packed(values: NDArray[np.float32]) -> bytes:
    """A vector [D] as the database keeps it: float16, little endian."""
    return values.astype(STORED).tobytes()


def unpacked(data: bytes) -> NDArray[np.float32]:
    """The vector [D] again, of length one."""
    values = np.frombuffer(data, STORED).astype(np.float32)
    return values / max(float(np.linalg.norm(values)), 1e-12)


def _row(take: int, vector: Vector) -> dict[str, Any]:
    size = SPACES.get(vector.space)
    if vector.values.shape != (size,):
        raise ValueError(f"a vector of space {vector.space!r} is {vector.values.shape}; allowed are {dict(SPACES)}")
    length = float(np.linalg.norm(vector.values))
    if not abs(length - 1.0) < 1e-2:  # also true of what is no number
        raise ValueError(f"a vector of space {vector.space!r} is {length:g} long; its length must be one")
    return {"take": take, "space": vector.space, "side": str(vector.side), "vector": packed(vector.values)}


def next_serial(connection: sa.Connection, is_postgresql: bool) -> int:
    """A number greater than all before, and not yet seen by anybody when the transaction ends.

    Ask for it before anything else of the transaction: of two that lock it and a job's row in different orders each
    would wait for the other. It follows the clock, so that numbers of rows that were deleted do not come again.
    """
    if is_postgresql:  # SQLite has one writer at a time anyway
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS_LOCK)))
    newest = connection.scalar(sa.select(sa.func.max(VECTORS.c.serial))) or 0
    return max(int(newest) + 1, time.time_ns() // 1000)
