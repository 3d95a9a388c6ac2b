"""In which order vectors came, and the words by which jobs are found. Written out, as the first step was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forward."""
    op.add_column("vectors", sa.Column("serial", sa.BigInteger, nullable=False, server_default="0"))
    op.drop_index("vectors_of_space", "vectors")
    op.create_index("vectors_of_space", "vectors", ["space", "side", "serial"])
    op.create_index("vectors_by_serial", "vectors", ["serial"])
    op.create_table(
        "words",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("take", sa.Integer, primary_key=True),
        sa.Column("word", sa.String(64), primary_key=True),
        sa.Column("weight", sa.Double, nullable=False),
    )
    op.create_index("words_by_word", "words", ["word"])
