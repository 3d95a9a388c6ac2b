"""Batches by manifest: each line alone, all that was asked for in the results, nothing of anybody else's."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from tests.support.voices import FlashVoice
from tests.support.web_place import Place, canned, place, problem
from tests.web.security.test_security import KEYS, bearer
from tests.web.uploads.test_jobs_of_uploads import uploaded
from web.context import parts_of
from workers.batches import refusals


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def jsonl(*lines: Any) -> bytes:
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines).encode()


def send(here: Place, manifest: bytes, *files: tuple[Path, str], name: str = "m.jsonl", **fields: str) -> TestResponse:
    parts: MultiDict[str, Any] = MultiDict(fields.items())
    parts.add("manifest", FileStorage(io.BytesIO(manifest), name))
    for path, called in files:
        parts.add("file", FileStorage(io.BytesIO(path.read_bytes()), called))
    boundary, body = encode_multipart(parts)
    kind = f"multipart/form-data; boundary={boundary}"
    return here.client.post("/v1/batches", data=body, content_type=kind)


def made(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    return dict(answer.get_json())


def rows(here: Place, batch: dict[str, Any]) -> list[dict[str, str]]:
    answer = here.client.get(batch["links"]["table"])
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_number_of_thousands_of_digits_is_the_fault_of_its_line(here: Place, flash_clip: Path) -> None:
    manifest = jsonl({"file": "a.mp4"}, '{"file": "a.mp4", "seed": ' + "9" * 5000 + "}")
    items = made(send(here, manifest, (flash_clip, "a.mp4"), mode="hits"))["items"]
    assert ["job" in item for item in items] == [True, False]
    assert items[1]["problem"]["detail"] == "the line is no JSON: a number has thousands of digits"


def test_every_line_has_its_own_options_and_what_is_refused_is_named(
    here: Place, flash_clip: Path, dark_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no clip")
    manifest = jsonl(
        {"custom_id": "a", "file": "flash.mp4", "seed": 7},
        {"custom_id": "b", "file": "flash.mp4", "material": "metal", "keep_partial": True},
        {"custom_id": "c", "file": "dark.mp4", "mode": "ambient"},
        "",
        {"custom_id": "d", "file": "broken.mp4"},
        "{not json",
        ["a list"],
        {"custom_id": "e", "file": "nowhere.mp4"},
        {"custom_id": "f", "file": "flash.mp4", "seed": -1},
        {"custom_id": "g", "file": "flash.mp4", "loudness": 3},
        {"custom_id": "h", "file": "flash.mp4", "upload": "0" * 26},
        {"custom_id": "i"},
        {"custom_id": "twice", "file": "flash.mp4"},
        {"custom_id": "twice", "file": "flash.mp4"},
        {"custom_id": "a b", "file": "flash.mp4"},
        {"custom_id": "j", "upload": "0" * 26},
    )
    files = [(flash_clip, "flash.mp4"), (dark_clip, "in/a/folder/dark.mp4"), (tmp_path / "broken.mp4", "broken.mp4")]
    batch = made(send(here, manifest, *files, (dark_clip, "unnamed.mp4"), mode="hits", seed="5"))
    jobs = {item["custom_id"]: item["job"] for item in batch["items"] if "job" in item}
    assert list(jobs) == ["a", "b", "c"]
    assert (jobs["a"]["options"]["seed"], jobs["b"]["options"]["seed"]) == (7, 5)
    assert (jobs["b"]["options"]["material"], jobs["b"]["options"]["keep_partial"]) == ("metal", True)
    assert (jobs["a"]["mode"], jobs["c"]["mode"]) == ("hits", "ambient")
    assert {job["custom_id"] for job in jobs.values()} == set(jobs)
    refused = {item.get("line"): item["problem"] for item in batch["items"] if "problem" in item}
    assert {line: one["code"] for line, one in refused.items()} == {
        5: "media",
        6: "bad-request",
        7: "bad-request",
        8: "option",
        9: "option",
        10: "option",
        11: "option",
        12: "option",
        13: "option",
        14: "option",
        15: "option",
        16: "not-found",
        None: "option",  # the file that no line names
    }
    assert "nowhere.mp4" in refused[8]["detail"]
    assert refused[11]["detail"] == "the line has file and upload; one of file, upload, job names it"
    assert (batch["counts"]["total"], batch["counts"]["queued"]) == (3, 3)
    assert here.client.get(batch["links"]["self"]).get_json()["refused"] == batch["refused"]
    assert len(batch["refused"]) == 13
    # One file for two lines lies in the storage once.
    assert sum(key.endswith("/source") for key in here.storage.keys("")) == 2


def test_csv_with_uploads_and_jobs(here: Place, flash_clip: Path) -> None:
    upload, job = uploaded(here, flash_clip), here.sent(flash_clip, mode="hits", seed="3")
    manifest = f"custom_id,upload,job,seed,mode\r\nu,{upload},,1,hits\r\nj,,{job['id']},2,hits\r\n,,,,\r\nshort,x\r\n"
    for answer in (
        send(here, manifest.encode("utf-8-sig"), name="list.csv"),
        here.client.post("/v1/batches", data=manifest, content_type="text/csv; charset=utf-8"),
    ):
        batch = made(answer)
        assert [item.get("line") for item in batch["items"]] == [2, 3, 5]
        assert [item["job"]["options"]["seed"] for item in batch["items"][:2]] == [1, 2]
        assert batch["items"][2]["problem"]["detail"] == "the line has 2 columns; the heading has 5"
    assert sum(key.endswith("/source") for key in here.storage.keys("")) == 2  # of the upload, and of the job


def test_items_as_json(here: Place, flash_clip: Path) -> None:
    upload = uploaded(here, flash_clip)
    asked = {
        "options": {"mode": "hits", "takes": 2},
        "items": [{"custom_id": str(seed), "upload": upload, "seed": seed} for seed in range(3)],
    }
    batch = made(here.client.post("/v1/batches", json=asked, headers={"Idempotency-Key": "k"}))
    assert batch["counts"]["total"] == 3
    assert {item["job"]["options"]["takes"] for item in batch["items"]} == {2}
    again = made(here.client.post("/v1/batches", json=asked, headers={"Idempotency-Key": "k"}))
    assert again["id"] == batch["id"]
    assert sum(here.jobs.counts().values()) == 3
    problem(here.client.post("/v1/batches", json={"items": []}), 422, "option")
    problem(
        here.client.post("/v1/batches", json={"items": [{"upload": upload}], "options": {"seed": -1}}), 422, "option"
    )


@pytest.mark.parametrize(
    ("manifest", "status", "code", "words"),
    [
        (b"", 400, "bad-request", "no lines"),
        (b"\n\n", 400, "bad-request", "no lines"),
        (b"custom_id,colour\na,b\n", 422, "option", "'colour' is not known here; known are"),
        (b"seed,seed\n1,2\n", 422, "option", "a column comes twice"),
        (b'custom_id\n"open\n', 400, "bad-request", "is no CSV"),
        (b"custom_id\n\xff\xfe\n", 400, "bad-request", "no UTF-8"),
        (b"custom_id\n" + b"a\n" * 1001, 400, "bad-request", "1001 lines; allowed are 1000"),
        (b"{}\n" + b" " * 1024**2, 413, "too-large", "allowed are 1048576"),
        (b'{"custom_id": "a", "file": "x.mp4"}', 422, "option", "no clip was accepted"),
    ],
)
def test_a_manifest_that_is_no_manifest(here: Place, manifest: bytes, status: int, code: str, words: str) -> None:
    assert words in problem(send(here, manifest), status, code)["detail"]
    assert here.left() == []


def test_a_custom_id_comes_once_in_a_batch(here: Place, flash_clip: Path) -> None:
    first = here.sent(flash_clip, mode="hits", batch_id="0" * 25 + "1", custom_id="a")
    assert first["custom_id"] == "a"
    again = here.send(flash_clip, mode="hits", batch_id="0" * 25 + "1", custom_id="a")
    assert "custom_id 'a' already" in problem(again, 409, "conflict")["detail"]
    assert here.sent(flash_clip, mode="hits", batch_id="0" * 25 + "2", custom_id="a")["custom_id"] == "a"
    assert len([key for key in here.storage.keys("") if key.endswith("source")]) == 2


def test_results_as_archive_and_as_table(here: Place, flash_clip: Path, dark_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no clip")
    manifest = jsonl(
        {"custom_id": "one", "file": "flash.mp4", "takes": 2},
        {"custom_id": "later", "file": "flash.mp4", "mode": "speech"},
        {"custom_id": "no", "file": "=cmd().mp4"},
        {"file": "-1+1.mp4", "seed": 4},
    )
    files = [(flash_clip, "flash.mp4"), (tmp_path / "broken.mp4", "=cmd().mp4"), (dark_clip, "-1+1.mp4")]
    batch = made(send(here, manifest, *files, mode="hits"))
    problem(here.client.get(batch["links"]["results"]), 409, "conflict")
    for job in here.jobs.claim(9, "hits", "test"):
        assert here.jobs.finish(job.id, job.attempt, canned(job, here.storage))
    answer = here.client.get(batch["links"]["results"])
    assert answer.status_code == 200
    assert "Content-Length" not in answer.headers  # written while it is sent
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        assert packed.testzip() is None
        assert sorted(packed.namelist()) == [
            "-1+1.hits.json",
            "-1+1.sonorized.mp4",
            "one.take1.hits.json",
            "one.take1.sonorized.mp4",
            "one.take2.hits.json",
            "one.take2.sonorized.mp4",
            "results.csv",
        ]
        job_id = batch["items"][0]["job"]["id"]
        assert packed.read("one.take2.sonorized.mp4") == f"the file {job_id}/1/take1.mp4".encode()
        table = packed.read("results.csv").decode()
    assert table == here.client.get(batch["links"]["table"]).text
    found = rows(here, batch)
    assert [(row["custom_id"], row["status"], row["take"]) for row in found] == [
        ("one", "succeeded", "0"),
        ("one", "succeeded", "1"),
        ("later", "queued", ""),
        ("", "succeeded", "0"),
        ("no", "refused", ""),
    ]
    assert found[3]["title"] == "'-1+1.mp4"  # no spreadsheet takes it for a formula
    assert found[4]["title"] == "'=cmd().mp4"
    assert (found[4]["line"], found[4]["error_code"]) == ("3", "media")
    assert found[0]["video"] == f"/v1/jobs/{job_id}/outputs/0/video"
    assert found[0]["seed"] == "0"
    assert found[1]["seed"] == "1"
    with zipfile.ZipFile(io.BytesIO(here.client.get(batch["links"]["result"]).data)) as plain:
        assert sorted([*plain.namelist(), "results.csv"]) == sorted(packed.namelist())


def test_canceling_a_batch_by_manifest(here: Place, flash_clip: Path) -> None:
    batch = made(
        send(here, jsonl(*({"file": "a.mp4", "seed": n} for n in range(4))), (flash_clip, "a.mp4"), mode="hits")
    )
    told = here.client.post(batch["links"]["cancel"]).get_json()
    assert set(told["outcomes"].values()) == {"canceled"}
    assert here.client.get(batch["links"]["self"]).get_json()["counts"]["canceled"] == 4


def test_somebody_elses_upload_or_job_is_not_there(tmp_path: Path, flash_clip: Path) -> None:
    with place(tmp_path / "data", api_keys=KEYS) as locked:
        upload = uploaded(locked, flash_clip, **bearer("anna"))
        job = locked.send(flash_clip, headers=bearer("anna")).get_json()
        asked = {"items": [{"upload": upload}, {"job": job["id"]}]}
        told = problem(locked.client.post("/v1/batches", json=asked, headers=bearer("ben")), 404, "not-found")
        assert [item["problem"]["code"] for item in told["items"]] == ["not-found"] * 2
        batch = locked.client.post("/v1/batches", json=asked, headers=bearer("anna")).get_json()
        for link in ("results", "table"):
            problem(locked.client.get(batch["links"][link], headers=bearer("ben")), 404, "not-found")


def test_refusals_are_forgotten_with_the_jobs(here: Place, flash_clip: Path) -> None:
    batch = made(send(here, jsonl({"file": "a.mp4"}, {"file": "b.mp4"}), (flash_clip, "a.mp4")))
    database = here.jobs.database
    refusals.forget(database, float("inf"))
    assert len(refusals.of_batch(database, batch["id"], "local")) == 1
    assert refusals.of_batch(database, batch["id"], "somebody else") == []
    here.client.delete(batch["items"][0]["job"]["links"]["self"])
    parts_of(here.app).cleanup.sweep()
    assert len(refusals.of_batch(database, batch["id"], None)) == 1  # it may be a batch that is being made
    refusals.forget(database, float("inf"))
    assert refusals.of_batch(database, batch["id"], None) == []
