"""Where Alembic finds the connection: the caller's, whose transaction also holds the lock."""

from __future__ import annotations

from alembic import context

from workers.owners import tables as _owners  # noqa: F401  (its tables join the metadata)
from workers.records import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
