"""Where Alembic finds the connection: the caller's, whose transaction also holds the lock."""

from __future__ import annotations

from alembic import context

from workers.records import METADATA
from workers.uploads import tables as _uploads  # noqa: F401  what stands in METADATA beside the jobs

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
