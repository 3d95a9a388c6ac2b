"""What must hold of the CUDA sampler: each check says what it found, or raises. Shapes: N samples, Q levels."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import Cancelled
from synth.sampler.base import LEVELS, Shape, Stream
from synth.sampler.cuda.device import CudaDevice, Device, GpuError
from synth.sampler.cuda.emulation import EmulatedSampler
from synth.sampler.cuda.launching import CudaSampler
from synth.sampler.folding import MIDDLE, Folded, random_folded
from synth.sampler.packing import Packed, pack
from synth.sampler.reference import ReferenceSampler

ROOT: Final = Path(__file__).parents[1]
SMALL: Final = (
    Shape((8, 4), 100, conditioning=3),
    Shape((8, 2), 40, "lstm", 2),
    Shape((4,), 200, layers=3),
    Shape((16, 8, 4, 2), 64),
)
MIDDLING: Final = Shape((64, 16), 256, conditioning=8)
PAPER: Final = Shape((64, 16), 1024)
LIMITS: Final = {"fp32": (2e-3, 1e-5), "bf16": (0.2, 2e-3), "int8": (0.4, 4e-3)}
"""Greatest difference of a log-probability, and of a Kullback-Leibler divergence in nats, from float64."""

Array = NDArray[Any]


def expect(good: bool, sentence: str) -> None:
    if not good:
        raise GpuError(sentence)


def conditioning(shape: Shape, counts: list[int]) -> list[NDArray[np.float32]] | None:
    if not shape.conditioning:
        return None
    rows = [
        np.random.default_rng(number).standard_normal((count, shape.conditioning))
        for number, count in enumerate(counts)
    ]
    return [part.astype(np.float32) for part in rows]


def begun(kernel: Any, count: int, first: int = 0) -> list[Stream]:
    return [kernel.start(7, first + number, temperature=0.95) for number in range(count)]


def same_streams(ours: list[Stream], theirs: list[Stream]) -> bool:
    return all(
        np.array_equal(one.hidden, other.hidden) and np.array_equal(one.before, other.before)
        for one, other in zip(ours, theirs, strict=True)
    )


def same_bytes_as_the_definition(device: Device, clusters: bool) -> str:
    """Int8 and fp32, small networks of every kind, batches that take one team and several."""
    for shape in SMALL:
        for precision in ("int8", "fp32"):
            packed = pack(random_folded(shape, 3), precision)
            kernel, definition = CudaSampler(packed, device, clusters=clusters, poison=0xFF), ReferenceSampler(packed)
            counts = [2, 0, 1, 1, 2, 1, 1, 1, 1, 1]
            rows = conditioning(shape, counts)
            ours, theirs = begun(kernel, len(counts)), begun(definition, len(counts))
            made, wanted = kernel.run(ours, rows, counts), definition.run(theirs, rows, counts)
            agree = np.mean(np.concatenate(made) == np.concatenate(wanted))
            expect(all(map(np.array_equal, made, wanted)), f"{precision} {shape}: {agree:.2%} of the levels agree")
            expect(same_streams(ours, theirs), f"{precision} {shape}: the states differ")
    return f"{len(SMALL)} networks, int8 and fp32"


def same_bytes_as_the_cpu(device: Device, clusters: bool) -> str:
    """Int8 and fp32 at the paper's width; the C++ library if it can be built, else the definition on less."""
    library = cpu_library()
    shape, frames = (PAPER, 8) if library else (MIDDLING, 1)
    for precision in ("int8", "fp32"):
        packed = pack(random_folded(shape, 4), precision)
        kernel = CudaSampler(packed, device, clusters=clusters)
        cpu = library(packed) if library else ReferenceSampler(packed)
        rows = conditioning(shape, [frames] * 3)
        ours, theirs = begun(kernel, 3), begun(cpu, 3)
        made, wanted = kernel.run(ours, rows, frames), cpu.run(theirs, rows, frames)
        expect(all(map(np.array_equal, made, wanted)), f"{precision}: other bytes than {cpu.kind}")
        expect(same_streams(ours, theirs), f"{precision}: other states than {cpu.kind}")
    return f"3 streams of {frames * shape.top_frame} samples, width {shape.width}, against {cpu.kind}"


@functools.cache
def cpu_library() -> Callable[[Packed], Any] | None:
    from synth.sampler import native

    if native.library() is None:
        command = [sys.executable, "setup.py", "build_ext", "--inplace"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, capture_output=True, check=False, cwd=ROOT, timeout=120)
        native.library.cache_clear()
    if native.library() is None:
        return None
    return functools.partial(native.NativeSampler, threads=4)


def log_probabilities_against_float64(device: Device, clusters: bool) -> str:
    """Fresh random weights, known sound, and the states of every layer after it."""
    told = []
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    for shape in (MIDDLING, Shape((16, 4), 128, "lstm", 2)):
        folded = random_folded(shape, seed)
        levels = np.random.default_rng(seed).integers(0, LEVELS, 2 * shape.top_frame).astype(np.uint8)
        rows = conditioning(shape, [2])
        given = None if rows is None else rows[0]
        exact, states = exactly(folded, levels, given)
        for precision, (most, divergence) in LIMITS.items():
            kernel = CudaSampler(pack(folded, precision), device, clusters=clusters, poison=0xFF)
            stream = kernel.start(1)
            found = kernel.log_probabilities(levels, given, stream).astype(np.float64)
            error = float(np.abs(found - exact).max())
            apart = float((np.exp(exact) * (exact - found)).sum(axis=1).max())
            layer = max(
                float(np.abs(stream.hidden[tier, 0, index] - states[tier][index]).max())
                for tier in range(shape.tiers)
                for index in range(shape.layers)
            )
            expect(np.isfinite(error) and error < most, f"{precision}, seed {seed}: off by {error:.4f}")
            expect(apart < divergence, f"{precision}, seed {seed}: divergence {apart:.2e}")
            expect(layer < most, f"{precision}, seed {seed}: a state is off by {layer:.4f}")
            told.append(f"{precision} {error:.1e} (KL {apart:.0e}, states {layer:.0e})")
    return ", ".join(told)


def exactly(folded: Folded, levels: Array, given: Array | None) -> tuple[Array, list[list[Array]]]:
    """Log-probabilities [N, Q] of known levels after silence, and states [tier][layer], all in float64."""
    shape, width = folded.shape, folded.shape.width
    hidden = [[tier.initial[0, layer].astype(float) for layer in range(shape.layers)] for tier in folded.tiers]
    cells = [[tier.initial[-1, layer].astype(float) for layer in range(shape.layers)] for tier in folded.tiers]
    sound = np.concatenate((np.full(shape.top_frame, LEVELS // 2), levels))
    out = []
    for sample in range(len(levels)):
        now = sample + shape.top_frame
        for index, tier in enumerate(folded.tiers):
            frame = shape.frames[index]
            if sample % shape.top_frame % frame:
                continue
            variant = sample % shape.top_frame // frame % shape.variants(index)
            inward = tier.bias[variant] + tier.samples.astype(float) @ (sound[now - frame : now] - float(MIDDLE))
            if index == 0 and given is not None:
                assert folded.conditioning is not None
                inward = inward + folded.conditioning.astype(float) @ given[sample // shape.top_frame]
            above = hidden[index - 1][-1]
            if tier.above is not None:
                inward = inward + tier.above[variant].astype(float) @ above
            elif tier.upsampling is not None and tier.inputs[0] is not None:
                inward = inward + tier.inputs[0].astype(float) @ (tier.upsampling[variant].astype(float) @ above)
            for layer in range(shape.layers):
                matrix = tier.inputs[layer]
                if layer and matrix is not None:
                    inward = tier.input_bias[layer] + matrix.astype(float) @ hidden[index][layer - 1]
                carried = tier.recurrent_bias[layer] + tier.recurrent[layer].astype(float) @ hidden[index][layer]
                parts, kept = inward.reshape(-1, width), carried.reshape(-1, width)
                if shape.rnn == "gru":
                    fresh = np.tanh(parts[2] + sigmoid(parts[0] + kept[0]) * kept[2])
                    hidden[index][layer] = fresh + sigmoid(parts[1] + kept[1]) * (hidden[index][layer] - fresh)
                else:
                    enter, forget, new, leave = parts + kept
                    cells[index][layer] = sigmoid(forget) * cells[index][layer] + sigmoid(enter) * np.tanh(new)
                    hidden[index][layer] = sigmoid(leave) * np.tanh(cells[index][layer])
        slot = sample % shape.look_back
        first = folded.word_bias[slot] + folded.words[slot].astype(float) @ hidden[-1][-1]
        for place, level in enumerate(sound[now - shape.look_back : now]):
            first = first + folded.tables[place, int(level)]
        second = np.maximum(folded.hidden.astype(float) @ np.maximum(first, 0) + folded.hidden_bias, 0)
        logits = folded.output.astype(float) @ second + folded.output_bias
        logits -= logits.max()
        out.append(logits - np.log(np.exp(logits).sum()))
    return np.stack(out), hidden


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def histograms(device: Device, clusters: bool) -> str:
    """First levels of many streams against the probabilities that the same kernel names."""
    count, shape = 4096, Shape((4, 2), 64)
    kernel = CudaSampler(pack(random_folded(shape, 5), "bf16"), device, clusters=clusters)
    streams = [kernel.start(11, number) for number in range(count)]
    first = np.array([part[0] for part in kernel.run(streams, None, 1)])
    scored = kernel.log_probabilities(np.zeros(4, np.uint8), None, kernel.start(11))[0]
    expected = np.exp(scored.astype(np.float64)) * count
    order = np.argsort(expected)
    groups = np.array_split(order, 32)  # rare levels together, so that the statistic holds
    seen = np.array([np.isin(first, group).sum() for group in groups])
    wanted = np.array([expected[group].sum() for group in groups])
    kept = wanted > 5
    statistic = float(((seen - wanted)[kept] ** 2 / wanted[kept]).sum())
    limit = kept.sum() + 6 * np.sqrt(2 * kept.sum())
    expect(statistic < limit, f"chi square {statistic:.1f} of {kept.sum()} groups; allowed is {limit:.1f}")
    return f"chi square {statistic:.1f} of {kept.sum()} groups, {count} draws"


def company_and_cuts_do_not_show(device: Device, clusters: bool) -> str:
    """Alone or in batches of many sizes, whole or in chunks, joined and left: the same bytes."""
    frames = 12
    for precision in ("bf16", "int8", "fp32"):
        kernel = CudaSampler(pack(random_folded(MIDDLING, 6), precision), device, clusters=clusters)
        rows = conditioning(MIDDLING, [frames] * 70)
        assert rows is not None
        counts = [frames - number % 5 for number in range(70)]
        streams = begun(kernel, 70)
        whole = kernel.run(streams, rows, counts)
        again = kernel.run(begun(kernel, 70), rows, counts)
        expect(all(map(np.array_equal, whole, again)), f"{precision}: not the same twice")
        for number in (0, 7, 63, 69):
            alone = begun(kernel, 1, number)
            made = kernel.run(alone, [rows[number]], [counts[number]])
            expect(np.array_equal(made[0], whole[number]), f"{precision}: stream {number} is another one alone")
            expect(same_streams(alone, [streams[number]]), f"{precision}: state {number} is another one alone")
        cut, company = begun(kernel, 1, 3)[0], begun(kernel, 20, 100)
        parts = [kernel.run([cut], [rows[3][:1]])[0]]
        parts.append(kernel.run([*company, cut], [*rows[:20], rows[3][1:4]], [*[2] * 20, 3])[-1])
        parts.append(kernel.run([cut, *company[:9]], [rows[3][4:], *rows[:9]], [counts[3] - 4, *[1] * 9])[0])
        expect(np.array_equal(np.concatenate(parts), whole[3]), f"{precision}: the cuts show")
    return "3 precisions, 70 streams of unequal length, 5 sizes of batch, 3 chunks"


def memory_is_written_before_it_is_read(device: Device, clusters: bool) -> str:
    """Work memory full of NaN, of zeros, of large numbers: the same bytes."""
    packed = pack(random_folded(MIDDLING, 7), "bf16")
    rows = conditioning(MIDDLING, [3] * 9)
    made = []
    for poison in (0xFF, 0x00, 0x7E):
        kernel = CudaSampler(packed, device, clusters=clusters, poison=poison)
        made.append(kernel.run(begun(kernel, 9), rows, [3, 1, 2, 3, 0, 1, 2, 3, 3]))
    expect(all(all(map(np.array_equal, made[0], other)) for other in made[1:]), "what lay in memory shows")
    return "3 fillings"


def a_cancel_stops_it(device: Device, clusters: bool) -> str:
    """A long launch ends soon, its streams stand where they say, and go on from there."""
    import time

    shape = Shape((64, 16), 256)
    kernel = CudaSampler(pack(random_folded(shape, 8), "int8"), device, clusters=clusters)
    stream = kernel.start(1)
    told: list[int] = []
    heard: list[NDArray[np.uint8]] = []
    asked: list[float] = []

    def cancelled() -> bool:
        if len(told) > 1 and not asked:
            asked.append(time.perf_counter())
        return bool(asked)

    try:
        kernel.run(
            [stream],
            None,
            200_000,
            cancelled=cancelled,
            progress=lambda done, _: told.append(done),
            receive=lambda _, levels: heard.append(levels),
        )
        raise GpuError("it was not cancelled")
    except Cancelled:
        took_ms = (time.perf_counter() - asked[0]) * 1000
    made = np.concatenate(heard)
    expect(len(made) == stream.position, "the stream does not stand where it was cut")
    count = min(len(made) // shape.top_frame, 64)
    again = kernel.run([kernel.start(1)], None, count)[0]
    expect(np.array_equal(again, made[: len(again)]), "what was made before the cancel is something else")
    return f"stopped after {took_ms:.1f} ms at sample {stream.position}"


CHECKS: Final = (
    same_bytes_as_the_definition,
    log_probabilities_against_float64,
    same_bytes_as_the_cpu,
    company_and_cuts_do_not_show,
    memory_is_written_before_it_is_read,
    histograms,
    a_cancel_stops_it,
)
"""On a GPU, the cheapest first: if it fails, the others say why."""


def graph() -> str:
    """The loop without a kernel."""
    from synth.sampler.cuda.graph import TorchSampler

    packed = pack(random_folded(SMALL[0], 3), "fp32")
    loop, definition = TorchSampler(packed), ReferenceSampler(packed)
    rows = conditioning(SMALL[0], [2])
    assert rows is not None
    levels = loop.run(begun(loop, 1), rows)[0]
    again = loop.run(begun(loop, 1), rows)[0]
    expect(np.array_equal(levels, again), "not the same twice")
    ours, theirs = (one.log_probabilities(levels, rows[0], one.start(7)) for one in (loop, definition))
    error = float(np.abs(ours - theirs).max())
    expect(error < 1e-2, f"off by {error:.4f}")
    return f"log-probabilities within {error:.1e}"


def small_launch(device: CudaDevice) -> None:
    """One small launch of each precision, and of the cluster kernel where there is one."""
    shape = Shape((4, 2), 64, conditioning=3)
    clusters = device.clusters(_variant(), device.shared_bytes) > 0
    for precision in ("int8", "bf16"):
        for kind in (False, True) if clusters else (False,):
            kernel = CudaSampler(pack(random_folded(shape, 9), precision), device, clusters=kind)
            kernel.run(begun(kernel, 9), conditioning(shape, [2] * 9), 2)


def _variant() -> Any:
    from synth.sampler.cuda.plan import Variant

    return Variant("bf16", cluster=True)


# -- without a GPU -----------------------------------------------------------------------------------------------------


def emulated() -> str:
    """The kernel's plan in numpy against the definition."""
    shape = Shape((4, 2), 20, conditioning=3)
    packed = pack(random_folded(shape, 1), "int8")
    definition = ReferenceSampler(packed)
    counts = [2, 1, 1]
    rows = conditioning(shape, counts)
    for seed in range(2):
        kernel = EmulatedSampler(packed, seed=seed)
        ours, theirs = begun(kernel, 3), begun(definition, 3)
        made, wanted = kernel.run(ours, rows, counts), definition.run(theirs, rows, counts)
        expect(all(map(np.array_equal, made, wanted)) and same_streams(ours, theirs), "other bytes")
    return "int8, 3 streams, 2 orders of blocks"


def on_host() -> str:
    """The kernel's source, its threads as fibers, against the definition."""
    from scripts.cuda_on_host.device import HostDevice

    shape = Shape((4, 2), 20, conditioning=3)
    for precision, clusters in (("int8", False), ("fp32", False), ("int8", True)):
        packed = pack(random_folded(shape, 1), precision)
        host, definition = HostDevice(), ReferenceSampler(packed)
        size = host.cluster_size
        kernel = CudaSampler(packed, host, clusters=clusters, poison=0xFF, cluster_size=size, inner=3)
        counts = [2, 0, 1, 1, 1, 1, 1, 1, 1]
        rows = conditioning(shape, counts)
        ours, theirs = begun(kernel, 9), begun(definition, 9)
        made, wanted = kernel.run(ours, rows, counts), definition.run(theirs, rows, counts)
        expect(all(map(np.array_equal, made, wanted)) and same_streams(ours, theirs), f"{precision}: other bytes")
    return "int8, fp32 and the cluster variant in int8, 9 streams, random order of threads"
