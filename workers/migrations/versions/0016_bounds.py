"""One webhook for each address that jobs name, and where votes came from. Written out, as the first."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Forward."""
    op.add_column("webhooks", sa.Column("named", sa.String(64)))
    _join_named(op.get_bind())
    op.create_index("one_webhook_a_named_address", "webhooks", ["owner", "named"], unique=True)
    op.add_column("comparison_votes", sa.Column("place", sa.String(32)))
    op.create_index("comparison_votes_of_place", "comparison_votes", ["place"])


def _join_named(connection: sa.Connection) -> None:
    """Of several webhooks of one address that jobs name, the oldest stays and gets what the others had."""
    webhooks = sa.table("webhooks", *map(sa.column, ("id", "owner", "url", "named_only", "named")))
    webhooks.c.named_only.type = sa.Boolean()
    others = [sa.table(name, sa.column("webhook_id")) for name in ("jobs", "webhook_deliveries")]
    kept: dict[tuple[Any, Any], Any] = {}
    for row in connection.execute(sa.select(webhooks).where(webhooks.c.named_only).order_by(webhooks.c.id)).all():
        this = webhooks.c.id == row.id
        first = kept.setdefault((row.owner, row.url), row.id)
        if first == row.id:
            digest = hashlib.sha256(row.url.encode("utf-8", "surrogatepass")).hexdigest()
            connection.execute(sa.update(webhooks).where(this).values(named=digest))
            continue
        for other in others:
            connection.execute(sa.update(other).where(other.c.webhook_id == row.id).values(webhook_id=first))
        connection.execute(sa.delete(webhooks).where(this))
