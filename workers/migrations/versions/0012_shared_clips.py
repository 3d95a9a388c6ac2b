"""Whose file a job's clip is, so that several may share it; clips that wait to be stored. Written out, as the first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_ID_DIGITS = 26


def upgrade() -> None:
    """Forward. Until now every clip was a job's own, or (of questions) that of the job that its key names."""
    op.add_column("jobs", sa.Column("source_id", sa.String(32)))
    op.execute(
        f"UPDATE jobs SET source_id = substr(source_key, 1, {_ID_DIGITS}) "
        f"WHERE length(source_key) > {_ID_DIGITS + 1} AND substr(source_key, {_ID_DIGITS + 1}, 1) = '/'"
    )
    op.create_index("jobs_of_source", "jobs", ["source_id"])
    op.create_table(
        "spooled_clips",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
