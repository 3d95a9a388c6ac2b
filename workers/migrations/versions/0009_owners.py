"""Quotas, use and turns of owners; of jobs their turn and how long they are kept. Written out, as the first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Forward. Jobs that wait keep their order: all have the same turn, and the longest waiting goes first."""
    op.create_table(
        "owners",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("weight", sa.Double),
        sa.Column("max_bytes", sa.BigInteger),
        sa.Column("max_queued", sa.Integer),
        sa.Column("max_sound_s", sa.Double),
        sa.Column("retention_days", sa.Double),
    )
    op.create_table(
        "owner_days",
        sa.Column("owner", sa.String(200), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("sound_s", sa.Double, nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("owner", sa.String(200), primary_key=True),
        sa.Column("mode", sa.String(32), primary_key=True),
        sa.Column("ends", sa.Double, nullable=False),
    )
    op.add_column("jobs", sa.Column("turn", sa.Double, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("keep_until", sa.Double))
    op.drop_index("jobs_waiting", "jobs")
    op.create_index("jobs_waiting", "jobs", ["state", "mode", "turn", "queued_at"])
