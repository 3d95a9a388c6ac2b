"""Lists by what was made, their live states, and what is changed of one result and done to several."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.web_place import Place, place, problem
from tests.web.security.test_security import KEYS, bearer, log_in, token_of
from workers.jobs import new_id
from workers.timing.presence import Signs


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path) as made:
        yield made


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, api_keys=KEYS) as made:
        yield made


def titles(here: Place, **query: Any) -> list[str]:
    answer = here.client.get("/v1/jobs", query_string=query)
    assert answer.status_code == 200, answer.text
    return [job["title"] for job in answer.get_json()["jobs"]]


def test_lists_go_by_what_was_made(here: Place, dark_clip: Path) -> None:
    here.done((dark_clip, "waves.mp4"), mode="ambient")
    here.done((dark_clip, "knock.mp4"), mode="auto")  # which made hits of it
    here.sent((dark_clip, "waits.mp4"), mode="ambient")
    assert titles(here, voice="ambient") == ["waves.mp4"]
    assert titles(here, voice="hits") == ["knock.mp4"]
    assert titles(here, mode="auto") == ["knock.mp4"]
    assert titles(here, sound="sea_waves") == ["waves.mp4"]
    assert titles(here, material="wood") == ["knock.mp4"]
    assert titles(here, sort="title") == ["knock.mp4", "waits.mp4", "waves.mp4"]
    assert titles(here, day=time.strftime("%Y-%m-%d", time.gmtime())) == ["waits.mp4", "knock.mp4", "waves.mp4"]
    assert titles(here, day="2020-02-29") == []


@pytest.mark.parametrize(
    "query", [{"day": "2026-02-30"}, {"day": "yesterday"}, {"sort": "size"}, {"voice": "rain"}, {"texture": "-1"}]
)
def test_a_list_that_cannot_be_is_refused(here: Place, query: dict[str, str]) -> None:
    problem(here.client.get("/v1/jobs", query_string=query), 422, "option")
    problem(here.client.get("/v1/jobs", query_string={"sort": "title", "cursor": "x"}), 422, "option")


def test_titles_and_favourites(locked: Place, dark_clip: Path) -> None:
    job = locked.sent(dark_clip, headers=bearer("anna"))
    locked.finish()
    link = job["links"]["self"]
    changed = locked.client.patch(link, json={"title": "A / B ‮ rain\n", "favourite": True}, headers=bearer("anna"))
    assert (changed.get_json()["title"], changed.get_json()["favourite"]) == ("A / B rain", True)
    found = locked.client.get("/v1/search?q=rain", headers=bearer("anna")).get_json()["results"]
    assert [one["job"] for one in found] == [job["id"]]
    only = locked.client.get("/v1/jobs?favourite=true", headers=bearer("anna")).get_json()["jobs"]
    assert [one["id"] for one in only] == [job["id"]]
    problem(locked.client.patch(link, json={"title": "mine"}, headers=bearer("ben")), 404, "not-found")
    problem(locked.client.patch(link, json={"title": ""}, headers=bearer("anna")), 422, "option")
    problem(locked.client.patch(link, json={"owner": "ben"}, headers=bearer("anna")), 422, "option")
    anna = log_in(locked, "anna")
    form = {"csrf_token": token_of(anna), "favourite": "false", "title": "Quiet"}
    assert anna.post(f"/jobs/{job['id']}/change", data=form).status_code == 303
    told = locked.client.get(link, headers=bearer("anna")).get_json()
    assert (told["title"], told["favourite"]) == ("Quiet", False)
    ben = log_in(locked, "ben")
    assert ben.post(f"/jobs/{job['id']}/change", data={**form, "csrf_token": token_of(ben)}).status_code == 404


def test_a_picture_is_there_at_once(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip)
    picture = here.client.get(job["links"]["thumbnail"])
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    assert picture.data.startswith(b"\xff\xd8")
    assert "poster_key" not in json.dumps(job)
    here.finish()
    again = here.client.post(job["links"]["variants"]).get_json()["jobs"][0]
    here.client.delete(job["links"]["self"])  # a variant's picture is its own
    assert here.client.get(again["links"]["thumbnail"]).data == picture.data
    here.client.delete(again["links"]["self"])
    assert here.left() == []


def test_several_are_packed_made_again_and_deleted(here: Place, dark_clip: Path, flash_clip: Path) -> None:
    jobs = [here.done(dark_clip, seed="5"), here.done(flash_clip)]
    token = here.form_token()

    def do(what: str, ids: list[str]) -> Any:
        return here.client.post("/gallery/selected", data={"csrf_token": token, "do": what, "id": ids})

    ids = [job["id"] for job in jobs]
    packed = do("zip", ids)
    names = zipfile.ZipFile(io.BytesIO(packed.data)).namelist()
    assert sorted(name for name in names if name.endswith(".mp4")) == ["dark.sonorized.mp4", "flash.sonorized.mp4"]
    assert do("favourite", ids).status_code == 303
    assert len(titles(here, favourite="true")) == 2
    assert do("again", ids[:1]).status_code == 303
    assert here.client.get("/v1/jobs?state=queued").get_json()["jobs"][0]["options"]["seed"] == 6
    asked = do("delete", ids)
    assert "Delete 2 clips for good?" in asked.text
    assert len(titles(here)) == 3
    assert do("delete-for-good", ids).status_code == 303
    assert titles(here) == ["dark.mp4"]
    for what, chosen in (("burn", ids), ("zip", []), ("zip", ["x"] * 2)):
        assert do(what, chosen).status_code in (404, 422)


def test_nothing_is_done_to_what_is_somebody_elses(locked: Place, dark_clip: Path) -> None:
    own, other = (locked.sent(dark_clip, headers=bearer(name))["id"] for name in ("ben", "anna"))
    locked.finish()
    ben = log_in(locked, "ben")
    for what in ("zip", "delete", "delete-for-good", "again", "favourite", "cancel"):
        form = {"csrf_token": token_of(ben), "do": what, "id": [own, other]}
        assert ben.post("/gallery/selected", data=form).status_code == 404
    assert len(locked.jobs.recent(owner=None)[0]) == 2


def test_states_of_several_jobs(locked: Place, dark_clip: Path) -> None:
    mine = [locked.sent(dark_clip, headers=bearer("anna"))["id"] for _ in range(2)]
    other = locked.sent(dark_clip, headers=bearer("ben"))["id"]
    query = {"ids": ",".join([*mine, other]), "newer_than": mine[0]}
    told = locked.client.get("/v1/states", query_string=query, headers=bearer("anna")).get_json()
    positions = {one["id"]: one["position"] for one in told["jobs"]}
    assert positions.keys() == set(mine)
    assert positions[mine[0]] == 1 < positions[mine[1]]
    assert (told["newer"], {one["workers"] for one in told["jobs"]}) == (1, {0})
    Signs(locked.jobs.database, "one", ["auto"], locked.jobs.now).show()
    told = locked.client.get("/v1/states", query_string=query, headers=bearer("anna")).get_json()
    assert {one["workers"] for one in told["jobs"]} == {1}
    for bad in ("x", f"{mine[0]},", ",".join(new_id(1.0) for _ in range(201))):
        problem(locked.client.get("/v1/states", query_string={"ids": bad}, headers=bearer("anna")), 422, "option")


def test_a_stream_tells_what_changes(here: Place, dark_clip: Path) -> None:
    batch = here.send(dark_clip, dark_clip, to="/v1/batches").get_json()
    stream = here.client.get("/v1/events", query_string={"batch_id": batch["id"], "newer_than": batch["id"]})
    pieces = iter(cast(Iterable[bytes], stream.response))
    assert next(pieces).startswith(b"retry:")
    first = _states(next(pieces))
    assert [one["status"] for one in first["jobs"]] == ["queued", "queued"]
    (claimed,) = here.jobs.claim(1, "auto", "w")
    changed = _states(next(pieces))
    assert {one["id"]: one["status"] for one in changed["jobs"]}[claimed.id] == "running"
    here.jobs.delete(claimed.id, None)
    assert _states(next(pieces))["gone"] == [claimed.id]
    stream.close()
    assert here.app.extensions["sonorize"].streams.open == 0


def _states(piece: bytes) -> dict[str, Any]:
    assert piece.startswith(b"event: states\ndata: ")
    return dict(json.loads(piece.decode().partition("data: ")[2]))
