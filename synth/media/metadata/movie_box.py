"""The movie box of an ISO media file (mp4, mov): read it, change it, write the file anew.

ISO/IEC 14496-12: a box is its length, four characters and a payload; some payloads are boxes again. Only the boxes
on the way to a track's sample entries are taken apart; anything else stays the bytes that it was.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from synth.errors import MediaError

MAX_MOVIE_BYTES: Final = 64 * 1024**2
"""The largest movie box that is taken apart; an hour of 240 frames a second has one of 20 MB."""
_MAX_BOXES: Final = 100_000
_TAKEN_APART: Final = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"udta": 0, b"stsd": 8}
"""Boxes that hold boxes -> how many bytes come before these."""
PICTURE_ENTRY_BYTES: Final = 78  # of fixed fields in a picture's sample entry, before its boxes
_CHUNK_OFFSETS: Final = {b"stco": (">I", 2**32), b"co64": (">Q", 2**64)}


@dataclass
class Box:
    """One box: its four characters, the fixed bytes of its payload, and the boxes in it."""

    kind: bytes
    fixed: bytes = b""
    boxes: list[Box] = field(default_factory=list)

    def find(self, *kinds: bytes) -> Box | None:
        """The first box on this path, or ``None``."""
        here: Box | None = self
        for kind in kinds:
            here = next((box for box in here.boxes if box.kind == kind), None) if here else None
        return here

    def all(self, kind: bytes) -> list[Box]:
        """The boxes of one kind right in this one."""
        return [box for box in self.boxes if box.kind == kind]

    def packed(self) -> bytes:
        """The bytes of the box."""
        payload = self.fixed + b"".join(box.packed() for box in self.boxes)
        return struct.pack(">I4s", len(payload) + 8, self.kind) + payload


def movie(path: Path) -> Box | None:
    """The movie box of a file; ``None`` where there is none that is whole and of a size to be taken apart."""
    try:
        with path.open("rb") as file:
            found = _located(file)
            if found is None:
                return None
            start, header, length = found
            file.seek(start + header)
            payload = file.read(length - header)
    except OSError:
        return None
    try:
        return _apart(b"moov", payload, [0])
    except ValueError:
        return None


def rewrite(path: Path, change: Callable[[Box], None]) -> None:
    """Change the movie box of a file of ours, and move what lies behind it by as much as it grew.

    Args:
        path: an mp4 or mov file with one movie box and no fragments; replaced when the new one is whole.

    Raises:
        MediaError: it is no such file, or an offset would no longer fit.
        OSError: the disk refuses.
    """
    with path.open("rb") as file:
        found, box = _located(file), movie(path)
        if found is None or box is None:
            raise MediaError("the result has no list of its frames and cannot be completed")
        start, _, length = found
        change(box)
        grown = len(box.packed()) - length
        _move_chunks(box, behind=start + length, by=grown)
        fresh = path.with_name(f"{path.name}.boxes")
        try:
            with fresh.open("xb") as target:
                file.seek(0)
                _copy(file, target, start)
                target.write(box.packed())
                file.seek(start + length)
                shutil.copyfileobj(file, target, 1 << 20)
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)


def picture_track(box: Box, track_id: int | None = None) -> Box | None:
    """The track of this number, or the first one with a picture."""
    for track in box.all(b"trak"):
        if track_id is not None:
            if _track_id(track) == track_id:
                return track
        elif (handler := track.find(b"mdia", b"hdlr")) is not None and handler.fixed[8:12] == b"vide":
            return track
    return None


def picture_entry(track: Box) -> Box | None:
    """The sample entry of a picture track, with its boxes; the first, where there are several.

    It stands in the tree from then on, so that a change in it is written.
    """
    description = track.find(b"mdia", b"minf", b"stbl", b"stsd")
    if description is None or not description.boxes:
        return None
    entry = description.boxes[0]
    if not entry.boxes and len(entry.fixed) > PICTURE_ENTRY_BYTES:
        fixed, rest = entry.fixed[:PICTURE_ENTRY_BYTES], entry.fixed[PICTURE_ENTRY_BYTES:]
        try:
            entry.boxes = list(_boxes(rest, [0]))
        except ValueError:
            return None
        entry.fixed = fixed
    return entry


def _track_id(track: Box) -> int | None:
    header = track.find(b"tkhd")
    if header is None or len(header.fixed) < 24:
        return None
    at = 20 if header.fixed[0] == 1 else 12
    return int.from_bytes(header.fixed[at : at + 4], "big")


def _located(file: BinaryIO) -> tuple[int, int, int] | None:
    """Where the movie box starts, how long its header is and how long it is."""
    end, at = file.seek(0, os.SEEK_END), 0
    for _ in range(_MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return None
        length, kind = struct.unpack(">I4s", head[:8])
        header = 8
        if length == 1 and len(head) == 16:
            length, header = struct.unpack(">Q", head[8:])[0], 16
        elif length == 0:
            length = end - at
        if length < header or at + length > end:
            return None
        if kind == b"moov":
            return (at, header, length) if length <= MAX_MOVIE_BYTES else None
        at += length
    return None


def _apart(kind: bytes, payload: bytes, count: list[int]) -> Box:
    before = _TAKEN_APART.get(kind)
    if before is None:
        return Box(kind, payload)
    return Box(kind, payload[:before], list(_boxes(payload[before:], count)))


def _boxes(payload: bytes, count: list[int]) -> Iterator[Box]:
    """The boxes that a payload is made of; ValueError where it is not made of boxes."""
    at = 0
    while at < len(payload) and payload[at:] != bytes(4):  # with which QuickTime may end a list
        length = int.from_bytes(payload[at : at + 4], "big")
        count[0] += 1
        if length < 8 or at + length > len(payload) or count[0] > _MAX_BOXES:
            raise ValueError("no box")
        yield _apart(payload[at + 4 : at + 8], payload[at + 8 : at + length], count)
        at += length


def _move_chunks(box: Box, *, behind: int, by: int) -> None:
    for track in box.all(b"trak"):
        table = track.find(b"mdia", b"minf", b"stbl")
        for offsets in table.boxes if table else ():
            if offsets.kind not in _CHUNK_OFFSETS:
                continue
            form, limit = _CHUNK_OFFSETS[offsets.kind]
            moved = bytearray(offsets.fixed[:8])
            for (offset,) in struct.iter_unpack(form, offsets.fixed[8:]):
                new = offset + by if offset >= behind else offset
                if new >= limit:
                    raise MediaError("the result is too large for what the source says of its picture")
                moved += struct.pack(form, new)
            offsets.fixed = bytes(moved)


def _copy(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count > 0 and (piece := source.read(min(count, 1 << 20))):
        target.write(piece)
        count -= len(piece)
