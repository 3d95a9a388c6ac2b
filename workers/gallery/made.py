"""What a finished job's takes are, as rows by which lists are filtered: what was made, not what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from workers.database import Database
from workers.gallery.tables import MADE
from workers.records import JOBS, QUESTIONS, VECTORS, WORDS, State

LONGEST: Final = 64
AUDIBLE: Final = 0.05
"""A material counts where at least that share of a take's hits is of it."""


class Kind(StrEnum):
    """What of a take a row tells."""

    VOICE = "voice"
    SOUND = "sound"
    MATERIAL = "material"
    TEXTURE = "texture"
    """Of the take that fits best, the number of its kind of texture."""


def rows_of(result: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Kind and value of all that the takes are, of a result as the worker left it."""
    found: set[tuple[str, str]] = set()
    best: Mapping[str, Any] | None = None
    for output in result.get("outputs", ()):
        found.add((Kind.VOICE, str(output.get("mode", ""))))
        found |= {(Kind.VOICE, str(one["mode"])) for one in output.get("ranges") or ()}
        sounds = [str(layer["sound"]) for layer in output.get("layers") or () if layer.get("sound")]
        if choice := output.get("sound_class"):
            sounds.append(str(choice["name"]))
        found |= {(Kind.SOUND, name) for name in sounds}
        hits = [str(hit["material"]) for hit in output.get("hits") or ()]
        found |= {(Kind.MATERIAL, name) for name in set(hits) if hits.count(name) >= AUDIBLE * len(hits)}
        told = output.get("description")
        if told and (best is None or int(told.get("rank", 1)) < int(best.get("rank", 1))):
            best = told
    if best and best.get("texture"):
        found.add((Kind.TEXTURE, str(int(best["texture"]["cluster"]))))
    return {(kind, value[:LONGEST]) for kind, value in found if value}


def write(connection: sa.Connection, job_id: str, result: Mapping[str, Any]) -> None:
    """Keep what a result is in place of what was kept of its job before, in a transaction of the caller's."""
    connection.execute(sa.delete(MADE).where(MADE.c.job_id == job_id))
    rows = [{"job_id": job_id, "kind": kind, "value": value} for kind, value in sorted(rows_of(result))]
    if rows:
        connection.execute(sa.insert(MADE), rows)


def write_missing(database: Database, limit: int = 500) -> int:
    """Write down what the finished jobs of older releases are; how many jobs. Raises DatabaseError."""
    has = sa.select(MADE.c.job_id).where(MADE.c.job_id == JOBS.c.id).exists()
    there = sa.and_(JOBS.c.state.in_((State.SUCCEEDED, State.CANCELED)), JOBS.c.result.is_not(None))
    wanted = sa.select(JOBS.c.id, JOBS.c.result).where(there, JOBS.c.mode.not_in(QUESTIONS), ~has)
    with database.writing() as connection:
        rows = connection.execute(
            wanted.order_by(JOBS.c.id.desc()).limit(limit).with_for_update(skip_locked=True)
        ).all()
        written = 0
        for row in rows:
            if rows_of(row.result):  # one without takes would be found again and again
                write(connection, row.id, row.result)
                written += 1
    return written


def unlist(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Take jobs out of the search; a deleted job's entries go by themselves."""
    for start in range(0, len(ids), 500):
        for table in (VECTORS, WORDS, MADE):
            connection.execute(sa.delete(table).where(table.c.job_id.in_(ids[start : start + 500])))
