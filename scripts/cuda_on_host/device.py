"""A :class:`synth.sampler.cuda.device.Device` that runs the kernel's own source on the CPU, slowly, in random order."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.sampler.cuda.device import DeviceMemoryError, GpuError
from synth.sampler.cuda.plan import Plan, Variant

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "synth" / "sampler" / "cuda"
GUARD = 256  # bytes behind each buffer that nobody may write
FLAGS = ("-O1", "-std=c++17", "-ffp-contract=off", "-fPIC", "-shared", "-Wno-unknown-pragmas")


class HostBuffer:
    def __init__(self, size: int) -> None:
        self._data = np.zeros(size + GUARD + 256, np.uint8)
        shift = -self._data.ctypes.data % 256
        self.data = self._data[shift : shift + size]
        self._guard = self._data[shift + size : shift + size + GUARD]
        self._guard[:] = 0xA5

    @property
    def address(self) -> int:
        return int(self.data.ctypes.data)

    def read(self) -> NDArray[np.uint8]:
        return self.data.copy()

    def intact(self) -> bool:
        return bool((self._guard == 0xA5).all())


class HostDevice:
    """So many multiprocessors of two warps; memory may be limited, to see what happens when it is used up."""

    name = "a CPU, as fibers"
    warps = 2

    def __init__(self, processors: int = 5, shared_bytes: int = 96 * 1024, seed: int = 0, limit: int | None = None):
        self.processors, self.shared_bytes, self.seed, self.limit = processors, shared_bytes, seed, limit
        self.cluster_size, self.most_clusters = 2, 2
        self.launches: list[Plan] = []
        self._buffers: list[HostBuffer] = []
        self._libraries: dict[Variant, ctypes.CDLL] = {}
        self.cancel_at = -1  # the top frame at which the host changes its mind

    def struct_words(self) -> tuple[int, int]:
        library = self._library(Variant("fp32", warps=self.warps))
        return library.sonorize_words(0), library.sonorize_words(1)

    def clusters(self, variant: Variant, shared_bytes: int) -> int:
        return self.most_clusters

    def upload(self, data: NDArray[Any]) -> HostBuffer:
        flat = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        buffer = self.empty(max(1, flat.size))
        buffer.data[: flat.size] = flat
        return buffer

    def empty(self, size: int, poison: int | None = None) -> HostBuffer:
        if self.limit is not None and size > self.limit:
            raise DeviceMemoryError(f"no {size} bytes are left")
        buffer = HostBuffer(max(1, size))
        if poison is not None:
            buffer.data[:] = poison
        self._buffers.append(buffer)
        return buffer

    def shared_words(self, count: int) -> tuple[NDArray[np.int32], int]:
        words = np.zeros(count, np.int32)
        return words, int(words.ctypes.data)

    def start(self, plan: Plan, model: Any, call: Any) -> None:
        library = self._library(plan.variant)
        self.launches.append(plan)
        self.seed += 1
        cluster = self.cluster_size if plan.variant.cluster else 1
        status = library.sonorize_on_host(
            *(ctypes.c_void_p(buffer.address) for buffer in (model, call)),
            *(ctypes.c_int(value) for value in (plan.blocks, plan.room.size, cluster)),
            ctypes.c_uint(self.seed),
            ctypes.c_int(self.cancel_at),
        )
        if status:
            reasons = {1: "gave up at a barrier", 2: "stands still", 3: "wrote beyond its shared memory"}
            raise GpuError(f"the kernel {reasons[status]}")
        if not all(buffer.intact() for buffer in self._buffers):
            raise GpuError("the kernel wrote beyond a buffer")
        self._buffers = self._buffers[-64:]

    def running(self) -> bool:
        return False

    def _library(self, variant: Variant) -> ctypes.CDLL:
        if variant not in self._libraries:
            self._libraries[variant] = ctypes.CDLL(str(build(variant)))
        return self._libraries[variant]


def build(variant: Variant) -> Path:
    """The kernel compiled with the machine's C++ compiler, kept by a digest of all that went in."""
    texts = [path.read_bytes() for path in (*sorted(SOURCES.glob("*.cu*")), *sorted(HERE.glob("on_host.*")))]
    macros = [f"-D{name}={value}" for name, value in (("SONORIZE_ON_HOST", "1"), *variant.macros)]
    digest = hashlib.sha256(b"\0".join([*texts, *(text.encode() for text in (*FLAGS, *macros))])).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / "sonorize-cuda-on-host"
    target = folder / f"{digest}.so"
    if not target.is_file():
        folder.mkdir(exist_ok=True)
        fresh = folder / f"{digest}.{id(variant)}.so"
        command = ["g++", *FLAGS, *macros, f"-I{HERE}", f"-I{SOURCES}", "-o", str(fresh), str(HERE / "on_host.cpp")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise GpuError(f"the kernel could not be compiled for this CPU: {done.stderr[-2000:]}")
        fresh.replace(target)
    return target
