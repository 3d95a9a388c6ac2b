"""The board of sounds and the prompt's field in a real Chromium."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.servers import wait_until as until
from tests.support.web_place import place
from web.server import http_server

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium with its chromedriver is installed (apt: chromium-driver)"
)


@pytest.fixture(name="address", scope="module")
def _address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with place(tmp_path_factory.mktemp("board") / "data") as here:
        server = http_server.make_server(here.app, http_server.listen("127.0.0.1", 0))
        thread = threading.Thread(target=server.run)
        thread.start()
        yield f"http://127.0.0.1:{server.effective_port}"
        http_server.stop(server)
        thread.join(30)


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for switch in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--mute-audio"):
        options.add_argument(switch)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield browser
    browser.quit()


def width(browser: webdriver.Chrome, pixels: int) -> None:
    told = {"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", told)


@pytest.mark.parametrize("pixels", [360, 1440])
@pytest.mark.parametrize("page", ["/sounds", "/sounds/rain", "/?prompt=heavy+rain"])
def test_the_pages_fit(address: str, browser: webdriver.Chrome, page: str, pixels: int) -> None:
    width(browser, pixels)
    browser.get(address + page)
    browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= pixels
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('main input:not([type=hidden]), main select, main button')]"
        ".filter((one) => !one.labels?.length && !one.textContent.trim() && !one.ariaLabel).map((one) => one.outerHTML)"
    )
    assert unnamed == []


def test_a_sound_is_searched_played_turned_and_used(address: str, browser: webdriver.Chrome) -> None:
    width(browser, 1200)
    browser.get(f"{address}/sounds")
    browser.find_element(By.ID, "q").send_keys("rain roof")
    shown = "return [...document.querySelectorAll('[data-sound]')].filter((one) => one.checkVisibility()).length"
    until(lambda: browser.execute_script(shown) == 1)
    assert browser.find_element(By.CSS_SELECTOR, "[data-found]").text == "1 sound found."

    card = browser.find_element(By.CSS_SELECTOR, '[data-sound="rain_on_roof"]')
    button = card.find_element(By.CSS_SELECTOR, "[data-play]")
    button.send_keys(Keys.ENTER)  # with the keyboard
    assert button.text == "Stop"
    assert button.get_attribute("aria-pressed") == "true"
    heard = (
        "return performance.getEntriesByType('resource').filter((one) => one.name.includes('/preview')"
        " && one.responseStatus < 300 && one.encodedBodySize > 1000).map((one) => one.name)"
    )
    assert "rain_on_roof/preview?seed=0" in until(lambda: browser.execute_script(heard))[0]
    button.send_keys(Keys.ENTER)
    assert button.text == "Play"

    card.find_element(By.TAG_NAME, "summary").click()
    slider = until(lambda: card.find_elements(By.NAME, "drops_per_s"))[0]
    before = card.find_element(By.TAG_NAME, "output").text
    slider.send_keys(Keys.END)
    assert card.find_element(By.TAG_NAME, "output").text == "2000 1/s" != before
    card.find_element(By.CSS_SELECTOR, "[data-use]").click()
    field = until(lambda: browser.find_elements(By.ID, "f-prompt"))[0]
    assert field.get_attribute("value") == "rain_on_roof, drops_per_s 2000"


def test_an_unturned_sound_is_used_by_its_name(address: str, browser: webdriver.Chrome) -> None:
    browser.get(f"{address}/sounds?q=thunder")
    browser.find_element(By.CSS_SELECTOR, '[data-sound="thunder"] [data-use]').click()
    chosen = until(lambda: browser.find_elements(By.ID, "f-sound_class"))[0]
    assert chosen.get_attribute("value") == "thunder"


def test_the_parse_is_shown_while_one_types(address: str, browser: webdriver.Chrome) -> None:
    browser.get(f"{address}/")
    field = browser.find_element(By.ID, "f-prompt")

    def told() -> str:
        return browser.find_element(By.ID, "f-prompt-told").text

    field.send_keys("heavy rain, a piano")
    until(lambda: "Understood: rain, drops_per_s" in told() and "piano" in told())
    browser.find_element(By.ID, "f-without").send_keys("music")
    until(lambda: "ignored: piano (left out by without: music)" in told())
    browser.find_element(By.XPATH, "//button[text()='Edit it as understood']").click()
    assert str(field.get_attribute("value")).startswith("rain, drops_per_s ")
    field.clear()
    field.send_keys("zxqv")
    until(lambda: "the nearest are" in told())
    assert field.get_attribute("aria-invalid") == "true"


def test_without_scripts_it_searches_and_links_to_the_sound(address: str, browser: webdriver.Chrome) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(f"{address}/sounds")
        field = browser.find_element(By.ID, "q")
        field.send_keys("thunder", Keys.ENTER)
        until(lambda: "q=thunder" in browser.current_url)
        cards = browser.find_elements(By.CSS_SELECTOR, "[data-sound]")
        assert [card.get_attribute("data-sound") for card in cards] == ["thunder"]
        form = cards[0].find_element(By.TAG_NAME, "form")
        assert str(form.get_attribute("action")).endswith("/v1/sounds/thunder/preview")
        cards[0].find_element(By.TAG_NAME, "summary").click()
        cards[0].find_element(By.PARTIAL_LINK_TEXT, "a page of their own").click()
        until(lambda: browser.current_url.endswith("/sounds/thunder"))
        assert browser.find_element(By.NAME, "seed").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
