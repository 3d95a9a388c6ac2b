"""What may be compared, and the votes: who may, what counts, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from workers.comparisons.tables import COMPARISONS, VOTES
from workers.database import Database
from workers.errors import Conflict, NotFound
from workers.records import JOBS, State, new_id


class Version(StrEnum):
    """The same picture with another sound. All but the first may stand beside it; the last two are attention checks."""

    REAL = "real"
    GENERATED = "generated"
    SILENT = "silent"
    SHIFTED = "shifted"  # the real sound, a second late


MOST_OF_PLACE: Final = 5
"""Votes on a pair from one place: a family or an office, and nobody who comes again and again without a cookie."""
CHECKS: Final = (Version.SILENT, Version.SHIFTED)


@dataclass(frozen=True)
class Comparison:
    """A result that may be compared.

    Attributes:
        id: what voters see of it.
        mode, release: what made the sound.
        keys: version -> storage key, once they are made.
        problem: why they cannot be made.
    """

    id: str
    job_id: str
    mode: str
    release: str
    keys: Mapping[str, str] | None
    problem: str | None


@dataclass(frozen=True)
class Figure:
    """Votes that count, of one voice and release: how many, and in how many the generated sound was picked."""

    mode: str
    release: str
    votes: int
    fooled: int


def _nowhere(_comparison_id: str) -> None:
    return None


class Comparisons:
    """All comparisons. Every method raises DatabaseError when the database cannot be reached."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def allow(self, job_id: str, mode: str, release: str) -> Comparison:
        """Let a job be compared; what is allowed already stays as it is, unless it could not be made."""
        now = time.time()
        row = {"id": new_id(now), "job_id": job_id, "mode": mode, "release": release, "created_at": now}
        with self._database.writing() as connection:
            failed = COMPARISONS.c.job_id == job_id, COMPARISONS.c.problem.is_not(None)
            connection.execute(sa.delete(COMPARISONS).where(*failed))
            if connection.scalar(sa.select(COMPARISONS.c.id).where(COMPARISONS.c.job_id == job_id)) is None:
                connection.execute(sa.insert(COMPARISONS).values(**row))
        found = self.of_job(job_id)
        assert found is not None
        return found

    def of_job(self, job_id: str) -> Comparison | None:
        """What was allowed of a job; nothing by default."""
        return self._one(COMPARISONS.c.job_id == job_id)

    def get(self, id: str) -> Comparison:
        """One of which votes are taken: its files are made, and its job is there.

        Raises:
            NotFound: there is none.
        """
        found = self._one(COMPARISONS.c.id == id, COMPARISONS.c.files.is_not(None))
        if found is None:
            raise NotFound("there is no such comparison any more")
        return found

    def withdraw(self, job_id: str) -> Comparison | None:
        """Let a job be compared no longer; what was withdrawn. Votes stay."""
        found = self.of_job(job_id)
        with self._database.writing() as connection:
            connection.execute(sa.delete(COMPARISONS).where(COMPARISONS.c.job_id == job_id))
        return found

    def settle(self, id: str, keys: Mapping[str, str] | None, problem: str | None = None) -> bool:
        """Write down that the versions were made, or why not; false where it was withdrawn meanwhile."""
        change = sa.update(COMPARISONS).where(COMPARISONS.c.id == id)
        with self._database.writing() as connection:
            values = {"files": None if keys is None else dict(keys), "problem": problem}
            return bool(connection.execute(change.values(**values)).rowcount)

    def open_to(self, voter: str, place_of: Callable[[str], str | None] = _nowhere) -> tuple[list[Comparison], int]:
        """What a voter may still vote on, the oldest first, and how many votes there are of them.

        Args:
            place_of: where the voter is, for the id of a comparison; see :meth:`vote`.
        """
        theirs = sa.select(VOTES.c.comparison_id).where(VOTES.c.voter == voter)
        wanted = self._select(COMPARISONS.c.files.is_not(None), COMPARISONS.c.id.not_in(theirs))
        with self._database.reading() as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(theirs.subquery())) or 0
            left = [_comparison(row) for row in connection.execute(wanted.order_by(COMPARISONS.c.id))]
            places = {one.id: place_of(one.id) for one in left}
            full = _full(connection, [place for place in places.values() if place is not None])
        return [one for one in left if places[one.id] not in full], int(count)

    def vote(
        self, comparison: Comparison, voter: str, against: Version, *, right: bool, place: str | None = None
    ) -> None:
        """Take a vote.

        Args:
            place: what stands for the voter's address and this comparison; ``None`` where the voter has a name of their
                own, of a key.

        Raises:
            Conflict: this voter voted on it already, or :data:`MOST_OF_PLACE` from that place.
        """
        row: dict[str, Any] = {
            "comparison_id": comparison.id,
            "voter": voter,
            "place": place,
            "against": against.value,
            "right": right,
            "mode": comparison.mode,
            "release": comparison.release,
            "created_at": time.time(),
        }
        try:
            with self._database.writing() as connection:
                if place in _full(connection, [] if place is None else [place]):
                    raise Conflict(f"{MOST_OF_PLACE} votes on this pair came from your address, which is what counts")
                connection.execute(sa.insert(VOTES).values(**row))
        except IntegrityError as error:
            raise Conflict("you have voted on this pair already; one vote counts") from error

    def figures(self) -> list[Figure]:
        """Votes by voice and release, of voters who passed an attention check and failed none."""
        checks = sa.select(VOTES.c.voter).where(VOTES.c.against.in_(CHECKS))
        passed, failed = checks.where(VOTES.c.right), checks.where(~VOTES.c.right)
        fooled = sa.func.sum(sa.case((VOTES.c.right, 0), else_=1))
        wanted = (
            sa.select(VOTES.c.mode, VOTES.c.release, sa.func.count(), fooled)
            .where(VOTES.c.against == Version.GENERATED, VOTES.c.voter.in_(passed), VOTES.c.voter.not_in(failed))
            .group_by(VOTES.c.mode, VOTES.c.release)
            .order_by(VOTES.c.mode, VOTES.c.release)
        )
        with self._database.reading() as connection:
            return [Figure(mode, release, int(n), int(k)) for mode, release, n, k in connection.execute(wanted)]

    def left_out(self) -> int:
        """Votes on generated sounds that do not count, because of the attention checks."""
        all_of_them = sa.select(sa.func.count()).where(VOTES.c.against == Version.GENERATED)
        with self._database.reading() as connection:
            total = int(connection.scalar(all_of_them) or 0)
        return total - sum(one.votes for one in self.figures())

    def _one(self, *conditions: sa.ColumnElement[bool]) -> Comparison | None:
        with self._database.reading() as connection:
            row = connection.execute(self._select(*conditions)).one_or_none()
        return None if row is None else _comparison(row)

    @staticmethod
    def _select(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """Of jobs that are there with their files."""
        there = JOBS.c.state == State.SUCCEEDED
        return sa.select(COMPARISONS).join(JOBS, JOBS.c.id == COMPARISONS.c.job_id).where(there, *conditions)


def _full(connection: sa.Connection, places: Sequence[str]) -> set[str | None]:
    """Those places from which as many have voted as may."""
    found = set[str | None]()
    for start in range(0, len(places), 500):
        some = VOTES.c.place.in_(places[start : start + 500])
        counted = sa.select(VOTES.c.place).where(some).group_by(VOTES.c.place)
        found |= set(connection.scalars(counted.having(sa.func.count() >= MOST_OF_PLACE)))
    return found


def _comparison(row: sa.Row[Any]) -> Comparison:
    return Comparison(row.id, row.job_id, row.mode, row.release, row.files, row.problem)
