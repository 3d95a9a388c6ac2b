"""The retrieval index, and the boxes that people draw. Written out, as the first step was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "vectors",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("take", sa.Integer, primary_key=True),
        sa.Column("space", sa.String(32), primary_key=True),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_index("vectors_of_space", "vectors", ["space", "side"])
    op.create_table(
        "boxes",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("time_s", sa.Double, nullable=False),
        sa.Column("visible", sa.Boolean, nullable=False),
        sa.Column("left", sa.Double),
        sa.Column("top", sa.Double),
        sa.Column("right", sa.Double),
        sa.Column("bottom", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_index("boxes_of_job", "boxes", ["job_id"])
