"""The tables of scores: versions of drafts, and takes that were asked for of them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.records import METADATA

SCORES: Final = sa.Table(
    "scores",
    METADATA,
    # Versions of the draft of a take's score, from 1 on; version 0 is the take's own file. Goes with its job.
    # The score null: the draft was forgotten; it keeps the numbers before it from being given again.
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("take", sa.Integer, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("score", sa.JSON, nullable=False),
    sa.Column("saved_at", sa.Double, nullable=False),
)

SCORE_RENDERS: Final = sa.Table(
    "score_renders",
    METADATA,
    # A take that was asked for, and the row that renders it. Goes with its job.
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("take", sa.Integer, primary_key=True),
    sa.Column("parent", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("row_id", sa.String(32), nullable=False),
    sa.Column("asked_at", sa.Double, nullable=False),
)
