"""Endpoints: addresses to which an owner's events go, each with a secret of its own."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from workers.database import Database
from workers.errors import Conflict, NotFound
from workers.owners.turns import insert
from workers.records import FINAL, JOBS, new_id
from workers.webhooks.outbox import USUAL, DeliveryState
from workers.webhooks.signing import new_secret
from workers.webhooks.tables import DELIVERIES, WEBHOOKS

MOST: Final = 20  # endpoints of an owner; those that jobs name do not count
MOST_NAMED: Final = 200  # of those; the oldest that is done with makes room for a new one
OVERLAP_S: Final = 86_400.0  # in which both secrets sign after a rotation


@dataclass(frozen=True)
class Webhook:
    """One endpoint. Times are seconds since 1970.

    Attributes:
        events: types that it wants.
        named_only: it gets the events of jobs that name it, and no others.
        named: what stands for its address then.
        previous_secret: signs beside the new one until ``previous_until``.
        failing_since: when the first try failed after which none went well.
        disabled_reason: why nothing is sent there; ``None`` where it is.
    """

    id: str
    owner: str
    url: str
    events: Sequence[str]
    named_only: bool
    named: str | None
    description: str
    secret: str
    previous_secret: str | None
    previous_until: float | None
    created_at: float
    failing_since: float | None
    disabled_at: float | None
    disabled_reason: str | None

    def secrets(self, wall_s: float) -> tuple[str, ...]:
        """Those that sign at that time."""
        both = self.previous_secret is not None and wall_s < (self.previous_until or 0.0)
        return (self.secret, str(self.previous_secret)) if both else (self.secret,)


class Endpoints:
    """All endpoints. Every method raises DatabaseError when the database cannot be reached.

    Where a method takes an ``owner``, somebody else's endpoint is not found; ``None`` means: whoever's.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def make(
        self,
        owner: str,
        url: str,
        *,
        events: Sequence[str] = USUAL,
        description: str = "",
    ) -> Webhook:
        """A new endpoint.

        Raises:
            Conflict: the owner has as many as are allowed.
        """
        row = self._row(owner, url, events=[str(one) for one in events], description=description)
        with self._database.writing() as connection:
            own = sa.select(sa.func.count()).where(WEBHOOKS.c.owner == owner, ~WEBHOOKS.c.named_only)
            if (connection.scalar(own) or 0) >= MOST:
                raise Conflict(f"there are {MOST} webhooks already, the most of one owner; delete one")
            return _of(connection.execute(sa.insert(WEBHOOKS).values(row).returning(WEBHOOKS)).one())

    def named(self, owner: str, url: str) -> Webhook:
        """The endpoint for jobs that name this address: the one there is, or a new one, however many ask at once.

        Raises:
            Conflict: the owner has :data:`MOST_NAMED`, and none of them is done with.
        """
        same = (WEBHOOKS.c.owner == owner, WEBHOOKS.c.url == url)
        found = sa.select(WEBHOOKS).where(*same).order_by(WEBHOOKS.c.named_only, WEBHOOKS.c.id).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(found).one_or_none()
        if row is not None:
            return _of(row)
        made = self._row(owner, url, events=[str(one) for one in USUAL], named_only=True, named=_digest(url))
        with self._database.writing() as connection:
            _make_room(connection, owner)
            connection.execute(insert(connection, WEBHOOKS).values(made).on_conflict_do_nothing())
            return _of(connection.execute(found).one())

    def _row(self, owner: str, url: str, **told: Any) -> dict[str, Any]:
        now = self._clock()
        usual = {"named_only": False, "description": "", "secret": new_secret(), "created_at": now}
        return {"id": new_id(now), "owner": owner, "url": url, **usual, **told}

    def listed(self, owner: str | None) -> list[Webhook]:
        """The owner's endpoints, newest first."""
        found = sa.select(WEBHOOKS).order_by(WEBHOOKS.c.id.desc())
        if owner is not None:
            found = found.where(WEBHOOKS.c.owner == owner)
        with self._database.reading() as connection:
            return [_of(row) for row in connection.execute(found)]

    def get(self, id: str, owner: str | None) -> Webhook:
        """One endpoint. Raises NotFound."""
        with self._database.reading() as connection:
            return _found(connection.execute(sa.select(WEBHOOKS).where(*_whose(id, owner))).one_or_none())

    def change(self, id: str, owner: str | None, **values: Any) -> Webhook:
        """Change ``url``, ``events`` or ``description``.

        Raises:
            NotFound: there is none.
            Conflict: jobs of the owner name that address already.
        """
        if "url" in values:
            values["named"] = sa.case((WEBHOOKS.c.named_only, _digest(values["url"])), else_=None)
        try:
            return self._change(id, owner, values)
        except IntegrityError as error:
            raise Conflict("there is a webhook of that address already, which your jobs name") from error

    def rotate(self, id: str, owner: str | None, overlap_s: float = OVERLAP_S) -> Webhook:
        """A new secret; the old one signs too for so long, so that no receiver misses anything. Raises NotFound."""
        until = self._clock() + overlap_s
        old = {"previous_secret": WEBHOOKS.c.secret, "previous_until": until}
        return self._change(id, owner, {**old, "secret": new_secret()})

    def enable(self, id: str, owner: str | None) -> Webhook:
        """Send to it again from now on; what was held meanwhile waits for a replay. Raises NotFound."""
        return self._change(id, owner, dict.fromkeys(("failing_since", "disabled_at", "disabled_reason")))

    def disable(self, id: str, owner: str | None, reason: str) -> Webhook:
        """Send nothing there any more; what was to be sent is held. Raises NotFound."""
        with self._database.writing() as connection:
            row = disable(connection, id, reason, self._clock(), *_whose(id, owner))
            return _found(row)

    def delete(self, id: str, owner: str | None) -> None:
        """Forget an endpoint and its deliveries. Raises NotFound."""
        gone = sa.delete(WEBHOOKS).where(*_whose(id, owner)).returning(WEBHOOKS)
        with self._database.writing() as connection:
            _found(connection.execute(gone).one_or_none())

    def _change(self, id: str, owner: str | None, values: dict[str, Any]) -> Webhook:
        changed = sa.update(WEBHOOKS).where(*_whose(id, owner)).values(values).returning(WEBHOOKS)
        with self._database.writing() as connection:
            return _found(connection.execute(changed).one_or_none())


def disable(
    connection: sa.Connection, id: str, reason: str, wall_s: float, *which: sa.ColumnElement[bool]
) -> sa.Row[Any] | None:
    """Disable an endpoint and hold what was to be sent there, in the caller's transaction; its row as it is then."""
    where = which or (WEBHOOKS.c.id == id,)
    values = {"disabled_at": wall_s, "disabled_reason": reason}
    row = connection.execute(sa.update(WEBHOOKS).where(*where).values(values).returning(WEBHOOKS)).one_or_none()
    if row is not None:
        waiting = (DELIVERIES.c.webhook_id == id, DELIVERIES.c.state == DeliveryState.PENDING)
        connection.execute(sa.update(DELIVERIES).where(*waiting).values(state=DeliveryState.HELD, lease_until=None))
    return row


def _make_room(connection: sa.Connection, owner: str) -> None:
    """Let an owner have one more that jobs name: beyond :data:`MOST_NAMED` the oldest goes that is done with.

    Raises:
        Conflict: there is none such.
    """
    own = (WEBHOOKS.c.owner == owner, WEBHOOKS.c.named_only)
    if (connection.scalar(sa.select(sa.func.count()).where(*own)) or 0) < MOST_NAMED:
        return
    unfinished = sa.select(JOBS.c.id).where(JOBS.c.webhook_id == WEBHOOKS.c.id, JOBS.c.state.not_in(FINAL)).exists()
    undelivered = (DeliveryState.PENDING, DeliveryState.HELD)
    to_send = sa.select(DELIVERIES.c.id).where(
        DELIVERIES.c.webhook_id == WEBHOOKS.c.id, DELIVERIES.c.state.in_(undelivered)
    )
    done_with = sa.select(WEBHOOKS.c.id).where(*own, ~unfinished, ~to_send.exists())
    oldest = connection.scalar(done_with.order_by(WEBHOOKS.c.id).limit(1))
    if oldest is None:
        raise Conflict(
            f"your jobs name {MOST_NAMED} addresses for their events, which is what is allowed, and all of them are "
            "awaited; name one of them, or wait"
        )
    connection.execute(sa.delete(WEBHOOKS).where(WEBHOOKS.c.id == oldest))


def _digest(url: str) -> str:
    """Stands for an address where an index would be too narrow for it."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


def _whose(id: str, owner: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    return (WEBHOOKS.c.id == id,) if owner is None else (WEBHOOKS.c.id == id, WEBHOOKS.c.owner == owner)


def _of(row: sa.Row[Any]) -> Webhook:
    return Webhook(**row._mapping)


def _found(row: sa.Row[Any] | None) -> Webhook:
    if row is None:
        raise NotFound("there is no such webhook")
    return _of(row)
