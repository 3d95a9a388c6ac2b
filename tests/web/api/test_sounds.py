"""The catalogue over the API: the list, a listen, and how a prompt is understood."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile

from synth.voices.ambient.catalogue.registry import all_sounds
from tests.support.clips import Zoo
from tests.support.web_place import PROBLEM, Place, place
from web.api import sound_previews
from web.api.sound_previews import Preview, Previews


@pytest.fixture(name="here", scope="module")
def _here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("sounds")) as made:
        yield made


def test_the_list_has_all_sounds_with_their_knobs(here: Place) -> None:
    sounds = here.client.get("/v1/sounds").get_json()["sounds"]
    assert [one["name"] for one in sounds] == list(all_sounds())
    assert len(sounds) >= 120
    rain = next(one for one in sounds if one["name"] == "rain")
    assert rain["knobs"]["drops_per_s"]["low"] < rain["knobs"]["drops_per_s"]["high"]
    music = here.client.get("/v1/sounds?family=music").get_json()["sounds"]
    assert {one["family"] for one in music} == {"music"}
    assert here.client.get("/v1/sounds?family=fish").status_code == 422


def test_one_sound_and_none(here: Place) -> None:
    assert here.client.get("/v1/sounds/rain").get_json()["singular"] == "rain"
    answer = here.client.get("/v1/sounds/rian")
    assert answer.status_code == 404
    assert "the nearest are" in answer.get_json()["detail"]


def test_a_preview_is_sound_and_follows_seed_and_knobs(here: Place) -> None:
    first = here.client.get("/v1/sounds/rain/preview?duration_s=1")
    assert first.status_code == 200
    assert first.content_type == "audio/flac"
    samples, rate_hz = soundfile.read(io.BytesIO(first.data))
    assert rate_hz == 48_000
    assert samples.shape == (48_000,)
    assert 0.5 < np.abs(samples).max() <= 1
    assert here.client.get("/v1/sounds/rain/preview?duration_s=1").data == first.data
    assert here.client.get("/v1/sounds/rain/preview?duration_s=1&seed=1").data != first.data
    assert here.client.get("/v1/sounds/rain/preview?duration_s=1&drops_per_s=5000").data != first.data
    known = here.client.get("/v1/sounds/rain/preview?duration_s=1", headers={"If-None-Match": first.headers["ETag"]})
    assert known.status_code == 304


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("drops_per_s=99999", "drops_per_s of rain is 99999; allowed is 200 to 6000"),
        ("drops_per_s=many", "drops_per_s is 'many'; allowed is"),
        ("drops_per_s=nan", "drops_per_s is 'nan'; allowed is"),
        ("dropz_per_s=300", "rain has no knob 'dropz_per_s'; the nearest are drops_per_s"),
        ("duration_s=60", "duration_s is '60'; allowed is 0.1 to 6"),
        ("seed=-1", "seed is '-1'; allowed is 0"),
        ("seed=1&seed=2", "seed is given 2 times"),
    ],
)
def test_a_preview_that_cannot_be_is_refused(here: Place, query: str, sentence: str) -> None:
    answer = here.client.get(f"/v1/sounds/rain/preview?{query}")
    assert answer.status_code == 422
    assert answer.content_type == PROBLEM
    assert sentence in answer.get_json()["detail"]


def test_previews_are_made_one_at_a_time_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most, made = 0, 0, 0

    def slow(self: Preview) -> bytes:
        nonlocal at_work, most, made
        at_work, made = at_work + 1, made + 1
        most = max(most, at_work)
        time.sleep(0.05)
        at_work -= 1
        return self.name.encode()

    monkeypatch.setattr(Preview, "flac", slow)
    previews = Previews()
    wanted = [Preview("rain", seed, 1.0, ()) for seed in (0, 1, 0, 1, 2)]
    threads = [threading.Thread(target=previews.get, args=(one,)) for one in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert made == 3
    for seed in range(sound_previews.KEPT):
        previews.get(Preview("dog", seed, 1.0, ()))
    assert made == 3 + sound_previews.KEPT
    previews.get(Preview("dog", sound_previews.KEPT - 1, 1.0, ()))
    assert made == 3 + sound_previews.KEPT
    previews.get(wanted[0])  # went for lack of room
    assert made == 4 + sound_previews.KEPT


def test_who_waits_too_long_is_told_to_come_again(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_previews, "WAIT_S", 0.05)
    with sound_previews.previews._making:
        answer = here.client.get("/v1/sounds/wind/preview?duration_s=1&seed=77")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


def test_a_preview_does_not_hold_up_the_pages(here: Place) -> None:
    """The slowest class, six seconds of it, while /livez is asked all the time."""
    here.client.get("/v1/sounds/piano/preview?duration_s=0.5")  # what is loaded once
    over, waits_s = threading.Event(), []

    def ask() -> None:
        client = here.app.test_client()
        while not over.is_set():
            begun = time.perf_counter()
            assert client.get("/livez").status_code == 200
            waits_s.append(time.perf_counter() - begun)
            time.sleep(0.005)

    thread = threading.Thread(target=ask)
    thread.start()
    for name in ("piano", "applause", "stream", "drum_kit"):
        assert here.client.get(f"/v1/sounds/{name}/preview?duration_s=6&seed=9").status_code == 200
    over.set()
    thread.join()
    assert len(waits_s) >= 3
    assert np.median(waits_s) < 0.5


def test_a_prompt_is_parsed(here: Place) -> None:
    answer = here.client.get("/v1/sounds/parse", query_string={"prompt": "heavy rain on a tin roof, thunder far away"})
    told = answer.get_json()
    assert [layer["sound"] for layer in told["layers"]] == ["rain_on_roof", "thunder"]
    again = here.client.get("/v1/sounds/parse", query_string={"prompt": told["told"]}).get_json()
    assert again["layers"] == told["layers"]
    held = here.client.get("/v1/sounds/parse", query_string={"prompt": "rain, a piano", "without": "music"}).get_json()
    assert [layer["sound"] for layer in held["layers"]] == ["rain"]
    assert held["ignored"] == ["piano (left out by without: music)"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"prompt": "zxqv"}, "names a sound in English; the nearest are"),
        ({"prompt": "rain_on_rof"}, "the nearest are rain_on_roof"),
        ({"prompt": "thunder, distence_m 3"}, "the nearest are distance_m"),
        ({"prompt": "x" * 10_000}, "allowed are up to 1000 letters"),
        ({"prompt": ""}, "prompt"),
        ({}, "prompt is missing"),
        ({"prompt": "rain", "without": "musik"}, "the nearest are music"),
    ],
)
def test_a_prompt_that_is_not_understood_is_refused(here: Place, query: dict[str, str], sentence: str) -> None:
    answer = here.client.get("/v1/sounds/parse", query_string=query)
    assert answer.status_code == 422
    assert answer.content_type == PROBLEM
    assert sentence in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"prompt": "zxqv blorp"}, "the nearest are"),
        ({"prompt": "rain, dropz 3"}, "the nearest are drops_per_s"),
        ({"prompt": "guitar", "without": "music"}, "which without (music) leaves out"),
        ({"without": "musik"}, "the nearest are music"),
        ({"mode": "speech", "without": "speech"}, "the mode asked for is speech"),
        ({"prompt": "rain", "sound_class": "dog"}, "both say what is to be heard"),
        ({"prompt": "r" * 10_000}, "allowed are 1000"),
    ],
)
def test_a_job_that_asks_for_what_cannot_be_is_refused(
    here: Place, zoo: Zoo, fields: dict[str, str], sentence: str
) -> None:
    answer = here.send(zoo["plain.mp4"], **fields)
    assert answer.status_code == 422, answer.get_json()
    assert sentence in answer.get_json()["detail"]


def test_a_job_keeps_its_words(here: Place, zoo: Zoo) -> None:
    answer = here.send(zoo["plain.mp4"], prompt="heavy rain", without="speech, music")
    assert answer.status_code == 202, answer.get_json()
    told = answer.get_json()
    assert told["options"]["prompt"] == "heavy rain"
    assert told["options"]["without"] == "speech, music"
    assert told["options"]["mode"] in ("auto", "ambient")


def test_the_sounds_are_in_the_document(here: Place) -> None:
    paths = here.client.get("/v1/openapi.json").get_json()["paths"]
    assert {"/v1/sounds", "/v1/sounds/parse", "/v1/sounds/{name}", "/v1/sounds/{name}/preview"} <= set(paths)
    assert "audio/flac" in paths["/v1/sounds/{name}/preview"]["get"]["responses"]["200"]["content"]


def test_the_board_shows_every_sound_and_searches_without_scripts(here: Place) -> None:
    page = here.client.get("/sounds").get_data(as_text=True)
    for name in all_sounds():
        assert f'data-sound="{name}"' in page
        assert f"sound_class={name}" in page
    found = here.client.get("/sounds?q=rain roof").get_data(as_text=True)
    assert 'data-sound="rain_on_roof"' in found
    assert 'data-sound="dog"' not in found
    none = here.client.get("/sounds?q=<zxqv>").get_data(as_text=True)
    assert "No sound is called “&lt;zxqv&gt;”" in none
    assert '<a href="/sounds/rain">rain</a>' in here.client.get("/sounds?q=rian").get_data(as_text=True)


def test_the_upload_page_takes_words_and_a_sound(here: Place) -> None:
    page = here.client.get("/?mode=ambient&sound_class=thunder&prompt=rain%22").get_data(as_text=True)
    assert '<option value="thunder" selected>' in page
    assert 'name="prompt" type="text" value="rain&#34;" maxlength="1000"' in page
    assert 'name="without" type="text"' in page


def test_the_page_says_what_was_wrong_with_a_prompt(here: Place, zoo: Zoo) -> None:
    page = here.client.get("/").get_data(as_text=True)
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = here.send(zoo["plain.mp4"], to="/", csrf_token=token, prompt="zxqv")
    assert answer.status_code == 422
    assert "the nearest are" in answer.get_data(as_text=True)
