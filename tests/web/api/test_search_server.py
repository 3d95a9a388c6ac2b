"""The search of a real server: a file is looked at while the worker is busy; and the page in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synth.description.description import Side
from tests.support.embedders import LightsAndLevels, leaning
from tests.support.serving import serving
from tests.support.web_place import place
from tests.web.pages.test_browser import CHROMIUM, DRIVER, Live, Person
from web.client.sync import Client
from workers.search import vectors
from workers.tasks import search_answers

LONG_MS = 60_000


@pytest.mark.slow
def test_nobody_waits_behind_a_job(flash_clip: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / "a.png")
    with serving() as server, Client(server.address) as client:
        busy = client.create(flash_clip, {"mode": "hits", "seed": LONG_MS})  # looks for a minute, then it is over
        told = client.search_like(tmp_path / "a.png")
        assert told["query"]["kind"] == "picture"
        assert told["results"] == []
        assert client.get(busy["id"])["status"] in ("queued", "running")
        assert [job["id"] for job in client.jobs()["jobs"]] == [busy["id"]]
        client.cancel(busy["id"])


@pytest.fixture
def live(tmp_path: Path, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setattr(search_answers, "embedder", LightsAndLevels)
    with place(tmp_path / "data") as here:
        for title, light in (("night.mp4", 0.1), ("noon.mp4", 1.0)):
            job = here.done((flash_clip, title))
            vectors.keep(here.jobs, job["id"], 1, leaning(Side.PICTURE, light), {0: leaning(Side.SOUND, light)})
        with Live(here) as made:
            made.may_work.set()
            yield made


@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no Chromium with its chromedriver is installed")
def test_a_person_finds_what_looks_like_a_picture(live: Live, tmp_path: Path) -> None:
    Image.new("L", (64, 48), 240).save(tmp_path / "light.png")
    person = Person(tmp_path)
    try:
        person.browser.get(f"{live.address}/search")
        person.run("document.querySelector('#find').value = 'picture'")
        person.browser.find_element("id", "file").send_keys(str(tmp_path / "light.png"))  # choosing is enough
        assert person.read("#found-title").startswith("Like light.png")
        assert [card.text for card in person.all(".card .title")] == ["noon.mp4", "night.mp4"]
        assert "by its picture" in person.read(".match")
        person.see("#q").send_keys("night\n")
        person.until_at("q=night")
        assert [card.text for card in person.all(".card .title")] == ["night.mp4"]
        person.browser.set_window_size(400, 800)
        assert person.run("return document.documentElement.scrollWidth <= innerWidth")
        assert person.complaints() == []
    finally:
        person.browser.quit()
