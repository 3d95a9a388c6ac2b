"""Weights in eight bits, as the largest files hold them: half of half precision.

Each row of a matrix, or output channel of a convolution, is rounded to 255 steps between its own extremes, symmetric
about nought (Jacob et al., CVPR 2018, arXiv 1712.05877, the signed scheme for weights). Networks compute in single
precision all the same. Vectors, such as biases, and buffers stay in half precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from synth.models.half_precision import halved
from synth.models.half_precision import restored as restored_halves

STEPS: Final = 127
"""To either side of nought."""

_SCALE: Final = ".row-scale"  # of the names of the steps' sizes


def rounded(state: Mapping[str, Tensor], *, in_halves: Sequence[str] = ()) -> dict[str, Tensor]:
    """A state with its matrices and kernels in eight bits, each with the sizes of its rows' steps beside it.

    Args:
        in_halves: parts of names of tensors that are kept in half precision.
    """
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        if value.is_floating_point() and value.dim() > 1 and not any(part in name for part in in_halves):
            rows = value.flatten(1)
            size = (rows.float().abs().amax(1) / STEPS).clamp_min(1e-12)
            found[name] = (rows / size[:, None]).round().clamp(-STEPS, STEPS).to(torch.int8).view(value.shape)
            found[name + _SCALE] = size
        else:
            found |= halved({name: value})
    return found


def restored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of stored tensors in single precision; those in half precision are restored too."""
    sizes = {name.removesuffix(_SCALE): value for name, value in tensors.items() if name.endswith(_SCALE)}
    found = restored_halves({name: value for name, value in tensors.items() if not name.endswith(_SCALE)})
    for name, size in sizes.items():
        value = found[name]
        found[name] = value * size.view(-1, *[1] * (value.dim() - 1))
    return found
