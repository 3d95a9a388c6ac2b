"""Boxes of an mp4 or QuickTime file that ffmpeg neither tells of nor writes as they must be (ISO/IEC 14496-12)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from synth.errors import MediaError

MOST_BOXES: Final = 100_000
"""Boxes of one level that are looked at; a live recording of an hour may have several thousand fragments."""
_SHORT, _LONG = struct.Struct(">I4s"), struct.Struct(">Q")


@dataclass(frozen=True)
class Box:
    """A box by its four letters; ``start`` and ``end`` are the bytes of the file between which its content lies."""

    kind: bytes
    start: int
    end: int


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The boxes between two bytes of a file; one that claims to go on after ``end`` is the last."""
    for _ in range(MOST_BOXES):
        if start + _SHORT.size > end:
            return
        file.seek(start)
        size, kind = _SHORT.unpack(file.read(_SHORT.size))
        head = _SHORT.size
        if size == 1 and start + head + _LONG.size <= end:
            (size,) = _LONG.unpack(file.read(_LONG.size))
            head += _LONG.size
        size = end - start if size == 0 else size
        if size < head:
            return
        yield Box(kind, start + head, start + size)
        start += size


@dataclass(frozen=True)
class Fragments:
    """Whether a file is written in fragments, as live recordings are, and whether the last one is all there.

    The times of such a file are those of the recorder; and ffmpeg says nothing of a last fragment of which a part is
    missing.
    """

    there: bool
    whole: bool


def fragments(path: Path) -> Fragments:
    """Look at the outermost boxes of a file."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        there, last = False, Box(b"", 0, 0)
        for last in boxes(file, 0, size):
            there = there or last.kind == b"moof"
    return Fragments(there, last.end <= size or last.kind not in (b"moof", b"mdat"))


def end_first_track_after(path: Path, duration_s: float) -> None:
    """Let the edit list of a file's first track end after so many seconds; what comes later is there but not shown.

    The writer of ffmpeg shows every packet that it was given to the end of the last one, also those that the source
    had for the sake of others only.

    Raises:
        MediaError: the track has no edit list that ends.
    """
    with path.open("r+b") as file:
        movie = _within(file, Box(b"", 0, os.fstat(file.fileno()).st_size), b"moov")
        per_s = _movie_rate(file, movie)
        track = _within(file, movie, b"trak")
        edits = _within(file, _within(file, track, b"edts"), b"elst")
        file.seek(edits.start)
        version, count = struct.unpack(">B3xI", file.read(8))
        kinds = {0: (">Ii", 12), 1: (">Qq", 20)}
        if version not in kinds or count == 0:
            raise MediaError("the edit list of the result cannot be read")
        form, step = kinds[version]
        total = 0
        for number in range(count):  # empty edits come first: they are what the picture waits for
            place = edits.start + 8 + number * step
            file.seek(place)
            lasts, begins = struct.unpack(form, file.read(struct.calcsize(form)))
            if begins >= 0:
                # Rounded down, because a frame that begins before the end is shown.
                lasts = int(duration_s * per_s + 1e-6)
                file.seek(place)
                file.write(struct.pack(form[:2], lasts))
            total += lasts
        _write_duration(file, _within(file, track, b"tkhd"), total)


def _within(file: BinaryIO, parent: Box, kind: bytes) -> Box:
    found = next((box for box in boxes(file, parent.start, parent.end) if box.kind == kind), None)
    if found is None or found.end > parent.end:
        raise MediaError(f"the result has no {kind.decode()} box")
    return found


def _movie_rate(file: BinaryIO, movie: Box) -> int:
    """Units a second in which a movie states durations."""
    header = _within(file, movie, b"mvhd")
    file.seek(header.start)
    version = file.read(1)[0]
    file.seek(header.start + (20 if version else 12))
    (per_s,) = struct.unpack(">I", file.read(4))
    return int(per_s)


def _write_duration(file: BinaryIO, header: Box, duration: int) -> None:
    file.seek(header.start)
    version = file.read(1)[0]
    file.seek(header.start + (28 if version else 20))
    file.write(struct.pack(">Q" if version else ">I", duration))
