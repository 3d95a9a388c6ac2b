"""The API: what it answers, in which shape, and that its description tells the truth."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from synth.media import audio, video
from synth.options import Options
from tests.support.voices import FlashVoice, HissVoice
from tests.support.web_place import Place, canned, document, place, problem
from web.api import events
from web.api.operations import routes
from web.api.schemas.base import FROM_SETTING
from web.uploads import questions
from workers.errors import StorageError
from workers.jobs import State
from workers.records import ROUTE

OF_SCORES = {"drawings_key", "flac_key", "gain_db", "score_key", "stems", "verified"}
"""What only a take has that a worker made and that may be corrected; canned ones are as those of older releases."""


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def fits(told: Any, shape: str) -> None:
    """Hold a JSON value against a shape of the published document."""
    schema = {"$ref": f"#/components/schemas/{shape}", "components": document()["components"]}
    jsonschema.Draft202012Validator(schema).validate(told)


def test_the_description_lists_the_routes_that_there_are(here: Place) -> None:
    there = {
        (method.lower(), re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in here.app.url_map.iter_rules()
        if rule.rule.startswith("/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(call.method, call.path) for call in routes(here.app)} == there


def test_the_description_is_sound(here: Place) -> None:
    told = here.client.get("/v1/openapi.json").get_json()
    plain = document()  # without what the settings of a server say
    assert [sorted(told[part]) for part in ("paths", "components")] == [
        sorted(plain[part]) for part in ("paths", "components")
    ]
    assert FROM_SETTING not in json.dumps(told)
    assert told["openapi"] == "3.1.0"
    for schema in told["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [call["operationId"] for path in told["paths"].values() for call in path.values()]
    assert len(names) == len(set(names))
    used = {line.split('"')[3] for line in json.dumps(told, indent=0).splitlines() if '"$ref"' in line}
    assert {ref.removeprefix("#/components/schemas/") for ref in used} <= set(told["components"]["schemas"])


def test_from_the_upload_to_the_files(here: Place, flash_clip: Path, tmp_path: Path) -> None:
    answer = here.send(flash_clip, seed="3", takes="2", material="metal")
    assert answer.status_code == 202
    job = answer.get_json()
    fits(job, "Job")
    assert answer.headers["Location"] == job["links"]["self"] == f"/v1/jobs/{job['id']}"
    assert (job["status"], job["title"], job["queue"]["position"]) == ("queued", "flash.mp4", 1)
    assert job["options"] == Options(seed=3, takes=2, material="metal").as_dict()
    assert here.notified == ["auto"]

    here.work()
    done = here.client.get(job["links"]["self"]).get_json()
    fits(done, "Job")
    assert (done["status"], done["progress"]["fraction"], done["queue"]) == ("succeeded", 1.0, None)
    assert [take["seed"] for take in done["outputs"]] == [3, 4]
    assert [round(hit["time_s"], 1) for hit in done["outputs"][0]["hits"]] == [0.5, 1.2]
    assert {hit["material"] for hit in done["outputs"][0]["hits"]} == {"metal"}
    assert "worker" not in json.dumps(done)
    assert str(here.settings.data_dir) not in json.dumps(done)

    links = done["outputs"][0]["links"]
    for kind in ("video", "sound", "hits", "provenance", "thumbnail"):
        answer = here.client.get(links[kind])
        assert answer.status_code == 200
        (tmp_path / kind).write_bytes(answer.data)
    assert video.packet_digest(tmp_path / "video") == video.packet_digest(flash_clip)
    assert len(audio.read(tmp_path / "sound")[0]) > 0
    assert len(json.loads((tmp_path / "hits").read_text())["hits"]) == 2
    assert json.loads((tmp_path / "provenance").read_text())["seed"] == 3
    assert (tmp_path / "thumbnail").read_bytes()[:2] == b"\xff\xd8"
    name = here.client.get(f"{links['video']}?download").headers["Content-Disposition"]
    assert name.startswith('attachment; filename="flash.take1.sonorized.mp4"')
    name = here.client.get(f"{links['flac']}?download").headers["Content-Disposition"]
    assert name.startswith('attachment; filename="flash.take1.sonorized.flac"')

    row = here.jobs.get(done["id"], None)  # what the other tests put there has this shape
    assert set((row.result or {})["outputs"][0]) - OF_SCORES == set(canned(row, here.storage)["outputs"][0])


def test_ranges(here: Place, flash_clip: Path) -> None:
    link = here.done(flash_clip)["outputs"][0]["links"]["video"]
    whole = here.client.get(link)
    size = len(whole.data)
    assert (whole.headers["Accept-Ranges"], whole.content_length) == ("bytes", size)
    for asked, start, end in (("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=-7", size - 7, size)):
        part = here.client.get(link, headers={"Range": asked})
        assert (part.status_code, part.data) == (206, whole.data[start:end])
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    outside = here.client.get(link, headers={"Range": f"bytes={size}-"})
    problem(outside, 416, "range")
    assert outside.headers["Content-Range"] == f"bytes */{size}"
    stale = here.client.get(link, headers={"Range": "bytes=0-0", "If-Range": '"another"'})
    assert (stale.status_code, len(stale.data)) == (200, size)
    fresh = {"Range": "bytes=0-0", "If-Range": whole.headers["ETag"]}
    assert here.client.get(link, headers=fresh).status_code == 206
    assert here.client.get(link, headers={"Range": "lines=1-2"}).status_code == 200
    assert here.client.get(link, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    head = here.client.head(link)
    assert (head.status_code, head.data, head.content_length) == (200, b"", size)


def test_listing_filters_and_pages(here: Place, flash_clip: Path, dark_clip: Path) -> None:
    first = here.done(flash_clip)
    second, third = here.sent(dark_clip, mode="hits"), here.sent(dark_clip)
    listed = here.client.get("/v1/jobs").get_json()
    fits(listed, "Jobs")
    assert [job["id"] for job in listed["jobs"]] == [third["id"], second["id"], first["id"]]

    def ids(query: str) -> list[str]:
        return [job["id"] for job in here.client.get(f"/v1/jobs?{query}").get_json()["jobs"]]

    assert ids("state=succeeded") == [first["id"]]
    assert ids("mode=hits") == [second["id"]]
    assert ids("state=queued&mode=auto") == [third["id"]]
    page = here.client.get("/v1/jobs?limit=2").get_json()
    assert len(page["jobs"]) == 2
    rest = here.client.get(f"/v1/jobs?limit=2&cursor={page['next_cursor']}").get_json()
    assert ([job["id"] for job in rest["jobs"]], rest["next_cursor"]) == ([first["id"]], None)
    for query in ("state=asleep", "mode=opera", "limit=0", "limit=x", "limit=101"):
        problem(here.client.get(f"/v1/jobs?{query}"), 422, "option")


def test_reading_again_costs_nothing_while_nothing_changes(here: Place, flash_clip: Path) -> None:
    link = here.sent(flash_clip)["links"]["self"]
    known = {"If-None-Match": here.client.get(link).headers["ETag"]}
    assert here.client.get(link, headers=known).status_code == 304
    here.finish()
    assert here.client.get(link, headers=known).status_code == 200


def test_an_idempotency_key_makes_one_job(here: Place, flash_clip: Path, dark_clip: Path) -> None:
    key = {"Idempotency-Key": "one"}
    first = here.send(flash_clip, headers=key, seed="1")
    again = here.send(flash_clip, headers=key, seed="1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.get_json()["id"] == again.get_json()["id"]
    problem(here.send(flash_clip, headers=key, seed="2"), 422, "idempotency")
    problem(here.send(dark_clip, headers=key, seed="1"), 422, "idempotency")
    assert here.left() == [f"{first.get_json()['id']}/source", first.get_json()["id"]]
    problem(here.send(flash_clip, headers={"Idempotency-Key": "x" * 201}), 400, "bad-request")


def test_a_key_in_flight(here: Place, flash_clip: Path) -> None:
    submitter = here.app.extensions["sonorize"].submitter
    with submitter.once("local", "busy"):
        answer = here.send(flash_clip, headers={"Idempotency-Key": "busy"})
    problem(answer, 409, "conflict")
    assert answer.headers["Retry-After"]
    assert here.left() == []


def test_hundred_senders_of_one_key(here: Place, flash_clip: Path) -> None:
    body = flash_clip.read_bytes()
    answers: list[int] = []

    def send(client: FlaskClient) -> None:
        data = {"file": (io.BytesIO(body), "a.mp4")}
        answers.append(client.post("/v1/jobs", data=data, headers={"Idempotency-Key": "k"}).status_code)

    threads = [threading.Thread(target=send, args=(here.app.test_client(),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {202, 409}
    assert len(here.jobs.recent(owner=None)[0]) == 1
    assert len(here.left()) == 2


def pieces_of(stream: TestResponse) -> Iterator[bytes]:
    return iter(cast(Iterable[bytes], stream.response))


def test_events_tell_the_whole_state_and_end(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip)
    stream = here.client.get(job["links"]["events"])
    assert stream.content_type == "text/event-stream; charset=utf-8"
    pieces = pieces_of(stream)
    assert next(pieces).startswith(b"retry:")
    assert _event(next(pieces))["status"] == "queued"
    here.finish()
    told = [piece for piece in pieces if piece.startswith(b"id:")]
    assert (_event(told[-1])["status"], _event(told[-1])["fraction"]) == ("succeeded", 1.0)
    stream.close()
    seen = told[-1].split(b"\n")[0].removeprefix(b"id: ").decode()
    assert here.client.get(job["links"]["events"], headers={"Last-Event-ID": seen}).status_code == 204
    other = here.client.get(job["links"]["events"], headers={"Last-Event-ID": "something else"})
    assert _event(next(piece for piece in pieces_of(other) if piece.startswith(b"id:")))["status"] == "succeeded"


def _event(piece: bytes) -> dict[str, Any]:
    lines = dict(line.split(": ", 1) for line in piece.decode().strip().splitlines())
    assert lines["event"] == "state"
    return dict(json.loads(lines["data"]))


def test_a_deleted_job_ends_its_stream(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip)
    stream = here.client.get(job["links"]["events"])
    pieces = pieces_of(stream)
    next(pieces), next(pieces)
    here.client.delete(job["links"]["self"])
    assert next(pieces).startswith(b"event: gone")
    stream.close()


def test_streams_have_a_cap(here: Place, flash_clip: Path) -> None:
    link = here.sent(flash_clip)["links"]["events"]
    open_ones = [here.client.get(link) for _ in range(events.MAX_STREAMS)]
    refused = here.client.get(link)
    problem(refused, 503, "too-many-streams")
    assert refused.headers["Retry-After"]
    for one in open_ones:
        one.close()
    after = here.client.get(link)
    assert after.status_code == 200
    after.close()
    assert here.app.extensions["sonorize"].streams.open == 0


def test_cancel_retry_delete(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip)
    problem(here.client.post(job["links"]["retry"]), 409, "conflict")
    canceled = here.client.post(job["links"]["cancel"])
    fits(canceled.get_json(), "Cancellation")
    assert (canceled.status_code, canceled.get_json()["outcome"]) == (200, "canceled")
    assert here.client.post(job["links"]["cancel"]).get_json()["outcome"] == "already_finished"
    again = here.client.post(job["links"]["retry"])
    assert (again.status_code, again.get_json()["status"]) == (202, "queued")
    here.finish()
    assert len(list(here.storage.keys(job["id"]))) > 3
    assert here.client.delete(job["links"]["self"]).status_code == 204
    assert here.left() == []
    problem(here.client.get(job["links"]["self"]), 404, "not-found")
    problem(here.client.delete(job["links"]["self"]), 404, "not-found")


def test_an_ambient_job_says_of_what_it_is(here: Place, hiss_voice: HissVoice, flash_clip: Path) -> None:
    job = here.sent(flash_clip, mode="ambient", sound_class="Sea Waves", takes="2")
    assert job["options"]["sound_class"] == "sea_waves"
    here.work()
    done = here.client.get(job["links"]["self"]).get_json()
    fits(done, "Job")
    first = done["outputs"][0]
    assert (first["mode"], first["sound_class"]["name"], first["made_s"]) == ("ambient", "sea_waves", None)
    assert "hits" not in first["links"]
    problem(here.client.get(first["links"]["video"].replace("/video", "/hits")), 404, "not-found")
    row = here.jobs.get(done["id"], None)
    assert set((row.result or {})["outputs"][0]) - OF_SCORES == set(canned(row, here.storage)["outputs"][0])
    refused = here.send(flash_clip, mode="hits", sound_class="rain")
    assert "sound_class goes with mode ambient" in problem(refused, 422, "option")["detail"]
    problem(here.send(flash_clip, mode="ambient", sound_class="opera"), 422, "option")


@pytest.mark.parametrize("how", ["query", "json", "form"])
def test_a_cancelled_job_keeps_its_part(here: Place, dark_clip: Path, how: str) -> None:
    job = here.sent(dark_clip, mode="ambient")
    cancel = job["links"]["cancel"]
    (claimed,) = here.jobs.claim(1, "ambient", "test")
    problem(here.client.post(f"{cancel}?keep_partial=perhaps"), 422, "option")
    assert not here.jobs.get(job["id"], None).cancel_requested
    if how == "query":
        told = here.client.post(f"{cancel}?keep_partial=true")
    elif how == "json":
        told = here.client.post(cancel, json={"keep_partial": True})
    else:
        told = here.client.post(cancel, data={"keep_partial": "true"})
    assert told.status_code == 202
    fits(told.get_json(), "Cancellation")
    assert here.jobs.keeps_partial(job["id"])
    result = canned(claimed, here.storage)
    result["outputs"][0]["made_s"] = 0.4
    assert here.jobs.canceled(claimed.id, claimed.attempt, result)
    kept = here.client.get(job["links"]["self"]).get_json()
    fits(kept, "Job")
    assert (kept["status"], kept["outputs"][0]["made_s"]) == ("canceled", 0.4)
    assert here.client.get(kept["links"]["result"]).status_code == 200
    retried = here.client.post(job["links"]["retry"]).get_json()
    assert (retried["status"], retried["outputs"]) == ("queued", [])
    assert "result" not in retried["links"]


def test_results_of_the_last_release_are_shown(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip)
    (claimed,) = here.jobs.claim(1, "auto", "test")
    result = canned(claimed, here.storage)
    for name in ("sound_class", "made_s"):
        del result["outputs"][0][name]
    assert here.jobs.finish(claimed.id, claimed.attempt, result)
    fits(here.client.get(job["links"]["self"]).get_json(), "Job")
    for page in (job["links"]["page"], "/gallery", "/"):
        assert here.client.get(page).status_code == 200


def test_variants_stand_on_their_own(here: Place, flash_clip: Path) -> None:
    job = here.done(flash_clip, seed="5", takes="2", material="glass")
    answer = here.client.post(job["links"]["variants"])
    fits(answer.get_json(), "Created")
    (next_one,) = answer.get_json()["jobs"]
    assert (answer.status_code, next_one["options"]["seed"]) == (202, 7)
    assert next_one["options"]["material"] == "glass"
    several = here.client.post(job["links"]["variants"], json={"seeds": [1, 2]}).get_json()["jobs"]
    assert [one["options"]["seed"] for one in several] == [1, 2]
    here.client.delete(job["links"]["self"])
    here.finish()
    assert here.client.get(next_one["links"]["self"]).get_json()["status"] == "succeeded"
    link = next_one["links"]["variants"]
    wrong: list[dict[str, object]] = [
        {"seed": -1},
        {"seeds": []},
        {"seeds": [*range(9)]},
        {"seeds": "1"},
        {"seed": "x"},
    ]
    for body in wrong:
        problem(here.client.post(link, json=body), 422, "option")
    problem(here.client.post(link, data="[1]", content_type="application/json"), 400, "bad-request")
    problem(here.client.post(link, data="seed", content_type="text/plain"), 415, "unsupported-type")


def test_a_variant_of_an_expired_job(here: Place, flash_clip: Path) -> None:
    job = here.done(flash_clip)
    here.storage.delete(job["id"])
    told = problem(here.client.post(job["links"]["variants"]), 409, "conflict")
    assert "source" not in told["detail"]


def test_a_batch(here: Place, flash_clip: Path, dark_clip: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear server")
    answer = here.send(flash_clip, letter, dark_clip, flash_clip, to="/v1/batches", seed="2")
    assert answer.status_code == 202
    made = answer.get_json()
    fits(made, "BatchCreated")
    assert [("job" in item, item["name"]) for item in made["items"]] == [
        (True, "flash.mp4"),
        (False, "letter.mp4"),
        (True, "dark.mp4"),
        (True, "flash.mp4"),
    ]
    assert made["items"][1]["problem"]["status"] == 422
    assert (made["counts"]["total"], made["counts"]["queued"], made["status"]) == (3, 3, "running")
    problem(here.client.get(made["links"]["result"]), 409, "conflict")
    here.finish()
    told = here.client.get(made["links"]["self"]).get_json()
    fits(told, "Batch")
    assert (told["status"], told["counts"]["succeeded"]) == ("finished", 3)
    assert [job["title"] for job in told["jobs"]] == ["flash.mp4", "dark.mp4", "flash.mp4"]
    packed = zipfile.ZipFile(io.BytesIO(here.client.get(made["links"]["result"]).data))
    assert packed.testzip() is None
    assert sorted(packed.namelist()) == sorted(
        f"{stem}{kind}" for stem in ("flash", "dark", "flash (2)") for kind in (".sonorized.mp4", ".hits.json")
    )
    listed = here.client.get("/v1/batches").get_json()
    fits(listed, "Batches")
    assert [batch["id"] for batch in listed["batches"]] == [made["id"]]
    problem(here.client.get("/v1/batches/nobody"), 404, "not-found")


def test_the_archive_of_a_batch_holds_what_there_is(here: Place, dark_clip: Path, flash_clip: Path) -> None:
    batch = here.send(dark_clip, flash_clip, to="/v1/batches", mode="ambient").get_json()
    first = here.jobs.recent(owner=None, limit=9)[0][-1]
    here.cut(first.id)
    cancelled = here.client.post(f"{batch['links']['cancel']}?keep_partial=true").get_json()
    assert list(cancelled["outcomes"].values()) == ["canceled"]
    archive = zipfile.ZipFile(io.BytesIO(here.client.get(batch["links"]["result"]).data))
    assert archive.namelist() == ["dark.sonorized.mp4"]


def test_a_batch_is_cancelled_as_one(here: Place, dark_clip: Path) -> None:
    made = here.send(dark_clip, dark_clip, to="/v1/batches").get_json()
    answer = here.client.post(made["links"]["cancel"])
    fits(answer.get_json(), "BatchCancellation")
    assert set(answer.get_json()["outcomes"].values()) == {"canceled"}
    assert here.client.get(made["links"]["self"]).get_json()["counts"]["canceled"] == 2


def test_a_batch_under_a_key_and_one_of_nothing(here: Place, dark_clip: Path, tmp_path: Path) -> None:
    key = {"Idempotency-Key": "b"}
    first = here.send(dark_clip, dark_clip, to="/v1/batches", headers=key).get_json()
    again = here.send(dark_clip, dark_clip, to="/v1/batches", headers=key).get_json()
    assert (first["id"], first["counts"]["total"]) == (again["id"], again["counts"]["total"]) == (first["id"], 2)
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear server")
    told = problem(here.send(letter, letter, to="/v1/batches"), 422, "media")
    assert len(told["items"]) == 2
    fits(told, "Problem")


def test_clips_sent_one_by_one_may_join_a_batch(here: Place, dark_clip: Path) -> None:
    batch = here.sent(dark_clip)["id"]  # any id of ours will do for a name
    for _ in range(2):
        here.sent(dark_clip, batch_id=batch)
    assert here.client.get(f"/v1/batches/{batch}").get_json()["counts"]["total"] == 2
    problem(here.send(dark_clip, batch_id="../x"), 422, "option")


def test_probe_and_limits(here: Place, flash_clip: Path) -> None:
    told = here.send(flash_clip, to="/v1/probe").get_json()
    fits(told, "Clip")
    fits(told, "Probe")
    assert "route" not in told
    assert (told["width"], told["height"], round(told["duration_s"])) == (64, 48, 2)
    assert here.left() == []
    limits = here.client.get("/v1/limits").get_json()
    fits(limits, "Limits")
    assert limits["max_bytes"] == here.settings.max_upload_bytes


def test_a_probe_asks_a_worker_which_voice_suits(here: Place, flash_clip: Path, flash_voice: FlashVoice) -> None:
    with here.at_work():
        told = here.send(flash_clip, to="/v1/probe", route="true").get_json()
    fits(told, "Probe")
    assert told["route"]["mode"] == "hits"
    assert told["route"]["reason"] == "it flashes for 2.0 of 2.0 s"
    assert [one["mode"] for one in told["route"]["ranges"]] == ["hits"]
    assert here.notified == ["route"]
    assert here.left() == []


def test_a_question_is_no_job(here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(questions.PATIENCE_S, ROUTE, 0.1)
    seen: list[dict[str, Any]] = []
    wait = questions.Questions._answer

    def look_and_wait(self: questions.Questions, job_id: str, mode: str) -> dict[str, Any] | None:
        assert here.jobs.counts()["queued"] == 1
        seen.append(here.app.test_client().get("/v1/jobs").get_json())
        return wait(self, job_id, mode)

    monkeypatch.setattr(questions.Questions, "_answer", look_and_wait)
    told = here.send(flash_clip, to="/v1/probe", route="true").get_json()
    fits(told, "Probe")
    assert told["route"] is None  # no worker was there
    assert seen == [{"jobs": [], "next_cursor": None}]
    assert here.jobs.counts()["queued"] == 0
    assert here.left() == []


def test_a_probe_is_told_what_is_not_allowed(here: Place, flash_clip: Path) -> None:
    problem(here.send(flash_clip, to="/v1/probe", route="perhaps"), 422, "option")


def test_a_take_says_why_its_voice(here: Place, flash_clip: Path, flash_voice: FlashVoice) -> None:
    job = here.sent(flash_clip, seed="3")
    here.work()
    done = here.client.get(job["links"]["self"]).get_json()
    fits(done, "Job")
    (take,) = done["outputs"]
    assert take["mode_reason"] == "auto: it flashes for 2.0 of 2.0 s"
    assert (take["ranges"], take["synthetic_speech"]) == ([], False)


def test_a_full_queue(tmp_path: Path, dark_clip: Path, flash_voice: FlashVoice) -> None:
    with place(tmp_path / "data", max_queued=1) as here:
        job = here.sent(dark_clip)
        answer = here.send(dark_clip)
        problem(answer, 429, "queue-full")
        assert int(answer.headers["Retry-After"]) > 0
        assert here.left() == [f"{job['id']}/source", job["id"]]


def test_a_storage_that_is_away(here: Place, dark_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> int:
        raise StorageError("the object storage at http://internal:1234 refused")

    monkeypatch.setattr(here.storage, "put", away)
    answer = here.send(dark_clip)
    told = problem(answer, 503, "unavailable")
    assert "internal" not in told["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    assert here.left() == []
    ready = here.client.get("/readyz")
    assert ready.status_code == 200


def test_a_full_disk(here: Place, dark_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> int:
        raise StorageError("a file cannot be stored: No space left on device") from OSError(28, "No space left")

    monkeypatch.setattr(here.storage, "put", full)
    answer = here.send(dark_clip)
    problem(answer, 507, "disk-full")
    assert answer.headers["Retry-After"]
    monkeypatch.setattr("workers.files.disk.RESERVE_BYTES", 10**18)
    problem(here.send(dark_clip), 507, "disk-full")
    assert here.left() == []


def test_what_is_not_there(here: Place, flash_clip: Path) -> None:
    job = here.done(flash_clip)
    for path in ("/v1/nothing", "/v1/jobs/nobody", f"{job['links']['self']}/outputs/7/video"):
        problem(here.client.get(path), 404, "not-found")
    told = problem(here.client.get(f"{job['links']['self']}/outputs/0/score"), 404, "not-found")
    assert "thumbnail" in told["detail"]
    answer = here.client.put("/v1/jobs")
    problem(answer, 405, "method")
    assert "POST" in answer.headers["Allow"]


def test_no_text_holds_a_nul(here: Place) -> None:
    problem(here.client.get("/v1/jobs/a%00b"), 404, "not-found")
    for query in ("cursor=a%00b", "sound=%00"):
        told = problem(here.client.get(f"/v1/jobs?{query}"), 422, "option")
        assert "holds a NUL" in told["detail"]


def test_what_nobody_foresaw_says_nothing_but_a_number(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> Any:
        raise RuntimeError("secret words of /etc")

    monkeypatch.setattr(here.jobs, "recent", broken)
    told = problem(here.client.get("/v1/batches/" + "0" * 26), 500, "internal")
    assert "secret" not in json.dumps(told)
    assert len(told["id"]) == 12


def test_health(here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.client.get("/livez").text == "alive\n"
    here.sent(flash_clip)
    ready = here.client.get("/readyz")
    assert ready.get_json() == {
        "status": "ready",
        "checks": {"database": "ok", "storage": "ok", "spool": "ok", "broker": "not asked"},
    }
    figures = here.client.get("/metrics").text
    assert 'sonorize_jobs{state="queued"} 1.0' in figures
    assert 'sonorize_oldest_job_age_seconds{state="queued"}' in figures
    assert 'sonorize_request_seconds_count{method="POST",status="202",view="api.create"} 1.0' in figures

    def away() -> None:
        raise StorageError("gone")

    monkeypatch.setattr(here.storage, "check", away)
    answer = here.client.get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]["storage"]) == (503, "away")


def test_a_failed_job_says_why(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip, bank="no-such-bank")
    here.work()
    told = here.client.get(job["links"]["self"]).get_json()
    fits(told, "Job")
    assert (told["status"], told["error"]["retryable"]) == (State.FAILED, False)
    assert "no-such-bank" in told["error"]["detail"]


def test_what_a_job_took_is_expected_of_the_next(here: Place, flash_voice: FlashVoice, flash_clip: Path) -> None:
    assert here.sent(flash_clip, mode="hits")["queue"] == {"position": 1, "eta_s": None, "workers": 0}
    here.work()
    waiting = here.sent(flash_clip, mode="hits")["queue"]
    assert 0 <= waiting["eta_s"] < 60  # nothing, of a voice that takes no time
    here.jobs.claim(1, "hits", "w")
    running = here.client.get("/v1/jobs").get_json()["jobs"][0]
    assert (running["queue"], running["status"]) == (None, "running")
    assert 0 <= running["progress"]["eta_s"] <= waiting["eta_s"]
