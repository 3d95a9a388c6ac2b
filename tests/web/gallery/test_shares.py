"""Links for people without a key: they open one result, and nothing else, until they are over."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.web_place import Place, canned, place, problem
from tests.web.security.test_security import KEYS, bearer, log_in, token_of
from workers.gallery.shares import LONGEST_S, Shares


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, api_keys=KEYS) as here:
        yield here


def shared(here: Place, clip: Path, **body: int) -> tuple[str, str]:
    """A finished job of Anna's and the path of a link to it."""
    job = here.sent(clip, headers=bearer("anna"))
    here.finish()
    made = here.client.post(f"/v1/jobs/{job['id']}/shares", json=body, headers=bearer("anna"))
    assert made.status_code == 201, made.text
    return job["id"], made.get_json()["url"].partition("localhost")[2]


def test_a_stranger_sees_one_result(locked: Place, dark_clip: Path) -> None:
    job_id, path = shared(locked, dark_clip)
    stranger = locked.app.test_client()
    page = stranger.get(path)
    assert page.status_code == 200
    assert "dark.mp4" in page.text
    assert job_id not in page.text  # nor any way to what only its owner may do
    assert "csrf_token" not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page.headers["X-Robots-Tag"]
    for kind in ("video", "sound", "thumbnail"):
        assert stranger.get(f"{path}/0/{kind}").status_code == 200
    piece = stranger.get(f"{path}/0/video", headers={"Range": "bytes=0-3"})
    assert (piece.status_code, piece.content_length) == (206, 4)
    links = re.findall(rf'"({re.escape(path)}[^"]*)"', page.text)
    assert links
    assert all(stranger.get(link).status_code == 200 for link in links)


def test_a_link_shows_the_take_that_its_owner_is_shown(locked: Place, dark_clip: Path) -> None:
    sent = locked.sent(dark_clip, headers=bearer("anna"), takes="2")
    (job,) = locked.jobs.claim(1, "auto", "test")
    result = canned(job, locked.storage)
    for output, rank in zip(result["outputs"], (2, 1), strict=True):
        output["description"] = {"rank": rank}
    assert locked.jobs.finish(job.id, job.attempt, result)
    made = locked.client.post(f"/v1/jobs/{sent['id']}/shares", headers=bearer("anna")).get_json()
    path = made["url"].partition("localhost")[2]
    stranger = locked.app.test_client()
    assert f'href="{path}?take=1" aria-current="page">Take 2<' in stranger.get(path).text
    assert f'href="{path}?take=0" aria-current="page">Take 1<' in stranger.get(f"{path}?take=0").text


def test_a_link_opens_nothing_else(locked: Place, dark_clip: Path, flash_clip: Path) -> None:
    job_id, path = shared(locked, dark_clip)
    other_id, other = shared(locked, flash_clip)
    stranger = locked.app.test_client()
    for kind in ("hits", "provenance", "maps", "source", "%2e%2e", "poster.jpg"):
        assert stranger.get(f"{path}/0/{kind}").status_code == 404
    assert stranger.get(f"{path}/1/video").status_code == 404
    assert stranger.get(f"{path}x").status_code == 404
    assert stranger.get(f"/s/{job_id}").status_code == 404
    assert stranger.get(f"{path}/0/video").data != stranger.get(f"{other}/0/video").data
    problem(stranger.get(f"/v1/jobs/{other_id}"), 401, "unauthorized")
    problem(stranger.get(f"/v1/jobs/{job_id}/outputs/0/video"), 401, "unauthorized")
    assert stranger.get(f"/jobs/{job_id}").status_code == 303
    assert stranger.post(path).status_code in (303, 405)


@pytest.mark.parametrize("take", ["9", "9" * 5000, "-1", "x"])
def test_a_take_that_is_not_there(locked: Place, dark_clip: Path, take: str) -> None:
    job_id, path = shared(locked, dark_clip)
    assert locked.app.test_client().get(f"{path}?take={take}").status_code == 200
    for page in (f"/jobs/{job_id}?take={take}", f"/search?q=rain&limit={take}"):
        assert locked.client.get(page, headers=bearer("anna")).status_code < 500


def test_links_end(locked: Place, dark_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id, path = shared(locked, dark_clip, lives_s=3600)
    stranger = locked.app.test_client()
    base = f"/v1/jobs/{job_id}/shares"
    (listed,) = locked.client.get(base, headers=bearer("anna")).get_json()["shares"]
    assert set(listed) == {"id", "created_at", "expires_at"}  # its address is known to nobody any more
    problem(locked.client.get(base, headers=bearer("ben")), 404, "not-found")
    problem(locked.client.post(base, headers=bearer("ben")), 404, "not-found")
    problem(locked.client.delete(f"{base}/{listed['id']}", headers=bearer("ben")), 404, "not-found")
    assert stranger.get(path).status_code == 200
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + 3601)
        gone = stranger.get(path, headers={"Accept": "text/html"})
        assert (gone.status_code, gone.mimetype) == (404, "text/html")
        assert "expired" in gone.text
        assert stranger.get(f"{path}/0/video").status_code == 404
    assert locked.client.delete(f"{base}/{listed['id']}", headers=bearer("anna")).status_code == 204
    assert stranger.get(path).status_code == 404
    _, again = shared(locked, dark_clip)
    locked.client.delete(f"/v1/jobs/{Shares(locked.jobs).opened(again[3:])[1].id}", headers=bearer("anna"))
    assert stranger.get(again).status_code == 404


@pytest.mark.parametrize("lives_s", [0, 59, LONGEST_S + 1, -1, "7", 1.5, None])
def test_a_life_out_of_range_is_refused(locked: Place, dark_clip: Path, lives_s: object) -> None:
    job_id, _ = shared(locked, dark_clip)
    answer = locked.client.post(f"/v1/jobs/{job_id}/shares", json={"lives_s": lives_s}, headers=bearer("anna"))
    problem(answer, 422, "option")


def test_nothing_is_shared_before_there_is_something(locked: Place, dark_clip: Path) -> None:
    job = locked.sent(dark_clip, headers=bearer("anna"))
    problem(locked.client.post(f"/v1/jobs/{job['id']}/shares", headers=bearer("anna")), 409, "conflict")


def test_links_are_made_and_taken_back_on_a_page(locked: Place, dark_clip: Path) -> None:
    job_id, _ = shared(locked, dark_clip)
    anna, ben = log_in(locked, "anna"), log_in(locked, "ben")
    assert ben.get(f"/jobs/{job_id}/shares").status_code == 404
    assert ben.post(f"/jobs/{job_id}/shares", data={"csrf_token": token_of(ben)}).status_code == 404
    assert anna.post(f"/jobs/{job_id}/shares", data={"lives_s": "3600"}).status_code == 403
    form = {"csrf_token": token_of(anna), "lives_s": "3600"}
    made = anna.post(f"/jobs/{job_id}/shares", data=form)
    assert made.status_code == 201
    path = made.text.partition('value="http://localhost')[2].partition('"')[0]
    assert locked.app.test_client().get(path).status_code == 200
    assert path not in anna.get(f"/jobs/{job_id}/shares").text
    for share in Shares(locked.jobs).of_job(job_id, None):
        assert (
            ben.post(f"/jobs/{job_id}/shares/{share.id}/revoke", data={"csrf_token": token_of(ben)}).status_code == 404
        )
        assert anna.post(f"/jobs/{job_id}/shares/{share.id}/revoke", data=form).status_code == 303
    assert locked.app.test_client().get(path).status_code == 404
