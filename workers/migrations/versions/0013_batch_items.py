"""Names that clients give to items of a batch, and items that were refused. Written out, as the first step was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Forward."""
    op.add_column("jobs", sa.Column("custom_id", sa.String(64)))
    op.create_index("jobs_by_custom_id", "jobs", ["owner", "batch_id", "custom_id"], unique=True)
    op.create_table(
        "batch_refusals",
        sa.Column("batch_id", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("line", sa.Integer),
        sa.Column("custom_id", sa.String(64)),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
