"""Jobs made of uploads: the clip is stored once, with the first of them, and goes with the last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from tests.web.security.test_security import KEYS, bearer
from tests.web.uploads.test_tus import PIECE, TUS, metadata, patch, uploads_of
from web.context import parts_of
from workers.files import tombstones
from workers.files.verification import Verifier
from workers.reconciler import ORPHAN_S, Reconciler


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def uploaded(here: Place, clip: Path, name: str = "my clip.mp4", **headers: str) -> str:
    """The id of an upload that is all here."""
    told = {**PIECE, "Upload-Length": str(clip.stat().st_size), "Upload-Metadata": metadata(filename=name), **headers}
    answer = here.client.post("/v1/uploads", data=clip.read_bytes(), headers=told)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"]).rpartition("/")[2]


def clips(here: Place) -> list[str]:
    """What is stored of clips, without their pictures."""
    return [key for key in here.storage.keys("") if not key.endswith("/poster.jpg")]


def job_of(here: Place, upload: str, **options: Any) -> dict[str, Any]:
    answer = here.client.post("/v1/jobs", json={"upload": upload, "mode": "hits", **options})
    assert answer.status_code == 202, answer.text
    return dict(answer.get_json())


def test_many_jobs_and_one_clip(here: Place, flash_clip: Path) -> None:
    upload = uploaded(here, flash_clip)
    jobs = [job_of(here, upload, seed=seed, keep_partial=True) for seed in range(3)]
    assert clips(here) == [f"{upload}/source"]
    assert list(uploads_of(here).folder.iterdir()) == []
    assert [job["options"]["seed"] for job in jobs] == [0, 1, 2]
    assert {job["title"] for job in jobs} == {"my clip.mp4"}
    here.work()
    assert here.jobs.counts()["succeeded"] == 3
    assert Verifier(here.jobs, here.storage).run().findings == []
    assert here.client.delete(f"/v1/uploads/{upload}", headers=TUS).status_code == 204
    for job in jobs:
        assert f"{upload}/source" in set(here.storage.keys(""))
        here.client.delete(job["links"]["self"])
    assert here.left() == []


def test_as_a_field_of_a_form(here: Place, flash_clip: Path) -> None:
    upload = uploaded(here, flash_clip)
    answer = here.client.post("/v1/jobs", data={"upload": upload, "seed": "5"}, content_type="multipart/form-data")
    assert answer.status_code == 202
    assert answer.get_json()["options"]["seed"] == 5
    problem(here.send(flash_clip, upload=upload), 400, "bad-request")


def test_an_upload_outlives_its_jobs_and_they_outlive_it(here: Place, flash_clip: Path) -> None:
    upload = uploaded(here, flash_clip)
    job = job_of(here, upload)
    here.client.delete(job["links"]["self"])
    again = job_of(here, upload)  # it is there still
    now = time.time()
    uploads_of(here)._clock = lambda: now + 25 * 3600
    parts_of(here.app).cleanup.turn()
    problem(here.client.post("/v1/jobs", json={"upload": upload}), 410, "gone")
    later = Reconciler(here.settings, here.jobs, here.storage, here.notified.append, clock=lambda: now + 2 * ORPHAN_S)
    assert later.sweep() == 0
    here.work()
    assert here.jobs.get(again["id"], None).state == "succeeded"
    here.client.delete(again["links"]["self"])
    assert here.left() == []
    assert tombstones.count(here.jobs.database) == 0


def test_an_upload_of_which_no_job_was_made_leaves_nothing(here: Place, flash_clip: Path) -> None:
    upload = uploaded(here, flash_clip)
    assert here.client.delete(f"/v1/uploads/{upload}", headers=TUS).status_code == 204
    assert here.left() == []
    assert list(uploads_of(here).folder.iterdir()) == []
    used = uploaded(here, flash_clip)
    here.client.delete(job_of(here, used)["links"]["self"])
    here.client.delete(f"/v1/uploads/{used}", headers=TUS)
    parts_of(here.app).cleanup.turn()
    assert here.left() == []


def test_looking_at_the_clip(here: Place, flash_clip: Path, tmp_path: Path) -> None:
    upload = uploaded(here, flash_clip)
    told = here.client.post(f"/v1/uploads/{upload}/complete").get_json()
    assert (told["clip"]["width"], told["clip"]["frames"]) == (64, 60)
    assert len(told["sha256"]) == 64
    assert here.client.get(f"/v1/uploads/{upload}").get_json() == told
    (tmp_path / "no.mp4").write_bytes(b"no clip at all")
    refused = uploaded(here, tmp_path / "no.mp4")
    problem(here.client.post(f"/v1/uploads/{refused}/complete"), 422, "media")
    problem(here.client.post("/v1/jobs", json={"upload": refused}), 422, "media")
    for one in (upload, refused):
        assert here.client.delete(f"/v1/uploads/{one}", headers=TUS).status_code == 204
    parts_of(here.app).cleanup.turn()
    assert here.left() == []


def test_an_upload_that_is_not_all_here(here: Place, flash_clip: Path) -> None:
    data = flash_clip.read_bytes()
    answer = here.client.post("/v1/uploads", headers={**TUS, "Upload-Length": str(len(data))})
    link = answer.headers["Location"]
    patch(here, link, 0, data[:100])
    told = problem(here.client.post("/v1/jobs", json={"upload": link.rpartition("/")[2]}), 409, "conflict")
    assert told["detail"] == f"100 of {len(data)} bytes of this upload are here"
    problem(here.client.post(f"{link}/complete"), 409, "conflict")
    patch(here, link, 100, data[100:])
    assert job_of(here, link.rpartition("/")[2])["status"] == "queued"


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({}, 422, "option"),
        ({"upload": "../../etc/passwd"}, 422, "option"),
        ({"upload": "0" * 26}, 404, "not-found"),
        ({"upload": "0" * 26, "seed": -1}, 422, "option"),
        ({"upload": "0" * 26, "mode": "loud"}, 422, "option"),
        ({"upload": "0" * 26, "speed": 3}, 422, "option"),
        ({"upload": "0" * 26, "batch_id": "u" * 26}, 422, "option"),
    ],
)
def test_what_is_no_job(here: Place, asked: dict[str, Any], status: int, code: str) -> None:
    problem(here.client.post("/v1/jobs", json=asked), status, code)


def test_somebody_elses_upload_is_not_there(tmp_path: Path, flash_clip: Path) -> None:
    with place(tmp_path / "data", api_keys=KEYS) as locked:
        upload = uploaded(locked, flash_clip, **bearer("anna"))
        for headers, status in ((bearer("ben"), 404), (bearer("anna"), 202)):
            assert locked.client.post("/v1/jobs", json={"upload": upload}, headers=headers).status_code == status
        problem(locked.client.post(f"/v1/uploads/{upload}/complete", headers=bearer("ben")), 404, "not-found")


def test_twenty_jobs_of_one_upload_at_the_same_moment(here: Place, flash_clip: Path) -> None:
    upload = uploaded(here, flash_clip)
    with ThreadPoolExecutor(8) as pool:
        clients = [here.app.test_client() for _ in range(20)]
        asked = {"upload": upload, "mode": "hits"}
        answers = list(pool.map(lambda client: client.post("/v1/jobs", json=asked), clients))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.get_json()["id"] for answer in answers}) == 20
    assert clips(here) == [f"{upload}/source"]


def test_the_same_request_twice_makes_one_job(here: Place, flash_clip: Path) -> None:
    upload = uploaded(here, flash_clip)
    headers = {"Idempotency-Key": "once"}
    made = [here.client.post("/v1/jobs", json={"upload": upload}, headers=headers).get_json() for _ in range(2)]
    assert made[0]["id"] == made[1]["id"]
    other = here.client.post("/v1/jobs", json={"upload": upload, "seed": 3}, headers=headers)
    problem(other, 422, "idempotency")


def test_a_clip_is_looked_at_again_for_other_options_though_it_is_stored(here: Place, flash_clip: Path) -> None:
    upload = uploaded(here, flash_clip)
    job_of(here, upload)
    assert job_of(here, upload, salvage=True)["options"]["salvage"] is True
    assert len(uploads_of(here).get(upload, None).info or {}) == 3  # and its picture
    assert clips(here) == [f"{upload}/source"]
