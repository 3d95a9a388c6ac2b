"""Folded weights in one of three precisions: the numbers that every sampler of that precision computes with.

What lies where in memory is each sampler's own business; which numbers there are is decided here, once.

* ``fp32``: as folded.
* ``bf16``: the matrices that hidden vectors meet, and the tables, rounded to bfloat16 (nearest, ties to even); in the
  matrices, numbers nearer to zero than 2**-40 are zero (:mod:`synth.sampler.reference` says why).
* ``int8``: those matrices as rows of integers in -127..127 with one scale a row; the tables as 16-bit integers with one
  scale a column, of a size whose sum over all positions still fits 16 bits.

Biases, initial states, and what meets samples or conditioning stay fp32 in all of them: they are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.sampler.base import PRECISIONS, Shape
from synth.sampler.folding import Folded, FoldedTier

WEIGHT_LIMIT: Final = 127
_SUM_LIMIT: Final = 32_767
LEAST_BF16: Final = np.float32(2.0**-40)
"""The least size of a number other than zero in a bf16 product."""


@dataclass(frozen=True)
class Matrix:
    """A matrix of M rows in one precision.

    Attributes:
        values: [M, K]; float32, bfloat16 as uint16, or int8.
        scale: float32 [M], int8 only: a row's step.
        row_sum: int32 [M], int8 only: what the activations' offset is taken back with.
    """

    values: NDArray[Any]
    scale: NDArray[np.float32] | None = None
    row_sum: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Tables:
    """The sample tier's tables.

    Attributes:
        values: [look back, Q, D]; float32, bfloat16 as uint16, or int16.
        scale: float32 [D], int8 only: a column's step.
    """

    values: NDArray[Any]
    scale: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class PackedTier:
    """:class:`synth.sampler.folding.FoldedTier` with its matrices packed, those with variants one by one."""

    samples: NDArray[np.float32]
    bias: NDArray[np.float32]
    above: tuple[Matrix, ...]
    upsampling: tuple[Matrix, ...]
    inputs: tuple[Matrix | None, ...]
    input_bias: tuple[NDArray[np.float32], ...]
    recurrent: tuple[Matrix, ...]
    recurrent_bias: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Packed:
    """:class:`synth.sampler.folding.Folded` in one precision."""

    shape: Shape
    precision: str
    tiers: tuple[PackedTier, ...]
    initial: NDArray[np.float32]
    conditioning: NDArray[np.float32] | None
    words: tuple[Matrix, ...]
    word_bias: NDArray[np.float32]
    tables: Tables
    hidden: Matrix
    hidden_bias: NDArray[np.float32]
    output: Matrix
    output_bias: NDArray[np.float32]


def pack(folded: Folded, precision: str) -> Packed:
    """Every matrix in this precision.

    Raises:
        OptionError: there is no such precision.
    """
    if precision not in PRECISIONS:
        raise OptionError(f"precision is {precision!r}; allowed are {', '.join(PRECISIONS)}")
    return Packed(
        shape=folded.shape,
        precision=precision,
        tiers=tuple(_tier(tier, precision) for tier in folded.tiers),
        initial=folded.initial,
        conditioning=folded.conditioning,
        words=_matrices(folded.words, precision),
        word_bias=folded.word_bias,
        tables=tables(folded.tables, precision),
        hidden=matrix(folded.hidden, precision),
        hidden_bias=folded.hidden_bias,
        output=matrix(folded.output, precision),
        output_bias=folded.output_bias,
    )


def matrix(weights: NDArray[np.float32], precision: str) -> Matrix:
    """Weights [M, K] in this precision."""
    if precision == "fp32":
        return Matrix(weights)
    if precision == "bf16":
        return Matrix(to_bfloat16(without_tiny(weights)))
    peak = np.abs(weights).max(axis=1)
    scale = np.where(peak > 0, peak / np.float32(WEIGHT_LIMIT), 1).astype(np.float32)
    rounded = np.rint(weights.astype(np.float64) / scale[:, None].astype(np.float64))
    values = np.clip(rounded, -WEIGHT_LIMIT, WEIGHT_LIMIT).astype(np.int8)
    return Matrix(values, scale, values.sum(axis=1, dtype=np.int32))


def tables(values: NDArray[np.float32], precision: str) -> Tables:
    """Tables [look back, Q, D] in this precision."""
    if precision == "fp32":
        return Tables(values)
    if precision == "bf16":
        return Tables(to_bfloat16(values))
    limit = _SUM_LIMIT // len(values)
    peak = np.abs(values).max(axis=(0, 1))
    scale = np.where(peak > 0, peak / np.float32(limit), 1).astype(np.float32)
    rounded = np.rint(values.astype(np.float64) / scale.astype(np.float64))
    return Tables(np.clip(rounded, -limit, limit).astype(np.int16), scale)


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper halves of float32 numbers, rounded to nearest, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)


def without_tiny(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Numbers as bf16 products take them: zero where they are nearer to it than :data:`LEAST_BF16`."""
    return np.where(np.abs(values) < LEAST_BF16, np.float32(0), values)


def from_bfloat16(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """What :func:`to_bfloat16` left, as float32."""
    return (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)


def _matrices(stack: NDArray[np.float32] | None, precision: str) -> tuple[Matrix, ...]:
    return () if stack is None else tuple(matrix(part, precision) for part in stack)


def _tier(tier: FoldedTier, precision: str) -> PackedTier:
    return PackedTier(
        samples=tier.samples,
        bias=tier.bias,
        above=_matrices(tier.above, precision),
        upsampling=_matrices(tier.upsampling, precision),
        inputs=tuple(None if part is None else matrix(part, precision) for part in tier.inputs),
        input_bias=tier.input_bias,
        recurrent=tuple(matrix(part, precision) for part in tier.recurrent),
        recurrent_bias=tier.recurrent_bias,
    )
