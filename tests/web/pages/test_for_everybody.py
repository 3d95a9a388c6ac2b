"""Every page in every state, for everybody: read aloud, with a keyboard, on a small screen, on a slow line.

axe-core (see `scripts/vendor_axe.py`) looks for what it can; what it cannot see is measured here: the edges of inputs
and meters, sideways scrolling, shifts of the layout, bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from synth.media import video
from synth.options import ExistingSound, Mode, Options
from synth.pipeline.modes import MODES
from synth.routing import router
from tests.support.describers import FlashDescriber
from tests.support.paths import ROOT
from tests.support.serving import KEY, KEY_ENTRY
from tests.support.voices import FlashVoice, HissVoice, flash_route
from tests.support.web_place import Place, canned, place
from tests.web.pages.test_browser import CHROMIUM, DRIVER, Live, Person, until
from web.pages import documents
from web.server import http_server, samples
from workers.tasks import description

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium with its chromedriver is installed (apt: chromium-driver)"
)

AXE: Final = (ROOT / "tests" / "support" / "axe" / "axe.min.js").read_text(encoding="utf-8")
SMALL, WIDE = (360, 740), (1280, 900)
NARROWEST_PX: Final = 320
MOST_BYTES: Final = 150_000
STUDIO_BYTES: Final = 400_000
MOST_SHIFT: Final = 0.05
EDGE_CONTRAST: Final = 3.0
MOST_TABS: Final = 150

_RUN_AXE: Final = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(
  (found) => done(found.violations
    .filter((one) => one.impact === "serious" || one.impact === "critical" || one.id === "target-size")
    .map((one) => `${one.id}: ${one.nodes.slice(0, 4).map((node) => node.target.join(" ")).join("; ")}`)),
  (error) => done([String(error)]));
"""
_SHIFT: Final = """
const done = arguments[arguments.length - 1];
let sum = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) { if (!one.hadRecentInput) { sum += one.value; } }
}).observe({type: "layout-shift", buffered: true});
setTimeout(() => done(sum), 250);
"""
_BYTES: Final = """
const media = (one) => /^\\/v1\\/|\\/media\\//.test(new URL(one.name).pathname);
const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
return all.filter((one) => !media(one)).reduce((sum, one) => sum + one.decodedBodySize, 0);
"""
_EDGES: Final = """
const [least] = arguments;
const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
const rgba = (text) => {
  context.clearRect(0, 0, 1, 1); context.fillStyle = text; context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
};
const light = (colour) => {
  const [r, g, b] = colour.slice(0, 3).map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};
const behind = (element) => {
  for (let one = element.parentElement; one; one = one.parentElement) {
    const colour = rgba(getComputedStyle(one).backgroundColor);
    if (colour[3] === 255) { return colour; }
  }
  return [255, 255, 255, 255];
};
const shown = (element) => element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})
  && element.getBoundingClientRect().width > 2;
const bad = [];
for (const one of document.querySelectorAll("input, select, textarea")) {
  const style = getComputedStyle(one);
  if (!shown(one) || ["checkbox", "radio", "range", "file", "hidden"].includes(one.type)) { continue; }
  const found = contrast(rgba(style.borderTopColor), behind(one));
  if (found < least) { bad.push(`${one.id || one.name}: ${found.toFixed(2)}`); }
}
for (const one of document.querySelectorAll("meter, progress")) {
  if (!shown(one)) { continue; }
  const style = getComputedStyle(one);
  const found = Math.min(
    contrast(rgba(style.color), rgba(style.backgroundColor)),  // what is filled, which has the colour of text
    contrast(rgba(style.outlineColor), behind(one)),
  );
  if (found < least) { bad.push(`${one.localName}: ${found.toFixed(2)}`); }
}
return bad;
"""
_WIDE: Final = """
const [most] = arguments;
return [...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > most + 1)
  .slice(0, 3).map((one) => one.outerHTML.slice(0, 90));
"""
_NAMELESS: Final = """
return [...document.querySelectorAll("video, audio, meter, progress")].filter((one) => {
  const label = one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.labels?.length;
  return !label;
}).map((one) => one.outerHTML.slice(0, 120));
"""


@dataclass
class Visit:
    """What was found on one page."""

    axe: list[str] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    nameless: list[str] = field(default_factory=list)
    shift: float = 0.0
    bytes_: int = 0
    width_px: int = 0
    wide: list[str] = field(default_factory=list)


@contextmanager
def served(here: Place) -> Iterator[str]:
    server = http_server.make_server(here.app, http_server.listen("127.0.0.1", 0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        http_server.stop(server)
        thread.join(30)


class States:
    """One server with a job in every state that a page shows."""

    def __init__(self, here: Place, flash_clip: Path, dark_clip: Path) -> None:
        self.pages = {"upload": "/", "gallery": "/gallery", "nothing is so": "/gallery?state=expired"}
        self._compare(here, flash_clip)
        self._work(here, flash_clip)
        self._stand_still(here, flash_clip, dark_clip)
        self.pages |= {
            "textures": "/gallery/textures",
            "search": "/search",
            "found": "/search?q=crackling+fire",
            "nothing found": "/search?q=zzzz",
            "search that is refused": "/search?by=smell",
            "sounds": "/sounds",
            "one sound": "/sounds/rain",
            "account": "/account",
            "not there": "/nowhere",
            "refused": "/gallery?state=asleep",
            "docs": "/docs",
        }
        self.pages |= {f"docs {name}": f"/docs/{documents.address(name)}" for name in documents.NAMES}

    def _work(self, here: Place, clip: Path) -> None:
        """Results made by the worker's own code, with pictures that can be shown."""
        both = here.send(clip, clip, to="/v1/batches").get_json()
        asked = {
            "hits": here.sent(clip, mode="hits"),
            "takes": here.sent(clip, mode="hits", takes="3"),
            "ambient": here.sent(clip, mode="ambient"),
        }
        here.work()
        done = {name: str(job["links"]["page"]) for name, job in asked.items()}
        self.pages |= done | {"batch": both["links"]["page"]}
        self.pages |= {"boxes": f"{done['takes']}/boxes", "explained": f"{done['takes']}/explain"}

    def _compare(self, here: Place, clip: Path) -> None:
        """A result beside the clip's own sound, and the samples of the front page."""
        times_s = np.arange(2 * 48_000) / 48_000
        beep = (0.1 * np.sin(2764 * times_s) * (times_s % 0.5 < 0.25)).astype(np.float32)
        beeping = here.settings.data_dir / "beeping.mp4"
        video.remux(clip, beep, 48_000, beeping, existing=ExistingSound.REPLACE)
        job = here.sent(beeping, mode="hits")
        here.work()
        assert here.client.put(f"/v1/jobs/{job['id']}/comparison", json={"allowed": True}).status_code == 200
        here.jobs.create(
            options=Options(mode=Mode.HITS),
            title="Sample: wood",
            source_key=here.jobs.get(job["id"], None).source_key,
            info=here.jobs.get(job["id"], None).info,
            owner=samples.OWNER,
        )
        here.work()
        self.pages["a pair"] = "/real-or-generated"

    def _stand_still(self, here: Place, flash_clip: Path, dark_clip: Path) -> None:
        """Jobs that are stopped at some point of their way."""

        def claimed(mode: str, clip: Path = dark_clip) -> Any:
            page = here.sent(clip, mode=mode)["links"]["page"]
            (job,) = here.jobs.claim(1, mode, "test")
            assert page == f"/jobs/{job.id}"
            return job

        speech = claimed("speech", flash_clip)
        result = canned(speech, here.storage)
        result["outputs"][0] |= {"mode": "speech", "hits": [], "provenance": {"synthetic_speech": True}}
        assert here.jobs.finish(speech.id, speech.attempt, result)
        failed = claimed("hits")
        here.jobs.fail(failed.id, failed.attempt, "bad_media", "the clip breaks off", retryable=False)
        canceled = here.sent(dark_clip)
        here.jobs.cancel(canceled["id"], None)
        kept = here.sent(dark_clip, mode="ambient")
        here.cut(kept["id"])
        running = claimed("ambient")
        here.jobs.progress(running.id, running.attempt, "render", 0.4)
        self.pages |= {
            "speech": f"/jobs/{speech.id}",
            "failed": f"/jobs/{failed.id}",
            "canceled": canceled["links"]["page"],
            "kept in part": kept["links"]["page"],
            "running": f"/jobs/{running.id}",
            "queued": here.sent((dark_clip, f"{'a_long_name_without_a_gap' * 6}.mp4"))["links"]["page"],
            "batch under way": here.send(dark_clip, dark_clip, to="/v1/batches").get_json()["links"]["page"],
        }


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    someone = Person(tmp_path_factory.mktemp("downloads"))
    try:
        yield someone
    finally:
        someone.browser.quit()


@pytest.fixture(scope="module")
def states(
    tmp_path_factory: pytest.TempPathFactory, flash_clip: Path, dark_clip: Path
) -> Iterator[tuple[str, dict[str, str]]]:
    with pytest.MonkeyPatch.context() as patch, place(tmp_path_factory.mktemp("all") / "data", describe=True) as here:
        patch.setitem(MODES, Mode.HITS, lambda: FlashVoice())
        patch.setitem(MODES, Mode.AMBIENT, lambda: HissVoice())
        patch.setattr(router, "route_clip", flash_route)
        eye = FlashDescriber()
        patch.setattr(description, "describer", lambda: eye)
        made = States(here, flash_clip, dark_clip)
        with served(here) as address:
            yield address, made.pages


@pytest.fixture(scope="module")
def visits(
    states: tuple[str, dict[str, str]], person: Person, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Visit]:
    address, pages = states
    found = {name: visit(person, f"{address}{path}") for name, path in pages.items()}
    with ExitStack() as stack:
        keyed = stack.enter_context(place(tmp_path_factory.mktemp("keyed") / "data", api_keys=KEY_ENTRY))
        locked = stack.enter_context(served(keyed))
        found["login"] = visit(person, f"{locked}/login")
        person.browser.get(f"{locked}/login")
        person.see("#key").send_keys("wrong")
        person.press(".login button")
        found["login refused"] = visit(person, None)
        person.see("#key").send_keys(KEY)
        person.press(".login button")
        person.until_at(f"{locked}/")
        for name, path in (
            ("empty gallery", "/gallery"),
            ("empty textures", "/gallery/textures"),
            ("keys", "/account"),
            ("nothing to compare", "/real-or-generated"),
        ):
            found[name] = visit(person, f"{locked}{path}")
    return found


def visit(person: Person, address: str | None) -> Visit:
    """Look at a page, small and dark, then wide and light; without an address, at that which is open."""
    found = Visit()
    for size, scheme in ((SMALL, "dark"), (WIDE, "light")):
        look_like(person, size, scheme)
        if address is not None:
            person.browser.get(address)
        person.run(AXE)
        found.axe += person.browser.execute_async_script(_RUN_AXE)
        found.edges += person.run(_EDGES, EDGE_CONTRAST)
        found.shift = max(found.shift, float(person.browser.execute_async_script(_SHIFT)))
        found.bytes_ = max(found.bytes_, int(person.run(_BYTES)))
    found.nameless = person.run(_NAMELESS)
    look_like(person, (NARROWEST_PX, 640), "light")
    found.width_px = int(person.run("return document.documentElement.scrollWidth"))
    found.wide = person.run(_WIDE, NARROWEST_PX)
    return found


def look_like(person: Person, size: tuple[int, int], scheme: str) -> None:
    """Give the browser a screen."""
    measures = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500}
    person.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", measures)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    person.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def test_axe_finds_nothing_serious(visits: dict[str, Visit]) -> None:
    assert {name: one.axe for name, one in visits.items() if one.axe} == {}


def test_edges_of_inputs_and_meters_are_seen(visits: dict[str, Visit]) -> None:
    assert {name: one.edges for name, one in visits.items() if one.edges} == {}


def test_media_and_meters_have_names(visits: dict[str, Visit]) -> None:
    assert {name: one.nameless for name, one in visits.items() if one.nameless} == {}


def test_nothing_scrolls_sideways_at_320(visits: dict[str, Visit]) -> None:
    wide = {name: (one.width_px, one.wide) for name, one in visits.items() if one.width_px > NARROWEST_PX}
    assert wide == {}


def test_the_layout_keeps_still(visits: dict[str, Visit]) -> None:
    assert {name: one.shift for name, one in visits.items() if one.shift > MOST_SHIFT} == {}


def test_pages_are_light(visits: dict[str, Visit]) -> None:
    studio = {"hits", "takes", "ambient", "speech", "kept in part"}  # with the timeline
    heavy = {
        name: one.bytes_
        for name, one in visits.items()
        if one.bytes_ > (STUDIO_BYTES if name in studio else MOST_BYTES)
    }
    assert heavy == {}


def test_the_download_is_on_the_first_screen(states: tuple[str, dict[str, str]], person: Person) -> None:
    address, pages = states
    look_like(person, SMALL, "light")
    for name in ("hits", "takes", "ambient", "speech"):
        person.browser.get(f"{address}{pages[name]}")
        below = person.run("return arguments[0].getBoundingClientRect().bottom", person.see("[data-download]"))
        assert below <= SMALL[1], name


def test_nothing_moves_for_those_who_asked_for_rest(states: tuple[str, dict[str, str]], person: Person) -> None:
    address, pages = states
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    try:
        for name in ("upload", "gallery", "running", "takes"):
            person.browser.get(f"{address}{pages[name]}")
            person.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            moving = person.run(
                "return [...document.querySelectorAll('*')].filter((one) => {"
                " const s = getComputedStyle(one);"
                " const long = (text) => text.split(',').some((part) => parseFloat(part) > 0.01);"
                " return (s.animationName !== 'none' && long(s.animationDuration)) || long(s.transitionDuration);"
                "}).map((one) => one.outerHTML.slice(0, 80))"
            )
            assert moving == [], name
    finally:
        person.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_whole_way_with_the_keyboard_alone(
    tmp_path: Path, person: Person, flash_voice: FlashVoice, flash_clip: Path
) -> None:
    look_like(person, WIDE, "light")
    saved = tmp_path / "saved"
    person.browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(saved)})
    with place(tmp_path / "data") as here, Live(here) as live:
        live.may_work.set()
        person.browser.get(live.address)
        press(person, Keys.TAB)
        assert person.browser.switch_to.active_element.text == "Skip to the content"
        tab_to(person, "#clips").send_keys(str(flash_clip))  # the window of the system that asks for files is not ours
        tab_to(person, "#f-mode").send_keys("Hits")
        assert ring(person)
        tab_to(person, "[data-send]")
        assert ring(person)
        press(person, Keys.ENTER)
        person.until_at("/jobs/")
        person.see("video")
        tab_to(person, "[data-download]")
        assert ring(person)
        press(person, Keys.ENTER)
        until(lambda: list(saved.glob("flash.*mp4")), "the download")
        tab_to(person, "details.danger summary")
        press(person, Keys.ENTER)
        tab_to(person, "button.danger")
        press(person, Keys.ENTER)
        person.until_at("/gallery")
        assert here.left() == []


def press(person: Person, key: str) -> None:
    """A key, wherever the focus is."""
    ActionChains(person.browser).send_keys(key).perform()


def tab_to(person: Person, selector: str) -> WebElement:
    """Go on with the tabulator until something is reached."""
    for _ in range(MOST_TABS):
        press(person, Keys.TAB)
        reached = person.browser.switch_to.active_element
        if person.run("return arguments[0].matches(arguments[1])", reached, selector):
            return reached
    raise AssertionError(f"{selector} is not reached with {MOST_TABS} tabulators")


def ring(person: Person) -> bool:
    """Whether what has the focus shows it."""
    style = "const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && s.outlineWidth"
    return str(person.run(style)) not in ("False", "0px")


def test_the_measures_notice_what_is_wrong(states: tuple[str, dict[str, str]], person: Person) -> None:
    """Faults that are planted are found: otherwise nothing above would mean anything."""
    address, _ = states
    person.browser.get(f"{address}/")
    look_like(person, WIDE, "light")
    assert person.run(_BYTES) > len((ROOT / "web" / "pages" / "static" / "site.css").read_bytes())
    person.run(
        "document.querySelector('main').insertAdjacentHTML('afterbegin', "
        "'<img src=x width=9 height=9><div id=tiny><button>i</button><button>j</button></div><meter value=.5></meter>"
        "<input id=pale aria-label=pale><video></video>');"
        "document.querySelector('#pale').style.borderColor = '#eee';"
        "for (const one of [...document.querySelectorAll('#tiny > button')]) {"
        " Object.assign(one.style, {minHeight: 0, height: '9px', width: '9px', padding: 0, display: 'block'}); }"
    )
    person.run(AXE)
    found = person.browser.execute_async_script(_RUN_AXE)
    assert {"image-alt", "target-size"} <= {one.partition(":")[0] for one in found}
    assert any(one.startswith("pale: 1.") for one in person.run(_EDGES, EDGE_CONTRAST))
    assert len(person.run(_NAMELESS)) == 2
