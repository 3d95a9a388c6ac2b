"""Queue notifications and the programs behind them: a real Valkey, real Celery workers, real kills."""

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
from tests.support.patience import within
from tests.support.running_server import House, alive, group_of, kill_group
from workers.broker import notifications
from workers.broker.notifications import QueueNotifier
from workers.broker.queue import QUEUES, make_app, queue_of
from workers.embedded.services import STALE_S, Broker
from workers.embedded.supervisor import Embedded, healthy
from workers.errors import DatabaseError, ServiceError
from workers.jobs import Job, State
from workers.reconciler import Reconciler
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


def test_who_notifies_waits_for_no_broker(tmp_path: Path) -> None:
    (port,) = servers.free_ports(1)
    for url in (f"redis+socket://{tmp_path}/none.sock", f"redis://127.0.0.1:{port}/0"):
        notifier = QueueNotifier(embedded(tmp_path / "data", broker_url=url))
        with within(0.2):
            for _ in range(50):
                notifier.notify("hits")
        servers.wait_until(lambda: notifier.faults.reason)  # noqa: B023
        assert "cannot be reached" in str(notifier.faults.reason)
        with pytest.raises(ServiceError, match="the broker: cannot be reached"):
            notifier.check()
        notifier.close()


def test_a_notification_is_heard_in_the_queue_of_its_mode_also_after_the_broker_was_away(tmp_path: Path) -> None:
    settings = embedded(tmp_path / "data")
    notifier, broker = QueueNotifier(settings), Broker(settings, tmp_path)

    def up(starts: int) -> bool:
        broker.watch()
        return broker.ready and broker.starts == starts

    def lengths() -> list[int]:
        with redis.Redis(unix_socket_path=str(broker.socket)) as client:
            return [int(client.llen(queue_of(mode))) for mode in ("hits", "auto", "speech")]

    try:
        notifier.notify("hits")
        servers.wait_until(lambda: notifier.faults.reason)
        servers.wait_until(lambda: up(1))
        servers.wait_until(lambda: lengths() == [1, 0, 0])  # it was kept
        notifier.notify("auto")
        notifier.notify("auto")
        servers.wait_until(lambda: lengths() == [1, 2, 0])
        assert notifier.faults.reason is None
        notifier.check()
        kill_group(broker.pid)
        notifier.notify("speech")
        servers.wait_until(lambda: up(2))
        servers.wait_until(lambda: lengths() == [0, 0, 1])
    finally:
        broker.end(time.monotonic())
        notifier.close()


SECRET = "hush/hush"


class Broken(Exception):
    """Nobody expects it, and its text is no secret's place."""


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (ModuleNotFoundError("No module named 'packaging'", name="packaging"), "ModuleNotFoundError", "packaging"),
        (ValueError(f"invalid literal for int() with base 10: '{SECRET}'"), "ValueError", "unexpected ValueError"),
        (KeyError(SECRET), "KeyError", "unexpected KeyError"),
        (TimeoutError(SECRET), "TimeoutError", "no answer in time"),
        (Broken(SECRET), "Broken", "unexpected Broken"),
    ],
)
def test_whatever_a_notification_meets_is_counted_told_without_secrets_and_tried_again(
    error: Exception,
    kind: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Raised where Celery would load its transport, which is where a missing package is met."""
    notifier = QueueNotifier(embedded(tmp_path / "data"))
    broken = [True, True]

    def send(*_: object, **__: object) -> None:
        if broken:
            broken.pop()
            raise error

    monkeypatch.setattr(notifier._app, "send_task", send)
    monkeypatch.setattr(notifications, "PAUSE_S", 0.05)
    notifier.notify("hits")
    servers.wait_until(lambda: notifier.faults.reason)
    assert reason in str(notifier.faults.reason)
    servers.wait_until(lambda: notifier.sent == 1)
    assert notifier.faults.counts == {kind: 2}
    assert notifier.faults.reason is None
    assert "queue-notification" in caplog.text
    assert kind in caplog.text
    assert SECRET not in caplog.text
    notifier.close()


def test_whatever_the_reconciler_meets_is_counted_and_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flash_clip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = House.build(tmp_path / "data", flash_clip, reconcile_s=0.02)
    broken: list[Exception] = [KeyError(SECRET), DatabaseError("it is away"), ImportError(SECRET), OSError(SECRET)]
    turns: list[str] = []

    def give_up() -> list[Job]:
        if broken:
            raise broken.pop()
        turns.append("turn")
        return []

    monkeypatch.setattr(house.jobs, "give_up", give_up)
    reconciler = Reconciler(house.settings, house.jobs, house.storage, turns.append)
    reconciler.start()
    servers.wait_until(lambda: len(turns) > 1)
    reconciler.stop()
    house.close()
    assert reconciler.faults.counts == {"KeyError": 1, "DatabaseError": 1, "ImportError": 1, "OSError": 1}
    assert reconciler.faults.reason is None
    assert "reconciler: it is away" in caplog.text
    assert SECRET not in caplog.text


def test_a_data_folder_with_a_long_path_has_its_broker_elsewhere(tmp_path: Path) -> None:
    settings = embedded(tmp_path / ("long" * 40))
    with Embedded(settings, workers=0, logs=tmp_path) as services:
        assert services.broker is not None
        folder = services.broker.socket.parent
        assert folder.stat().st_mode & 0o077 == 0
        QueueNotifier(settings).check()
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


def test_a_lost_notification_is_sent_again(house: House, services: Embedded) -> None:
    assert house.ended(house.submit(notified=False)).state is State.SUCCEEDED


def test_a_running_job_is_cancelled(house: House, services: Embedded) -> None:
    job = house.submit(seed=600_000)
    house.reaches(job, State.RUNNING)
    assert house.jobs.cancel(job.id, "ann") == "cancellation_requested"
    with within(2):
        assert house.ended(job).state is State.CANCELED
    assert list(house.storage.keys(job.id)) == [f"{job.id}/source"]


def test_a_worker_killed_in_the_middle_loses_nothing(house: House, services: Embedded) -> None:
    job = house.submit(seed=1500)
    house.reaches(job, State.RUNNING)
    before = services.workers[0].pid
    kill_group(before)
    with within(15):
        servers.wait_until(lambda: house.jobs.get(job.id, None).attempt == 2)
    done = house.ended(job)
    assert (done.state, done.attempt) == (State.SUCCEEDED, 2)
    assert services.workers[0].pid != before
    assert {key.split("/")[1] for key in house.storage.keys(job.id)} == {"source", "2"}


def test_a_broker_killed_at_the_end_of_a_job_leaves_no_worker_deaf(house: House, services: Embedded) -> None:
    assert services.broker is not None
    for _ in range(2):  # the acknowledgement of the notification fails: Celery alone would never hear another
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


def test_a_broker_that_hangs_is_replaced_and_work_goes_on(house: House, services: Embedded) -> None:
    assert services.broker is not None
    before, began = services.broker.pid, time.monotonic()
    for pid in group_of(before or 0):
        os.kill(pid, signal.SIGSTOP)
    assert house.ended(house.submit(), patience_s=15).state is State.SUCCEEDED
    print(f"a hung broker held work up for {time.monotonic() - began:.1f} s")
    assert services.broker.pid != before


def test_a_frozen_process_loses_its_job_and_is_replaced(house: House, services: Embedded) -> None:
    job = house.submit(seed=1000)
    house.reaches(job, State.RUNNING)
    worker = services.workers[0]
    leader, frozen = worker.pid, int(str(house.jobs.get(job.id, None).worker).rpartition("#")[2])
    os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()
    done = house.ended(job, patience_s=60)
    held_s = time.monotonic() - began
    print(f"a frozen process held its job up for {held_s:.1f} s")
    assert (done.state, done.attempt) == (State.SUCCEEDED, 2)
    assert not alive(frozen)
    # The pool replaced its process, and nobody had to replace the worker, if it was given the time.
    assert worker.pid == leader or held_s > STALE_S


def test_a_second_server_is_refused_the_folder(house: House, services: Embedded) -> None:
    with pytest.raises(ServiceError, match="another server"):
        Embedded(house.settings).start()
    assert services.ready


def test_an_unknown_mode_is_refused(house: House) -> None:
    with pytest.raises(OptionError, match="allowed are auto, hits"):
        Embedded(house.settings, modes=["song"])


def test_it_stops_cleanly_and_restarts_where_it_was(tmp_path: Path, flash_clip: Path) -> None:
    house = House.build(tmp_path / "data", flash_clip)
    long, waiting = house.submit(seed=3000, notified=False), house.submit(notified=False)
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
