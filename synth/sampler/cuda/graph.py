"""The sampler of a GPU without a kernel: plain torch, one top frame captured as a CUDA graph and replayed.

Within rounding it is what :mod:`synth.sampler.reference` defines. A product's order of sums is the library's business,
and may differ from one batch size to another: so the batch is always the same size, filled up with streams that nobody
hears, and a sound does not depend on its company here either. On CPU tensors the same steps run without a graph, which
is how they are tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from synth.sampler.base import LEVELS, Stream
from synth.sampler.batching import ChunkedSampler, Gates
from synth.sampler.folding import MIDDLE
from synth.sampler.packing import Matrix, Packed, PackedTier, from_bfloat16

BATCH: Final = 64
"""Streams a graph: more of them are done in turn."""


class TorchSampler(ChunkedSampler):
    """Matrices of fp32 or bf16; int8 weights are multiplied out to bf16.

    Args:
        packed: the network.
        device: ``"cuda"`` or ``"cpu"``.
        batch: streams that every step computes.
    """

    def __init__(self, packed: Packed, device: str = "cuda", batch: int = BATCH) -> None:
        super().__init__(packed)
        self._batch, self._device = batch, torch.device(device)
        self._dtype = torch.float32 if packed.precision == "fp32" else torch.bfloat16
        self._loop = _Loop(packed, self._device, self._dtype, batch)
        self._graph: Any = None

    @property
    def kind(self) -> str:
        """What computes, for people."""
        return "cuda graph of torch" if self._device.type == "cuda" else "torch"

    def _gates(self, rows: NDArray[np.float32]) -> Gates:
        with torch.inference_mode():
            given = torch.from_numpy(np.ascontiguousarray(rows)).to(self._device)
            return self._loop.gates(given).cpu().numpy()

    def _advance(
        self, streams: Sequence[Stream], gates: Sequence[Gates] | None, frames: int
    ) -> list[NDArray[np.uint8]]:
        made: list[NDArray[np.uint8]] = []
        for begin in range(0, len(streams), self._batch):
            part = slice(begin, begin + self._batch)
            made += self._move(streams[part], None if gates is None else gates[part], frames, None)[0]
        return made

    def _score(self, stream: Stream, gates: Gates | None, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        frames = len(levels) // self.shape.top_frame
        return self._move([stream], None if gates is None else [gates], frames, levels)[1]

    def _move(
        self, streams: Sequence[Stream], gates: Sequence[Gates] | None, frames: int, known: NDArray[np.uint8] | None
    ) -> tuple[list[NDArray[np.uint8]], NDArray[np.float32]]:
        top, loop = self.shape.top_frame, self._loop
        levels, logits = [], []
        with torch.inference_mode():
            loop.take_in(streams)
            for frame in range(frames):
                if gates is not None:
                    loop.given[: len(streams)] = torch.from_numpy(np.stack([rows[frame] for rows in gates]))
                if known is None:
                    numbers = [uniforms(one.seed, one.stream, one.position + frame * top, top) for one in streams]
                    loop.uniforms[: len(streams)] = torch.from_numpy(np.stack(numbers))
                    self._step()
                else:
                    piece = torch.from_numpy(known[frame * top : (frame + 1) * top].astype(np.int64))
                    logits.append(loop.frame(piece.to(self._device).expand(self._batch, -1)))
                levels.append(loop.levels[: len(streams)].cpu().numpy().astype(np.uint8))
            loop.give_back(streams, levels[-1] if levels else None, frames)
        whole = np.concatenate(levels, axis=1) if levels else np.empty((len(streams), 0), np.uint8)
        scored = torch.cat(logits, 1)[0].float().cpu().numpy() if logits else np.empty((0, LEVELS), np.float32)
        return list(whole), np.asarray(scored, np.float32)

    def _step(self) -> None:
        """One top frame of the whole batch."""
        if self._device.type != "cuda":
            self._loop.frame(None)
            return
        if self._graph is None:
            self._graph = self._captured()
        self._graph.replay()

    def _captured(self) -> Any:
        """The graph; what a warm-up changes is put back."""
        before = [tensor.clone() for tensor in self._loop.carried]
        side: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):
                self._loop.frame(None)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._loop.frame(None)
        for tensor, kept in zip(self._loop.carried, before, strict=True):
            tensor.copy_(kept)
        return graph


class _Loop:
    """Static tensors, and the steps of one top frame on them."""

    def __init__(self, packed: Packed, device: torch.device, dtype: torch.dtype, batch: int) -> None:
        self._packed, self._shape, self._device, self._dtype = packed, packed.shape, device, dtype
        shape = packed.shape
        self._tiers = [_Tier(tier, device, dtype) for tier in packed.tiers]
        self._words = torch.cat([_weights(matrix, device, dtype) for matrix in packed.words])
        self._word_bias = self._float(packed.word_bias)
        values, scale = packed.tables.values, packed.tables.scale
        rows = from_bfloat16(values) if values.dtype == np.uint16 else values.astype(np.float32)
        self._tables = self._float(rows if scale is None else rows * scale).to(dtype).flatten(0, 1)
        self._hidden, self._output = (_weights(matrix, device, dtype) for matrix in (packed.hidden, packed.output))
        self._hidden_bias, self._output_bias = self._float(packed.hidden_bias), self._float(packed.output_bias)
        self._conditioning = None if packed.conditioning is None else self._float(packed.conditioning)
        self._offsets = torch.arange(shape.look_back, device=device) * LEVELS
        states = (shape.tiers, shape.states, shape.layers, batch, shape.width)
        self._state = torch.zeros(states, device=device)
        self._known = torch.full((batch, 2 * shape.top_frame), LEVELS // 2, dtype=torch.long, device=device)
        self.levels = self._known[:, shape.top_frame :]
        self.given = torch.zeros((batch, shape.gates * shape.width), device=device)
        self.uniforms = torch.zeros((batch, shape.top_frame), device=device)
        self._inverse = torch.ones((batch, 1), device=device)
        self.carried = (self._state, self._known)

    def take_in(self, streams: Sequence[Stream]) -> None:
        """Lay the streams into the batch."""
        count = len(streams)
        self._state[:, :, :, :count] = torch.from_numpy(np.stack([one.hidden for one in streams], axis=3))
        before = np.stack([one.before for one in streams]).astype(np.int64)
        # A frame begins by moving the last one's levels to the front.
        self.levels[:count] = torch.from_numpy(before).to(self._device)
        self._inverse[:count, 0] = torch.from_numpy(np.array([1 / one.temperature for one in streams], np.float32))

    def give_back(self, streams: Sequence[Stream], levels: NDArray[np.uint8] | None, frames: int) -> None:
        """Move the streams on."""
        state = self._state.cpu().numpy()
        for index, stream in enumerate(streams):
            stream.hidden = state[:, :, :, index].copy()
            if levels is not None:
                stream.before = levels[index].copy()
            stream.position += frames * self._shape.top_frame

    def gates(self, rows: Tensor) -> Tensor:
        """Conditioning [n, C] to the top tier's bias, [n, G * D]."""
        assert self._conditioning is not None
        return self._tiers[0].bias[0] + rows @ self._conditioning.T

    def frame(self, known: Tensor | None) -> Tensor:
        """One top frame, drawn or known [B, top frame]; logits [B, top frame, Q] of a known one."""
        shape, top = self._shape, self._shape.top_frame
        self._known[:, :top] = self.levels.clone()
        logits = []
        words = self._state[-1, 0, -1]
        for place in range(top):
            for index in range(shape.tiers):
                if place % shape.frames[index] == 0:
                    self._step_tier(index, place)
            if place % shape.look_back == 0:
                words = self._product(self._state[-1, 0, -1], self._words).view(-1, shape.look_back, shape.width)
                words = words + self._word_bias
            rows = self._known[:, top + place - shape.look_back : top + place] + self._offsets
            looked_up = functional.embedding(rows, self._tables).float().sum(1)
            first = functional.relu(words[:, place % shape.look_back] + looked_up)
            second = functional.relu(self._product(first, self._hidden) + self._hidden_bias)
            odds = (self._product(second, self._output) + self._output_bias) * self._inverse
            if known is None:
                self.levels[:, place] = self._draw(odds, place)
            else:
                self.levels[:, place] = known[:, place]
                logits.append(odds)
        return torch.stack(logits, 1) if logits else words

    def _draw(self, odds: Tensor, place: int) -> Tensor:
        """Levels by the inverse of the cumulated probabilities, without the host."""
        running = torch.exp(odds - odds.amax(1, keepdim=True)).cumsum(1)
        target = self.uniforms[:, place : place + 1] * running[:, -1:]
        return (running <= target).sum(1).clamp_(max=LEVELS - 1)

    def _step_tier(self, index: int, place: int) -> None:
        shape, tier, top = self._shape, self._tiers[index], self._shape.top_frame
        frame, state = shape.frames[index], self._state[index]
        variant = place // frame % shape.variants(index)
        samples = self._known[:, top + place - frame : top + place].float() - MIDDLE
        begin = self.given if index == 0 and self._conditioning is not None else tier.bias[variant]
        inward = begin + samples @ tier.samples.T
        if tier.above:
            inward = inward + self._product(self._state[index - 1, 0, -1], tier.above[variant])
        elif tier.upsampling:
            word = self._product(self._state[index - 1, 0, -1], tier.upsampling[variant])
            inward = inward + self._product(word, tier.inputs[0])
        for layer in range(shape.layers):
            if layer:
                inward = tier.input_bias[layer] + self._product(state[0, layer - 1], tier.inputs[layer])
            carried = tier.recurrent_bias[layer] + self._product(state[0, layer], tier.recurrent[layer])
            if shape.rnn == "gru":
                (reset_in, update_in, new_in), (reset, update, new) = inward.chunk(3, 1), carried.chunk(3, 1)
                fresh = torch.tanh(new_in + torch.sigmoid(reset_in + reset) * new)
                state[0, layer] = fresh + torch.sigmoid(update_in + update) * (state[0, layer] - fresh)
            else:
                enter, forget, fresh, leave = (inward + carried).chunk(4, 1)
                state[1, layer] = torch.sigmoid(forget) * state[1, layer] + torch.sigmoid(enter) * torch.tanh(fresh)
                state[0, layer] = torch.sigmoid(leave) * torch.tanh(state[1, layer])

    def _product(self, x: Tensor, weights: Tensor) -> Tensor:
        return functional.linear(x.to(self._dtype), weights).float()

    def _float(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self._device)


class _Tier:
    """A frame tier's matrices as tensors."""

    def __init__(self, packed: PackedTier, device: torch.device, dtype: torch.dtype) -> None:
        def plain(values: NDArray[np.float32]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(device)

        def wide(matrix: Matrix | None) -> Tensor:
            return torch.empty(0, device=device) if matrix is None else _weights(matrix, device, dtype)

        self.samples, self.bias = plain(packed.samples), plain(packed.bias)
        self.above = [wide(matrix) for matrix in packed.above]
        self.upsampling = [wide(matrix) for matrix in packed.upsampling]
        self.inputs = [wide(matrix) for matrix in packed.inputs]
        self.input_bias = [plain(values) for values in packed.input_bias]
        self.recurrent = [wide(matrix) for matrix in packed.recurrent]
        self.recurrent_bias = [plain(values) for values in packed.recurrent_bias]


def uniforms(seed: int, stream: int, position: int, count: int) -> NDArray[np.float32]:
    """The numbers in [0, 1) that :func:`synth.sampler.reference.philox` gives for positions from here on, [count]."""
    mask, high = np.uint64(0xFFFF_FFFF), np.uint64(32)
    positions = np.uint64(position) + np.arange(count, dtype=np.uint64)
    a, b = positions & mask, positions >> high
    c, d = np.full(count, stream & 0xFFFF_FFFF, np.uint64), np.full(count, stream >> 32, np.uint64)
    keys = [seed & 0xFFFF_FFFF, seed >> 32]
    for _ in range(10):
        first, second = np.uint64(0xD251_1F53) * a, np.uint64(0xCD9E_8D57) * c
        a, b = (second >> high) ^ b ^ np.uint64(keys[0]), second & mask
        c, d = (first >> high) ^ d ^ np.uint64(keys[1]), first & mask
        keys = [(keys[0] + 0x9E37_79B9) & 0xFFFF_FFFF, (keys[1] + 0xBB67_AE85) & 0xFFFF_FFFF]
    return (a >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)


def _weights(matrix: Matrix, device: torch.device, dtype: torch.dtype) -> Tensor:
    values = matrix.values
    plain = from_bfloat16(values) if values.dtype == np.uint16 else values.astype(np.float32)
    if matrix.scale is not None:
        plain = plain * matrix.scale[:, None]
    return torch.from_numpy(np.ascontiguousarray(plain, np.float32)).to(device).to(dtype)
