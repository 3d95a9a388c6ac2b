"""Where Alembic finds the connection: the caller's, whose transaction also holds the lock."""

from __future__ import annotations

from alembic import context

from workers.records import METADATA
from workers.telemetry import tables as telemetry_tables
from workers.timing import tables as timing_tables

_TABLES = (telemetry_tables, timing_tables)  # the rooms whose tables stand beside those of the records

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
