"""A result whose ranges have voices of their own: each range is a part that is mixed, muted and replaced by itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from synth.media import audio
from tests.support.voices import FlashVoice, HissVoice
from tests.support.web_place import Place, place

RANGES = ["range-1", "range-2", "range-3"]


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice, hiss_voice: HissVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


@pytest.fixture
def link(here: Place, changing_clip: Path) -> str:
    """A job of a clip whose ranges have voices of their own."""
    made = str(here.sent(changing_clip)["links"]["self"])
    here.work()
    return made


def corrected(here: Place, link: str, take: int = 0, **changes: Any) -> dict[str, Any]:
    """The take that a changed score of an earlier one gives."""
    before = len(here.client.get(link).get_json()["outputs"])
    version = here.client.get(f"{link}/score?take={take}").get_json()["version"]
    changed = here.client.patch(f"{link}/score?take={take}", json={"version": version, **changes})
    assert changed.status_code == 200, changed.text
    assert here.client.post(f"{link}/score/render", json={"take": take}).status_code == 202
    here.work()
    job = here.client.get(link).get_json()
    assert len(job["outputs"]) == before + 1, job
    return dict(job["outputs"][-1])


def muted(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "muted": name in names} for name in RANGES]


def heard(here: Place, address: str) -> tuple[NDArray[np.float32], int]:
    sound, rate_hz = soundfile.read(io.BytesIO(here.client.get(address).data), dtype="float32")
    return np.atleast_2d(sound.T).mean(0), rate_hz


def level(sound: NDArray[np.float32], rate_hz: int, start_s: float, end_s: float) -> float:
    return float(np.abs(sound[round(start_s * rate_hz) : round(end_s * rate_hz)]).mean())


def test_each_range_is_a_part_and_their_sum_is_the_sound(here: Place, link: str) -> None:
    job = here.client.get(link).get_json()
    score = here.client.get(f"{link}/score").get_json()
    assert [stem["name"] for stem in score["stems"]] == RANGES
    parts = [heard(here, f"{link}/takes/0/stems/{name}") for name in RANGES]
    rate_hz = parts[0][1]
    whole, whole_hz = heard(here, job["outputs"][0]["links"]["sound"])
    together = audio.resample(np.sum([sound for sound, _ in parts], axis=0), rate_hz, whole_hz)
    assert np.corrcoef(together[: len(whole)], whole[: len(together)])[0, 1] > 0.999
    for number, (sound, _) in enumerate(parts):
        for other in (0, 1, 2):
            found = level(sound, rate_hz, other + 0.1, other + 0.9)
            assert (found > 1e-4) == (other == number)


def test_a_range_is_muted_and_something_else_laid_in_its_place(here: Place, link: str) -> None:
    take = corrected(here, link, stems=muted("range-2"), hits=[{"id": "own", "time_s": 1.5, "material": "wood"}])
    sound, rate_hz = heard(here, take["links"]["sound"])
    assert level(sound, rate_hz, 1.1, 1.4) < 1e-4  # of the ambience nothing is left
    assert level(sound, rate_hz, 1.5, 1.6) > 1e-3
    assert level(sound, rate_hz, 0.5, 0.6) > 1e-3
    assert level(sound, rate_hz, 2.5, 2.6) > 1e-3
    assert [hit["time_s"] for hit in take["hits"]] == pytest.approx([0.5, 1.5, 2.5], abs=0.05)


def test_the_hits_of_a_range_are_told_as_long_as_it_is_heard(here: Place, link: str) -> None:
    first = here.client.get(link).get_json()["outputs"][0]
    early, late = first["hits"]
    assert (early["time_s"], late["time_s"]) == pytest.approx((0.5, 2.5), abs=0.05)
    own = [{"id": "own", "time_s": 2.8, "material": "wood"}]
    second = corrected(here, link, stems=muted("range-3"), hits=own)
    assert [hit["time_s"] for hit in second["hits"]] == [early["time_s"], 2.8]
    assert second["hits"][0] == early
    assert here.client.get(f"{link}/outputs/1/hits").get_json()["hits"] == second["hits"]
    third = corrected(here, link, take=1, stems=muted("range-1", "range-2"), hits=[])  # heard again, of a take without
    assert third["hits"] == [late]


def test_what_is_rendered_unchanged_is_the_same(here: Place, link: str) -> None:
    first = here.client.get(link).get_json()["outputs"][0]
    again = corrected(here, link, limiter=True)
    before, _ = heard(here, first["links"]["sound"])
    after, _ = heard(here, again["links"]["sound"])
    assert np.corrcoef(before, after)[0, 1] > 0.9999
