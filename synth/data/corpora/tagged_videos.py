"""A folder of videos with what people called them: ``tags.jsonl`` beside the videos, one JSON object a line.

Keys: ``video`` (a path, from the folder where it is relative) and ``tags`` (a list of words); others are left alone,
so an export of a gallery may say more. Videos without tags teach that picture and sound belong together, no more.

Importable without torch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from synth.data.corpora import video_folder
from synth.data.corpora.av_clip import part_of
from synth.data.corpora.av_films import Film
from synth.errors import OptionError

FILE: Final = "tags.jsonl"
MOST_TAGS: Final = 20
HELD_OUT: Final = 0.2


def is_tagged(folder: Path) -> bool:
    """Whether a folder holds such a file."""
    return (folder / FILE).is_file()


def load(folder: Path) -> list[Film]:
    """The videos that the file names, in its order; one recording in five is held out, by a hash of its name.

    Raises:
        OptionError: the file cannot be read, names nothing, or a line is not as it should be.
    """
    file = folder / FILE
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"the tags {file} cannot be read: {error}") from error
    films = [_film(line, folder, f"line {number} of {file}") for number, line in enumerate(lines, 1) if line.strip()]
    if not films:
        raise OptionError(f"the file {file} names no video")
    return films


def _film(line: str, folder: Path, where: str) -> Film:
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise OptionError(f"{where} is not JSON: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("video"), str):
        raise OptionError(f"{where} names no video; it must be an object with 'video' and 'tags'")
    tags = row.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag.strip() for tag in tags):
        raise OptionError(f"{where} has the tags {tags!r}; they must be a list of words")
    path = folder / row["video"]
    if not path.is_file():
        raise OptionError(f"{where} names {row['video']!r}, which is not there")
    group = video_folder.group_of(path.stem, path.parent.name)
    words = tuple(dict.fromkeys(tag.strip().lower() for tag in tags))[:MOST_TAGS]
    return Film(row["video"], group, path, path, words, part_of(group, HELD_OUT) == "test")
