"""What stages took, and which workers are there. Written out, as the first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "stage_times",
        sa.Column("mode", sa.String(32), primary_key=True),
        sa.Column("stage", sa.String(32), primary_key=True),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("weight", "sum_x", "sum_y", "sum_xx", "sum_xy")),
    )
    op.create_table(
        "worker_signs",
        sa.Column("node", sa.String(200), primary_key=True),
        sa.Column("modes", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
    )
