"""Webhooks: endpoints, what was delivered to them, and what became of it."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from web.api.schemas.base import Count, Links, Moment, OneOf, Seconds, Setting, Shape, by_setting
from workers.webhooks.addresses import MAX_URL_CHARS
from workers.webhooks.outbox import CHOICES, USUAL, DeliveryState, EventType

MAX_DESCRIPTION: Final = 200
MAX_REPLAY_HOURS: Final = 24 * 366
MAX_OVERLAP_HOURS: Final = 24 * 30
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_URL_CHARS,
        json_schema_extra=by_setting(Setting.WEBHOOK),
        description="https://, and no address that is private.",
    ),
]
Wanted = Annotated[
    list[Annotated[str, OneOf(tuple(one.value for one in CHOICES))]], Field(min_length=1, max_length=len(CHOICES))
]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION)]


class Webhook(Shape):
    """An address to which events go."""

    id: str
    url: str
    events: list[str] = Field(description="Types of events that it gets.")
    named_only: bool = Field(description="It gets the events of jobs that name it, and no others.")
    description: str
    enabled: bool
    disabled_at: Moment | None
    disabled_reason: str | None
    failing_since: Moment | None = Field(description="Since when no delivery has arrived, though some were tried.")
    previous_secret_until: Moment | None = Field(description="Until then the secret before signs too.")
    created_at: Moment
    links: Links


class Webhooks(Shape):
    """All of one's own."""

    webhooks: list[Webhook]


class NewWebhook(Shape):
    """What to tell, and where."""

    url: Url
    events: Wanted = Field(default_factory=lambda: [one.value for one in USUAL])
    description: Description = ""


class WebhookChanges(Shape):
    """What is to be otherwise."""

    url: Url | None = None
    events: Wanted | None = None
    description: Description | None = None
    enabled: bool | None = None


class WebhookSecret(Shape):
    """With what deliveries are signed, as Standard Webhooks has it."""

    secret: str = Field(description="`whsec_` and base64.")


class MadeWebhook(WebhookSecret):
    """A new endpoint, or one with a new secret."""

    webhook: Webhook


class WebhookRotation(Shape):
    """For how long both secrets sign."""

    overlap_hours: float = Field(24.0, ge=0, le=MAX_OVERLAP_HOURS)


class Try(Shape):
    """One try to deliver."""

    at: Moment
    status: int | None = Field(description="Of the answer; null where none came.")
    error: str | None
    seconds: Seconds
    body: str = Field(description="The beginning of the answer's.")


class Delivery(Shape):
    """One event on its way to one address."""

    id: str
    event_id: str = Field(description="As it is sent in `webhook-id`; the same however often.")
    type: Annotated[str, OneOf(tuple(EventType))]
    about: str = Field(description="The job or the batch.")
    status: Annotated[str, OneOf(tuple(DeliveryState))]
    tries: Count
    next_try_at: Moment | None
    created_at: Moment
    ended_at: Moment | None
    log: list[Try] = Field(description="The newest tries, oldest first.")
    links: Links


class Deliveries(Shape):
    """A page of deliveries, newest first."""

    deliveries: list[Delivery]
    next_cursor: str | None


class DeliveriesQuery(Shape):
    """Which deliveries, and how many of them."""

    status: Annotated[str, OneOf(tuple(DeliveryState))] | None = None
    cursor: str | None = Field(None, min_length=1, description="`next_cursor` of the page before.")
    limit: int = Field(24, ge=1, le=100)


class ReplayAll(Shape):
    """How far back."""

    since_hours: float = Field(24.0, gt=0, le=MAX_REPLAY_HOURS)


class Replayed(Shape):
    """How many deliveries are sent again."""

    deliveries: Count
