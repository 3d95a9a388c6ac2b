"""The tables about owners. An owner is a name under which jobs stand; nothing has to be written down to be one."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from workers.records import METADATA

KEYS: Final = sa.Table(
    "api_keys",
    METADATA,
    # Keys that were made without touching the settings. Their secrets are known to nobody here.
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # SHA-256 of the whole key, in hex
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("label", sa.String(100), nullable=False),
    sa.Column("scopes", sa.String(64), nullable=False),  # words with spaces between them
    sa.Column("made_by", sa.String(64), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double),
    sa.Column("revoked_at", sa.Double),
    sa.Column("last_used_at", sa.Double),
    sa.Column("replaced_by", sa.String(16)),
    sa.Index("api_keys_of_owner", "owner", "created_at"),
)
