"""The sampler of a machine without the compiled library: numpy's own matrix products, one step for all streams.

Within rounding it is what :mod:`synth.sampler.reference` defines, so a sound differs from the library's only where a
draw falls on the edge between two levels; and it is many times slower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.sampler.base import LEVELS, Stream
from synth.sampler.batching import ChunkedSampler, Gates
from synth.sampler.folding import MIDDLE
from synth.sampler.packing import Matrix, Packed, PackedTier, from_bfloat16, to_bfloat16, without_tiny
from synth.sampler.reference import RELU_LIMIT, STATE_LIMIT, philox

Batch = NDArray[np.float32]
_Add = Callable[[Batch, Batch], Batch]
"""``add(y, x)``: y [B, M] and matrix times x [B, K]."""

_EXACT_IN_FLOAT32: Final = 2**24


class NumpySampler(ChunkedSampler):
    """Any number of streams at a time, on as many threads as numpy's products use."""

    def __init__(self, packed: Packed) -> None:
        super().__init__(packed)
        self._packed = packed
        self._tiers = [_Tier(tier) for tier in packed.tiers]
        self._words = [_product(matrix, signed=True) for matrix in packed.words]
        self._hidden = _product(packed.hidden, signed=False)
        self._output = _product(packed.output, signed=False)
        values = packed.tables.values
        self._tables = from_bfloat16(values) if values.dtype == np.uint16 else values

    @property
    def kind(self) -> str:
        """Names itself."""
        return "cpu numpy"

    def _gates(self, rows: NDArray[np.float32]) -> Gates:
        weights = self._packed.conditioning
        assert weights is not None
        return np.asarray(_times(rows, weights.T) + self._packed.tiers[0].bias[0], np.float32)

    def _advance(
        self, streams: Sequence[Stream], gates: Sequence[Gates] | None, frames: int
    ) -> list[NDArray[np.uint8]]:
        levels, _ = self._move(streams, gates, frames, None)
        return list(levels)

    def _score(self, stream: Stream, gates: Gates | None, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        frames = len(levels) // self.shape.top_frame
        _, logits = self._move([stream], None if gates is None else [gates], frames, levels[None])
        return np.concatenate(logits)

    def _move(
        self,
        streams: Sequence[Stream],
        gates: Sequence[Gates] | None,
        frames: int,
        known: NDArray[np.uint8] | None,
    ) -> tuple[NDArray[np.uint8], list[Batch]]:
        """Levels [B, N], and logits [B, Q] of every sample that is known."""
        top, look_back = self.shape.top_frame, self.shape.look_back
        hidden = np.stack([stream.hidden for stream in streams], axis=3)  # [tiers, states, layers, B, D]
        levels = np.zeros((len(streams), top * (frames + 1)), np.uint8)
        levels[:, :top] = [stream.before for stream in streams]
        inverse = np.array([[1 / stream.temperature] for stream in streams], np.float32)
        logits = []
        for sample in range(top, top * (frames + 1)):
            if sample % top == 0:
                given = None if gates is None else np.stack([rows[sample // top - 1] for rows in gates])
            for index in range(self.shape.tiers):
                if sample % self.shape.frames[index] == 0:
                    self._step_tier(index, sample, levels, given, hidden)
            slot = sample % look_back
            word = self._words[slot](np.tile(self._packed.word_bias[slot], (len(streams), 1)), hidden[-1, 0, -1])
            first = np.maximum(self._looked_up(word, levels[:, sample - look_back : sample]), 0)
            second = np.maximum(self._hidden(self._packed.hidden_bias, first), 0)
            odds = self._output(self._packed.output_bias, second) * inverse
            if known is None:
                levels[:, sample] = _draws(odds, streams, sample - top)
            else:
                logits.append(odds)
                levels[:, sample] = known[:, sample - top]
        for index, stream in enumerate(streams):
            stream.hidden = hidden[:, :, :, index].copy()
            stream.before = levels[index, -top:].copy()
            stream.position += top * frames
        return levels[:, top:], logits

    def _step_tier(
        self, index: int, sample: int, levels: NDArray[np.uint8], gates: Batch | None, hidden: Batch
    ) -> None:
        """One step of a frame tier, of all streams; ``hidden`` [tiers, states, layers, B, D] is moved on."""
        tier, frame = self._tiers[index], self.shape.frames[index]
        variant = sample % self.shape.top_frame // frame % self.shape.variants(index)
        samples = levels[:, sample - frame : sample].astype(np.float32) - np.float32(MIDDLE)
        begin = gates if gates is not None and index == 0 else tier.packed.bias[variant]
        inward: Batch = np.asarray(begin + _times(samples, tier.packed.samples.T), np.float32)
        above = hidden[index - 1, 0, -1]
        if tier.above:
            inward = tier.above[variant](inward, above)
        elif tier.upsampling:
            inward = tier.inputs[0](inward, tier.upsampling[variant](np.zeros_like(above), above))
        for layer in range(self.shape.layers):
            if layer:
                inward = tier.inputs[layer](tier.packed.input_bias[layer], hidden[index, 0, layer - 1])
            carried = tier.recurrent[layer](tier.packed.recurrent_bias[layer], hidden[index, 0, layer])
            if self.shape.rnn == "gru":
                (reset_in, update_in, new_in), (reset, update, new) = (
                    np.split(part, 3, axis=1) for part in (inward, carried)
                )
                kept = _sigmoid(update_in + update)
                fresh = np.tanh(new_in + _sigmoid(reset_in + reset) * new)
                hidden[index, 0, layer] = fresh + kept * (hidden[index, 0, layer] - fresh)
            else:
                enter, forget, new, leave = np.split(inward + carried, 4, axis=1)
                cell = _sigmoid(forget) * hidden[index, 1, layer] + _sigmoid(enter) * np.tanh(new)
                hidden[index, 0, layer], hidden[index, 1, layer] = _sigmoid(leave) * np.tanh(cell), cell

    def _looked_up(self, word: Batch, levels: NDArray[np.uint8]) -> Batch:
        rows = self._tables[np.arange(levels.shape[1]), levels].sum(axis=1, dtype=np.float32)
        scale = self._packed.tables.scale
        return np.asarray(word + (rows if scale is None else rows * scale))


class _Tier:
    """A frame tier's products."""

    def __init__(self, packed: PackedTier) -> None:
        self.packed = packed
        self.above = [_product(matrix, signed=True) for matrix in packed.above]
        self.upsampling = [_product(matrix, signed=True) for matrix in packed.upsampling]
        self.inputs = [_nothing if matrix is None else _product(matrix, signed=True) for matrix in packed.inputs]
        self.recurrent = [_product(matrix, signed=True) for matrix in packed.recurrent]


def _nothing(y: Batch, _: Batch) -> Batch:
    return y


def _product(matrix: Matrix, *, signed: bool) -> _Add:
    """What adds this matrix's product."""
    if matrix.scale is None:
        if matrix.values.dtype == np.uint16:
            halves = from_bfloat16(matrix.values).T.copy()
            return lambda y, x: y + _times(from_bfloat16(to_bfloat16(without_tiny(x))), halves)
        weights = matrix.values.T.copy()
        return lambda y, x: y + _times(x, weights)
    limit = STATE_LIMIT if signed else RELU_LIMIT
    # Sums of whole numbers are exact in floats that are wide enough, whatever their order.
    width = np.float32 if matrix.values.shape[1] * 127 * 127 < _EXACT_IN_FLOAT32 else np.float64
    whole: Any = matrix.values.T.astype(width)
    scale = matrix.scale

    def add(y: Batch, x: Batch) -> Batch:
        peak = np.maximum(np.abs(x).max(axis=1, keepdims=True), np.float32(2.0**-64))
        total = np.rint(x * (limit / peak)).astype(width) @ whole
        return np.asarray(y + total.astype(np.float32) * scale * (peak / limit), np.float32)

    return add


def _sigmoid(x: Batch) -> Batch:
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5, np.float32)


def _draws(logits: Batch, streams: Sequence[Stream], sample: int) -> NDArray[np.intp]:
    running = np.cumsum(np.exp(logits - logits.max(axis=1, keepdims=True)), axis=1)
    words = [philox(stream.seed, stream.stream, stream.position + sample) >> 8 for stream in streams]
    targets = np.array(words, np.float32) * np.float32(2.0**-24) * running[:, -1]
    return np.asarray(np.minimum((running <= targets[:, None]).sum(axis=1), LEVELS - 1))


def _times(rows: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.float32]:
    """Rows times weights without BLAS, whose roundings depend on how many rows come together."""
    return np.asarray(np.einsum("bk,kn->bn", rows, weights), np.float32)
