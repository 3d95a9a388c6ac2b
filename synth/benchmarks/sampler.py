"""Samples a second of every way to sample the same SampleRNN, measured side by side in one process.

The ways: the network as it is trained, one call a sample, with its weight norm and without; a strong PyTorch loop over
the folded matrices; and our own kernels. All have the same random weights (never zeros, which some units multiply
faster). Rounds go through all rows in turn, so that a busy moment of the machine hits all of them; the load that others
put on it is noted before and after, and samples a CPU-second stand beside those a second: with one thread they are what
a quiet machine would give.

The roofline is of this machine, measured here: the same micro-kernel on weights that stay in the nearest cache, and
plain reading of as many bytes as the weights have. A row's fraction is what it reaches of the lower of the two.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from synth.benchmarks.torch_ways import Eager, Strong
from synth.errors import OptionError
from synth.models.samplernn import PAPER_16_4, SampleRNN, SampleRNNConfig
from synth.sampler import native
from synth.sampler.base import LEVELS, PRECISIONS, Shape
from synth.sampler.folding import Folded, fold, folds_upsampling, random_folded
from synth.sampler.native import NativeSampler
from synth.sampler.packing import pack

ROUNDS: Final = 10
BATCHES: Final = (1, 16, 64)
SMALL_BATCHES: Final = (1, 8, 64)
SMALL_WIDTHS: Final = (256, 384)
_LEAST_REPETITIONS: Final = 3
_SHORTEST_S: Final = 0.05  # of one repetition, where a way is faster than that for one top frame
_PATIENCE_S: Final = 2.0  # for all repetitions of one row, beyond the least
_REAL_TIME: Final = 16_000
_BYTES: Final = {"fp32": 4, "bf16": 2, "int8": 1}

_Generate = Callable[[int, int], None]
"""``generate(streams, top_frames)``: make that much sound, from silence."""

PUBLISHED, PLAIN, STRONG, OURS = "eager, as published", "eager, without weight norm", "strong eager", "ours"
OTHER_BUILD: Final = "ours, other build"


@dataclass
class _Row:
    """One way, batch and number of threads, and how long its repetitions took."""

    name: str
    width: int
    precision: str
    batch: int
    threads: int
    top_frame: int
    generate: _Generate
    kernels: str = "torch"
    frames: int = 1
    rates: list[float] = field(default_factory=list)
    cpu_rates: list[float] = field(default_factory=list)
    spent_s: float = 0.0

    def repeat(self, *, counted: bool) -> float:
        """Seconds of one repetition."""
        torch.set_num_threads(self.threads)
        samples = self.batch * self.frames * self.top_frame
        begin, cpu_begin = time.perf_counter(), time.process_time()
        self.generate(self.batch, self.frames)
        spent_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu_begin
        if counted:
            self.rates.append(samples / spent_s)
            self.cpu_rates.append(samples / cpu_s)
            self.spent_s += spent_s
        return spent_s

    def as_json(self) -> dict[str, Any]:
        low, high = np.percentile(self.rates, (10, 90))
        return {
            "name": self.name,
            "width": self.width,
            "precision": self.precision,
            "batch": self.batch,
            "threads": self.threads,
            "kernels": self.kernels,
            "samples_per_s": round(self.median, 1),
            "p10": round(float(low), 1),
            "p90": round(float(high), 1),
            "samples_per_cpu_s": round(statistics.median(self.cpu_rates), 1),
            "times_real_time": round(self.median / _REAL_TIME, 3),
            "repetitions": len(self.rates),
        }

    @property
    def median(self) -> float:
        return statistics.median(self.rates)


def sampler(
    config: SampleRNNConfig = PAPER_16_4,
    batches: Sequence[int] = BATCHES,
    small_widths: Sequence[int] = SMALL_WIDTHS,
    rounds: int = ROUNDS,
    patience_s: float = _PATIENCE_S,
    beside: Path | None = None,
) -> dict[str, Any]:
    """Samples a second of every way, and how far ours are from what this machine could do.

    Args:
        config: the network that all ways sample.
        batches: streams at once.
        small_widths: of further networks that only our kernels sample, at :data:`SMALL_BATCHES`.
        rounds: most repetitions of a row.
        patience_s: after which a slow row is not repeated any more.
        beside: another build of the sampler's library, or a folder with one, whose rows stand beside ours.

    Returns:
        JSON values: ``device``, ``rows``, ``ratios`` of ours to the others by batch, each with its best number of
        threads, ``roofline``, and ``left_out`` with reasons.

    Raises:
        RuntimeError: the compiled sampler is missing.
        OptionError: there is no library at ``beside``.
    """
    other = None if beside is None else _build_at(beside)
    cores = len(os.sched_getaffinity(0))
    threads = sorted({1, min(2, cores), cores})
    before = torch.get_num_threads()
    load = [os.getloadavg()]
    torch.manual_seed(0)
    model = SampleRNN(config).eval()
    folded = fold(model)
    kernels = {precision: NativeSampler(pack(folded, precision), threads=cores) for precision in PRECISIONS}
    try:
        rows = _rows(model, folded, kernels, batches, threads)
        if other is not None:
            rows += _other_rows(folded, other, batches, threads)
        for width in small_widths:
            shape = Shape(config.frames, width, config.rnn, config.layers)
            rows += _small_rows(shape, threads[-1])
            if other is not None:
                rows += _other_rows(random_folded(shape), other, SMALL_BATCHES, threads[-1:])
        _measure(rows, rounds, patience_s)
        roofline = _roofline(folded.shape, kernels, [row for row in rows if row.width == config.width], threads)
    finally:
        torch.set_num_threads(before)
    load.append(os.getloadavg())
    return {
        "device": {
            "cores": cores,
            "machine": platform.machine(),
            "kernels": f"cpu {native.best()}",
            "torch": torch.__version__,
            "load_before": [round(part, 2) for part in load[0]],
            "load_after": [round(part, 2) for part in load[1]],
            "scheduling": _scheduling(),
        },
        "network": config.as_dict(),
        "rows": [row.as_json() for row in rows],
        "ratios": _ratios(rows, config.width),
        "roofline": roofline,
        "left_out": {
            "torch.compile": "compiling each shape of this loop takes longer than all rows; it stays a step a sample"
        },
    }


def _scheduling() -> str:
    """Whether other programs had to wait while this one measured."""
    return "as any program" if os.sched_getscheduler(0) == os.SCHED_OTHER else "before other programs (real time)"


def _rows(
    model: SampleRNN,
    folded: Folded,
    kernels: dict[str, NativeSampler],
    batches: Sequence[int],
    threads: Sequence[int],
) -> list[_Row]:
    top, width = folded.shape.top_frame, folded.shape.width
    strong = {"fp32": Strong(folded, torch.float32), "bf16": Strong(folded, torch.bfloat16)}
    ways: list[tuple[str, str, _Generate]] = [
        (PUBLISHED, "fp32", Eager(model).generate),
        (PLAIN, "fp32", Eager(model.without_weight_norm()).generate),
        *((STRONG, precision, way.generate) for precision, way in strong.items()),
    ]
    rows = []
    for count in threads:
        for batch in batches:
            rows += [_Row(name, width, precision, batch, count, top, way) for name, precision, way in ways]
            for precision, kernel in kernels.items():
                rows.append(_Row(OURS, width, precision, batch, count, top, _ours(kernel, count), kernel.kind))
    return rows


def _other_rows(folded: Folded, build: Path, batches: Sequence[int], threads: Sequence[int]) -> list[_Row]:
    """The same work by another build of the library."""
    top, width = folded.shape.top_frame, folded.shape.width
    rows = []
    for precision in PRECISIONS:
        kernel = NativeSampler(pack(folded, precision), threads=threads[-1], build=build)
        rows += [
            _Row(OTHER_BUILD, width, precision, batch, count, top, _ours(kernel, count), kernel.kind)
            for count in threads
            for batch in batches
        ]
    return rows


def _build_at(place: Path) -> Path:
    """The library at a path: itself, or in a folder or checkout.

    Raises:
        OptionError: there is none.
    """
    if place.is_file():
        found = [place]
    else:
        found = sorted(path for part in ("", "synth/sampler") for path in (place / part).glob("_cpu.*.so"))
    for path in found:
        try:
            native.load(path)
        except (OSError, AttributeError) as error:
            raise OptionError(f"--beside {str(path)!r} is no build of the sampler: {error}") from error
        return path
    raise OptionError(
        f"--beside is {str(place)!r}, where no build of the sampler is; allowed are a library, a checkout"
    )


def _small_rows(shape: Shape, threads: int) -> list[_Row]:
    folded = random_folded(shape)
    rows = []
    for precision in PRECISIONS:
        kernel = NativeSampler(pack(folded, precision), threads=threads)
        generate = _ours(kernel, threads)
        rows += [
            _Row(OURS, shape.width, precision, batch, threads, shape.top_frame, generate, kernel.kind)
            for batch in SMALL_BATCHES
        ]
    return rows


def _ours(kernel: NativeSampler, threads: int) -> _Generate:
    def generate(streams: int, frames: int) -> None:
        kernel.use_threads(threads)
        kernel.run([kernel.start(1, number) for number in range(streams)], None, frames)

    return generate


def _measure(rows: list[_Row], rounds: int, patience_s: float) -> None:
    for row in rows:
        once_s = row.repeat(counted=False)  # touches the memory
        row.frames = max(1, round(_SHORTEST_S / once_s))
    for turn in range(rounds):
        for row in rows:
            if turn < _LEAST_REPETITIONS or row.spent_s < patience_s:
                row.repeat(counted=True)


def _ratios(rows: Sequence[_Row], width: int) -> dict[str, float]:
    """Ours to each other way at the same batch, both at their best number of threads; another build in each width."""
    best: dict[tuple[int, str, str, int], float] = {}
    for row in rows:
        key = (row.width, row.name, row.precision, row.batch)
        best[key] = max(best.get(key, 0.0), row.median)
    ratios = {}
    for (wide, name, precision, batch), rate in best.items():
        if name != OURS:
            continue
        for (other_wide, other, kind, size), slower in best.items():
            if (other_wide, size) != (wide, batch) or other == OURS or (other == OTHER_BUILD and kind != precision):
                continue
            where = "" if wide == width else f"width {wide}, "
            ratios[f"{where}{precision}, {batch} streams: times {other} {kind}"] = round(rate / slower, 2)
    return ratios


def _roofline(
    shape: Shape, kernels: dict[str, NativeSampler], rows: Sequence[_Row], threads: Sequence[int]
) -> list[dict[str, Any]]:
    """What each row of ours reaches of the lower of two ceilings: arithmetic, and reading the weights once a step."""
    macs, numbers, all_numbers = _work(shape)
    found = []
    for precision, kernel in kernels.items():
        size = _BYTES[precision]
        for count in threads:
            peak = kernel.peak_macs_per_s(6, count)
            bandwidth = kernel.read_bytes_per_s(all_numbers * size, count)
            for row in rows:
                if (row.name, row.precision, row.threads) == (OURS, precision, count):
                    # Streams that are split among threads read the weights once a thread; shared caches give them that.
                    ceiling = min(peak / macs, bandwidth * row.batch / (numbers * size))
                    found.append(
                        {
                            "precision": precision,
                            "batch": row.batch,
                            "threads": count,
                            "peak_gmac_per_s": round(peak / 1e9, 1),
                            "read_gb_per_s": round(bandwidth / 1e9, 1),
                            "ceiling_samples_per_s": round(ceiling, 1),
                            "fraction": round(row.median / ceiling, 3),
                            "fraction_of_cpu_s": round(statistics.median(row.cpu_rates) * count / ceiling, 3),
                        }
                    )
    return found


def _work(shape: Shape) -> tuple[float, float, int]:
    """Multiplications a sample, weights touched a sample, and weights in all, tables included."""
    square, gates = shape.width**2, shape.gates
    sample_tier = 2 * square + LEVELS * shape.width
    macs = float(sample_tier)
    everything = (shape.look_back + 1) * square + LEVELS * shape.width * (1 + shape.look_back)
    for tier, frame in enumerate(shape.frames):
        matrices = (2 * shape.layers - 1) * gates * square
        stored = matrices
        if tier:
            folds = folds_upsampling(shape, tier)
            matrices += gates * square if folds else (gates + 1) * square
            stored += shape.variants(tier) * gates * square if folds else (gates + shape.variants(tier)) * square
        macs += matrices / frame + gates * shape.width
        everything += stored + gates * shape.width * frame
    return macs, macs + shape.look_back * shape.width, everything
