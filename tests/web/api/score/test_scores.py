"""The score over HTTP: read, change, conflict, render, parts, exchange; nobody else's."""

from __future__ import annotations

import http.client
import io
import json
import math
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image
from werkzeug.test import TestResponse

from synth.score.rendering import render_score
from synth.score.score import MAX_HITS
from tests.conftest import FLASH_CLIP_S, FLASHES_S
from tests.support.voices import FlashVoice
from tests.support.web_place import PROBLEM, Place, place
from tests.web.uploads.test_uploads import listening
from web.security.csrf import SCORE_BYTES
from workers.records import SCORE, State
from workers.score import rendering
from workers.score.drafts import VERSIONS_KEPT, Drafts
from workers.score.renders import Renders


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


@pytest.fixture
def job(here: Place, flash_clip: Path) -> dict[str, Any]:
    made = here.sent(flash_clip, mode="hits")
    here.work()
    found: dict[str, Any] = here.client.get(made["links"]["self"]).get_json()
    assert found["status"] == "succeeded", found
    return found


def score(here: Place, job: dict[str, Any], take: int = 0, **query: Any) -> dict[str, Any]:
    got = here.client.get(f"/v1/jobs/{job['id']}/score", query_string={"take": take, **query})
    assert got.status_code == 200, got.get_data(as_text=True)
    found: dict[str, Any] = got.get_json()
    return found


def change(here: Place, job: dict[str, Any], take: int = 0, **changes: Any) -> TestResponse:
    return here.client.patch(f"/v1/jobs/{job['id']}/score?take={take}", json=changes)


def rendered(here: Place, job: dict[str, Any], **body: Any) -> dict[str, Any]:
    asked = here.client.post(f"/v1/jobs/{job['id']}/score/render", json=body)
    assert asked.status_code == 202, asked.get_data(as_text=True)
    here.work()
    told: dict[str, Any] = here.client.get(asked.get_json()["links"]["self"]).get_json()
    return told


def refused(response: TestResponse, status: int) -> dict[str, Any]:
    assert (response.status_code, response.content_type) == (status, PROBLEM), response.get_data(as_text=True)
    told: dict[str, Any] = response.get_json()
    return told


def test_a_take_has_a_score(here: Place, job: dict[str, Any]) -> None:
    found = score(here, job)
    assert [hit["time_s"] for hit in found["hits"]] == pytest.approx(FLASHES_S, abs=0.05)
    assert (found["version"], found["take"], found["parent"], found["editable"]) == (0, 0, None, True)
    assert [stem["name"] for stem in found["stems"]] == ["hits"]
    assert found["duration_s"] == pytest.approx(FLASH_CLIP_S)
    assert found["saved_at"] is None


def test_a_change_is_a_version(here: Place, job: dict[str, Any]) -> None:
    before = score(here, job)
    hits = [{**before["hits"][0], "time_s": 0.75}, {"id": "new", "time_s": 1.75, "material": "glass"}]
    changed = change(here, job, version=0, hits=hits, loudness_lufs=-16, limiter=True)
    assert changed.status_code == 200
    told = changed.get_json()
    assert (told["version"], changed.headers["ETag"]) == (1, '"0-1"')
    assert [(hit["id"], hit["time_s"]) for hit in told["hits"]] == [("h1", 0.75), ("new", 1.75)]
    assert (told["loudness_lufs"], told["limiter"], told["true_peak_dbtp"]) == (-16.0, True, -1.0)
    assert told["saved_at"] is not None
    assert score(here, job) == told
    assert score(here, job, version=0) == before
    assert here.client.get(f"/v1/jobs/{job['id']}/score", headers={"If-None-Match": '"0-1"'}).status_code == 304
    same = change(here, job, version=1, limiter=True)
    assert same.get_json()["version"] == 1  # nothing changed


def test_older_versions_are_there_to_go_back_to(here: Place, job: dict[str, Any]) -> None:
    for version in range(3):
        assert change(here, job, version=version, loudness_lufs=-20.0 - version - 1).status_code == 200
    versions = here.client.get(f"/v1/jobs/{job['id']}/score/versions").get_json()["versions"]
    assert [(one["version"], one["hits"]) for one in versions] == [(3, 2), (2, 2), (1, 2), (0, 2)]
    assert score(here, job, version=1)["loudness_lufs"] == -21.0
    assert here.client.delete(f"/v1/jobs/{job['id']}/score").status_code == 204
    assert score(here, job)["version"] == 0
    refused(here.client.get(f"/v1/jobs/{job['id']}/score?version=1"), 404)


def test_so_many_versions_are_kept(here: Place, job: dict[str, Any]) -> None:
    drafts = Drafts(here.jobs)
    for version in range(VERSIONS_KEPT + 5):
        drafts.save(job["id"], 0, {"hits": [], "layers": [], "words": [], "n": version}, changes=version)
    kept = drafts.versions(job["id"], 0)
    assert [one.version for one in kept] == list(range(VERSIONS_KEPT + 5, 5, -1))


def test_two_who_change_one_version_do_not_overwrite_each_other(here: Place, job: dict[str, Any]) -> None:
    assert change(here, job, version=0, limiter=True).status_code == 200
    told = refused(change(here, job, version=0, limiter=False), 409)
    assert told["version"] == 1
    path = f"/v1/jobs/{job['id']}/score"
    refused(here.client.patch(path, json={"limiter": False}, headers={"If-Match": '"0-0"'}), 409)
    assert here.client.patch(path, json={"limiter": False}, headers={"If-Match": '"0-1"'}).status_code == 200
    assert "version is missing" in refused(here.client.patch(path, json={"limiter": False}), 422)["detail"]
    refused(here.client.post(f"{path}/render", json={"version": 1}), 409)


def test_no_version_is_given_twice(here: Place, job: dict[str, Any]) -> None:
    path = f"/v1/jobs/{job['id']}/score"
    first = change(here, job, version=0, loudness_lufs=-21).headers["ETag"]
    for _ in range(2):  # the second finds nothing to forget
        assert here.client.delete(path).status_code == 204
    assert score(here, job)["version"] == 0
    assert refused(here.client.patch(path, json={"version": 1, "limiter": True}), 409)["version"] == 0
    again = change(here, job, version=0, loudness_lufs=-30)
    assert again.get_json()["loudness_lufs"] == -30
    assert again.headers["ETag"] != first
    assert here.client.get(path, headers={"If-None-Match": first}).get_json()["loudness_lufs"] == -30
    refused(here.client.patch(path, json={"limiter": True}, headers={"If-Match": first}), 409)
    versions = here.client.get(f"{path}/versions").get_json()["versions"]
    assert [one["version"] for one in versions] == [again.get_json()["version"], 0]


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000])
def test_numbers_that_no_database_holds(here: Place, job: dict[str, Any], number: str) -> None:
    path = f"/v1/jobs/{job['id']}"
    refused(here.client.get(f"{path}/score?version={number}"), 422)
    refused(here.client.get(f"{path}/score.csv?take={number}"), 422)
    refused(here.client.get(f"{path}/outputs/{number}/video"), 404)
    for method in ("GET", "DELETE"):  # no such route, for either
        assert here.client.open(f"{path}/takes/{number}", method=method).status_code in (404, 405)


def test_as_many_hits_as_are_allowed_fit_into_a_request(here: Place, job: dict[str, Any]) -> None:
    hits = [{"id": f"hit-{number}", "time_s": number * 1e-4, "material": "ceramic"} for number in range(MAX_HITS)]
    body = json.dumps({"version": 0, "hits": hits})
    address = f"/v1/jobs/{job['id']}/score"
    with listening(here) as port:
        web = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        web.request("PATCH", address, body, {"Content-Type": "application/json"})
        answer = web.getresponse()
        assert (answer.status, len(json.loads(answer.read())["hits"])) == (200, MAX_HITS)
        web.putrequest("PATCH", address)
        web.putheader("Content-Length", str(SCORE_BYTES + 1))
        web.endheaders(b"{")
        assert web.getresponse().status == 413
        web.close()


def test_there_is_nothing_near_an_endless_time(here: Place, job: dict[str, Any]) -> None:
    refused(here.client.get(f"/v1/jobs/{job['id']}/takes/0/nearest?time_s=1e400"), 422)


def test_a_take_whose_parent_is_deleted_meanwhile(
    here: Place, job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert change(here, job, version=0, hits=[{"id": "a", "time_s": 0.5, "material": "wood"}]).status_code == 200
    assert rendered(here, job)["take"] == 1
    assert change(here, job, take=1, version=0, loudness_lufs=-30).status_code == 200
    asked = here.client.post(f"/v1/jobs/{job['id']}/score/render", json={"take": 1})
    assert asked.status_code == 202
    deleted = []

    def slow(*given: Any, **named: Any) -> Any:
        deleted.append(here.client.delete(f"/v1/jobs/{job['id']}/takes/1").status_code)
        return render_score(*given, **named)

    monkeypatch.setattr(rendering, "render_score", slow)
    here.work()
    assert deleted == [204]
    outputs = here.client.get(f"/v1/jobs/{job['id']}").get_json()["outputs"]
    for one in outputs:  # whatever is shown can be heard
        told = here.client.get(f"/v1/jobs/{job['id']}/takes/{one['take']}/stems").get_json()["stems"]
        assert {here.client.get(part["links"]["sound"]).status_code for part in told} == {200}


HIT = {"id": "a", "time_s": 0.5, "material": "wood"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hits": [{**HIT, "material": "gold"}]}, "hit 1 has material 'gold'; allowed are "),
        ({"hits": [HIT, {**HIT, "id": "b", "time_s": 99.0}]}, "hit 2 has time_s 99; the clip ends at 2"),
        ({"hits": [{**HIT, "time_s": math.nan}]}, "hit 1 has time_s 'nan'; allowed is 0 or more"),
        ({"hits": [HIT] * 10_001}, "there are 10001 hits; allowed are 10000"),
        ({"hits": [HIT, HIT]}, "two hits have the id 'a'; allowed is one"),
        ({"hits": [{"id": "a", "material": "wood"}]}, "hit 1 has no time_s"),
        ({"hits": [{**HIT, "colour": "red"}]}, "hit 1 has the unknown member 'colour'; known are id, "),
        ({"hits": ["wood"]}, "hit 1 is 'wood'; it must be an object"),
        ({"layers": [{"id": "l", "sound": "rain", "knobs": {"wet": 1}}]}, "layer 1: rain has no knob 'wet'"),
        ({"layers": [{"id": "l", "sound": "rain", "level_db": 90}]}, "layer 1 has level_db '90'; allowed is -60"),
        ({"stems": [{"name": "drums"}]}, "stem 'drums' is not known here; known are hits"),
        ({"loudness_lufs": 0}, "loudness_lufs is '0'; allowed is -40.0 to -8.0"),
        ({"tempo": 1}, "'tempo' is not known here; known are version, hits"),
    ],
)
def test_what_is_not_allowed_is_said_in_one_sentence(
    here: Place, job: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    told = refused(change(here, job, version=0, **changes), 422)
    assert told["detail"].startswith(sentence), told["detail"]
    assert score(here, job)["version"] == 0


def test_a_changed_score_becomes_a_take(here: Place, job: dict[str, Any]) -> None:
    first = job["outputs"][0]
    assert change(here, job, version=0, hits=[{**score(here, job)["hits"][0], "time_s": 1.5}]).status_code == 200
    asked = here.client.post(f"/v1/jobs/{job['id']}/score/render", json={"take": 0, "version": 1})
    told = asked.get_json()
    assert (asked.status_code, told["take"], told["parent"], told["version"]) == (202, 1, 0, 1)
    assert (told["status"], told["error"]) == ("queued", None)
    assert asked.headers["Location"] == told["links"]["self"]
    assert here.notified[-1] == SCORE
    again = here.client.post(f"/v1/jobs/{job['id']}/score/render", json={"take": 0}).get_json()
    assert again["take"] == 1  # the same
    here.work()
    assert here.client.get(told["links"]["self"]).get_json()["status"] == "succeeded"
    now = here.client.get(f"/v1/jobs/{job['id']}").get_json()
    made = now["outputs"][1]
    assert now["outputs"][0] == first
    assert (made["take"], made["parent"], made["score"]) == (1, 0, {"take": 0, "version": 1})
    assert [hit["time_s"] for hit in made["hits"]] == [1.5]
    own = score(here, job, take=1)
    assert (own["version"], own["parent"], [hit["time_s"] for hit in own["hits"]]) == (0, 0, [1.5])
    listed = here.client.get("/v1/jobs").get_json()["jobs"]
    assert [one["id"] for one in listed] == [job["id"]]  # what rendered it is nobody's job
    sent = here.client.get(made["links"]["video"])
    assert sent.status_code == 200
    assert "take2" in sent.headers["Content-Disposition"]


def test_an_unchanged_score_gives_the_bytes_of_its_take(here: Place, job: dict[str, Any]) -> None:
    told = rendered(here, job, take=0)
    assert (told["status"], told["version"]) == ("succeeded", 0)
    now = here.client.get(f"/v1/jobs/{job['id']}").get_json()
    for kind in ("video", "sound", "flac", "score"):
        first, second = (here.client.get(output["links"][kind]).data for output in now["outputs"])
        assert first == second, kind
    entries = here.jobs.get(job["id"], None).result or {}
    # The part that did not change is one file.
    assert len({one["stems"][0]["key"] for one in entries["outputs"]}) == 1


def test_a_take_goes_without_the_parts_that_others_need(here: Place, job: dict[str, Any]) -> None:
    rendered(here, job, take=0)
    before = set(here.storage.keys(job["id"]))
    refused(here.client.delete(f"/v1/jobs/{job['id']}/takes/0"), 404)
    assert here.client.delete(f"/v1/jobs/{job['id']}/takes/1").status_code == 204
    gone = before - set(here.storage.keys(job["id"]))
    assert {key.rpartition(".")[2] for key in gone} == {"mp4", "wav", "flac", "json", "zip"}
    now = here.client.get(f"/v1/jobs/{job['id']}").get_json()
    assert [output["take"] for output in now["outputs"]] == [0]
    assert here.client.get(f"/v1/jobs/{job['id']}/takes/0/stems/hits").status_code == 200
    assert rendered(here, job, take=0)["status"] == "succeeded"


def test_takes_are_made_within_the_sound_of_a_day(here: Place, job: dict[str, Any]) -> None:
    here.jobs.owners.change(here.jobs.get(job["id"], None).owner, max_sound_s=2.5 * FLASH_CLIP_S)
    first, second = score(here, job)["hits"]
    moved = change(here, job, hits=[{**first, "time_s": first["time_s"] + 0.1}, second], version=0)
    assert moved.status_code == 200, moved.text
    assert rendered(here, job)["status"] == "succeeded"
    assert change(here, job, hits=[first], version=1).status_code == 200
    asked = here.client.post(f"/v1/jobs/{job['id']}/score/render", json={})
    told = refused(asked, 429)
    assert (told["code"], told["quota"]) == ("quota", "sound")
    assert "seconds of sound" in told["detail"] or "s of sound today" in told["detail"]
    assert here.client.get(f"/v1/jobs/{job['id']}/score").get_json()["version"] == 2


def test_a_rendering_that_fails_says_why(here: Place, job: dict[str, Any]) -> None:
    hits = [{**HIT, "exemplar": "gong"}]
    assert change(here, job, version=0, hits=hits).status_code == 200
    key = (here.jobs.get(job["id"], None).result or {})["recipe_key"]
    here.storage.put(key, io.BytesIO(b"no recipe"), "application/json")
    told = rendered(here, job)
    assert told["status"] == "failed"
    assert "recipe cannot be read" in told["error"]["detail"]
    # Asked for again it is tried again, as another take.
    assert here.client.post(f"/v1/jobs/{job['id']}/score/render", json={}).get_json()["take"] == 2


def test_a_rendering_may_be_cancelled(here: Place, job: dict[str, Any]) -> None:
    told = here.client.post(f"/v1/jobs/{job['id']}/score/render", json={}).get_json()
    stopped = here.client.post(told["links"]["cancel"])
    assert (stopped.status_code, stopped.get_json()["status"]) == (200, "canceled")
    here.work()
    assert len(here.client.get(f"/v1/jobs/{job['id']}").get_json()["outputs"]) == 1


def test_waiting_for_a_take(here: Place, job: dict[str, Any]) -> None:
    told = here.client.post(f"/v1/jobs/{job['id']}/score/render", json={}).get_json()
    with here.at_work():
        waited = here.client.get(f"{told['links']['self']}?wait_s=10")
    assert waited.get_json()["status"] == "succeeded"


def test_parts_are_seen_and_heard(here: Place, job: dict[str, Any]) -> None:
    stems = here.client.get(f"/v1/jobs/{job['id']}/takes/0/stems").get_json()["stems"]
    assert [one["name"] for one in stems] == ["mix", "hits"]
    sound, rate_hz = soundfile.read(io.BytesIO(here.client.get(stems[1]["links"]["sound"]).data), dtype="float32")
    assert (rate_hz, sound.any()) == (stems[1]["rate_hz"], True)
    told = here.client.get(f"{stems[1]['links']['peaks']}&zoom=256").get_json()
    assert (told["sample_rate"], told["samples_per_pixel"]) == (rate_hz, 256)
    assert told["length"] == math.ceil(len(sound) / 256)
    points = np.array(told["data"]).reshape(-1, 2)
    assert np.abs(points).max() == pytest.approx(127 * np.abs(sound).max(), abs=1.5)
    binary = here.client.get(
        f"{stems[1]['links']['peaks']}&zoom=256", headers={"Accept": "application/octet-stream"}
    ).data
    assert struct.unpack_from("<iIiiIi", binary) == (2, 1, rate_hz, 256, told["length"], 1)
    assert np.array_equal(np.frombuffer(binary[24:], np.int8).reshape(-1, 2), points)
    with Image.open(io.BytesIO(here.client.get(stems[0]["links"]["spectrogram"]).data)) as picture:
        assert picture.size[0] == math.ceil(FLASH_CLIP_S * 60)
    refused(here.client.get(f"/v1/jobs/{job['id']}/takes/0/peaks?stem=drums"), 404)
    refused(here.client.get(f"/v1/jobs/{job['id']}/takes/0/peaks?zoom=3"), 422)
    refused(here.client.get(f"/v1/jobs/{job['id']}/takes/7/peaks"), 404)


def test_exemplars_can_be_listened_to(here: Place, job: dict[str, Any]) -> None:
    found = here.client.get(f"/v1/jobs/{job['id']}/takes/0/nearest?time_s=0.5&material=glass").get_json()["exemplars"]
    assert len(found) == 5
    assert {one["material"] for one in found} == {"glass"}
    sent = here.client.get(found[0]["links"]["sound"])
    assert (sent.status_code, sent.content_type) == (200, "audio/wav")
    sound, _ = soundfile.read(io.BytesIO(sent.data))
    assert sound.any()
    refused(here.client.get("/v1/exemplars/bank-modal/gong.wav"), 404)
    refused(here.client.get("/v1/exemplars/two-stream-small/gong.wav"), 404)
    assert "wood" in here.client.get("/v1/materials").get_json()["materials"]


@pytest.mark.parametrize("form", ["csv", "mid"])
def test_hits_go_out_and_come_back(here: Place, job: dict[str, Any], form: str) -> None:
    before = score(here, job)
    path = f"/v1/jobs/{job['id']}/score.{form}"
    sent = here.client.get(path)
    assert sent.status_code == 200
    back = here.client.put(f"{path}?version=0", data=sent.data)
    assert back.status_code == 200, back.get_data(as_text=True)
    told = back.get_json()
    assert [hit["material"] for hit in told["hits"]] == [hit["material"] for hit in before["hits"]]
    assert [hit["time_s"] for hit in told["hits"]] == pytest.approx([hit["time_s"] for hit in before["hits"]], abs=3e-4)
    refused(here.client.put(f"{path}?version=0", data=b"\xff\xfe\0"), 422)
    refused(here.client.put(f"{path}?version=0", data=sent.data), 409)


def test_a_whole_score_goes_out_and_comes_back(here: Place, job: dict[str, Any]) -> None:
    path = f"/v1/jobs/{job['id']}/score.json"
    told = json.loads(here.client.get(path).data)
    assert told == score(here, job)
    told["limiter"] = True
    back = here.client.put(path, data=json.dumps(told), headers={"If-Match": '"0-0"'})
    assert (back.status_code, back.get_json()["limiter"], back.get_json()["version"]) == (200, True, 1)
    refused(here.client.put(f"{path}?version=1", data="{"), 400)


@pytest.mark.parametrize(("form", "begin"), [("edl", b"TITLE: "), ("otio", b'{\n "OTIO_SCHEMA": "Timeline.1"')])
def test_marks_for_editors(here: Place, job: dict[str, Any], form: str, begin: bytes) -> None:
    sent = here.client.get(f"/v1/jobs/{job['id']}/score.{form}?download")
    assert sent.data.startswith(begin)
    assert f".score.{form}" in sent.headers["Content-Disposition"]
    refused(here.client.put(f"/v1/jobs/{job['id']}/score.{form}", data=sent.data), 404)
    refused(here.client.get(f"/v1/jobs/{job['id']}/score.doc"), 404)


def test_stems_come_as_one_file(here: Place, job: dict[str, Any]) -> None:
    sent = here.client.get(f"/v1/jobs/{job['id']}/outputs/0/stems")
    assert (sent.status_code, sent.content_type) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(sent.data)) as packed:
        (name,) = packed.namelist()
        assert name.endswith(".hits.wav")
        data = packed.read(name)
    info = soundfile.info(io.BytesIO(data))
    assert (info.subtype, info.samplerate) == ("PCM_24", 48_000)
    stem = soundfile.read(io.BytesIO(data), always_2d=True)[0]
    whole = soundfile.read(io.BytesIO(here.client.get(f"/v1/jobs/{job['id']}/outputs/0/sound").data))[0]
    # At the level of the mix: where the limiter does nothing, they are the same.
    quiet = slice(round(1.3 * 48_000), round(1.45 * 48_000))
    assert np.abs(stem[quiet] - whole[quiet]).max() < 0.02 * max(0.01, np.abs(whole).max())


def test_sound_alone_is_24_bit(here: Place, job: dict[str, Any]) -> None:
    links = job["outputs"][0]["links"]
    for kind, form in (("sound", "WAV"), ("flac", "FLAC")):
        info = soundfile.info(io.BytesIO(here.client.get(links[kind]).data))
        assert (info.format, info.subtype, info.samplerate, info.channels) == (form, "PCM_24", 48_000, 2)


def test_a_job_without_a_result_has_no_score(here: Place, flash_clip: Path) -> None:
    made = here.sent(flash_clip)["id"]
    refused(here.client.get(f"/v1/jobs/{made}/score"), 404)
    refused(here.client.get("/v1/jobs/none/score"), 404)
    refused(here.client.patch("/v1/jobs/none/score", json={"version": 0}), 404)
    refused(here.client.post("/v1/jobs/none/score/render", json={}), 404)


def test_a_take_of_an_older_release_is_told_but_not_changed(here: Place, flash_clip: Path) -> None:
    made = here.done(flash_clip, mode="hits")["id"]
    told = score(here, {"id": made})
    assert told["editable"] is False
    refused(change(here, {"id": made}, version=0, limiter=True), 409)
    refused(here.client.post(f"/v1/jobs/{made}/score/render", json={}), 409)


def test_scores_go_with_their_job(here: Place, job: dict[str, Any]) -> None:
    assert change(here, job, version=0, limiter=True).status_code == 200
    rendered(here, job)
    assert here.client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert Drafts(here.jobs).versions(job["id"], 0) == []
    assert Renders(here.jobs).of_job(job["id"]) == []
    assert list(here.storage.keys(job["id"])) == []


def test_a_lost_lease_joins_no_take(here: Place, job: dict[str, Any]) -> None:
    here.client.post(f"/v1/jobs/{job['id']}/score/render", json={})
    (row,) = here.jobs.claim(1, SCORE, "one")
    here.jobs.abandon("one", blameless=True)
    (second,) = here.jobs.claim(1, SCORE, "two")
    assert second.attempt == row.attempt + 1
    entry = {"take": 1, **{name: [] for name in ("hits", "stems")}}
    assert not Renders(here.jobs).finish(row, entry)
    assert len((here.jobs.get(job["id"], None).result or {})["outputs"]) == 1
    assert here.jobs.get(second.id, None).state is State.RUNNING
