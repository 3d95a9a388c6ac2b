"""What a person meets of a description: on the job's page, explained, as a video, and in the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import torch
from PIL import Image

from synth import weights
from synth.description import heat_map, texture_kinds, textures
from synth.description.description import Description
from synth.media import audio, video
from tests.support.describers import FlashDescriber
from tests.support.servers import wait_until
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from tests.web.api.test_jobs import fits
from tests.workers.tasks.test_description import Spoilt
from web.api import representations
from web.pages import heat_videos, phrases
from workers.records import JOBS, OVERLAY
from workers.tasks import description

KIND_FIELDS = (("cluster", "name"), ("expected", "expected_name"))


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    eye = FlashDescriber()
    monkeypatch.setattr(description, "describer", lambda: eye)
    with place(tmp_path / "data", describe=True) as made:
        yield made


def described(here: Place, clip: Path, **options: Any) -> dict[str, Any]:
    """A job sounded and described by the worker's own code, as the API shows it."""
    job = here.sent(clip, **options)
    here.work()
    return dict(here.client.get(job["links"]["self"]).get_json())


def test_the_web_says_what_the_library_says() -> None:
    assert dict(heat_map.METHODS) == dict(representations.METHODS)
    assert phrases.FIRM == heat_map.FIRM
    assert texture_kinds.NETWORK == textures.NETWORK


def test_the_api_tells_the_description_and_where_the_maps_are(here: Place, flash_clip: Path, tmp_path: Path) -> None:
    job = described(here, flash_clip, takes="2")
    fits(job, "Job")
    assert job["description"]["described"] is True
    assert sorted(job["description"]["ranking"]) == [0, 1]
    first = job["outputs"][0]
    assert first["description"]["tags"][0]["name"] == "crackling fire"
    for kind, suffix in (
        ("heat-map-avol", "jpg"),
        ("heat-map-attention", "jpg"),
        ("heat-maps", "jpg"),
        ("maps", "npz"),
    ):
        answer = here.client.get(first["links"][kind] + "?download")
        assert answer.status_code == 200
        assert f".{suffix}" in answer.headers["Content-Disposition"]
        (tmp_path / kind).write_bytes(answer.data)
    assert set(heat_map.load(tmp_path / "maps")[0]) == set(heat_map.METHODS)
    with Image.open(tmp_path / "heat-map-avol") as drawn:
        assert drawn.size == (64, 48)


def test_a_result_that_was_not_described_says_so(tmp_path: Path, flash_voice: FlashVoice, flash_clip: Path) -> None:
    with place(tmp_path / "data", describe=False) as here:
        job = described(here, flash_clip)
        fits(job, "Job")
        assert job["description"]["described"] is False
        assert job["outputs"][0]["description"] is None
        assert "maps" not in job["outputs"][0]["links"]
        assert "This server does not describe results" in here.client.get(job["links"]["page"]).text
        assert "was not looked at" in here.client.get(f"{job['links']['page']}/explain").text
        problem(here.client.get(f"{job['links']['self']}/takes/0/heat-map.mp4"), 404, "not-found")


def test_an_older_result_is_shown_as_before(here: Place, flash_clip: Path) -> None:
    job = here.done(flash_clip)
    fits(job, "Job")
    assert job["description"] is None
    page = here.client.get(job["links"]["page"]).text
    assert "What is heard" not in page
    assert "Not listened to" not in page


def test_the_page_shows_tags_fit_maps_and_ranks(here: Place, flash_clip: Path) -> None:
    job = described(here, flash_clip, takes="2")
    page = here.client.get(job["links"]["page"]).text
    assert 'href="/search?q=crackling%20fire"' in page
    assert "The sound fits the picture" in page
    shown = min(job["outputs"], key=lambda one: one["description"]["rank"])  # the page begins with the best
    texture = shown["description"]["texture"]
    heard, seen = (phrases.kind_name(texture[which], texture[name]) for which, name in KIND_FIELDS)
    assert f"typical of “{heard}” sounds; the picture leads one to expect “{seen}”." in page
    links = shown["links"]
    assert f'<img src="{links["heat-map-avol"]}"' in page
    assert f'<img src="{links["heat-map-attention"]}"' in page
    assert f'href="{job["links"]["page"]}/takes/{shown["take"]}/watch?method=avol"' in page
    assert page.count("best match") == 1
    assert "2nd" in page
    assert page.index("Take 1<small>") < page.index("Take 2<small>"), "takes keep their order"
    assert '<span class="firsttag">heard: crackling fire</span>' in here.client.get("/gallery").text
    explained = here.client.get(f"{job['links']['page']}/explain").text
    assert explained.count(f'<img src="{links["heat-maps"]}"') == 1
    assert "AVOL-Net, then Attention" in explained
    assert explained.count('class="taken"') == 3
    assert "Unit 7, which likes <b>thunder</b>" in explained
    assert here.client.get(links["heat-units"]).data[:2] == b"\xff\xd8"


def test_speech_is_said_to_have_no_texture(here: Place, flash_clip: Path) -> None:
    job = described(here, flash_clip)
    pages = [job["links"]["page"], f"{job['links']['page']}/explain"]
    assert all("exture is " in here.client.get(page).text for page in pages)
    with here.jobs.database.writing() as connection:
        kept = connection.execute(sa.select(JOBS.c.result).where(JOBS.c.id == job["id"])).scalar_one()
        for output in kept["outputs"]:
            output["mode"] = "speech"
        connection.execute(sa.update(JOBS).where(JOBS.c.id == job["id"]).values(result=kept))
    for page in pages:
        text = here.client.get(page).text
        assert "What is heard" in text or "This take" in text  # the rest of the description is there
        assert "exture is " not in text
        assert "<dt>Typicality</dt>" not in text


def test_names_from_a_description_are_shown_and_not_run(
    here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hostile(found: Description) -> Description:
        tag = replace(found.takes[0].tags[0], name="<script>alert(1)</script>")
        return replace(found, takes=(replace(found.takes[0], tags=(tag,)),))

    monkeypatch.setattr(description, "describer", lambda: Spoilt(change=hostile))
    job = described(here, flash_clip)
    for page in (job["links"]["page"], f"{job['links']['page']}/explain", "/gallery"):
        text = here.client.get(page).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_a_question_that_nobody_took_away_holds_no_file_of_a_deleted_job(here: Place, flash_clip: Path) -> None:
    job = described(here, flash_clip)
    link = job["outputs"][0]["links"]["heat-map-video-avol"]
    assert here.client.post(link.replace("heat-map.mp4", "heat-map")).status_code == 202
    here.work()  # and nobody asks how far it is
    assert here.client.delete(job["links"]["self"]).status_code == 204
    wait_until(lambda: here.left() == [])


def test_the_overlay_video_is_drawn_once_when_it_is_asked_for(here: Place, flash_clip: Path, tmp_path: Path) -> None:
    job = described(here, flash_clip)
    link = job["outputs"][0]["links"]["heat-map-video-avol"]
    with here.at_work():
        answer = here.client.get(link)
        assert answer.status_code == 200, answer.text
    assert here.notified[-1] == OVERLAY
    assert answer.content_type == "video/mp4"
    (tmp_path / "over.mp4").write_bytes(answer.data)
    assert video.probe(tmp_path / "over.mp4").duration_s == pytest.approx(2.0, abs=0.04)
    assert len(audio.read(tmp_path / "over.mp4")[0]) > 0
    notified = len(here.notified)
    again = here.client.get(link, headers={"Range": "bytes=0-9"})
    assert (again.status_code, again.data, len(here.notified)) == (206, answer.data[:10], notified)
    assert len(here.jobs.recent(owner=None)[0]) == 1, "a question is no job"
    assert here.client.delete(job["links"]["self"]).status_code == 204
    wait_until(lambda: here.left() == [])  # files may go a moment after their job


def test_who_waits_too_long_is_told_and_finds_it_the_next_time(
    here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heat_videos, "PATIENCE_S", 0.3)
    link = described(here, flash_clip)["outputs"][0]["links"]["heat-map-video-attention"]
    for _ in range(2):
        refused = here.client.get(link)
        problem(refused, 503, "unavailable")
        assert refused.headers["Retry-After"]
    here.work()
    assert here.client.get(link).status_code == 200


def test_a_page_has_it_drawn_and_is_told_how_far_it_is(here: Place, flash_clip: Path) -> None:
    job = described(here, flash_clip)
    link = f"{job['links']['self']}/takes/0/heat-map?method=avol"
    assert here.client.get(link).get_json()["status"] == "none"
    asked = here.client.post(link)
    assert (asked.status_code, asked.get_json()["status"]) == (202, "waiting")
    assert here.client.post(link).get_json()["status"] == "waiting"
    assert here.notified.count(OVERLAY) == 2
    page = here.client.get(f"{job['links']['page']}/takes/0/watch?method=avol").text
    assert "Waiting for its turn" in page
    assert "<video" not in page
    here.work()
    told = here.client.get(link).get_json()
    assert (told["status"], told["video"]) == ("drawn", job["outputs"][0]["links"]["heat-map-video-avol"])
    assert f'src="{told["video"]}"' in here.client.get(f"{job['links']['page']}/takes/0/watch?method=avol").text
    row = here.jobs.get(job["id"], None)
    assert row.result is not None
    here.storage.delete(row.result["outputs"][0]["maps_key"])
    other = link.replace("avol", "attention")
    here.client.post(other)
    here.work()
    told = here.client.get(other).get_json()
    assert told["status"] == "failed"
    assert "not in the storage" in told["detail"]


def test_what_cannot_be_drawn_is_said(here: Place, flash_clip: Path) -> None:
    job = described(here, flash_clip)
    link = job["outputs"][0]["links"]["heat-map-video-avol"]
    problem(here.client.get(link.replace("avol", "magic")), 422, "option")
    problem(here.client.get(link.replace("takes/0", "takes/7")), 404, "not-found")
    row = here.jobs.get(job["id"], None)
    assert row.result is not None
    here.storage.delete(row.result["outputs"][0]["maps_key"])
    with here.at_work():
        problem(here.client.get(link), 409, "conflict")


@pytest.mark.parametrize(
    ("texture", "words"),
    [
        ({"cluster": 0, "typicality": 0.6, "name": "rain"}, "typical of “rain” sounds."),
        ({"cluster": 0, "typicality": 0.1, "name": "rain", "expected": 0}, "as the picture leads one to expect."),
        ({"cluster": 4, "typicality": 0.0, "expected": 1, "expected_name": "dog"}, "expect “dog”."),
        ({"cluster": 4, "typicality": 0.01}, "odd: “kind 5” sounds are nearest"),
    ],
)
def test_a_texture_in_words(texture: dict[str, Any], words: str) -> None:
    assert words in phrases.texture_words(texture)


def test_where_a_sound_comes_from_in_words() -> None:
    assert phrases.where_words({"avol": 0.9, "attention": 0.7}).startswith("The colour shows")
    assert "may not be visible" in phrases.where_words({"avol": 0.3, "attention": 0.4})
    assert phrases.where_words({"avol": 0.3, "attention": 0.8}).startswith("Only Attention")
    assert [phrases.rank_words(rank) for rank in (1, 2, 3, 4)] == ["best match", "2nd", "3rd", "4th"]


def kept_kinds(folder: Path) -> Path:
    """Weights of three kinds of texture, of the form in which the recipe writes them."""
    bands = torch.linspace(0, 1, 96).reshape(3, 32)
    tensors = {"net.a": torch.zeros(7), "bands": bands, "centres": torch.zeros(3, 5)}
    about = {"config": "{}", "names": json.dumps(["sea_waves", "rain", "sea_waves"])}
    weights.register(texture_kinds.NETWORK, tensors, folder=folder, licence="MIT", summary="Kinds.", metadata=about)
    return folder


def test_kinds_of_texture_are_read_without_the_nets(tmp_path: Path) -> None:
    assert texture_kinds.kinds(tmp_path) == ()
    found = texture_kinds.kinds(kept_kinds(tmp_path / "weights"))
    assert [kind.name for kind in found] == ["sea waves", "rain", "sea waves 2"]
    assert {len(kind.bands) for kind in found} == {32}
    assert (found[0].bands[0], found[2].bands[-1]) == (0.0, 1.0)


def test_the_gallery_by_texture(
    here: Place, flash_clip: Path, dark_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Nothing here yet" in here.client.get("/gallery/textures").text
    known = texture_kinds.kinds(kept_kinds(tmp_path / "weights"))
    monkeypatch.setattr(texture_kinds, "kinds", lambda: known)
    jobs = [described(here, flash_clip, takes="2"), described(here, dark_clip)]
    fits(jobs[0], "Job")
    texture = jobs[0]["outputs"][0]["description"]["texture"]
    assert (texture["name"], texture["expected_name"]) == ("sea waves 2", None)
    assert here.client.get("/gallery").text.count("/gallery/textures") == 1
    page = here.client.get("/gallery/textures").text
    assert page.count('<section class="kind"') == 1
    assert ">Crackling fire</h2>" in page  # what is heard in it
    assert "like sea waves 2" in page
    assert page.split('class="bands"')[1].count("<rect") == 32
    assert all(job["links"]["page"] in page for job in jobs)
    assert "2 results" in page
