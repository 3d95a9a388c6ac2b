"""Counters of all processes of a server, whatever machine they are on and however often they were started anew."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.records import METADATA

COUNTERS: Final = sa.Table(
    "counters",
    METADATA,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("labels", sa.String(255), primary_key=True),  # a JSON list of their values, in the family's order
    sa.Column("value", sa.Double, nullable=False),
)
