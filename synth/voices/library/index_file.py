"""The index file of a sound library: an SQLite file with a row a recording.

Each recording is kept as soon as it was heard, so that nothing is lost when the work is stopped, and one that changed
replaces its own row only. Importable without torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synth.errors import OptionError
from synth.index_file import IndexFile
from synth.voices.hits.sound_bank import FEATURES
from synth.voices.library.catalogue import Entry, Floats, Library, Recording


@dataclass(frozen=True)
class Stamp:
    """By what a file is known not to have changed since it was heard, and by whom it was heard."""

    bytes_: int
    mtime_ns: int
    heard_by: str


class Index(IndexFile):
    """The index of a sound library; see :class:`synth.index_file.IndexFile`. Without ``root`` it is only read."""

    FORMAT = "sonorize-library 1"
    KIND = "library index"
    TABLES = """
CREATE TABLE IF NOT EXISTS recordings (path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    heard_by TEXT NOT NULL, told TEXT NOT NULL, texture BLOB NOT NULL, vector BLOB, attacks BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS skipped (path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    heard_by TEXT NOT NULL, reason TEXT NOT NULL);
"""

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
    with Index(file) as index, index.explained():
        about = index.about()
        try:
            entries = tuple(index.entries())
        except (ValueError, KeyError, TypeError) as error:
            raise OptionError(f"the library index {file.name!r} is damaged: {error}") from error
    return Library(file.stem, Path(about["root"]), entries, about)


def _packed(numbers: Floats) -> bytes:
    return numbers.astype("<f2").tobytes()


def _unpacked(payload: bytes) -> Floats:
    return np.frombuffer(payload, "<f2").astype(np.float32)
