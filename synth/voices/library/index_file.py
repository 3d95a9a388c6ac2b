"""The index file of a sound library: an SQLite file with a row a recording.

Each recording is kept as soon as it was heard, so that nothing is lost when the work is stopped, and one that changed
replaces its own row only. Importable without torch.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from synth.errors import OptionError
from synth.voices.hits.sound_bank import FEATURES
from synth.voices.library.catalogue import Entry, Floats, Library, Recording

FORMAT: Final = "sonorize-library"
VERSION: Final = 1
BUSY_S: Final = 30.0  # somebody else may be writing to the same index

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS recordings (path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    heard_by TEXT NOT NULL, told TEXT NOT NULL, texture BLOB NOT NULL, vector BLOB, attacks BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS skipped (path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    heard_by TEXT NOT NULL, reason TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Stamp:
    """By what a file is known not to have changed since it was heard, and by whom it was heard."""

    bytes_: int
    mtime_ns: int
    heard_by: str


class Index:
    """An index file, open for reading and writing; a context manager.

    Args:
        file: where it lies; made where it is missing and ``root`` is given.
        root: the library's folder, for a new index or one that moved.

    Raises:
        OptionError: the file is no index, is one of another version, or cannot be opened.
    """

    def __init__(self, file: Path, root: Path | None = None) -> None:
        self.file = file
        if root is None and not file.is_file():
            raise OptionError(f"the library index {str(file)!r} does not exist")
        with _explained(file):
            how = "" if root is not None else "?mode=ro"
            self._base = sqlite3.connect(f"{file.absolute().as_uri()}{how}", uri=True, timeout=BUSY_S)
        try:
            with _explained(file):
                self._check(root)
        except OptionError:
            self._base.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def _check(self, root: Path | None) -> None:
        tables = {name for (name,) in self._base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and "about" not in tables:
            raise OptionError(f"{self.file.name!r} is not a library index: it is somebody else's database")
        if root is not None:
            with self._base:
                self._base.executescript(_TABLES)
                if not tables:
                    self._tell("format", f"{FORMAT} {VERSION}")
                self._tell("root", str(root.resolve()))
        found = self.about().get("format")
        if found != f"{FORMAT} {VERSION}":
            raise OptionError(f"{self.file.name!r} is {found or 'not a library index'}; read is {FORMAT} {VERSION}")

    def _tell(self, key: str, value: str) -> None:
        self._base.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value))

    def tell(self, **told: str) -> None:
        """Note something of the whole library."""
        with self._base:
            for key, value in told.items():
                self._tell(key, value)

    def about(self) -> dict[str, str]:
        """What is noted of the whole library."""
        return dict(self._base.execute("SELECT key, value FROM about"))

    def stamps(self) -> dict[str, Stamp]:
        """Path -> stamp of all files that were looked at, the skipped ones too."""
        rows = self._base.execute(
            "SELECT path, bytes, mtime_ns, heard_by FROM recordings UNION ALL "
            "SELECT path, bytes, mtime_ns, heard_by FROM skipped"
        )
        return {path: Stamp(*rest) for path, *rest in rows}

    def put(self, entry: Entry, stamp: Stamp) -> None:
        """Keep a recording, in the place of an older one of its path."""
        told, vector = json.dumps(entry.recording.as_json()), entry.vector
        row = (
            entry.recording.path,
            *(stamp.bytes_, stamp.mtime_ns, stamp.heard_by),
            told,
            *(_packed(entry.texture), None if vector is None else _packed(vector), _packed(entry.attacks)),
        )
        with self._base:
            self._base.execute("DELETE FROM skipped WHERE path = ?", (entry.recording.path,))
            self._base.execute("INSERT OR REPLACE INTO recordings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def told(self, path: str) -> dict[str, Any] | None:
        """What is told of a recording, as :meth:`Recording.as_json` gave it; ``None`` for one that is not kept."""
        row = self._base.execute("SELECT told FROM recordings WHERE path = ?", (path,)).fetchone()
        return dict(json.loads(row[0])) if row else None

    def retell(self, told: Mapping[str, Any], stamp: Stamp) -> None:
        """Keep a recording whose sound is the same as before, told in other words."""
        with self._base:
            self._base.execute(
                "UPDATE recordings SET bytes = ?, mtime_ns = ?, heard_by = ?, told = ? WHERE path = ?",
                (stamp.bytes_, stamp.mtime_ns, stamp.heard_by, json.dumps(told), told["path"]),
            )

    def skip(self, path: str, stamp: Stamp, reason: str) -> None:
        """Keep in mind that a file holds nothing to be used, and why."""
        with self._base:
            self._base.execute("DELETE FROM recordings WHERE path = ?", (path,))
            row = (path, stamp.bytes_, stamp.mtime_ns, stamp.heard_by, reason)
            self._base.execute("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?, ?)", row)

    def drop(self, paths: Sequence[str]) -> None:
        """Forget files that are not there any more."""
        with self._base:
            for table in ("recordings", "skipped"):
                self._base.executemany(f"DELETE FROM {table} WHERE path = ?", [(path,) for path in paths])

    def skipped(self) -> dict[str, str]:
        """Path -> why it was skipped, in the order of the paths."""
        return dict(self._base.execute("SELECT path, reason FROM skipped ORDER BY path"))

    def recordings(self) -> Iterator[Recording]:
        """What is told of all recordings, in the order of their paths."""
        for (told,) in self._base.execute("SELECT told FROM recordings ORDER BY path"):
            yield Recording.from_json(json.loads(told))

    def entries(self) -> Iterator[Entry]:
        """All recordings in the order of their paths; vectors of other weights than the latest are left out."""
        latest = f"vectors by {self.about().get('vectors_by')},"
        rows = self._base.execute("SELECT heard_by, told, texture, vector, attacks FROM recordings ORDER BY path")
        for heard_by, told, texture, vector, attacks in rows:
            recording = Recording.from_json(json.loads(told))
            vector = vector if latest in heard_by else None
            windows = _unpacked(attacks).reshape(-1, FEATURES)
            yield Entry(recording, _unpacked(texture), None if vector is None else _unpacked(vector), windows)


def load(file: Path) -> Library:
    """A whole library in memory.

    Raises:
        OptionError: its index is missing, damaged, or of another version.
    """
    with Index(file) as index, _explained(file):
        about = index.about()
        try:
            entries = tuple(index.entries())
        except (ValueError, KeyError, TypeError) as error:
            raise OptionError(f"the library index {file.name!r} is damaged: {error}") from error
    return Library(file.stem, Path(about["root"]), entries, about)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Errors of the database as sentences.

    Raises:
        OptionError: the database refuses.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise OptionError(f"the library index {file.name!r} cannot be used: {error}") from error


def _packed(numbers: Floats) -> bytes:
    return numbers.astype("<f2").tobytes()


def _unpacked(payload: bytes) -> Floats:
    return np.frombuffer(payload, "<f2").astype(np.float32)
