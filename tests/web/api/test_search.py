"""The search over HTTP, and its page: by words, like a job, like a file; nobody finds what is not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest
from PIL import Image

from synth.description.description import Side
from synth.media import audio
from tests.support.embedders import LightsAndLevels, leaning
from tests.support.serving import KEY, KEY_ENTRY
from tests.support.web_place import Place, document, place, problem
from web.api import search_service
from web.client.errors import ClientError
from web.client.sync import Client
from web.uploads import questions
from workers.records import SEARCH
from workers.search import vectors
from workers.tasks import search_answers

RATE_HZ = 22_050


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(search_answers, "embedder", LightsAndLevels)
    for space in search_service.NEAR:
        monkeypatch.setitem(search_service.NEAR, space, -1.0)  # what was measured holds for nets that were trained
    with place(tmp_path / "data") as made:
        yield made


def known(here: Place, clip: Path, title: str, light: float, *loud: float, **options: Any) -> str:
    """A finished job that looks so light and whose takes are so loud."""
    job = here.done((clip, title), takes=len(loud), **options)
    takes = {take: leaning(Side.SOUND, level) for take, level in enumerate(loud)}
    assert vectors.keep(here.jobs, job["id"], job["attempt"], leaning(Side.PICTURE, light), takes)
    return str(job["id"])


@pytest.fixture
def gallery(here: Place, flash_clip: Path) -> dict[str, str]:
    """Title -> job."""
    return {
        "night": known(here, flash_clip, "night.mp4", 0.1, 0.9),
        "dusk": known(here, flash_clip, "dusk.mp4", 0.4, 0.2, 0.8),
        "noon": known(here, flash_clip, "noon.mp4", 1.0, 0.1, mode="ambient", sound_class="rain"),
    }


def fits(told: Any) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Search", "components": document()["components"]}
    jsonschema.Draft202012Validator(schema).validate(told)
    return dict(told)


def search(here: Place, **query: Any) -> list[tuple[str, int, str]]:
    answer = here.client.get("/v1/search", query_string=query)
    assert answer.status_code == 200, answer.text
    return [(one["job"], one["take"], one["matched"]) for one in fits(answer.get_json())["results"]]


def grey(path: Path, light: float) -> Path:
    Image.new("L", (64, 48), round(255 * light)).save(path)
    return path


def level(path: Path, peak: float) -> Path:
    audio.write(path, np.full(RATE_HZ, peak, np.float32), RATE_HZ)
    return path


def test_words_find_titles_materials_and_classes(here: Place, gallery: dict[str, str]) -> None:
    assert search(here, q="dusk") == [(gallery["dusk"], 0, "words")]
    assert search(here, q="rainy") == [(gallery["noon"], 0, "words")]
    assert [job for job, _, _ in search(here, q="wood")] == [gallery["dusk"], gallery["night"]]
    assert search(here, q="helicopter") == []
    (one,) = here.client.get("/v1/search?q=dusk+dawn").get_json()["results"]
    assert one["words"] == ["dusk"]
    assert one["links"]["page"] == f"/jobs/{gallery['dusk']}?take=0"
    assert here.client.get(one["links"]["page"]).status_code == 200
    assert here.client.get(one["links"]["thumbnail"]).status_code == 200


def test_a_job_finds_what_looks_or_sounds_like_it(here: Place, gallery: dict[str, str]) -> None:
    night, dusk, noon = (gallery[name] for name in ("night", "dusk", "noon"))
    assert search(here, job=night, by="picture", find="picture") == [(dusk, 0, "picture"), (noon, 0, "picture")]
    assert search(here, job=night, by="sound", find="sound") == [(dusk, 1, "sound"), (noon, 0, "sound")]
    assert search(here, job=noon, by="sound", find="any")[0] == (night, 0, "picture")
    assert search(here, job=dusk, take=0, by="sound", find="sound")[0] == (noon, 0, "sound")
    assert search(here, job=dusk, take=1, by="sound", find="sound")[0] == (night, 0, "sound")
    assert len(search(here, job=night, limit=1)) == 1
    told = here.client.get(f"/v1/search?job={night}&by=picture").get_json()
    assert told["query"] == {
        "kind": "job", "job": night, "take": 0, "title": "night.mp4", "by": "picture", "find": "any",
        "space": "crossmodal", "limit": 24,
        "least": -1.0,
    }  # fmt: skip


def test_both_sides_of_a_job_count_half_each(here: Place, flash_clip: Path) -> None:
    asked = known(here, flash_clip, "asked.mp4", 0.0, 0.6)
    between = known(here, flash_clip, "between.mp4", 0.3, 1.5)
    known(here, flash_clip, "beside.mp4", 0.7, 1.4)
    (first, take, matched), *_ = search(here, job=asked)
    assert (first, take, matched) == (between, 0, "picture")


def test_files_are_embedded_by_a_worker(here: Place, gallery: dict[str, str], tmp_path: Path, flash_clip: Path) -> None:
    def like(path: Path, **fields: str) -> dict[str, Any]:
        answer = here.send(path, to="/v1/search", **fields)
        assert answer.status_code == 200, answer.text
        return fits(answer.get_json())

    with here.at_work():
        by_picture = like(grey(tmp_path / "a.png", 0.95), find="picture")
        by_sound = like(level(tmp_path / "a.wav", 0.18), find="sound", limit="2")
        across = like(level(tmp_path / "b.wav", 0.99), find="picture")
        by_clip = like(flash_clip, find="picture")
    assert (by_picture["query"]["kind"], by_picture["query"]["title"]) == ("picture", "a.png")
    assert by_picture["results"][0]["job"] == gallery["noon"]
    assert by_sound["query"]["kind"] == "sound"
    assert [one["job"] for one in by_sound["results"]] == [gallery["dusk"], gallery["noon"]]
    assert (across["results"][0]["job"], across["results"][0]["matched"]) == (gallery["noon"], "picture")
    assert by_clip["query"]["kind"] == "clip"
    assert by_clip["results"][0]["job"] == gallery["night"]  # it is dark most of the time
    assert set(here.notified[-4:]) == {SEARCH}
    left = [name for name in here.left() if name.partition("/")[0] not in gallery.values()]
    assert left == []
    assert here.jobs.counts()["queued"] == 0


def test_files_that_cannot_be_searched_with_are_refused(here: Place, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    (tmp_path / "empty.png").write_bytes(b"")
    with here.at_work():
        told = problem(here.send(tmp_path / "broken.jpg", to="/v1/search"), 422, "media")
        assert "picture is damaged" in told["detail"]
        problem(here.send(tmp_path / "empty.png", to="/v1/search"), 422, "media")
        silent = problem(here.send(grey(tmp_path / "a.png", 0.5), to="/v1/search", by="sound"), 422, "media")
        assert silent["detail"] == "the file is a picture without sound; choose what it has to search by"
    problem(here.send(tmp_path / "a.png", to="/v1/search", find="smell"), 422, "option")
    problem(here.send(to="/v1/search"), 400, "bad-request")
    assert here.left() == []


def test_without_a_worker_the_wait_ends(here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(questions.PATIENCE_S, SEARCH, 0.2)
    answer = here.send(grey(tmp_path / "a.png", 0.5), to="/v1/search")
    told = problem(answer, 503, "unavailable")
    assert "no worker was free" in told["detail"]
    assert answer.headers["Retry-After"] == "5"
    assert here.left() == []
    assert here.jobs.counts()["queued"] == 0


def test_a_large_file_is_refused_before_it_is_read(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.api.search.MAX_FILE_BYTES", 1000)
    (tmp_path / "a.wav").write_bytes(b"RIFF" + bytes(5000))
    problem(here.send(tmp_path / "a.wav", to="/v1/search"), 413, "too-large")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "bad-request"),
        ("q=+", 400, "bad-request"),
        ("q=rain&job={night}", 400, "bad-request"),
        ("job=nobody", 404, "not-found"),
        ("job={night}&take=7", 422, "option"),
        ("job={night}&by=smell", 422, "option"),
        ("job={night}&space=outer", 422, "option"),
        ("job={night}&space=ave", 404, "not-found"),
        ("q=rain&limit=0", 422, "option"),
        ("q=rain&limit=101", 422, "option"),
        (f"q={'a' * 300}", 422, "option"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(
    here: Place, gallery: dict[str, str], query: str, status: int, code: str
) -> None:
    problem(here.client.get(f"/v1/search?{query.format(**gallery)}"), status, code)


def test_what_was_deleted_expired_or_tried_again_is_not_found(here: Place, gallery: dict[str, str]) -> None:
    night, dusk, noon = (gallery[name] for name in ("night", "dusk", "noon"))
    assert len(search(here, job=night, find="sound")) == 2
    assert here.client.delete(f"/v1/jobs/{dusk}").status_code == 204
    assert search(here, job=night, find="sound") == [(noon, 0, "sound")]
    here.jobs.expire(older_than=here.jobs.get(noon, None).created_at + 1e6)
    assert here.client.get(f"/v1/search?job={night}").status_code == 422  # it has no takes any more
    assert search(here, q="rain") == []


def test_an_index_of_many_takes_of_few_jobs_still_gives_many_jobs(here: Place, flash_clip: Path) -> None:
    asked = known(here, flash_clip, "asked.mp4", 0.5, 0.5)
    for number in range(3):
        known(here, flash_clip, f"near{number}.mp4", 0.5, *[0.5] * 8)
    far = known(here, flash_clip, "far.mp4", 1.4, 1.4)
    assert [job for job, _, _ in search(here, job=asked, find="sound", limit=4)][-1] == far


def test_nobody_finds_what_is_somebody_elses(tmp_path: Path, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_answers, "embedder", LightsAndLevels)
    bobs = KEY_ENTRY.replace("anna:", "bob:").replace(KEY_ENTRY.partition(":")[2], "0" * 64)
    with place(tmp_path / "data", api_keys=f"{KEY_ENTRY},{bobs}") as here:
        headers = {"Authorization": f"Bearer {KEY}"}

        def kept(owner: str) -> str:
            sent = here.send(flash_clip, headers=headers).get_json()["id"]
            with here.jobs.database.writing() as connection:
                connection.exec_driver_sql(f"UPDATE jobs SET owner = '{owner}' WHERE id = '{sent}'")
            here.finish()
            vectors.keep(here.jobs, sent, 1, leaning(Side.PICTURE, 0.5), {0: leaning(Side.SOUND, 0.5)})
            return str(sent)

        hers, also_hers, his = kept("anna"), kept("anna"), kept("bob")
        found = here.client.get("/v1/search?q=flash", headers=headers).get_json()["results"]
        assert {one["job"] for one in found} == {hers, also_hers}
        alike = here.client.get(f"/v1/search?job={hers}", headers=headers).get_json()["results"]
        assert [one["job"] for one in alike] == [also_hers]
        problem(here.client.get(f"/v1/search?job={his}", headers=headers), 404, "not-found")
        problem(here.client.get("/v1/search?q=flash"), 401, "unauthorized")


def test_the_page_searches_by_words_and_like_jobs(here: Place, gallery: dict[str, str]) -> None:
    front = here.client.get("/search").text
    assert 'name="q"' in front
    assert 'enctype="multipart/form-data"' in front
    words = here.client.get("/search?q=dusk").text
    assert "dusk.mp4" in words
    assert "night.mp4" not in words
    assert "1 found" in words
    alike = here.client.get(f"/search?job={gallery['night']}&by=sound&find=sound").text
    assert alike.index("dusk.mp4") < alike.index("noon.mp4")
    assert f"/jobs/{gallery['dusk']}?take=1" in alike
    assert "by its sound, take 2" in alike
    assert "Nothing here is called that" in here.client.get("/search?q=zebra").text
    assert '<a href="/search"' in here.client.get("/gallery").text
    answer = here.client.get("/search?job=nobody", headers={"Accept": "text/html"})
    assert answer.status_code == 404


def test_the_page_takes_a_file_from_its_plain_form(here: Place, gallery: dict[str, str], tmp_path: Path) -> None:
    token = here.form_token("/search")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    with here.at_work():
        found = here.send(grey(tmp_path / "a.png", 0.1), to="/search", csrf_token=token, find="picture")
        refused = here.send(tmp_path / "broken.jpg", to="/search", csrf_token=token)
    assert found.status_code == 200
    assert found.text.index("night.mp4") < found.text.index("dusk.mp4") < found.text.index("noon.mp4")
    assert "a.png" in found.text
    assert refused.status_code == 422
    assert "The picture is damaged" in refused.text
    assert 'name="q"' in refused.text  # the form is there to try again
    forged = here.send(tmp_path / "a.png", to="/search", csrf_token="wrong")
    assert forged.status_code == 403


@pytest.fixture
def client(here: Place) -> Iterator[Client]:
    with Client("http://localhost", transport=httpx.WSGITransport(app=here.app)) as made:
        yield made


def test_the_client_searches(here: Place, gallery: dict[str, str], tmp_path: Path, client: Client) -> None:
    assert [one["job"] for one in client.search(q="dusk")["results"]] == [gallery["dusk"]]
    alike = client.search(job=gallery["dusk"], take=1, by="sound", find="sound", limit=1)
    assert [one["job"] for one in alike["results"]] == [gallery["night"]]
    with here.at_work():
        like = client.search_like(grey(tmp_path / "a.png", 0.95), find="picture", limit=1, space=None)
    assert [one["job"] for one in like["results"]] == [gallery["noon"]]
    with pytest.raises(ClientError, match="job=ID"):
        client.search()


def test_a_slip_of_the_pen_is_understood(here: Place, gallery: dict[str, str]) -> None:
    told = fits(here.client.get("/v1/search", query_string={"q": "nihgt"}).get_json())
    assert (told["results"], told["query"]["did_you_mean"]) == ([], "night")
    page = here.client.get("/search", query_string={"q": "nihgt"}).text
    assert '<a href="/search?q=night">night</a>' in page
    for words, meant in (("rian", "rain"), ("night rayn", None), ("xylophonist", None)):
        told = here.client.get("/v1/search", query_string={"q": words}).get_json()
        assert told["query"].get("did_you_mean") == meant, words


def test_what_is_far_off_is_not_found(here: Place, gallery: dict[str, str]) -> None:
    everything = here.client.get("/v1/search", query_string={"job": gallery["night"], "least": "-1"}).get_json()
    assert len(everything["results"]) == 2
    nearest = max(one["score"] for one in everything["results"])
    query = {"job": gallery["night"], "least": str(min(1.0, nearest + 0.001))}
    told = fits(here.client.get("/v1/search", query_string=query).get_json())
    assert told["results"] == []
    page = here.client.get("/search", query_string=query).text
    assert "Nothing here is near it." in page
    assert "The nearest there are, all the same" in page
    for least in ("2", "near", "nan"):
        problem(here.client.get("/v1/search", query_string={**query, "least": least}), 422, "option")
