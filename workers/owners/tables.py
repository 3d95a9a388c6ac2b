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

OWNERS: Final = sa.Table(
    "owners",
    METADATA,
    # What was set for an owner; null, and no row at all, is what the settings say for everybody.
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("weight", sa.Double),
    sa.Column("max_bytes", sa.BigInteger),
    sa.Column("max_queued", sa.Integer),
    sa.Column("max_sound_s", sa.Double),
    sa.Column("retention_days", sa.Double),
)

OWNER_DAYS: Final = sa.Table(
    "owner_days",
    METADATA,
    # Seconds of sound that an owner asked for, by day (UTC); it stays though the jobs are deleted.
    sa.Column("owner", sa.String(200), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("sound_s", sa.Double, nullable=False),
)

TURNS: Final = sa.Table(
    "turns",
    METADATA,
    # Where in the virtual time of a mode's queue an owner's newest job ends; see workers.owners.turns.
    sa.Column("owner", sa.String(200), primary_key=True),
    sa.Column("mode", sa.String(32), primary_key=True),
    sa.Column("ends", sa.Double, nullable=False),
)
