"""The doorbell and the programs behind it: a real Valkey, real Celery workers, real kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from synth.errors import OptionError
from synth.options import Mode
from tests.support import servers
from tests.support.paths import ROOT
from tests.support.running_server import House, alive, group_of, kill_group
from workers.embedded.services import Broker
from workers.embedded.supervisor import Embedded, healthy
from workers.errors import ServiceError
from workers.jobs import State
from workers.queue import QUEUES, failures, make_app, queue_of, ring
from workers.settings import embedded


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, flash_clip: Path) -> Iterator[House]:
    house = House.build(tmp_path_factory.mktemp("house"), flash_clip)
    yield house
    house.close()


@pytest.fixture(scope="module")
def services(house: House) -> Iterator[Embedded]:
    with house.running() as services:
        yield services


def test_a_bell_without_a_broker_is_quick_and_no_error(tmp_path: Path) -> None:
    (port,) = servers.free_ports(1)
    for url in (f"redis+socket://{tmp_path}/none.sock", f"redis://127.0.0.1:{port}/0"):
        app = make_app(embedded(tmp_path / "data", broker_url=url))
        began = time.monotonic()
        assert [ring(app, "hits") for _ in range(50)] == [False] * 50
        assert time.monotonic() - began < 2
        assert failures(app) == 50
        app.close()


def test_a_bell_is_heard_in_the_queue_of_its_mode_and_again_after_a_broken_one(tmp_path: Path) -> None:
    settings = embedded(tmp_path / "data")
    app, broker = make_app(settings), Broker(settings, tmp_path)
    assert not ring(app, "hits")

    def up(starts: int) -> bool:
        broker.watch()
        return broker.ready and broker.starts == starts

    try:
        servers.wait_until(lambda: up(1))
        servers.wait_until(lambda: ring(app, "hits"))
        assert ring(app, "auto")
        assert ring(app, "auto")
        with redis.Redis(unix_socket_path=str(broker.socket)) as client:
            assert [client.llen(queue_of(mode)) for mode in ("hits", "auto", "speech")] == [1, 2, 0]
        kill_group(broker.pid)
        servers.wait_until(lambda: up(2))
        servers.wait_until(lambda: ring(app, "hits"))
    finally:
        broker.end(time.monotonic())
        app.close()


def test_a_data_folder_with_a_long_path_has_its_broker_elsewhere(tmp_path: Path) -> None:
    settings = embedded(tmp_path / ("long" * 40))
    with Embedded(settings, workers=0, logs=tmp_path) as services:
        assert services.broker is not None
        folder = services.broker.socket.parent
        assert folder.stat().st_mode & 0o077 == 0
        app = make_app(settings)
        assert ring(app, "hits")
        app.close()
    assert not folder.exists()


def test_only_json_is_taken_and_nothing_depends_on_the_broker(tmp_path: Path) -> None:
    app = make_app(embedded(tmp_path))
    assert app.conf.accept_content == ["json"]
    assert app.conf.result_backend is None
    assert app.conf.task_ignore_result
    assert {queue_of(mode) for mode in Mode} == set(QUEUES)
    app.close()


def test_jobs_of_both_modes_are_done(house: House, services: Embedded) -> None:
    made = [house.submit(mode, takes=takes) for mode, takes in ((Mode.HITS, 2), (Mode.AUTO, 1), (Mode.HITS, 1))]
    done = [house.ended(job) for job in made]
    assert [job.error for job in done] == [None] * 3
    assert [job.state for job in done] == [State.SUCCEEDED] * 3
    assert [len((job.result or {})["outputs"]) for job in done] == [2, 1, 1]
    assert all(house.storage.size(output["key"]) for job in done for output in (job.result or {})["outputs"])
    assert services.ready
    assert healthy(house.settings)


def test_a_lost_bell_is_rung_again(house: House, services: Embedded) -> None:
    assert house.ended(house.submit(rung=False)).state is State.SUCCEEDED


def test_a_running_job_is_cancelled(house: House, services: Embedded) -> None:
    job = house.submit(seed=600_000)
    house.reaches(job, State.RUNNING)
    assert house.jobs.cancel(job.id, "ann") == "cancellation_requested"
    began = time.monotonic()
    assert house.ended(job).state is State.CANCELED
    assert time.monotonic() - began < 2
    assert list(house.storage.keys(job.id)) == [f"{job.id}/source"]


def test_a_worker_killed_in_the_middle_loses_nothing(house: House, services: Embedded) -> None:
    job = house.submit(seed=1500)
    house.reaches(job, State.RUNNING)
    before = services.workers[0].pid
    kill_group(before)
    killed = time.monotonic()
    servers.wait_until(lambda: house.jobs.get(job.id, None).attempt == 2)
    assert time.monotonic() - killed < 15
    done = house.ended(job)
    assert (done.state, done.attempt) == (State.SUCCEEDED, 2)
    assert services.workers[0].pid != before
    assert {key.split("/")[1] for key in house.storage.keys(job.id)} == {"source", "2"}


def test_a_broker_killed_at_the_end_of_a_job_leaves_no_worker_deaf(house: House, services: Embedded) -> None:
    assert services.broker is not None
    for _ in range(2):  # the acknowledgement of the bell fails: Celery alone would never hear another
        house.ended(house.submit())
        kill_group(services.broker.pid)
        assert house.ended(house.submit(), patience_s=15).state is State.SUCCEEDED


def test_a_broker_killed_in_the_middle_loses_nothing(house: House, services: Embedded) -> None:
    assert services.broker is not None
    running = house.submit(seed=1000)
    waiting = [house.submit() for _ in range(3)]
    house.reaches(running, State.RUNNING)
    kill_group(services.broker.pid)
    waiting += [house.submit() for _ in range(2)]
    assert {house.ended(job).state for job in (running, *waiting)} == {State.SUCCEEDED}


def test_a_second_server_is_refused_the_folder(house: House, services: Embedded) -> None:
    with pytest.raises(ServiceError, match="another server"):
        Embedded(house.settings).start()
    assert services.ready


def test_an_unknown_mode_is_refused(house: House) -> None:
    with pytest.raises(OptionError, match="allowed are auto, hits"):
        Embedded(house.settings, modes=["song"])


def test_it_stops_cleanly_and_restarts_where_it_was(tmp_path: Path, flash_clip: Path) -> None:
    house = House.build(tmp_path / "data", flash_clip)
    long, waiting = house.submit(seed=3000, rung=False), house.submit(rung=False)
    with house.running() as services:
        house.reaches(long, State.RUNNING)
        services.stop(grace_s=0.0)  # no time to finish
        left = house.jobs.get(long.id, None)
        assert (left.state, left.attempt, left.attempt_limit) == (State.RUNNING, 1, 4)  # blameless: one more
    with house.running() as services:
        assert house.ended(long).attempt == 2
        assert house.ended(waiting).state is State.SUCCEEDED
        short = house.submit(seed=700)
        house.reaches(short, State.RUNNING)
        leaders = [service.pid for service in (services.broker, *services.workers) if service is not None]
        groups = [pid for leader in leaders if leader for pid in group_of(leader)]
        assert len(groups) >= 3
        services.stop()
        assert not [pid for pid in groups if alive(pid)]
        assert house.jobs.get(short.id, None).state is State.SUCCEEDED  # it was let finish
        assert list(house.settings.work_dir.iterdir()) == []
    house.close()


def test_everything_dies_with_the_server(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom workers.embedded.supervisor import Embedded\n"
        "from workers.settings import embedded\n"
        "services = Embedded(embedded(Path(sys.argv[1]), preload='tests.support.preload'), logs=Path(sys.argv[1]))\n"
        "services.start()\nprint(services.broker.pid, services.workers[0].pid, flush=True)\ntime.sleep(600)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            leaders = [int(pid) for pid in server.stdout.readline().split()]
            groups = [pid for leader in leaders for pid in group_of(leader)]
            assert len(groups) >= 3
        finally:
            server.send_signal(signal.SIGKILL)
    servers.wait_until(lambda: not [pid for pid in groups if alive(pid)])
