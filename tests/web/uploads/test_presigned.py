"""Uploads that go straight to the storage: what a signed address takes, and what the real S3 server holds of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.servers import S3Server
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from tests.web.security.test_security import KEYS, bearer
from tests.web.uploads.test_jobs_of_uploads import clips, job_of
from tests.web.uploads.test_tus import uploads_of
from web.context import parts_of
from web.uploads import presigned

PATH = "/v1/uploads/presigned"


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


@pytest.fixture
def in_bucket(tmp_path: Path, flash_voice: FlashVoice, s3_server: S3Server) -> Iterator[Place]:
    bucket = f"direct-{time.time_ns()}"
    s3_server.make_bucket(bucket)
    keys = {"s3_access_key": s3_server.access_key, "s3_secret_key": s3_server.secret_key}
    with place(tmp_path / "data", storage_url=s3_server.url(bucket), **keys) as made:
        yield made


def announced(here: Place, clip: bytes, **asked: Any) -> dict[str, Any]:
    body = {"bytes": len(clip), "filename": "clip.mp4", **asked}
    answer = here.client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def sent(told: dict[str, Any], data: bytes, **changed: str) -> int:
    """Send to the storage as a program would; the status."""
    send = told["send"]
    if send["method"] == "PUT":
        return httpx.put(send["url"], content=data, trust_env=False).status_code
    fields = {**send["fields"], **changed}
    return httpx.post(send["url"], data=fields, files={"file": ("clip", data)}, trust_env=False).status_code


def here_path(told: dict[str, Any]) -> str:
    return "/v1/" + str(told["send"]["url"]).partition("/v1/")[2]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_straight_into_the_bucket(in_bucket: Place, flash_clip: Path, method: str) -> None:
    clip = flash_clip.read_bytes()
    told = announced(in_bucket, clip, method=method, sha256=hashlib.sha256(clip).hexdigest())
    assert told["send"]["method"] == method
    problem(in_bucket.client.post(told["links"]["complete"]), 409, "conflict")  # nothing is there yet
    assert sent(told, clip) in (200, 204)
    done = in_bucket.client.post(told["links"]["complete"]).get_json()
    assert (done["status"], done["clip"]["width"], done["offset"]) == ("ready", 64, len(clip))
    jobs = [job_of(in_bucket, told["id"], seed=seed) for seed in (1, 2)]
    assert clips(in_bucket) == [f"{told['id']}/source"]
    in_bucket.work()
    assert in_bucket.jobs.counts()["succeeded"] == 2
    in_bucket.client.delete(told["links"]["self"])
    for job in jobs:
        in_bucket.client.delete(job["links"]["self"])
    assert in_bucket.left() == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_real_server_holds_the_length_the_key_and_the_time(
    in_bucket: Place, flash_clip: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = flash_clip.read_bytes()
    told = announced(in_bucket, clip, method=method)
    assert sent(told, clip + b"\0") in (400, 403)
    assert sent(told, clip[:-1]) in (400, 403)
    if method == "POST":
        assert sent(told, clip, key=f"{told['id']}/source") == 403
    monkeypatch.setattr(presigned, "LIFE_S", 1)
    late = announced(in_bucket, clip, method=method)
    time.sleep(2.1)
    assert sent(late, clip) == 403
    assert in_bucket.left() == []


def test_what_is_sent_after_completion_changes_nothing(in_bucket: Place, flash_clip: Path) -> None:
    clip = flash_clip.read_bytes()
    told = announced(in_bucket, clip)
    sent(told, clip)
    job = job_of(in_bucket, told["id"])
    assert sent(told, bytes(len(clip))) == 204  # the address is good for a quarter of an hour
    assert b"".join(in_bucket.storage.read(f"{told['id']}/source")) == clip
    in_bucket.work()
    assert in_bucket.jobs.get(job["id"], None).state == "succeeded"
    in_bucket.client.delete(told["links"]["self"])
    in_bucket.client.delete(job["links"]["self"])
    parts_of(in_bucket.app).cleanup.turn()
    assert in_bucket.left() == []


def test_another_length_than_announced_is_refused_where_the_storage_held_none(
    in_bucket: Place, flash_clip: Path
) -> None:
    clip = flash_clip.read_bytes()
    told = announced(in_bucket, clip)
    in_bucket.storage.put(f"{told['id']}/upload", flash_clip, "video/mp4")
    uploads_of(in_bucket).change(told["id"], bytes=len(clip) - 5)
    problem(in_bucket.client.post(told["links"]["complete"]), 409, "conflict")
    assert in_bucket.left() == []


def test_another_content_than_announced_is_refused(in_bucket: Place, flash_clip: Path) -> None:
    clip = flash_clip.read_bytes()
    told = announced(in_bucket, clip, sha256=hashlib.sha256(clip).hexdigest().upper())
    assert sent(told, bytes(len(clip))) == 204
    problem(in_bucket.client.post(told["links"]["complete"]), 460, "checksum")
    assert sent(told, clip) == 204
    assert in_bucket.client.post(told["links"]["complete"]).status_code == 200


def test_an_upload_that_was_never_completed_is_taken_out_of_the_bucket(in_bucket: Place, flash_clip: Path) -> None:
    told = announced(in_bucket, flash_clip.read_bytes())
    sent(told, flash_clip.read_bytes())
    now = time.time()
    uploads_of(in_bucket)._clock = lambda: now + 25 * 3600
    parts_of(in_bucket.app).cleanup.turn()
    assert in_bucket.left() == []


def test_an_address_of_this_server(here: Place, flash_clip: Path) -> None:
    clip = flash_clip.read_bytes()
    told = announced(here, clip)
    assert told["send"]["method"] == "PUT"
    path = here_path(told)
    problem(here.client.put(path, data=clip[:-1]), 409, "conflict")
    problem(here.client.put(path, data=clip + b"\0"), 413, "too-large")
    assert here.client.put(path, data=clip).status_code == 204
    problem(here.client.put(path, data=clip), 409, "conflict")
    assert here.client.post(told["links"]["complete"]).get_json()["clip"]["width"] == 64
    job_of(here, told["id"])
    here.work()
    assert here.jobs.counts()["succeeded"] == 1


def test_a_signed_address_is_all_that_is_needed_and_good_for_nothing_else(
    tmp_path: Path, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = flash_clip.read_bytes()
    with place(tmp_path / "data", api_keys=KEYS) as locked:
        asked = {"bytes": len(clip), "filename": "a.mp4"}
        told = locked.client.post(PATH, json=asked, headers=bearer("anna")).get_json()
        other = locked.client.post(PATH, json=asked, headers=bearer("anna")).get_json()
        path = here_path(told)
        query = path.partition("?")[2]
        tampered = path.replace("expires=1", "expires=2")
        for wrong in (path[:-1], path + "0", tampered, f"/v1/uploads/{other['id']}/content?{query}"):
            problem(locked.client.put(wrong, data=clip), 401, "unauthorized")
        problem(locked.client.get(f"{told['links']['self']}?{query}"), 401, "unauthorized")
        problem(locked.client.patch(f"{told['links']['self']}?{query}"), 401, "unauthorized")
        problem(locked.client.delete(f"{told['links']['self']}?{query}"), 401, "unauthorized")
        problem(locked.client.put(path[:-1], data=clip, headers=bearer("anna")), 403, "forbidden")
        problem(locked.client.put(path[:-1], data=clip, headers=bearer("ben")), 404, "not-found")
        now = time.time()
        with monkeypatch.context() as later:
            later.setattr("web.uploads.presigned.time.time", lambda: now + 16 * 60)
            problem(locked.client.put(path, data=clip), 401, "unauthorized")
        assert locked.client.put(path, data=clip).status_code == 204
        assert locked.client.get(told["links"]["self"], headers=bearer("anna")).get_json()["status"] == "ready"


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({}, 422, "option"),
        ({"bytes": 0}, 422, "option"),
        ({"bytes": "10"}, 422, "option"),
        ({"bytes": 10**12}, 413, "too-large"),
        ({"bytes": 10, "sha256": "abc"}, 422, "option"),
        ({"bytes": 10, "method": "GET"}, 422, "option"),
    ],
)
def test_what_is_not_signed(here: Place, asked: dict[str, Any], status: int, code: str) -> None:
    problem(here.client.post(PATH, json=asked), status, code)
