"""A folder of a person's own music: which files are tracks, and what their tags and the files beside them say of them.

Importable without torch or scipy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from synth.errors import OptionError
from synth.licences.restrictions import UNKNOWN_LICENCE
from synth.media.sound.recordings import SUFFIXES
from synth.voices.library.licences import Origins

_TITLE_LENGTH: Final = 200


@dataclass(frozen=True)
class Track:
    """One piece of music.

    Attributes:
        path: inside the folder, with slashes.
        title: as its tags or the file beside it say; else the name of the file.
        author: ``None`` where nobody says.
        licence: as said; else that it is unknown.
        duration_s: of the whole track.
        tempo_bpm: as measured.
    """

    path: str
    title: str
    author: str | None
    licence: str
    duration_s: float
    tempo_bpm: float

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "duration_s": round(self.duration_s, 2), "tempo_bpm": round(self.tempo_bpm, 1)}


def track_file(root: Path, name: str) -> Path:
    """The file of a track, by its path inside the folder.

    Raises:
        OptionError: it leads out of the folder, is no sound, or is not there.
    """
    inside = root.resolve()
    try:
        path = (inside / name).resolve()
        fits = path.is_relative_to(inside) and path.suffix.lower() in SUFFIXES and path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        fits = False
    if not fits:
        raise OptionError(f"there is no track {name[:120]!r} in the folder of music")
    return path


def described(root: Path, name: str) -> Track:
    """What is said of one track, without hearing it: its tempo is 0.

    Raises:
        OptionError: as :func:`track_file`.
        MediaError: it cannot be read.
    """
    path = track_file(root, name)
    return told_of(name, path, Origins(root.resolve()), 0.0, 0.0)


def told_of(name: str, path: Path, origins: Origins, duration_s: float, tempo_bpm: float) -> Track:
    """A track as its tags and the files beside it tell of it; these before those."""
    said, tags = origins.with_tags(path)
    title = _title_beside(path) or tags.title or path.stem
    return Track(name, title[:_TITLE_LENGTH], said.author, said.licence or UNKNOWN_LICENCE, duration_s, tempo_bpm)


def _title_beside(path: Path) -> str | None:
    """The title that a sidecar file gives, ``title: ...`` in text or ``title`` in JSON."""
    for ending in (".json", ".txt"):
        for beside in (path.with_name(path.name + ending), path.with_suffix(ending)):
            try:
                if not beside.is_file() or beside.stat().st_size > 1 << 20:
                    continue
                text = beside.read_text(encoding="utf-8", errors="replace")
                told = json.loads(text) if ending == ".json" else _fields(text)
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(told, Mapping) and isinstance(told.get("title"), str) and told["title"].strip():
                return str(told["title"]).strip()
    return None


def _fields(text: str) -> dict[str, str]:
    return {key.lower(): value for key, value in re.findall(r"^\s*(\w+)\s*[:=]\s*(.+?)\s*$", text, re.MULTILINE)}
