"""Where Alembic finds the connection: the caller's, whose transaction also holds the lock."""

from __future__ import annotations

from alembic import context

from workers.batches import tables as batch_tables
from workers.comparisons import tables as comparison_tables
from workers.gallery import tables as gallery_tables
from workers.owners import tables as owner_tables
from workers.records import METADATA
from workers.score import tables as score_tables
from workers.telemetry import tables as telemetry_tables
from workers.timing import tables as timing_tables
from workers.uploads import tables as uploads_tables
from workers.webhooks import tables as webhooks_tables

_TABLES = (
    comparison_tables,
    batch_tables,
    gallery_tables,
    owner_tables,
    score_tables,
    telemetry_tables,
    timing_tables,
    uploads_tables,
    webhooks_tables,
)  # the rooms whose tables stand beside those of the records

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
