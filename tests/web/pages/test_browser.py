"""A person's way through the pages, in a real Chromium against a live server."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    NoAlertPresentException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from synth.media import video
from synth.voices.base import Take
from tests.support.describers import FlashDescriber
from tests.support.servers import wait_until
from tests.support.voices import FlashVoice, HissVoice
from tests.support.web_place import Place, place
from web.server import http_server
from web.uploads import questions
from workers.boxes import Boxes
from workers.records import ROUTE
from workers.tasks import description

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium with its chromedriver is installed (apt: chromium-driver)"
)

T = TypeVar("T")


class Live:
    """A server on a free port, and a worker that may be held back."""

    def __init__(self, here: Place) -> None:
        self.here = here
        self.may_work, self.over = threading.Event(), threading.Event()
        self.server = http_server.make_server(here.app, http_server.listen("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.server.effective_port}"
        self.threads = [threading.Thread(target=self.server.run), threading.Thread(target=self._work)]

    def __enter__(self) -> Live:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.may_work.set()
        http_server.stop(self.server)
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()

    def _work(self) -> None:
        while not self.over.is_set():
            if self.may_work.wait(0.1) and not self.over.is_set():
                self.here.work()
                time.sleep(0.1)


class Person:
    """Somebody at a browser."""

    def __init__(self, downloads: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in (
            "--headless=new",
            "--no-sandbox",  # tests may run as root, where Chromium has none
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--mute-audio",
            "--autoplay-policy=no-user-gesture-required",
            "--window-size=1280,900",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
        self.browser.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
        )

    def see(self, selector: str) -> WebElement:
        """Wait for an element that shows."""
        return until(lambda: next((one for one in self.all(selector) if one.is_displayed()), None), selector)

    def press(self, selector: str) -> None:
        """Click on what shows, once nothing moves over it any more."""

        def click() -> bool:
            self.see(selector).click()
            return True

        until(click, f"a way to click {selector}")

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def read(self, selector: str) -> str:
        return until(lambda: [self.see(selector).text], selector)[0]  # a page that is just left may be seen first

    def until_at(self, part: str) -> None:
        until(lambda: part in self.browser.current_url, f"address with {part}")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """What the browser's console says of errors and of the content security policy."""
        entries: list[dict[str, Any]] = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]


def until(look: Callable[[], T | None], what: str) -> T:
    """Look again and again until there is something; what is being drawn anew is not there yet."""

    def seen() -> T | None:
        try:
            return look()
        except (StaleElementReferenceException, ElementClickInterceptedException):
            return None

    return wait_until(seen, every_s=0.05, what=what)  # type: ignore[return-value]


@pytest.fixture
def live(tmp_path: Path, flash_voice: FlashVoice, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setitem(questions.PATIENCE_S, ROUTE, 5.0)  # a worker that is held back answers no question
    with place(tmp_path / "data") as here, Live(here) as running:
        yield running


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def person(downloads: Path) -> Iterator[Person]:
    someone = Person(downloads)
    try:
        yield someone
    finally:
        someone.browser.quit()


def test_from_the_upload_to_the_end(live: Live, person: Person, downloads: Path, flash_clip: Path) -> None:
    person.browser.get(live.address)
    person.browser.find_element(By.CSS_SELECTOR, "#clips").send_keys(str(flash_clip))
    assert person.read(".files .name") == "flash.mp4"
    person.press("[data-send]")

    person.until_at("/jobs/")
    assert person.read("[data-stage]") == "Waiting"
    live.may_work.set()  # from here on the page tells by itself how it goes
    player = person.see("video")
    assert person.read(".chip") == "Done"

    assert len(person.all("tbody tr")) == 2
    person.run("arguments[0].muted = true; arguments[0].play()", player)
    until(lambda: person.run("return arguments[0].currentTime > 0.1", player), "the video to play")
    person.press("tbody tr:last-child [data-seek]")
    until(lambda: person.run("return arguments[0].currentTime >= 1.1", player), "the second hit")
    assert person.run("return [arguments[0].videoWidth, Math.round(arguments[0].duration)]", player) == [64, 2]

    person.press("[data-download]")
    saved = downloads / "flash.sonorized.mp4"
    until(saved.exists, "the download")
    assert video.packet_digest(saved) == video.packet_digest(flash_clip)

    person.browser.get(f"{live.address}/gallery")
    picture = person.see(".card img")
    until(lambda: person.run("return arguments[0].naturalWidth > 0", picture), "the thumbnail")
    assert person.read(".card .title") == "flash.mp4"
    person.press(".card .title a")
    person.press("details.danger summary")
    person.press("button.danger")
    person.until_at("/gallery")
    assert person.read(".nothing .lead") == "Nothing here yet."
    until(lambda: live.here.left() == [], "its files to be gone")
    assert person.complaints() == []


def test_several_files_and_one_that_is_refused(
    live: Live, person: Person, flash_clip: Path, dark_clip: Path, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear server")
    person.browser.get(live.address)
    clips = "\n".join(str(path) for path in (flash_clip, letter, dark_clip))
    person.browser.find_element(By.CSS_SELECTOR, "#clips").send_keys(clips)
    person.press("[data-send]")
    assert "The clip is refused" in person.read(".files .why")
    until(lambda: "2 of 3" in person.read("[data-status]"), "the end of the upload")
    assert not person.all(".files li:has(.why) .route"), "the reason is told once"
    person.press("[data-status] a")
    person.until_at("/batches/")
    assert person.read("[data-stage]") == "0 of 2 finished"
    live.may_work.set()
    until(lambda: person.read("[data-stage]") == "2 of 2 finished", "both to be finished")
    assert person.see(".primary").get_attribute("href").endswith("/result.zip")  # type: ignore[union-attr]
    assert [line for line in person.complaints() if "422" not in line] == []


def test_without_scripts(live: Live, person: Person, flash_clip: Path) -> None:
    person.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        person.browser.get(live.address)
        person.browser.find_element(By.CSS_SELECTOR, "#clips").send_keys(str(flash_clip))
        person.press("[data-send]")
        person.until_at("/jobs/")
        assert "renews itself" in person.read(".working")
        live.may_work.set()
        until(lambda: person.all("video"), "the page to renew itself")
        person.see("[data-download]")
    finally:
        person.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_an_ambient_sound_is_stopped_and_what_there_is_kept(
    live: Live, hiss_voice: HissVoice, person: Person, flash_clip: Path
) -> None:
    def linger(take: Take, chunk: int) -> None:
        while chunk == 3 and not take.cancelled() and not live.over.is_set():
            time.sleep(0.02)

    hiss_voice.before_chunk = linger
    person.browser.get(live.address)
    assert person.see("#f-material").is_displayed()
    assert not person.all("#f-sound_class")[0].is_displayed()
    Select(person.see("#f-mode")).select_by_value("ambient")
    assert not person.all("#f-material")[0].is_displayed()
    Select(person.see("#f-sound_class")).select_by_visible_text("Sea waves")
    person.browser.find_element(By.CSS_SELECTOR, "#clips").send_keys(str(flash_clip))
    person.press("[data-send]")
    person.until_at("/jobs/")
    assert not person.all("[data-keep]")[0].is_displayed()
    live.may_work.set()
    until(lambda: person.read("[data-stage]") == "Making the sound", "the sound to be in the works")
    person.press("[data-keep]")
    assert "what was made by then is kept" in person.read(".kept")
    assert person.see("video")
    assert person.read(".chosen h2") == "Sea waves"
    assert "partial, 0.8 s of sound" in person.read(".lowerside .facts")
    assert person.complaints() == []


def test_the_voice_is_told_before_the_sound_is_made(live: Live, person: Person, flash_clip: Path) -> None:
    live.may_work.set()
    person.browser.get(live.address)
    person.browser.find_element(By.CSS_SELECTOR, "#clips").send_keys(str(flash_clip))
    told = "Automatic: sounds like hits and scratches (95 %): it flashes for 2.0 of 2.0 s"
    until(lambda: person.read(".files .route") == told, "the answer")
    Select(person.see("#f-mode")).select_by_value("ambient")
    assert not person.all(".files .route")[0].is_displayed()
    Select(person.see("#f-mode")).select_by_value("auto")
    assert person.all(".files .route")[0].is_displayed()
    person.press("[data-send]")
    person.until_at("/jobs/")
    assert "Chosen automatically; it flashes for 2.0 of 2.0 s." in person.read(".whyvoice")
    assert person.complaints() == []


def test_what_sounds_is_pointed_at_on_the_player(
    live: Live, person: Person, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eye = FlashDescriber()
    monkeypatch.setattr(description, "describer", lambda: eye)
    live.here.settings = live.here.settings.model_copy(update={"describe": True})
    job = live.here.sent(flash_clip, headers={"Host": "localhost"})
    live.may_work.set()
    person.browser.get(f"{live.address}{job['links']['page']}")
    assert person.read(".tag").startswith("crackling fire")
    shown = person.see("#heat-avol img")
    until(lambda: person.run("return arguments[0].naturalWidth > 0", shown), "the heat map")
    person.press(".switcher label:last-child")
    assert person.see("#heat-attention img")
    assert not person.all("#heat-avol img")[0].is_displayed()

    person.press(".pointing summary")
    person.press("[data-draw]")
    board = person.see(".board")
    across, down = board.size["width"], board.size["height"]
    drag = ActionChains(person.browser).move_to_element_with_offset(board, -across // 4, -down // 4)
    drag.click_and_hold().move_by_offset(across // 4, down // 2).release().perform()
    board.send_keys(Keys.ARROW_RIGHT, Keys.ENTER)
    until(lambda: person.all("[data-box]"), "the box in the list")
    assert not board.is_displayed()
    person.press("button[name='visible']")
    until(lambda: len(person.all("[data-box]")) == 2, "the second one")
    drawn, nothing = Boxes(live.here.jobs).of_job(job["id"], None)
    assert drawn.place.edges == pytest.approx((0.27, 0.25, 0.52, 0.75), abs=0.02)
    assert nothing.place.edges is None
    person.press("[data-box] button")
    until(lambda: len(person.all("[data-box]")) == 1, "the first to be forgotten")
    assert len(Boxes(live.here.jobs).of_job(job["id"], None)) == 1
    assert person.complaints() == []


def test_hostile_names_run_nothing(live: Live, person: Person, dark_clip: Path) -> None:
    names = ["<script>alert(1)</script>.mp4", '"><img src=x onerror=alert(1)>.mp4', "</title><svg onload=alert(1)>.mp4"]
    jobs = [live.here.sent((dark_clip, name), headers={"Host": "localhost"}) for name in names]
    live.here.finish()
    for page in ("/", "/gallery", *(job["links"]["page"] for job in jobs)):
        person.browser.get(f"{live.address}{page}")
        with pytest.raises(NoAlertPresentException):
            _ = person.browser.switch_to.alert.text
    # The canned results are no real pictures and videos; what would tell is a script or a refused one.
    assert [line for line in person.complaints() if "script" in line.lower() or "policy" in line.lower()] == []


def test_nothing_sticks_out_at_any_width(live: Live, person: Person, flash_clip: Path) -> None:
    done = live.here.done(flash_clip, takes="8", seed=str(2**63 - 1))
    waiting = live.here.sent((flash_clip, f"{'a long name without any gap' * 9}.mp4".replace(" ", "_")))
    for width in (320, 360, 768, 1440):
        person.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        result = done["links"]["page"]
        pages = (result, f"{result}/boxes", f"{result}/explain", waiting["links"]["page"])
        for page in ("/", "/gallery", "/gallery/textures", "/docs", "/nowhere", *pages):
            person.browser.get(f"{live.address}{page}")
            assert person.run("return document.documentElement.scrollWidth") <= width, f"{page} at {width}"
    person.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
