"""How long a correction takes, from the request for a take to its whole sound: a server of its own, asked over HTTP.

Clips of 10 s and 60 s at 1280 x 720, one with hits and one with two layers. Each kind of edit is made several times in
turn, so that a busy moment of the machine hits all of them; the figures are medians, beside the whole job's.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from synth.errors import SynthError
from synth.options import Options
from web.benchmarks.server import running
from web.client.sync import Client

WAIT_S: Final = 10
SCALE: Final = 4  # the simulator draws small; its pictures are shown larger


@dataclass(frozen=True)
class Sizes:
    """How much is measured; a test takes little."""

    durations_s: tuple[float, ...] = (10.0, 60.0)
    rounds: int = 3
    size: tuple[int, int] = (1280, 720)


def studio(sizes: Sizes = Sizes(), preload: str = "") -> dict[str, Any]:
    """Seconds from an edit to its sound, as JSON values.

    Args:
        sizes: how much is measured.
        preload: module that the workers import first; the tests bring a voice without weights by it.
    """
    figures: dict[str, Any] = {"load_before": round(os.getloadavg()[0], 2)}
    with tempfile.TemporaryDirectory(prefix="sonorize-bench-") as name:
        folder = Path(name)
        with running(folder / "whole", workers=1, preload=preload) as whole, Client(whole.address) as client:
            for duration_s in sizes.durations_s:
                clip = _clip(folder / f"{duration_s:g}.mp4", duration_s, sizes.size)
                for mode, options in _MODES.items():
                    began = time.perf_counter()
                    job = client.wait(client.create(clip, Options.parse(options).as_dict())["id"])
                    if job["status"] != "succeeded":
                        raise SynthError(f"the job {job['status']}: {job['error']}")
                    whole_s = time.perf_counter() - began
                    told = {"whole_job_s": round(whole_s, 3), **_edits(whole.address, job["id"], mode, sizes.rounds)}
                    figures[f"{mode}_{duration_s:g}_s"] = told
    return figures


_MODES: Final[dict[str, dict[str, Any]]] = {
    "hits": {"mode": "hits"},
    "layers": {"mode": "ambient", "prompt": "rain and wind"},
}


def _edits(address: str, job_id: str, mode: str, rounds: int) -> dict[str, float]:
    """Median seconds of each kind of edit."""
    took: dict[str, list[float]] = defaultdict(list)
    with httpx.Client(base_url=address, timeout=600) as http:
        path = f"/v1/jobs/{job_id}/score"
        for number in range(rounds + 1):
            for name, edit in _EDITS[mode].items():
                score = http.get(path).raise_for_status().json()
                changes = {"version": score["version"], **edit(score, number)}
                began = time.perf_counter()
                http.patch(path, json=changes).raise_for_status()
                _hear(http, path)
                if number:  # the first of each loads what is loaded once
                    took[name].append(time.perf_counter() - began)
    return {f"{name}_s": round(statistics.median(values), 3) for name, values in took.items()}


def _hear(http: httpx.Client, path: str) -> None:
    """Have the newest score rendered, and its sound sent."""
    told = http.post(f"{path}/render", json={}).raise_for_status().json()
    while told["status"] in ("queued", "running"):
        told = http.get(told["links"]["self"], params={"wait_s": WAIT_S}).raise_for_status().json()
    if told["status"] != "succeeded":
        raise SynthError(f"the take {told['status']}: {told['error']}")
    http.get(f"{told['links']['job']}/outputs/{told['take']}/sound").raise_for_status()


def _moved(score: Mapping[str, Any], number: int) -> dict[str, Any]:
    hits = list(score["hits"])
    place = len(hits) // 2
    hits[place] = {**hits[place], "time_s": round(hits[place]["time_s"] + 0.01 * (1 + number % 2), 3)}
    return {"hits": hits}


def _turned(score: Mapping[str, Any], number: int) -> dict[str, Any]:
    layers = [dict(one) for one in score["layers"]]
    layers[-1]["pan"] = -0.5 + 0.1 * number
    return {"layers": layers}


def _louder(score: Mapping[str, Any], number: int) -> dict[str, Any]:
    stems = [dict(one) for one in score["stems"]]
    stems[0]["gain_db"] = -1.0 - 0.25 * number
    return {"stems": stems}


def _limited(score: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {"limiter": True, "loudness_lufs": -14.0 - 0.1 * number}


_EDITS: Final[dict[str, dict[str, Callable[[Mapping[str, Any], int], dict[str, Any]]]]] = {
    "hits": {"moved_hit": _moved, "gain": _louder, "limiter": _limited},
    "layers": {"turned_layer": _turned, "gain": _louder},
}


def _clip(target: Path, duration_s: float, size: tuple[int, int]) -> Path:
    """A scene of the simulator, shown larger."""
    import cv2
    import numpy as np

    from synth.data.strike_scenes import simulate
    from synth.media import video

    width, height = size
    scene = simulate.draw_scene(7, duration_s=duration_s, rate_fps=25.0, demo=True)
    frames = simulate.render_frames(scene, width=width // SCALE, height=height // SCALE)
    enlarged = (np.asarray(cv2.resize(frame, (width, height)), np.uint8) for frame in frames)
    video.write_frames(enlarged, target, rate_fps=25)
    return target
