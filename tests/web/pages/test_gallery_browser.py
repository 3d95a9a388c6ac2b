"""Waiting and the gallery in a real Chromium: what is live, what is kept, what is done to several, what moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.support.describers import FlashDescriber
from tests.support.voices import FlashVoice
from tests.support.web_place import place
from tests.web.pages.test_browser import Live, Person, pytestmark, until
from workers.tasks import description
from workers.timing.presence import Signs

__all__ = ["pytestmark"]
HERE = {"Host": "localhost"}


@pytest.fixture
def live(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Live]:
    with place(tmp_path / "data") as here, Live(here) as running:
        yield running


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    someone = Person(tmp_path_factory.mktemp("downloads"))
    try:
        yield someone
    finally:
        someone.browser.quit()


@pytest.fixture(autouse=True)
def _leave(live: Live, person: Person) -> Iterator[None]:
    """No page is left that asks a server which is gone."""
    yield
    person.browser.get("about:blank")
    person.complaints()


def titles(person: Person) -> list[str]:
    return [one.text for one in person.all(".card .title")]


def test_a_waiting_job_says_that_nobody_works(live: Live, person: Person, flash_clip: Path) -> None:
    job = live.here.sent(flash_clip, headers=HERE)
    assert " data-nobody hidden>" in live.here.client.get(job["links"]["page"]).text  # it has only just begun to wait
    person.browser.get(f"{live.address}{job['links']['page']}")
    poster = person.see(".working .poster")
    until(lambda: person.run("return arguments[0].naturalWidth", poster) == 480, "the picture of the clip")
    assert "No worker is running" in person.read("[data-nobody]")
    Signs(live.here.jobs.database, "one", ["auto"], live.here.jobs.now).show()
    until(lambda: not person.all("[data-nobody]")[0].is_displayed(), "the worker to be seen")
    live.may_work.set()
    person.see("[data-download]")
    assert person.complaints() == []


def test_the_gallery_is_live(live: Live, person: Person, flash_clip: Path, dark_clip: Path) -> None:
    for number in range(3):
        live.here.sent((flash_clip, f"{number}.mp4"), headers=HERE)
    person.browser.get(f"{live.address}/gallery")
    assert person.read("[data-underway]") == "3 clips under way"
    assert len(person.all(".card [data-waits], .card[data-waits]")) == 3
    person.press(".card:last-child [data-cancel]")
    until(lambda: person.all(".card [data-chip].canceled"), "one to be canceled")
    person.browser.execute_script("window.wasHere = true")
    live.may_work.set()
    until(lambda: len(person.all(".card img[src*='outputs']")) == 2, "two to be done")
    until(lambda: not person.all(".underway"), "nothing to be under way")
    live.here.sent((dark_clip, "late.mp4"), headers=HERE)
    assert person.read("[data-newer]") == "1 newer clip: show it"
    assert person.run("return window.wasHere")  # all that without a new page
    person.press("[data-newer] a")
    until(lambda: "late.mp4" in titles(person), "the newest clip")
    assert person.complaints() == []


def test_without_a_stream_the_gallery_asks(
    live: Live, person: Person, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = live.here.app.extensions["sonorize"].streams
    monkeypatch.setattr(streams, "most", 0)
    live.here.sent(flash_clip, headers=HERE)
    person.browser.get(f"{live.address}/gallery")
    person.see(".card[data-waits]")
    live.may_work.set()
    until(lambda: person.all(".card img[src*='outputs']"), "the result")
    person.complaints()  # of the refused stream


def test_pages_follow_each_other_and_the_place_is_kept(live: Live, person: Person, dark_clip: Path) -> None:
    for number in range(60):
        live.here.sent((dark_clip, f"clip {number:02}.mp4"), headers=HERE)
    live.here.finish()
    person.browser.get(f"{live.address}/gallery?sort=title")
    until(lambda: len(titles(person)) == 24, "the first page")
    for wanted in (48, 60):
        person.run("window.scrollTo(0, document.documentElement.scrollHeight)")
        until(lambda wanted=wanted: len(titles(person)) >= wanted, "more")  # type: ignore[misc]
    assert titles(person) == sorted(set(titles(person)))
    target = person.all(".card .title a")[55]
    person.run("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", target)
    until(lambda: person.run("return history.state && history.state.top > 1000"), "the place to be noted")
    where = person.run("return window.scrollY")
    person.run("arguments[0].click()", target)
    person.until_at("/jobs/")
    person.browser.back()
    until(lambda: len(titles(person)) == 60, "all the pages again")
    until(lambda: abs(person.run("return window.scrollY") - where) < 300, "the place")


def test_what_was_made_is_chosen_and_done_to_several(live: Live, person: Person, dark_clip: Path) -> None:
    for name, mode in (("waves", "ambient"), ("knock", "hits"), ("surf", "ambient")):
        live.here.sent((dark_clip, f"{name}.mp4"), headers=HERE, mode=mode)
    live.here.finish()
    person.browser.get(f"{live.address}/gallery")
    Select(person.see("#by-voice")).select_by_value("ambient")
    until(lambda: titles(person) == ["surf.mp4", "waves.mp4"], "ambient sound alone")
    assert "voice=ambient" in person.browser.current_url
    assert not person.all("#selection")[0].is_displayed()
    star = person.see(".card:first-child .star")
    star.click()
    until(lambda: person.see(".card:first-child .star").get_attribute("aria-pressed") == "true", "a favourite")
    for box in person.all(".choose input"):
        box.send_keys(Keys.SPACE)
    assert person.read("[data-chosen]") == "2 results chosen:"
    person.press("#selection button[value='delete']")
    until(lambda: person.read("h1") == "Delete 2 clips for good?", "the question")
    person.press("button.danger")
    until(lambda: titles(person) == ["knock.mp4"], "the other one alone")
    assert person.complaints() == []


def test_a_card_plays_where_the_pointer_rests(live: Live, person: Person, flash_clip: Path) -> None:
    live.may_work.set()
    live.here.sent(flash_clip, headers=HERE, mode="hits")
    until(lambda: live.here.client.get("/v1/jobs?state=succeeded").get_json()["jobs"], "the result")
    person.browser.get(f"{live.address}/gallery")
    ActionChains(person.browser).move_to_element(person.see(".card .picture")).perform()
    player = until(lambda: next(iter(person.all(".card video")), None), "it to play")
    until(lambda: person.run("return arguments[0].currentTime > 0.05", player), "it to move")
    assert person.run("return arguments[0].muted", player)
    person.press(".card .listen")
    until(lambda: not person.run("return arguments[0].muted", player), "its sound")
    ActionChains(person.browser).send_keys(Keys.ESCAPE).perform()
    until(lambda: not person.all(".card video"), "it to stop")
    assert person.complaints() == []


def test_maps_move_where_they_are(
    live: Live, person: Person, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eye = FlashDescriber()
    monkeypatch.setattr(description, "describer", lambda: eye)
    live.here.settings = live.here.settings.model_copy(update={"describe": True})
    job = live.here.sent(flash_clip, headers=HERE)
    live.here.work()
    person.browser.get(f"{live.address}{job['links']['page']}")
    person.press("#heat-avol [data-moves]")
    assert person.read("#heat-avol [role='status']").startswith("Waiting for its turn")
    live.may_work.set()
    player = person.see("#heat-avol video")
    until(lambda: person.run("return arguments[0].videoWidth > 0", player), "the maps over the video")
    assert job["links"]["page"] in person.browser.current_url
    assert person.complaints() == []


def test_a_video_opened_alone_plays(live: Live, person: Person, flash_clip: Path) -> None:
    live.may_work.set()
    job = live.here.sent(flash_clip, headers=HERE, mode="hits")
    link = f"{job['links']['self']}/outputs/0/video"
    until(lambda: live.here.client.get(link).status_code == 200, "the result")
    person.browser.get(f"{live.address}{link}")
    player = until(lambda: next(iter(person.all("video")), None), "a player")
    until(lambda: person.run("return arguments[0].videoWidth", player) == 64, "the picture, not a black page")


def test_a_problem_is_a_page_to_a_browser(live: Live, person: Person, flash_clip: Path) -> None:
    person.browser.get(f"{live.address}/v1/jobs/nobody")
    assert person.read("h1") == "There is nothing here"
    told = person.run("return fetch('/v1/jobs/nobody').then((answer) => answer.headers.get('Content-Type'))")
    assert told == "application/problem+json"
    person.complaints()


def test_nothing_sticks_out(live: Live, person: Person, dark_clip: Path) -> None:
    name = "a_long_name_without_any_gap" * 4 + ".mp4"
    done = live.here.done((dark_clip, name))
    batch = live.here.send((dark_clip, name), dark_clip, to="/v1/batches", headers=HERE).get_json()
    shared = live.here.client.post(f"/v1/jobs/{done['id']}/shares").get_json()["url"].partition("localhost")[2]
    pages = ("/gallery", f"/batches/{batch['id']}", f"/jobs/{done['id']}/shares", shared, "/gallery/textures", "/")
    for width in (320, 360, 768, 1440):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        person.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for page in pages:
            person.browser.get(f"{live.address}{page}")
            assert person.run("return document.documentElement.scrollWidth") <= width, f"{page} at {width}"
    person.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
