"""Whose a recording is and what may be done with it, read from the files beside it and the tags inside it.

Looked at, the nearest first: ``<file>.json``, ``<file>.txt`` (with or without the sound's own ending in front);
Freesound's ``_readme_and_license.txt`` of a pack; CREDITS files with a line a recording, as ESC-10's; the file's own
tags; the name that Freesound gives its downloads (``<id>__<author>__<title>``); a LICENSE file for a whole folder.
Where a file beside the recording and its own tags both name a licence, the stricter one holds. What none of them says
is unknown, and called so: nobody is to publish a sound because a file was missing. Words that are not understood are
unknown too, and nothing farther away overrules them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from synth.licences import freesound
from synth.licences.embedded_tags import Tags, tags_of
from synth.licences.restrictions import UNKNOWN_LICENCE, strictest
from synth.licences.wording import licence_in, licence_stated

MAX_BYTES: Final = 4 * 1024**2  # of a file that is read for a licence

_SIDECARS: Final = (".json", ".txt")
_FREESOUND: Final = re.compile(r"_?readme_and_license\.txt", re.IGNORECASE)
_CREDITS: Final = re.compile(r"(credits?|attributions?|sources)(\.(txt|md|csv|tsv))?", re.IGNORECASE)
_LICENCES: Final = re.compile(r"(licen[cs]e|copying)(\.(txt|md))?", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"https?://[^\s)>\]\"']+")
_BY: Final = re.compile(r"\bby\s+([^\[\](),;|]+?)\s*(?=[\[\](),;|]|\s-\s|$)", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"\[([^\[\]]+)\]")

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "licence": ("license", "licence", "license_name", "rights", "license_url"),
    "author": ("author", "username", "artist", "creator", "credit", "uploader", "user"),
    "source": ("url", "source", "source_url", "link", "webpage"),
    "title": ("title", "name", "description"),
    "tags": ("tags", "keywords", "category", "class", "label"),
}


@dataclass(frozen=True)
class Origin:
    """What is said of a recording.

    Attributes:
        author, source: ``None`` where nothing is said; ``source`` is an address or a title.
        licence: an SPDX identifier; that it is unknown where words are not clear; ``None`` where nothing is said.
        said_by: name of the file that gave the licence, inside the library's folder.
        words: its title and tags, for matching.
    """

    author: str | None = None
    licence: str | None = None
    source: str | None = None
    said_by: str | None = None
    words: tuple[str, ...] = ()

    def as_told(self) -> dict[str, str | None]:
        """The fields of :class:`synth.voices.library.catalogue.Recording` that it fills in."""
        licence = self.licence or UNKNOWN_LICENCE
        said_by = self.said_by if self.licence else None
        return {"author": self.author, "licence": licence, "source": self.source, "licence_from": said_by}


class Origins:
    """Reads the files beside the recordings of one folder, each once.

    Args:
        root: the library's folder; nothing above it is read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed = cache(self._list)  # a folder holds many recordings

    def of(self, path: Path) -> Origin:
        """What is said of one recording; each thing by whoever says it nearest to the recording."""
        return self.with_tags(path)[0]

    def with_tags(self, path: Path) -> tuple[Origin, Tags]:
        """The same, and the recording's own tags, which have been read on the way."""
        tags = tags_of(path)
        inside = Origin(tags.author, tags.licence, None, self._inside(path))
        beside = _joined(self._lists(path))
        found = _joined((beside, inside, *self._folders(path)))
        if (
            beside.licence
            and inside.licence
            and (held := strictest((beside.licence, inside.licence))) != beside.licence
        ):
            found = replace(found, licence=held, said_by=inside.said_by)
        return found, tags

    def _lists(self, path: Path) -> Iterator[Origin]:
        """What files that name this very recording say."""
        for ending in _SIDECARS:
            for beside in (path.with_name(path.name + ending), path.with_suffix(ending)):
                if (text := _text(beside)) is not None:
                    yield replace(_of_json(text) if ending == ".json" else _of_text(text), said_by=self._inside(beside))
        for folder in self._above(path):
            yield from self._listed(folder).get(path.stem, ())

    def _folders(self, path: Path) -> Iterator[Origin]:
        """What its name says, and the files that speak for whole folders."""
        if named := freesound.NAME.fullmatch(path.stem):
            yield Origin(author=named["author"], source=f"https://freesound.org/s/{named['id']}/")
        for folder in self._above(path):
            yield from self._listed(folder).get("", ())

    def _above(self, path: Path) -> list[Path]:
        return [folder for folder in path.parents if folder.is_relative_to(self._root)]

    def _list(self, folder: Path) -> dict[str, list[Origin]]:
        """Stem of a file name -> what the lists in a folder say of it; under the empty name what they say of all."""
        told: dict[str, list[Origin]] = {}
        for file in sorted(folder.iterdir()):
            said_by = self._inside(file)
            if _FREESOUND.fullmatch(file.name):
                for sound in freesound.sounds_of(_text(file) or ""):
                    origin = Origin(sound.author, sound.licence, sound.address, said_by)
                    told.setdefault(sound.stem, []).append(origin)
            elif _CREDITS.fullmatch(file.name):
                for stem, origin in _of_credits(_text(file) or ""):
                    told.setdefault(stem, []).append(replace(origin, said_by=said_by))
            elif _LICENCES.fullmatch(file.name) and (text := _text(file)):
                told.setdefault("", []).append(Origin(licence=licence_in(text) or UNKNOWN_LICENCE, said_by=said_by))
        return told

    def _inside(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix()


def _joined(told: Iterable[Origin]) -> Origin:
    """Each thing as the first says it who says anything."""
    found = Origin()
    for one in told:
        found = Origin(
            author=found.author or one.author,
            licence=found.licence or one.licence,
            source=found.source or one.source,
            said_by=found.said_by if found.licence else one.said_by,
            words=found.words + one.words,
        )
    return found


def _keep_licences(address: re.Match[str]) -> str:
    """Of the addresses in a line those of licences; a page's address may hold any word."""
    return address[0] if "creativecommons.org" in address[0].lower() else " "


def _of_credits(text: str) -> Iterator[tuple[str, Origin]]:
    """A line a recording: a file name, then title, author, address and licence in any order."""
    for line in text.splitlines():
        named = re.search(r"[\w][\w .+-]*?\.(wav|flac|ogg|oga|opus|mp3|aiff?|m4a)\b", line, re.IGNORECASE)
        if named is None:
            continue
        rest = line[named.end() :]
        address, author = _ADDRESS.search(rest), _BY.search(_ADDRESS.sub(" ", rest))
        bracketed = _BRACKETS.findall(rest)
        licence = licence_stated(bracketed[-1]) if bracketed else licence_in(_ADDRESS.sub(_keep_licences, rest))
        title = rest[: address.start()] if address else ""
        by = author[1] if author else None
        yield Path(named[0]).stem, Origin(by, licence, address[0] if address else None, words=(title,) if title else ())


def _of_json(text: str) -> Origin:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return Origin()
    if not isinstance(told, Mapping):
        return Origin()
    return _of_fields({str(key).lower(): value for key, value in told.items()})


def _of_text(text: str) -> Origin:
    """Lines of ``name: value``; where there are none, whatever licence and address the text names."""
    fields = {key.lower(): value for key, value in re.findall(r"^\s*([A-Za-z_]+)\s*[:=]\s*(.+?)\s*$", text, re.M)}
    found = _of_fields(fields)
    address = _ADDRESS.search(text)
    return replace(
        found,
        licence=found.licence or licence_in(text),
        source=found.source or (address[0] if address else None),
    )


def _of_fields(fields: Mapping[str, Any]) -> Origin:
    def first(kind: str) -> str | None:
        values = (fields[key] for key in _KEYS[kind] if fields.get(key))
        return next((str(value) for value in values if isinstance(value, str | int)), None)

    tags = next((fields[key] for key in _KEYS["tags"] if fields.get(key)), ())
    words = tuple(map(str, tags)) if isinstance(tags, list) else tuple(str(tags).split(",")) if tags else ()
    stated = first("licence")
    title = first("title")
    return Origin(
        author=first("author"),
        licence=licence_stated(stated) if stated else None,
        source=first("source"),
        words=(*words, *((title,) if title else ())),
    )


def _text(file: Path) -> str | None:
    """A small text file; ``None`` where it is none or cannot be read."""
    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:
            return None
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
