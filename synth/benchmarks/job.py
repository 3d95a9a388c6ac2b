"""Seconds and megabytes of whole jobs on this machine, measured side by side in one run.

``job`` sounds a 10-s 720p clip of our own simulator. Each repeat is a fresh job with the weights warm; the stages come
from the job's own stopwatch. The reference is what no job can do without: decoding, the net and writing the file,
run alone. Memory is the peak of a fresh process that does one job and nothing else, for 10 s and for 10 min of video.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from synth.options import Mode, Options

SHORT_S: Final = 10.0
LONG_S: Final = 600.0
RATE_FPS: Final = 30.0
SIZE: Final = (1280, 720)
REPEATS: Final = 5


def job(repeats: int = REPEATS, short_s: float = SHORT_S, long_s: float = LONG_S) -> dict[str, Any]:
    """Seconds a stage and peak memory of one job.

    Args:
        repeats: timed jobs, after one that is not counted.
        short_s: length of the clip that is timed.
        long_s: length of the clip whose memory is compared with the short one's, a multiple of its length.

    Returns:
        JSON values: ``stages_s`` (median, least and greatest by stage), ``total_s``, ``needed_s`` (decode, net and
        writing alone), ``ratio`` of the two medians, ``times_real_time``, ``peak_mb`` by clip length.

    Raises:
        SynthError: the job itself fails.
    """
    with tempfile.TemporaryDirectory(prefix="sonorize-bench-") as name:
        folder = Path(name)
        short = write_clip(folder / "short.mp4", short_s)
        totals, needed, stages = _timed(short, folder, repeats)
        long = _loop_clip(short, folder / "long.mp4", times=round(long_s / short_s))
        memory = {f"{seconds:g} s": _peak_mb(clip, folder) for clip, seconds in ((short, short_s), (long, long_s))}
    total_s, needed_s = statistics.median(totals), statistics.median(needed)
    return {
        "clip": {"duration_s": short_s, "width": SIZE[0], "height": SIZE[1], "rate_fps": RATE_FPS},
        "machine": _machine(),
        "repeats": repeats,
        "stages_s": {stage: spread(values) for stage, values in stages.items()},
        "total_s": spread(totals),
        "needed_s": spread(needed),
        "ratio": round(total_s / needed_s, 3),
        "times_real_time": round(short_s / total_s, 2),
        "peak_mb": memory,
    }


def sampler(beside: Path | None = None) -> dict[str, Any]:
    """Samples a second of SampleRNN in every way there is; see :mod:`synth.benchmarks.sampler`."""
    from synth.benchmarks import sampler as bench_sampler

    return bench_sampler.sampler(beside=beside)


def long_bed() -> dict[str, Any]:
    """See :func:`synth.benchmarks.long_bed.long_bed`."""
    from synth.benchmarks import long_bed as bench_long_bed

    return bench_long_bed.long_bed()


BENCHES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"job": job, "sampler": sampler, "long-bed": long_bed}
"""Name -> bench that needs no arguments, for ``sonorize bench NAME``."""

COMPARED: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"sampler": sampler}
"""Name -> bench that takes another build as ``beside``, for ``sonorize bench NAME --beside BUILD``."""


def _timed(clip: Path, folder: Path, repeats: int) -> tuple[list[float], list[float], dict[str, list[float]]]:
    """Whole jobs and the reference, in turn so that a busy moment of the machine hits both."""
    from synth.pipeline.sonorize import sonorize

    totals: list[float] = []
    needed: list[float] = []
    stages: dict[str, list[float]] = {}
    for repeat in range(repeats + 1):
        begin = time.perf_counter()
        result = sonorize(clip, folder / "out.mp4", Options(mode=Mode.HITS), overwrite=True)
        total_s = time.perf_counter() - begin
        alone_s = _needed_alone(clip, folder)
        if repeat == 0:
            continue  # loads weights and warms the disk's cache
        totals.append(total_s)
        needed.append(alone_s)
        for stage, seconds in result.outputs[0].stages_s.items():
            stages.setdefault(stage, []).append(seconds)
    return totals, needed, stages


def _needed_alone(clip: Path, folder: Path) -> float:
    """Seconds for decoding, the net and writing a file with silence, without anything around them."""
    from synth.media import video
    from synth.options import ExistingSound
    from synth.pipeline.modes import voice_of
    from synth.voices.base import ignore_progress, never_cancelled

    voice = voice_of(Mode.HITS)
    info = video.probe(clip)
    silence = np.zeros(round(info.duration_s * voice.sample_rate_hz), np.float32)
    target = folder / "needed.mp4"
    begin = time.perf_counter()
    width, height = voice.frame_size(info)
    frames = video.read_frames(clip, rate_hz=voice.rate_hz, width=width, height=height)
    voice.controls(frames, info, Options(), ignore_progress, never_cancelled)
    video.remux(clip, silence, voice.sample_rate_hz, target, existing=ExistingSound.REPLACE)
    spent_s = time.perf_counter() - begin
    target.unlink()
    return spent_s


def _peak_mb(clip: Path, folder: Path) -> dict[str, float]:
    """Peak resident memory of a fresh process that sounds one clip, and of the largest of its ffmpeg children.

    The kernel begins a child's count at its parent's size, so the children's figure is never below the job's then.
    """
    context = multiprocessing.get_context("spawn")  # a fork would start with this process's memory
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_one_job, args=(clip, folder / "memory.mp4", sender))
    child.start()
    sender.close()
    try:
        peak_mb: dict[str, float] = receiver.recv()
    finally:
        child.join()
    return peak_mb


def _one_job(clip: Path, target: Path, sender: Any) -> None:
    from synth.pipeline.sonorize import sonorize

    sonorize(clip, target, Options(mode=Mode.HITS), overwrite=True)
    children_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    sender.send({"job": round(_peak_kb() / 1024, 1), "ffmpeg": round(children_kb / 1024, 1)})


def _peak_kb() -> int:
    """Peak resident memory of this program; getrusage would count the parent's until the fork became a program."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


def write_clip(target: Path, duration_s: float, size: tuple[int, int] = SIZE) -> Path:
    """A scene of the simulator, at 720p."""
    from synth.data.strike_scenes import simulate

    scene = simulate.draw_scene(7, duration_s=duration_s, rate_fps=RATE_FPS, demo=True)
    simulate.write_clip(scene, target, width=size[0], height=size[1], with_sound=False)
    return target


def _loop_clip(part: Path, target: Path, times: int) -> Path:
    """The same clip over and over, by copying its packets."""
    from synth.media import ffmpeg, files

    fence = ffmpeg.Fence(file_bytes=2 * times * part.stat().st_size)
    loop = ["-v", "error", "-stream_loop", str(times - 1), "-i", files.url(part), "-c", "copy", "-f", "mp4"]
    ffmpeg.run([*loop, files.url(target)], fence=fence)
    return target


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and greatest."""
    return {
        "median": round(statistics.median(values), 4),
        "least": round(min(values), 4),
        "greatest": round(max(values), 4),
    }


def _machine() -> dict[str, Any]:
    from synth.provenance import versions

    return {"cores": len(os.sched_getaffinity(0)), "machine": platform.machine(), **versions()}
