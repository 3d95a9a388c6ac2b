"""Jobs a second with 8, 4, 2 and 1 workers, each in a network of its own, on PostgreSQL, Redis and S3 (SeaweedFS).

    python -m scripts.scaling_in_namespaces [--service-s 8] [--jobs 3] [--workers 8] > FILE.json

The voice waits a fixed time, so that what is measured is what the queue, the database, the broker and the storage cost.
The workers are started once, the most of them first; half of them is ended before each next figure. Beside the rates
stand the processor seconds that each part took for a job: what one core of it could do in a second says where it ends.
Needs root, `ip`, PostgreSQL, and the wheels of Valkey and SeaweedFS.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.support import servers
from tests.support.running_server import kill_group
from web.benchmarks.builds import cpu_seconds
from web.benchmarks.scaling import PRELOAD, Sender
from web.benchmarks.server import simulated_clip
from workers.broker.notifications import QueueNotifier
from workers.jobs import jobs_of
from workers.settings import Settings, embedded

ROOT: Final = Path(__file__).parent.parent
BRIDGE: Final = "sonorize0"
NETWORK: Final = "10.77.0"
HERE: Final = f"{NETWORK}.1"
READY_S: Final = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service-s", type=float, default=8.0, help="seconds that the voice takes")
    parser.add_argument("--jobs", type=int, default=3, help="jobs a worker that wait at the beginning")
    parser.add_argument("--workers", type=int, default=8, help="how many at most")
    asked = parser.parse_args()
    if os.getuid() != 0:
        sys.exit("this needs root, to make networks")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as Ctrl-C: networks and programs are taken away
    with tempfile.TemporaryDirectory(prefix="scaling-") as name, ExitStack() as held:
        folder = Path(name)
        held.enter_context(bridge())
        settings, parts = started_parts(folder, held)
        workers = [held.enter_context(worker(settings, folder, number)) for number in range(asked.workers)]
        servers.wait_until(lambda: all(alive.exists() for _, alive in workers), READY_S, 0.2)
        print(f"{len(workers)} workers are ready", file=sys.stderr, flush=True)
        figures = measured(settings, folder, workers, parts, asked)
    print(json.dumps(figures, indent=2))


def measured(
    settings: Settings,
    folder: Path,
    workers: list[tuple[subprocess.Popen[bytes], Path]],
    parts: Mapping[str, int],
    asked: argparse.Namespace,
) -> dict[str, Any]:
    """Rates by the number of workers, and what each part took for a job; see the module."""
    service_ms, rows = round(1000 * asked.service_s), []
    jobs, notifier = jobs_of(settings), QueueNotifier(settings)
    try:
        sender = Sender(settings, jobs, notifier, simulated_clip(folder / "clip.mp4"))
        sender.done(2 * len(workers), 1)  # what the first jobs load is not counted
        count = len(workers)
        while count:
            for process, _ in workers[count:]:
                kill_group(process.pid)
            before = {name: cpu_seconds(pid) for name, pid in parts.items()}
            rate = sender.rate(count * asked.jobs, service_ms)
            spent = {name: (cpu_seconds(pid) - before[name]) / (count * asked.jobs) for name, pid in parts.items()}
            rows.append(_row(count, rate, asked.service_s, spent, count * asked.jobs))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            count //= 2
    finally:
        notifier.close()
        jobs.close()
    one = rows[-1]["jobs_per_s"] / rows[-1]["workers"]
    for row in rows:
        row["times_one"] = round(row["jobs_per_s"] / one, 2)
    return {
        "service_ms": service_ms,
        "jobs_a_worker": asked.jobs,
        "ran_on": {"database": "postgresql", "broker": "redis", "storage": "s3", "workers": "a network namespace each"},
        "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 1),
        "rows": rows[::-1],
    }


def _row(count: int, rate: float, service_s: float, spent: Mapping[str, float], jobs: int) -> dict[str, Any]:
    ideal = count / service_s
    return {
        "workers": count,
        "jobs": jobs,
        "jobs_per_s": round(rate, 3),
        "of_ideal": round(rate / ideal, 3),
        "processor_s_per_job": {name: round(one, 4) for name, one in spent.items()},
        "jobs_per_s_of_one_core": {name: round(1 / one, 1) if one > 0 else None for name, one in spent.items()},
    }


@contextmanager
def bridge() -> Iterator[None]:
    """A network of this machine that the workers' networks are joined to."""
    _ip("link", "add", BRIDGE, "type", "bridge")
    try:
        _ip("addr", "add", f"{HERE}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        yield
    finally:
        _ip("link", "del", BRIDGE)


def started_parts(folder: Path, held: ExitStack) -> tuple[Settings, dict[str, int]]:
    """PostgreSQL, Valkey and SeaweedFS on the bridge; the settings for them, and their processes by name."""
    database_port, broker_port = servers.free_ports(2)
    database_url = held.enter_context(servers.postgres(HERE, database_port))
    broker = held.enter_context(servers.valkey(broker_port, address=HERE))
    (folder / "weed").mkdir()
    s3 = held.enter_context(servers.seaweed(folder / "weed", address=HERE))
    settings = embedded(
        folder / "data",
        database_url=database_url,
        broker_url=f"redis://:{servers.BROKER_PASSWORD}@{HERE}:{broker_port}/0",
        storage_url=s3.url(servers.BUCKET, public=False),
        s3_access_key=s3.access_key,
        s3_secret_key=s3.secret_key,
        preload=PRELOAD,
        describe=False,
        max_queued=10_000,
    )
    jobs_of(settings).close()  # makes the tables
    return settings, {"database": _listening(database_port), "broker": broker.pid, "storage": s3.pid}


@contextmanager
def worker(settings: Settings, folder: Path, number: int) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """One worker in a network of its own; its process, and the file that it makes when it is ready."""
    name, ours, theirs = f"sonorize-{number}", f"son{number}a", f"son{number}b"
    alive = folder / f"worker-{number}.alive"
    with ExitStack() as undo:
        _ip("netns", "add", name)
        undo.callback(_ip, "netns", "del", name)
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        _ip("link", "set", ours, "master", BRIDGE, "up")
        _ip("-n", name, "addr", "add", f"{NETWORK}.{10 + number}/24", "dev", theirs)
        for device in (theirs, "lo"):
            _ip("-n", name, "link", "set", device, "up")
        command = ["ip", "netns", "exec", name, sys.executable, "-P", "-m", "workers.worker"]
        command += ["--name", f"{name}@bench", "--modes", "hits", "--alive", str(alive)]
        environment = {**settings.environment(), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        log = undo.enter_context((folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        undo.callback(process.wait)
        undo.callback(kill_group, process.pid)
        yield process, alive


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _listening(port: int) -> int:
    """The process that listens on a port: PostgreSQL's first, whose children do the work."""
    told = subprocess.run(["ss", "-ltnpH", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
    return int(told.split("pid=")[1].split(",")[0])


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)
