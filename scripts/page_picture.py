"""The README's picture: the page of a result that a server of its own made of a scene of ours, seen in a Chromium.

    python -m scripts.page_picture

Writes docs/page.png. Needs Chromium with its chromedriver (apt: chromium chromium-driver), and the weights that ship.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from synth.data.strike_scenes import simulate
from web.client.sync import Client

ROOT: Final = Path(__file__).parents[1]
TARGET: Final = ROOT / "docs" / "page.png"
SIZE_PX: Final = (1280, 1010)
PATIENCE_S: Final = 600.0
SEED: Final = 11


def main() -> None:
    """Make the clip, have it sounded, and take the picture."""
    with tempfile.TemporaryDirectory(prefix="sonorize-") as name:
        clip = Path(name) / "drumming on a table.mp4"
        scene = simulate.draw_scene(SEED, duration_s=6.0, rate_fps=30.0, material="wood", demo=True)
        simulate.write_clip(scene, clip, width=640, height=480, with_sound=True)
        with _server(Path(name) / "data") as address, Client(address) as client:
            job = client.wait(client.create(clip, {"mode": "hits", "takes": 3})["id"])
            if job["status"] != "succeeded":
                sys.exit(f"the clip was not sounded: {job['error']}")
            _photograph(f"{address}/jobs/{job['id']}")
    print(TARGET.relative_to(ROOT))


@contextmanager
def _server(data: Path) -> Iterator[str]:
    """The address of a server that lasts as long as the block."""
    command = [sys.executable, "-m", "web.cli", "serve", "--port", "0", "--data", str(data)]
    settings = {**os.environ, "SONORIZE_SAMPLES": "0", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = next(filter(None, (re.search(r"Sonorize is at (\S+)", line) for line in process.stdout)), None)
            if found is None:
                sys.exit("the server did not start")
            yield found[1]
        finally:
            process.terminate()


def _photograph(address: str) -> None:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
    )
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        screen = {"width": SIZE_PX[0], "height": SIZE_PX[1], "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        browser.get(address)
        WebDriverWait(browser, PATIENCE_S).until(
            lambda here: here.find_elements(By.CSS_SELECTOR, "[data-studio][data-ready]")
        )
        browser.execute_script("document.querySelector('video').currentTime = 1.5")
        time.sleep(3)  # the waveforms and the picture come after the page
        browser.save_screenshot(str(TARGET))
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
