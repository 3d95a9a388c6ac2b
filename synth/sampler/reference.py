"""THE DEFINITION: what one step of sampling is, slowly and readably, down to every rounding.

Each sampler of the same precision must give these bytes. That is possible because nothing here depends on how work is
split: the additions of a dot product come in one order, by k alone; whole numbers need no order.

Arithmetic. All floats are float32, rounded to nearest even, each operation as it stands here; ``fma(a, b, c)`` rounds
a * b + c once. exp is clamped to -87..88 and a polynomial of FMAs (:func:`exp`), 1 / (1 + exp(-x)) the sigmoid, and
fma(2, sigmoid(2x), -1) the tanh. Rounding to whole numbers adds and takes away 1.5 * 2**23.

A product adds ``W x`` to what is there already, ``y``:

* fp32: ``acc = 0``; ``acc = fma(w[k], x[k], acc)`` for rising k; ``y + acc``.
* bf16: x is rounded to bfloat16 (nearest, ties to even). Of each 32 inputs, the last filled up with zeros,
  ``even = odd = 0``; ``even = fma(w[k], x[k], even)`` for rising even k, ``odd`` likewise;
  ``acc = acc + (even + odd)``; ``y + acc``. That is what AMX's TDPBF16PS does (Intel's instruction set extensions
  reference), and two chains of AVX512-BF16's VDPBF16PS do. Both take subnormal numbers for zero; weights and x nearer
  to zero than 2**-40 are zero instead, so that all products and sums are multiples of 2**-94 and none is subnormal.
* int8: x becomes unsigned 7-bit whole numbers u in 0..127, with one step for the whole vector:
  ReLU outputs ``m = max(x)``, ``u = round(x * (127 / m))``, step ``m / 127``, offset 0;
  states and words ``m = max(|x|)``, ``u = round(x * (63 / m)) + 64``, step ``m / 63``, offset 64; m is at least 2**-64.
  ``s = sum(w[k] * u[k]) - offset * row_sum``, exact in int32. ``fma(float(s) * row_scale, step, y)``.
  u stays below 128 so that sums of two products with weights in -127..127 fit int16, as AVX2 makes them; a DP4A of
  signed or of unsigned bytes gives the same sum.

What the levels themselves meet (``samples`` times level - 127.5) and the conditioning are fp32 products in every
precision. Tables: fp32 and bf16 rows are added one by one to the word, oldest first; int8 rows are summed as integers,
``fma(float(sum), column_scale, word)``.

A draw: p = exp(l - max(l)) with l = logit * float32(1 / temperature). Rows of 16 levels are summed by halving (8 apart,
4, 2, 1), the row sums one after the other. The target is the total times a Philox4x32-10 word's upper 24 bits / 2**24:
key = seed, counter = (position, stream), both in low and high 32-bit words, first word of the block. The first row
whose running sum passes the target is taken; in it, adding one by one to the sum before it, the first level that
passes it; if rounding lets none pass, the row's most probable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.sampler.base import LEVELS, Stream
from synth.sampler.batching import ChunkedSampler, Gates
from synth.sampler.folding import MIDDLE
from synth.sampler.packing import Matrix, Packed, PackedTier, from_bfloat16, to_bfloat16, without_tiny

Vector = NDArray[np.float32]

EXP_COEFFICIENTS: Final = tuple(
    np.float32(float.fromhex(text))
    for text in (
        "0x1.6a1a72p-10",
        "0x1.123fc6p-7",
        "0x1.555916p-5",
        "0x1.55548ap-3",
        "0x1.fffffcp-2",
        "0x1p+0",
        "0x1p+0",
    )
)
"""Of exp on |f| <= ln(2) / 2, highest power first: a minimax fit of ours with 1 + f held, relative error 3.3e-9."""

_LOG2_E: Final = np.float32(float.fromhex("0x1.715476p+0"))
_LN2_HIGH: Final = np.float32(float.fromhex("0x1.62e4p-1"))  # 16 bits: times a whole number below 256 it is exact
_LN2_LOW: Final = np.float32(float.fromhex("0x1.7f7d1cp-20"))
_ROUNDER: Final = np.float32(1.5 * 2**23)
_LEAST_PEAK: Final = np.float32(2.0**-64)
RELU_LIMIT: Final = np.float32(127)
STATE_LIMIT: Final = np.float32(63)
STATE_OFFSET: Final = 64
BF16_BLOCK: Final = 32


class ReferenceSampler(ChunkedSampler):
    """One level of one stream at a time, in plain numpy; for tests."""

    def __init__(self, packed: Packed) -> None:
        super().__init__(packed)
        self._packed = packed

    @property
    def kind(self) -> str:
        """Names itself."""
        return "reference"

    def _gates(self, rows: NDArray[np.float32]) -> Gates:
        weights = self._packed.conditioning
        assert weights is not None
        bias = self._packed.tiers[0].bias[0]
        return np.stack([product(bias, Matrix(weights), row, signed=True) for row in rows])

    def _advance(
        self, streams: Sequence[Stream], gates: Sequence[Gates] | None, frames: int
    ) -> list[NDArray[np.uint8]]:
        made = []
        for index, stream in enumerate(streams):
            levels = []
            for frame in range(frames):
                for _ in range(self.shape.top_frame):
                    logits = self.logits(stream, None if gates is None else gates[index][frame])
                    level = draw(logits, stream.seed, stream.stream, stream.position)
                    self._append(stream, level)
                    levels.append(level)
            made.append(np.array(levels, np.uint8))
        return made

    def _score(self, stream: Stream, gates: Gates | None, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = []
        for index, level in enumerate(levels):
            frame = index // self.shape.top_frame
            logits.append(self.logits(stream, None if gates is None else gates[frame]))
            self._append(stream, int(level))
        return np.stack(logits)

    def _append(self, stream: Stream, level: int) -> None:
        stream.before = np.append(stream.before[1:], np.uint8(level))
        stream.position += 1

    def logits(self, stream: Stream, gates: Vector | None) -> Vector:
        """Logits [Q] of the next level, after the tiers that are due were moved on; gates belong to the top tier."""
        packed, shape = self._packed, self.shape
        place = stream.position % shape.top_frame
        for index, tier in enumerate(packed.tiers):
            if place % shape.frames[index] == 0:
                variant = place // shape.frames[index] % shape.variants(index)
                bias = tier.bias[variant] if index or gates is None else gates
                above = stream.hidden[index - 1, 0, -1] if index else None
                samples = stream.before[-shape.frames[index] :].astype(np.float32) - np.float32(MIDDLE)
                stream.hidden[index] = self._tier(tier, variant, bias, samples, above, stream.hidden[index])
        slot = place % shape.look_back
        word = product(packed.word_bias[slot], packed.words[slot], stream.hidden[-1, 0, -1], signed=True)
        first = np.maximum(self._looked_up(word, stream.before[-shape.look_back :]), np.float32(0))
        second = np.maximum(product(packed.hidden_bias, packed.hidden, first, signed=False), np.float32(0))
        logits = product(packed.output_bias, packed.output, second, signed=False)
        return logits * np.float32(1 / stream.temperature)

    def _tier(
        self, tier: PackedTier, variant: int, bias: Vector, samples: Vector, above: Vector | None, state: Vector
    ) -> Vector:
        """One step of a frame tier: its state [states, layers, D] after it."""
        after = np.empty_like(state)
        inward = product(bias, Matrix(tier.samples), samples, signed=True)
        if tier.above:
            assert above is not None
            inward = product(inward, tier.above[variant], above, signed=True)
        elif tier.upsampling:
            assert above is not None
            assert tier.inputs[0] is not None
            word = product(np.zeros_like(above), tier.upsampling[variant], above, signed=True)
            inward = product(inward, tier.inputs[0], word, signed=True)
        for layer in range(self.shape.layers):
            if layer:
                matrix = tier.inputs[layer]
                assert matrix is not None
                inward = product(tier.input_bias[layer], matrix, after[0, layer - 1], signed=True)
            carried = product(tier.recurrent_bias[layer], tier.recurrent[layer], state[0, layer], signed=True)
            cell = gru if self.shape.rnn == "gru" else lstm
            after[:, layer] = cell(inward, carried, state[:, layer])
        return after

    def _looked_up(self, word: Vector, levels: NDArray[np.uint8]) -> Vector:
        tables = self._packed.tables
        rows = [tables.values[place, level] for place, level in enumerate(levels)]
        if tables.scale is not None:
            return fma(np.sum(rows, axis=0, dtype=np.int32).astype(np.float32), tables.scale, word)
        for row in rows:
            word = word + (from_bfloat16(row) if row.dtype == np.uint16 else row)
        return word


def product(y: Vector, matrix: Matrix, x: Vector, *, signed: bool) -> Vector:
    """y [M] + matrix [M, K] x [K]; ``signed`` tells states and words from ReLU outputs."""
    if matrix.scale is not None and matrix.row_sum is not None:
        peak = max(np.abs(x).max(), _LEAST_PEAK)
        limit, offset = (STATE_LIMIT, STATE_OFFSET) if signed else (RELU_LIMIT, 0)
        units = to_whole(x * (limit / peak)) + offset
        total = matrix.values.astype(np.int32) @ units - offset * matrix.row_sum
        return fma(total.astype(np.float32) * matrix.scale, peak / limit, y)
    if matrix.values.dtype == np.uint16:
        return y + _bfloat16_sum(from_bfloat16(matrix.values), from_bfloat16(to_bfloat16(without_tiny(x))))
    acc = np.zeros(len(matrix.values), np.float32)
    for column, value in zip(matrix.values.T, x, strict=True):
        acc = fma(column, value, acc)
    return y + acc


def _bfloat16_sum(weights: Vector, x: Vector) -> Vector:
    """Weights [M, K] times x [K], 32 inputs at a time."""
    total = np.zeros(len(weights), np.float32)
    for begin in range(0, len(x), BF16_BLOCK):
        end = min(begin + BF16_BLOCK, len(x))
        chains = [np.zeros(len(weights), np.float32) for _ in range(2)]
        for k in range(begin, end):
            chains[k % 2] = fma(weights[:, k], x[k], chains[k % 2])
        total = total + (chains[0] + chains[1])
    return total


def gru(inward: Vector, carried: Vector, state: Vector) -> Vector:
    """A GRU's hidden vector [1, D] after one step, from what comes in and what is carried on, [3 * D] each."""
    reset_in, update_in, new_in = np.split(inward, 3)
    reset_carried, update_carried, new_carried = np.split(carried, 3)
    update = sigmoid(update_in + update_carried)
    new = tanh(fma(sigmoid(reset_in + reset_carried), new_carried, new_in))
    return fma(update, state[0] - new, new)[None]


def lstm(inward: Vector, carried: Vector, state: Vector) -> Vector:
    """An LSTM's hidden vector and cell [2, D] after one step."""
    enter, forget, new, leave = np.split(inward + carried, 4)
    cell = fma(sigmoid(forget), state[1], sigmoid(enter) * tanh(new))
    return np.stack((sigmoid(leave) * tanh(cell), cell))


def draw(logits: Vector, seed: int, stream: int, position: int) -> int:
    """The level that the random number of this position stands for."""
    weights = exp(logits - logits.max()).reshape(LEVELS // 16, 16)
    sums = weights
    while sums.shape[1] > 1:
        sums = sums[:, : sums.shape[1] // 2] + sums[:, sums.shape[1] // 2 :]
    running = [np.float32(0)]
    for row_sum in sums[:, 0]:
        running.append(running[-1] + row_sum)
    word = philox(seed, stream, position)
    target = np.float32(word >> 8) * np.float32(2.0**-24) * running[-1]
    row = next((index for index in range(len(sums)) if running[index + 1] > target), len(sums) - 1)
    passed = running[row]
    for column, weight in enumerate(weights[row]):
        passed = passed + weight
        if passed > target:
            return row * 16 + column
    return row * 16 + int(weights[row].argmax())


def philox(seed: int, stream: int, position: int) -> int:
    """First word of the Philox4x32-10 block (Salmon et al., SC 2011) with key ``seed``, counter (position, stream)."""
    low, high = 0xFFFF_FFFF, 32
    words = [position & low, position >> high, stream & low, stream >> high]
    keys = [seed & low, seed >> high]
    for _ in range(10):
        first, second = 0xD251_1F53 * words[0], 0xCD9E_8D57 * words[2]
        words = [(second >> high) ^ words[1] ^ keys[0], second & low, (first >> high) ^ words[3] ^ keys[1], first & low]
        keys = [(keys[0] + 0x9E37_79B9) & low, (keys[1] + 0xBB67_AE85) & low]
    return words[0]


def exp(x: Vector) -> Vector:
    """e**x: 2**n times a polynomial in what n * ln 2 leaves of x."""
    x = np.minimum(np.maximum(x, np.float32(-87)), np.float32(88))
    times = x * _LOG2_E + _ROUNDER
    whole = times - _ROUNDER
    rest = fma(-whole, _LN2_LOW, fma(-whole, _LN2_HIGH, x))
    value: Any = np.broadcast_to(EXP_COEFFICIENTS[0], x.shape)
    for coefficient in EXP_COEFFICIENTS[1:]:
        value = fma(value, rest, coefficient)
    shift = times.view(np.int32) << np.int32(23)  # the rounder's own bits leave at the top
    return np.asarray((value.view(np.int32) + shift).view(np.float32))


def sigmoid(x: Vector) -> Vector:
    """1 / (1 + exp(-x))."""
    return np.float32(1) / (np.float32(1) + exp(-x))


def tanh(x: Vector) -> Vector:
    """2 * sigmoid(2x) - 1."""
    return fma(np.float32(2), sigmoid(x + x), np.float32(-1))


def to_whole(x: Vector) -> NDArray[np.int32]:
    """The nearest whole number, ties to even."""
    return np.asarray((x + _ROUNDER).view(np.int32) - _ROUNDER.view(np.int32))


def fma(a: Any, b: Any, c: Any) -> Vector:
    """a * b + c, rounded once.

    In float64 the product is exact and the sum's error is known; a sum that is not exact is made odd in its last bit,
    after which rounding to float32 cannot go wrong twice.
    """
    exact = np.multiply(a, b, dtype=np.float64)
    addend = np.asarray(c, np.float64)
    total = np.asarray(exact + addend)
    part = total - exact
    error = (exact - (total - part)) + (addend - part)
    bits = total.view(np.int64)
    even = (error != 0) & (bits & np.int64(1) == 0)
    outward = np.where((error > 0) == (total > 0), 1, -1)
    return np.asarray((bits + even * outward).view(np.float64), np.float32)
