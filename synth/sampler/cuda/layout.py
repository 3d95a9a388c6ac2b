"""Packed weights as the CUDA kernel reads them: tiles of 16 rows in the order in which a warp's lanes multiply them.

:data:`layout.cuh` says the same in C++; the structs there are filled in here, word after word. Needs no GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.sampler.base import LEVELS, Shape
from synth.sampler.packing import Matrix, Packed, PackedTier
from synth.sampler.reference import STATE_OFFSET

MAX_TIERS: Final = 4
MAX_LAYERS: Final = 4
TILE_ROWS: Final = 16
_PAD: Final = 32  # the width is padded to it: whole tiles, and whole 32-byte steps of depth in int8
_ALIGN: Final = 256

BYTES: Final = {"fp32": 4, "bf16": 2, "int8": 1}
"""A weight's size."""

_FIRST, _FOLDED, _UNFOLDED = 0, 1, 2


def padded_width(shape: Shape) -> int:
    """Dp: the width that vectors have on the GPU."""
    return -(-shape.width // _PAD) * _PAD


def fits(shape: Shape) -> bool:
    """Whether the kernel's structs have room for this network."""
    return shape.tiers <= MAX_TIERS and shape.layers <= MAX_LAYERS


@dataclass(frozen=True)
class Placed:
    """A network in one piece of memory.

    Attributes:
        image: uint8, all arrays one after the other.
        words: the struct ``Model``; where ``relative`` holds, an offset into ``image``.
        relative: which words are addresses; -1 stands for null.
    """

    image: NDArray[np.uint8]
    words: tuple[int, ...]
    relative: tuple[bool, ...]

    def model(self, address: int) -> NDArray[np.uint64]:
        """The struct, given where the image lies."""
        absolute = [
            (0 if word < 0 else word + address) if relative else word
            for word, relative in zip(self.words, self.relative, strict=True)
        ]
        return np.array(absolute, np.uint64)


class _Writer:
    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self.padded = padded_width(shape)
        self._parts: list[NDArray[np.uint8]] = []
        self._size = 0
        self.words: list[int] = []
        self.relative: list[bool] = []

    def number(self, value: int) -> None:
        self.words.append(value)
        self.relative.append(False)

    def array(self, values: NDArray[Any] | None) -> None:
        """An address."""
        self.relative.append(True)
        if values is None:
            self.words.append(-1)
            return
        data = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        self.words.append(self._size)
        room = -(-data.size // _ALIGN) * _ALIGN
        self._parts.append(np.concatenate((data, np.zeros(room - data.size, np.uint8))))
        self._size += room

    def rows(self, values: NDArray[Any] | None, gates: int) -> None:
        """Numbers of rows, [..., gates * D], the gates padded."""
        if values is None:
            self.array(None)
            return
        leading = values.shape[:-1]
        split = values.reshape(*leading, gates, -1)
        wide = np.zeros((*leading, gates, self.padded), values.dtype)
        wide[..., : split.shape[-1]] = split
        self.array(wide)

    def columns(self, values: NDArray[np.float32] | None) -> None:
        """A matrix [gates * D, K] that levels or conditioning meet, as [K][gates * Dp]."""
        self.rows(None if values is None else np.ascontiguousarray(values.T), self._shape.gates)

    def matrix(self, parts: Sequence[Matrix | None], blocks: int, *, signed: bool, rows: int | None = None) -> None:
        """A struct ``Matrix``: parts one below the other, each of so many padded blocks of rows (its gates)."""
        given = [part for part in parts if part is not None]
        height = rows if rows is not None else len(given) * blocks * self.padded
        if not given:
            for _ in range(3):
                self.array(None)
            self.number(0)
            return
        pad = self.padded if rows is None else rows
        self.array(np.concatenate([tiles(_padded(part.values, blocks, pad, self.padded)) for part in given]))
        scales = [part.scale for part in given if part.scale is not None]
        sums = [part.row_sum for part in given if part.row_sum is not None]
        offset = STATE_OFFSET if signed else 0
        self.array(_stretched(scales, blocks, pad) if scales else None)
        self.array(_stretched(sums, blocks, pad) * np.int32(offset) if sums else None)
        self.number(height)

    def image(self) -> NDArray[np.uint8]:
        return np.concatenate(self._parts)


def tiles(padded: NDArray[Any]) -> NDArray[np.uint8]:
    """A padded matrix [16 * n, K] as bytes, tile after tile.

    fp32: for each k, 16 rows. Else for each 32 bytes of depth, for lane 4 * g + t: bytes 4t.. of rows g and g + 8, then
    bytes 16 + 4t.. of both, which is one operand of ``mma.m16n8k16`` (bfloat16) and ``m16n8k32`` (8 bits) alike.
    """
    count = len(padded) // TILE_ROWS
    if padded.dtype == np.float32:
        turned = padded.reshape(count, TILE_ROWS, -1).transpose(0, 2, 1)
        return np.ascontiguousarray(turned).reshape(-1).view(np.uint8)
    data = np.ascontiguousarray(padded).view(np.uint8)
    split = data.reshape(count, 2, 8, data.shape[1] // 32, 2, 4, 4)  # tile, half, g, step, side, t, byte
    return np.ascontiguousarray(split.transpose(0, 3, 2, 5, 4, 1, 6)).reshape(-1)


def place(packed: Packed) -> Placed:
    """The struct ``Model`` and all it points to."""
    shape, writer = packed.shape, _Writer(packed.shape)
    for value in (writer.padded, shape.tiers, shape.layers, shape.look_back, shape.conditioning):
        writer.number(value)
    for index in range(MAX_TIERS):
        _place_tier(writer, shape, index, packed.tiers[index] if index < shape.tiers else None)
    writer.columns(packed.conditioning)
    writer.matrix(packed.words, 1, signed=True)
    writer.rows(packed.word_bias, 1)
    writer.rows(packed.tables.values, 1)
    writer.rows(packed.tables.scale, 1)
    writer.matrix([packed.hidden], 1, signed=False)
    writer.matrix([packed.output], 1, signed=False, rows=LEVELS)
    writer.rows(packed.hidden_bias, 1)
    writer.array(packed.output_bias)
    return Placed(writer.image(), tuple(writer.words), tuple(writer.relative))


def _place_tier(writer: _Writer, shape: Shape, index: int, tier: PackedTier | None) -> None:
    if tier is None:
        nothing = np.empty(0, np.float32)
        empty = PackedTier(nothing, nothing, (), (), (None,), (), (), ())
        writer.array(None)
        writer.array(None)
        for _ in range(3):
            writer.number(1)
        _place_matrices(writer, shape, empty)
        return
    writer.columns(tier.samples)
    writer.rows(tier.bias, shape.gates)
    writer.number(shape.frames[index])
    writer.number(shape.variants(index))
    writer.number(_FOLDED if tier.above else _UNFOLDED if tier.upsampling else _FIRST)
    _place_matrices(writer, shape, tier)


def _place_matrices(writer: _Writer, shape: Shape, tier: PackedTier) -> None:
    def of(parts: Sequence[Any], layer: int) -> Any:
        return parts[layer] if layer < len(parts) else None

    writer.matrix(tier.above, shape.gates, signed=True)
    writer.matrix(tier.upsampling, 1, signed=True)
    for layer in range(MAX_LAYERS):
        writer.matrix([of(tier.inputs, layer)], shape.gates, signed=True)
    for layer in range(MAX_LAYERS):
        writer.rows(of(tier.input_bias, layer), shape.gates)
    for layer in range(MAX_LAYERS):
        writer.matrix([of(tier.recurrent, layer)], shape.gates, signed=True)
    for layer in range(MAX_LAYERS):
        writer.rows(of(tier.recurrent_bias, layer), shape.gates)


def _padded(values: NDArray[Any], blocks: int, rows: int, columns: int) -> NDArray[Any]:
    """[blocks * D, K] to [blocks * rows, columns] with zeros."""
    split = values.reshape(blocks, -1, values.shape[1])
    wide = np.zeros((blocks, rows, columns), values.dtype)
    wide[:, : split.shape[1], : values.shape[1]] = split
    return wide.reshape(blocks * rows, columns)


def _stretched(parts: Sequence[NDArray[Any]], blocks: int, rows: int) -> NDArray[Any]:
    """[blocks * D] each to [parts * blocks * rows] with zeros."""
    return np.concatenate([_padded(part[:, None], blocks, rows, 1)[:, 0] for part in parts])


MODEL_WORDS: Final = 235
CALL_WORDS: Final = 35
