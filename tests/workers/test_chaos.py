"""What no weather may break: programs killed at random under load, a job that kills its workers, a stop under load."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from synth.options import Mode
from tests.support import servers
from tests.support.kept import keep
from tests.support.running_server import House, group_of, kill_group
from tests.support.voices import POISON_SEED
from tests.support.weather import HEAD, Weather, small_disk
from workers.embedded.supervisor import Embedded
from workers.jobs import Job, State

JOBS: Final = 40
CHAOS_S: Final = 60.0
WORKER_EVERY_S, BROKER_EVERY_S = 5.0, 10.0
RECLAIM_S: Final = 15.0
DISK_MB: Final = 256

pytestmark = [pytest.mark.slow, pytest.mark.chaos]


@pytest.fixture
def house(tmp_path: Path, flash_clip: Path) -> Iterator[House]:
    # More attempts than the three of real life, where nobody kills a worker every five seconds for a minute.
    house = House.build(tmp_path / "data", flash_clip, max_attempts=10)
    yield house
    house.close()


class Ledger:
    """What was seen of the jobs, from outside: when each attempt began, and how often each job ended."""

    def __init__(self, house: House, jobs: list[Job]) -> None:
        self._house, self._ids = house, [job.id for job in jobs]
        self.began: dict[tuple[str, int], float] = {}
        self.killed: dict[tuple[str, int], float] = {}
        self.successes: dict[str, set[int]] = {id: set() for id in self._ids}

    def look(self) -> list[Job]:
        now, jobs = time.monotonic(), list(self._house.jobs.ids(self._ids).values())
        for job in jobs:
            if job.attempt:
                self.began.setdefault((job.id, job.attempt), now)
            if job.state is State.SUCCEEDED:
                self.successes[job.id].add(job.attempt)
        return jobs

    def note_kill(self, node: str) -> None:
        """A worker was killed: what it held at that moment must come back."""
        for job in self.look():
            if job.state in (State.RUNNING, State.FINISHING) and (job.worker or "").startswith(node):
                self.killed[job.id, job.attempt] = time.monotonic()

    def waits_s(self) -> list[float]:
        """From each kill of a job's worker until the job was claimed again."""
        return [self.began[id, attempt + 1] - at for (id, attempt), at in self.killed.items()]


def _storm(services: Embedded, ledger: Ledger, kill_broker: Callable[[], None]) -> tuple[int, int]:
    """Kill by the clock for a minute; how many kills of workers and of the broker."""
    began, workers, brokers = time.monotonic(), 0, 0
    while (now := time.monotonic()) - began < CHAOS_S:
        ledger.look()
        if now - began >= (workers + 1) * WORKER_EVERY_S:
            victim = services.workers[workers % len(services.workers)]
            ledger.note_kill(victim.name)
            kill_group(victim.pid)
            workers += 1
        if now - began >= (brokers + 0.75) * BROKER_EVERY_S:
            kill_broker()
            brokers += 1
        time.sleep(0.02)
    return workers, brokers


def _weather(name: str, house: House, kill_broker: Callable[[Embedded], None]) -> None:
    with house.running(workers=2) as services:
        began = time.monotonic()
        jobs = [house.submit(seed=1500) for _ in range(JOBS)]
        ledger = Ledger(house, jobs)
        kills = _storm(services, ledger, lambda: kill_broker(services))
        servers.wait_until(lambda: all(job.state.final for job in ledger.look()), patience_s=300, every_s=0.05)
        took_s = time.monotonic() - began
    ended, waits_s = ledger.look(), ledger.waits_s()
    attempts = sum(job.attempt for job in ended)
    succeeded = sum(job.state is State.SUCCEEDED for job in ended)
    figures = {
        "jobs": JOBS,
        "worker_kills": kills[0],
        "broker_kills": kills[1],
        "lost": JOBS - succeeded,
        "double": sum(len(attempts) > 1 for attempts in ledger.successes.values()),
        "attempts": attempts,
        "seconds": round(took_s),
        "claimed_again_s": {
            "jobs": len(waits_s),
            "median": round(statistics.median(waits_s or [0.0]), 1),
            "most": round(max(waits_s, default=0.0), 1),
        },
    }
    keep("chaos", {name: figures})
    assert kills[0] >= 10
    assert kills[1] >= 5
    assert [job.error for job in ended if job.state is not State.SUCCEEDED] == []
    assert len(ended) == JOBS
    assert all(len(attempts) == 1 for attempts in ledger.successes.values()), "a job was done twice"
    assert max(waits_s, default=0.0) < RECLAIM_S
    for job in ended:
        outputs = (job.result or {})["outputs"]
        assert [output["key"] for output in outputs] == [f"{job.id}/{job.attempt}/take0.mp4"]
        assert all(house.storage.size(output["key"]) for output in outputs)


def test_a_server_loses_nothing_and_does_nothing_twice_whatever_befalls_it(flash_clip: Path) -> None:
    with contextlib.ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="sonorize-")))
        small = undo.enter_context(small_disk(folder, DISK_MB))
        weather = Weather(folder, flash_clip)
        undo.callback(weather.stop)
        faults = {
            "nothing": lambda: None,
            "kill -9 of a worker": weather.kill_worker,
            "kill -9 of the broker": weather.kill_broker,
            "kill -9 of the server": weather.kill_server,
            "SIGSTOP of the broker": weather.stop_broker,
            "SIGSTOP of the worker's process": weather.stop_process,
            "SIGSTOP, then SIGCONT of a worker": weather.pause_worker,
            "disk full": weather.fill_disk,
            "clock 1 h back": weather.set_clock_back,
        }
        if not small:
            del faults["disk full"]
        print(f"\n{HEAD}")
        reports = []
        for fault, strike in faults.items():
            reports.append(weather.endure(fault, strike))
            print(reports[-1], flush=True)
        if not small:
            print("disk full: not tried, this user may mount no file system")
        keep("chaos", {"faults": {one.fault: dataclasses.asdict(one) for one in reports}})
        assert [(one.fault, one.lost, one.double) for one in reports if one.lost or one.double] == []
        assert all(one.jobs >= 3 for one in reports)


def test_forty_jobs_in_a_storm(house: House) -> None:
    def kill(services: Embedded) -> None:
        assert services.broker is not None
        kill_group(services.broker.pid)

    _weather("storm", house, kill)


def test_forty_jobs_in_a_storm_with_postgresql_redis_and_s3(
    tmp_path: Path, flash_clip: Path, postgres_url: str, s3_server: servers.S3Server
) -> None:
    (port,) = servers.free_ports(1)
    with contextlib.ExitStack() as held:
        broker = [held.enter_context(servers.valkey(port))]

        def kill(_: Embedded) -> None:
            broker[-1].kill()
            broker.append(held.enter_context(servers.valkey(port)))

        house = House.build(
            tmp_path / "data",
            flash_clip,
            max_attempts=10,
            database_url=servers.emptied(postgres_url),
            broker_url=f"redis://:{servers.BROKER_PASSWORD}@127.0.0.1:{port}/0",
            storage_url=s3_server.url(servers.BUCKET),
            s3_access_key=s3_server.access_key,
            s3_secret_key=s3_server.secret_key,
        )
        _weather("storm_on_postgresql_redis_s3", house, kill)
        house.close()


def test_a_job_that_kills_its_workers_fails_alone(tmp_path: Path, flash_clip: Path) -> None:
    house = House.build(tmp_path / "data", flash_clip)
    with house.running():
        poison, sound = house.submit(seed=POISON_SEED), house.submit()
        assert house.ended(sound).state is State.SUCCEEDED
        failed = house.ended(poison, patience_s=120)
        assert failed.error is not None
        assert (failed.state, failed.attempt, failed.error["code"]) == (State.FAILED, 3, "worker_lost")
        assert house.ended(house.submit()).state is State.SUCCEEDED
    house.close()
    keep("chaos", {"poison": {"attempts": failed.attempt, "others_succeeded": 2}})


def test_a_job_that_kills_its_workers_takes_no_companion_with_it(tmp_path: Path, flash_clip: Path) -> None:
    house = House.build(tmp_path / "data", flash_clip)
    poison, *sound = [house.submit(Mode.AMBIENT, notified=False, seed=seed) for seed in (POISON_SEED, 1, 2, 3)]
    with house.running():  # the four are claimed together
        assert [house.ended(job, patience_s=120).state for job in sound] == [State.SUCCEEDED] * 3
        failed = house.ended(poison, patience_s=120)
        assert failed.error is not None
        assert (failed.state, failed.attempt, failed.error["code"]) == (State.FAILED, 3, "worker_lost")
        assert {house.jobs.get(job.id, None).attempt for job in sound} == {2}
    house.close()


def test_a_worker_that_shows_no_life_is_replaced(house: House) -> None:
    with house.running() as services:
        job = house.submit(seed=5000)
        house.reaches(job, State.RUNNING)
        before = services.workers[0].pid
        assert before is not None
        for pid in group_of(before):
            os.kill(pid, signal.SIGSTOP)
        done = house.ended(job, patience_s=120)
        assert (done.state, done.attempt) == (State.SUCCEEDED, 2)
        assert services.workers[0].pid != before


def test_a_stop_under_load_loses_nothing(house: House) -> None:
    with house.running(workers=3) as services:
        running = [house.submit(seed=seed) for seed in (1000, 4000, 60_000)]
        waiting = [house.submit() for _ in range(3)]
        for job in running:
            house.reaches(job, State.RUNNING)
        began = time.monotonic()
        services.stop(grace_s=8.0)
        took_s = time.monotonic() - began
    states = [house.jobs.get(job.id, None).state for job in running]
    keep("chaos", {"stop": {"grace_s": 8.0, "took_s": round(took_s, 1), "states": [str(state) for state in states]}})
    assert took_s < 20
    assert states[0] is State.SUCCEEDED
    long = house.jobs.get(running[2].id, None)
    assert (long.state, long.lease_until, long.attempt_limit) == (State.RUNNING, 0.0, 11)  # free, and blameless
    house.jobs.cancel(long.id, None)
    with house.running():
        assert all(house.ended(job).state is State.SUCCEEDED for job in (*running[:2], *waiting))
        assert house.ended(long).state is State.CANCELED
