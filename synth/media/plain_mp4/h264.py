"""H.264 as mp4 keeps it, as far as its headers go: parameter sets, and how each sample begins (ITU-T H.264, 7.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from synth.media.plain_mp4.sample_tables import NotPlain

_SLICE, _IDR, _SEI, _SEQUENCE, _PICTURE, _FILLER = 1, 5, 6, 7, 8, 12
_LENGTH_BYTES: Final = 4
_PROFILES: Final = {66: False, 77: False, 100: True}
"""Baseline, Main and High; of the last the chroma format is stated, and only 4:2:0 with 8 bits is plain."""
_HEAD_BYTES: Final = 16
"""Of a slice that are looked at: its first three numbers."""
_MOST_NUMBER_BITS: Final = 20


@dataclass(frozen=True)
class Pictures:
    """What the parameter sets say: ``width`` and ``height`` of what is shown, and the numbers of the picture sets."""

    width: int
    height: int
    sets: frozenset[int]


def pictures(configuration: bytes) -> Pictures:
    """Read the content of an ``avcC`` box.

    Raises:
        NotPlain: it is anything but one sequence of whole frames in 4:2:0 with 8 bits, 4 bytes before each unit.
    """
    if len(configuration) < 7 or configuration[0] != 1 or configuration[4] & 3 != 3 or configuration[5] & 31 != 1:
        raise NotPlain
    sequence, at = _unit(configuration, 6)
    if at >= len(configuration):
        raise NotPlain
    sets = set()
    many, at = configuration[at], at + 1
    for _ in range(many):
        unit, at = _unit(configuration, at)
        if unit[0] & 0x9F != _PICTURE:
            raise NotPlain
        sets.add(_Bits(unit[1:]).number())
    if not sets or sequence[0] & 0x9F != _SEQUENCE:
        raise NotPlain
    width, height = _size(sequence)
    return Pictures(width, height, frozenset(sets))


def check_sample(sample: bytes, sets: frozenset[int], *, sync: bool) -> None:
    """Hold that a sample is whole units, and that they are one picture: a key picture where it is said to be one.

    Raises:
        NotPlain: it is not.
    """
    at, slices = 0, 0
    while at < len(sample):
        if at + _LENGTH_BYTES > len(sample):
            raise NotPlain
        (size,) = struct.unpack_from(">I", sample, at)
        at += _LENGTH_BYTES
        if size < 2 or at + size > len(sample):
            raise NotPlain
        kind = sample[at] & 0x9F  # with the bit that is never set
        if kind in (_SLICE, _IDR):
            if (kind == _IDR) != sync:
                raise NotPlain
            bits = _Bits(sample[at + 1 : at + min(size, _HEAD_BYTES)])
            first, slice_kind, named = bits.number(), bits.number(), bits.number()
            if (first == 0) != (slices == 0) or slice_kind > 9 or named not in sets:
                raise NotPlain
            slices += 1
        elif kind not in (_SEI, _FILLER) or slices:
            raise NotPlain
        at += size
    if not slices:
        raise NotPlain


def _unit(data: bytes, at: int) -> tuple[bytes, int]:
    """A parameter set with its length before it, and where the next thing begins."""
    (size,) = struct.unpack_from(">H", data, at) if at + 2 <= len(data) else (0,)
    end = at + 2 + size
    if size < 4 or end > len(data):
        raise NotPlain
    return data[at + 2 : end], end


def _size(unit: bytes) -> tuple[int, int]:
    if unit[1] not in _PROFILES:
        raise NotPlain
    bits = _Bits(unit[4:].replace(b"\0\0\3", b"\0\0"))
    bits.number()  # the number of the set
    if _PROFILES[unit[1]] and ((bits.number(), bits.number(), bits.number()) != (1, 0, 0) or bits.take(2)):
        raise NotPlain
    bits.number()  # log2_max_frame_num
    order = bits.number()
    if order == 0:
        bits.number()
    elif order != 2:
        raise NotPlain
    bits.number()  # reference frames
    if bits.take(1):  # gaps in the numbers of frames
        raise NotPlain
    wide, high = bits.number() + 1, bits.number() + 1
    if not bits.take(1):  # fields
        raise NotPlain
    bits.take(1)
    left = right = top = bottom = 0
    if bits.take(1):
        left, right, top, bottom = (2 * bits.number() for _ in range(4))
    width, height = 16 * wide - left - right, 16 * high - top - bottom
    if width < 1 or height < 1:
        raise NotPlain
    return width, height


class _Bits:
    """Reads the numbers of a header, the first bit first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """The next bits as a number."""
        if count > self._left:
            raise NotPlain
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def number(self) -> int:
        """The next number in the code named after Golomb: as many zeros as bits follow the first one."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > _MOST_NUMBER_BITS:
                raise NotPlain
        return (1 << zeros) - 1 + self.take(zeros)
