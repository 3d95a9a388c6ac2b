"""Lists of jobs: filtered by what was made, in any order, page after page without one that is missed or comes twice."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from synth.errors import OptionError
from workers.database import Database
from workers.gallery.made import Kind
from workers.gallery.tables import FAVOURITES, MADE
from workers.records import JOBS, QUESTIONS, Job, State, first_id_at, job_of

MAX_PAGE: Final = 200


class Sort(StrEnum):
    """Orders of a list."""

    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"
    LONGEST = "longest"


@dataclass(frozen=True)
class Filters:
    """Which jobs.

    Attributes:
        owner: whose; everybody's for ``None``.
        mode: that was asked for.
        made: what a take of it must be: kind -> value.
        favourite: only those that are marked.
        before: made before this moment, in seconds since 1970.
    """

    owner: str | None
    state: State | None = None
    mode: str | None = None
    batch_id: str | None = None
    made: Mapping[Kind, str] = field(default_factory=dict)
    favourite: bool = False
    before: float | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same for the database."""
        wanted = {"owner": self.owner, "state": self.state, "mode": self.mode, "batch_id": self.batch_id}
        found: list[sa.ColumnElement[bool]] = [JOBS.c[name] == value for name, value in wanted.items() if value]
        found.append(JOBS.c.mode.not_in(QUESTIONS))  # they are nobody's jobs
        for kind, value in self.made.items():
            is_that = (MADE.c.job_id == JOBS.c.id, MADE.c.kind == kind, MADE.c.value == value)
            found.append(sa.exists().where(*is_that))
        if self.favourite:
            found.append(sa.exists().where(FAVOURITES.c.job_id == JOBS.c.id))
        if self.before is not None:
            found.append(JOBS.c.id < first_id_at(self.before))
        return found


_KEYS: Final[dict[Sort, tuple[sa.ColumnElement[Any] | None, bool]]] = {
    # What is sorted by before the id, and whether the greatest comes first.
    Sort.NEWEST: (None, True),
    Sort.OLDEST: (None, False),
    Sort.TITLE: (sa.func.lower(JOBS.c.title), False),
    Sort.LONGEST: (sa.func.coalesce(JOBS.c.info["duration_s"].as_float(), 0.0), True),
}


def page(
    database: Database, filters: Filters, *, sort: Sort = Sort.NEWEST, cursor: str | None = None, limit: int = 24
) -> tuple[list[Job], str | None]:
    """One page, and the cursor of the next one (``None`` after the last).

    Raises:
        OptionError: the cursor is none of this order.
        DatabaseError: the database cannot be reached.
    """
    limit = min(max(1, limit), MAX_PAGE)
    key, falling = _KEYS[sort]
    columns = [JOBS.c.id] if key is None else [key, JOBS.c.id]
    conditions = filters.conditions()
    if cursor is not None:
        conditions.append(_after(columns, _values(cursor, len(columns)), falling))
    order = [column.desc() if falling else column.asc() for column in columns]
    wanted = sa.select(JOBS, *([] if key is None else [key.label("sort_key")]))
    with database.reading() as connection:
        rows = connection.execute(wanted.where(*conditions).order_by(*order).limit(limit + 1)).all()
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = last.id if key is None else _cursor([last.sort_key, last.id])
    return [_job(row) for row in rows[:limit]], following


def counts(database: Database, owner: str | None, kind: Kind) -> dict[str, int]:
    """What was made of a kind -> by how many jobs, the most frequent first. Raises DatabaseError."""
    counted = sa.select(MADE.c.value, sa.func.count().label("jobs")).where(MADE.c.kind == kind)
    if owner is not None:
        counted = counted.join(JOBS, JOBS.c.id == MADE.c.job_id).where(JOBS.c.owner == owner)
    counted = counted.group_by(MADE.c.value).order_by(sa.desc("jobs"), MADE.c.value)
    with database.reading() as connection:
        return {row.value: row.jobs for row in connection.execute(counted)}


_MARKED: Final = sa.select(FAVOURITES.c.job_id)
_MARKED_OF: Final = _MARKED.join(JOBS, JOBS.c.id == FAVOURITES.c.job_id).where(JOBS.c.owner == sa.bindparam("of_owner"))


def all_favourites(database: Database, owner: str | None) -> frozenset[str]:
    """The ids of the jobs that are marked. Raises DatabaseError."""
    if database.is_empty(FAVOURITES):
        return frozenset()
    with database.reading() as connection:
        found = connection.scalars(_MARKED) if owner is None else connection.scalars(_MARKED_OF, {"of_owner": owner})
        return frozenset(found)


def mark(database: Database, job_id: str, favourite: bool) -> None:
    """Mark a job as a favourite, or no longer. Raises DatabaseError."""
    with database.writing() as connection:
        connection.execute(sa.delete(FAVOURITES).where(FAVOURITES.c.job_id == job_id))
        if favourite:
            connection.execute(sa.insert(FAVOURITES).values(job_id=job_id))


def _job(row: sa.Row[Any]) -> Job:
    return job_of(row, also=("sort_key",))


def _after(columns: list[Any], values: list[Any], falling: bool) -> sa.ColumnElement[bool]:
    """What comes after a row in the order, of which later columns decide where the earlier ones are equal."""
    found: sa.ColumnElement[bool] = sa.false()
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        equal = [one == known for one, known in zip(columns[:place], values[:place], strict=True)]
        found = sa.or_(found, sa.and_(*equal, column < value if falling else column > value))
    return found


def _cursor(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def _values(cursor: str, count: int) -> list[Any]:
    if count == 1:
        return [cursor]
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise OptionError("cursor is not one of this order; ask for the first page again") from error
    kinds = (str, int, float)
    if not isinstance(values, list) or len(values) != count or not all(isinstance(one, kinds) for one in values):
        raise OptionError("cursor is not one of this order; ask for the first page again")
    return values


def without_results(database: Database, owner: str | None, which: sa.ColumnElement[bool]) -> list[Job]:
    """The owner's jobs of which something holds, their results, which may be long, left out.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    columns = [column for column in JOBS.c if column.name != "result"]
    wanted: sa.Select[Any] = sa.select(*columns, sa.null().label("result")).where(which, *_whose(owner))
    with database.reading() as connection:
        return [job_of(row) for row in connection.execute(wanted)]


def count(database: Database, owner: str | None, which: sa.ColumnElement[bool]) -> int:
    """How many of the owner's jobs there are of which something holds; questions do not count.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    those = (which, JOBS.c.mode.not_in(QUESTIONS), *_whose(owner))
    with database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(JOBS).where(*those)) or 0


def _whose(owner: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    return () if owner is None else (JOBS.c.owner == owner,)
