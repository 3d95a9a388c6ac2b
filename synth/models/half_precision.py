"""Weights in half precision, as weights files hold them: half the bytes, and nothing that is heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor


def halved(state: Mapping[str, Tensor], *, exact: Sequence[str] = ()) -> dict[str, Tensor]:
    """A state with its floating-point tensors in half precision; counters stay as they are.

    Args:
        exact: parts of names of tensors that are not rounded, such as what a network measured rather than learnt.
    """
    return {
        name: value.half().contiguous()
        if value.is_floating_point() and not any(part in name for part in exact)
        else value.contiguous()
        for name, value in state.items()
    }


def restored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of stored tensors: all floating-point ones in single precision, as networks compute."""
    return {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
