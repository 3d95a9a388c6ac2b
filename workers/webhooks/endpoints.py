"""Endpoints: addresses to which an owner's events go, each with a secret of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from workers.database import Database
from workers.errors import Conflict, NotFound
from workers.records import new_id
from workers.webhooks.outbox import USUAL, DeliveryState
from workers.webhooks.signing import new_secret
from workers.webhooks.tables import DELIVERIES, WEBHOOKS

MOST: Final = 20  # endpoints of an owner; those that jobs name do not count
OVERLAP_S: Final = 86_400.0  # in which both secrets sign after a rotation


@dataclass(frozen=True)
class Webhook:
    """One endpoint. Times are seconds since 1970.

    Attributes:
        events: types that it wants.
        named_only: it gets the events of jobs that name it, and no others.
        previous_secret: signs beside the new one until ``previous_until``.
        failing_since: when the first try failed after which none went well.
        disabled_reason: why nothing is sent there; ``None`` where it is.
    """

    id: str
    owner: str
    url: str
    events: Sequence[str]
    named_only: bool
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
        named_only: bool = False,
    ) -> Webhook:
        """A new endpoint.

        Raises:
            Conflict: the owner has as many as are allowed.
        """
        now = self._clock()
        row = {
            "id": new_id(now),
            "owner": owner,
            "url": url,
            "events": [str(one) for one in events],
            "named_only": named_only,
            "description": description,
            "secret": new_secret(),
            "created_at": now,
        }
        with self._database.writing() as connection:
            own = sa.select(sa.func.count()).where(WEBHOOKS.c.owner == owner, ~WEBHOOKS.c.named_only)
            if not named_only and (connection.scalar(own) or 0) >= MOST:
                raise Conflict(f"there are {MOST} webhooks already, the most of one owner; delete one")
            return _of(connection.execute(sa.insert(WEBHOOKS).values(row).returning(WEBHOOKS)).one())

    def named(self, owner: str, url: str) -> Webhook:
        """The endpoint for jobs that name this address: the one there is, or a new one."""
        same = (WEBHOOKS.c.owner == owner, WEBHOOKS.c.url == url)
        found = sa.select(WEBHOOKS).where(*same).order_by(WEBHOOKS.c.named_only, WEBHOOKS.c.id).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(found).one_or_none()
        return _of(row) if row is not None else self.make(owner, url, named_only=True)

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
        """Change ``url``, ``events`` or ``description``. Raises NotFound."""
        return self._change(id, owner, values)

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


def _whose(id: str, owner: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    return (WEBHOOKS.c.id == id,) if owner is None else (WEBHOOKS.c.id == id, WEBHOOKS.c.owner == owner)


def _of(row: sa.Row[Any]) -> Webhook:
    return Webhook(**row._mapping)


def _found(row: sa.Row[Any] | None) -> Webhook:
    if row is None:
        raise NotFound("there is no such webhook")
    return _of(row)
