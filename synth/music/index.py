"""What is known of the music in a folder: one index file, kept up to date, from which suggestions are made.

Each track is kept as soon as it was heard, so that a run that is stopped goes on where it was; one that changed (by
size and time) is heard again, one that is gone is forgotten, one that cannot be read is kept in mind with the reason.
The index holds numbers and what is said of a track; the music stays where it is. Importable without torch.

Shapes: M tracks, 1140 numbers each, see :mod:`synth.music.features`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import Cancelled, MediaError, OptionError
from synth.index_file import IndexFile
from synth.media import audio
from synth.media.sound.recordings import find_recordings
from synth.music import features
from synth.music.folder import Track, told_of
from synth.voices.library.licences import Origins

INDEX_NAME: Final = ".sonorize-music.sqlite"
"""Of a folder's own index."""

Progress = Callable[[str, float], None]


@dataclass
class Update:
    """What became of a folder's files."""

    heard: int = 0
    known: int = 0
    gone: int = 0
    skipped: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


class MusicIndex(IndexFile):
    """The index of a folder of music; see :class:`synth.index_file.IndexFile`."""

    FORMAT = "sonorize-music 1"
    KIND = "index of music"
    HINT = "; make one with `sonorize music index FOLDER`"
    TABLES = """
CREATE TABLE IF NOT EXISTS tracks (path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    told TEXT, numbers BLOB, reason TEXT);
"""

    @classmethod
    def writes_without_root(cls) -> bool:
        """An index that is there already may be brought up to date."""
        return True

    @property
    def root(self) -> Path:
        """The folder of the music."""
        with self.explained():
            (root,) = self._base.execute("SELECT value FROM about WHERE key = 'root'").fetchone()
        return Path(root)

    def tracks(self) -> tuple[list[Track], NDArray[np.float32]]:
        """All tracks that can be suggested, in the order of their paths, and their numbers [M, 1140]."""
        with self.explained():
            rows = self._base.execute(
                "SELECT told, numbers FROM tracks WHERE told IS NOT NULL ORDER BY path"
            ).fetchall()
        numbers = np.zeros((len(rows), features.FEATURES), np.float32)
        for place, (_, blob) in enumerate(rows):
            numbers[place] = np.frombuffer(blob, "<f4")
        return [Track(**json.loads(told)) for told, _ in rows], numbers

    def skipped(self) -> dict[str, str]:
        """Path -> why it cannot be suggested."""
        with self.explained():
            found = self._base.execute("SELECT path, reason FROM tracks WHERE told IS NULL ORDER BY path")
            return dict(found.fetchall())

    def update(
        self,
        *,
        progress: Progress = lambda _name, _fraction: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Update:
        """Hear what is new or has changed in the folder.

        Args:
            progress: called with a file's name and the share that is done.
            cancelled: asked before each file; what was heard by then is kept.

        Raises:
            OptionError: the folder is missing, or the index cannot be written.
            Cancelled: ``cancelled`` said so.
        """
        root = self.root
        if not root.is_dir():
            raise OptionError(f"the folder of music {str(root)!r} does not exist")
        found = find_recordings(root)
        there = found.files
        with self.explained():
            self._forget_another_reader()
            known = {path: stamp for path, *stamp in self._base.execute("SELECT path, bytes, mtime_ns FROM tracks")}
            gone = [path for path in known if path not in there]
            with self._base:
                self._base.executemany("DELETE FROM tracks WHERE path = ?", [(path,) for path in gone])
        result, origins = Update(gone=len(gone)), Origins(root)
        for number, (name, path) in enumerate(there.items()):
            if cancelled():
                raise Cancelled("the music was not heard to the end; what was heard is kept")
            progress(name, number / len(there))
            self._hear(name, path, known.get(name), origins, result)
        progress("", 1.0)
        result.skipped = {**self.skipped(), **found.passed_over}
        return result

    def _forget_another_reader(self) -> None:
        """What an older reader of files heard, or could not, is heard again."""
        with self._base:
            known = self._base.execute("SELECT value FROM about WHERE key = 'reader'").fetchone()
            if known != (audio.READER,):
                self._base.execute("UPDATE tracks SET bytes = -1")
                self._base.execute("INSERT OR REPLACE INTO about VALUES ('reader', ?)", (audio.READER,))

    def _hear(self, name: str, path: Path, before: list[int] | None, origins: Origins, result: Update) -> None:
        told, numbers, reason = None, None, None
        try:
            stamp = _stamp(path)
            if before == stamp:
                result.known += 1
                return
            sound, rate_hz = audio.read(path)
            numbers = features.music_features(sound, rate_hz).astype("<f4").tobytes()
            tempo_bpm = features.tempo_bpm(sound, rate_hz)
            track = told_of(name, path, origins, len(sound) / rate_hz, tempo_bpm)
            told = json.dumps(asdict(track))
            result.heard += 1
        except MediaError as error:
            numbers, reason = None, str(error)
        except OSError:
            return  # gone while the folder was gone through
        with self.explained(), self._base:
            row = (name, *stamp, told, numbers, reason)
            self._base.execute("INSERT OR REPLACE INTO tracks VALUES (?, ?, ?, ?, ?, ?)", row)


def index_file(place: Path) -> Path:
    """The index that a person means who names it, or the folder that it lies in."""
    return place / INDEX_NAME if place.is_dir() else place


def _stamp(path: Path) -> list[int]:
    about = path.stat()
    return [about.st_size, about.st_mtime_ns]
