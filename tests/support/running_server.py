"""A whole server without its web, for tests: real broker, real worker processes, a voice that needs no weights."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from synth.options import Mode, Options
from tests.support import databases, servers
from tests.support.paths import ROOT
from workers.broker.notifications import QueueNotifier
from workers.embedded.supervisor import Embedded
from workers.files.storage import Storage, storage_of
from workers.jobs import Job, Jobs, State, jobs_of, new_id
from workers.settings import Settings, embedded


@dataclass(frozen=True)
class House:
    settings: Settings
    jobs: Jobs
    storage: Storage
    notifier: QueueNotifier
    clip: Path

    @classmethod
    def build(cls, folder: Path, clip: Path, **settings: Any) -> Self:
        chosen = embedded(folder, **{"preload": "tests.support.preload", "describe": False, **settings})
        if "database_url" not in settings:
            databases.laid(folder / "sonorize.db")
        return cls(chosen, jobs_of(chosen), storage_of(chosen), QueueNotifier(chosen), clip)

    @contextmanager
    def running(self, workers: int = 1) -> Iterator[Embedded]:
        """The programs; what they said is shown when the test fails."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(ROOT))  # workers look for no modules where they are started
            services = Embedded(self.settings, workers=workers, logs=self.settings.data_dir / "logs")
            try:
                with services:
                    yield services
            finally:
                for log in sorted((self.settings.data_dir / "logs").glob("*.log")):
                    print(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}")

    def submit(self, mode: Mode = Mode.HITS, *, notified: bool = True, **options: Any) -> Job:
        """A job whose worker looks at it for ``seed`` milliseconds."""
        name = new_id(time.time())
        self.storage.put(f"{name}/source", self.clip, "video/mp4")
        asked = Options(**{"mode": mode, "seed": 0, **options})
        job = self.jobs.create(
            options=asked, title="clip.mp4", source_key=f"{name}/source", info={}, owner="ann", id=name
        )
        if notified:
            self.notifier.notify(job.mode)
        return job

    def ended(self, job: Job, patience_s: float = servers.PATIENCE_S) -> Job:
        return self._when(job, lambda now: now.state.final, patience_s)

    def reaches(self, job: Job, state: State, patience_s: float = servers.PATIENCE_S) -> Job:
        return self._when(job, lambda now: now.state is state, patience_s)

    def _when(self, job: Job, there: Callable[[Job], bool], patience_s: float) -> Job:
        servers.wait_until(lambda: there(self.jobs.get(job.id, None)), patience_s)
        return self.jobs.get(job.id, None)

    def close(self) -> None:
        self.notifier.close()
        self.jobs.close()


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent to take note does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def group_of(leader: int) -> list[int]:
    """The processes of a group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and alive(int(entry.name)):
            try:
                if os.getpgid(int(entry.name)) == leader:
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found


def kill_group(leader: int | None) -> None:
    if leader is not None:
        try:
            os.killpg(leader, signal.SIGKILL)
        except ProcessLookupError:
            return
