"""The one database: how it is opened, migrated and spoken to. SQLite for one machine, PostgreSQL for many."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from workers.errors import DatabaseDamaged, DatabaseError, DatabaseFull

BUSY_S: Final = 20.0
CONNECTIONS: Final = 32  # at most, a process
EXAMINE_EVERY_S: Final = 30.0  # a SQLite file at most
EXAMINING_SHARE: Final = 0.01  # of the time, at most: a large file takes seconds
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DAMAGED: Final = "the database's file is damaged; restore it from a copy"
_SYNCED: Final = "sonorize-synced"  # of a connection: whether its commits wait for the disk
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
MIGRATION_LOCK: Final = 7_306_095_201  # any number that nobody else locks


class Database:
    """An engine, and the two ways to use it."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.is_postgresql = engine.dialect.name == "postgresql"
        self._watching, self._writing = threading.Lock(), threading.Lock()
        self._watcher: sqlite3.Connection | None = None
        self._examining = threading.Lock()
        self._examine_after = 0.0  # monotonic
        self._damaged = False

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one moment and changes nothing. Raises DatabaseError."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, synced: bool = True) -> Iterator[sa.Connection]:
        """A transaction, on the disk when the block ends well, undone when it does not. Raises DatabaseError.

        Args:
            synced: false for what may be lost with the power of the machine, and with nothing less, until the next
                synced transaction: in SQLite the disk is then not waited for. PostgreSQL, which may lose power while
                the workers on other machines keep theirs, waits all the same.
        """
        how = {"writes": True, "synced": synced}
        with (
            self._turn(),
            _translated(),
            self.engine.connect().execution_options(**how) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One writer of this process after another where SQLite lets only one write anyway: it has who comes second
        sleep, up to a tenth of a second at a time, whereas a lock wakes the next one at once.
        """
        mine = not self.is_postgresql and self._writing.acquire(timeout=BUSY_S)
        try:
            yield  # also without it: SQLite says whether the database is busy
        finally:
            if mine:
                self._writing.release()

    def version(self) -> int | None:
        """A number that changes with every commit to a SQLite file, whoever made it; ``None`` where nobody can tell.

        It costs a hundredth of reading a row, so that what was read before can be used until something has changed.
        """
        told = None if self.is_postgresql else self._watched("PRAGMA data_version")
        return None if told is None else int(told[0])

    def is_empty(self, table: sa.Table) -> bool:
        """Whether a table holds nothing. In SQLite it costs as little as :meth:`version`. Raises DatabaseError."""
        if not self.is_postgresql:
            told = self._watched(f"SELECT NOT EXISTS (SELECT 1 FROM {table.name})")
            if told is not None:
                return bool(told[0])
        with self.reading() as connection:
            return connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is None

    def _watched(self, question: str) -> tuple[Any, ...] | None:
        """The row that answers a short question about a SQLite file; ``None`` where it cannot be read: whoever reads
        the rows finds out what is wrong.
        """
        with self._watching:
            try:
                if self._watcher is None:
                    # Not one of the pool: a connection does not count what it has changed itself.
                    address = f"file:{quote(os.fsencode(str(self.engine.url.database)))}?mode=ro"
                    self._watcher = sqlite3.connect(address, uri=True, timeout=BUSY_S, check_same_thread=False)
                found: tuple[Any, ...] | None = self._watcher.execute(question).fetchone()
            except sqlite3.Error:
                return None
        return found

    def close(self) -> None:
        """Give all connections back."""
        with self._watching:
            if self._watcher is not None:
                self._watcher.close()
            self._watcher = None
        self.engine.dispose()

    def check(self) -> None:
        """Raise DatabaseError unless the database answers now, and DatabaseDamaged where its file is damaged.

        A SQLite file is examined page by page, now and then; between two examinations the last one counts.
        """
        with self.reading() as connection:
            connection.execute(sa.select(1))
        if not self.is_postgresql and self._examining.acquire(blocking=False):
            try:
                self._examine()
            finally:
                self._examining.release()
        if self._damaged:
            raise DatabaseDamaged(_DAMAGED)

    def _examine(self) -> None:
        began = time.monotonic()
        if began < self._examine_after:
            return
        address = f"file:{quote(os.fsencode(str(self.engine.url.database)))}?mode=ro"
        try:
            # Not a connection of the pool: those keep pages in memory, as they were before the damage.
            with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection:
                self._damaged = connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",)
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF not in _DAMAGE:
                raise DatabaseError("the database's file cannot be read") from error
            self._damaged = True
        ended = time.monotonic()
        self._examine_after = ended + max(EXAMINE_EVERY_S, (ended - began) / EXAMINING_SHARE)


def open_database(url: str) -> Database:
    """Open and, where it is new or old, migrate. Several processes may do so at once.

    Raises:
        DatabaseError: the URL is not understood, or the database cannot be reached.
    """
    database = Database(_engine(url))
    if _is_newest(database):
        return database
    with database.writing() as connection:
        if database.is_postgresql:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        _migrate(connection)
    return database


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise DatabaseError(f"the database is {parsed.drivername}; allowed are sqlite and postgresql")
        if parsed.get_backend_name() == "postgresql":
            waits = {"connect_timeout": 5}
            return sa.create_engine(
                parsed,
                pool_size=CONNECTIONS // 2,
                max_overflow=CONNECTIONS // 2,
                pool_pre_ping=True,
                connect_args=waits,
            )
        return _sqlite_engine(parsed)
    except (ArgumentError, NoSuchModuleError) as error:
        raise DatabaseError("the database's URL is not understood; allowed are sqlite:/// and postgresql://") from error


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseError("SQLite needs a file: the worker is another process")
    try:
        Path(url.database).absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"the database's folder cannot be made: {error.strerror}") from error
    engine = sa.create_engine(
        url,
        pool_size=CONNECTIONS // 2,
        max_overflow=CONNECTIONS // 2,
        connect_args={"timeout": BUSY_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says, not where the driver guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer takes the lock at once: one that began by reading could not wait for it, only fail.
    options = connection.get_execution_options()
    writes = options.get("writes", False)
    if writes and connection.info.get(_SYNCED, True) != options.get("synced", True):
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get('synced', True) else 'NORMAL'}")
        connection.info[_SYNCED] = options.get("synced", True)  # only now: the file may not have been readable
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _is_newest(database: Database) -> bool:
    """Whether nothing is to be migrated, found out without Alembic, whose import takes longer than all the rest."""
    newest = max(step.name for step in (_MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]
    with database.reading() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return False
        return bool(connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == newest)


def _migrate(connection: sa.Connection, revision: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        if isinstance(error, sa.exc.IntegrityError):
            raise
        if isinstance(error, DBAPIError) and _is_full(error):
            raise DatabaseFull("the disk has no room for the database to write to") from error
        if isinstance(error, DBAPIError) and _is_damage(error):
            raise DatabaseDamaged(_DAMAGED) from error
        raise DatabaseError("the database cannot be reached, is busy or is full") from error


def _is_full(error: DBAPIError) -> bool:
    return _sqlite_code(error) == sqlite3.SQLITE_FULL or getattr(error.orig, "sqlstate", None) == "53100"


def _is_damage(error: DBAPIError) -> bool:
    return _sqlite_code(error) in _DAMAGE


def _sqlite_code(error: DBAPIError) -> int:
    """SQLite's primary result code; 0 for errors of others."""
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF
