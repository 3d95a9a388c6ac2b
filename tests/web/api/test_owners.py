"""Quotas, one's own use and how long results are kept: as the API and the pages tell and change them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.web_place import Place, place, problem
from web.api import events
from web.api.schemas.owners import Me


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def me(here: Place) -> dict[str, Any]:
    told = dict(here.client.get("/v1/me").get_json())
    Me.model_validate_json(json.dumps(told), strict=True)
    return told


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_use_is_told(here: Place, dark_clip: Path) -> None:
    here.done(dark_clip, takes="2")
    here.sent(dark_clip)
    told = me(here)["quotas"]
    assert told["queued_jobs"] == {"used": 1, "allowed": None}
    assert told["sound_s_today"]["used"] == pytest.approx(3.0, abs=0.1)
    assert told["stored_bytes"]["used"] >= 2 * dark_clip.stat().st_size
    assert 0 < stamp(told["resets_at"]) - datetime.now(UTC).timestamp() <= 86_400
    page = here.client.get("/account").text
    assert "What you have" in page


@pytest.mark.parametrize(
    ("quota", "status", "code", "of", "word"),
    [
        ({"owner_queued": 1}, 429, "quota", "queued", "1 of your jobs wait already"),
        ({"owner_sound_s": 1.5}, 429, "quota", "sound", "2.0 s of sound today"),
        ({"owner_bytes": 5000}, 507, "quota-bytes", "bytes", "allowed are 5000"),
    ],
)
def test_more_than_the_quota_is_refused_with_a_sentence_and_nothing_is_stored(
    tmp_path: Path, dark_clip: Path, quota: dict[str, Any], status: int, code: str, of: str, word: str
) -> None:
    size = dark_clip.stat().st_size
    if "owner_bytes" in quota:
        quota = {"owner_bytes": size + size // 2}
        word = f"allowed are {size + size // 2}"
    with place(tmp_path / "data", **quota) as here:
        first = here.sent(dark_clip)
        before = sorted(here.left())
        answer = here.send(dark_clip)
        told = problem(answer, status, code)
        assert told["quota"] == of
        assert word in told["detail"]
        assert ("Retry-After" in answer.headers) == (code == "quota")
        assert sorted(here.left()) == before
        answer = here.client.post(f"{first['links']['self']}/variants", json={"seeds": [5]})
        problem(answer, status, code)
        assert sorted(here.left()) == before
        page = here.send(dark_clip, to="/", csrf_token=here.form_token())
        assert page.status_code == status
        assert "quota" in page.text
        allowed = {"queued": "queued_jobs", "sound": "sound_s_today", "bytes": "stored_bytes"}[of]
        assert me(here)["quotas"][allowed]["allowed"] == next(iter(quota.values()))


def test_results_are_kept_as_long_as_the_owner_says(here: Place, dark_clip: Path) -> None:
    job = here.done(dark_clip)
    assert stamp(job["expires_at"]) - stamp(job["finished_at"]) == pytest.approx(30 * 86_400, abs=1)
    assert (me(here)["retention_days"], me(here)["retention_is_own"]) == (30.0, False)
    changed = here.client.patch("/v1/me", json={"retention_days": 3}).get_json()
    assert (changed["retention_days"], changed["retention_is_own"]) == (3.0, True)
    again = here.client.get(job["links"]["self"]).get_json()
    assert stamp(again["expires_at"]) - stamp(job["finished_at"]) == pytest.approx(3 * 86_400, abs=1)
    here.client.patch("/v1/me", json={"retention_days": None})
    assert me(here)["retention_days"] == 30.0
    told = problem(here.client.patch("/v1/me", json={"retention_days": 366}), 422, "option")
    assert told["detail"] == "retention_days is 366; allowed are up to 365 days on this server"


def test_a_job_is_kept_as_long_as_was_said_of_it(here: Place, dark_clip: Path) -> None:
    sent = here.sent(dark_clip, keep_days="2")
    assert stamp(sent["expires_at"]) - stamp(sent["created_at"]) == pytest.approx(2 * 86_400, abs=1)
    kept = here.client.patch(sent["links"]["self"], json={"keep_days": 100}).get_json()
    assert stamp(kept["expires_at"]) - stamp(sent["created_at"]) == pytest.approx(100 * 86_400, abs=5)
    back = here.client.patch(sent["links"]["self"], json={"keep_days": None}).get_json()
    assert back["expires_at"] is None  # it has not ended, and nothing else was said
    problem(here.send(dark_clip, keep_days="366"), 422, "option")
    problem(here.send(dark_clip, keep_days="-1"), 422, "option")
    batch = here.send(dark_clip, to="/v1/batches", keep_days="5").get_json()
    assert batch["items"][0]["job"]["expires_at"] is not None


def test_the_pages_say_and_change_how_long(here: Place, dark_clip: Path) -> None:
    job = here.done(dark_clip)
    page = here.client.get(job["links"]["page"]).text
    assert f"deleted on {job['expires_at'][:10]}" in page
    token = here.form_token(job["links"]["page"])
    keep = f"{job['links']['page']}/keep"
    assert here.client.post(keep, data={"csrf_token": token, "keep_days": "1.5"}).status_code == 303
    later = stamp(here.client.get(job["links"]["self"]).get_json()["expires_at"])
    assert later - stamp(job["created_at"]) == pytest.approx(1.5 * 86_400, abs=30)
    refused = here.client.post(keep, data={"csrf_token": token, "keep_days": "soon"})
    assert refused.status_code == 422
    assert "number of days is" in refused.text
    sent = here.client.post("/account/retention", data={"csrf_token": token, "retention_days": "7"})
    assert sent.status_code == 303
    assert me(here)["retention_days"] == 7.0
    here.client.post("/account/retention", data={"csrf_token": token, "retention_days": ""})
    assert me(here)["retention_is_own"] is False


def test_streams_are_shared_between_owners_and_addresses(tmp_path: Path, dark_clip: Path) -> None:
    secrets = {name: f"{name}'s" for name in ("ann", "ben", "cleo")}
    keys = ",".join(f"{name}:{hashlib.sha256(secret.encode()).hexdigest()}" for name, secret in secrets.items())
    with place(tmp_path / "data", api_keys=keys) as here:
        links = {}
        for name, secret in secrets.items():
            job = here.send(dark_clip, headers={"Authorization": f"Bearer {secret}"}).get_json()
            links[name] = job["links"]["events"]

        def follow(name: str, address: str = "127.0.0.1") -> TestResponse:
            headers = {"Authorization": f"Bearer {secrets[name]}"}
            return here.client.get(links[name], headers=headers, environ_overrides={"REMOTE_ADDR": address})

        anns = [follow("ann") for _ in range(events.MAX_STREAMS_OF_ONE)]
        assert {one.status_code for one in anns} == {200}
        told = problem(follow("ann"), 503, "too-many-streams")
        assert "16 live streams of yours are open" in told["detail"]
        bens = [follow("ben", "192.0.2.7") for _ in range(events.MAX_STREAMS_OF_ONE)]
        assert {one.status_code for one in bens} == {200}
        anns.pop().close()
        assert "of yours" in problem(follow("cleo", "192.0.2.7"), 503, "too-many-streams")["detail"]
        last = follow("cleo")
        assert last.status_code == 200
        assert "the most here" in problem(follow("cleo"), 503, "too-many-streams")["detail"]
        for one in (*anns, *bens, last):
            one.close()
        assert here.app.extensions["sonorize"].streams.open == 0
