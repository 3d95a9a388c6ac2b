"""Recordings by class: ESC-10 and ESC-50 (Piczak, ACM MM 2015) as published, or any folder with one folder a class.

Layouts: ``meta/esc50.csv`` beside ``audio/*.wav`` (of ESC-50, the clips marked ``esc10`` unless other classes are
asked for); or ``<class>/*.wav|flac|ogg|opus|mp3``, where a leading ``<fold>-`` in a name is the fold, as ESC names its
clips. Where no folds are given, clips are dealt out to five by a hash of their name.

Importable without torch.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synth.errors import MediaError, OptionError

SUFFIXES: Final = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aif", ".aiff")
FOLDS: Final = 5
_ESC_NAME: Final = re.compile(r"(\d+)-(\d+)-[A-Z]")


@dataclass(frozen=True)
class ClassSound:
    """One recording.

    Attributes:
        name: of the file, without its suffix.
        label: its class.
        fold: 1 to 5; clips cut from one recording share it.
        path: the file.
    """

    name: str
    label: str
    fold: int
    path: Path


def load(folder: Path, classes: Sequence[str] = ()) -> list[ClassSound]:
    """All recordings under ``folder`` in order of class and name; only of these classes where some are named.

    Raises:
        OptionError: the folder holds neither layout, or lacks a class that was named.
        MediaError: the table of ESC-50 cannot be read.
    """
    table = folder / "meta" / "esc50.csv"
    found = _esc50(folder, table, all_classes=bool(classes)) if table.is_file() else _folders(folder)
    if not found:
        raise OptionError(
            f"no sounds by class in {folder}; expected meta/esc50.csv beside audio/, or one folder of sounds a class"
        )
    labels = sorted({sound.label for sound in found})
    missing = [name for name in classes if name not in labels]
    if missing:
        raise OptionError(f"{folder} has no class {missing[0]!r}; it has {', '.join(labels)}")
    return sorted((s for s in found if not classes or s.label in classes), key=lambda sound: (sound.label, sound.name))


def _esc50(folder: Path, table: Path, *, all_classes: bool) -> list[ClassSound]:
    try:
        with table.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        return [
            ClassSound(
                Path(row["filename"]).stem, row["category"], int(row["fold"]), folder / "audio" / row["filename"]
            )
            for row in rows
            if all_classes or row["esc10"].strip().lower() == "true"
        ]
    except (KeyError, ValueError, OSError) as error:
        raise MediaError(f"{table} is not ESC-50's table: {error!r}") from error


def _folders(folder: Path) -> list[ClassSound]:
    return [
        ClassSound(path.stem, kind.name, fold_of(path.stem), path)
        for kind in sorted(folder.iterdir())
        if kind.is_dir()
        for path in sorted(kind.iterdir())
        if path.suffix.lower() in SUFFIXES
    ]


def fold_of(name: str) -> int:
    """The fold of a recording, 1 to 5: what ESC wrote into the name, else a hash of the name."""
    match = _ESC_NAME.match(name)
    return int(match[1]) if match and 1 <= int(match[1]) <= FOLDS else zlib.crc32(name.encode()) % FOLDS + 1
