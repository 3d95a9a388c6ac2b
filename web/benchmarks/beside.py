"""``sonorize bench job|server --beside BUILD``: two builds measured in turn in one run, and what the ratio is.

Both servers stand warm at the same time and are asked one after the other, the first one first in every second round,
so that a busy moment of the machine hits both. Every figure is a median with its spread; processor seconds stand beside
those of the wall, since they hardly depend on what else runs on the machine. A ratio over 1 means that ours is better.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synth.benchmarks import job as of_the_library
from synth.provenance import versions
from web.benchmarks import server as of_the_server
from web.benchmarks.builds import Build, Served, checkout, ours, processes

Figures = dict[str, float]
_Rows = dict[str, list[Figures]]

MORE_IS_BETTER: Final = ("per_s",)
"""Endings of figures of which the greater is the better; of all others the smaller."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured; a test takes little."""

    rounds: int = 5
    clip_s: float = 10.0
    cold_clip_s: float = 6.0
    modes: tuple[str, ...] = ("hits", "ambient", "auto")
    cold_modes: tuple[str, ...] = ("hits", "ambient")
    batch: int = 8
    submits: int = 48
    reads: int = 480
    memory_clip_s: float = 4.0
    size: tuple[int, int] = of_the_library.SIZE


def job(beside: Path, sizes: Sizes = Sizes()) -> dict[str, Any]:
    """Whole jobs of both builds: on a warm server, as one batch, and as a command in a new process.

    Args:
        beside: a checkout of another build, with its weights and its extension built.

    Returns:
        JSON values: by what was measured the figures of ``ours`` and ``other`` and their ``ratio``; seconds on the wall
        (``took_s``) are from the first byte of the upload to the end of the job.

    Raises:
        OptionError: ``beside`` is no checkout.
        SynthError: a server does not start, or a job fails.
    """
    with _Comparison(beside, sizes) as comparison:
        clip, cold = comparison.clip("clip.mp4", sizes.clip_s), comparison.clip("cold.mp4", sizes.cold_clip_s)
        small = of_the_server.simulated_clip(comparison.folder / "small.mp4")
        copies = [small.with_name(f"small-{number}.mp4") for number in range(sizes.batch)]
        for copy in copies:
            copy.write_bytes(small.read_bytes())
        comparison.serve()
        found = {}
        for mode in sizes.modes:
            found[f"warm {mode}"] = comparison.rounds(lambda served, seed: _warm(served, clip, mode, seed))  # noqa: B023
        found[f"{sizes.batch} hits jobs of 1 s"] = comparison.rounds(lambda served, seed: _batch(served, copies, seed))
        comparison.end()
        for mode in sizes.cold_modes:
            found[f"run {mode}"] = comparison.rounds_of_builds(lambda build: _cold(build, cold, mode))  # noqa: B023
        return comparison.told(found)


def server(beside: Path, sizes: Sizes = Sizes()) -> dict[str, Any]:
    """What both builds' servers do in a second, and the memory of their processes after jobs and a search.

    Arguments and errors are as for :func:`job`.
    """
    with _Comparison(beside, sizes) as comparison:
        clip = of_the_server.simulated_clip(comparison.folder / "small.mp4")
        long = comparison.clip("clip.mp4", sizes.memory_clip_s)
        comparison.serve(workers=0, searchers=0)
        found = {
            "submits": comparison.rounds(
                lambda served, _: of_the_server.upload_load(served.address, clip, sizes.submits)
            ),
            "variants": comparison.rounds(lambda served, _: of_the_server.variant_load(served.address, sizes.submits)),
            "status reads": comparison.rounds(lambda served, _: of_the_server.read_load(served.address, sizes.reads)),
        }
        comparison.end()
        comparison.serve()
        for served in comparison.served:
            for mode in sizes.modes:
                served.job(long, {"mode": mode})
            served.search(clip)
        memory = {served.build.name: _memory(served) for served in comparison.served}
        told = comparison.told(found)
        told["memory_mb"] = {**memory, "ratio": round(memory["other"]["rss"]["all"] / memory["ours"]["rss"]["all"], 2)}
        return told


def _warm(served: Served, clip: Path, mode: str, seed: int) -> Figures:
    made = served.job(clip, {"mode": mode, "seed": seed})
    stages = {f"stage {name}_s": float(value) for name, value in made["outputs"][0]["stages_s"].items()}
    share = stages.get("stage describe_s", 0.0) / made["took_s"]
    return {"took_s": made["took_s"], "cpu_s": made["cpu_s"], "describing_share": share, **stages}


def _batch(served: Served, clips: Sequence[Path], seed: int) -> Figures:
    begin = time.perf_counter()
    for number, clip in enumerate(clips):
        served.job(clip, {"mode": "hits", "seed": 100 * seed + number})
    middle = time.perf_counter()
    served.batch(clips, {"mode": "hits", "seed": seed})
    end = time.perf_counter()
    return {"one_by_one_s": middle - begin, "as_a_batch_s": end - middle}


def _cold(build: Build, clip: Path, mode: str) -> Figures:
    with tempfile.TemporaryDirectory(prefix="sonorize-bench-") as folder:
        used = build.run("run", str(clip), "-o", f"{folder}/out.mp4", "--mode", mode)
    return {"took_s": used["wall_s"], "cpu_s": used["cpu_s"]}


def _memory(served: Served) -> dict[str, dict[str, float]]:
    """Resident megabytes by role, summed up and in sum; ``pss`` shares pages among those that have them in common."""
    rss: dict[str, float] = {}
    pss: dict[str, float] = {}
    for process in processes(served.pid):
        rss[process.role] = round(rss.get(process.role, 0.0) + process.rss_mb, 1)
        pss[process.role] = round(pss.get(process.role, 0.0) + process.pss_mb, 1)
    return {
        "rss": {**rss, "all": round(sum(rss.values()), 1)},
        "pss": {**pss, "all": round(sum(pss.values()), 1)},
    }


class _Comparison:
    """Two builds, their servers while they run, and the clips that both are given. Use as a context manager."""

    def __init__(self, beside: Path, sizes: Sizes) -> None:
        self.builds = (ours(), checkout(beside))
        self.sizes = sizes
        self.served: tuple[Served, ...] = ()
        self._held, self._serving = ExitStack(), ExitStack()
        self._times = 0
        self._load_before = os.getloadavg()

    def __enter__(self) -> _Comparison:
        self.folder = Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="sonorize-bench-")))
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._held.close()

    def clip(self, name: str, duration_s: float) -> Path:
        """A clip of the simulator, as large as the sizes say."""
        return of_the_library.write_clip(self.folder / name, duration_s, self.sizes.size)

    def serve(self, *, workers: int = 1, searchers: int = 1) -> None:
        """Start a server of each build."""
        self._times += 1
        self.served = tuple(
            self._serving.enter_context(
                build.serving(self.folder / f"{build.name}-{self._times}", workers=workers, searchers=searchers)
            )
            for build in self.builds
        )

    def end(self) -> None:
        """End both servers."""
        self._serving.close()
        self.served = ()

    def rounds(self, measure: Callable[[Served, int], Figures]) -> _Rows:
        """Figures of each build; the first round is not counted, since it loads what the others find."""
        return self._in_turn({served.build.name: served for served in self.served}, measure, skip=1)

    def rounds_of_builds(self, measure: Callable[[Build], Figures]) -> _Rows:
        """The same without servers; everything is loaded anew each time."""
        return self._in_turn({build.name: build for build in self.builds}, lambda build, _: measure(build), skip=0)

    def _in_turn(self, those: Mapping[str, Any], measure: Callable[[Any, int], Figures], *, skip: int) -> _Rows:
        rows: _Rows = {name: [] for name in those}
        for number in range(self.sizes.rounds + skip):
            order = list(those) if number % 2 else list(reversed(list(those)))
            for name in order:
                figures = measure(those[name], number)
                if number >= skip:
                    rows[name].append(figures)
        return rows

    def told(self, found: Mapping[str, _Rows]) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "builds": {build.name: {"version": _version(build)} for build in self.builds},
            "machine": {"cores": len(os.sched_getaffinity(0)), **versions()},
            "load_before": [round(one, 2) for one in self._load_before],
            "load_after": [round(one, 2) for one in os.getloadavg()],
            "rounds": self.sizes.rounds,
            "clip": {"duration_s": self.sizes.clip_s, "width": self.sizes.size[0], "height": self.sizes.size[1]},
            **{what: compared(rows) for what, rows in found.items()},
        }


def compared(rows: Mapping[str, Sequence[Figures]]) -> dict[str, Any]:
    """Median, least and greatest of each figure of ``ours`` and ``other``, and the ratio of the medians.

    The ratio is that of the better to the worse seen from ours: over 1 where ours takes less, or does more a second.
    """
    told: dict[str, Any] = {}
    for name, figures in rows.items():
        keys = dict.fromkeys(key for one in figures for key in one)
        told[name] = {key: of_the_library.spread([one.get(key, 0.0) for one in figures]) for key in keys}
    ratios = {key: _ratio(key, told) for key in told["ours"] if key in told["other"]}
    told["ratio"] = {key: ratio for key, ratio in ratios.items() if ratio is not None}
    return told


def _ratio(key: str, told: Mapping[str, Any]) -> float | None:
    mine, theirs = (told[name][key]["median"] for name in ("ours", "other"))
    over, under = (mine, theirs) if key.endswith(MORE_IS_BETTER) else (theirs, mine)
    return round(over / under, 2) if under else None


def _version(build: Build) -> str:
    for line in (build.folder / "CHANGELOG.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            return line[3:].strip()
    return "unknown"
