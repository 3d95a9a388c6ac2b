"""Every fault moves a figure that somebody watches; no figure tells of owners to whom it should not."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.figures import figure, samples
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from web.app import create_app
from workers import leases
from workers.errors import StorageError
from workers.faults import Faults
from workers.jobs import new_id
from workers.reconciler import ORPHAN_S, Reconciler
from workers.settings import embedded
from workers.telemetry.counters import UNWRITTEN
from workers.telemetry.fault_tally import FaultTally

KEYS = ",".join(
    f"{name}:{hashlib.sha256(f'of {name}'.encode()).hexdigest()}:{scopes}"
    for name, scopes in (("anna", "read+write"), ("olga", "read+admin"))
)


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    UNWRITTEN._counts.clear()  # of other tests' places
    with place(tmp_path / "data") as made:
        yield made


def reconciler(here: Place) -> Reconciler:
    return Reconciler(here.settings, here.jobs, here.storage, lambda mode: None)


def test_a_lost_worker(here: Place, flash_clip: Path) -> None:
    here.sent(flash_clip, mode="hits")
    here.jobs.claim(1, "hits", "worker-1#7")
    assert figure(here.client, "sonorize_leases_lost_total", mode="hits") == 0
    here.jobs.abandon("worker-1#7", blameless=False)
    (again,) = here.jobs.claim(1, "hits", "worker-2#8")
    assert again.attempt == 2
    assert figure(here.client, "sonorize_leases_lost_total", mode="hits") == 1
    assert figure(here.client, "sonorize_job_attempts_total", mode="hits", outcome="lost") == 1


def test_a_worker_that_was_asked_to_go_lost_nothing(here: Place, flash_clip: Path) -> None:
    here.sent(flash_clip, mode="hits")
    here.jobs.claim(1, "hits", "worker-1#7")
    here.jobs.abandon("worker-1#7", blameless=True)
    here.jobs.claim(1, "hits", "worker-2#8")
    assert figure(here.client, "sonorize_leases_lost_total", mode="hits") == 0


def test_a_job_that_loses_every_worker(here: Place, flash_clip: Path) -> None:
    here.sent(flash_clip, mode="hits")
    for _ in range(here.settings.max_attempts):
        here.jobs.claim(1, "hits", "worker-1#7")
        here.jobs.abandon("worker-1#7", blameless=False)
    reconciler(here).turn()
    assert figure(here.client, "sonorize_leases_lost_total", mode="hits") == here.settings.max_attempts
    assert figure(here.client, "sonorize_jobs", state="failed") == 1


def test_attempts_by_how_they_ended(here: Place, flash_clip: Path) -> None:
    def attempts(outcome: str) -> float:
        return figure(here.client, "sonorize_job_attempts_total", mode="hits", outcome=outcome)

    here.sent(flash_clip, mode="hits")
    here.work()
    assert (attempts("succeeded"), attempts("failed")) == (1, 0)
    assert figure(here.client, "sonorize_job_wait_seconds_count", mode="hits") == 1
    for stage in ("fetch", "look", "write", "store"):
        assert figure(here.client, "sonorize_stage_seconds_count", mode="hits", stage=stage) == 1
        assert figure(here.client, "sonorize_stage_seconds_bucket", mode="hits", stage=stage, le="+Inf") == 1
    here.sent(flash_clip, mode="hits", bank="no-such-bank")
    here.work()
    assert (attempts("succeeded"), attempts("failed")) == (1, 1)
    assert figure(here.client, "sonorize_job_errors_total", mode="hits", code="bad_option") == 1
    here.sent(flash_clip, mode="hits")
    (job,) = here.jobs.claim(1, "hits", "w")
    assert here.jobs.fail(job.id, job.attempt, "storage", "away", retryable=True)
    assert attempts("retried") == 1
    here.jobs.cancel(job.id, None)


def test_a_storage_that_fails(here: Place, flash_clip: Path) -> None:
    files = here.settings.data_dir / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.write_text("a file where the folder was")
    problem(here.send(flash_clip), 503, "unavailable")
    with pytest.raises(StorageError):
        here.storage.check()
    told = samples(here.client)
    assert sum(value for (name, _), value in told.items() if name == "sonorize_storage_errors_total") >= 2
    assert told["sonorize_part_up", frozenset({("part", "storage")})] == 0


def test_a_notification_that_was_lost(here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here.sent(flash_clip, mode="hits")
    reconciler(here).turn()
    assert figure(here.client, "sonorize_notifications_repeated_total", mode="hits") == 0
    monkeypatch.setattr(leases, "NOTIFY_AGAIN_S", -1.0)  # as when it had been sent longer ago
    reconciler(here).turn()
    assert figure(here.client, "sonorize_notifications_repeated_total", mode="hits") == 1
    assert figure(here.client, "sonorize_queued_jobs", mode="hits") == 1


def test_a_file_of_nobody(here: Place, flash_clip: Path) -> None:
    long_ago = new_id(1_700_000_000.0 - ORPHAN_S)
    here.storage.put(f"{long_ago}/source", flash_clip, "video/mp4")
    reconciler(here).sweep()
    assert figure(here.client, "sonorize_orphans_removed_total") == 1


def test_a_database_that_is_damaged(here: Place) -> None:
    assert figure(here.client, "sonorize_part_up", part="database") == 1
    here.jobs.database._examine_after = 0.0
    with here.jobs.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # so that no log mends the file
    with (here.settings.data_dir / "sonorize.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"no database" * 10_000)
    assert figure(here.client, "sonorize_part_up", part="database") == 0
    assert figure(here.client, "sonorize_disk_free_bytes", folder="data") > 0


def test_a_broker_that_is_away(tmp_path: Path) -> None:
    with create_app(embedded(tmp_path / "data")).test_client() as client:
        assert figure(client, "sonorize_part_up", part="broker") == 0
        assert figure(client, "sonorize_part_up", part="database") == 1
        assert figure(client, "sonorize_part_round_trip_seconds", part="database") > 0


def test_a_broken_part_of_a_worker(here: Place) -> None:
    faults = Faults("queue-notification")
    tally = FaultTally(faults)
    for _ in range(2):
        faults.add(ConnectionError("secret"))
        tally.look()
    assert figure(here.client, "sonorize_worker_faults_total", part="queue-notification", kind="ConnectionError") == 2


def test_room_on_the_disk(here: Place) -> None:
    told = samples(here.client)
    for folder in ("data", "storage"):
        labels = frozenset({("folder", folder)})
        assert 0 < told["sonorize_disk_free_bytes", labels] <= told["sonorize_disk_size_bytes", labels]


def test_counts_by_owner_are_for_who_runs_the_server(tmp_path: Path, flash_clip: Path) -> None:
    with place(tmp_path / "data", api_keys=KEYS, metrics_token="of prometheus") as here:
        anna, olga, prometheus = ({"Authorization": f"Bearer of {one}"} for one in ("anna", "olga", "prometheus"))
        assert here.send(flash_clip, headers=anna).status_code == 202
        name, labels = "sonorize_owner_jobs", frozenset({("owner", "anna"), ("state", "queued")})
        assert samples(here.client, **prometheus)[name, labels] == 1
        assert samples(here.client, **olga)[name, labels] == 1
        assert (name, labels) not in samples(here.client, **anna)
        assert "anna" not in here.client.get("/metrics", headers=anna).text
        problem(here.client.get("/metrics"), 401, "unauthorized")
        problem(here.client.get("/metrics", headers={"Authorization": "Bearer of prometheu"}), 401, "unauthorized")
        problem(here.client.get("/v1/jobs", headers=prometheus), 401, "unauthorized")
