"""Two builds of this server side by side, each a checkout of its own, known by what both promise: commands and HTTP.

A build runs in processes that find their modules in its folder and nowhere else; what it costs is read from the kernel:
the processor seconds and the memory of its whole tree of processes.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from synth.errors import OptionError, SynthError
from web.benchmarks.server import moment
from workers.embedded import die_with_parent

READY_S: Final = 180.0
END_S: Final = 60.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_LOOK_AGAIN_S: Final = 0.25
_LOOK_OFTEN_S: Final = 0.05
_STATES: Final = ("succeeded", "failed", "canceled", "expired")
_ROLES: Final = (("valkey", "broker"), ("redis", "broker"), ("ffmpeg", "ffmpeg"), ("search", "searcher"))


@dataclass(frozen=True)
class Build:
    """A checkout that can be run: ``folder`` holds its packages, ``name`` stands in results."""

    name: str
    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """Its command line as a program to start."""
        return [sys.executable, "-m", "web.cli", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """All that its processes know of their surroundings: no setting of ours, nor of whoever measures."""
        return {
            "PATH": os.defpath,
            "TMPDIR": tempfile.gettempdir(),
            "PYTHONPATH": str(self.folder),
            "PYTHONUNBUFFERED": "1",
            "SONORIZE_SAMPLES": "false",
        }

    def run(self, *arguments: str) -> dict[str, float]:
        """Seconds that one command takes in a process of its own: on the wall, and of processors.

        Raises:
            SynthError: the command fails.
        """
        begin = time.perf_counter()
        child = subprocess.Popen(
            self.command(*arguments),
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stderr is not None
        complaint = child.stderr.read()
        _, status, used = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        child.stderr.close()
        if child.returncode:
            raise SynthError(f"{self.name}: {arguments[0]} ended with {child.returncode}: {complaint.strip()[-300:]}")
        return {"wall_s": wall_s, "cpu_s": used.ru_utime + used.ru_stime}

    @contextmanager
    def serving(self, data: Path, *, workers: int = 1, searchers: int = 1) -> Iterator[Served]:
        """A server of this build with a folder of its own, ready; gone when the block ends.

        Raises:
            SynthError: it does not get ready.
        """
        port = _free_port()
        data.mkdir(parents=True)
        flags = ("--port", str(port), "--data", str(data / "data"))
        many = ("--workers", str(workers), "--search-workers", str(searchers))
        with (data / "log").open("wb") as log:
            tied = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid())]
            child = subprocess.Popen(
                [*tied, *self.command("serve", *flags, *many)],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
            served = Served(self, f"http://127.0.0.1:{port}", child.pid)
            try:
                served.until_ready(child)
                yield served
            finally:
                child.send_signal(signal.SIGINT)
                try:
                    child.wait(END_S)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
                served.close()


class Served:
    """A server of a build that runs, and what can be asked of it."""

    def __init__(self, build: Build, address: str, pid: int) -> None:
        self.build, self.address, self.pid = build, address, pid
        self._http = httpx.Client(base_url=address, timeout=600.0)

    def close(self) -> None:
        """Close the connection to it."""
        self._http.close()

    def until_ready(self, child: subprocess.Popen[bytes]) -> None:
        """Wait until it says that broker and workers are there.

        Raises:
            SynthError: it ended, or is not ready after :data:`READY_S`.
        """
        deadline = time.monotonic() + READY_S
        while child.poll() is None and time.monotonic() < deadline:
            try:
                answer = self._http.get("/readyz")
                # A build of 0.6.0 or later answers while its workers are still starting.
                if answer.status_code == 200 and answer.json().get("status") != "degraded" and self._all_there():
                    return
            except httpx.TransportError:
                pass
            time.sleep(_LOOK_AGAIN_S)
        raise SynthError(f"the server of {self.build.name} did not get ready")

    def _all_there(self) -> bool:
        """Whether the workers' own processes run, and not only their parents."""
        return not any(process.role == "worker parent" and not process.children for process in processes(self.pid))

    def job(self, clip: Path, options: dict[str, Any]) -> dict[str, Any]:
        """One job from its upload to its end: its JSON, with ``took_s`` and ``cpu_s`` of all processes.

        Raises:
            SynthError: it does not succeed.
        """
        cpu_s, begin = cpu_seconds(self.pid), time.time()
        job = self.wait(self.submit(clip, options))
        took_s = moment(job["finished_at"]) - begin
        return {**job, "took_s": took_s, "cpu_s": cpu_seconds(self.pid) - cpu_s}

    def submit(self, clip: Path, options: dict[str, Any]) -> str:
        """The id of a new job."""
        with clip.open("rb") as file:
            answer = self._http.post("/v1/jobs", data=_fields(options), files={"file": (clip.name, file, "video/mp4")})
        return str(_told(answer)["id"])

    def batch(self, clips: Sequence[Path], options: dict[str, Any]) -> None:
        """Send clips as one batch and wait for its end.

        Raises:
            SynthError: one of its jobs does not succeed.
        """
        parts = [("file", (clip.name, clip.read_bytes(), "video/mp4")) for clip in clips]
        told = _told(self._http.post("/v1/batches", data=_fields(options), files=parts))
        while (told := _told(self._http.get(f"/v1/batches/{told['id']}")))["status"] != "finished":
            time.sleep(_LOOK_OFTEN_S)
        if ended := [job for job in told["jobs"] if job["status"] != "succeeded"]:
            raise SynthError(f"a job of {self.build.name} {ended[0]['status']}: {ended[0]['error']}")

    def search(self, file: Path) -> None:
        """Search with a clip, which loads what searches need."""
        with file.open("rb") as opened:
            _told(self._http.post("/v1/search", files={"file": (file.name, opened, "video/mp4")}))

    def wait(self, job_id: str) -> dict[str, Any]:
        """The job when it has succeeded.

        Raises:
            SynthError: it did not.
        """
        while (job := _told(self._http.get(f"/v1/jobs/{job_id}")))["status"] not in _STATES:
            time.sleep(_LOOK_OFTEN_S)
        if job["status"] != "succeeded":
            raise SynthError(f"a job of {self.build.name} {job['status']}: {job['error']}")
        return job


@dataclass(frozen=True)
class Process:
    """One process of a tree: what it is, its memory, what it and the children it has waited for took of processors."""

    pid: int
    role: str
    cpu_s: float
    rss_mb: float
    pss_mb: float
    children: tuple[int, ...]


def processes(root: int) -> list[Process]:
    """A process and all its descendants that run now."""
    found: list[Process] = []
    waiting = [(root, "")]
    while waiting:
        pid, parent_role = waiting.pop()
        try:
            one = _process(pid, parent_role)
        except (OSError, IndexError, ValueError):  # it has just ended
            continue
        found.append(one)
        waiting.extend((child, one.role) for child in one.children)
    return found


def cpu_seconds(root: int) -> float:
    """Processor seconds that a tree of processes has taken so far, those that have ended included."""
    return sum(process.cpu_s for process in processes(root))


def _process(pid: int, parent_role: str) -> Process:
    folder = Path(f"/proc/{pid}")
    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    memory = dict(line.split(":", 1) for line in (folder / "smaps_rollup").read_text().splitlines()[1:])
    children = [int(child) for task in (folder / "task").iterdir() for child in (task / "children").read_text().split()]
    return Process(
        pid,
        _role(command, parent_role),
        sum(int(ticks) for ticks in fields[11:15]) / _TICKS,
        int(memory["Rss"].split()[0]) / 1024,
        int(memory["Pss"].split()[0]) / 1024,
        tuple(children),
    )


def _role(command: str, parent_role: str) -> str:
    if not parent_role:
        return "web"
    if "workers.worker" in command:
        return "searcher parent" if "--name search" in command else "worker parent"
    if parent_role.endswith("parent"):
        return "resource tracker" if "resource_tracker" in command else parent_role.removesuffix(" parent")
    for part, role in _ROLES:
        if part in command:
            return role
    return "other"


def _fields(options: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items()}


def _told(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code >= 300:
        raise SynthError(f"the server answered {answer.status_code}: {answer.text[:300]}")
    return dict(answer.json())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def checkout(folder: Path) -> Build:
    """The build in a folder.

    Raises:
        OptionError: no checkout of Sonorize lies there.
    """
    if not (folder / "web" / "cli.py").is_file():
        raise OptionError(f"the build {str(folder)!r} is no checkout of Sonorize: it has no web/cli.py")
    return Build("other", folder.resolve())


def ours() -> Build:
    """The build that this is."""
    return Build("ours", Path(__file__).resolve().parents[2])
