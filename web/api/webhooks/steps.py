"""What API and page do with webhooks alike, and how they tell of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from web.api.problems import Problem
from web.context import owner, site
from workers.records import moment
from workers.webhooks.addresses import Refused, target_of
from workers.webhooks.deliveries import Delivery
from workers.webhooks.endpoints import Webhook
from workers.webhooks.outbox import USUAL, DeliveryState


def allowed_url(url: str) -> str:
    """An address that webhooks may go to, as far as its text says.

    Raises:
        Problem: ``option``.
    """
    try:
        target_of(url, site().webhook_policy)
    except Refused as error:
        raise Problem("option", str(error)) from error
    return url


def make(url: str, events: list[str] | None = None, description: str = "") -> Webhook:
    """A new endpoint of the caller's. Raises Problem and Conflict."""
    wanted = events or [one.value for one in USUAL]
    return site().endpoints.make(owner(), allowed_url(url), events=wanted, description=_readable(description))


def _readable(description: str) -> str:
    if not description.isprintable():
        raise Problem("option", f"description is {description[:40]!r}; allowed are letters that can be printed")
    return description


def change(webhook: Webhook, asked: Mapping[str, Any]) -> Webhook:
    """The endpoint as it is when what was asked for is done.

    Args:
        asked: ``url``, ``events``, ``description``, ``enabled``; what is ``None`` stays as it is.
    """
    endpoints, values = site().endpoints, {name: value for name, value in asked.items() if value is not None}
    enabled = values.pop("enabled", None)
    if "url" in values:
        allowed_url(values["url"])
    _readable(values.get("description", ""))
    if values:
        webhook = endpoints.change(webhook.id, webhook.owner, **values)
    if enabled is True and webhook.disabled_at is not None:
        return endpoints.enable(webhook.id, webhook.owner)
    if enabled is False and webhook.disabled_at is None:
        return endpoints.disable(webhook.id, webhook.owner, "its owner disabled it")
    return webhook


def replay_all(webhook: Webhook, since_hours: float) -> int:
    """Send again what failed or was held in the last hours; how many. Raises Conflict."""
    return site().deliveries.replay_all(webhook, time.time() - since_hours * 3600)


def webhook_json(webhook: Webhook) -> dict[str, Any]:
    """An endpoint, without its secret."""
    base = f"/v1/webhooks/{webhook.id}"
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "named_only": bool(webhook.named_only),
        "description": webhook.description,
        "enabled": webhook.disabled_at is None,
        "disabled_at": moment(webhook.disabled_at),
        "disabled_reason": webhook.disabled_reason,
        "failing_since": moment(webhook.failing_since),
        "previous_secret_until": moment(webhook.previous_until) if len(webhook.secrets(time.time())) > 1 else None,
        "created_at": moment(webhook.created_at),
        "links": {
            "self": base,
            "deliveries": f"{base}/deliveries",
            "secret": f"{base}/secret",
            "rotate": f"{base}/rotate",
            "test": f"{base}/test",
            "replay": f"{base}/replay",
            "page": f"/webhooks/{webhook.id}",
        },
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """One delivery, with its newest tries."""
    base = f"/v1/webhooks/{delivery.webhook_id}/deliveries/{delivery.id}"
    waits = delivery.state is DeliveryState.PENDING
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "type": delivery.type,
        "about": delivery.about,
        "status": delivery.state.value,
        "tries": delivery.tries,
        "next_try_at": moment(delivery.next_at or delivery.created_at) if waits else None,
        "created_at": moment(delivery.created_at),
        "ended_at": moment(delivery.ended_at),
        "log": [dict(entry) for entry in delivery.log],
        "links": {"self": base, "replay": f"{base}/replay"},
    }
