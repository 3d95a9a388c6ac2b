"""A take that was rendered from a score is listened to as the others are, after it is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synth.errors import MediaError
from tests.support.describers import FlashDescriber
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place
from tests.web.api.test_jobs import fits
from workers.files import objects
from workers.search import vectors
from workers.tasks import description, take_descriptions
from workers.uploads.sources import POSTER


class LouderIsNearer(FlashDescriber):
    """Whose sounds lie the nearer to the picture the louder they are; one that fails when it is told to."""

    failure: Exception | None = None
    cancelled: Callable[[], bool] = lambda: False  # what the last call was given
    length = 1.0  # of its vectors; any other is refused when they are to be kept

    def describe(self, *given: Any, **more: Any) -> Any:
        if self.failure:
            raise self.failure
        found, self.cancelled = super().describe(*given, **more), given[2]
        takes = [
            replace(take, vectors=tuple(replace(one, values=self.length * one.values) for one in take.vectors))
            for take in found.takes
        ]
        return replace(found, takes=tuple(takes))


@pytest.fixture
def eye(monkeypatch: pytest.MonkeyPatch) -> LouderIsNearer:
    eye = LouderIsNearer()
    monkeypatch.setattr(description, "describer", lambda: eye)
    return eye


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice, eye: LouderIsNearer) -> Iterator[Place]:
    with place(tmp_path / "data", describe=True) as made:
        yield made


def sounded(here: Place, clip: Path) -> str:
    link = here.sent(clip, mode="hits")["links"]["self"]
    here.work()
    return str(link)


def corrected(here: Place, link: str, loudness_lufs: float) -> dict[str, Any]:
    """The job, after its sound was made quieter or louder, as a further take."""
    correct(here, link, loudness_lufs)
    here.work()
    return dict(here.client.get(link).get_json())


def correct(here: Place, link: str, loudness_lufs: float) -> None:
    """Ask for such a take."""
    version = here.client.get(f"{link}/score").get_json()["version"]
    changed = here.client.patch(f"{link}/score?take=0", json={"version": version, "loudness_lufs": loudness_lufs})
    assert changed.status_code == 200, changed.text
    assert here.client.post(f"{link}/score/render", json={}).status_code == 202


def test_a_corrected_take_is_described_ranked_and_found(here: Place, flash_clip: Path) -> None:
    link = sounded(here, flash_clip)
    job = corrected(here, link, -36.0)
    fits(job, "Job")
    first, second = job["outputs"]
    assert second["description"]["tags"][0]["name"] == "crackling fire"
    assert second["description"]["distance"] > first["description"]["distance"]
    assert (first["description"]["rank"], second["description"]["rank"]) == (1, 2)
    assert job["description"]["ranking"] == [0, 1]
    assert {"heat-map-avol", "heat-map-attention", "heat-maps", "maps"} <= set(second["links"])
    drawn = here.client.get(second["links"]["heat-map-avol"])
    assert drawn.data[:2] == b"\xff\xd8"
    assert first["links"]["maps"] != second["links"]["maps"]
    assert set(vectors.of_job(here.jobs, job["id"])) == {vectors.PICTURE_TAKE, 0, 1}
    page = here.client.get(f"{job['links']['page']}?take=1").text
    assert "Where the sound comes from</h3>" in page


def test_a_take_that_goes_takes_its_description_along(here: Place, flash_clip: Path) -> None:
    link = sounded(here, flash_clip)
    job = corrected(here, link, -10.0)
    maps = job["outputs"][1]["links"]["maps"]
    assert [one["description"]["rank"] for one in job["outputs"]] == [2, 1]
    assert here.client.get(maps).status_code == 200
    assert here.client.delete(f"{link}/takes/1").status_code == 204
    job = here.client.get(link).get_json()
    assert [one["description"]["rank"] for one in job["outputs"]] == [1]
    assert job["description"]["ranking"] == [0]
    assert set(vectors.of_job(here.jobs, job["id"])) == {vectors.PICTURE_TAKE, 0}
    assert here.client.get(maps).status_code == 404


def test_a_take_is_there_though_it_cannot_be_described(here: Place, flash_clip: Path, eye: LouderIsNearer) -> None:
    link = sounded(here, flash_clip)
    eye.failure = MediaError("the clip cannot be looked at any more")
    job = corrected(here, link, -36.0)
    fits(job, "Job")
    assert [one["take"] for one in job["outputs"]] == [0, 1]
    assert job["outputs"][1]["description"] is None
    assert (job["outputs"][0]["description"]["rank"], job["description"]["ranking"]) == (1, [0])
    assert "Not listened to yet." in here.client.get(f"{job['links']['page']}?take=1").text


def recorded(here: Place, job_id: str) -> set[str]:
    """The keys of a job that are written down, which its owner's quota counts; they are those that are stored."""
    written = {key for key in objects.of_job(here.jobs.database, job_id) if not key.endswith(POSTER)}
    assert written == {key for key in here.storage.keys(job_id) if not key.endswith(POSTER)}
    return written


def test_a_deleted_take_counts_in_no_quota(here: Place, flash_clip: Path) -> None:
    link = sounded(here, flash_clip)
    job_id = link.rpartition("/")[2]
    before = recorded(here, job_id)
    corrected(here, link, -36.0)
    assert recorded(here, job_id) > before
    assert here.client.delete(f"{link}/takes/1").status_code == 204
    assert recorded(here, job_id) == before


def test_of_a_take_that_is_deleted_while_it_is_described_nothing_stays(
    here: Place, flash_clip: Path, eye: LouderIsNearer
) -> None:
    link = sounded(here, flash_clip)
    job_id = link.rpartition("/")[2]
    before = recorded(here, job_id)
    deleted: list[int] = []
    eye.before = lambda: deleted.append(here.client.delete(f"{link}/takes/1").status_code)
    job = corrected(here, link, -36.0)
    assert deleted == [204]
    assert eye.cancelled()
    assert [one["take"] for one in job["outputs"]] == [0]
    assert recorded(here, job_id) == before
    assert set(vectors.of_job(here.jobs, job_id)) == {vectors.PICTURE_TAKE, 0}


def test_no_vectors_stay_of_a_take_that_is_deleted_once_its_description_is_written(
    here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = sounded(here, flash_clip)
    write = take_descriptions._write
    deleted: list[int] = []

    def and_delete(*given: Any) -> bool:
        written = write(*given)
        deleted.append(here.client.delete(f"{link}/takes/1").status_code)
        return written

    monkeypatch.setattr(take_descriptions, "_write", and_delete)
    job = corrected(here, link, -36.0)
    assert deleted == [204]
    assert set(vectors.of_job(here.jobs, job["id"])) == {vectors.PICTURE_TAKE, 0}


def test_whatever_goes_wrong_with_a_description_is_told_and_leaves_nothing(
    here: Place, flash_clip: Path, eye: LouderIsNearer, caplog: pytest.LogCaptureFixture
) -> None:
    link = sounded(here, flash_clip)
    job_id = link.rpartition("/")[2]
    before = recorded(here, job_id)
    eye.length = 2.0
    assert corrected(here, link, -36.0)["outputs"][1]["description"] is None
    assert "its length must be one" in caplog.text
    assert not [key for key in recorded(here, job_id) - before if "maps" in key or "avol" in key]
    eye.length, eye.failure = 1.0, RuntimeError("the net is broken")
    assert corrected(here, link, -30.0)["outputs"][2]["description"] is None
    assert "RuntimeError: the net is broken" in caplog.text  # with where it came from


def test_the_next_correction_waits_for_no_description(here: Place, flash_clip: Path, eye: LouderIsNearer) -> None:
    """A worker that keeps it waiting while it holds no row is taken for deaf, and killed."""
    link = sounded(here, flash_clip)
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go_on.wait()

    eye.before = wait
    with here.at_work():
        try:
            correct(here, link, -36.0)
            assert begun.wait(60)
            correct(here, link, -30.0)
            until_s = time.monotonic() + 60
            while (take := here.client.get(f"{link}/takes/2?wait_s=1").get_json())["status"] != "succeeded":
                assert time.monotonic() < until_s, take
            assert here.client.get(link).get_json()["outputs"][1]["description"] is None
        finally:
            go_on.set()
    assert all(one["description"] for one in here.client.get(link).get_json()["outputs"])
