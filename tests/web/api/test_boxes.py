"""Boxes around what sounds: drawn, listed, forgotten, exported, and nobody else's business."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.data.corpora import drawn_boxes
from synth.errors import OptionError
from tests.support import services
from tests.support.web_place import Place, place, problem
from tests.web.api.test_jobs import fits
from web.cli import main
from workers.boxes import COLUMNS, EDGES, Boxes
from workers.boxes import Place as Spot
from workers.errors import NotFound

DRAWN = {"time_s": 0.5, "left": 0.1, "top": 0.2, "right": 0.4, "bottom": 0.9}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def draw(here: Place, job: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = here.client.post(job["links"]["boxes"], json=fields or DRAWN)
    assert answer.status_code == 201, answer.text
    fits(answer.get_json(), "Box")
    return dict(answer.get_json())


def listed(here: Place, job: dict[str, Any]) -> list[dict[str, Any]]:
    told = here.client.get(job["links"]["boxes"]).get_json()
    fits(told, "Boxes")
    return list(told["boxes"])


def test_a_box_is_kept_listed_and_forgotten(here: Place, flash_clip: Path) -> None:
    job = here.done(flash_clip)
    later = draw(here, job, **{**DRAWN, "time_s": 1.5})
    nothing = draw(here, job, time_s=1.0, visible=False)
    first = draw(here, job)
    assert {name: first[name] for name in DRAWN} == DRAWN
    assert (first["visible"], first["annotator"], first["job_id"]) == (True, "local", job["id"])
    assert [nothing[edge] for edge in EDGES] == [None] * 4
    assert listed(here, job) == [first, nothing, later]
    assert here.client.delete(f"{job['links']['boxes']}/{nothing['id']}").status_code == 204
    problem(here.client.delete(f"{job['links']['boxes']}/{nothing['id']}"), 404, "not-found")
    assert listed(here, job) == [first, later]
    assert here.client.delete(job["links"]["boxes"]).status_code == 204
    assert listed(here, job) == []


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({**DRAWN, "time_s": 9.0}, "time_s is 9; allowed is a number from 0 to 2"),
        ({**DRAWN, "left": "x"}, "left is 'x'"),
        ({**DRAWN, "right": 1.2}, "right is 1.2"),
        ({**DRAWN, "top": float("nan")}, "top is nan"),
        ({**DRAWN, "left": 0.4}, "at least 0.005"),
        ({**DRAWN, "bottom": None}, "bottom is missing"),
        ({**DRAWN, "colour": "red"}, "'colour' is no part of a box"),
        ({"visible": False}, "time_s is missing"),
        ({**DRAWN, "visible": "perhaps"}, "visible"),
    ],
)
def test_what_is_no_box_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        Spot.parse(fields, 2.0)


def test_a_job_without_a_result_has_nothing_to_point_at(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip)
    problem(here.client.post(job["links"]["boxes"], json=DRAWN), 409, "conflict")
    problem(here.client.post("/v1/jobs/none/boxes", json=DRAWN), 404, "not-found")
    problem(here.client.post(job["links"]["boxes"], json={**DRAWN, "left": 2}), 422, "option")


def test_boxes_go_with_their_job(here: Place, flash_clip: Path) -> None:
    job, other = here.done(flash_clip), here.done(flash_clip)
    draw(here, job)
    kept = draw(here, other)
    here.client.delete(job["links"]["self"])
    lines = here.client.get("/v1/boxes").text.splitlines()
    assert [json.loads(line)["job_id"] for line in lines] == [kept["job_id"]]


def test_nobody_sees_the_boxes_of_somebody_elses_job(tmp_path: Path, flash_clip: Path) -> None:
    keys = ",".join(f"{name}:{hashlib.sha256(name.encode()).hexdigest()}" for name in ("ann", "bob"))
    ann, bob = ({"Authorization": f"Bearer {name}"} for name in ("ann", "bob"))
    with place(tmp_path / "data", api_keys=keys) as here:
        job = here.send(flash_clip, headers=ann).get_json()
        here.finish()
        address = job["links"]["boxes"]
        assert here.client.post(address, json=DRAWN, headers=ann).status_code == 201
        for answer in (
            here.client.get(address, headers=bob),
            here.client.post(address, json=DRAWN, headers=bob),
            here.client.delete(address, headers=bob),
        ):
            problem(answer, 404, "not-found")
        assert here.client.get("/v1/boxes", headers=bob).text == ""
        (line,) = here.client.get("/v1/boxes", headers=ann).text.splitlines()
        assert json.loads(line)["annotator"] == "ann"


def test_the_export_is_json_lines_or_csv(here: Place, flash_clip: Path) -> None:
    job = here.done(flash_clip)
    draw(here, job)
    draw(here, job, time_s=1.0, visible=False)
    rows = [json.loads(line) for line in here.client.get("/v1/boxes").text.splitlines()]
    assert [tuple(row) for row in rows] == [COLUMNS, COLUMNS]
    assert rows[0] == {"job_id": job["id"], "video": None, **DRAWN, "visible": True, "annotator": "local"}
    table = here.client.get("/v1/boxes?format=csv&download")
    assert 'filename="boxes.csv"' in table.headers["Content-Disposition"]
    told = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["visible"] for row in told] == ["True", "False"]
    assert [row["left"] for row in told] == ["0.1", ""]
    problem(here.client.get("/v1/boxes?format=xml"), 422, "option")


@services.embedded_only
def test_the_localisers_training_reads_what_the_command_line_exports(
    here: Place, flash_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = here.done(flash_clip)
    draw(here, job)
    draw(here, job, time_s=1.0, visible=False)
    target = tmp_path / "boxes.jsonl"
    assert main(["boxes", "export", "--data", str(here.settings.data_dir), "-o", str(target)]) == 0
    assert "2 boxes" in capsys.readouterr().out
    drawn = drawn_boxes.read(target)
    assert [(one.time_s, one.annotator, one.box.sounding) for one in drawn] == [
        (0.5, "local", True),
        (1.0, "local", False),
    ]
    assert (drawn[0].box.left, drawn[0].box.bottom) == (0.1, 0.9)
    assert drawn[0].video.is_file(), "a silent clip is exported as its first take, which has a sound"
    assert drawn[0].video.name == "take0.mp4"
    assert main(["boxes", "export", "--data", str(here.settings.data_dir), "-o", str(tmp_path / "boxes.csv")]) == 0
    assert (tmp_path / "boxes.csv").read_text().startswith(",".join(COLUMNS))
    assert main(["boxes", "export", "--data", str(tmp_path / "nowhere"), "-o", str(target)]) == 2
    assert "holds no server" in capsys.readouterr().err


def test_the_page_works_with_numbers(here: Place, flash_clip: Path) -> None:
    job = here.done(flash_clip)
    address = f"{job['links']['page']}/boxes"
    page = here.client.get(address).text
    assert all(f'name="{edge}" type="number" min="0" max="100"' in page for edge in EDGES)
    fields = {"time_s": "0.67", "left": "10", "top": "20.5", "right": "40", "bottom": "90"}
    answer = here.client.post(address, data={"csrf_token": here.form_token(), **fields})
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    answer = here.client.post(address, data={"csrf_token": here.form_token(), "time_s": "1", "visible": "false"})
    assert answer.status_code == 303
    first, second = listed(here, job)
    assert [first[edge] for edge in EDGES] == [0.1, 0.205, 0.4, 0.9]
    assert second["visible"] is False
    page = here.client.get(address).text
    assert "10–40 % across, 20.5–90 % down" in page
    assert "nothing visible sounds" in page
    assert "(2)" in here.client.get(job["links"]["page"]).text
    gone = here.client.post(f"{address}/{first['id']}/delete", data={"csrf_token": here.form_token()})
    assert gone.status_code == 303
    assert listed(here, job) == [second]
    assert here.client.post(address, data=fields).status_code == 403, "without the page's own token"
    wrong = here.client.post(address, data={"csrf_token": here.form_token(), **fields, "left": "ten"})
    assert wrong.status_code == 422


def test_there_is_a_most(here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.boxes.MAX_BOXES", 1)
    job = here.done(flash_clip)
    draw(here, job)
    problem(here.client.post(job["links"]["boxes"], json=DRAWN), 409, "conflict")


def test_an_unknown_job_is_not_found(here: Place) -> None:
    with pytest.raises(NotFound):
        Boxes(here.jobs).of_job("none", None)
