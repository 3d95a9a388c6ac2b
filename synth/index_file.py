"""A small SQLite file that says what it is: opened, checked for its format, its errors turned into sentences.

Every row is kept as soon as it is written, so that nothing is lost when the work is stopped. Importable without torch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final, Self

from synth.errors import OptionError

BUSY_S: Final = 30.0
"""Somebody else may be writing to the same index."""


class IndexFile:
    """An index file, open; a context manager. A kind of index says what it is and which tables it has.

    Args:
        file: where it lies; made where it is missing and ``root`` is given.
        root: the folder that is indexed, for a new index or one that moved.

    Raises:
        OptionError: there is no such index, it is something else or of another version, or it cannot be opened.
    """

    FORMAT: ClassVar[str]
    """Name and version, as they stand in the table ``about``."""
    KIND: ClassVar[str]
    """In words."""
    HINT: ClassVar[str] = ""
    """How to make one, after a semicolon."""
    TABLES: ClassVar[str]
    """SQL of the tables besides ``about``."""

    def __init__(self, file: Path, root: Path | None = None) -> None:
        self.file = file
        if root is None and not file.is_file():
            raise OptionError(f"there is no {self.KIND} at {str(file)!r}{self.HINT}")
        with self.explained():
            how = "" if root is not None or self.writes_without_root() else "?mode=ro"
            address = f"{file.absolute().as_uri()}{how}"
            self._base = sqlite3.connect(address, uri=True, timeout=BUSY_S, check_same_thread=False)
        try:
            with self.explained():
                self._check(root)
        except OptionError:
            self._base.close()
            raise

    @classmethod
    def writes_without_root(cls) -> bool:
        """Whether an index that is only opened may be written to."""
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def about(self) -> dict[str, str]:
        """What is noted of the whole index."""
        return dict(self._base.execute("SELECT key, value FROM about"))

    def note(self, **values: str) -> None:
        """Note something of the whole index."""
        with self._base:
            self._base.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", values.items())

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn SQLite's errors into a sentence.

        Raises:
            OptionError: SQLite raised something.
        """
        try:
            yield
        except sqlite3.Error as error:
            raise OptionError(f"the {self.KIND} {str(self.file)!r} cannot be used: {error}") from error

    def _check(self, root: Path | None) -> None:
        tables = {name for (name,) in self._base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and "about" not in tables:
            raise OptionError(f"{self.file.name!r} is not a {self.KIND}: it is somebody else's database")
        if root is not None:
            with self._base:
                self._base.execute("CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
                self._base.executescript(self.TABLES)
            if not tables:
                self.note(format=self.FORMAT)
        found = self.about().get("format") if tables or root is not None else None
        if found != self.FORMAT:
            raise OptionError(f"{self.file.name!r} is {found or f'no {self.KIND}'}; read is {self.FORMAT}")
        if root is not None and self.about().get("root") != str(root.resolve()):
            self.note(root=str(root.resolve()))
