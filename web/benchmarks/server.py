"""What the server does in a second on this machine: a server of its own in a fresh process, asked over HTTP.

Every figure comes from whole requests, their answers read. Submits are measured three ways, because most of the first
is looking at the clip: a clip uploaded (looked at, stored, on the disk), another seed of a clip that is there, and the
row alone. Memory is what the web process needed beyond what it held before the upload.
"""

from __future__ import annotations

import http.client
import itertools
import json
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from synth.errors import SynthError
from synth.options import Mode, Options
from web.client.sync import Client
from workers.broker.notifications import QueueNotifier
from workers.jobs import Job, Jobs, State, jobs_of, new_id
from workers.settings import Settings, embedded

CLIENTS: Final = 8
READY_S: Final = 120.0
CLIP_S: Final = 1.0
PATIENCE_S: Final = 600.0
MANY: Final = 100_000


@dataclass(frozen=True)
class Sizes:
    """How much is measured; a test takes little."""

    submits: int = 300
    rows: int = 1000
    reads: int = 6000
    starts: int = 40
    upload_mb: int = 384
    batch: int = 8
    ambient_s: float = 4.0
    rounds: int = 3


@dataclass(frozen=True)
class Running:
    """A server in another process."""

    settings: Settings
    address: str
    pid: int


def server(sizes: Sizes = Sizes(), preload: str = "") -> dict[str, Any]:
    """All figures of the server, as JSON values.

    Args:
        sizes: how much is measured.
        preload: module that the workers import first; the tests bring a voice without weights by it.
    """
    load_before = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="sonorize-bench-") as name:
        folder = Path(name)
        clip = simulated_clip(folder / "clip.mp4")
        with running(folder / "front", workers=0) as front:
            figures: dict[str, Any] = {
                "submits": _submits(front, clip, sizes),
                "status_reads": read_load(front.address, sizes.reads),
                "upload": _upload(front, clip, folder / "large.mp4", sizes),
            }
        with running(folder / "whole", workers=1, preload=preload) as whole:
            figures["submit_to_start_s"] = _starts(whole, clip, sizes)
            figures["jobs"] = _jobs(whole, clip, sizes)
    figures["load"] = {
        "before": [round(one, 2) for one in load_before],
        "after": [round(one, 2) for one in os.getloadavg()],
    }
    return figures


def batch(sizes: Sizes = Sizes(), preload: str = "") -> dict[str, Any]:
    """Ambient jobs a second with one worker: so many that wait at once, against the same one after another.

    Both ways are taken in turn, so that a busy moment of the machine hits both; the figures are medians. A job counts
    from its row to its result on the disk; uploads do not count.

    Args:
        sizes: ``batch`` jobs of ``ambient_s`` seconds, ``rounds`` times.
        preload: module that the worker imports first; the tests bring a voice without weights by it.
    """
    with tempfile.TemporaryDirectory(prefix="sonorize-bench-") as name:
        folder = Path(name)
        clip = simulated_clip(folder / "clip.mp4", sizes.ambient_s)
        with running(folder / "whole", workers=1, preload=preload) as whole, Client(whole.address) as client:
            asked = Options(mode=Mode.AMBIENT).as_dict()
            first = client.wait(client.create(clip, asked)["id"])  # loads the voice
            if first["status"] != "succeeded":
                raise SynthError(f"the first job {first['status']}: {first['error']}")
            jobs, notifier = jobs_of(whole.settings), QueueNotifier(whole.settings)
            try:
                queue = _Queue(jobs, notifier.notify, jobs.get(first["id"], None))
                rounds = [queue.both_ways(sizes.batch) for _ in range(sizes.rounds)]
            finally:
                notifier.close()
                jobs.close()
    singly_s, together_s = (statistics.median(times_s) for times_s in zip(*rounds, strict=True))
    return {
        "clip_s": sizes.ambient_s,
        "jobs": sizes.batch,
        "rounds": sizes.rounds,
        "one_by_one_per_s": round(sizes.batch / singly_s, 3),
        "together_per_s": round(sizes.batch / together_s, 3),
        "ratio": round(singly_s / together_s, 2),
        "at_once": queue.at_once,
    }


def all_done(jobs: Jobs, ids: list[str]) -> list[Job]:
    """Wait until jobs have succeeded.

    Raises:
        SynthError: one did not, or nothing came of them for :data:`PATIENCE_S`.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not all(job.state.final for job in jobs.ids(ids).values()):
        if time.monotonic() > deadline:
            raise SynthError(f"the jobs did not end within {PATIENCE_S:g} s")
        time.sleep(0.01)
    ended = list(jobs.ids(ids).values())
    if failed := [job for job in ended if job.state is not State.SUCCEEDED]:
        raise SynthError(f"a job {failed[0].state}: {failed[0].error}")
    return ended


class _Queue:
    """Puts rows for the clip of an earlier job into the table, without looking at it again.

    ``at_once`` is how many jobs one claim took, at least.
    """

    def __init__(self, jobs: Jobs, notify: Callable[[str], object], like: Job) -> None:
        self._jobs, self._notify, self._like = jobs, notify, like
        self._seed = 0
        self.at_once = 0

    def both_ways(self, count: int) -> tuple[float, float]:
        """Seconds for so many jobs one after another, and at once."""
        time.sleep(1.0)  # whoever was notified of the last jobs has found nothing by now
        begin = time.perf_counter()
        for _ in range(count):
            self._done(1)
        singly_s = time.perf_counter() - begin
        time.sleep(1.0)
        begin = time.perf_counter()
        claimed = Counter(job.started_at for job in self._done(count))
        self.at_once = max(claimed.values()) if not self.at_once else min(self.at_once, max(claimed.values()))
        return singly_s, time.perf_counter() - begin

    def _done(self, count: int) -> list[Job]:
        ids = [self._add() for _ in range(count)]
        self._notify(self._like.mode)
        return all_done(self._jobs, ids)

    def _add(self) -> str:
        self._seed += 1
        options = replace(Options.parse(self._like.options), seed=self._seed)
        return self._jobs.create(
            options=options, title="bench", source_key=self._like.source_key, info=self._like.info, owner="bench"
        ).id


def _submits(front: Running, clip: Path, sizes: Sizes) -> dict[str, Any]:
    """Durable submits a second, by several clients at once."""
    jobs = jobs_of(front.settings)

    def row() -> None:
        name = new_id(time.time())
        jobs.create(options=Options(), title="bench", source_key=f"{name}/source", info={}, owner="bench", id=name)

    try:
        begin = time.perf_counter()
        for _ in range(sizes.rows):
            row()
        rows_s = time.perf_counter() - begin
    finally:
        jobs.close()
    return {
        "uploaded_clips": upload_load(front.address, clip, sizes.submits),
        "variants": variant_load(front.address, sizes.submits),
        "rows_alone_per_s": round(sizes.rows / rows_s, 1),
    }


def upload_load(address: str, clip: Path, count: int) -> dict[str, float]:
    """Clips uploaded and queued a second; no two of them are the same to the byte, as those of people are not."""
    numbers = itertools.count()

    def upload(wire: http.client.HTTPConnection) -> None:
        body, headers = _multipart(clip, next(numbers))
        _ask(wire, "POST", "/v1/jobs", body, headers)

    return _load(address, upload, count)


def variant_load(address: str, count: int) -> dict[str, float]:
    """Jobs queued a second with another seed of a clip that is there."""
    job_id, body = _any_job(address), json.dumps({"seed": 1}).encode()
    json_ = {"Content-Type": "application/json"}
    return _load(address, lambda wire: _ask(wire, "POST", f"/v1/jobs/{job_id}/variants", body, json_), count)


def read_load(address: str, count: int) -> dict[str, float]:
    """Reads of one job a second, and how long the slowest hundredth takes."""
    job_id = _any_job(address)
    return _load(address, lambda wire: _ask(wire, "GET", f"/v1/jobs/{job_id}"), count)


def _any_job(address: str) -> str:
    with Client(address) as client:
        return str(client.jobs(limit=1)["jobs"][0]["id"])


def _upload(front: Running, clip: Path, large: Path, sizes: Sizes) -> dict[str, Any]:
    """Megabytes a second of one large upload until its job is on the disk, and the memory that it took."""
    _pad(clip, large, sizes.upload_mb * 10**6)
    _send(front, clip)  # what the first request loads is not counted
    Path(f"/proc/{front.pid}/clear_refs").write_text("5")  # the peak begins anew
    before_mb = _memory_mb(front.pid, "VmRSS")
    begin = time.perf_counter()
    _send(front, large)
    spent_s = time.perf_counter() - begin
    extra_mb = _memory_mb(front.pid, "VmHWM") - before_mb
    return {"mb": sizes.upload_mb, "mb_per_s": round(sizes.upload_mb / spent_s, 1), "extra_mb": round(extra_mb, 1)}


def _starts(whole: Running, clip: Path, sizes: Sizes) -> dict[str, float]:
    """Seconds from a job's acceptance until an idle worker has it."""
    delays_s = []
    with Client(whole.address) as client:
        for number in range(sizes.starts + 1):
            job = client.wait(client.create(clip, Options(mode=Mode.HITS, seed=number).as_dict())["id"])
            if number:  # the first one waits for the voice to be loaded
                delays_s.append(moment(job["started_at"]) - moment(job["created_at"]))
    return _percentiles(delays_s)


def _jobs(whole: Running, clip: Path, sizes: Sizes) -> dict[str, float]:
    """Whole jobs a second with one worker: one after another, and sent as one batch."""
    with Client(whole.address) as client:
        begin = time.perf_counter()
        for number in range(sizes.batch):
            client.wait(client.create(clip, Options(mode=Mode.HITS, seed=number).as_dict())["id"])
        singly_s = time.perf_counter() - begin
        copies = [clip.with_name(f"copy-{number}.mp4") for number in range(sizes.batch)]
        for copy in copies:
            shutil.copyfile(clip, copy)
        begin = time.perf_counter()
        batch = client.create_batch(copies, {})
        while client.batch(batch["id"])["status"] != "finished":
            time.sleep(0.2)
        together_s = time.perf_counter() - begin
    return {
        "one_by_one_per_s": round(sizes.batch / singly_s, 2),
        "as_a_batch_per_s": round(sizes.batch / together_s, 2),
        "ratio": round(singly_s / together_s, 2),
    }


def _load(address: str, act: Callable[[http.client.HTTPConnection], object], count: int) -> dict[str, float]:
    """The same request ``count`` times by :data:`CLIENTS` clients, each on a connection that it keeps."""
    place = urlsplit(address)

    def client(share: int) -> list[float]:
        wire = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        times_s = []
        for _ in range(share):
            begin = time.perf_counter()
            act(wire)
            times_s.append(time.perf_counter() - begin)
        wire.close()
        return times_s

    begin = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        shares = list(pool.map(client, [max(1, count // CLIENTS)] * CLIENTS))
    spent_s = time.perf_counter() - begin
    times_s = [one for share in shares for one in share]
    return {
        "per_s": round(len(times_s) / spent_s, 1),
        **{f"{name}_s": value for name, value in _percentiles(times_s).items()},
    }


def _ask(
    wire: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    wire.request(method, path, body, dict(headers or {}))
    answer = wire.getresponse()
    told = answer.read()
    if answer.status >= 300:
        raise SynthError(f"the server answered {answer.status}: {told[:200].decode(errors='replace')}")
    return dict(json.loads(told))


def _send(front: Running, clip: Path) -> str:
    with Client(front.address) as client:
        return str(client.create(clip, {})["id"])


def _multipart(clip: Path, number: int) -> tuple[bytes, dict[str, str]]:
    """A form with the clip, and after it in the file a box of free space that holds a number."""
    line = "bench-boundary"
    head = f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="clip.mp4"\r\n\r\n'
    box = (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")
    body = head.encode() + clip.read_bytes() + box + f"\r\n--{line}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={line}"}


def simulated_clip(target: Path, duration_s: float = CLIP_S) -> Path:
    """A small scene of the simulator."""
    from synth.data.strike_scenes import simulate

    scene = simulate.draw_scene(7, duration_s=duration_s, rate_fps=30.0, demo=True)
    simulate.write_clip(scene, target, width=160, height=120, with_sound=False)
    return target


def _pad(clip: Path, target: Path, size: int) -> None:
    """The clip, followed by a box that mp4 keeps for what is of no use."""
    shutil.copyfile(clip, target)
    room = size - clip.stat().st_size
    piece = bytes(range(256)) * 4096
    with target.open("ab") as file:
        file.write(room.to_bytes(4, "big") + b"free")
        for start in range(8, room, len(piece)):
            file.write(piece[: min(len(piece), room - start)])


@contextmanager
def running(data: Path, *, workers: int, preload: str = "") -> Iterator[Running]:
    """A server in a process of its own, gone when the block ends."""
    settings = embedded(data, host="127.0.0.1", port=0, api_keys="", public_url="", max_queued=MANY, preload=preload)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(settings, workers, theirs))
    process.start()
    theirs.close()
    try:
        if not ours.poll(READY_S):
            raise SynthError(f"the server was not ready after {READY_S:g} s")
        yield Running(settings, str(ours.recv()), int(process.pid or 0))
    finally:
        ours.close()  # tells it to end
        process.join(60)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(settings: Settings, workers: int, wire: Connection) -> None:
    from web.server.run import Server

    with Server(settings, workers=workers) as server_:
        server_.until_ready()
        wire.send(server_.address)
        with suppress(EOFError):
            wire.recv()


def _memory_mb(pid: int, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def moment(text: str) -> float:
    """Seconds since 1970 of a time in a job's JSON."""
    return datetime.fromisoformat(text).timestamp()


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50": round(statistics.median(ordered), 4), "p99": round(ordered[round(0.99 * (len(ordered) - 1))], 4)}
