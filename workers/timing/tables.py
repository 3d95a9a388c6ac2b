"""What is kept of the time that work took, and of the workers that are there."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.records import METADATA

STAGE_TIMES: Final = sa.Table(
    "stage_times",
    METADATA,
    # Sums over the newest jobs, older ones counting less: x is the clip's seconds, y the seconds that the stage took.
    sa.Column("mode", sa.String(32), primary_key=True),
    sa.Column("stage", sa.String(32), primary_key=True),
    sa.Column("weight", sa.Double, nullable=False),
    sa.Column("sum_x", sa.Double, nullable=False),
    sa.Column("sum_y", sa.Double, nullable=False),
    sa.Column("sum_xx", sa.Double, nullable=False),
    sa.Column("sum_xy", sa.Double, nullable=False),
)

WORKER_SIGNS: Final = sa.Table(
    "worker_signs",
    METADATA,
    # Each worker's newest sign of life, by the scheduling clock.
    sa.Column("node", sa.String(200), primary_key=True),
    sa.Column("modes", sa.Text, nullable=False),  # with a comma before and after each
    sa.Column("seen_at", sa.Double, nullable=False),
)
