"""The upload page in a real Chromium: clips from anywhere, seen, kept over a reload, sent again, counted right."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from tests.support.voices import FlashVoice
from tests.support.web_place import place
from tests.web.pages.test_browser import Live, Person, pytestmark, until
from web.pages import views
from web.uploads import questions
from workers.records import ROUTE

__all__ = ["pytestmark"]


@pytest.fixture
def live(tmp_path: Path, flash_voice: FlashVoice, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setitem(questions.PATIENCE_S, ROUTE, 0.5)
    with place(tmp_path / "data") as here, Live(here) as running:
        yield running


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    someone = Person(tmp_path)
    try:
        yield someone
    finally:
        someone.browser.quit()


def choose(person: Person, *clips: Path) -> None:
    person.browser.find_element(By.CSS_SELECTOR, "#clips").send_keys("\n".join(map(str, clips)))


def names(person: Person) -> list[str]:
    return [one.text for one in person.all(".files .name")]


def throw(person: Person, kind: str, target: str, clip: Path, name: str) -> bool:
    """Drop or paste a file; whether the page kept the browser from opening it."""
    data = base64.b64encode(clip.read_bytes()).decode()
    return bool(
        person.run(
            """
            const [kind, target, data, name] = arguments;
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], name, { type: "video/mp4" }));
            const init = { bubbles: true, cancelable: true };
            const event = kind === "paste" ? new ClipboardEvent(kind, { ...init, clipboardData: carried })
              : new DragEvent(kind, { ...init, dataTransfer: carried });
            document.querySelector(target).dispatchEvent(event);
            return event.defaultPrevented;
            """,
            kind,
            target,
            data,
            name,
        )
    )


def test_a_clip_is_seen_before_it_is_sent(live: Live, person: Person, flash_clip: Path) -> None:
    person.browser.get(live.address)
    choose(person, flash_clip)
    person.press(".files [aria-label='Preview flash.mp4']")
    player = person.see(".files video")
    until(lambda: person.run("return arguments[0].videoWidth", player) == 64, "the picture of the clip")
    person.press(".files [aria-expanded='true']")
    assert person.all(".files video") == []
    assert person.complaints() == []


def test_clips_are_dropped_beside_the_box_and_pasted(live: Live, person: Person, flash_clip: Path) -> None:
    person.browser.get(live.address)
    person.see("[data-send]")
    until(lambda: throw(person, "dragover", "footer", flash_clip, "x.mp4"), "the page to catch what is dropped")
    assert throw(person, "drop", "footer", flash_clip, "dropped.mp4")
    assert throw(person, "paste", "body", flash_clip, "pasted.mp4")
    until(lambda: sorted(names(person)) == ["dropped.mp4", "pasted.mp4"], "both on the list")
    assert person.browser.current_url.rstrip("/") == live.address
    person.browser.get(f"{live.address}/search")
    until(lambda: throw(person, "dragover", "footer", flash_clip, "x.mp4"), "the search page to catch it as well")


def test_a_folder_gives_its_clips(live: Live, person: Person, flash_clip: Path, tmp_path: Path) -> None:
    inside = tmp_path / "holiday" / "day 1"
    inside.mkdir(parents=True)
    (inside / "a.mp4").write_bytes(flash_clip.read_bytes())
    (inside.parent / "b.mp4").write_bytes(flash_clip.read_bytes())
    (inside / "notes.txt").write_text("rain")
    person.browser.get(live.address)
    until(lambda: person.all(".scripted"), "the scripts")
    person.browser.find_element(By.CSS_SELECTOR, "#folder").send_keys(str(inside.parent))
    until(lambda: sorted(names(person)) == ["a.mp4", "b.mp4"], "the clips of the folder")
    assert "1 file in the folder is no video" in person.read("[data-status]")


def test_the_list_and_the_choices_outlive_a_reload(
    live: Live, person: Person, flash_clip: Path, dark_clip: Path
) -> None:
    person.browser.get(live.address)
    choose(person, flash_clip, dark_clip)
    Select(person.see("#f-mode")).select_by_value("ambient")
    until(lambda: len(names(person)) == 2, "both on the list")
    person.browser.refresh()
    until(lambda: sorted(names(person)) == ["dark.mp4", "flash.mp4"], "both on the list again")
    assert Select(person.see("#f-mode")).first_selected_option.get_attribute("value") == "ambient"
    assert "2 clips from before are still here" in person.read("[data-status]")
    person.press(".files [aria-label='Remove dark.mp4']")
    person.press("[data-send]")
    person.until_at("/jobs/")
    (job,) = live.here.jobs.recent(owner=None)[0]
    assert (job.title, job.mode) == ("flash.mp4", "ambient")
    person.browser.get(live.address)
    person.see("[data-send]")
    until(lambda: person.all(".scripted"), "the scripts")
    assert names(person) == []  # what was sent is not kept


def test_all_that_were_chosen_are_counted(live: Live, person: Person, flash_clip: Path, tmp_path: Path) -> None:
    empty, letter = tmp_path / "empty.mp4", tmp_path / "letter.mp4"
    empty.touch()
    letter.write_text("Dear server")
    copies = []
    for number in range(4):
        copies.append(tmp_path / f"{number}.mp4")
        copies[-1].write_bytes(flash_clip.read_bytes())
    person.browser.get(live.address)
    choose(person, *copies, empty, letter)
    person.press("[data-send]")
    until(lambda: "4 of 6 were accepted" in person.read("[data-status]"), "the count of all six")
    assert len(person.all(".files .why")) == 2


def test_what_will_be_refused_is_not_counted(live: Live, person: Person, flash_clip: Path, tmp_path: Path) -> None:
    letter, other = tmp_path / "letter.mp4", tmp_path / "other.mp4"
    letter.write_text("Dear server")
    other.write_bytes(flash_clip.read_bytes())
    person.browser.get(live.address)
    until(lambda: person.all(".scripted"), "the scripts")
    choose(person, flash_clip, letter, other)
    until(lambda: any("It will be refused" in one.text for one in person.all(".files .route")), "the refusal")
    until(lambda: person.read("[data-send]") == "Make 2 sounds", "the count of the others")
    person.press(".files [aria-label='Remove other.mp4']")
    assert person.read("[data-send]") == "Make the sound"


def test_a_clip_that_could_not_be_sent_is_tried_again(live: Live, person: Person, flash_clip: Path) -> None:
    person.browser.get(live.address)
    choose(person, flash_clip)
    until(lambda: names(person) == ["flash.mp4"], "it on the list")
    person.browser.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    person.browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    person.press("[data-send]")
    assert "connection was cut" in person.read(".files .why")
    assert person.read("[data-status]") == "Nothing was accepted."
    person.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {**offline, "offline": False})
    person.press(".files [aria-label='Try again flash.mp4']")
    person.until_at("/jobs/")


def test_why_no_voice_is_told(live: Live, person: Person, flash_clip: Path) -> None:
    person.browser.get(live.address)
    choose(person, flash_clip)
    until(lambda: "no worker was free" in person.read(".files .route"), "the reason")


def test_a_large_clip_goes_on_after_a_reload(
    live: Live, person: Person, flash_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "RESUMABLE_BYTES", 2**20)
    room = 12 * 2**20  # a piece and a half
    large = tmp_path / "large.mp4"
    large.write_bytes(flash_clip.read_bytes() + room.to_bytes(4, "big") + b"free" + bytes(room - 8))
    person.browser.get(live.address)
    choose(person, large)
    until(lambda: names(person) == ["large.mp4"], "it on the list")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 3_000_000}
    person.browser.execute_cdp_cmd("Network.enable", {})
    person.browser.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    person.press("[data-send]")
    bar = person.see(".files progress")
    until(lambda: float(str(bar.get_property("value"))) > 0.8, "more than a piece to be sent")
    person.run("window.addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), true)")
    person.browser.get("about:blank")
    person.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})

    def arrived() -> int:
        (upload,) = live.here.client.get("/v1/uploads").get_json()["uploads"]
        return int(upload["offset"])

    until(lambda: 0 < arrived() < large.stat().st_size, "what had arrived to count")
    person.browser.get(live.address)
    until(lambda: names(person) == ["large.mp4"], "it on the list again")
    person.press("[data-send]")
    person.until_at("/jobs/")
    assert arrived() == large.stat().st_size  # one upload, and it is whole
    (job,) = live.here.jobs.recent(owner=None)[0]
    assert (job.title, job.info["bytes"]) == ("large.mp4", large.stat().st_size)
