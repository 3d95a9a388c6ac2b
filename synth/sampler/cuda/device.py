"""What the sampler asks of a device, and the one that answers with a GPU.

Kernels are compiled at run time through NVRTC with NVIDIA's cuda-core and launched through cuda-bindings, which comes
with it; memory is torch's, so that it is shared with what else runs there. Both are imported when a GPU is really asked
for. Nothing in this file has run on a GPU yet.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.errors import SynthError
from synth.sampler.cuda.plan import CLUSTER, Plan, Variant

KERNEL: Final = "sonorize_sample"
OLDEST: Final = (8, 0)
"""Compute capability: bfloat16 in the tensor cores began with it."""
CLUSTERS_SINCE: Final = (9, 0)

_FOLDER: Final = Path(__file__).parent
_INCLUDE: Final = re.compile(r'^#include "(\w+\.cuh)"$', re.MULTILINE)
_OPTIONS: Final = ("std=c++17", "no fast math")  # part of a cached kernel's name


class DeviceMemoryError(SynthError):
    """The device has no room for a batch of this size."""


class GpuError(SynthError):
    """The GPU, its driver or its compiler refused; a CPU can do the work."""


class Buffer(Protocol):
    """A piece of the device's memory."""

    @property
    def address(self) -> int:
        """Where kernels find it."""
        ...

    def read(self) -> NDArray[np.uint8]:
        """A copy of what it holds."""
        ...


class Device(Protocol):
    """A device that runs the kernel."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def processors(self) -> int:
        """Blocks that are resident at once when each takes a whole multiprocessor."""
        ...

    @property
    def shared_bytes(self) -> int:
        """Shared memory that one block may have."""
        ...

    @property
    def warps(self) -> int:
        """Warps a block that kernels are compiled for."""
        ...

    def struct_words(self) -> tuple[int, int]:
        """8-byte words of the structs ``Model`` and ``Call``."""
        ...

    def clusters(self, variant: Variant, shared_bytes: int) -> int:
        """How many clusters it holds at once; 0 where there are none."""
        ...

    def upload(self, data: NDArray[Any]) -> Buffer:
        """A copy of an array on the device."""
        ...

    def empty(self, size: int, poison: int | None = None) -> Buffer:
        """Bytes that hold anything, or ``poison`` in each.

        Raises:
            DeviceMemoryError: there is no room.
        """
        ...

    def shared_words(self, count: int) -> tuple[NDArray[np.int32], int]:
        """Zeros that host and kernel both see while it runs, and their address."""
        ...

    def start(self, plan: Plan, model: Buffer, call: Buffer) -> None:
        """Launch the kernel and come back at once."""
        ...

    def running(self) -> bool:
        """Whether the launch is at work.

        Raises:
            GpuError: it failed.
        """
        ...


def source(name: str = "sampler.cu") -> str:
    """A kernel's source in one piece, as NVRTC takes it."""
    seen: set[str] = set()

    def put(file: str) -> str:
        if file in seen:
            return ""
        seen.add(file)
        text = (_FOLDER / file).read_text(encoding="utf-8").replace("#pragma once\n", "")
        return _INCLUDE.sub(lambda match: put(match[1]), text)

    return put(name)


def cubin_name(text: str, variant: Variant, architecture: str, compiler: str) -> str:
    """The file that a compiled kernel is kept under: another source, macro, device or compiler is another file."""
    parts = (text, *(f"{name}={value}" for name, value in variant.macros), architecture, compiler, *_OPTIONS)
    return f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}.{architecture}.cubin"


def compile_kernel(
    variant: Variant, architecture: str, cache: Path | None = None, log: io.StringIO | None = None
) -> bytes:
    """The kernel's machine code, from the cache where it is there.

    Args:
        architecture: ``"sm_80"``, ``"sm_90a"``.
        cache: a folder of the caller's; without one it is compiled every time.

    Raises:
        ImportError: cuda-core is not installed.
        GpuError: the compiler refused the source.
    """
    from cuda.bindings import nvrtc

    text = source()
    try:
        version = ".".join(map(str, nvrtc.nvrtcVersion()[1:]))
    except RuntimeError as error:  # cuda-bindings is there, the compiler's library is not
        raise GpuError(f"NVRTC was not found: {error}") from error
    kept = cache / cubin_name(text, variant, architecture, version) if cache is not None else None
    if kept is not None and kept.is_file():
        return kept.read_bytes()
    code = _compile(text, variant, architecture, log)
    if kept is not None:
        with contextlib.suppress(OSError):  # a full disk costs seconds next time, and no sound now
            kept.parent.mkdir(parents=True, exist_ok=True)
            fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
            fresh.write_bytes(code)
            fresh.replace(kept)  # another process finds all of it or nothing
    return code


def _compile(text: str, variant: Variant, architecture: str, log: io.StringIO | None) -> bytes:
    try:
        from cuda.core import Program, ProgramOptions
    except ImportError:  # before 0.5 all of it was called experimental
        from cuda.core.experimental import Program, ProgramOptions

    options = ProgramOptions(name=KERNEL, arch=architecture, std="c++17", define_macro=list(variant.macros))
    try:
        code = Program(text, "c++", options=options).compile("cubin", logs=log).code
    except Exception as error:  # cuda-core has an error for each layer and version
        raise GpuError(f"the sampling kernel could not be compiled for {architecture}: {error}") from error
    return bytes(code)


class TorchBuffer:
    """Memory of torch's allocator."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    @property
    def address(self) -> int:
        """See :class:`Buffer`."""
        return int(self.tensor.data_ptr())

    def read(self) -> NDArray[np.uint8]:
        """See :class:`Buffer`."""
        return np.asarray(self.tensor.cpu().numpy(), np.uint8)


class CudaDevice:
    """An NVIDIA GPU: ``Device`` with torch, cuda-core and cuda-bindings.

    Args:
        cache: folder for compiled kernels; ``None`` keeps none.
        index: which one of those that the process sees.

    Raises:
        GpuError: there is none, it is too old, or a package is missing.
    """

    def __init__(self, cache: Path | None = None, index: int = 0) -> None:
        try:
            import torch as loaded
            from cuda.bindings import driver
        except ImportError as error:
            raise GpuError(f"the CUDA sampler needs cuda-core (pip install 'sonorize[gpu]'): {error}") from error
        torch: Any = loaded  # half of what is used of it carries no types
        if not torch.cuda.is_available():
            raise GpuError("no CUDA device was found, or torch was built without CUDA")
        self._torch, self._driver, self._cache = torch, driver, cache
        self._index = index
        about = torch.cuda.get_device_properties(index)
        self.capability = (int(about.major), int(about.minor))
        self.name = str(about.name)
        self.processors = int(about.multi_processor_count)
        if self.capability < OLDEST:
            found, least = (".".join(map(str, pair)) for pair in (self.capability, OLDEST))
            raise GpuError(f"{self.name} has compute capability {found}; the kernel needs {least}")
        torch.zeros(1, device=f"cuda:{index}")  # the primary context, which the driver's calls below use
        attribute = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        self.shared_bytes = int(self._call(driver.cuDeviceGetAttribute(attribute, index)))
        self._functions: dict[Variant, Any] = {}
        self._stream = torch.cuda.Stream(index)
        self._event = torch.cuda.Event(enable_timing=True)
        self._began = torch.cuda.Event(enable_timing=True)
        self._kept: tuple[Any, ...] = ()

    @property
    def warps(self) -> int:
        """See :class:`Device`."""
        from synth.sampler.cuda.plan import WARPS

        return WARPS

    @property
    def architecture(self) -> str:
        """What kernels are compiled for."""
        major, minor = self.capability
        return f"sm_{major}{minor}" + ("a" if self.capability == CLUSTERS_SINCE else "")

    def struct_words(self) -> tuple[int, int]:
        """See :class:`Device`."""
        from synth.sampler.cuda.layout import CALL_WORDS, MODEL_WORDS

        return MODEL_WORDS, CALL_WORDS

    def clusters(self, variant: Variant, shared_bytes: int) -> int:
        """See :class:`Device`."""
        if self.capability < CLUSTERS_SINCE:
            return 0
        config, kept = self._config(CLUSTER, variant.threads, shared_bytes, CLUSTER, cooperative=False)
        function = self._function(variant, shared_bytes)
        found, count = self._driver.cuOccupancyMaxActiveClusters(function, config)
        del kept
        return int(count) if int(found) == 0 else 0

    def upload(self, data: NDArray[Any]) -> TorchBuffer:
        """See :class:`Device`."""
        flat = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        buffer = self.empty(max(1, flat.size))
        buffer.tensor[: flat.size].copy_(self._torch.from_numpy(flat.copy()))
        return buffer

    def empty(self, size: int, poison: int | None = None) -> TorchBuffer:
        """See :class:`Device`."""
        torch = self._torch
        try:
            tensor = torch.empty(max(1, size), dtype=torch.uint8, device=f"cuda:{self._index}")
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise DeviceMemoryError(f"{self.name} has no {size / 2**20:.0f} MiB left") from error
        if poison is not None:
            tensor.fill_(poison)
        return TorchBuffer(tensor)

    def shared_words(self, count: int) -> tuple[NDArray[np.int32], int]:
        """See :class:`Device`."""
        pinned = self._torch.zeros(count, dtype=self._torch.int32).pin_memory()
        self._kept = (*self._kept[-7:], pinned)  # a launch holds two of them; the allocator may hand the rest on
        return pinned.numpy(), int(pinned.data_ptr())

    def start(self, plan: Plan, model: Buffer, call: Buffer) -> None:
        """See :class:`Device`."""
        driver, variant = self._driver, plan.variant
        function = self._function(variant, plan.room.size)
        cluster = CLUSTER if variant.cluster else 0
        config, kept = self._config(
            plan.blocks, variant.threads, plan.room.size, cluster, cooperative=not variant.cluster
        )
        arguments = np.array([model.address, call.address], np.uint64)
        pointers = np.array([arguments.ctypes.data, arguments.ctypes.data + 8], np.uint64)
        self._stream.wait_stream(self._torch.cuda.current_stream(self._index))  # uploads come first
        self._began.record(self._stream)
        self._call(driver.cuLaunchKernelEx(config, function, int(pointers.ctypes.data), 0))
        self._event.record(self._stream)
        del kept

    def running(self) -> bool:
        """See :class:`Device`."""
        try:
            if not self._event.query():
                return True
            self._torch.cuda.current_stream(self._index).wait_stream(self._stream)
            return False
        except RuntimeError as error:  # what torch makes of a failed launch
            raise GpuError(f"the sampling kernel failed on {self.name}: {error}") from error

    def launch_ms(self) -> float:
        """How long the last launch took on the device, in milliseconds."""
        self._event.synchronize()
        return float(self._began.elapsed_time(self._event))

    def _function(self, variant: Variant, shared_bytes: int) -> Any:
        driver = self._driver
        if variant not in self._functions:
            code = compile_kernel(variant, self.architecture, self._cache)
            module = self._call(driver.cuModuleLoadData(code))
            self._functions[variant] = self._call(driver.cuModuleGetFunction(module, KERNEL.encode()))
        function, attribute = self._functions[variant], driver.CUfunction_attribute
        limit = attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        self._call(driver.cuFuncSetAttribute(function, limit, shared_bytes))
        if variant.cluster:
            beyond = attribute.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED
            self._call(driver.cuFuncSetAttribute(function, beyond, 1))
        return function

    def _config(
        self, blocks: int, threads: int, shared_bytes: int, cluster: int, *, cooperative: bool
    ) -> tuple[Any, Sequence[Any]]:
        driver = self._driver
        config = driver.CUlaunchConfig()
        config.gridDimX, config.gridDimY, config.gridDimZ = blocks, 1, 1
        config.blockDimX, config.blockDimY, config.blockDimZ = threads, 1, 1
        config.sharedMemBytes = shared_bytes
        config.hStream = driver.CUstream(self._stream.cuda_stream)
        attributes = []
        if cooperative:
            attribute = driver.CUlaunchAttribute()
            attribute.id = driver.CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_COOPERATIVE
            attribute.value.cooperative = 1
            attributes.append(attribute)
        if cluster:
            attribute = driver.CUlaunchAttribute()
            attribute.id = driver.CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION
            attribute.value.clusterDim.x = cluster
            attribute.value.clusterDim.y = attribute.value.clusterDim.z = 1
            attributes.append(attribute)
        config.attrs, config.numAttrs = attributes, len(attributes)
        return config, attributes

    def _call(self, result: Any) -> Any:
        """What a driver call gave back, without its status."""
        status, *values = result
        if int(status) != 0:
            raise GpuError(f"the CUDA driver refused: {status}")
        return values[0] if values else None
