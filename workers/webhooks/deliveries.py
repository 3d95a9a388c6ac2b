"""Deliveries: which are due, who sends them, what came of it, and when they are tried again.

A sender claims a delivery by a lease, as workers claim jobs: one that is killed in the middle leaves it to another,
which sends it again under the same id. What a sender writes that lost its lease is refused.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from workers.database import Database
from workers.errors import Conflict, NotFound
from workers.records import moment
from workers.telemetry import counters
from workers.telemetry.families import DELIVERIES as DELIVERIES_COUNTED
from workers.webhooks.endpoints import Webhook, disable
from workers.webhooks.outbox import DeliveryState, EventType, close_abandoned, put
from workers.webhooks.tables import DELIVERIES, EVENTS, WEBHOOKS
from workers.webhooks.transport import TOTAL_S, Answer

WAITS_S: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 29_845.0)
"""Before the second try, the third, and so on: eleven tries within 24 hours."""
JITTER: Final = 0.1  # of a wait, either way, so that those that failed together do not come together again
LEASE_S: Final = 4 * TOTAL_S
DISABLED_AFTER_S: Final = 86_400.0  # without a single try that went well
OF_ONE_AT_ONCE: Final = 4  # deliveries to one endpoint: a slow one takes no others' places
KEPT_TRIES: Final = 25
GONE: Final = 410
_MAX_PAGE: Final = 100


@dataclass(frozen=True)
class Due:
    """A delivery in a sender's hands."""

    id: str
    attempt: int
    tries: int
    event_id: str
    body: bytes
    webhook: Webhook


@dataclass(frozen=True)
class Delivery:
    """A delivery as people see it. Times are seconds since 1970.

    Attributes:
        log: of the newest tries, each ``at``, ``status``, ``error``, ``seconds`` and ``body``.
    """

    id: str
    webhook_id: str
    event_id: str
    type: str
    about: str
    state: DeliveryState
    tries: int
    next_at: float
    created_at: float
    ended_at: float | None
    log: Sequence[Mapping[str, Any]]


class Deliveries:
    """All deliveries. Every method raises DatabaseError when the database cannot be reached.

    Args:
        now: the scheduling clock.
        wall: the time as people read it.
    """

    def __init__(self, database: Database, now: Callable[[], float], wall: Callable[[], float]) -> None:
        self._database, self._now, self._wall = database, now, wall

    def claim(self, most: int, busy: Mapping[str, int] | None = None) -> list[Due]:
        """Deliveries whose time has come, the longest due first, for this sender alone until its lease is over.

        Args:
            busy: endpoint -> how many deliveries to it are under way here.
        """
        now, taken = self._now(), dict(busy or {})
        ready = (DELIVERIES.c.state == DeliveryState.PENDING, DELIVERIES.c.next_at <= now)
        free = sa.or_(DELIVERIES.c.lease_until.is_(None), DELIVERIES.c.lease_until < now)
        full = [id for id, count in taken.items() if count >= OF_ONE_AT_ONCE]
        wanted = sa.select(DELIVERIES.c.id, DELIVERIES.c.webhook_id).where(*ready, free)
        wanted = wanted.where(DELIVERIES.c.webhook_id.not_in(full)).order_by(DELIVERIES.c.next_at, DELIVERIES.c.id)
        with self._database.reading() as connection:
            if connection.execute(wanted.limit(1)).one_or_none() is None:  # spares SQLite a lock every second
                return []
        with self._database.writing() as connection:
            ids = list[str]()
            for row in connection.execute(wanted.limit(4 * most).with_for_update(skip_locked=True)):
                if taken.get(row.webhook_id, 0) < OF_ONE_AT_ONCE and len(ids) < most:
                    taken[row.webhook_id] = taken.get(row.webhook_id, 0) + 1
                    ids.append(row.id)
            if not ids:
                return []
            mine = {"lease_until": now + LEASE_S, "attempt": DELIVERIES.c.attempt + 1, "tries": DELIVERIES.c.tries + 1}
            connection.execute(sa.update(DELIVERIES).where(DELIVERIES.c.id.in_(ids)).values(mine))
            columns = [DELIVERIES.c[name] for name in ("attempt", "tries", "event_id")]
            told = sa.select(DELIVERIES.c.id.label("delivery_id"), *columns, EVENTS.c.body, WEBHOOKS).join_from(
                DELIVERIES, EVENTS, DELIVERIES.c.event_id == EVENTS.c.id
            )
            told = told.join(WEBHOOKS, DELIVERIES.c.webhook_id == WEBHOOKS.c.id).where(DELIVERIES.c.id.in_(ids))
            return [_due(row) for row in connection.execute(told).mappings()]

    def record(self, due: Due, answer: Answer) -> bool:
        """Write down what came of a try; false, and nothing is written, where it is another sender's by now."""
        now, wall_s = self._now(), self._wall()
        last = due.tries > len(WAITS_S)
        state, outcome, wait_s = DeliveryState.PENDING, "retried", 0.0
        if answer.good:
            state = DeliveryState.DELIVERED
        elif answer.refused or answer.status == GONE or last:
            state = DeliveryState.FAILED
        else:
            jitter = 1 + random.uniform(-JITTER, JITTER)
            wait_s = max(WAITS_S[due.tries - 1] * jitter, min(answer.retry_after_s or 0.0, WAITS_S[-1]))
        if state is not DeliveryState.PENDING:
            outcome = "refused" if answer.refused else state.value
        mine = (DELIVERIES.c.id == due.id, DELIVERIES.c.attempt == due.attempt)
        entry = {
            "at": moment(wall_s),
            "status": answer.status,
            "error": answer.error,
            "seconds": answer.seconds,
            "body": answer.body,
        }
        with self._database.writing() as connection:
            held = sa.select(DELIVERIES.c.log, DELIVERIES.c.state).where(*mine).with_for_update()
            row = connection.execute(held).one_or_none()
            if row is None:
                return False
            values: dict[str, Any] = {"lease_until": None, "log": [*row.log, entry][-KEPT_TRIES:]}
            if row.state == DeliveryState.PENDING or answer.good:  # else it was disabled meanwhile
                final = state is not DeliveryState.PENDING
                values |= {"state": state, "next_at": now + wait_s, "ended_at": wall_s if final else None}
            connection.execute(sa.update(DELIVERIES).where(*mine).values(values))
            counters.write(connection, DELIVERIES_COUNTED.one(outcome))
            self._judge(connection, due.webhook.id, answer, final=state is DeliveryState.FAILED, wall_s=wall_s)
        return True

    def _judge(self, connection: sa.Connection, webhook_id: str, answer: Answer, *, final: bool, wall_s: float) -> None:
        """What a try says of its endpoint: that it works, that it fails, or that it is of no use any more."""
        this = WEBHOOKS.c.id == webhook_id
        if answer.good:
            connection.execute(sa.update(WEBHOOKS).where(this).values(failing_since=None))
            return
        since = sa.func.coalesce(WEBHOOKS.c.failing_since, wall_s)
        failing = sa.update(WEBHOOKS).where(this, WEBHOOKS.c.disabled_at.is_(None)).values(failing_since=since)
        row = connection.execute(failing.returning(WEBHOOKS.c.failing_since)).one_or_none()
        if row is None:
            return
        if answer.status == GONE:
            disable(connection, webhook_id, "the receiver answered 410: it wants no more", wall_s)
        elif final and wall_s - row.failing_since >= DISABLED_AFTER_S - 60.0:
            hours = (wall_s - row.failing_since) / 3600
            reason = f"no delivery has arrived for {hours:.0f} hours; the last: {answer.error}"
            disable(connection, webhook_id, reason, wall_s)

    def test(self, webhook: Webhook) -> str:
        """Send an event that says nothing but that it can be received; the delivery."""
        data = {"webhook_id": webhook.id, "message": "This is a test. Nothing has happened."}
        with self._database.writing() as connection:
            wanted = sa.select(WEBHOOKS).where(WEBHOOKS.c.id == webhook.id)
            row = connection.execute(wanted).one_or_none()
            if row is None:
                raise NotFound("there is no such webhook")
            (id,) = put(connection, webhook.owner, EventType.TEST, webhook.id, data, [row], self._wall())
        return id

    def replay(self, webhook: Webhook, id: str) -> Delivery:
        """Send a delivery again, now, under the same id, with all its tries.

        Raises:
            NotFound: there is none.
            Conflict: it is waiting to be sent, or its endpoint is disabled.
        """
        self._refuse_disabled(webhook)
        this = (DELIVERIES.c.id == id, DELIVERIES.c.webhook_id == webhook.id)
        with self._database.writing() as connection:
            state = connection.scalar(sa.select(DELIVERIES.c.state).where(*this))
            if state is None:
                raise NotFound("there is no such delivery")
            if state == DeliveryState.PENDING:
                raise Conflict("the delivery is waiting to be sent already")
            connection.execute(sa.update(DELIVERIES).where(*this).values(_AGAIN))
        return self.get(webhook, id)

    def replay_all(self, webhook: Webhook, since: float) -> int:
        """Send again what failed or was held and happened since then, seconds since 1970; how many.

        Raises:
            Conflict: the endpoint is disabled.
        """
        self._refuse_disabled(webhook)
        missed = DELIVERIES.c.state.in_((DeliveryState.FAILED, DeliveryState.HELD))
        which = (DELIVERIES.c.webhook_id == webhook.id, missed, DELIVERIES.c.created_at >= since)
        with self._database.writing() as connection:
            return int(connection.execute(sa.update(DELIVERIES).where(*which).values(_AGAIN)).rowcount)

    def get(self, webhook: Webhook, id: str) -> Delivery:
        """One delivery of an endpoint. Raises NotFound."""
        this = (DELIVERIES.c.webhook_id == webhook.id, DELIVERIES.c.id == id)
        with self._database.reading() as connection:
            row = connection.execute(_SEEN.where(*this)).one_or_none()
        if row is None:
            raise NotFound("there is no such delivery")
        return _seen(row)

    def recent(
        self, webhook: Webhook, *, state: str | None = None, cursor: str | None = None, limit: int = 24
    ) -> tuple[list[Delivery], str | None]:
        """One page of an endpoint's deliveries, newest first, and the cursor of the next one."""
        limit = min(max(1, limit), _MAX_PAGE)
        conditions = [DELIVERIES.c.webhook_id == webhook.id]
        if state is not None:
            conditions.append(DELIVERIES.c.state == state)
        if cursor is not None:
            conditions.append(DELIVERIES.c.id < cursor)
        page = _SEEN.where(*conditions).order_by(DELIVERIES.c.id.desc()).limit(limit + 1)
        with self._database.reading() as connection:
            found = [_seen(row) for row in connection.execute(page)]
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def forget(self, older_than: float) -> int:
        """Delete events that happened before that time, with their deliveries, unless one is to be sent; how many."""
        waits = sa.and_(DELIVERIES.c.event_id == EVENTS.c.id, DELIVERIES.c.state == DeliveryState.PENDING)
        old = sa.and_(EVENTS.c.created_at < older_than, ~sa.select(DELIVERIES.c.id).where(waits).exists())
        with self._database.writing() as connection:
            return int(connection.execute(sa.delete(EVENTS).where(old)).rowcount)

    def close_abandoned_batches(self) -> None:
        """Tell of batches that have ended though whoever made them was killed before all of it was made."""
        with self._database.writing() as connection:
            close_abandoned(connection, self._wall())

    @staticmethod
    def _refuse_disabled(webhook: Webhook) -> None:
        if webhook.disabled_at is not None:
            raise Conflict("the webhook is disabled; enable it first")


def waiting(database: Database, now_s: float) -> tuple[int, float]:
    """How many deliveries are to be sent, and for how many seconds the longest due one has been due.

    Args:
        now_s: by the scheduling clock.
    """
    pending = DELIVERIES.c.state == DeliveryState.PENDING
    # One that was never tried is due since it was written, which stands there by the clock that people read.
    due = sa.case((DELIVERIES.c.next_at > 0, DELIVERIES.c.next_at), else_=DELIVERIES.c.created_at)
    with database.reading() as connection:
        count, since = connection.execute(sa.select(sa.func.count(), sa.func.min(due)).where(pending)).one()
    return int(count), 0.0 if since is None else max(0.0, now_s - float(since))


_AGAIN: Final = {
    "state": DeliveryState.PENDING,
    "tries": 0,
    "attempt": DELIVERIES.c.attempt + 1,
    "next_at": 0.0,
    "lease_until": None,
    "ended_at": None,
}
_SEEN: Final = sa.select(DELIVERIES, EVENTS.c.type, EVENTS.c.about).join_from(
    DELIVERIES, EVENTS, DELIVERIES.c.event_id == EVENTS.c.id
)


def _seen(row: sa.Row[Any]) -> Delivery:
    names = Delivery.__dataclass_fields__
    values = {name: value for name, value in row._mapping.items() if name in names}
    return Delivery(**{**values, "state": DeliveryState(row.state)})


def _due(row: sa.RowMapping) -> Due:
    names = Webhook.__dataclass_fields__
    webhook = Webhook(**{name: value for name, value in row.items() if name in names})
    told = {name: row[name] for name in ("attempt", "tries", "event_id")}
    return Due(id=row["delivery_id"], body=row["body"].encode(), webhook=webhook, **told)
