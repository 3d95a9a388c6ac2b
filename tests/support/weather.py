"""A real server, and what may befall it: programs killed and stopped, a full disk, a clock that steps back.

Every commit of a result is written down by a trigger in the server's own database, so that one that happens twice shows
whatever the rows say later.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.support.paths import ROOT
from tests.support.running_server import group_of
from tests.support.servers import wait_until
from tests.support.serving import Serving

LEDGER: Final = """
CREATE TABLE commits (job_id TEXT, attempt INTEGER);
CREATE TRIGGER commits_of_jobs AFTER UPDATE OF state ON jobs WHEN NEW.state = 'succeeded'
BEGIN INSERT INTO commits VALUES (NEW.id, NEW.attempt); END;
"""
# Python imports a module of this name at its start: every program of the server then goes by the clock of a file.
STEPPED_CLOCK: Final = """
import os, time

real, path = time.time, os.environ["TESTS_CLOCK"]

def stepped():
    with open(path) as file:
        return real() + float(file.read())

time.time = stepped
"""
WORK_MS: Final = 700  # the seed of a job says how long its worker looks at it
PATIENCE_S: Final = 180.0
STOPPED_S: Final = 3.0  # while it lasts


@dataclass(frozen=True)
class Report:
    """What became of the jobs of one fault."""

    fault: str
    jobs: int
    lost: int
    double: int
    attempts: int
    took_s: float

    def __str__(self) -> str:
        figures = f"{self.jobs:5} {self.lost:5} {self.double:7} {self.attempts:9} {self.took_s:8.1f}"
        return f"{self.fault:32}{figures}"


HEAD: Final = f"{'fault':32}{'jobs':>5} {'lost':>5} {'double':>7} {'attempts':>9} {'all done':>8}"


class Weather:
    """One server on a folder of its own.

    Args:
        folder: for its data; short, because the broker's socket lies in it.
        clip: what the jobs are about.
    """

    def __init__(self, folder: Path, clip: Path) -> None:
        self.data, self._clip = folder / "data", clip
        self._clock = folder / "clock"
        self.step_clock(0.0)
        (folder / "sitecustomize.py").write_text(STEPPED_CLOCK)
        self._settings = {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
            "TESTS_CLOCK": str(self._clock),
            "SONORIZE_MAX_ATTEMPTS": "10",
        }
        self.server = self.start()
        with self._database() as database:
            database.executescript(LEDGER)

    def start(self) -> Serving:
        """Start the server, or another one on the same folder."""
        self.server = Serving(self.data, **self._settings)
        wait_until(lambda: "The worker is ready." in self.server.said, PATIENCE_S, 0.1)
        return self.server

    def stop(self) -> None:
        if self.server.process.poll() is None:
            self.server.stop()

    def step_clock(self, seconds: float) -> None:
        """Set the clock of all the server's programs, relative to the true one."""
        aside = self._clock.with_suffix(".new")
        aside.write_text(str(seconds))
        aside.replace(self._clock)

    def endure(self, fault: str, strike: Callable[[], None]) -> Report:
        """Let a fault strike while jobs run, wait and arrive; what became of them when it was over."""
        before = set(self._rows())
        began = time.monotonic()
        accepted = [self.submit() for _ in range(3)]
        wait_until(lambda: self.running() is not None, PATIENCE_S, 0.02)
        strike()
        accepted += [self.submit() for _ in range(2)]
        ids = {id for id in accepted if id is not None}
        wait_until(
            lambda: all(state in ("succeeded", "failed") for id, (state, _) in self._rows().items()), PATIENCE_S, 0.1
        )
        took_s = time.monotonic() - began
        rows = {id: row for id, row in self._rows().items() if id not in before}
        commits = self._commits()
        lost = [id for id in ids | set(rows) if rows.get(id, ("", 0))[0] != "succeeded" or commits.count(id) == 0]
        double = [id for id in rows if commits.count(id) > 1]
        return Report(fault, len(rows), len(lost), len(double), sum(attempt for _, attempt in rows.values()), took_s)

    def submit(self) -> str | None:
        """The id of a job that the server accepted; nothing where it said, or could not say, that it did not."""
        files = {"file": ("clip.mp4", self._clip.read_bytes())}
        try:
            answer = httpx.post(
                f"{self.server.address}/v1/jobs", files=files, data={"seed": WORK_MS}, timeout=60, trust_env=False
            )
        except httpx.TransportError:
            return None
        return str(answer.json()["id"]) if answer.status_code == 202 else None

    def running(self) -> int | None:
        """The process that has a job in its hands."""
        with self._database() as database:
            found = database.execute("SELECT worker FROM jobs WHERE state = 'running'").fetchone()
        return None if found is None else int(found[0].rpartition("#")[2])

    def programs(self, name: str) -> list[int]:
        """Those of the server's children whose command line has a word in it."""
        found = []
        for pid in self.server.children():
            with contextlib.suppress(OSError):
                if name in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                    found.append(pid)
        return found

    def kill_worker(self) -> None:
        os.killpg(os.getpgid(self.running() or 0), signal.SIGKILL)

    def kill_broker(self) -> None:
        for pid in self.programs("valkey-server"):
            os.kill(pid, signal.SIGKILL)

    def kill_server(self) -> None:
        self.server.process.kill()
        self.server.process.wait()
        assert self.submit() is None
        self.start()

    def stop_broker(self) -> None:
        """For good: somebody has to notice."""
        for pid in self.programs("valkey-server"):
            os.kill(pid, signal.SIGSTOP)

    def stop_process(self) -> None:
        """That which does the work, for good."""
        os.kill(self.running() or 0, signal.SIGSTOP)

    def pause_worker(self) -> None:
        """All of it, for longer than a lease; then it finds its job taken."""
        group = group_of(os.getpgid(self.running() or 0))
        for pid in group:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(12)
        for pid in group:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def fill_disk(self) -> None:
        """To the last byte, for a while."""
        filler = self.data / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(b"\0" * 65536)
                file.flush()
        assert shutil.disk_usage(self.data).free < 65536
        assert self.submit() is None  # it is told that there is no room
        time.sleep(STOPPED_S)
        filler.unlink()

    def set_clock_back(self) -> None:
        self.step_clock(-3600)

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self.data / "sonorize.db", timeout=30)) as database, database:
            yield database

    def _rows(self) -> dict[str, tuple[str, int]]:
        with self._database() as database:
            rows = database.execute("SELECT id, state, attempt FROM jobs").fetchall()
        return {id: (state, attempt) for id, state, attempt in rows}

    def _commits(self) -> list[str]:
        with self._database() as database:
            return [id for (id,) in database.execute("SELECT job_id FROM commits")]


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """A file system of that size in a folder; whether this system lets us have one."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        given = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        given = False
    try:
        yield given
    finally:
        if given:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
