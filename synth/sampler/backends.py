"""The one chooser: which sampler a network gets on this machine.

``auto`` takes CUDA where torch sees a GPU (see :mod:`synth.sampler.cuda.choice`), else the C++ library, else numpy with
one warning a process. Nobody else decides this.
"""

from __future__ import annotations

import functools
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synth.errors import OptionError
from synth.sampler import native
from synth.sampler.base import PRECISIONS, Sampler
from synth.sampler.cuda import choice
from synth.sampler.cuda.device import GpuError
from synth.sampler.fallback import NumpySampler
from synth.sampler.folding import Folded, fold
from synth.sampler.packing import pack

if TYPE_CHECKING:
    from synth.models.samplernn import SampleRNN

DEVICES: Final = ("auto", "cpu", "cuda")

_CACHE: list[Path] = []


def keep_kernels_in(folder: Path) -> None:
    """Where CUDA kernels are kept once they were compiled; without it each process compiles its own, for seconds."""
    _CACHE[:] = [folder]


def make_sampler(
    network: SampleRNN | Folded, precision: str = "auto", device: str = "auto", threads: int | None = None
) -> Sampler:
    """The fastest sampler of a network that this machine has.

    Args:
        network: trained, or folded already.
        precision: ``"fp32"``, ``"bf16"``, ``"int8"``, or ``"auto"``: bf16, whose error nobody hears.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        threads: of the CPU's sampler; by default one a core that this process may use.

    Raises:
        OptionError: no such precision or device, or a device that this machine does not have.
    """
    if precision not in ("auto", *PRECISIONS):
        raise OptionError(f"precision is {precision!r}; allowed are auto, {', '.join(PRECISIONS)}")
    if device not in DEVICES:
        raise OptionError(f"device is {device!r}; allowed are {', '.join(DEVICES)}")
    if threads is not None and threads < 1:
        raise OptionError(f"threads is {threads}; it must be 1 or more")
    folded = network if isinstance(network, Folded) else fold(network)
    packed = pack(folded, "bf16" if precision == "auto" else precision)
    if device == "cuda" or (device == "auto" and choice.available()):
        try:
            return choice.choose(packed, _CACHE[0] if _CACHE else None)
        except GpuError as error:
            raise OptionError(f"device is {device!r}, which cannot be used: {error}; cpu can") from error
    if native.library() is None:
        _warn("the compiled sampler is missing (no C++ compiler at installation?); numpy samples, many times slower")
        return NumpySampler(packed)
    if native.refused():
        names = " and ".join(native.refused())
        _warn(f"the system does not let this process use {names}; {native.best()} samples, slower")
    if native.disagreeing():
        names = " and ".join(native.disagreeing())
        _warn(f"the compiled sampler gives wrong results with {names} on this machine; {native.best()} is used")
    return native.NativeSampler(packed, threads=threads or len(os.sched_getaffinity(0)))


def describe() -> dict[str, Any]:
    """What this machine samples with, for ``sonorize doctor``: library, instruction sets, GPU, and which is used."""
    there = native.library() is not None
    return {
        "library": there,
        "instruction_sets": list(native.instruction_sets()),
        "disagreeing": list(native.disagreeing()),
        "refused": list(native.refused()),
        "used": f"cpu {native.best()}" if there else "cpu numpy",
        "cuda": choice.describe(_CACHE[0] if _CACHE else None),
    }


@functools.cache
def _warn(sentence: str) -> None:
    """Say it once in a process."""
    warnings.warn(sentence, RuntimeWarning, stacklevel=3)
