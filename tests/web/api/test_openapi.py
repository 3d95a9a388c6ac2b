"""The document says what the server does, in the places where it once did not."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from synth.options import Options
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, document, place, problem
from web.api.openapi import description
from web.api.problems import Problem
from web.api.schemas.jobs import Upload
from workers.records import ID_LENGTH


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def answers(method: str, path: str, status: int) -> set[str]:
    """The media types that the document promises."""
    return set(document()["paths"][path][method]["responses"][str(status)]["content"])


def field(name: str) -> dict[str, Any]:
    return dict(document()["components"]["schemas"]["Upload"]["properties"][name])


def allows(schema: dict[str, Any], value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize("form", ["json", "csv"])
def test_exported_boxes_come_as_the_document_says(here: Place, form: str) -> None:
    assert here.client.get(f"/v1/boxes?format={form}").mimetype in answers("get", "/v1/boxes", 200)


def test_outputs_come_as_the_document_says(here: Place, flash_clip: Path) -> None:
    links = here.done(flash_clip, mode="hits")["outputs"][0]["links"]
    kinds = {here.client.get(links[kind]).mimetype for kind in ("video", "sound", "hits", "provenance", "thumbnail")}
    assert kinds == {"video/mp4", "audio/wav", "application/json", "image/jpeg"}
    assert kinds <= answers("get", "/v1/jobs/{job_id}/outputs/{take}/{kind}", 200)


@pytest.mark.parametrize(
    "query", ["mode=", "state=", "limit=", "cursor=", "batch_id=", "mode=auto&mode=hits", "limit=1&limit=2"]
)
def test_an_empty_or_a_repeated_filter_is_refused(here: Place, query: str) -> None:
    name = query.partition("=")[0]
    assert name in problem(here.client.get(f"/v1/jobs?{query}"), 422, "option")["detail"]


def test_a_form_with_empty_filters_is_the_gallery(here: Place) -> None:
    assert here.client.get("/gallery?state=&mode=").status_code == 200


def test_a_repeated_keep_partial_is_refused(here: Place, flash_clip: Path) -> None:
    cancel = here.sent(flash_clip)["links"]["cancel"]
    told = problem(here.client.post(f"{cancel}?keep_partial=true&keep_partial=false"), 422, "option")
    assert told["detail"] == "keep_partial is given 2 times; allowed is once"
    problem(here.client.post(f"{cancel}?keep_partial="), 422, "option")
    assert here.client.post(f"{cancel}?keep_partial=true").status_code == 200


def test_an_empty_file_is_refused_by_both(here: Place, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    problem(here.send(tmp_path / "empty.mp4"), 422, "media")
    assert not allows(field("file"), "")


def test_a_form_has_no_null(here: Place, flash_clip: Path) -> None:
    for name, nothing in (("face", "null"), ("material", "null"), ("seed", "None")):
        problem(here.send(flash_clip, **{name: nothing}), 422, "option")
        assert not allows(field(name), None)
        assert allows(field(name), "")
    everything = dict.fromkeys(Upload.model_fields, "")
    assert here.send(flash_clip, **everything).status_code == 202


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("cancel", {"keep_partial": "perhaps"}, "keep_partial"),
        ("cancel", {"keep": True}, "'keep' is not known here; known are keep_partial"),
        ("variants", {"seed": -1}, "seed is '-1'; allowed is 0 to"),
        ("variants", {"seed": "5"}, "seed is '5'"),
        ("variants", {"seeds": []}, "seeds is '[]'; allowed is a list of 1 to"),
        ("variants", {"seeds": [1, True]}, "seeds is 'True'"),
        ("boxes", {"visible": False}, "time_s is missing"),
        ("boxes", {"time_s": True, "visible": False}, "time_s is 'True'; allowed is 0 or more"),
        ("music", {"track": ""}, "track is ''"),
    ],
)
def test_a_body_is_held_against_its_shape(here: Place, flash_clip: Path, path: str, body: Any, word: str) -> None:
    job = here.done(flash_clip)
    detail = problem(here.client.post(f"{job['links']['self']}/{path}", json=body), 422, "option")["detail"]
    assert word in detail


def test_every_shape_that_is_named_is_there() -> None:
    told = document()
    named = {line.split('"')[3] for line in json.dumps(told, indent=0).splitlines() if '"$ref"' in line}
    assert named
    assert {one.removeprefix("#/components/schemas/") for one in named} <= set(told["components"]["schemas"])
    assert told["paths"]["/v1/jobs"]["get"]["parameters"][3]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 24,
    }


def test_options_and_405_name_the_methods_of_the_document(here: Place) -> None:
    for path, operations in description(here.app)["paths"].items():
        address = re.sub(r"{\w+}", "0" * ID_LENGTH, re.sub(r"{(take|number)}", "0", path))
        answered = [here.client.options(address)]
        answered += [here.client.trace(address)] if "post" in operations and path.startswith("/v1/uploads") else []
        for answer in answered:
            allowed = {name.strip().lower() for name in answer.headers["Allow"].split(",")}
            assert allowed - {"head", "options"} == set(operations), path


def test_what_settings_limit_is_in_the_document(here: Place) -> None:
    told = description(here.app)["components"]["schemas"]
    limits = here.client.get("/v1/limits").get_json()
    assert told["AnnouncedUpload"]["properties"]["bytes"]["maximum"] == limits["max_bytes"]
    days = here.settings.retention_max_days
    assert allows(told["ChangeMe"]["properties"]["retention_days"], days)
    assert not allows(told["ChangeMe"]["properties"]["retention_days"], days + 1)
    for url, good in (
        ("https://example.org/hook?a=1", True),
        ("https://example.org:8443", True),
        ("https://[2606:4700::1111]/", True),
        ("http://example.org/", False),
        ("https://user@example.org/", False),
        ("https://example.org:65536/", False),
        ("https://example.org/#part", False),
        ("https://", False),
    ):
        assert allows(told["NewWebhook"]["properties"]["url"], url) is good, url
        assert allows(told["Upload"]["properties"]["webhook"], url) is good, url
    assert allows(told["Upload"]["properties"]["webhook"], "")
    assert "x-sonorize-setting" not in json.dumps(told)


def test_options_of_a_variant_and_items_of_a_batch_have_their_names() -> None:
    schemas = document()["components"]["schemas"]
    changes = next(one for one in schemas["Variants"]["properties"]["options"]["anyOf"] if one["type"] == "object")
    assert set(changes["properties"]) == {one.name for one in dataclasses.fields(Options)}
    item = schemas["BatchOfItems"]["properties"]["items"]["items"]
    assert {"custom_id", "upload", "job", "prompt"} <= set(item["properties"])
    assert changes["additionalProperties"] is item["additionalProperties"] is False


def test_a_stale_version_of_a_score_is_in_the_document() -> None:
    told = Problem("conflict", "the score is at version 3 now", more={"version": 3}).as_json()
    assert allows({"$ref": "#/components/schemas/Problem", "components": document()["components"]}, told)
