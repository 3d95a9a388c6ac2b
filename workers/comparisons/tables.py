"""The tables of comparisons and of the votes on them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.records import METADATA

COMPARISONS: Final = sa.Table(
    "comparisons",
    METADATA,
    # A result that its owner lets others compare with the clip's own sound; without a row nobody may.
    sa.Column("id", sa.String(32), primary_key=True),  # what voters see; no job's id
    sa.Column("job_id", sa.String(32), nullable=False, unique=True),
    sa.Column("mode", sa.String(32), nullable=False),  # of the voice that made the sound
    sa.Column("release", sa.String(64), nullable=False),  # of Sonorize, that made it
    sa.Column("files", sa.JSON(none_as_null=True)),  # kind of version -> storage key; once they are made
    sa.Column("problem", sa.Text),  # why they cannot be made
    sa.Column("created_at", sa.Double, nullable=False),
)

VOTES: Final = sa.Table(
    "comparison_votes",
    METADATA,
    # They outlive what was voted on, and say nothing of who voted: ``voter`` is the random name of a session, ``place``
    # a keyed digest of the address and the pair, which differs from pair to pair.
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("comparison_id", sa.String(32), nullable=False),
    sa.Column("voter", sa.String(64), nullable=False),
    sa.Column("place", sa.String(32)),
    sa.Column("against", sa.String(16), nullable=False),  # what stood beside the real sound: generated, silent, shifted
    sa.Column("right", sa.Boolean, nullable=False),  # whether the real sound was picked
    sa.Column("mode", sa.String(32), nullable=False),
    sa.Column("release", sa.String(64), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.UniqueConstraint("comparison_id", "voter", name="one_vote_a_pair_and_voter"),
    sa.Index("comparison_votes_of_voter", "voter"),
    sa.Index("comparison_votes_of_place", "place"),
)
