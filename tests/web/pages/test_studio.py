"""The studio of a result in a real Chromium, on a real server with its real worker, voices and weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from synth.data.strike_scenes import simulate
from synth.media import video
from tests.support.serving import Serving, serving
from tests.web.pages.test_browser import CHROMIUM, DRIVER, Person, until

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium with its chromedriver is installed (apt: chromium-driver)"
)

FRAME_S: Final = 1 / 30
WATCH: Final = """
window.heard = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, from) {
  if (this.context instanceof AudioContext) window.heard.push(from ?? 0);
  return start.apply(this, arguments);
};
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to) {
  if (this instanceof MediaElementAudioSourceNode) window.direct = to.gain;
  const heard = this.context instanceof AudioContext && to === this.context.destination;
  if (heard && this.gain !== window.direct) window.ours = this.gain;
  return connect.apply(this, arguments);
};
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclasses.dataclass
class Studio:
    """Somebody at the page of one result."""

    person: Person
    address: str
    job: str

    def open(self) -> None:
        self.person.browser.get(f"{self.address}/jobs/{self.job}")
        until(lambda: self.person.all("[data-studio][data-ready]"), "the studio")
        self.person.run("window.here = true")

    def api(self, path: str = "") -> dict[str, Any]:
        answer = httpx.get(f"{self.address}/v1/jobs/{self.job}{path}", trust_env=False)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def patch(self, take: int, **changes: Any) -> None:
        where = f"{self.address}/v1/jobs/{self.job}/score?take={take}"
        version = httpx.get(where, trust_env=False).json()["version"]
        answer = httpx.patch(where, json={"version": version, **changes}, trust_env=False)
        assert answer.status_code == 200, answer.text

    @property
    def working(self) -> int:
        """The take that is worked on."""
        (one,) = self.person.all("button.take[aria-pressed='true'][data-take]")
        return int(one.get_attribute("data-take") or "")

    @property
    def marks(self) -> list[WebElement]:
        """In order of time."""
        marks = self.person.all(".tl-mark")
        return sorted(
            marks, key=lambda one: float((one.get_attribute("style") or "").split("left: ")[1].split("px")[0])
        )

    def score(self) -> dict[str, Any]:
        return self.api(f"/score?take={self.working}")

    def saved(self) -> dict[str, Any]:
        """The score once all edits are kept."""
        until(lambda: self.person.read(".tb-state") in ("Saved", "As made"), "the draft to be saved")
        return self.score()

    def press_keys(self, *keys: str) -> None:
        ActionChains(self.person.browser).send_keys(*keys).perform()

    def chord(self, *keys: str) -> None:
        chain = ActionChains(self.person.browser)
        for key in keys[:-1]:
            chain.key_down(key)
        chain.send_keys(keys[-1])
        for key in keys[:-1]:
            chain.key_up(key)
        chain.perform()

    def play_round(self, start_s: float, end_s: float) -> None:
        """Play a range of the clip over and over, so that no end of it comes before a slow machine is done."""
        player = self.person.see("video")
        for key, time_s in (("o", end_s), ("i", start_s)):
            self.person.run("arguments[0].currentTime = arguments[1]", player, time_s)
            until(lambda: not self.person.run("return arguments[0].seeking", player), "the picture there")
            self.press_keys(key)
        self.press_keys(" ")
        until(lambda: self.person.run("return arguments[0].currentTime > arguments[1]", player, start_s), "it to move")

    def make(self) -> dict[str, Any]:
        """Press the button, and wait for the new take; what the API says of it."""
        before = len(self.api()["outputs"])
        self.person.press("[data-make]")
        return self.made(before)

    def made(self, before: int) -> dict[str, Any]:
        until(lambda: len(self.person.all("button.take[data-take]")) > before, "the new take")
        new = dict(self.api()["outputs"][-1])
        until(lambda: self.working == new["take"], "the new take to be worked on")
        assert self.person.run("return window.here"), "the page was loaded anew"
        return new


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving(SONORIZE_PRELOAD="") as running:
        yield running


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stick that strikes wood, with the sound that it makes."""
    path = tmp_path_factory.mktemp("scene") / "strikes.mp4"
    scene = simulate.draw_scene(1, duration_s=3.0, rate_fps=30.0, material="wood", demo=True)
    simulate.write_clip(scene, path, width=320, height=240, with_sound=True)
    return path


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def person(downloads: Path) -> Iterator[Person]:
    someone = Person(downloads)
    someone.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    try:
        yield someone
    finally:
        someone.browser.quit()


def finished(server: Serving, clip: Path, **options: str) -> str:
    """The id of a job for a clip, once it is done."""
    files = {"file": (clip.name, clip.read_bytes())}
    sent = httpx.post(f"{server.address}/v1/jobs", files=files, data=options, timeout=60, trust_env=False)
    assert sent.status_code == 202, sent.text
    where = f"{server.address}{sent.json()['links']['self']}"
    until(lambda: httpx.get(where, trust_env=False).json()["status"] in ("succeeded", "failed"), "the job")
    assert httpx.get(where, trust_env=False).json()["status"] == "succeeded"
    return str(sent.json()["id"])


@pytest.fixture(scope="module")
def hits_job(server: Serving, clip: Path) -> str:
    return finished(server, clip, mode="hits", takes="2")


@pytest.fixture
def studio(server: Serving, person: Person, hits_job: str) -> Studio:
    """At the page of a result of two takes that nobody corrected."""
    made = Studio(person, server.address, hits_job)
    for one in made.api()["outputs"]:
        if one["parent"] is not None:
            httpx.delete(f"{server.address}/v1/jobs/{hits_job}/takes/{one['take']}", trust_env=False)
        httpx.delete(f"{server.address}/v1/jobs/{hits_job}/score?take={one['take']}", trust_env=False)
    person.complaints()
    made.open()
    return made


def test_a_hit_is_dragged_and_made_to_sound(studio: Studio, person: Person, clip: Path, downloads: Path) -> None:
    before = studio.score()["hits"]
    assert len(before) == len(studio.marks) >= 2
    assert person.read(".tb-state") == "As made"
    assert person.see("[data-make]").get_attribute("aria-disabled") == "true"
    mark = studio.marks[0]
    ActionChains(person.browser).click_and_hold(mark).move_by_offset(60, 2).release().perform()
    after = studio.saved()
    moved = after["hits"][0]["time_s"]
    assert after["version"] == 1
    assert moved > before[0]["time_s"] + FRAME_S
    assert moved / FRAME_S == pytest.approx(round(moved / FRAME_S), abs=1e-3)  # it snapped
    assert after["hits"][0]["strength"] == before[0]["strength"]  # down by two pixels is no other strength
    assert after["hits"][1:] == before[1:]

    new = studio.make()
    assert (new["parent"], new["score"]) == (0, {"take": 0, "version": 1})
    assert studio.score()["hits"][0]["time_s"] == pytest.approx(moved)
    assert person.read(".tb-state") == "As made"
    until(lambda: f"/outputs/{new['take']}/video" in str(person.see("[data-download]").get_attribute("href")), "links")
    person.press("[data-download]")
    saved = downloads / f"strikes.take{new['take'] + 1}.sonorized.mp4"
    until(saved.exists, "the download")
    assert video.packet_digest(saved) == video.packet_digest(clip)
    assert person.complaints() == []


def test_edits_are_undone_and_done_again(studio: Studio, person: Person) -> None:
    first = studio.score()["hits"]
    studio.press_keys("m")
    assert len(studio.marks) == len(first) + 1
    assert len(studio.saved()["hits"]) == len(first) + 1
    studio.press_keys(Keys.DELETE)
    assert len(studio.marks) == len(first)
    for _ in range(2):
        studio.chord(Keys.CONTROL, "z")
    assert person.see("[aria-label^='Undo']").get_attribute("aria-disabled") == "true"
    assert studio.saved()["hits"] == first
    studio.chord(Keys.CONTROL, Keys.SHIFT, "z")
    assert len(studio.saved()["hits"]) == len(first) + 1
    studio.marks[-1].send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    studio.chord(Keys.CONTROL, "z")  # what one key did three times is one thing
    assert studio.saved()["hits"][-1]["time_s"] == first[-1]["time_s"]
    assert person.complaints() == []


def test_a_score_that_was_changed_elsewhere(studio: Studio, person: Person) -> None:
    hits = studio.score()["hits"]
    theirs = [{**hits[0], "strength": 0.25}, *hits[1:]]
    studio.patch(0, hits=theirs)
    studio.marks[0].send_keys(Keys.ARROW_RIGHT)
    assert "changed elsewhere" in person.read("[data-conflict] h2")
    person.press("[data-conflict] button[value='theirs']")
    until(lambda: "strength 25 %" in str(studio.marks[0].get_attribute("aria-label")), "what they saved")
    assert studio.saved()["hits"][0]["time_s"] == hits[0]["time_s"]

    studio.patch(0, hits=hits)
    studio.marks[0].send_keys(Keys.ARROW_RIGHT)
    person.press("[data-conflict] button[value='mine']")
    mine = studio.saved()["hits"][0]
    assert mine["strength"] == 0.25
    assert mine["time_s"] == pytest.approx(hits[0]["time_s"] + FRAME_S, abs=1e-5)
    assert [line for line in person.complaints() if "409" not in line] == []


def test_takes_are_switched_at_the_playhead(studio: Studio, person: Person) -> None:
    player = person.see("video")
    assert person.read("button.take[aria-pressed='true']").startswith("Take 1")
    studio.play_round(0.5, 2.0)
    for number, (key, name) in enumerate((("2", "Take 2"), ("0", "Original"), ("a", "Take 1"))):
        studio.press_keys(key)
        assert person.read("button.take[aria-pressed='true']").startswith(name)
        own = key == "a"  # the player itself sounds the take that the page began with
        until(lambda: person.run("return window.direct?.value > 0.02") is own, "the player's sound to change")  # noqa: B023
        until(lambda: len(person.run("return window.heard")) > min(number, 1), f"the sound of {name}")  # noqa: B023
    assert all(from_s >= 0.5 for from_s in person.run("return window.heard")), (
        "they did not begin where the picture was"
    )
    assert not person.run("return arguments[0].muted", player), "the player says that nothing is heard"
    until(lambda: "take=0" in person.browser.current_url, "the address of the take")
    assert person.run("return window.here")
    assert person.complaints() == []


def test_the_players_own_buttons_count_for_every_take(studio: Studio, person: Person) -> None:
    player = person.see("video")
    studio.play_round(0.5, 2.0)
    studio.press_keys("2")
    until(lambda: person.run("return window.heard.length"), "the sound of the second take")
    assert person.run("return window.ours.value") == 1
    person.run("arguments[0].volume = 0.25", player)
    until(lambda: abs(person.run("return window.ours.value") - 0.25) < 0.01, "the sound to be turned down")
    person.run("arguments[0].muted = true", player)
    until(lambda: person.run("return window.ours.value") < 0.01, "the sound to be silenced")
    studio.press_keys("1", "2")
    assert person.run("return arguments[0].muted", player)
    person.run("arguments[0].muted = false; arguments[0].volume = 1", player)
    until(lambda: person.run("return window.ours.value") > 0.99, "the sound to be back")
    assert person.complaints() == []


def test_of_takes_chosen_in_a_hurry_the_last_one_is_worked_on(studio: Studio, person: Person) -> None:
    person.run("""
        const fetch = window.fetch;
        window.late = 0;
        window.fetch = async (address, ...how) => {
          const answer = await fetch(address, ...how);
          if (/score[?]take=1/.test(String(address))) {
            await new Promise((resolve) => setTimeout(resolve, 500));
            window.late += 1;
          }
          return answer;
        };
    """)
    studio.press_keys("2", "1", "2", "1")
    until(lambda: person.run("return window.late"), "the answer that came too late")
    person.run("return new Promise((resolve) => setTimeout(resolve, 300))")  # what it would have led to
    assert studio.working == 0
    assert person.all("[data-lane='take-0'].current")
    assert not person.all("[data-lane='take-1'].current")
    assert "take=1" not in person.browser.current_url
    assert person.run("return window.late") == 1, "the same score was asked for twice"
    studio.press_keys("2")
    until(lambda: person.all("[data-lane='take-1'].current"), "the take that is there by now")
    assert person.complaints() == []


def test_a_range_is_played_round_to_the_end_of_the_clip(studio: Studio, person: Person) -> None:
    """Also where no frame is drawn just before the end, as in a tab that nobody sees."""
    player = person.see("video")
    person.run("window.requestAnimationFrame = () => 0; arguments[0].currentTime = 2.0", player)
    studio.press_keys("i", " ")
    person.run("arguments[0].addEventListener('ended', () => window.ended = true)", player)
    until(lambda: person.run("return window.ended"), "the end of the clip")
    until(lambda: person.run("return !arguments[0].paused && arguments[0].currentTime >= 2", player), "the range anew")


def test_what_was_done_and_taken_back_is_nothing_to_make(studio: Studio, person: Person) -> None:
    for pressed in ("true", "false"):
        mute = person.see("[data-lane='stem-hits'] .tl-toggle.muted")
        person.run("arguments[0].scrollIntoView({block: 'center'})", mute)
        mute.click()
        assert mute.get_attribute("aria-pressed") == pressed
        assert person.see("[data-make]").get_attribute("aria-disabled") == ("false" if pressed == "true" else "true")
        until(lambda: studio.score()["stems"][0]["muted"] is (pressed == "true"), "the draft to be kept")  # noqa: B023
    assert person.read(".tb-state") == "As made"
    count = len(studio.api()["outputs"])
    studio.chord(Keys.CONTROL, Keys.ENTER)
    assert not person.all("[data-make][aria-busy='true']")
    studio.open()
    assert person.see("[data-make]").get_attribute("aria-disabled") == "true"
    assert len(studio.api()["outputs"]) == count
    assert person.complaints() == []


def test_a_stem_is_muted(studio: Studio, person: Person) -> None:
    mute = person.see("[data-lane='stem-hits'] .tl-toggle.muted")
    person.run("arguments[0].scrollIntoView({block: 'center'})", mute)
    mute.click()
    assert mute.get_attribute("aria-pressed") == "true"
    assert next(one for one in studio.saved()["stems"] if one["name"] == "hits")["muted"]
    Select(person.see(".delivery select")).select_by_visible_text("−23 LUFS, EBU R 128")
    assert studio.saved()["loudness_lufs"] == -23
    new = studio.make()
    assert new["loudness_lufs"] is None  # nothing is left to be heard
    studio.chord(Keys.CONTROL, "z")
    studio.chord(Keys.CONTROL, "z")
    assert studio.saved()["loudness_lufs"] == -20
    new = studio.make()
    assert new["loudness_lufs"] == pytest.approx(-20, abs=1)
    assert person.complaints() == []


def test_layers_and_words(studio: Studio, person: Person) -> None:
    person.run("document.querySelector('video').currentTime = 1.0")
    person.press("[data-lane='layers'] .tl-add")
    name = person.see("#insp-sound")
    name.send_keys(Keys.CONTROL + "a")
    name.send_keys("Rain", Keys.TAB)
    layer = studio.saved()["layers"][-1]
    assert (layer["sound"], layer["start_s"]) == ("rain", pytest.approx(1.0, abs=FRAME_S))
    until(lambda: person.all(".insp-knobs .insp-field"), "the knobs of rain")
    person.press(".insp-knobs input[type='checkbox']")
    assert len(studio.saved()["layers"][-1]["knobs"]) == 1
    region = person.see(".tl-region.layers")
    region.send_keys(Keys.SHIFT, Keys.ARROW_LEFT)
    assert studio.saved()["layers"][-1]["end_s"] == pytest.approx(layer["end_s"] - FRAME_S, abs=1e-5)

    person.press("[data-lane='words'] .tl-add")
    person.see("#insp-text").send_keys("now")
    assert studio.saved()["words"][-1]["text"] == "now"
    assert person.read(".tl-region.words") == "now"
    new = studio.make()
    assert [one["sound"] for one in studio.score()["layers"]] == ["rain"]
    stems = [one["name"] for one in studio.api(f"/takes/{new['take']}/stems")["stems"]]
    assert any(one.startswith("layer-") for one in stems)
    assert person.complaints() == []


def test_all_of_it_with_the_keyboard_alone(studio: Studio, person: Person, downloads: Path) -> None:
    def tab_to(selector: str, *, back: bool = False) -> None:
        for _ in range(120):
            if person.run("return document.activeElement.matches(arguments[0])", selector):
                return
            studio.chord(Keys.SHIFT, Keys.TAB) if back else studio.press_keys(Keys.TAB)
        raise AssertionError(f"no way with Tab to {selector}")

    person.run("document.body.focus(); window.scrollTo(0, 0)")
    tab_to(".tl-mark")
    first = studio.score()["hits"]
    studio.press_keys(Keys.PAGE_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    told = str(person.run("return document.activeElement.getAttribute('aria-label')"))
    assert told.startswith("Hit 2 at ")
    assert "frame" in told
    assert "strength" in told
    after = studio.saved()["hits"]
    assert after[0] == first[0]
    assert after[1]["time_s"] == pytest.approx(first[1]["time_s"] + 2 * FRAME_S, abs=1e-5)
    assert after[1]["strength"] == pytest.approx(min(1, first[1]["strength"] + 0.05), abs=0.011)
    count = len(studio.api()["outputs"])
    studio.chord(Keys.CONTROL, Keys.ENTER)
    new = studio.made(count)
    until(lambda: f"/outputs/{new['take']}/video" in str(person.see("[data-download]").get_attribute("href")), "links")
    tab_to("[data-download]", back=True)
    for file in downloads.iterdir():
        file.unlink()
    studio.press_keys(Keys.ENTER)
    until(lambda: (downloads / f"strikes.take{new['take'] + 1}.sonorized.mp4").exists(), "the download")
    assert person.complaints() == []


def test_single_keys_can_be_turned_off(studio: Studio, person: Person) -> None:
    studio.press_keys("?")
    person.press("dialog[open] input[type='checkbox']")
    person.press("dialog[open] form button")
    count = len(studio.marks)
    studio.press_keys("m")
    assert len(studio.marks) == count
    studio.press_keys("?")
    person.press("dialog[open] input[type='checkbox']")
    studio.press_keys(Keys.ESCAPE)
    studio.press_keys("m")
    assert len(studio.marks) == count + 1


def test_nothing_moves_nothing_sticks_out_and_little_is_sent(studio: Studio, person: Person) -> None:
    sizes = """return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .filter((one) => !/outputs|peaks|spectrogram|thumbnail/.test(one.name))
      .reduce((sum, one) => sum + one.decodedBodySize, 0)"""
    assert person.run(sizes) <= 400_000
    assert person.run("return window.shifted") < 0.05
    try:
        for width in (320, 360, 768, 1440):
            metrics = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": width < 500}
            person.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            studio.open()
            assert person.run("return document.documentElement.scrollWidth") <= width
            place = person.run("return document.querySelector('[data-download]').getBoundingClientRect().bottom")
            assert place <= 740, f"the download lies below the first screen at {width}"
            assert person.run("return window.shifted") < 0.05, f"at {width}"
    finally:
        person.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_none_of_our_sounds_fits(server: Serving, person: Person, dark_clip: Path) -> None:
    here = Studio(person, server.address, finished(server, dark_clip, mode="ambient"))
    here.open()
    assert person.read("[data-nofit] h2") == "None of our sounds fits this clip"
    assert person.all("[data-nofit] [data-instead]")
    count = len(here.api()["outputs"])
    person.press("[data-nofit] [data-instead='']")
    new = here.made(count)
    assert new["loudness_lufs"] is None
    assert here.score()["layers"] == []
    assert person.complaints() == []
