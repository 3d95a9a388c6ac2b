"""The picture of a clip is made beside the answer, and is there for whoever asks."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.web_place import Place, place, problem
from web.app import create_app
from web.context import parts_of
from web.uploads import posters, submit
from web.uploads.posters import Posters
from workers.files import objects


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made
        made.settle()


class Slow(Posters):
    """Makes no picture before it may."""

    may = threading.Event()
    makes = True

    def _do(self, job_id: str, clip: Path, seen: object) -> None:
        assert self.may.wait(60)
        if not self.makes:
            self._make = lambda *_: False
        super()._do(job_id, clip, seen)  # type: ignore[arg-type]


@pytest.fixture
def slow(here: Place) -> Iterator[Slow]:
    submitter = parts_of(here.app).submitter
    submitter.posters = made = Slow(submitter.spool.folder, here.jobs, here.storage, submitter._make_picture)
    made.may = threading.Event()
    yield made
    made.may.set()


def test_the_answer_does_not_wait_and_who_asks_for_the_picture_does(here: Place, slow: Slow, flash_clip: Path) -> None:
    job = here.post(flash_clip).get_json()
    assert here.notified == ["hits"] or here.notified == ["auto"]  # the worker has been woken already
    assert f"{job['id']}/poster.jpg" not in set(here.storage.keys(""))
    threading.Timer(0.2, slow.may.set).start()
    picture = here.client.get(job["links"]["thumbnail"])
    assert (picture.status_code, picture.mimetype, picture.data[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert objects.find(here.jobs.database, f"{job['id']}/poster.jpg") is not None
    here.settle()
    assert list(here.settings.spool_dir.iterdir()) == []


def test_a_clip_without_a_picture_does_not_go_on_claiming_one(here: Place, slow: Slow, flash_clip: Path) -> None:
    slow.makes = False
    slow.may.set()
    job = here.post(flash_clip).get_json()
    here.settle()
    assert "thumbnail" not in here.client.get(job["links"]["self"]).get_json()["links"]
    assert here.client.get(f"/v1/jobs/{job['id']}/thumbnail").status_code == 404


def test_of_a_job_that_is_deleted_meanwhile_nothing_stays(here: Place, slow: Slow, flash_clip: Path) -> None:
    job = here.post(flash_clip).get_json()
    here.client.delete(job["links"]["self"])
    slow.may.set()
    here.settle()
    assert list(here.storage.keys("")) == []
    assert objects.of_job(here.jobs.database, job["id"]) == {}


def test_pictures_of_a_flood_are_made_when_they_are_asked_for(
    here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posters, "MOST_UNDER_WAY", 0)
    monkeypatch.setattr(posters, "PATIENCE_S", 600.0)  # nobody else makes it, so it is not waited for
    job = here.post(flash_clip).get_json()
    here.settle()
    assert f"{job['id']}/poster.jpg" not in set(here.storage.keys(""))
    assert here.client.get(job["links"]["thumbnail"]).status_code == 200
    assert list(here.settings.spool_dir.iterdir()) == []


def test_while_clips_come_pictures_wait_unless_they_are_asked_for(
    here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posters, "CALM_S", 600.0)
    first, second = (here.post(flash_clip).get_json() for _ in range(2))
    assert here.client.get(first["links"]["thumbnail"]).status_code == 200
    stored = set(here.storage.keys(""))
    assert f"{first['id']}/poster.jpg" in stored
    assert f"{second['id']}/poster.jpg" not in stored


def test_on_a_disk_without_links_the_answer_waits_for_the_picture(
    here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SMB shares, FAT and some containers' mounts are."""

    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    job = here.post(flash_clip).get_json()
    assert here.client.get(job["links"]["thumbnail"]).status_code == 200


def test_what_a_picture_is_is_on_the_disk_though_its_job_was_before(
    here: Place, slow: Slow, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.post(flash_clip)
    synced: list[bool] = []
    writing = here.jobs.database.writing

    def seen(**how: bool) -> Any:
        synced.append(how.get("synced", True))
        return writing(**how)

    monkeypatch.setattr(parts_of(here.app).submitter.jobs.database, "writing", seen)
    slow.may.set()
    here.settle()
    assert True in synced


def test_the_end_of_the_server_waits_for_no_picture_that_nobody_has_begun(
    here: Place, slow: Slow, flash_clip: Path
) -> None:
    for _ in range(slow._pool._max_workers + 2):
        here.post(flash_clip)
    slow.close()
    slow.may.set()
    here.settle()
    made = [key for key in here.storage.keys("") if key.endswith("/poster.jpg")]
    assert len(made) <= slow._pool._max_workers
    assert list(here.settings.spool_dir.iterdir()) == []


def another(here: Place) -> FlaskClient:
    """A second process of the web on the same jobs and files, as far as it shares nothing else."""
    return create_app(here.settings, jobs=here.jobs, storage=here.storage, notify=lambda _: True).test_client()


def test_another_process_waits_for_the_picture_that_this_one_makes(here: Place, slow: Slow, flash_clip: Path) -> None:
    job = here.post(flash_clip).get_json()
    threading.Timer(0.2, slow.may.set).start()
    picture = another(here).get(job["links"]["thumbnail"])
    assert (picture.status_code, picture.mimetype, picture.data[:2]) == (200, "image/jpeg", b"\xff\xd8")


def test_a_picture_that_nobody_made_is_made_when_it_is_asked_for(
    here: Place, slow: Slow, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process was ended between the answer and the picture."""
    monkeypatch.setattr(posters, "PATIENCE_S", 0.1)
    monkeypatch.setattr(slow, "begin", lambda *_: None)
    job = here.post(flash_clip).get_json()
    picture = another(here).get(job["links"]["thumbnail"])
    assert (picture.status_code, picture.mimetype, picture.data[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert objects.find(here.jobs.database, f"{job['id']}/poster.jpg") is not None


def test_a_picture_that_nobody_made_is_made_once_for_all_who_ask(
    here: Place, slow: Slow, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "begin", lambda *_: None)
    job = here.post(flash_clip).get_json()
    monkeypatch.setattr(submit, "MAKING_S", 0.0)  # nobody is making it any more
    fetched: list[str] = []
    fetch = here.storage.fetch

    def counted(key: str, path: Path) -> None:
        fetched.append(key)
        fetch(key, path)

    monkeypatch.setattr(here.storage, "fetch", counted)
    slow.may.set()
    answers: list[int] = []
    asking = [
        threading.Thread(
            target=lambda: answers.append(here.app.test_client().get(job["links"]["thumbnail"]).status_code)
        )
        for _ in range(4)
    ]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert (answers, len(fetched)) == ([200] * 4, 1)


def test_few_wait_for_a_picture_so_that_the_others_answer(here: Place, slow: Slow, flash_clip: Path) -> None:
    job = here.post(flash_clip).get_json()
    waiting = [slow._waiting.acquire(blocking=False) for _ in range(posters.WAITING)]
    assert all(waiting)
    problem(here.client.get(job["links"]["thumbnail"]), 404, "not-found")
    for _ in waiting:
        slow._waiting.release()
    slow.may.set()
    assert here.client.get(job["links"]["thumbnail"]).status_code == 200


def test_a_clip_that_can_no_longer_be_read_has_no_picture(
    here: Place, slow: Slow, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "begin", lambda *_: None)
    monkeypatch.setattr(submit, "MAKING_S", 0.0)
    job = here.post(flash_clip).get_json()
    monkeypatch.setattr(here.storage, "fetch", lambda _, path: path.write_bytes(b"no clip"))
    problem(here.client.get(job["links"]["thumbnail"]), 404, "not-found")
    assert "poster_key" not in here.jobs.get(job["id"], None).info
