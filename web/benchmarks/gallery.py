"""What the gallery costs the one who looks at it and the server: a real Chromium against a server of its own.

How soon a page of many results is painted and of how many bytes it is, and how it fares while jobs are under way: the
frames that it drops, and the processor time that the web takes. The results are rows with files of a few bytes; the
jobs under way are moved on as workers do it, and one ends every few seconds.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synth.errors import OptionError
from synth.options import Mode, Options
from web.benchmarks.server import Running, running
from web.context import NOBODY
from workers.files.storage import Storage, storage_of
from workers.jobs import Job, Jobs, jobs_of, new_id

FRAME_MS: Final = 1000 / 60
CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")
_MATERIALS: Final = ("wood", "metal", "glass", "leaf", "rock")
_WATCH: Final = """
const done = arguments[arguments.length - 1], until = performance.now() + arguments[0], gaps = [];
let last = performance.now();
const step = (now) => {
  gaps.push(now - last);
  last = now;
  if (now < until) requestAnimationFrame(step); else done(gaps);
};
requestAnimationFrame(step);
"""
_PAINT: Final = """
const [way] = performance.getEntriesByType("navigation");
const paint = performance.getEntriesByName("first-contentful-paint")[0];
const media = (one) => one.initiatorType === "img" || one.initiatorType === "video";
const others = performance.getEntriesByType("resource").filter((one) => !media(one));
return {
  answered_ms: way.responseEnd, painted_ms: paint ? paint.startTime : null,
  bytes: others.reduce((sum, one) => sum + one.encodedBodySize, way.encodedBodySize),
};
"""


@dataclass(frozen=True)
class Sizes:
    """How much is measured; a test takes little."""

    results: int = 1000
    live: int = 200
    running: int = 8
    watched_s: float = 20.0
    loads: int = 5


def gallery(sizes: Sizes = Sizes()) -> dict[str, Any]:
    """All figures of the gallery, as JSON values.

    Raises:
        OptionError: there is no Chromium, or no Selenium, to look with.
    """
    with (
        tempfile.TemporaryDirectory(prefix="sonorize-bench-") as name,
        running(Path(name) / "front", workers=0) as front,
    ):
        jobs, storage = jobs_of(front.settings), storage_of(front.settings)
        try:
            for _ in range(sizes.results):
                _finish(jobs, storage, _create(jobs))
            with _browser() as browser:
                pages = {
                    path: _paint(browser, front, path, sizes.loads)
                    for path in ("/", "/gallery", "/gallery?sort=title&voice=hits&material=wood", "/gallery/textures")
                }
                return {"results": sizes.results, "pages": pages, "live": _live(browser, front, jobs, storage, sizes)}
        finally:
            jobs.close()


def _live(browser: Any, front: Running, jobs: Jobs, storage: Storage, sizes: Sizes) -> dict[str, Any]:
    """The gallery while jobs are under way, all of them on the page, beside the same page with nothing under way."""
    browser.get(f"{front.address}/gallery?limit=100")
    quiet = _watch(browser, front, sizes.watched_s / 2)
    for _ in range(sizes.live):
        _create(jobs)
    browser.get(f"{front.address}/gallery?limit=100")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        browser.execute_script("window.scrollTo(0, document.documentElement.scrollHeight)")
        if len(browser.find_elements("css selector", ".card[data-waits]")) >= sizes.live:
            break
        time.sleep(0.1)
    browser.execute_script("window.scrollTo(0, 0)")
    over = threading.Event()
    work = threading.Thread(target=_work, args=(jobs, storage, sizes.running, over))
    work.start()
    try:
        live = _watch(browser, front, sizes.watched_s)
    finally:
        over.set()
        work.join()
    cards = len(browser.find_elements("css selector", ".card[data-waits]"))
    return {"jobs": sizes.live, "running": sizes.running, "under_way_at_the_end": cards, "quiet": quiet, "live": live}


def _work(jobs: Jobs, storage: Storage, abreast: int, over: threading.Event) -> None:
    """Move so many jobs on as workers do it, every one three times a second; one ends every two seconds."""
    held: list[list[Any]] = []
    ended_at = time.monotonic()
    while not over.wait(0.3):
        while len(held) < abreast and (claimed := jobs.claim(1, Mode.HITS.value, "bench")):
            held.append([claimed[0], 0.0])
        for one in held:
            one[1] = min(0.99, one[1] + 0.02)
            jobs.heartbeat(one[0].id, one[0].attempt)
            jobs.progress(one[0].id, one[0].attempt, "look", one[1])
        if held and time.monotonic() - ended_at > 2.0:
            ended_at = time.monotonic()
            job = held.pop(0)[0]
            jobs.learn(job, {"look": 2.0})
            jobs.finish(job.id, job.attempt, _result(storage, job))


def _watch(browser: Any, front: Running, seconds: float) -> dict[str, Any]:
    """Frames that were dropped, and the share of one processor that the web took meanwhile."""
    spent_s, began = _cpu_s(front.pid), time.monotonic()
    gaps_ms = browser.execute_async_script(_WATCH, 1000 * seconds)
    wall_s = time.monotonic() - began
    dropped = sum(max(0, round(gap / FRAME_MS) - 1) for gap in gaps_ms)
    return {
        "seconds": round(wall_s, 1),
        "frames": len(gaps_ms),
        "dropped": dropped,
        "dropped_share": round(dropped / max(1, dropped + len(gaps_ms)), 4),
        "longest_gap_ms": round(max(gaps_ms), 1),
        "web_cpu_share": round((_cpu_s(front.pid) - spent_s) / wall_s, 4),
    }


def _paint(browser: Any, front: Running, path: str, loads: int) -> dict[str, Any]:
    """The median of several loads, each with an empty cache: when a page was answered and painted, and its bytes."""
    told = []
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    for _ in range(loads):
        browser.get(f"{front.address}{path}")
        deadline = time.monotonic() + 10
        while (seen := browser.execute_script(_PAINT))["painted_ms"] is None and time.monotonic() < deadline:
            time.sleep(0.05)
        told.append(seen)
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
    middle = sorted(told, key=lambda one: one["painted_ms"] or 1e9)[len(told) // 2]
    return {name: round(value) for name, value in middle.items() if value is not None}


def _create(jobs: Jobs) -> Job:
    name = new_id(time.time())
    info = {"duration_s": 4.0, "width": 640, "height": 360, "rate_fps": 25.0, "bytes": 1000, "video_codec": "h264"}
    asked = Options(mode=Mode.HITS)
    return jobs.create(
        options=asked, title=f"{name[-6:]}.mp4", source_key=f"{name}/source", info=info, owner=NOBODY, id=name
    )


def _finish(jobs: Jobs, storage: Storage, _made: Job) -> None:
    (job,) = jobs.claim(1, Mode.HITS.value, "bench")
    jobs.finish(job.id, job.attempt, _result(storage, job))


def _result(storage: Storage, job: Job) -> dict[str, Any]:
    """As a worker leaves it, with forty hits; its files hold next to nothing."""
    dice = random.Random(job.id)
    prefix = job.attempt_prefix()
    keys = {"key": f"{prefix}/take0.mp4", "wav_key": f"{prefix}/take0.wav", "hits_key": f"{prefix}/take0.hits.json"}
    for key in (*keys.values(), f"{prefix}/thumbnail.jpg"):
        storage.put(key, io.BytesIO(b"bench"), "application/octet-stream")
    materials = dice.sample(_MATERIALS, 2)
    hits = [
        {"time_s": 0.1 * place, "strength": dice.random(), "material": dice.choice(materials), "confidence": 0.9}
        for place in range(40)
    ]
    told = {"tags": [{"name": dice.choice(("wood", "knock")), "probability": 0.5}], "rank": 1, "correspondence": 0.7}
    texture = {"cluster": dice.randrange(8), "name": None, "typicality": 0.5, "expected": None}
    entry = {
        "take": 0,
        "mode": "hits",
        "seed": 0,
        "duration_s": 4.0,
        "sample_rate_hz": 22_050,
        "hits": hits,
        "loudness_lufs": -20.0,
        "true_peak_dbtp": -1.5,
        "warnings": [],
        "stages_s": {},
        "provenance": {},
        **keys,
        "description": {**told, "texture": texture, "distance": 0.4, "firmness": {}},
        "bytes": 5,
    }
    return {"outputs": [entry], "thumbnail_key": f"{prefix}/thumbnail.jpg", "description": {"described": True}}


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _browser() -> Iterator[Any]:
    try:
        from selenium import webdriver
    except ImportError as error:
        raise OptionError("the bench of the gallery looks with Selenium, which is not installed") from error
    program, driver = next(filter(None, map(shutil.which, CHROMIUM)), None), shutil.which("chromedriver")
    if program is None or driver is None:
        raise OptionError("the bench of the gallery looks with a Chromium and its chromedriver; there is none")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1440,900"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_script_timeout(300)
    try:
        yield browser
    finally:
        browser.quit()
