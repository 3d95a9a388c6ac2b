"""Half an hour of a server's life: what people send it, what befalls it, and what its programs hold meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.servers import wait_until
from tests.support.serving import KEY, Serving
from web.client import tus
from web.client.errors import ClientError
from web.client.sync import FINAL_STATES, Client

WORK_MS: Final = 200  # the seed of a job says how long its worker looks at it
MOST_WAITING: Final = 4
KEPT_JOBS: Final = 40  # older ones are deleted, as people do
LEASE_S: Final = 10.0


@dataclass(frozen=True)
class Sample:
    """What the programs hold that no fault replaces, and the broker; megabytes with the share of what several hold."""

    web_mb: float
    worker_mb: float
    broker_mb: float
    web_descriptors: int
    descriptors: int
    temporary_files: int


class Traffic:
    """What a person with many clips does: uploads of every kind, changes of mind, pages, questions, rubbish."""

    def __init__(self, server: Serving, clip: Path) -> None:
        self._server, self._clip = server, clip
        self.client = Client(server.address, KEY, patience_s=300)  # a busy machine is no fault of the server's
        self._http = httpx.Client(
            base_url=server.address, headers={"Authorization": f"Bearer {KEY}"}, timeout=180, trust_env=False
        )
        self.done: Counter[str] = Counter()
        self.ids: list[str] = []
        self._deleted = 0

    def turn(self) -> None:
        """One thing of each kind, jobs only while few wait."""
        for act in (self._read, self._rubbish, self._delete):
            act()
        ways = (self._multipart, self._in_pieces, self._batch, self._variant, self._ambient, self._cancel)
        newest = self.client.jobs(limit=3 * MOST_WAITING)["jobs"]
        if sum(job["status"] not in FINAL_STATES for job in newest) >= MOST_WAITING:
            return
        way = ways[self.done["submits"] % len(ways)]
        self.done["submits"] += 1
        way()

    def close(self) -> None:
        self.client.close()
        self._http.close()

    def _options(self, mode: str = "hits") -> dict[str, Any]:
        return {"mode": mode, "seed": WORK_MS}

    def _multipart(self) -> None:
        self.ids.append(self.client.create(self._clip, self._options())["id"])

    def _ambient(self) -> None:
        self.ids.append(self.client.create(self._clip, self._options("ambient"))["id"])

    def _in_pieces(self) -> None:
        """An upload that breaks off, another that goes on, and a job of that."""
        left = self.client.begin_upload(self._clip)
        upload = self.client.begin_upload(self._clip)
        for one in (left, upload):
            data, headers = tus.piece_of(self._clip, 0)
            headers.pop("Upload-Checksum")
            self._http.patch(f"/v1/uploads/{one}", content=data[: len(data) // 2], headers=headers).raise_for_status()
        self._http.delete(f"/v1/uploads/{left}", headers=tus.ask()).raise_for_status()
        self.client.upload(self._clip, upload)
        self.ids.append(self.client.create_of(upload, **self._options())["id"])
        self.done["uploads in pieces"] += 1

    def _batch(self) -> None:
        batch = self.client.create_batch([self._clip, self._clip], self._options())
        self.ids += [item["job"]["id"] for item in batch["items"]]

    def _variant(self) -> None:
        if len(self.ids) > self._deleted:
            answer = self._http.post(f"/v1/jobs/{self.ids[-1]}/variants", json={"seed": WORK_MS + 1})
            answer.raise_for_status()
            self.ids += [job["id"] for job in answer.json()["jobs"]]
            self.done["variants"] += 1

    def _cancel(self) -> None:
        self._multipart()
        self.client.cancel(self.ids[-1])
        self.done["cancels"] += 1

    def _read(self) -> None:
        for path in ("/", "/gallery", "/v1/jobs", "/metrics", "/readyz"):
            if self._http.get(path).status_code == 200 or path == "/readyz":
                self.done["reads"] += 1
        if len(self.ids) > self._deleted:
            with self._http.stream("GET", f"/v1/jobs/{self.ids[-1]}/events") as events:
                next(events.iter_lines(), None)  # and away again
            self.done["event streams"] += 1

    def _rubbish(self) -> None:
        with contextlib.suppress(httpx.TransportError):
            answer = self._http.post("/v1/jobs", files={"file": ("clip.mp4", b"\0\0\0\x18ftypmp42" + b"rubbish" * 500)})
            assert 400 <= answer.status_code < 500, answer.text
            self.done["refusals"] += 1

    def _delete(self) -> None:
        while len(self.ids) - self._deleted > KEPT_JOBS:
            try:
                self.client.delete(self.ids[self._deleted])
            except ClientError as error:
                if error.status == 409:  # it runs still
                    return
                raise
            self._deleted += 1
            self.done["deletions"] += 1


class Soaked:
    """A running server under observation."""

    def __init__(self, server: Serving) -> None:
        self.server = server
        self._faults: tuple[tuple[str, Callable[[], None]], ...] = (
            ("kill -9 of a worker", lambda: self._strike(signal.SIGKILL)),
            ("kill -9 of the broker", self._kill_broker),
            ("SIGSTOP of a worker", lambda: self._strike(signal.SIGSTOP)),
        )
        self.struck: Counter[str] = Counter()

    def strike(self) -> None:
        """The next fault. The second worker is never hit, so that what it holds can grow."""
        name, fault = self._faults[sum(self.struck.values()) % len(self._faults)]
        self.struck[name] += 1
        fault()

    def whole(self) -> bool:
        """Whether every program is there and the server calls itself ready."""
        with contextlib.suppress(httpx.TransportError):
            told = httpx.get(f"{self.server.address}/readyz", timeout=10, trust_env=False)
            return told.status_code == 200 and len(self._programs("workers.worker")) == 2
        return False

    def sample(self) -> Sample | None:
        """None while the broker is being replaced."""
        try:
            unhurt = [pid for leader in self._workers("worker-2-") for pid in self._group(leader)]
            programs = [self.server.process.pid], unhurt, self._programs("valkey-server")
            web_mb, worker_mb, broker_mb = (sum(map(_proportional_mb, pids)) for pids in programs)
            descriptors = [sum(map(_descriptors, pids)) for pids in programs]
        except OSError:
            return None
        if not unhurt or len(programs[2]) != 1:
            return None
        # os.walk, because what it finds may be gone when it looks into it
        files = sum(len(names) for part in ("work", "spool") for *_, names in os.walk(self.server.data / part))
        return Sample(web_mb, worker_mb, broker_mb, descriptors[0], sum(descriptors), files)

    def stuck(self) -> list[dict[str, Any]]:
        """Jobs that somebody held whose lease ran out twice its length ago, and that nobody took over."""
        with contextlib.closing(sqlite3.connect(self.server.data / "sonorize.db", timeout=30)) as database:
            late = time.time() - 2 * LEASE_S
            query = (
                "SELECT id, state, mode, attempt, ? - lease_until FROM jobs "
                "WHERE state IN ('running', 'finishing') AND lease_until < ?"
            )
            names = ("id", "state", "mode", "attempt", "late_s")
            return [dict(zip(names, row, strict=True)) for row in database.execute(query, (time.time(), late))]

    def unfinished(self) -> list[tuple[str, str]]:
        """Id and state of the jobs that are not at their end."""
        with contextlib.closing(sqlite3.connect(self.server.data / "sonorize.db", timeout=30)) as database:
            query = "SELECT id, state FROM jobs WHERE state IN ('queued', 'running', 'finishing')"
            return [(str(id), str(state)) for id, state in database.execute(query)]

    def ends(self) -> dict[str, int]:
        """How many jobs of those that were not deleted came to which end."""
        with contextlib.closing(sqlite3.connect(self.server.data / "sonorize.db", timeout=30)) as database:
            return {str(state): int(count) for state, count in database.execute(
                "SELECT state, count(*) FROM jobs GROUP BY state"
            )}  # fmt: skip

    def _programs(self, name: str) -> list[int]:
        """Those of the server's children that lead a group of their own and have a word in their command line."""
        found = []
        for pid in self.server.children():
            with contextlib.suppress(OSError):
                if name in Path(f"/proc/{pid}/cmdline").read_text() and os.getpgid(pid) == pid:
                    found.append(pid)
        return sorted(found)

    def _group(self, leader: int) -> list[int]:
        return [pid for pid in self.server.children() if _group_of(pid) == leader]

    def _strike(self, how: signal.Signals) -> None:
        for leader in self._workers("worker-1-"):
            os.killpg(leader, how)

    def _workers(self, name: str) -> list[int]:
        return [pid for pid in self._programs("workers.worker") if name in Path(f"/proc/{pid}/cmdline").read_text()]

    def _kill_broker(self) -> None:
        for pid in self._programs("valkey-server"):
            os.kill(pid, signal.SIGKILL)


def started(server: Serving) -> Soaked:
    """The server once its workers are there."""
    soaked = Soaked(server)
    wait_until(lambda: "ready." in server.said and soaked.whole(), 180, 0.2)
    return soaked


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:
        return None


def _proportional_mb(pid: int) -> float:
    """What a process holds, with its share of what several hold."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
