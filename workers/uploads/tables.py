"""The tables of uploads, and of clips that wait for the storage."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.records import METADATA

UPLOADS: Final = sa.Table(
    "uploads",
    METADATA,
    # What somebody sends or has sent, before and after jobs are made of it. Its bytes lie in the folder of uploads
    # until the first job puts them into the storage, as `<id>/source`.
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # tus, presigned or partial
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),  # those that are on the disk; the file may have more
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Column("sha256", sa.String(64)),  # of the whole; known once somebody looked
    sa.Column("info", sa.JSON(none_as_null=True)),  # what the clip is, once somebody looked
    sa.Column("stored", sa.Boolean, nullable=False),  # whether it is in the storage
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),  # expired or deleted; the row says so for a while
    sa.Index("uploads_of_owner", "owner", "id"),
    sa.Index("uploads_by_expiry", "expires_at"),
)

SPOOLED: Final = sa.Table(
    "spooled_clips",
    METADATA,
    # Clips that were accepted while the storage was away. They lie in the folder of uploads of the server that took
    # them in, and go into the storage once it is back; until then their jobs are not claimed.
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)
