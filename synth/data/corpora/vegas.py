"""VEGAS (Zhou et al., "Visual to Sound", CVPR 2018, arXiv 1712.01393): 28,109 videos of ten classes, 2 to 10 s each.

Layout: ``<class>/videos/video_00042.mp4``, for the folder itself or a ``data`` folder in it, beside lists that say
which YouTube video each was cut from and, where somebody published a split, to which part it belongs. Lists are looked
for in each class's folder and above the classes, since copies differ:

* ``video_info.csv``, one row a video in order of its number, with a column ``YTID``;
* ``*.json``: file name -> YouTube id or an object with one (``ytid``, ``youtube_id``, ``url``, ...) and perhaps a
  ``split``; a list of such objects; part -> list of file names; and above the classes, any of these by class;
* ``train.txt``, ``test.txt``, ...: one file name or path a line.

Without a published split, one source video in five is held out. Where a published one cuts a source video in two, all
of it is held out. Classes that have a name here are given it: ``baby_cry`` is ``crying_baby``.

Importable without torch.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synth.data.corpora.video_folder import HELD_OUT, TRAIN, LabelledVideo, dealt, files, group_of, like_an_id, parted
from synth.errors import MediaError, OptionError

CLASSES: Final = (
    "baby_cry",
    "chainsaw",
    "dog",
    "drum",
    "fireworks",
    "helicopter",
    "human_snoring",
    "printer",
    "rail_transport",
    "water_flowing",
)
OUR_NAMES: Final = {"baby_cry": "crying_baby", "snoring": "human_snoring"}

_PARTS: Final = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("test", "testing", "val", "valid", "validation", "held-out", "eval"), HELD_OUT),
}
_SOURCE_KEYS: Final = ("ytid", "yt_id", "youtube_id", "youtube", "source", "source_id", "url", "video_id", "id")
_NAME_KEYS: Final = ("file", "filename", "file_name", "name", "clip", "path", "video")
_PART_KEYS: Final = ("split", "part", "subset", "set")
_CLASS_KEYS: Final = ("class", "label", "category", "class_name")
_ID: Final = re.compile(r"(?:^|v=|youtu\.be/|embed/)([A-Za-z0-9_-]{11})(?:$|[&?#_])")


@dataclass
class _Told:
    """What the lists say about one video."""

    source: str | None = None
    part: str | None = None


def is_here(folder: Path) -> bool:
    """Whether a folder has VEGAS's layout."""
    return bool(_class_folders(folder))


def load(folder: Path) -> list[LabelledVideo]:
    """All videos in order of class and name.

    Raises:
        OptionError: the layout is another.
        MediaError: a list cannot be read.
    """
    kinds = _class_folders(folder)
    if not kinds:
        raise OptionError(f"no VEGAS videos in {folder}; expected <class>/videos/*.mp4, with classes such as dog")
    told = {path: _Told() for kind in kinds for path in files(kind / "videos")}
    for place in dict.fromkeys([folder, kinds[0].parent]):
        for table in _lists(place):
            _note_top(told, kinds, table)
    for kind in kinds:
        for table in _lists(kind):
            _note(told, {path.stem: path for path in files(kind / "videos")}, table.stem, _content(table))
    found = []
    for path, about in told.items():
        label = OUR_NAMES.get(path.parents[1].name, path.parents[1].name)
        found.append(LabelledVideo(f"{label}/{path.stem}", label, about.source or group_of(path.stem, label), path))
    parts = {v.name: about.part for v, about in zip(found, told.values(), strict=True) if about.part}
    return parted(found, parts) if parts else dealt(found)


def _class_folders(folder: Path) -> list[Path]:
    for place in (folder, folder / "data"):
        if place.is_dir():
            kinds = [kind for kind in sorted(place.iterdir()) if (kind / "videos").is_dir() and files(kind / "videos")]
            if kinds:
                return kinds
    return []


def _lists(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in (".csv", ".json") or (path.suffix.lower() == ".txt" and path.stem.lower() in _PARTS)
    )


def _content(table: Path) -> Any:
    try:
        text = table.read_text(encoding="utf-8")
        if table.suffix.lower() == ".json":
            return json.loads(text)
    except (OSError, ValueError) as error:
        raise MediaError(f"{table} is not a readable list of VEGAS videos: {error}") from error
    if table.suffix.lower() == ".csv":
        return list(csv.DictReader(text.splitlines()))
    return [line.strip() for line in text.splitlines() if line.strip()]


def _note_top(told: Mapping[Path, _Told], kinds: Iterable[Path], table: Path) -> None:
    """A list above the classes: by class, or of entries that name theirs; others cannot be told apart."""
    content = _content(table)
    for kind in kinds:
        videos = {path.stem: path for path in files(kind / "videos")}
        if isinstance(content, dict) and kind.name in content:
            _note(told, videos, table.stem, content[kind.name])
            continue
        for part, name, about in _entries(table.stem, content):
            said = _first(about, _CLASS_KEYS)
            if said == kind.name or (said is None and kind.name in Path(name or "").parts):
                _apply(told, videos, name, part, about)


def _note(told: Mapping[Path, _Told], videos: Mapping[str, Path], title: str, content: Any) -> None:
    """A list of one class's videos. Entries without a name go by their place, as the videos by their number."""
    numbers = {int(match[1]): stem for stem in videos if (match := re.search(r"(\d+)$", stem))}
    entries = list(_entries(title, content))
    from_one = 0 not in numbers and len(entries) in numbers
    for index, (part, name, about) in enumerate(entries):
        _apply(told, videos, name or numbers.get(index + int(from_one)), part, about)


def _entries(title: str, content: Any) -> Iterator[tuple[str | None, str | None, Mapping[str, Any]]]:
    """Part, file name and what else is said, of every entry of a list in one of the forms of this module."""
    part = _PARTS.get(title.lower())
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, list):
                yield from _entries(key, value)
            else:
                about = value if isinstance(value, dict) else _about_text(str(value))
                yield _PARTS.get(str(_first(about, _PART_KEYS)).lower(), part), str(key), about
    elif isinstance(content, list):
        for value in content:
            if isinstance(value, dict):
                name = _first(value, _NAME_KEYS)
                yield _PARTS.get(str(_first(value, _PART_KEYS)).lower(), part), name, value
            else:
                yield part, str(value), {}


def _about_text(text: str) -> Mapping[str, str]:
    """A bare text is an id, an address, a part, or something else such as a caption."""
    if text.lower() in _PARTS:
        return {"split": text}
    return {"source": text} if "/" in text or like_an_id(text) else {}


def _apply(
    told: Mapping[Path, _Told], videos: Mapping[str, Path], name: str | None, part: str | None, about: Mapping[str, Any]
) -> None:
    path = videos.get(name or "") or videos.get(Path(name or "").stem)
    if path is None:
        return
    match = _ID.search(str(_first(about, _SOURCE_KEYS)))
    if match and match[1] != path.stem:
        told[path].source = match[1]
    told[path].part = part or told[path].part


def _first(about: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    """What the first of these keys says, whatever its case."""
    lower = {str(key).strip().lower(): value for key, value in about.items()}
    return next((str(lower[key]) for key in keys if lower.get(key) not in (None, "")), None)
