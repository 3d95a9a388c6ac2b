"""``sonorize bench scaling``: jobs a second with 1, 2, 4 and 8 workers whose voice takes a fixed time, against ideal.

The voice waits and does not work (:mod:`web.benchmarks.timed_voice`), so the figures say what the queue, the database
and the storage cost when workers are added; what the machine's processors can do is ``bench job``. It runs on the
database, the broker and the storage that the settings name, else on the embedded ones.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synth.benchmarks.job import spread
from synth.options import Mode, Options
from web.benchmarks.server import CLIP_S, all_done, simulated_clip
from workers.broker.notifications import QueueNotifier
from workers.embedded.supervisor import Embedded
from workers.files.storage import storage_of
from workers.jobs import Jobs, jobs_of, new_id
from workers.settings import Settings, of_this_machine

PRELOAD: Final = "web.benchmarks.timed_voice"


@dataclass(frozen=True)
class Load:
    """How much is measured.

    Attributes:
        workers: how many, one figure each.
        service_ms: how long the voice takes.
        jobs_a_worker: jobs that wait at the beginning, a worker.
        rounds: how often each is measured.
    """

    workers: tuple[int, ...] = (1, 2, 4, 8)
    service_ms: int = 8000
    jobs_a_worker: int = 3
    rounds: int = 1


def scaling(load: Load = Load()) -> dict[str, Any]:
    """Throughput by the number of workers.

    Returns:
        JSON values: ``rows`` with ``workers``, ``jobs_per_s`` (median, least, greatest), ``times_one`` against one
        worker, ``of_ideal`` against the voice's time alone; and what the server ran on.

    Raises:
        SynthError: a job fails, or nothing comes of it for ten minutes.
    """
    rates: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="sonorize-bench-") as name:
        folder = Path(name)
        clip = simulated_clip(folder / "clip.mp4")
        for count in load.workers:
            settings = _settings(folder / f"data-{count}")
            rates[count] = spread(_rates(settings, clip, count, load))
    first = load.workers[0]
    one = rates[first]["median"] / first
    rows = [
        {
            "workers": count,
            "jobs_per_s": spread,
            "times_one": round(spread["median"] / one, 2),
            "of_ideal": round(spread["median"] * load.service_ms / 1000 / count, 3),
        }
        for count, spread in rates.items()
    ]
    return {"service_ms": load.service_ms, "clip_s": CLIP_S, "ran_on": _ran_on(settings), "rows": rows}


def _settings(data: Path) -> Settings:
    return of_this_machine(data, preload=PRELOAD, describe=False, max_queued=10_000)


def _ran_on(settings: Settings) -> dict[str, str]:
    """What kind of database, broker and storage it is; addresses may hold passwords."""
    kinds = {name: getattr(settings, f"{name}_url").partition(":")[0] for name in ("database", "broker", "storage")}
    return {name: kind or "files" for name, kind in kinds.items()}


def _rates(settings: Settings, clip: Path, workers: int, load: Load) -> list[float]:
    """Jobs a second of each round."""
    jobs, notifier = jobs_of(settings), QueueNotifier(settings)
    try:
        with Embedded(settings, workers=workers, logs=settings.data_dir / "logs"):
            queue = Sender(settings, jobs, notifier, clip)
            queue.done(2 * workers, 1)  # what the first jobs load is not counted
            return [queue.rate(workers * load.jobs_a_worker, load.service_ms) for _ in range(load.rounds)]
    finally:
        notifier.close()
        jobs.close()


class Sender:
    """Puts jobs that share one clip into the table and waits for their ends."""

    def __init__(self, settings: Settings, jobs: Jobs, notifier: QueueNotifier, clip: Path) -> None:
        self._jobs, self._notifier = jobs, notifier
        owner = new_id(time.time())
        self._source_key = f"{owner}/source"
        storage_of(settings).put(self._source_key, clip, "video/mp4")
        self._create(1, id=owner)  # the clip is this job's; the others share it

    def rate(self, count: int, service_ms: int) -> float:
        """Jobs a second of so many that wait at once."""
        begin = time.perf_counter()
        self.done(count, service_ms)
        return count / (time.perf_counter() - begin)

    def done(self, count: int, service_ms: int) -> None:
        """Send jobs, notify of them as the server does, and wait for all."""
        ids = [self._create(service_ms) for _ in range(count)]
        for _ in ids:
            self._notifier.notify(Mode.HITS)
        all_done(self._jobs, ids)

    def _create(self, service_ms: int, id: str | None = None) -> str:
        """A job's row; its id."""
        options = Options(mode=Mode.HITS, seed=service_ms)
        key = self._source_key
        job = self._jobs.create(options=options, title="bench", source_key=key, info={}, owner="bench", id=id)
        return job.id
