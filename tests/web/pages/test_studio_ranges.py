"""The studio of a result whose ranges have voices of their own, in a real Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.voices import HissVoice
from tests.web.pages.test_browser import CHROMIUM, DRIVER, Live, Person, downloads, live, person, until

__all__ = ["downloads", "live", "person"]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium with its chromedriver is installed (apt: chromium-driver)"
)

LANES = """
const box = document.querySelector('.tl-scroll').getBoundingClientRect();
return [...document.querySelectorAll('.tl-stem')].map((row) => {
  const { top, bottom } = row.getBoundingClientRect();
  return [row.querySelector('.tl-name').textContent, top >= box.top && bottom <= box.bottom + 1];
});
"""


def lanes(person: Person) -> list[tuple[str, bool]]:
    """Names of the parts' lanes, and whether each is seen whole without scrolling inside the timeline."""
    found: list[Any] = person.run(LANES)
    return [(str(name), bool(seen)) for name, seen in found]


def test_ranges_are_lanes_that_say_what_they_are(
    live: Live, person: Person, hiss_voice: HissVoice, changing_clip: Path
) -> None:
    job = live.here.sent(changing_clip)
    live.may_work.set()
    until(lambda: live.here.client.get(job["links"]["self"]).get_json()["status"] == "succeeded", "the job")
    person.browser.get(f"{live.address}/jobs/{job['id']}")
    until(lambda: person.all("[data-studio][data-ready]"), "the studio")
    names = ["Range 1: hits, 0.0–1.0 s", "Range 2: ambient, 1.0–2.0 s", "Range 3: hits, 2.0–3.1 s"]
    assert lanes(person) == [(name, True) for name in names]
    assert person.read("[data-ranged]") == (
        "The hits of range 1, the layers of range 2, and the hits of range 3 are part of those ranges; "
        "mute one to lay others in its place."
    )
    person.press("[data-lane='hits'] .tl-add")
    person.press(".tb-make")
    until(lambda: len(person.all(".tl-take")) == 2 and len(lanes(person)) == 4, "a second take")
    assert lanes(person) == [("Hits", True), *((name, True) for name in names)]
    assert person.complaints() == []
