"""Clips that several jobs share: deleted with the last of them, whoever owned them, on every database and storage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases
from tests.support.servers import S3Server
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from web.context import parts_of
from workers.files import tombstones
from workers.files.verification import Report, Verifier
from workers.reconciler import DAY_S, ORPHAN_S, Reconciler
from workers.uploads import sources


@pytest.fixture(params=["sqlite and files", "postgresql and s3"])
def here(request: pytest.FixtureRequest, tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    settings: dict[str, Any] = {}
    if request.param == "postgresql and s3":
        server: S3Server = request.getfixturevalue("s3_server")
        bucket = f"sources-{time.time_ns()}"
        server.make_bucket(bucket)
        settings["database_url"] = databases.cleared(request.getfixturevalue("postgres_url"))
        settings["storage_url"] = server.url(bucket)
        settings |= {"s3_access_key": server.access_key, "s3_secret_key": server.secret_key}
    with place(tmp_path / "data", **settings) as made:
        yield made


def verified(here: Place) -> Report:
    return Verifier(here.jobs, here.storage).run()


def varied(here: Place, job: dict[str, Any]) -> dict[str, Any]:
    answer = here.client.post(job["links"]["variants"])
    assert answer.status_code == 202, answer.text
    return dict(answer.get_json()["jobs"][0])


def keys(here: Place) -> list[str]:
    """Of files, but for the pictures of clips."""
    return sorted(key for key in here.storage.keys("") if not key.endswith("/poster.jpg"))


def test_the_clip_goes_with_the_last_job_that_uses_it(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip, mode="hits")
    first, second = varied(here, job), varied(here, job)
    clip = f"{job['id']}/source"
    assert keys(here) == [clip]  # nothing was copied
    here.work()
    assert here.jobs.counts()["succeeded"] == 3
    assert verified(here).findings == []
    here.client.delete(job["links"]["self"])  # whose clip it was
    assert clip in keys(here)
    assert not [key for key in keys(here) if key.startswith(f"{job['id']}/1/")]
    assert verified(here).findings == []
    third = varied(here, first)
    here.work()
    assert here.jobs.get(third["id"], None).state == "succeeded"
    for gone in (first, third):
        here.client.delete(gone["links"]["self"])
        assert clip in keys(here)
    here.client.delete(second["links"]["self"])
    assert here.left() == []
    assert tombstones.count(here.jobs.database) == 0


def test_sweeping_leaves_what_others_use(here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = here.sent(flash_clip, mode="hits")
    varied(here, job)
    here.client.delete(job["links"]["self"])
    later = time.time() + 2 * ORPHAN_S
    reconciler = Reconciler(here.settings, here.jobs, here.storage, here.notified.append, clock=lambda: later)
    assert reconciler.sweep() == 0
    assert keys(here) == [f"{job['id']}/source"]


def test_what_expires_leaves_what_others_use(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip, mode="hits")
    here.work()
    variant = varied(here, job)
    later = time.time() + 31 * DAY_S
    reconciler = Reconciler(here.settings, here.jobs, here.storage, here.notified.append, clock=lambda: later)
    assert [one.id for one in reconciler.expire()] == [job["id"]]
    assert keys(here) == [f"{job['id']}/source"]  # the variant waits still
    assert verified(here).findings == []
    here.work()
    assert here.jobs.get(variant["id"], None).state == "succeeded"
    assert [one.id for one in reconciler.expire()] == [variant["id"]]
    assert keys(here) == []
    refused = here.client.post(variant["links"]["variants"])
    problem(refused, 409, "conflict")


def test_a_take_stays_while_music_is_to_be_laid_under_it(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip, mode="hits")
    here.work()
    found = here.jobs.get(job["id"], None)
    entry = dict((found.result or {})["outputs"][0])
    laid = parts_of(here.app).submitter.lay_music(found, entry, {"track": "a.mp3", "level_lufs": -30.0}, "local")
    before = keys(here)
    assert laid.source_key == entry["key"]
    here.client.delete(job["links"]["self"])
    assert keys(here) == [entry["key"]]
    assert len(before) > 1
    assert verified(here).findings == []
    here.client.delete(f"/v1/jobs/{laid.id}")
    assert keys(here) == []


def test_a_damaged_clip_is_told_of_every_job_that_uses_it(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip, mode="hits")
    varied(here, job)
    here.storage.delete(f"{job['id']}/source")
    found = verified(here).findings
    assert [one.key for one in found] == [f"{job['id']}/source"] * 2


def test_deleting_and_varying_at_the_same_moment(here: Place, flash_clip: Path) -> None:
    """Either the variant is refused, or it has its clip: never a job whose clip is taken away."""
    for _ in range(6):
        job = here.sent(flash_clip, mode="hits")
        with ThreadPoolExecutor(4) as pool:
            clients = [here.app.test_client() for _ in range(4)]
            asked = [pool.submit(client.post, job["links"]["variants"]) for client in clients[:3]]
            gone = pool.submit(clients[3].delete, job["links"]["self"])
            assert gone.result().status_code == 204
            made = [one.result().get_json() for one in asked]
        variants = [one["jobs"][0] for one in made if "jobs" in one]
        for one in variants:
            assert here.storage.size(f"{job['id']}/source") > 0
            here.client.delete(one["links"]["self"])
        assert here.left() == []


def test_the_last_two_deleted_at_the_same_moment_leave_nothing(here: Place, flash_clip: Path) -> None:
    for _ in range(4):
        job = here.sent(flash_clip, mode="hits")
        both = [job, varied(here, job), varied(here, job)]
        with ThreadPoolExecutor(3) as pool:
            clients = [here.app.test_client() for _ in both]
            list(pool.map(lambda client, one: client.delete(one["links"]["self"]), clients, both))
        tombstones.delete_all_files(here.jobs.database, here.storage)
        assert here.left() == []


def test_owners_in_use(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip, mode="hits")
    other = here.sent(flash_clip, mode="hits")
    varied(here, job)
    here.client.delete(job["links"]["self"])
    assert sources.owners_in_use(here.jobs.database, [job["id"], other["id"], "nobody"]) == {job["id"]}
