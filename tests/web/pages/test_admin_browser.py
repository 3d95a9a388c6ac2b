"""The pages of owners and administrators in a real Chromium: they fit a phone and are used with the keyboard alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.servers import wait_until as until
from tests.support.web_place import place
from tests.web.pages.test_sounds_browser import CHROMIUM, DRIVER, width
from tests.web.pages.test_sounds_browser import _browser as _browser
from web.server import http_server
from workers.owners.keys import ALL_SCOPES

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium with its chromedriver is installed (apt: chromium-driver)"
)


@pytest.fixture(name="person", scope="module")
def _person(
    tmp_path_factory: pytest.TempPathFactory, browser: webdriver.Chrome, dark_clip: Path
) -> Iterator[tuple[webdriver.Chrome, str]]:
    """Logged in as an administrator, on a server with owners, keys and jobs; and its address."""
    with place(tmp_path_factory.mktemp("admin") / "data") as here:
        here.send(dark_clip)
        store = here.app.extensions["sonorize"].keys.store
        store.make("an-owner-with-a-rather-long-name", label="the laptop that stands in the studio of the second floor")
        _, secret = store.make("root", ALL_SCOPES)
        server = http_server.make_server(here.app, http_server.listen("127.0.0.1", 0))
        thread = threading.Thread(target=server.run)
        thread.start()
        address = f"http://127.0.0.1:{server.effective_port}"
        try:
            browser.get(f"{address}/login")
            browser.find_element(By.ID, "key").send_keys(secret, Keys.ENTER)
            until(lambda: "/login" not in browser.current_url)
            yield browser, address
        finally:
            http_server.stop(server)
            thread.join(30)


@pytest.mark.parametrize("pixels", [360, 1440])
@pytest.mark.parametrize("page", ["/admin", "/account"])
def test_the_pages_fit_and_every_field_has_a_name(person: tuple[webdriver.Chrome, str], page: str, pixels: int) -> None:
    browser, address = person
    width(browser, pixels)
    browser.get(address + page)
    browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= pixels
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('main input:not([type=hidden]), main select, main button')]"
        ".filter((one) => !one.labels?.length && !one.textContent.trim() && !one.ariaLabel).map((one) => one.outerHTML)"
    )
    assert unnamed == []
    assert browser.execute_script("return document.querySelectorAll('script:not([nonce]), [style]').length") == 0


def test_a_key_is_made_with_the_keyboard(person: tuple[webdriver.Chrome, str]) -> None:
    browser, address = person
    width(browser, 360)
    browser.get(f"{address}/admin")
    for _ in range(80):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.get_attribute("id") == "owner":
            break
    browser.switch_to.active_element.send_keys("ben", Keys.TAB, "camera", Keys.ENTER)
    shown = until(lambda: browser.find_elements(By.CSS_SELECTOR, "code.secret"))
    assert shown[0].text.startswith("sonorize_")
    assert "ben" in browser.find_element(By.CSS_SELECTOR, ".note").text
