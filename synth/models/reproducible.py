"""Inference whose numbers do not depend on the number of threads.

Three things in torch's CPU operators do: a matrix product splits its longest sum among threads (MKL), reductions are
added up a thread at a time, and a convolution with 1 x 1 filters is done by another algorithm where there is one
thread than where there are several. The differences are of the order of 1e-6, but Griffin-Lim and every threshold
make audible ones of them. So within :func:`reproducible_inference` everything runs on one thread but convolutions,
which are most of the work: they are handed to oneDNN, which splits outputs among threads and never a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_CONVOLUTIONS: Final = {torch.conv1d: 1, torch.conv2d: 2, torch.conv3d: 3}
_ONEDNN: Final = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
_threads_outside: ContextVar[int | None] = ContextVar("threads outside reproducible_inference", default=None)


@contextmanager
def reproducible_inference() -> Iterator[None]:
    """Run networks without gradients, with the same float32 results for every number of threads; may be nested.

    Not for generators: a ``yield`` inside would leave the caller on one thread.
    """
    outside = _threads_outside.get()
    threads = torch.get_num_threads()
    if outside is not None:
        with torch.inference_mode():
            yield
        return
    token = _threads_outside.set(threads)
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(), _ThreadedConvolutions(threads):
            yield
    finally:
        torch.set_num_threads(threads)
        _threads_outside.reset(token)


class _ThreadedConvolutions(TorchFunctionMode):
    """Gives convolutions of float32 on the CPU to oneDNN and to all threads."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._threads = threads

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """See :class:`torch.overrides.TorchFunctionMode`."""
        dimensions = _CONVOLUTIONS.get(func)
        if dimensions is None or not _for_onednn(*args, **(kwargs or {})):
            return func(*args, **(kwargs or {}))
        torch.set_num_threads(self._threads)
        try:
            return _by_onednn(dimensions, *args, **(kwargs or {}))
        finally:
            torch.set_num_threads(1)


def _for_onednn(input: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Any, **named: Any) -> bool:
    spoken = any(isinstance(value, str) for value in (*rest, *named.values()))  # padding "same"
    plain = all(one.device.type == "cpu" and one.dtype == torch.float32 for one in (input, weight))
    batched = input.dim() == weight.dim()
    return plain and batched and not spoken and input.numel() > 0 and _ONEDNN


def _by_onednn(
    dimensions: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """A convolution; one over time is done as one over a picture one pixel high, as torch itself does it."""

    def each(value: Any, along_height: int) -> list[int]:
        values = [value] * dimensions if isinstance(value, int) else list(value)
        values = values * dimensions if len(values) == 1 else values
        return [along_height, *values] if dimensions == 1 else values

    line = dimensions == 1
    seen, filters = (input.unsqueeze(2), weight.unsqueeze(2)) if line else (input, weight)
    steps = each(padding, 0), each(stride, 1), each(dilation, 1)
    made: Tensor = torch.mkldnn_convolution(seen, filters, bias, *steps, groups)
    return made.squeeze(2) if line else made
