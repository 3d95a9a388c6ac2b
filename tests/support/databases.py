"""Databases of the newest schema with nothing in them, without migrating anew for each test."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from workers.database import open_database

KINDS: Final = ("sqlite", "postgresql")

_CLEAR: Final = """
DO $$
DECLARE one text; filled boolean;
BEGIN
    FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', one) INTO filled;
        IF filled THEN EXECUTE format('TRUNCATE %I RESTART IDENTITY CASCADE', one); END IF;
    END LOOP;
END $$
"""


def url_of(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """That of a database of the kind that a fixture's parameter names, one of :data:`KINDS`."""
    if request.param == "postgresql":
        return cleared(request.getfixturevalue("postgres_url"))
    return laid(tmp_path / "jobs.db")


def laid(file: Path) -> str:
    """The URL of an SQLite file, which is a new database where none is there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_template(), file)
    return f"sqlite:///{file}"


def cleared(url: str) -> str:
    """The same PostgreSQL database, migrated where it is not, with no rows."""
    database = open_database(url)
    with database.engine.begin() as connection:
        connection.execute(sa.text(_CLEAR))
    database.engine.dispose()
    return url


@functools.cache
def _template() -> Path:
    """A new database as its first opening leaves it; one a process."""
    folder = Path(tempfile.mkdtemp(prefix="sonorize-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "newest.db"
    open_database(f"sqlite:///{file}").engine.dispose()
    assert [path.name for path in folder.iterdir()] == [file.name]  # nothing waits in a log beside it
    return file
