"""What is stored and with which bytes, what is still to be deleted, and who is logged in. Written out, as the first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "objects",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("stored_at", sa.Double, nullable=False),
    )
    op.create_index("objects_of_job", "objects", ["job_id"])
    op.create_table(
        "tombstones",
        sa.Column("job_id", sa.String(32), primary_key=True),
        sa.Column("deleted_at", sa.Double, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("key_name", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
