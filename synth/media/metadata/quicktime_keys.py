"""QuickTime metadata keys: the list of named values in which phones and cameras keep maker, model, place and date.

A ``meta`` box of the movie box with the handler ``mdta``: names in ``keys``, values in ``ilst`` (Apple's QuickTime
File Format, "Metadata"). mp4's own list of tags is another one, whose names are closed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from synth.media.metadata.movie_box import Box

UTF_8: Final = 1
_HANDLER: Final = Box(b"hdlr", bytes(8) + b"mdta" + bytes(13))


@dataclass(frozen=True)
class Key:
    """One named value: the bytes of its ``ilst`` item, data boxes with type and language, as they are."""

    name: str
    value: bytes
    space: bytes = b"mdta"


def text_key(name: str, text: str) -> Key:
    """A named text."""
    return Key(name, Box(b"data", struct.pack(">II", UTF_8, 0) + text.encode()).packed())


def read_keys(meta: Box) -> list[Key]:
    """The named values of a ``meta`` box; none where it is of another kind or damaged."""
    payload = meta.fixed
    # QuickTime's meta is a plain box; that of ISO has four bytes of version and flags first.
    inside = payload if payload[4:8] == b"hdlr" else payload[4:]
    boxes = dict(_boxes(inside))
    if boxes.get(b"hdlr", b"")[8:12] != b"mdta":
        return []
    names = list(_boxes(boxes.get(b"keys", b"")[8:]))
    found = []
    for number, value in _boxes(boxes.get(b"ilst", b"")):
        index = int.from_bytes(number, "big") - 1
        if 0 <= index < len(names):
            space, name = names[index]
            found.append(Key(name.decode("utf-8", "replace"), value, space))
    return found


def keys_box(keys: Iterable[Key]) -> Box:
    """A ``meta`` box of these values, as QuickTime has it."""
    listed = list(keys)
    names = b"".join(Box(key.space, key.name.encode()).packed() for key in listed)
    values = b"".join(Box(struct.pack(">I", index), key.value).packed() for index, key in enumerate(listed, 1))
    return Box(b"meta", b"", [_HANDLER, Box(b"keys", struct.pack(">II", 0, len(listed)) + names), Box(b"ilst", values)])


def _boxes(payload: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(payload):
        length = int.from_bytes(payload[at : at + 4], "big")
        if length < 8 or at + length > len(payload):
            return
        yield payload[at + 4 : at + 8], payload[at + 8 : at + length]
        at += length
