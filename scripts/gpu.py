"""`make gpu`: is the CUDA sampler right on this GPU, and how fast? One table at the end, everything in a JSON file.

On a GPU it ends within 10 minutes by its own clock, whatever hangs: checks come first, then the rows of the table, the
most telling ones first; rows that no time is left for are named. The file is written anew after each check and row, so
that a run that is killed leaves what was done.

Needs Python 3.11, numpy, torch with CUDA and cuda-core; neither the project's environment nor its other packages. Exit
codes: 0 all checks passed; 1 one did not; 3 no GPU was found, and what can be checked without one was checked; 4 the
time was over while something hung.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts import gpu_checks
from scripts.gpu_report import HARD_S, ROW_S, Report, Row, add_floors, print_table
from synth.sampler.base import Shape
from synth.sampler.cuda import device as devices
from synth.sampler.cuda.device import CudaDevice, GpuError
from synth.sampler.cuda.launching import CudaSampler
from synth.sampler.cuda.plan import CLUSTER, Variant
from synth.sampler.folding import random_folded
from synth.sampler.packing import pack

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "synth" / "sampler" / "cuda"
PAPER = Shape((64, 16), 1024)
BATCHES = (1, 8, 64, 256, 1024)
NO_GPU = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="the JSON file; bench/results/<device>-<date>.json by default")
    parser.add_argument("--cache", type=Path, help="a folder for compiled kernels")
    parser.add_argument("--sanitize", action="store_true", help="one small launch and no more, for compute-sanitizer")
    options = parser.parse_args()
    if options.sanitize:
        gpu_checks.small_launch(CudaDevice(options.cache))
        return 0
    report = Report()
    report.about = {"date": datetime.date.today().isoformat(), "python": sys.version.split()[0]}
    with tempfile.TemporaryDirectory(prefix="sonorize-gpu-") as folder:
        try:
            device = CudaDevice(options.cache or Path(folder))
        except GpuError as error:
            report.target = options.out or kept(report, "cuda-compile")
            without_gpu(report)
            return finish(report, str(error))
        report.target = options.out or kept(report, device.name.lower().replace(" ", "-"))
        report.end_by(HARD_S)
        on_gpu(report, device, options.cache or Path(folder))
    return finish(report, None)


def kept(report: Report, name: str) -> Path:
    return ROOT / "bench" / "results" / f"{name}-{report.about['date']}.json"


def finish(report: Report, missing: str | None) -> int:
    report.save()
    print(f"\nwritten: {report.target}")
    failed = [check["check"] for check in report.checks if not check["ok"]]
    print_table(report)
    if failed:
        print(f"FAILED: {', '.join(failed)}")
        return 1
    if missing is not None:
        print(f"Nothing ran on a GPU: {missing}. `make gpu` needs one with compute capability 8.0 or more.")
        return NO_GPU
    print("all checks passed")
    return 0


# -- without a GPU -----------------------------------------------------------------------------------------------------


def without_gpu(report: Report) -> None:
    """Compile everything, and run the kernel's plan and its source on the CPU."""
    report.budget_s = float("inf")  # nobody waits for the device
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        waiting = [
            (source, architecture, variant, pool.submit(resources, source, variant, architecture))
            for architecture in ("sm_80", "sm_90a")
            for source in ("constants.cu", "sampler.cu")
            for variant in variants(architecture, source)
        ]
        for source, architecture, variant, future in waiting:
            name = f"compile {source} {architecture} {describe(variant) if source == 'sampler.cu' else ''}"
            report.check(name.strip(), functools.partial(add_resources, report, future))
    report.check("the plan, emulated in numpy", gpu_checks.emulated)
    if shutil.which("g++"):
        report.check("the kernel's source on the CPU, threads as fibers", gpu_checks.on_host)
    else:
        report.note("no g++: the kernel's source was not run on the CPU")


def variants(architecture: str, source: str) -> list[Variant]:
    clusters = (False, True) if architecture == "sm_90a" else (False,)
    if source != "sampler.cu":
        return [Variant("fp32", cluster=clusters[-1])]
    made = [Variant(precision, cluster=cluster) for precision in ("fp32", "bf16", "int8") for cluster in clusters]
    made += [Variant("bf16", groups=2), Variant("int8", groups=2)]
    return [*made, Variant("bf16", gates=4), Variant("int8", gates=4)]


def describe(variant: Variant) -> str:
    kind = "gru" if variant.gates == 3 else "lstm"
    return f"{variant.precision} {kind} {variant.streams} streams{' cluster' if variant.cluster else ''}"


def add_resources(report: Report, future: concurrent.futures.Future[tuple[str, list[dict[str, Any]]]]) -> str:
    detail, rows = future.result()
    report.rows += rows
    return detail


def resources(source: str, variant: Variant, architecture: str) -> tuple[str, list[dict[str, Any]]]:
    """Registers, spills and shared memory, as the assembler reports them."""
    text = compiled_by_nvcc(source, variant, architecture) if shutil.which("nvcc") else None
    if text is None:
        log_of = functools.partial(devices.compile_kernel, variant, architecture)
        return f"{len(log_of())} bytes by NVRTC; no nvcc for a resource report", []
    entries = re.split(r"Compiling entry function '", text)[1:]
    found, rows = [], []
    for entry in entries:
        numbers: dict[str, Any] = {
            "kernel": entry.split("'", 1)[0],
            "registers": number(r"Used (\d+) registers", entry),
            "spill_stores": number(r"(\d+) bytes spill stores", entry),
            "spill_loads": number(r"(\d+) bytes spill loads", entry),
            "stack": number(r"(\d+) bytes stack frame", entry),
            "static_shared": number(r"(\d+) bytes smem", entry),
        }
        found.append(numbers)
        row = {"source": source, "architecture": architecture, **numbers}
        if source == "sampler.cu":
            row |= {"variant": describe(variant), "dynamic_shared": dynamic_shared(variant)}
        rows.append(row)
    spilled = sum(entry["spill_stores"] + entry["spill_loads"] for entry in found)
    most = max(entry["registers"] for entry in found)
    return f"{most} registers, {spilled} bytes spilled", rows


def number(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    return int(match[1]) if match else 0


def dynamic_shared(variant: Variant) -> int | None:
    """Bytes a block takes for the paper's network on a GPU of 132 multiprocessors."""
    from synth.sampler.cuda.layout import CALL_WORDS, MODEL_WORDS
    from synth.sampler.cuda.plan import make_plan

    shape = Shape(PAPER.frames, PAPER.width, "gru" if variant.gates == 3 else "lstm")
    structs = sum(-(-words * 8 // 16) * 16 for words in (MODEL_WORDS, CALL_WORDS))
    streams, clusters = (1024 if variant.groups > 1 else 1), (8 if variant.cluster else 0)
    plan = make_plan(shape, variant.precision, streams, 132, 227 * 1024, structs_bytes=structs, clusters=clusters)
    return None if plan is None else plan.room.size


def compiled_by_nvcc(source: str, variant: Variant, architecture: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        macros = [f"-D{name}={value}" for name, value in variant.macros]
        target = f"-gencode=arch={architecture.replace('sm', 'compute')},code={architecture}"
        command = ["nvcc", "-std=c++17", target, "-cubin", "-Xptxas", "-v", *macros]
        command += ["-o", str(Path(folder) / "kernel.cubin"), str(SOURCES / source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise GpuError(done.stderr[-2000:])
        return done.stderr


# -- on a GPU ----------------------------------------------------------------------------------------------------------


def on_gpu(report: Report, device: CudaDevice, cache: Path) -> None:
    import torch

    report.about |= {
        "device": device.name,
        "capability": ".".join(map(str, device.capability)),
        "processors": device.processors,
        "shared_bytes": device.shared_bytes,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
    }
    print(report.about, flush=True)
    clusters = device.clusters(Variant("bf16", cluster=True), device.shared_bytes) > 0
    report.note(f"clusters of {CLUSTER}: {'there' if clusters else 'none'}")
    kinds = (False, True) if clusters else (False,)
    right = dict.fromkeys(kinds, True)
    for kind in kinds:
        for check in gpu_checks.CHECKS:
            name = f"{check.__name__.replace('_', ' ')}{', clusters' if kind else ''}"
            right[kind] &= report.check(name, functools.partial(check, device, kind), least_s=ROW_S)
    report.check("the graph of torch is near the definition", gpu_checks.graph, least_s=ROW_S)
    sanitize(report, cache)
    report.check("constants", functools.partial(measure_constants, report, device, clusters), least_s=ROW_S)
    report.measure(table(device, [kind for kind in kinds if right[kind]]))
    add_floors(report)


def sanitize(report: Report, cache: Path) -> None:
    tool = shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")
    if tool is None:
        report.note("no compute-sanitizer here")
        return
    for name in ("memcheck", "racecheck"):
        report.check(f"compute-sanitizer {name}", functools.partial(run_sanitizer, tool, name, cache), least_s=240)


def run_sanitizer(tool: str, name: str, cache: Path) -> str:
    ours = [sys.executable, "-m", "scripts.gpu", "--sanitize", "--cache", str(cache)]
    command = [tool, "--tool", name, "--error-exitcode", "9", *ours]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "SUMMARY" in line or "hazard" in line]
    if done.returncode:
        raise GpuError(f"exit code {done.returncode}: {' '.join(lines) or done.stderr[-500:]}")
    return " ".join(lines) or "nothing to say"


def measure_constants(report: Report, device: CudaDevice, clusters: bool) -> str:
    """Cycles of a load, a barrier, a hop."""
    from scripts.gpu_constants import measure

    report.constants |= measure(device, clusters)
    return ", ".join(f"{name} {cycles:.0f}" for name, cycles in report.constants.items())


@functools.cache
def network(precision: str) -> Any:
    return pack(folded(), precision)


@functools.cache
def folded() -> Any:
    return random_folded(PAPER)


def table(device: CudaDevice, kinds: Sequence[bool]) -> list[Row]:
    """All rows, of the kinds of kernel that are right (how fast a wrong one is does not matter); none is measured yet.

    First what decides: one stream and many, the kernel, the shipped decoder and the graph of torch beside one another;
    then sizes between; then fp32, how many blocks share the sample tier, and torch one operation at a time.
    """
    rows = []
    for precision in ("bf16", "int8", "fp32"):
        for streams in BATCHES:
            priority = (2 if precision == "fp32" else 0) + (streams not in (1, 64, 1024))
            for clusters in kinds:
                name = f"{'cluster ' if clusters else ''}kernel"
                timed = functools.partial(time_paper, device, precision, clusters, streams)
                rows.append(Row(priority, name, precision, streams, timed))
            if precision != "int8":
                timed = functools.partial(time_torch, precision, streams, True)
                rows.append(Row(priority, "cuda graph of torch", precision, streams, timed))
    for streams in (1, 64):
        if False in kinds:
            timed = functools.partial(time_shipped, device, "ambient", streams)
            rows.append(Row(0, "kernel, ambient decoder", "shipped", streams, timed))
        timed = functools.partial(time_torch, "bf16", streams, False)
        rows.append(Row(4, "torch, eager", "bf16", streams, timed))
    for inner in (8, 16, 64) if False in kinds else ():
        rows.append(Row(3, f"kernel, {inner} inner", "bf16", 1, functools.partial(time_inner, device, inner)))
    return rows


def time_paper(device: CudaDevice, precision: str, clusters: bool, streams: int) -> tuple[list[float], int, str]:
    return time_kernel(sampler_of(device, precision, clusters), device, streams)


def time_shipped(device: CudaDevice, name: str, streams: int) -> tuple[list[float], int, str]:
    """A decoder that ships, in the precision that it ships for."""
    return time_kernel(CudaSampler(shipped(name), device), device, streams)


def time_inner(device: CudaDevice, inner: int) -> tuple[list[float], int, str]:
    """So many blocks share the sample tier."""
    return time_kernel(CudaSampler(network("bf16"), device, inner=inner), device, 1)


@functools.cache
def shipped(name: str) -> Any:
    """A decoder out of the manifest, packed as its metadata say."""
    from synth import weights
    from synth.models.visual_to_sound import VisualToSound, VisualToSoundConfig
    from synth.sampler.folding import fold

    loaded = weights.load(name)
    network = VisualToSound(VisualToSoundConfig.from_dict(json.loads(loaded.metadata["config"])))
    network.load_state_dict(
        {key: value.float() for key, value in loaded.tensors.items() if not key.startswith("bank.")}
    )
    return pack(fold(network.eval().decoder), loaded.metadata["precision"])


@functools.cache
def sampler_of(device: CudaDevice, precision: str, clusters: bool) -> CudaSampler:
    return CudaSampler(network(precision), device, clusters=clusters)


def time_kernel(sampler: CudaSampler, device: CudaDevice, streams: int) -> tuple[list[float], int, str]:
    """Seconds of the device for so many launches, samples of all streams in each, and teams."""
    made = [sampler.start(0, number) for number in range(streams)]
    frames, seconds = 1, []
    top, numbers = sampler.shape.top_frame, sampler.shape.conditioning

    def rows(count: int) -> list[NDArray[np.float32]] | None:
        if not numbers:
            return None
        return [np.full((count, numbers), 0.1, np.float32) for _ in made]

    sampler.run(made, rows(frames), frames)
    once = max(1e-4, device.launch_ms() / 1000)
    frames = max(1, min(512, int(0.15 / once)))
    for _ in range(5):
        sampler.run(made, rows(frames), frames)
        seconds.append(device.launch_ms() / 1000)
    return seconds, frames * top * streams, str(sampler.plan(streams).teams)


def time_torch(precision: str, streams: int, graph: bool) -> tuple[list[float], int, str]:
    """The loops that a kernel has to beat: a CUDA graph, and torch one operation at a time."""
    import torch

    from synth.sampler.cuda.graph import TorchSampler

    loop = TorchSampler(network(precision), "cuda", batch=streams)
    step = loop._step if graph else functools.partial(loop._loop.frame, None)
    with torch.inference_mode():
        step()
        torch.cuda.synchronize()
        seconds = []
        for _ in range(5 if graph else 2):
            begin = time.perf_counter()
            step()
            torch.cuda.synchronize()
            seconds.append(time.perf_counter() - begin)
    return seconds, streams * PAPER.top_frame, ""


if __name__ == "__main__":
    sys.exit(main())
