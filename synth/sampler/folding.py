"""From a trained network to the few matrices that sampling needs: everything linear is multiplied out ahead.

All products are taken in float64 and stored in float32:

* embedding times convolution: one table a position, so that the first sample-level layer is a sum of rows;
* a tier's input matrix times its expansion of samples: one matrix on the levels themselves;
* a tier's input matrix times the upsampling above it: one matrix a slot, or two steps where that one grows too large;
* the top tier's input matrix times the conditioning's: a vector a top frame, computed ahead of the loop.

Rows of G * D matrices are gate after gate in PyTorch's order: GRU reset, update, new; LSTM input, forget, cell, output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.sampler.base import LEVELS, Shape

if TYPE_CHECKING:
    from torch import Tensor

    from synth.models.samplernn import SampleRNN

Array = NDArray[np.float32]

MIDDLE: Final = (LEVELS - 1) / 2
"""Taken from a level before it meets a matrix: 127.5, exact in float32."""

_FOLD_LIMIT: Final = 4 * 2**20
"""Numbers of all slots together up to which input matrix and upsampling are folded: beyond, caches suffer more from
the larger matrices of all slots than is won by one product less. A rule of the shape alone: it shows in the bytes."""


@dataclass(frozen=True)
class FoldedTier:
    """One frame tier.

    Attributes:
        samples: [G * D, frame], acts on level - 127.5.
        bias: [variants, G * D], one for each of this tier's steps under one step of the tier above.
        above: [variants, G * D, D] on the hidden vector of the tier above, where folded; else ``None``.
        upsampling: [variants, D, D], where not folded: ``inputs[0]`` follows it; else ``None``.
        inputs: [G * D, D] a layer, on the layer below; ``None`` for a first layer that needs none.
        input_bias: [G * D] a layer; zero for the first, whose bias is ``bias``.
        recurrent: [G * D, D] a layer.
        recurrent_bias: [G * D] a layer.
        initial: [states, layers, D].
    """

    samples: Array
    bias: Array
    above: Array | None
    upsampling: Array | None
    inputs: tuple[Array | None, ...]
    input_bias: tuple[Array, ...]
    recurrent: tuple[Array, ...]
    recurrent_bias: tuple[Array, ...]
    initial: Array


@dataclass(frozen=True)
class Folded:
    """A whole network.

    Attributes:
        shape: of the network.
        tiers: top first.
        conditioning: [G * D, C] for the top tier; ``None`` without.
        words: [look back, D, D], the lowest frame tier's upsampling, one matrix a slot.
        word_bias: [look back, D].
        tables: [look back, Q, D]; entry 0 belongs to the oldest sample.
        hidden: [D, D].
        hidden_bias: [D].
        output: [Q, D].
        output_bias: [Q].
    """

    shape: Shape
    tiers: tuple[FoldedTier, ...]
    conditioning: Array | None
    words: Array
    word_bias: Array
    tables: Array
    hidden: Array
    hidden_bias: Array
    output: Array
    output_bias: Array

    @property
    def initial(self) -> Array:
        """The learned states, [tiers, states, layers, D]."""
        return np.stack([tier.initial for tier in self.tiers])


def folds_upsampling(shape: Shape, tier: int) -> bool:
    """Whether a tier's input matrix is multiplied with the upsampling above it."""
    return tier > 0 and shape.variants(tier) * shape.gates * shape.width**2 <= _FOLD_LIMIT


def fold(model: SampleRNN) -> Folded:
    """The matrices of a network; weight norm is multiplied out first.

    Raises:
        OptionError: the network has other than 256 levels.
    """
    config = model.config
    if config.levels != LEVELS:
        raise OptionError(f"the network has {config.levels} levels; the samplers know {LEVELS}")
    plain: Any = model.without_weight_norm() if config.weight_norm else model
    shape = Shape(tuple(config.frames), config.width, config.rnn, config.layers, config.conditioning)
    last, sample = plain.tiers[-1], plain.sample_tier
    embedding = _wide(sample.embedding)
    convolution = _wide(sample.convolution.weight).reshape(shape.width, shape.look_back, -1)
    conditioning = None
    if shape.conditioning:
        top = plain.tiers[0]
        conditioning = _narrow(_wide(top.rnn.weight_ih_l0) @ _wide(top.conditioning.weight))
    return Folded(
        shape=shape,
        tiers=tuple(_fold_tier(shape, plain, tier) for tier in range(shape.tiers)),
        conditioning=conditioning,
        words=_narrow(_slots(_wide(last.upsampling.weight), shape.look_back)),
        word_bias=_narrow(_slots(_wide(last.upsampling.bias), shape.look_back)),
        tables=_narrow(np.stack([embedding @ convolution[:, k].T for k in range(shape.look_back)])),
        hidden=_narrow(_wide(sample.hidden.weight)),
        hidden_bias=_narrow(_wide(sample.hidden.bias)),
        output=_narrow(_wide(sample.output.weight)),
        output_bias=_narrow(_wide(sample.output.bias)),
    )


def random_folded(shape: Shape, seed: int = 0) -> Folded:
    """A network of random numbers of the size that trained ones have, without torch: for checks and benchmarks."""
    generator = np.random.default_rng(seed)
    width, rows, states = shape.width, shape.gates * shape.width, (shape.states, shape.layers, shape.width)

    def matrix(*size: int, gain: float = 1.0) -> Array:
        drawn = generator.standard_normal(size, np.float32)
        return (drawn * np.float32(gain / np.sqrt(size[-1]))).astype(np.float32)

    def vector(*size: int) -> Array:
        return (0.1 * generator.standard_normal(size, np.float32)).astype(np.float32)

    def tier(index: int) -> FoldedTier:
        variants, folds = shape.variants(index), folds_upsampling(shape, index)
        steps = index > 0 and not folds
        return FoldedTier(
            samples=matrix(rows, shape.frames[index], gain=0.01),
            bias=vector(variants, rows),
            above=matrix(variants, rows, width) if folds else None,
            upsampling=matrix(variants, width, width) if steps else None,
            inputs=tuple(matrix(rows, width) if layer or steps else None for layer in range(shape.layers)),
            input_bias=tuple(vector(rows) * np.float32(layer > 0) for layer in range(shape.layers)),
            recurrent=tuple(matrix(rows, width) for _ in range(shape.layers)),
            recurrent_bias=tuple(vector(rows) for _ in range(shape.layers)),
            initial=vector(*states),
        )

    tables = generator.standard_normal((shape.look_back, LEVELS, width), np.float32)
    return Folded(
        shape=shape,
        tiers=tuple(tier(index) for index in range(shape.tiers)),
        conditioning=matrix(rows, shape.conditioning) if shape.conditioning else None,
        words=matrix(shape.look_back, width, width),
        word_bias=vector(shape.look_back, width),
        tables=(tables / np.float32(np.sqrt(shape.look_back))).astype(np.float32),
        hidden=matrix(width, width, gain=1.4),
        hidden_bias=vector(width),
        output=matrix(LEVELS, width, gain=2.0),
        output_bias=vector(LEVELS),
    )


def _fold_tier(shape: Shape, plain: Any, index: int) -> FoldedTier:
    tier = plain.tiers[index]
    layers = range(shape.layers)
    inward = _wide(tier.rnn.weight_ih_l0)
    # The network reads (level / 255 * 2 - 1) * 2; a level less 127.5 is that, times 255 / 4.
    scale = 4 / (LEVELS - 1)
    expanded = _wide(tier.samples.bias)
    biases, above, upsampling = expanded[None], None, None
    if index:
        higher = plain.tiers[index - 1].upsampling
        upsampling = _slots(_wide(higher.weight), shape.variants(index))
        biases = expanded + _slots(_wide(higher.bias), shape.variants(index))
        if folds_upsampling(shape, index):
            above, upsampling = inward @ upsampling, None
    return FoldedTier(
        samples=_narrow(inward @ _wide(tier.samples.weight) * scale),
        bias=_narrow(biases @ inward.T + _wide(tier.rnn.bias_ih_l0)),
        above=None if above is None else _narrow(above),
        upsampling=None if upsampling is None else _narrow(upsampling),
        inputs=tuple(
            _narrow(_wide(getattr(tier.rnn, f"weight_ih_l{layer}"))) if layer or upsampling is not None else None
            for layer in layers
        ),
        input_bias=tuple(
            _narrow(_wide(getattr(tier.rnn, f"bias_ih_l{layer}")) * (1 if layer else 0)) for layer in layers
        ),
        recurrent=tuple(_narrow(_wide(getattr(tier.rnn, f"weight_hh_l{layer}"))) for layer in layers),
        recurrent_bias=tuple(_narrow(_wide(getattr(tier.rnn, f"bias_hh_l{layer}"))) for layer in layers),
        initial=_narrow(_wide(tier.initial)),
    )


def _wide(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.detach().cpu().double().numpy()


def _narrow(array: NDArray[np.float64]) -> Array:
    return np.ascontiguousarray(array, np.float32)


def _slots(array: NDArray[np.float64], slots: int) -> NDArray[np.float64]:
    """[slots * D, ...] to [slots, D, ...]."""
    return array.reshape(slots, -1, *array.shape[1:])
