"""Endpoints, events and their deliveries. An event and its deliveries are written with the change that they tell of."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.records import METADATA

WEBHOOKS: Final = sa.Table(
    "webhooks",
    METADATA,
    # Addresses to which events go. The secrets stand here as they are: whoever signs must know them.
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("events", sa.JSON, nullable=False),  # names of the types that it wants
    sa.Column("named_only", sa.Boolean, nullable=False),  # made for jobs that name it; it gets nothing of others
    sa.Column("named", sa.String(64)),  # digest of the address where jobs name it; of ordinary ones none
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("secret", sa.String(80), nullable=False),
    sa.Column("previous_secret", sa.String(80)),  # signs too until then, after a rotation
    sa.Column("previous_until", sa.Double),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("failing_since", sa.Double),  # when the first try failed after which none went well
    sa.Column("disabled_at", sa.Double),
    sa.Column("disabled_reason", sa.Text),
    sa.Index("webhooks_of_owner", "owner", "id"),
    sa.Index("one_webhook_a_named_address", "owner", "named", unique=True),
)

EVENTS: Final = sa.Table(
    "webhook_events",
    METADATA,
    # What happened, in the very bytes that are sent, however often.
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("type", sa.String(32), nullable=False),
    sa.Column("about", sa.String(32), nullable=False),  # the job or the batch
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("webhook_events_by_age", "created_at"),
)

DELIVERIES: Final = sa.Table(
    "webhook_deliveries",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("webhook_id", sa.String(32), sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    sa.Column("event_id", sa.String(40), sa.ForeignKey("webhook_events.id", ondelete="CASCADE"), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),  # since it was last asked for
    sa.Column("attempt", sa.Integer, nullable=False),  # ever; fences off a sender that lost its lease
    sa.Column("next_at", sa.Double, nullable=False),  # by the scheduling clock, as the lease
    sa.Column("lease_until", sa.Double),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),
    sa.Column("log", sa.JSON, nullable=False),  # what came of the newest tries
    sa.Index("webhook_deliveries_due", "state", "next_at"),
    sa.Index("webhook_deliveries_of_webhook", "webhook_id", "id"),
    sa.Index("webhook_deliveries_of_event", "event_id"),
)

OPEN_BATCHES: Final = sa.Table(
    "open_batches",
    METADATA,
    # Batches whose jobs are still being made: they have not ended, even where all that is made so far has.
    sa.Column("batch_id", sa.String(32), primary_key=True),
    sa.Column("opened_at", sa.Double, nullable=False),
)
