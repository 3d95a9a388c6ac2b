"""The CUDA sampler without a GPU: its plan emulated, its source run as fibers, its fallback on CPU tensors."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scripts.cuda_on_host.device import HostDevice
from synth.errors import Cancelled, OptionError
from synth.sampler import backends, folding, reference
from synth.sampler.base import Shape, Stream
from synth.sampler.cuda import choice, device, layout, plan
from synth.sampler.cuda.device import CudaDevice, DeviceMemoryError
from synth.sampler.cuda.emulation import EmulatedSampler
from synth.sampler.cuda.graph import TorchSampler, uniforms
from synth.sampler.cuda.launching import CudaSampler
from synth.sampler.cuda.layout import CALL_WORDS, MODEL_WORDS
from synth.sampler.cuda.plan import Variant
from synth.sampler.folding import random_folded
from synth.sampler.packing import Packed, pack
from synth.sampler.reference import ReferenceSampler

GRU = Shape((4, 2), 20, conditioning=3)
LSTM = Shape((4, 2), 9, "lstm", 2)
SOURCES = Path(layout.__file__).parent

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to run the kernel's source with")
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc to compile the kernels with")


@cache
def packed(shape: Shape, precision: str) -> Packed:
    return pack(random_folded(shape, 1), precision)


def conditioning(shape: Shape, counts: list[int]) -> list[NDArray[np.float32]] | None:
    if not shape.conditioning:
        return None
    return [
        np.random.default_rng(number).standard_normal((count, shape.conditioning), np.float32)
        for number, count in enumerate(counts)
    ]


def begun(kernel: Any, count: int) -> list[Stream]:
    return [kernel.start(5, number, temperature=0.9) for number in range(count)]


def same(ours: Stream, theirs: Stream) -> bool:
    return (
        np.array_equal(ours.hidden, theirs.hidden)
        and np.array_equal(ours.before, theirs.before)
        and ours.position == theirs.position
    )


def check_against_reference(kernel: Any, shape: Shape, precision: str, counts: list[int]) -> None:
    """Streams of all lengths in one batch, then known sound: the definition's bytes."""
    definition = ReferenceSampler(packed(shape, precision))
    rows = conditioning(shape, counts)
    ours, theirs = begun(kernel, len(counts)), begun(definition, len(counts))
    made, wanted = kernel.run(ours, rows, counts), definition.run(theirs, rows, counts)
    assert all(map(np.array_equal, made, wanted))
    assert all(map(same, ours, theirs))
    ours_scored, theirs_scored = (
        one.log_probabilities(wanted[0], None if rows is None else rows[0], one.start(5))
        for one in (kernel, definition)
    )
    assert np.array_equal(ours_scored, theirs_scored)


# -- the plan, emulated ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "precision"), [(GRU, "int8"), (LSTM, "int8"), (Shape((4,), 8), "fp32")])
def test_the_emulated_kernel_gives_the_definitions_bytes(shape: Shape, precision: str) -> None:
    check_against_reference(EmulatedSampler(packed(shape, precision), seed=3), shape, precision, [2, 1])


def test_the_emulated_kernel_carries_streams_of_unequal_length() -> None:
    network = packed(GRU, "int8")
    counts = [2, 1, 0]
    rows = conditioning(GRU, counts)
    assert rows is not None
    definition, emulated = ReferenceSampler(network), EmulatedSampler(network, teams=1)
    ours, theirs = begun(emulated, 3), begun(definition, 3)
    gates = [emulated._gates(part) if len(part) else part for part in rows]
    made = emulated.run_unequal(ours, gates, counts)
    wanted = definition.run(theirs, rows, counts)
    assert all(map(np.array_equal, made, wanted))
    assert all(map(same, ours, theirs))


def test_the_emulation_notices_a_missing_barrier() -> None:
    network = packed(Shape((4, 2), 16), "int8")
    wanted = ReferenceSampler(network).run(begun(ReferenceSampler(network), 2), None, 1)
    noticed = 0
    for left_out in range(8):
        broken = EmulatedSampler(network, seed=left_out, skip_barrier=left_out)
        try:
            noticed += not all(map(np.array_equal, broken.run(begun(broken, 2), None, 1), wanted))
        except (AssertionError, ValueError, RuntimeWarning):  # NaN where a number was to be
            noticed += 1
    assert noticed >= 6  # one that is left out may go well by chance


# -- the kernel's own source, on the CPU -------------------------------------------------------------------------------


def on_host(shape: Shape, precision: str, *, clusters: bool = False, **options: Any) -> tuple[CudaSampler, HostDevice]:
    inner = options.pop("inner", 3)
    host = HostDevice(**options)
    size = host.cluster_size
    network = packed(shape, precision)
    return CudaSampler(network, host, clusters=clusters, poison=0xFF, cluster_size=size, inner=inner), host


@needs_compiler
def test_the_kernels_source_gives_the_definitions_bytes_in_int8() -> None:
    kernel, host = on_host(GRU, "int8", processors=7)
    check_against_reference(kernel, GRU, "int8", [2, 0, 1, 2, 1, 1, 1, 1, 1, 1])
    assert {made.teams for made in host.launches} == {1, 2}
    assert max(made.inner for made in host.launches) == 3
    check_against_reference(on_host(GRU, "int8", inner=None)[0], GRU, "int8", [1, 2])  # one block, no barrier
    assert host.struct_words() == (MODEL_WORDS, CALL_WORDS)


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("unfolded", [False, True])
@pytest.mark.parametrize("clusters", [False, True])
@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize(
    "shape", [GRU, LSTM, Shape((4,), 40, layers=3), Shape((16, 8, 4, 2), 12), Shape((8, 4), 100, conditioning=2)]
)
def test_every_variant_of_the_source_gives_the_definitions_bytes(
    shape: Shape, precision: str, clusters: bool, unfolded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if unfolded:
        monkeypatch.setattr(folding, "_FOLD_LIMIT", 0)
    packed.cache_clear()
    kernel, _ = on_host(shape, precision, clusters=clusters)
    check_against_reference(kernel, shape, precision, [1, 2, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    check_against_reference(kernel, shape, precision, [2])
    packed.cache_clear()


@needs_compiler
@pytest.mark.slow
def test_bfloat16_is_near_the_definition_and_the_same_in_every_batch() -> None:
    shape = Shape((8, 4), 200, conditioning=3)
    kernel, _ = on_host(shape, "bf16", processors=40)
    definition = ReferenceSampler(packed(shape, "bf16"))
    counts = [2, 1, 2, 1, 1, 1, 1, 1, 1, 1, 2]
    rows = conditioning(shape, counts)
    assert rows is not None
    streams = begun(kernel, len(counts))
    made = kernel.run(streams, rows, counts)
    for number in (0, 2, 10):
        alone = kernel.start(5, number, temperature=0.9)
        assert np.array_equal(kernel.run([alone], [rows[number]], [2])[0], made[number])
        assert same(alone, streams[number])
    ours, theirs = (one.log_probabilities(made[0], rows[0], one.start(5)) for one in (kernel, definition))
    assert np.abs(ours - theirs).max() < 0.1
    assert (np.exp(theirs) * (theirs - ours)).sum(axis=1).max() < 1e-3


@needs_compiler
def test_cuts_company_and_a_cancel_do_not_show() -> None:
    kernel, host = on_host(GRU, "int8")
    rows = conditioning(GRU, [4, 4])
    assert rows is not None
    wanted = ReferenceSampler(packed(GRU, "int8")).run(begun(kernel, 2), rows)
    first, second = begun(kernel, 2)
    made = [kernel.run([first], [rows[0][:1]])[0]]  # alone, then another one joins, then it is cancelled
    both = kernel.run([second, first], [rows[1][:2], rows[0][1:2]])
    made.append(both[1])
    host.cancel_at = 1
    received: list[NDArray[np.uint8]] = []
    with pytest.raises(Cancelled):
        kernel.run([first], [rows[0][2:]], receive=lambda _, levels: received.append(levels))
    host.cancel_at = -1
    made += received
    assert first.position == 3 * GRU.top_frame
    made.append(kernel.run([first], [rows[0][3:]])[0])
    assert np.array_equal(np.concatenate(made), wanted[0])
    assert np.array_equal(np.concatenate((both[0], kernel.run([second], [rows[1][2:]])[0])), wanted[1])
    with pytest.raises(Cancelled):
        kernel.run([first], [rows[0]], cancelled=lambda: True)


@needs_compiler
def test_a_batch_that_is_too_large_for_the_memory_is_split() -> None:
    kernel, host = on_host(GRU, "int8")
    counts = [1] * 6
    rows = conditioning(GRU, counts)
    wanted = ReferenceSampler(packed(GRU, "int8")).run(begun(kernel, 6), rows, counts)
    host.limit = 4 * 256 * 3  # logits of three streams
    progress: list[int] = []
    made = kernel.run(begun(kernel, 6), rows, counts, progress=lambda done, _: progress.append(done))
    assert all(map(np.array_equal, made, wanted))
    assert len(host.launches) == 2
    assert progress[-1] == 6 * GRU.top_frame
    host.limit = 100
    with pytest.raises(DeviceMemoryError):
        kernel.run(begun(kernel, 1), conditioning(GRU, [1]), [1])


@needs_compiler
def test_a_kernel_is_trusted_only_when_it_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    host = HostDevice()
    choice.trust(host, "int8", "gru")
    monkeypatch.setattr(reference, "draw", lambda *_: 0)
    with pytest.raises(device.GpuError, match="wrong results"):
        choice.trust(HostDevice(), "int8", "gru")


# -- what surrounds it -------------------------------------------------------------------------------------------------


def test_tiles_lie_as_lanes_multiply_them() -> None:
    values = np.arange(32 * 64, dtype=np.int32).astype(np.uint8).view(np.int8).reshape(32, 64)
    words = layout.tiles(values).view(np.uint32).reshape(2, 2, 32, 4)  # tile, step, lane, register
    for tile, step, lane, register in ((0, 0, 0, 0), (1, 1, 13, 1), (0, 1, 31, 2), (1, 0, 6, 3)):
        row = tile * 16 + lane // 4 + 8 * (register & 1)
        column = step * 32 + lane % 4 * 4 + 16 * (register >> 1)
        assert words[tile, step, lane, register] == values[row, column : column + 4].copy().view(np.uint32)[0]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
@pytest.mark.parametrize("streams", [1, 8, 64, 256, 1024, 4096])
@pytest.mark.parametrize("clusters", [0, 8])
def test_plans_fit_a_large_gpu(precision: str, streams: int, clusters: int) -> None:
    shape = Shape((64, 16), 1024)
    made = plan.make_plan(shape, precision, streams, 132, 227 * 1024, structs_bytes=2200, clusters=clusters)
    assert made is not None
    assert made.room.size <= 227 * 1024
    assert made.blocks <= (clusters * 16 if clusters else 132)
    assert made.inner <= made.outer
    if precision != "fp32" and streams <= 64:
        assert made.room.pinned_hidden == -(-64 // made.inner)  # what every sample needs stays on the chip


def test_a_network_that_does_not_fit_is_refused() -> None:
    with pytest.raises(device.GpuError, match="layers"):
        CudaSampler(pack(random_folded(Shape((4,), 8, layers=5)), "int8"), HostDevice())


def test_another_source_macro_device_or_compiler_is_another_file() -> None:
    names = {
        device.cubin_name(text, Variant(precision, groups=groups), architecture, compiler)
        for text in ("a", "b")
        for precision in ("int8", "bf16")
        for groups in (1, 2)
        for architecture in ("sm_80", "sm_90a")
        for compiler in ("12.8", "13.0")
    }
    assert len(names) == 32
    assert '.cuh"' not in device.source()


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_the_torch_loop_is_near_the_definition(precision: str) -> None:
    shape = Shape((8, 4), 24, "lstm", 2, 3)
    loop, definition = (
        TorchSampler(packed(shape, precision), "cpu", batch=3),
        ReferenceSampler(packed(shape, precision)),
    )
    counts = [2, 1, 2, 1]
    rows = conditioning(shape, counts)
    assert rows is not None
    streams = begun(loop, 4)
    made = loop.run(streams, rows, counts)
    ours, theirs = (one.log_probabilities(made[0], rows[0], one.start(5)) for one in (loop, definition))
    assert np.abs(ours - theirs).max() < (1e-4 if precision == "fp32" else 0.2)
    alone = loop.start(5, 2, temperature=0.9)
    assert np.array_equal(loop.run([alone], [rows[2]])[0], made[2])
    if precision == "fp32":
        wanted = definition.run(begun(definition, 4), rows, counts)
        assert np.mean([np.mean(part == other) for part, other in zip(made, wanted, strict=True)]) > 0.9


def test_the_torch_loop_draws_with_the_same_random_numbers() -> None:
    seed, stream, position = 2**63 + 5, 2**40 + 3, 2**32 - 2
    words = [reference.philox(seed, stream, position + index) >> 8 for index in range(5)]
    assert np.array_equal(uniforms(seed, stream, position, 5), np.array(words, np.float32) * np.float32(2**-24))


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
def test_without_a_gpu_it_says_so() -> None:
    with pytest.raises(OptionError, match="device is 'cuda'"):
        backends.make_sampler(random_folded(Shape((4,), 8)), "int8", "cuda")
    assert choice.describe()["gpu"] is None


def test_importing_the_chooser_loads_no_cuda() -> None:
    code = (
        "import sys, synth.sampler.backends; sys.exit(any(name in sys.modules for name in ('torch', 'cuda.bindings')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@needs_nvcc
@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "clusters"), [("80", False), ("90a", False), ("90a", True)])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_the_sources_compile_without_spills(architecture: str, clusters: bool, precision: str, tmp_path: Path) -> None:
    macros = [f"-D{name}={value}" for name, value in Variant(precision, cluster=clusters).macros]
    target = [f"-gencode=arch=compute_{architecture},code=sm_{architecture}", "-std=c++17", "-cubin", "-Xptxas", "-v"]
    for source in ("sampler.cu", "constants.cu"):
        command = ["nvcc", *target, *macros, "-o", str(tmp_path / "kernel.cubin"), str(SOURCES / source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert set(re.findall(r"(\d+) bytes spill", done.stderr)) <= {"0"}


# -- on a GPU ----------------------------------------------------------------------------------------------------------


@cache
def gpu() -> CudaDevice:
    try:
        return CudaDevice()
    except device.GpuError as error:
        pytest.skip(str(error))


@pytest.mark.gpu
@pytest.mark.parametrize("clusters", [False, True])
@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_a_gpu_gives_the_definitions_bytes(precision: str, clusters: bool) -> None:
    shape = Shape((8, 4), 100, conditioning=3)
    kernel = CudaSampler(packed(shape, precision), gpu(), clusters=clusters, poison=0xFF)
    check_against_reference(kernel, shape, precision, [2, 0, 1, 2, 1, 1, 2, 1, 1, 1])


@pytest.mark.gpu
def test_a_gpus_graph_is_near_the_definition() -> None:
    gpu()
    loop, definition = TorchSampler(packed(GRU, "fp32")), ReferenceSampler(packed(GRU, "fp32"))
    rows = conditioning(GRU, [2])
    assert rows is not None
    levels = loop.run(begun(loop, 1), rows)[0]
    ours, theirs = (one.log_probabilities(levels, rows[0], one.start(5)) for one in (loop, definition))
    assert np.abs(ours - theirs).max() < 1e-2
