"""Which sampler a network gets on a GPU: the kernel where it fits and shows that it is right, else a graph of torch.

``describe`` says it for people. Nothing of this has run on a GPU yet.
"""

from __future__ import annotations

import functools
import time
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np

from synth.sampler.base import Sampler, Shape
from synth.sampler.cuda.device import CudaDevice, Device, GpuError
from synth.sampler.cuda.launching import CudaSampler, check_words
from synth.sampler.folding import random_folded
from synth.sampler.packing import Packed, pack
from synth.sampler.reference import ReferenceSampler

_SMALL: Final = (8, 4)  # frames of the network that a kernel is tried on before it is trusted
_NEAR: Final = 0.1  # log-probabilities of bf16 may differ by so much there: vectors are rounded too


def available() -> bool:
    """Whether torch sees a GPU."""
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


def choose(packed: Packed, cache: Path | None = None, *, clusters: bool = False) -> Sampler:
    """The sampler of a machine with a GPU.

    Args:
        packed: the network.
        cache: folder for compiled kernels.
        clusters: use the variant with thread block clusters where the device has them.

    Raises:
        GpuError: there is no GPU.
    """
    try:
        device = open_device(cache)
        kernel = CudaSampler(packed, device, clusters=clusters)
        trust(device, packed.precision, packed.shape.rnn, clusters=clusters)
        return kernel
    except GpuError as error:
        if not available():
            raise
        from synth.sampler.cuda.graph import TorchSampler

        _warn(f"{error}; a CUDA graph of torch samples instead, several times slower")
        return TorchSampler(packed)


@functools.cache
def open_device(cache: Path | None) -> CudaDevice:
    """This process's GPU, opened once.

    Raises:
        GpuError: there is none that the kernel can use.
    """
    return CudaDevice(cache)


@functools.cache
def trust(device: Device, precision: str, rnn: str, *, clusters: bool = False) -> None:
    """Compile the kernel and let it sample a small network that the reference samples too.

    Raises:
        GpuError: it does not compile, does not run, or gives other bytes (bf16: other probabilities).
    """
    check_words(*device.struct_words())
    packed = pack(random_folded(Shape(_SMALL, 24, rnn)), precision)
    kernel, reference = CudaSampler(packed, device, clusters=clusters), ReferenceSampler(packed)
    theirs = [reference.start(1, number) for number in range(2)]
    ours = [stream.copy() for stream in theirs]
    wanted = reference.run(theirs, None, 2)
    if precision == "bf16":
        first, second = (one.log_probabilities(wanted[0], None, one.start(1, 0)) for one in (kernel, reference))
        same = bool(np.abs(first - second).max() < _NEAR)
    else:
        same = all(map(np.array_equal, kernel.run(ours, None, 2), wanted))
    if not same:
        raise GpuError(f"the {precision} sampling kernel gives wrong results on {device.name}")


def describe(cache: Path | None = None, precision: str = "bf16") -> dict[str, Any]:
    """The GPU, what would sample on it and how fast; without one, why not.

    Returns:
        ``gpu`` (name or ``None``), ``sampler``, ``samples_per_s`` of one stream of a small network (``None`` without a
        GPU), ``reason`` where no kernel is used.
    """
    if not available():
        return {"gpu": None, "sampler": None, "samples_per_s": None, "reason": "no CUDA device was found"}
    packed = pack(random_folded(Shape((64, 16), 256)), precision)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sampler = choose(packed, cache)
    import torch

    frames = 64
    sampler.run([sampler.start(0)], None, 1)
    begin = time.perf_counter()
    sampler.run([sampler.start(0)], None, frames)
    rate = frames * packed.shape.top_frame / (time.perf_counter() - begin)
    reason = str(caught[0].message) if caught else None
    return {
        "gpu": torch.cuda.get_device_name(0),
        "sampler": f"{sampler.kind}, {sampler.precision}",
        "samples_per_s": round(rate),
        "reason": reason,
    }


@functools.cache
def _warn(sentence: str) -> None:
    """Say it once in a process."""
    warnings.warn(sentence, RuntimeWarning, stacklevel=3)
