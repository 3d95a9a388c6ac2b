"""The services of several machines for tests that do not care: PostgreSQL, Valkey over TCP and SeaweedFS.

`make services` sets ``SONORIZE_TEST_SERVICES``. Every place and server of the tests then gets a database, a number of
the broker and a bucket of its own, instead of SQLite, a socket and a folder; the same folder of data gets the same ones
again.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import tempfile
from pathlib import Path
from typing import Final, Self

import pytest
import sqlalchemy as sa

from tests.support import servers

WANTED: Final = bool(os.environ.get("SONORIZE_TEST_SERVICES"))
BROKER_NUMBERS: Final = 4096
PLAIN_NUMBERS: Final = 1  # number 0 is whoever's
BUCKETS_KEPT: Final = 24  # a bucket takes room in SeaweedFS even where nothing lies in it
TEMPLATE: Final = "sonorize_template"

embedded_only = pytest.mark.skipif(WANTED, reason="about SQLite, the embedded broker or the folder of files")
"""For tests of what one machine has and several have not."""


def settings_of(folder: Path, *, lasting: bool = False) -> dict[str, str]:
    """Settings of the services for the data of that folder; nothing where one machine's are wanted.

    Args:
        lasting: the bucket stays to the end of the tests; others go once many newer ones were made.
    """
    return _Services.running().settings(folder, lasting=lasting) if WANTED else {}


def environment_of(folder: Path) -> dict[str, str]:
    """The same as variables of a server's environment."""
    return {f"SONORIZE_{name.upper()}": value for name, value in settings_of(folder, lasting=True).items()}


class _Services:
    """One set of servers for all tests of this process, gone when it ends."""

    _one: Self | None = None

    def __init__(self) -> None:
        held = contextlib.ExitStack()
        atexit.register(held.close)
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="sonorize-services-")))
        self._postgres_url = held.enter_context(servers.postgres())
        self._s3 = held.enter_context(servers.seaweed(folder))
        (self._port,) = servers.free_ports(1)
        held.enter_context(servers.valkey(self._port, databases=BROKER_NUMBERS))
        self._made: dict[Path, dict[str, str]] = {}
        self._passing: list[str] = []
        self._numbers = itertools.count(PLAIN_NUMBERS)
        self._make_template()

    @classmethod
    def running(cls) -> Self:
        if cls._one is None:
            cls._one = cls()
        return cls._one

    def settings(self, folder: Path, *, lasting: bool) -> dict[str, str]:
        folder = folder.absolute()
        if folder not in self._made:
            number = next(self._numbers)
            assert number < BROKER_NUMBERS, "more servers than the broker has numbers"
            self._run(f'CREATE DATABASE "sonorize_{number}" TEMPLATE {TEMPLATE}')
            self._made[folder] = {
                "database_url": self._postgres_url.replace("/postgres?", f"/sonorize_{number}?"),
                "broker_url": f"redis://:{servers.BROKER_PASSWORD}@127.0.0.1:{self._port}/{number}",
                "storage_url": self._bucket(f"sonorize-{number}", lasting=lasting),
                "s3_access_key": self._s3.access_key,
                "s3_secret_key": self._s3.secret_key,
            }
        return dict(self._made[folder])

    def _bucket(self, name: str, *, lasting: bool) -> str:
        self._s3.make_bucket(name)
        if not lasting:
            self._passing.append(name)
            for old in self._passing[:-BUCKETS_KEPT]:
                self._s3.delete_bucket(old)
            del self._passing[:-BUCKETS_KEPT]
        return self._s3.url(name, public=False)

    def _make_template(self) -> None:
        """A database with the newest schema: copying it takes a twentieth of the time of making it."""
        from workers.database import open_database

        self._run(f"CREATE DATABASE {TEMPLATE}")
        open_database(self._postgres_url.replace("/postgres?", f"/{TEMPLATE}?")).engine.dispose()

    def _run(self, statement: str) -> None:
        address = self._postgres_url.replace("postgresql://", "postgresql+psycopg://")
        engine = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()
