"""How much of the server an owner may have, what they have of it, and how long their results are kept.

What the settings say holds for everybody for whom nothing else was set. A job that was accepted is made and kept though
its results go beyond: quotas are looked at when something new is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from synth.errors import OptionError
from workers.database import Database
from workers.errors import OverQuota
from workers.owners import turns
from workers.owners.tables import KEYS, OWNER_DAYS, OWNERS, TURNS
from workers.records import JOBS, OBJECTS, QUESTIONS, SCORE, SLOW_SCORE, State
from workers.uploads.tables import UPLOADS

DAY_S: Final = 86_400.0
_UNLIMITED_S: Final = 1.0
"""For so long an owner without limits is not looked up before a clip is stored; when the row is written, they are."""
_UNLIMITED_OWNERS: Final = 1000
LATER_S: Final = 15.0
LEAST_WEIGHT: Final = 0.001  # one job with less would end in a virtual time that no other number can be added to
_OF_OWNER: Final = sa.select(OWNERS).where(OWNERS.c.name == sa.bindparam("owner"))
KEPT_DAYS: Final = 40  # the use of so many days is remembered


@dataclass(frozen=True)
class Quota:
    """What an owner may have; ``None`` is no limit.

    Attributes:
        weight: of their turns: with 2 they get two seconds of sound for each one of somebody with 1.
        max_bytes: stored, clips and results.
        max_queued: jobs that wait.
        max_sound_s: seconds of sound asked for in a day (UTC), over all takes.
        retention_days: after which a finished job's files are deleted; ``None``: as the settings say.
    """

    weight: float = 1.0
    max_bytes: int | None = None
    max_queued: int | None = None
    max_sound_s: float | None = None
    retention_days: float | None = None


@dataclass(frozen=True)
class Use:
    """What an owner has."""

    stored_bytes: int
    queued: int
    sound_s: float


class Owners:
    """The owners of a database. Every method raises DatabaseError when it cannot be reached.

    Args:
        usual: for owners for whom nothing else was set.
    """

    def __init__(
        self, database: Database, usual: Quota | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        self._database, self.usual = database, usual or Quota()
        self._clock: Callable[[], float] = clock or time.time
        self._unlimited: dict[str, float] = {}  # owner -> when that was seen, monotonic

    def quota(self, owner: str) -> Quota:
        """What an owner may have."""
        with self._database.reading() as connection:
            return self._quota(connection, owner)

    def quotas(self) -> dict[str, Quota]:
        """What those may have for whom something was set."""
        with self._database.reading() as connection:
            return {row.name: self._with(row) for row in connection.execute(sa.select(OWNERS))}

    def use(self, owner: str) -> Use:
        """What an owner has."""
        with self._database.reading() as connection:
            return self._use(connection, owner)

    def change(self, owner: str, **changed: float | None) -> Quota:
        """Set some of an owner's quota; ``None`` sets it back to what the settings say.

        Raises:
            OptionError: the weight is below :data:`LEAST_WEIGHT`.
        """
        weight = changed.get("weight")
        if weight is not None and not weight >= LEAST_WEIGHT:
            raise OptionError(f"weight is {weight:g}; allowed is {LEAST_WEIGHT:g} or more")
        with self._database.writing() as connection:
            row = turns.insert(connection, OWNERS).values({"name": owner, **changed})
            if changed:
                connection.execute(row.on_conflict_do_update(index_elements=[OWNERS.c.name], set_=changed))
            return self._quota(connection, owner)

    def refuse_over(self, owner: str, *, mode: str, sound_s: float, more_bytes: int) -> None:
        """Say no before anything is stored; :meth:`admit` says it again, and then for sure.

        Raises:
            OverQuota: it would be more than the owner may have.
        """
        if mode in QUESTIONS:
            return
        now_s, known = time.monotonic(), self._unlimited.get(owner)
        if known is not None and now_s - known < _UNLIMITED_S:
            return
        with self._database.reading() as connection:
            quota = self._quota(connection, owner)
            if quota != replace(Quota(), weight=quota.weight, retention_days=quota.retention_days):
                self._refuse(quota, self._use(connection, owner), sound_s, more_bytes)
                return
        if len(self._unlimited) >= _UNLIMITED_OWNERS:
            self._unlimited.clear()
        self._unlimited[owner] = now_s

    def admit_bytes(self, connection: sa.Connection, owner: str, more_bytes: int) -> None:
        """Let an upload begin, in the transaction that writes its row; else many at once would each find room.

        Raises:
            OverQuota: it would be more than the owner may have.
        """
        turns.count_day(connection, owner, self.today(), 0.0)  # on PostgreSQL: one at a time of an owner, jobs too
        self._refuse(self._quota(connection, owner), self._use(connection, owner), 0.0, more_bytes)

    def admit(
        self,
        connection: sa.Connection,
        owner: str,
        mode: str,
        info: Mapping[str, Any],
        options: Mapping[str, Any],
        *,
        more_bytes: int = 0,
    ) -> float:
        """Let a job into the queue, in the transaction that writes its row.

        Returns:
            Its turn.

        Raises:
            OverQuota: it would be more than the owner may have.
        """
        quota, sound_s = self._quota(connection, owner), turns.sound_seconds(info, options)
        if mode in (SCORE, SLOW_SCORE):  # one take, and nobody's job: it is sound that is asked for, and nothing else
            sound_s = turns.sound_seconds(info, {})
            asked_s = turns.count_day(connection, owner, self.today(), sound_s)
            self._refuse(Quota(max_sound_s=quota.max_sound_s), Use(0, 0, asked_s - sound_s), sound_s, 0)
        elif mode not in QUESTIONS:
            asked_s = turns.count_day(connection, owner, self.today(), sound_s)
            if quota.max_bytes is not None or quota.max_queued is not None or quota.max_sound_s is not None:
                had = replace(self._use(connection, owner), sound_s=asked_s - sound_s)
                self._refuse(quota, had, sound_s, more_bytes)
        return turns.take(connection, owner, mode, sound_s, quota.weight)

    def names(self) -> list[str]:
        """Everybody who has jobs, a key or a quota, by name; not the server itself, whose names begin with a colon."""
        found = sa.union(
            sa.select(JOBS.c.owner.label("name")), sa.select(KEYS.c.owner), sa.select(OWNERS.c.name)
        ).subquery()
        with self._database.reading() as connection:
            return list(
                connection.scalars(sa.select(found.c.name).where(~found.c.name.startswith(":")).order_by(found.c.name))
            )

    def forget_old_days(self) -> None:
        """Forget the use of days long past, and turns of owners who have nothing any more."""
        oldest = datetime.fromtimestamp(self._clock(), UTC) - timedelta(days=KEPT_DAYS)
        has = sa.select(JOBS.c.owner).where(JOBS.c.owner == TURNS.c.owner).exists()
        with self._database.writing() as connection:
            connection.execute(sa.delete(OWNER_DAYS).where(OWNER_DAYS.c.day < oldest.date().isoformat()))
            connection.execute(sa.delete(TURNS).where(~has))

    def midnight_s(self) -> float:
        """Seconds until the next day (UTC) begins."""
        return DAY_S - self._clock() % DAY_S

    def now(self) -> float:
        """Seconds since 1970, as people read them."""
        return self._clock()

    def today(self) -> str:
        """The day (UTC) for which sound is counted now."""
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()

    def _quota(self, connection: sa.Connection, owner: str) -> Quota:
        row = connection.execute(_OF_OWNER, {"owner": owner}).one_or_none()
        return self.usual if row is None else self._with(row)

    def _with(self, row: sa.Row[Any]) -> Quota:
        own = {one.name: getattr(row, one.name) for one in fields(Quota) if getattr(row, one.name) is not None}
        return replace(self.usual, **own)

    def _use(self, connection: sa.Connection, owner: str) -> Use:
        by_jobs = sa.select(sa.func.sum(OBJECTS.c.bytes)).join(JOBS, JOBS.c.id == OBJECTS.c.job_id)
        mine = (UPLOADS.c.owner == owner, UPLOADS.c.ended_at.is_(None))
        by_uploads = sa.select(sa.func.sum(UPLOADS.c.bytes)).where(*mine)
        # Clips of uploads that ended and of jobs that were deleted: jobs of this owner use them still.
        users, owners = JOBS.alias(), JOBS.alias()
        theirs = sa.select(users.c.source_id).where(users.c.owner == owner, users.c.source_id.is_not(None))
        used = OBJECTS.c.job_id.in_(theirs)  # an index finds these; else every file of the server would be looked at
        owned = sa.select(owners.c.id).where(owners.c.id == OBJECTS.c.job_id).exists()
        uploaded = (
            sa.select(UPLOADS.c.id).where(UPLOADS.c.id == OBJECTS.c.job_id, UPLOADS.c.ended_at.is_(None)).exists()
        )
        by_users = sa.select(sa.func.sum(OBJECTS.c.bytes)).where(used, ~owned, ~uploaded)
        stored = (by_jobs.where(JOBS.c.owner == owner), by_uploads, by_users)
        queued = sa.select(sa.func.count()).select_from(JOBS)
        queued = queued.where(JOBS.c.owner == owner, JOBS.c.state == State.QUEUED, JOBS.c.mode.not_in(QUESTIONS))
        today = sa.select(OWNER_DAYS.c.sound_s).where(OWNER_DAYS.c.owner == owner, OWNER_DAYS.c.day == self.today())
        return Use(
            stored_bytes=sum(int(connection.scalar(one) or 0) for one in stored),
            queued=int(connection.scalar(queued) or 0),
            sound_s=float(connection.scalar(today) or 0.0),
        )

    def _refuse(self, quota: Quota, use: Use, sound_s: float, more_bytes: int) -> None:
        if quota.max_queued is not None and use.queued >= quota.max_queued:
            text = f"{use.queued} of your jobs wait already; allowed are {quota.max_queued}"
            raise OverQuota(text, "queued", LATER_S)
        if quota.max_sound_s is not None and use.sound_s + sound_s > quota.max_sound_s:
            text = (
                f"with this job you would ask for {use.sound_s + sound_s:.1f} s of sound today; "
                f"allowed are {quota.max_sound_s:g} s a day (UTC)"
            )
            raise OverQuota(text, "sound", self.midnight_s() if sound_s <= quota.max_sound_s else None)
        if quota.max_bytes is not None and use.stored_bytes + more_bytes > quota.max_bytes:
            text = (
                f"with this clip you would have {use.stored_bytes + more_bytes} bytes stored; "
                f"allowed are {quota.max_bytes}; delete what you do not need"
            )
            raise OverQuota(text, "bytes", None)
