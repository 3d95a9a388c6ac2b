"""Numbers of takes and of versions are not given twice for different things: browsers keep what lies under them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


@pytest.fixture
def job(here: Place, flash_clip: Path) -> str:
    made = here.sent(flash_clip, mode="hits")
    here.work()
    return str(made["links"]["self"])


def corrected(here: Place, job: str, strength: float) -> dict[str, Any]:
    """A take with another strength of its first hit."""
    told = here.client.get(f"{job}/score?take=0").get_json()
    hits = [{**told["hits"][0], "strength": strength}, *told["hits"][1:]]
    changed = here.client.patch(f"{job}/score?take=0", json={"version": told["version"], "hits": hits})
    assert changed.status_code == 200, changed.text
    asked = here.client.post(f"{job}/score/render", json={"take": 0}).get_json()
    here.work()
    return dict(here.client.get(asked["links"]["self"]).get_json())


def test_a_number_of_a_deleted_take_is_not_given_again(here: Place, job: str) -> None:
    first = corrected(here, job, 0.3)
    assert first["take"] == 1
    draft = {"version": 0, "words": [{"id": "w1", "text": "gone", "start_s": 0.1, "end_s": 0.2}]}
    assert here.client.patch(f"{job}/score?take=1", json=draft).status_code == 200
    assert here.client.delete(first["links"]["self"]).status_code == 204
    assert here.client.delete(first["links"]["self"]).status_code == 404
    assert here.client.get(first["links"]["self"]).status_code == 404
    second = corrected(here, job, 0.4)
    assert second["take"] == 2
    assert here.client.get(f"{job}/score?take=2").get_json()["words"] == []


def test_a_version_of_a_forgotten_draft_is_another(here: Place, job: str) -> None:
    first = corrected(here, job, 0.3)
    assert here.client.delete(f"{job}/score?take=0").status_code == 204
    second = corrected(here, job, 0.6)
    assert first["version"] == 1 < second["version"]
    assert second["take"] != first["take"]
    heard = here.client.get(f"{job}/score?take={second['take']}").get_json()["hits"][0]["strength"]
    assert heard == pytest.approx(0.6)
