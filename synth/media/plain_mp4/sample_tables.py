"""The tables of one track of an mp4 file: when each sample is shown, and at which bytes it lies (ISO/IEC 14496-12).

Names of boxes are the standard's. Every function raises :class:`NotPlain` for a file that ffmpeg should look at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_SAMPLES: Final = 20_000
"""Of a track: a table of more is not worth reading here."""
_U32: Final = ">u4"
_WHOLE_RATE: Final = 0x00010000


class NotPlain(Exception):
    """The file is not of the commonest kind, or not whole; what it is, ffmpeg finds out."""


@dataclass(frozen=True)
class Header:
    """What the headers of a track say.

    Attributes:
        ticks_per_s: of its media time.
        matrix: how its picture is turned: nine numbers as the standard keeps them.
        entry: its one sample entry, without size and name; ``coding`` is that name.
        handler: ``vide`` or ``soun``.
    """

    ticks_per_s: int
    matrix: tuple[int, ...]
    entry: bytes
    coding: bytes
    handler: bytes


@dataclass(frozen=True)
class Samples:
    """Samples in stored order, int64 [S] each.

    Attributes:
        decoded: when each is decoded, in ticks.
        shown: when each is shown, in ticks, before any edit.
        lengths: for how long, in ticks.
        starts, sizes: which bytes of the file it is.
        sync: bool [S], whether decoding can start there.
    """

    decoded: NDArray[np.int64]
    shown: NDArray[np.int64]
    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    sync: NDArray[np.bool_]


def boxes(data: bytes, allowed: frozenset[bytes], start: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of the boxes in a box; all of ``data`` must be boxes of the kinds allowed."""
    while start < len(data):
        if start + 8 > len(data):
            raise NotPlain
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > len(data) or kind not in allowed:
            raise NotPlain
        yield kind, data[start + 8 : start + size]
        start += size


def once(data: bytes, allowed: frozenset[bytes], start: int = 0) -> dict[bytes, bytes]:
    """The same by name, where each kind comes once at most."""
    found: dict[bytes, bytes] = {}
    for kind, content in boxes(data, allowed, start):
        if kind in found:
            raise NotPlain
        found[kind] = content
    return found


_TRACK: Final = frozenset((b"tkhd", b"edts", b"mdia"))
_IN_THIS_FILE: Final = struct.pack(">I4sII", 28, b"dref", 0, 1) + struct.pack(">I4sI", 12, b"url ", 1)
"""Of where the samples are: nowhere but in the file itself."""
_MEDIA: Final = frozenset((b"mdhd", b"hdlr", b"minf"))
_INFORMATION: Final = frozenset((b"vmhd", b"smhd", b"dinf", b"stbl"))
_TABLES: Final = frozenset(
    (b"stsd", b"stts", b"ctts", b"stss", b"stsc", b"stsz", b"stco", b"co64", b"sgpd", b"sbgp", b"sdtp")
)


class Track:
    """One track of a movie box.

    Args:
        data: the content of its ``trak`` box.
    """

    def __init__(self, data: bytes) -> None:
        outer = once(data, _TRACK)
        media = once(_of(outer, b"mdia"), _MEDIA)
        information = once(_of(media, b"minf"), _INFORMATION)
        if _of(information, b"dinf") != _IN_THIS_FILE:
            raise NotPlain
        self._tables = once(_of(information, b"stbl"), _TABLES)
        self._edits = outer.get(b"edts")
        self.header = _header(_of(outer, b"tkhd"), _of(media, b"mdhd"), _of(media, b"hdlr"), _of(self._tables, b"stsd"))

    def samples(self) -> Samples:
        """All samples."""
        sizes = self._sizes()
        count = len(sizes)
        lengths = _runs(_of(self._tables, b"stts"), count)
        decoded = np.concatenate(([0], np.cumsum(lengths[:-1])))
        offsets = _runs(self._tables[b"ctts"], count) if b"ctts" in self._tables else np.zeros(count, np.int64)
        if lengths.min() < 1 or lengths.max() >= 2**31 or offsets.max() >= 2**31:
            raise NotPlain
        return Samples(decoded, decoded + offsets, lengths, self._starts(sizes), sizes, self._sync(count))

    def edit(self, movie_ticks_per_s: int) -> tuple[int, int] | None:
        """The one edit of the track: its length and its first moment, in ticks; ``None`` where nothing is edited."""
        if self._edits is None:
            return None
        data = _of(once(self._edits, frozenset((b"elst",))), b"elst")
        form = {0: ">IIIiI", 1: ">IIQqI"}.get(_version(data))
        if form is None or len(data) != struct.calcsize(form):
            raise NotPlain
        _, count, length, first, rate = struct.unpack(form, data)
        if count != 1 or rate != _WHOLE_RATE or first < 0 or not movie_ticks_per_s:
            raise NotPlain
        return length * self.header.ticks_per_s // movie_ticks_per_s, first

    def _sizes(self) -> NDArray[np.int64]:
        data = _of(self._tables, b"stsz")
        size, count = struct.unpack_from(">II", _long(data, 12), 4)
        if not 0 < count <= MOST_SAMPLES:
            raise NotPlain
        found = np.full(count, size, np.int64) if size else _numbers(data, 12, count)
        if found.min() < 1:
            raise NotPlain
        return found

    def _starts(self, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """First byte of each sample: chunk by chunk, one sample after another in each."""
        wide = b"co64" in self._tables
        if wide == (b"stco" in self._tables):
            raise NotPlain
        data = self._tables[b"co64" if wide else b"stco"]
        (chunks,) = struct.unpack_from(">I", _long(data, 8), 4)
        if not 0 < chunks <= len(sizes):
            raise NotPlain
        offsets = _numbers(data, 8, chunks, ">u8" if wide else _U32)
        held = self._in_chunks(chunks)
        if int(held.sum()) != len(sizes):
            raise NotPlain
        before = np.cumsum(sizes) - sizes
        first = np.cumsum(held) - held
        starts: NDArray[np.int64] = np.repeat(offsets - before[first], held) + before
        return starts

    def _in_chunks(self, chunks: int) -> NDArray[np.int64]:
        """How many samples each chunk holds."""
        data = _of(self._tables, b"stsc")
        (count,) = struct.unpack_from(">I", _long(data, 8), 4)
        if not 0 < count <= chunks:
            raise NotPlain
        first, held, entry = _numbers(data, 8, 3 * count).reshape(count, 3).T
        until = np.append(first[1:], chunks + 1)
        if first[0] != 1 or (until <= first).any() or (entry != 1).any() or held.min() < 1:
            raise NotPlain
        if held.max() > MOST_SAMPLES:
            raise NotPlain
        return np.repeat(held, until - first)

    def _sync(self, count: int) -> NDArray[np.bool_]:
        if b"stss" not in self._tables:
            return np.ones(count, bool)
        data = self._tables[b"stss"]
        (many,) = struct.unpack_from(">I", _long(data, 8), 4)
        numbers = _numbers(data, 8, many)
        if not many or numbers.min() < 1 or numbers.max() > count:
            raise NotPlain
        found = np.zeros(count, bool)
        found[numbers - 1] = True
        return found


def movie_ticks_per_s(data: bytes) -> int:
    """The unit of the lengths of edits, out of the content of ``mvhd``."""
    return int(_at(">I", data, {0: 12, 1: 20})[0])


def _header(track: bytes, media: bytes, handler: bytes, entries: bytes) -> Header:
    matrix = _at(">9i", track, {0: 40, 1: 52})
    (ticks_per_s,) = _at(">I", media, {0: 12, 1: 20})
    _, count, size, coding = struct.unpack_from(">III4s", _long(entries, 16))
    if count != 1 or 8 + size != len(entries) or not 0 < ticks_per_s < 2**31:
        raise NotPlain
    return Header(ticks_per_s, matrix, entries[16:], coding, _long(handler, 12)[8:12])


def _at(form: str, data: bytes, places: Mapping[int, int]) -> tuple[int, ...]:
    """Numbers that lie elsewhere in each version of a box."""
    place = places[_version(data)]
    return struct.unpack_from(form, _long(data, place + struct.calcsize(form)), place)


def _version(data: bytes) -> int:
    if not data or data[0] > 1:
        raise NotPlain
    return data[0]


def _of(found: Mapping[bytes, bytes], kind: bytes) -> bytes:
    if kind not in found:
        raise NotPlain
    return found[kind]


def _long(data: bytes, least: int) -> bytes:
    """The bytes themselves, where there are so many."""
    if len(data) < least:
        raise NotPlain
    return data


def _numbers(data: bytes, start: int, count: int, form: str = _U32) -> NDArray[np.int64]:
    if count > 3 * MOST_SAMPLES or len(data) != start + count * np.dtype(form).itemsize:
        raise NotPlain
    return np.frombuffer(data, form, count, start).astype(np.int64)


def _runs(data: bytes, count: int) -> NDArray[np.int64]:
    """One number a sample of a table that keeps runs: how many samples, and the number of each."""
    (runs,) = struct.unpack_from(">I", _long(data, 8), 4)
    if not 0 < runs <= count:
        raise NotPlain
    many, values = _numbers(data, 8, 2 * runs).reshape(runs, 2).T
    if many.min() < 1 or int(many.sum()) != count or many.max() > count:
        raise NotPlain
    return np.repeat(values, many)
