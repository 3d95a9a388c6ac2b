"""The table of refused items."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.records import METADATA

REFUSALS: Final = sa.Table(
    "batch_refusals",
    METADATA,
    # Items of a batch of which no job was made, so that its results name everything that was asked for.
    sa.Column("batch_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # of the item in the request, from 0
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("line", sa.Integer),  # of the manifest, from 1
    sa.Column("custom_id", sa.String(64)),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("code", sa.String(32), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)
