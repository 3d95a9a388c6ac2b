"""The list that Freesound packs into its downloads, ``_readme_and_license.txt``, in its three forms.

    until 2012   This pack of sounds contains sounds by NAME ( address )
    until 2019   ... by the following user(s), each as ``- NAME ( address )``, all of them in one line
    since        the same under "Pack downloaded from Freesound", with the pack's name and its description

Each form then names the licences with their addresses, and under "Sounds in this pack" each file with its own. A file
name holds its author as a slug only ("dj_chronos" for "DJ Chronos"); the author is the user that the list names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from synth.licences.restrictions import UNKNOWN_LICENCE, strictest
from synth.licences.wording import licence_stated

NAME: Final = re.compile(r"(?P<id>\d+)__(?P<author>[^_].*?)__(?P<title>.+)")
"""What Freesound calls its downloads, without the ending."""

_SOUNDS: Final = re.compile(r"^Sounds in this [^\n]*\n-+\s*$", re.MULTILINE | re.IGNORECASE)
_LICENCES: Final = re.compile(r"^Licen[cs]es? (?:details|in this [^\n]*)\n-+\s*$", re.MULTILINE | re.IGNORECASE)
_USER: Final = re.compile(r"(?:\bby|-) +(?P<name>[^()\n]{1,80}?) +\( *https?://[^\s)]*/people/(?P<slug>[^/\s)]+)/? *\)")
_ADDRESS: Final = re.compile(r"^(?P<name>[^\n:]+): *(?P<address>https?://\S+) *$", re.MULTILINE)
_FILE: Final = re.compile(r"^ {0,3}\* +(?P<name>\S.*?) *$")
_FIELD: Final = re.compile(r"^\s+\* +(?P<key>\w+): *(?P<value>.*?) *$")


@dataclass(frozen=True)
class Sound:
    """One file of a pack.

    Attributes:
        stem: the file's name without its ending.
        author: ``None`` where neither the list nor the file's name says.
        licence: as :func:`synth.licences.wording.licence_stated` reads it; ``None`` where none stands there.
        address: of its page.
    """

    stem: str
    author: str | None
    licence: str | None
    address: str | None


def sounds_of(text: str) -> Iterator[Sound]:
    """The files that a pack's list names. Its description may say what it likes: only the lists are read."""
    parts = _SOUNDS.split(text)
    if len(parts) < 2:
        return
    head, listed = parts[0], parts[-1]
    sections = _LICENCES.split(head)
    users = [(found["name"], found["slug"]) for found in _USER.finditer(sections[0])]
    addresses: dict[str, list[str]] = {}
    for found in _ADDRESS.finditer(sections[-1] if len(sections) > 1 else ""):
        addresses.setdefault(found["name"].strip().casefold(), []).append(found["address"])
    for name, fields in _entries(listed):
        stem = PurePosixPath(name).stem
        author = _author(stem, users, fields.get("url", ""))
        stated = fields.get("license", fields.get("licence", ""))
        licence = _licence(stated, addresses.get(stated.casefold(), []))
        yield Sound(stem, author, licence, fields.get("url") or None)


def _entries(listed: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each file with the fields under it."""
    name, fields = "", dict[str, str]()
    for line in listed.splitlines():
        if field := _FIELD.match(line) if name and not _FILE.match(line) else None:
            fields[field["key"].lower()] = field["value"]
        elif file := _FILE.match(line):
            if name:
                yield name, fields
            name, fields = file["name"], {}
    if name:
        yield name, fields


def _licence(stated: str, addresses: list[str]) -> str | None:
    """One statement by its name and by what the pack's list of licences has under that name."""
    if not stated:
        return None
    told = [licence_stated(one) or UNKNOWN_LICENCE for one in (stated, *addresses)]
    return strictest(told)


def _author(stem: str, users: list[tuple[str, str]], address: str) -> str | None:
    """The user whose slug the file's name or its page's address holds; the only user of a pack in any case."""
    if len(users) == 1:
        return users[0][0]
    named = NAME.fullmatch(stem)
    within = re.search(r"/people/([^/]+)/", address)
    for slug in (within[1] if within else None, named["author"] if named else None):
        for name, user in users:
            if slug and _slug(slug) in (_slug(user), _slug(name)):
                return name
    return named["author"] if named else None


def _slug(name: str) -> str:
    return re.sub(r"[\W_]+", "", unquote(name).casefold())
