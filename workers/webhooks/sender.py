"""The thread that sends what is due: many at once, since most of its time is waiting for others.

Several may run, beside every web process: each claims what it sends. It stands beside the web and not beside the
workers, which need no way out of their network.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from synth.provenance import package_version
from workers.errors import DatabaseError
from workers.faults import Part
from workers.webhooks import signing
from workers.webhooks.addresses import Policy
from workers.webhooks.deliveries import Deliveries, Due
from workers.webhooks.transport import Resolve, Transport, resolve

if TYPE_CHECKING:
    from workers.jobs import Jobs
    from workers.settings import Settings

AT_ONCE: Final = 32
LOOK_EVERY_S: Final = 1.0
CLOSING_S: Final = 3.0  # for what is under way; the rest is sent again when its lease is over
FORGET_EVERY_S: Final = 3600.0
DAY_S: Final = 86_400.0


def policy_of(settings: Settings) -> Policy:
    """What the settings allow."""
    ports = frozenset(int(one) for one in settings.webhook_ports.split(",") if one.strip())
    return Policy(settings.webhook_private, ports)


class WebhookSender(Part):
    """Sends what is due.

    Args:
        resolve: host and port -> addresses; tests hand in their own.
        tls: whose certificates are believed; this machine's by default.

    Attributes:
        faults: what its turns met; that a receiver does not answer is none.
    """

    def __init__(
        self,
        settings: Settings,
        jobs: Jobs,
        *,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("webhook-sender", LOOK_EVERY_S)
        self._transport = Transport(policy_of(settings), tls or ssl.create_default_context(), resolve)
        self._deliveries = Deliveries(jobs.database, jobs.now, wall)
        self._wall = wall
        self._kept_s = settings.retention_days * DAY_S
        self._agent = f"sonorize/{package_version('sonorize') or '0'}"
        self._forget_at = 0.0  # monotonic
        self._busy: Counter[str] = Counter()

    def turn(self) -> int:
        """Send what is due now, and wait for what comes of it; how many deliveries.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        return asyncio.run(self._turn())

    async def _turn(self) -> int:
        claimed = self._deliveries.claim(AT_ONCE)
        await asyncio.gather(*(self._send(due) for due in claimed))
        return len(claimed)

    async def _send(self, due: Due) -> None:
        sent_at = self._wall()
        signed = signing.headers(due.event_id, int(sent_at), due.body, due.webhook.secrets(sent_at))
        headers = {"Content-Type": "application/json", "User-Agent": self._agent, "Accept": "*/*", **signed}
        answer = await self._transport.post(due.webhook.url, headers, due.body)
        await asyncio.to_thread(self._deliveries.record, due, answer)

    def _run(self) -> None:
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        """Send until it is over; what is under way then gets a moment."""
        under_way: set[asyncio.Task[None]] = set()
        while not self._over.is_set():
            free = AT_ONCE - len(under_way)
            claimed = await asyncio.to_thread(self._claim, free) if free else []
            for due in claimed:
                self._busy[due.webhook.id] += 1
                under_way.add(asyncio.create_task(self._finish(due)))
            if not claimed or not free:
                await asyncio.sleep(LOOK_EVERY_S)
            under_way = {task for task in under_way if not task.done()}
        if under_way:
            await asyncio.wait(under_way, timeout=CLOSING_S)
        for task in under_way:
            task.cancel()

    def _claim(self, most: int) -> list[Due]:
        try:
            claimed = self._deliveries.claim(most, self._busy)
            if time.monotonic() >= self._forget_at:
                self._forget_at = time.monotonic() + FORGET_EVERY_S
                self._deliveries.forget(self._wall() - self._kept_s)
                self._deliveries.close_abandoned_batches()
        except Exception as error:
            self.faults.add(error)
            return []
        self.faults.clear()
        return claimed

    async def _finish(self, due: Due) -> None:
        try:
            with contextlib.suppress(DatabaseError):  # its lease runs out, and it is sent again under the same id
                await self._send(due)
        except Exception as error:
            self.faults.add(error)
        finally:
            self._busy[due.webhook.id] -= 1
