"""What is kept beside the jobs for the lists of their results, and the links by which strangers see one."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.records import METADATA

MADE: Final = sa.Table(
    "made",
    METADATA,
    # What a finished job's takes are: their voices, sounds, materials and kinds of texture; goes with its job.
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("value", sa.String(64), primary_key=True),
    sa.Index("made_by_value", "kind", "value", "job_id"),
)

FAVOURITES: Final = sa.Table(
    "favourites",
    METADATA,
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
)

SHARES: Final = sa.Table(
    "shares",
    METADATA,
    # Links by which people without a key see one result; the link holds the token whose SHA-256 stands here.
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Index("shares_of_job", "job_id"),
)
