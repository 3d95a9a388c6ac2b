"""SampleRNN sampled in PyTorch, which our kernels are measured against: the network's own modules, and a bare loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from synth.models.samplernn import FrameTier, SampleRNN
from synth.sampler.base import LEVELS
from synth.sampler.folding import MIDDLE, Folded, FoldedTier


class Eager:
    """The network's own modules, one call a sample: what public ports of SampleRNN do."""

    def __init__(self, model: SampleRNN) -> None:
        self._model = model

    @torch.inference_mode()
    def generate(self, streams: int, frames: int) -> None:
        """Sound from silence."""
        model, config = self._model, self._model.config
        top, tail = config.top_frame, model.sample_tier
        levels = torch.cat((model.silence(streams), torch.zeros(streams, top * frames, dtype=torch.long)), 1)
        states = list(model.start(streams))
        words: list[Tensor] = [torch.empty(0)] * len(config.frames)
        for place in range(top, levels.shape[1]):
            for index, tier in enumerate(model.tiers):
                assert isinstance(tier, FrameTier)
                if place % tier.frame == 0:
                    above = None
                    if index:
                        slot = place % config.frames[index - 1] // tier.frame
                        above = words[index - 1][:, slot : slot + 1]
                    last = (levels[:, place - tier.frame : place].float() / (LEVELS - 1) * 2 - 1) * 2
                    words[index], states[index] = tier(last[:, None], above, None, states[index])
            looked_up = functional.embedding(levels[:, place - tail.look_back : place], tail.embedding)
            # The convolution of the papers and ports, over embeddings in the order that its weights have.
            first = functional.linear(looked_up.flatten(1), tail.convolution.weight)
            hidden = torch.relu(tail.hidden(torch.relu(first + words[-1][:, place % tail.look_back])))
            chances = torch.softmax(tail.output(hidden), -1)
            levels[:, place] = torch.multinomial(chances, 1)[:, 0]


class Strong:
    """The folded matrices in a PyTorch loop without modules: as good as PyTorch gets without kernels of one's own."""

    def __init__(self, folded: Folded, kind: torch.dtype) -> None:
        def tensor(array: Any) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(kind)

        self._shape = folded.shape
        self._kind = kind
        self._tiers = [_StrongTier(tier, tensor) for tier in folded.tiers]
        self._words = [tensor(matrix) for matrix in folded.words]
        self._word_bias = tensor(folded.word_bias)
        self._tables = tensor(folded.tables).flatten(0, 1)
        self._offsets = torch.arange(folded.shape.look_back) * LEVELS
        self._hidden, self._hidden_bias = tensor(folded.hidden), tensor(folded.hidden_bias)
        self._output, self._output_bias = tensor(folded.output), tensor(folded.output_bias)

    @torch.inference_mode()
    def generate(self, streams: int, frames: int) -> None:
        """Sound from silence."""
        shape, linear = self._shape, functional.linear
        top, look_back = shape.top_frame, shape.look_back
        levels = torch.full((streams, top * (frames + 1)), LEVELS // 2, dtype=torch.long)
        states = [[layer.expand(streams, -1) for layer in tier.initial] for tier in self._tiers]
        for place in range(top, levels.shape[1]):
            for index, tier in enumerate(self._tiers):
                frame = shape.frames[index]
                if place % frame == 0:
                    variant = place % top // frame % shape.variants(index)
                    inward = linear(levels[:, place - frame : place].to(self._kind) - MIDDLE, tier.samples)
                    inward = inward + tier.bias[variant]
                    if index:
                        inward = inward + tier.from_above(states[index - 1][-1], variant)
                    states[index] = tier.step(inward, states[index])
            slot = place % look_back
            word = linear(states[-1][-1], self._words[slot], self._word_bias[slot])
            rows = levels[:, place - look_back : place] + self._offsets
            first = torch.relu(word + self._tables[rows].sum(1))
            hidden = torch.relu(linear(first, self._hidden, self._hidden_bias))
            chances = torch.softmax(linear(hidden, self._output, self._output_bias).float(), -1)
            levels[:, place] = torch.multinomial(chances, 1)[:, 0]


class _StrongTier:
    """One GRU tier of it; LSTMs are not what is compared."""

    def __init__(self, tier: FoldedTier, tensor: Callable[[Any], Tensor]) -> None:
        self.initial = [tensor(layer) for layer in tier.initial[0]]
        self.samples, self.bias = tensor(tier.samples), tensor(tier.bias)
        self._above = None if tier.above is None else tensor(tier.above)
        self._upsampling = None if tier.upsampling is None else tensor(tier.upsampling)
        self._inputs = [None if matrix is None else tensor(matrix) for matrix in tier.inputs]
        self._input_bias = [tensor(bias) for bias in tier.input_bias]
        self._recurrent = [tensor(matrix) for matrix in tier.recurrent]
        self._recurrent_bias = [tensor(bias) for bias in tier.recurrent_bias]

    def from_above(self, hidden: Tensor, variant: int) -> Tensor:
        if self._above is not None:
            return functional.linear(hidden, self._above[variant])
        assert self._upsampling is not None
        assert self._inputs[0] is not None
        return functional.linear(functional.linear(hidden, self._upsampling[variant]), self._inputs[0])

    def step(self, inward: Tensor, states: list[Tensor]) -> list[Tensor]:
        after: list[Tensor] = []
        for layer, state in enumerate(states):
            if layer:
                matrix = self._inputs[layer]
                assert matrix is not None
                inward = functional.linear(after[-1], matrix, self._input_bias[layer])
            carried = functional.linear(state, self._recurrent[layer], self._recurrent_bias[layer])
            reset_in, update_in, new_in = inward.chunk(3, 1)
            reset, update, new = carried.chunk(3, 1)
            fresh = torch.tanh(new_in + torch.sigmoid(reset_in + reset) * new)
            after.append(fresh + torch.sigmoid(update_in + update) * (state - fresh))
        return after
