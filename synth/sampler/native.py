"""The C++ sampler: packed weights handed over once, then chunks of samples without the GIL.

The library is found beside this file when the installation had a C++ compiler. It holds the same source several times,
once for each instruction set; the best that the machine has is taken, after it has shown on a small network that it
gives the same bytes as the portable one.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.sampler.base import LEVELS, PRECISIONS, Shape, Stream
from synth.sampler.batching import ChunkedSampler, Gates
from synth.sampler.folding import folds_upsampling, random_folded
from synth.sampler.packing import Matrix, Packed, pack

INSTRUCTION_SETS: Final = {"portable": 0, "avx2": 1, "avx-vnni": 3, "avx512": 2, "avx512-bf16": 4, "amx": 5}
"""With the library's numbers for them, each better than those before it."""

_MOST_TIERS: Final = 8
_BEST_OF: Final = 20
_LEAST_READ: Final = 64 * 2**20


class _Sizes(ctypes.Structure):
    _fields_ = (
        ("precision", ctypes.c_int32),
        ("tiers", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("gates", ctypes.c_int32),
        ("layers", ctypes.c_int32),
        ("conditioning", ctypes.c_int32),
        ("frames", ctypes.c_int32 * _MOST_TIERS),
        ("folds", ctypes.c_int32 * _MOST_TIERS),
    )


class _Call(ctypes.Structure):
    _fields_ = (
        ("hidden", ctypes.c_void_p),
        ("before", ctypes.c_void_p),
        ("levels", ctypes.c_void_p),
        ("gates", ctypes.c_void_p),
        ("logits", ctypes.c_void_p),
        ("seed", ctypes.c_uint64),
        ("stream", ctypes.c_uint64),
        ("position", ctypes.c_uint64),
        ("inverse_temperature", ctypes.c_float),
        ("known", ctypes.c_int32),
    )


class NativeSampler(ChunkedSampler):
    """Weights in one precision, and threads that make sound of them; may be used from several threads in turn."""

    def __init__(
        self, packed: Packed, *, threads: int, instruction_set: str | None = None, build: Path | None = None
    ) -> None:
        """Packed weights become the library's.

        Args:
            packed: of any precision.
            threads: that share the work, the caller's among them.
            instruction_set: one of :data:`INSTRUCTION_SETS`; by default the best that :func:`best` trusts.
            build: another library than the one that :func:`library` finds, for benchmarks; its best is not tried first.

        Raises:
            RuntimeError: the library is not there, or cannot take these weights.
        """
        super().__init__(packed)
        found = library() if build is None else load(build)
        if found is None:
            raise RuntimeError("the sampler's library was not built")
        self._library = found
        self._packed = packed
        self._threads = self._used = threads
        self._instruction_set = instruction_set or (best() if build is None else usable(found)[-1])
        self._lock = threading.Lock()
        self._open()

    def _open(self) -> None:
        sizes = _sizes(self._packed)
        parts = [np.ascontiguousarray(part) for part in _parts(self._packed)]
        pointers = (ctypes.c_void_p * len(parts))(*(part.ctypes.data for part in parts))
        lengths = (ctypes.c_int64 * len(parts))(*(part.nbytes for part in parts))
        number = INSTRUCTION_SETS[self._instruction_set]
        engine = self._library.sonorize_new(ctypes.byref(sizes), pointers, lengths, len(parts), number, self._threads)
        if not engine:
            raise RuntimeError(f"the sampler's library refuses {self._shape} on {self._instruction_set}")
        self._engine = ctypes.c_void_p(engine)
        self._process = os.getpid()
        self._columns = int(self._library.sonorize_gate_columns(self._engine))
        self._closing = weakref.finalize(self, _close, self._library, self._engine, self._process)

    @property
    def kind(self) -> str:
        """Names the instruction set."""
        return f"cpu {self._instruction_set}"

    @property
    def threads(self) -> int:
        """That share the work."""
        return self._threads

    def use_threads(self, threads: int) -> None:
        """Use fewer of the threads that there are, for benchmarks."""
        self._used = min(threads, self._threads)

    def peak_macs_per_s(self, streams: int, threads: int) -> float:
        """Multiplications a second of this precision's kernel on weights in the nearest cache: a ceiling."""
        repeats, best = 2000, 0.0
        groups = 64  # of 4 bytes: one panel and its inputs fill a part of any first-level cache
        number = PRECISIONS.index(self._precision)
        for _ in range(_BEST_OF):
            begin = time.perf_counter()
            macs = self._library.sonorize_peak(self._engine, number, groups, streams, repeats, threads)
            best = max(best, macs / (time.perf_counter() - begin))
        return best

    def read_bytes_per_s(self, size: int, threads: int) -> float:
        """Bytes a second in which ``size`` bytes can be read over and over, shared among threads: another ceiling."""
        data, best = np.ones(size, np.uint8), 0.0
        repeats = max(1, _LEAST_READ // size)
        for _ in range(_BEST_OF):
            begin = time.perf_counter()
            count = self._library.sonorize_read(self._engine, _address(data), size, repeats, threads)
            best = max(best, count / (time.perf_counter() - begin))
        return best

    def close(self) -> None:
        """Give threads and memory back; the garbage collector would do it too."""
        self._closing()

    def _gates(self, rows: NDArray[np.float32]) -> Gates:
        with self._lock:
            self._own_threads()
            out = np.empty((len(rows), self._columns), np.float32)
            self._library.sonorize_gates(self._engine, _address(rows), len(rows), _address(out))
        return out

    def _advance(
        self, streams: Sequence[Stream], gates: Sequence[Gates] | None, frames: int
    ) -> list[NDArray[np.uint8]]:
        made = [np.empty(frames * self._shape.top_frame, np.uint8) for _ in streams]
        self._call(streams, gates, frames, made, None)
        return made

    def _score(self, stream: Stream, gates: Gates | None, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = np.empty((len(levels), LEVELS), np.float32)
        frames = len(levels) // self._shape.top_frame
        self._call([stream], None if gates is None else [gates], frames, [levels], logits)
        return logits

    def _call(
        self,
        streams: Sequence[Stream],
        gates: Sequence[Gates] | None,
        frames: int,
        levels: Sequence[NDArray[np.uint8]],
        logits: NDArray[np.float32] | None,
    ) -> None:
        calls = (_Call * len(streams))()
        for index, (call, stream) in enumerate(zip(calls, streams, strict=True)):
            stream.hidden = np.ascontiguousarray(stream.hidden, np.float32)
            stream.before = np.ascontiguousarray(stream.before, np.uint8)
            call.hidden = _address(stream.hidden)
            call.before = _address(stream.before)
            call.levels = _address(levels[index])
            call.gates = None if gates is None else _address(gates[index])
            call.logits = None if logits is None else _address(logits)
            call.seed, call.stream, call.position = stream.seed, stream.stream, stream.position
            call.inverse_temperature = np.float32(1 / stream.temperature)
            call.known = logits is not None
        with self._lock:
            self._own_threads()
            if self._library.sonorize_run(self._engine, calls, len(streams), frames, self._used):
                raise MemoryError("the sampler's buffers do not fit into memory")
        for stream, made in zip(streams, levels, strict=True):
            stream.before = made[-self._shape.top_frame :].copy()
            stream.position += len(made)

    def _own_threads(self) -> None:
        """A fork copies memory but no threads: a child packs its own engine, once."""
        if self._process != os.getpid():
            self._closing.detach()
            self._open()


@functools.cache
def library() -> Any:
    """The compiled library, or ``None`` where the installation had no compiler."""
    for path in sorted(Path(__file__).parent.glob("_cpu.*")):
        try:
            return load(path)
        except (OSError, AttributeError):
            continue  # of another machine
    return None


@functools.cache
def load(path: Path) -> Any:
    """A library of this one's interface, or of an earlier build's.

    Raises:
        OSError: it cannot be loaded.
        AttributeError: it is none.
    """
    found = ctypes.CDLL(str(path))
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    found.sonorize_new.argtypes = [pointer, pointer, pointer, integer, integer, integer]
    found.sonorize_new.restype = pointer
    found.sonorize_free.argtypes, found.sonorize_free.restype = [pointer], None
    found.sonorize_gate_columns.argtypes, found.sonorize_gate_columns.restype = [pointer], ctypes.c_int64
    found.sonorize_gates.argtypes, found.sonorize_gates.restype = [pointer, pointer, integer, pointer], None
    found.sonorize_run.argtypes = [pointer, pointer, integer, integer, integer]
    found.sonorize_peak.argtypes = [pointer, integer, integer, integer, integer, integer]
    found.sonorize_peak.restype = ctypes.c_double
    found.sonorize_read.argtypes = [pointer, pointer, ctypes.c_int64, integer, integer]
    found.sonorize_read.restype = ctypes.c_double
    return found


def usable(found: Any) -> tuple[str, ...]:
    """Instruction sets that a library, this machine and its system have, the best one last."""
    return tuple(name for name, number in INSTRUCTION_SETS.items() if found.sonorize_supported(number))


_MOST: list[str] = []


def use_at_most(instruction_set: str) -> None:
    """Leave out what is better than this one from now on: to compare, or around a fault of a machine; empty: nothing.

    Raises:
        OptionError: there is none of that name.
    """
    if instruction_set and instruction_set not in INSTRUCTION_SETS:
        allowed = ", ".join(INSTRUCTION_SETS)
        raise OptionError(f"the sampler's instruction set is {instruction_set!r}; allowed are {allowed}")
    _MOST[:] = [instruction_set] if instruction_set else []
    disagreeing.cache_clear()


def instruction_sets() -> tuple[str, ...]:
    """Those that this process may use, the best one last; empty without the library."""
    found = library()
    if found is None:
        return ()
    names = list(INSTRUCTION_SETS)
    known = names[: names.index(_MOST[0]) + 1] if _MOST else names
    return tuple(name for name in usable(found) if name in known)


def refused() -> tuple[str, ...]:
    """Instruction sets that processor and library have, and that the system does not let this process use."""
    found = library()
    if found is None or not hasattr(found, "sonorize_refused"):  # a build from before there was anything to refuse
        return ()
    return tuple(name for name, number in INSTRUCTION_SETS.items() if found.sonorize_refused(number))


@functools.cache
def disagreeing() -> tuple[str, ...]:
    """Instruction sets that do not give the portable bytes on a small network: never seen, never to be used."""
    others = instruction_sets()[1:]
    right = [_trial("portable", precision) for precision in PRECISIONS] if others else []
    return tuple(name for name in others if [_trial(name, precision) for precision in PRECISIONS] != right)


def best() -> str:
    """The best instruction set that gives the right bytes."""
    wrong = disagreeing()
    return [name for name in instruction_sets() if name not in wrong][-1]


def _trial(instruction_set: str, precision: str) -> tuple[bytes, bytes]:
    """Levels and logits of a network that is small but needs every kernel: odd width, few streams and many."""
    shape = Shape((8, 4, 2), 37, "gru", 1, 3)
    sampler = NativeSampler(pack(random_folded(shape, 1), precision), threads=1, instruction_set=instruction_set)
    rows = np.random.default_rng(2).standard_normal((4, shape.conditioning), np.float32)
    levels = []
    for count in (1, 2, 3, 7, 17, 33):  # 33: tiles of sixteen streams, in pairs and alone
        streams = [sampler.start(7, number) for number in range(count)]
        levels += sampler.run(streams, [rows] * count)
    scores = sampler.log_probabilities(levels[0], rows, sampler.start(7))
    sampler.close()
    return b"".join(part.tobytes() for part in levels), scores.tobytes()


def _sizes(packed: Packed) -> _Sizes:
    shape = packed.shape
    if shape.tiers > _MOST_TIERS:
        raise RuntimeError(f"the network has {shape.tiers} frame tiers; the library takes up to {_MOST_TIERS}")
    frames = (ctypes.c_int32 * _MOST_TIERS)(*shape.frames)
    folds = (ctypes.c_int32 * _MOST_TIERS)(*(folds_upsampling(shape, tier) for tier in range(shape.tiers)))
    precision = PRECISIONS.index(packed.precision)
    return _Sizes(precision, shape.tiers, shape.width, shape.gates, shape.layers, shape.conditioning, frames, folds)


def _parts(packed: Packed) -> Iterator[NDArray[Any]]:
    """All arrays in the order in which engine.cpp reads them."""
    if packed.conditioning is not None:
        yield packed.conditioning
    for tier in packed.tiers:
        yield tier.samples
        yield tier.bias
        for matrix in (*tier.above, *tier.upsampling):
            yield from _of(matrix)
        for layer in range(packed.shape.layers):
            inputs = tier.inputs[layer]
            if inputs is not None:
                yield from _of(inputs)
            yield tier.input_bias[layer]
            yield from _of(tier.recurrent[layer])
            yield tier.recurrent_bias[layer]
    for matrix in packed.words:
        yield from _of(matrix)
    yield packed.word_bias
    yield packed.tables.values
    if packed.tables.scale is not None:
        yield packed.tables.scale
    yield from _of(packed.hidden)
    yield packed.hidden_bias
    yield from _of(packed.output)
    yield packed.output_bias


def _of(matrix: Matrix) -> Iterator[NDArray[Any]]:
    yield matrix.values
    if matrix.scale is not None and matrix.row_sum is not None:
        yield matrix.scale
        yield matrix.row_sum


def _address(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


def _close(found: Any, engine: ctypes.c_void_p, process: int) -> None:
    if process == os.getpid():  # in a forked child there are no threads to join
        found.sonorize_free(engine)
