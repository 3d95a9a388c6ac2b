"""The page of a result without scripts: which take it begins with, what is made again, and that nothing fits."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.voices import HissVoice
from tests.support.web_place import Place, place
from web.pages import phrases, studio
from web.pages.filters import STATIC


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def press(here: Place, path: str, **fields: str) -> dict[str, Any]:
    """Send a form of a job's page; the job that it leads to."""
    answer = here.client.post(path, data={"csrf_token": here.form_token(), **fields})
    assert answer.status_code == 303, answer.text
    return dict(here.client.get(f"/v1{answer.headers['Location']}").get_json())


def form_of(page: str, mark: str) -> dict[str, str]:
    """What a form of a page sends as it stands: texts, numbers, chosen options, switches that are on."""
    text = page[page.index(mark) :].split("</form>")[0]
    sent = {}
    for tag in re.findall(r"<input [^>]*>", text):
        given = {name: html.unescape(value) for name, value in re.findall(r'([a-z_]+)="([^"]*)"', tag)}
        if given.get("type") != "checkbox" or re.search(r" checked\b", tag):
            sent[given["name"]] = given.get("value", "")
    for name, choices in re.findall(r'<select [^>]*name="([^"]+)">(.*?)</select>', text, re.DOTALL):
        sent[name] = re.findall(r'value="([^"]*)"(?= selected)', choices)[0]
    return sent


def test_anything_is_changed_and_made_again_without_an_upload(here: Place, flash_clip: Path) -> None:
    old = here.done(flash_clip, mode="hits", material="wood", seed="7", takes="2")
    page = here.client.get(old["links"]["page"]).text
    sent = form_of(page, "data-again")
    assert {name: sent[name] for name in ("mode", "material", "seed", "takes")} == {
        "mode": "hits", "material": "wood", "seed": "7", "takes": "2",
    }  # fmt: skip
    del sent["csrf_token"]
    new = press(here, f"{old['links']['page']}/variants", **{**sent, "mode": "ambient", "prompt": "heavy rain"})
    assert new["id"] != old["id"]
    assert new["clip"] == old["clip"]
    wanted = {"mode": "ambient", "prompt": "heavy rain", "material": None, "seed": 7, "takes": 2}
    assert {name: new["options"][name] for name in wanted} == wanted
    # Sent as it stands it can only mean another sound of the same.
    same = press(here, f"{old['links']['page']}/variants", **sent)
    assert same["options"] == {**old["options"], "seed": 9}


def test_options_are_changed_through_the_api_too(here: Place, flash_clip: Path) -> None:
    old = here.done(flash_clip, mode="hits", material="wood")
    link = old["links"]["variants"]
    asked = {"options": {"mode": "ambient", "sound_class": "rain", "loudness_lufs": -16, "takes": 3}}
    (new,) = here.client.post(link, json=asked).get_json()["jobs"]
    wanted = {"mode": "ambient", "sound_class": "rain", "loudness_lufs": -16.0, "takes": 3, "material": None}
    assert {name: new["options"][name] for name in wanted} == wanted
    refused = here.client.post(link, json={"options": {"mode": "hits", "sound_class": "rain"}})
    assert refused.status_code == 422
    assert "sound_class goes with mode ambient" in refused.get_json()["detail"]


def test_none_of_our_sounds_fits(here: Place, hiss_voice: HissVoice, dark_clip: Path, flash_clip: Path) -> None:
    lost = here.sent(dark_clip, mode="ambient")
    found = here.sent(flash_clip, mode="ambient")
    here.work()
    page = here.client.get(lost["links"]["page"]).text
    assert "None of our sounds fits this clip" in page
    assert "Nothing in the picture says what it is." in page
    assert 'name="mode" value="hits"' in page
    assert "data-nofit" not in here.client.get(found["links"]["page"]).text
    hits = press(here, f"{lost['links']['page']}/variants", mode="hits")
    assert hits["options"]["mode"] == "hits"
    told = press(here, f"{lost['links']['page']}/variants", prompt="heavy rain")
    assert (told["options"]["mode"], told["options"]["prompt"]) == ("ambient", "heavy rain")
    gallery = here.client.get("/gallery").text
    marked = [card for card in gallery.split('<article class="card"') if "nothing fits" in card]
    assert [lost["id"] in card for card in marked] == [True]


def test_what_was_seen_is_said_in_plain_words() -> None:
    reason = "the picture shows ImageNet's motor scooter (0.17), thresher (0.06), tractor (0.06); no sound fits it well"
    assert phrases.seen_words(reason) == (
        "The picture might show motor scooter (17 %), thresher (6 %) or tractor (6 %), but none of it surely enough to "
        "say what sounds."
    )
    assert phrases.seen_words("nothing in the picture says what it is") == "Nothing in the picture says what it is."


def test_the_take_that_is_shown_first() -> None:
    def take(number: int, rank: int | None = None, parent: int | None = None) -> dict[str, Any]:
        return {"take": number, "parent": parent, "description": rank and {"rank": rank}}

    ranked = [take(0, 2), take(1, 3), take(2, 1)]
    assert studio.shown_take(ranked, None) == 2
    assert studio.shown_because(ranked, 2, None) == "Take 3 is shown: of 3 it fits the picture best."
    assert studio.shown_take(ranked, "1") == 1
    assert studio.shown_because(ranked, 1, "1") is None
    assert studio.shown_take(ranked, "7") == 2
    corrected = [*ranked, take(3, None, 0), take(5, None, 3)]
    assert studio.shown_take(corrected, None) == 4
    assert "Take 6 is shown: the newest" in (studio.shown_because(corrected, 4, None) or "")
    assert studio.shown_take(corrected, "5") == 4  # by its number, which is not its place
    assert studio.shown_take([take(0), take(1)], None) == 0


def test_browsers_may_keep_every_module(here: Place, flash_clip: Path) -> None:
    job = here.done(flash_clip)
    page = here.client.get(job["links"]["page"])
    (told,) = re.findall(r'<script type="importmap" nonce="[^"]+">(.*?)</script>', page.text)
    modules = json.loads(told)["imports"]
    wanted = {path.relative_to(STATIC).as_posix() for part in studio.MODULES for path in (STATIC / part).rglob("*.js")}
    assert {name.removeprefix("/static/") for name in modules} == wanted
    for name, address in modules.items():
        assert re.fullmatch(re.escape(name) + r"\?v=[0-9a-f]{12}", address)
        with here.client.get(address) as answer:
            assert answer.status_code == 200
    for path in wanted:  # each import is one of the map's, or it would be kept for ever without a digest
        for other in re.findall(r'from "([^"]+)"', (STATIC / path).read_text()):
            assert (STATIC / path).parent.joinpath(other).resolve().relative_to(STATIC).as_posix() in wanted
