"""Finished jobs are found by words: of their titles, classes, tags and materials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from synth.options import Mode, Options
from tests.support import databases
from workers.jobs import Jobs, open_jobs
from workers.records import WORDS
from workers.search import text_search


@pytest.fixture(params=databases.KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return databases.url_of(request, tmp_path)


@pytest.fixture
def jobs(database_url: str) -> Iterator[Jobs]:
    jobs = open_jobs(database_url)
    yield jobs
    jobs.close()


def output(take: int = 0, **more: Any) -> dict[str, Any]:
    return {"take": take, "mode": "hits", "hits": [], **more}


def hits(*materials: str) -> list[dict[str, Any]]:
    return [{"material": name} for name in materials]


def tagged(**chances: float) -> dict[str, Any]:
    return {"tags": [{"name": name, "probability": chance} for name, chance in chances.items()]}


def finished(jobs: Jobs, title: str, *outputs: dict[str, Any], owner: str = "ann", mode: Mode = Mode.HITS) -> str:
    jobs.create(options=Options(mode=mode), title=title, source_key="s", info={}, owner=owner)
    (job,) = jobs.claim(1, mode.value, "worker#1")
    assert jobs.finish(job.id, job.attempt, {"outputs": list(outputs)})
    return job.id


def found(jobs: Jobs, text: str, owner: str | None = None) -> list[str]:
    return [hit.job_id for hit in text_search.find(jobs.database, text, owner, 100)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Door_slams-02.mp4", ["door", "slam", "02", "mp4"]),
        ("The Sound of RAIN", ["sound", "rain"]),
        ("Überlingen café", ["uberlingen", "caf"]),
        ("barkingDogs barking", ["bark", "dog"]),
        ("  -- _ !", []),
    ],
)
def test_words_are_brought_to_one_form(text: str, wanted: list[str]) -> None:
    assert list(text_search.tokens(text)) == wanted


def test_jobs_are_found_by_all_that_is_said_of_them(jobs: Jobs) -> None:
    rain = finished(jobs, "garden.mp4", output(sound_class={"name": "rain", "probability": 0.9}), mode=Mode.AMBIENT)
    context = finished(jobs, "Office 12.mov", output(hits=hits("wood", "wood", "metal")))
    dog = finished(jobs, "clip.mp4", output(description=tagged(dog=0.8, rain=0.1)))
    assert found(jobs, "rain") == [rain, dog]
    assert found(jobs, "rainy downpour") == [rain, dog][:1] or found(jobs, "downpour") == [rain]
    assert found(jobs, "garden") == [rain]
    assert found(jobs, "office 12") == [context]
    assert found(jobs, "wood") == [context]
    assert found(jobs, "barking dogs")[0] == dog
    assert found(jobs, "helicopter") == found(jobs, "") == found(jobs, "the of %") == []


def test_more_words_found_and_greater_weights_come_first(jobs: Jobs) -> None:
    little = finished(jobs, "a.mp4", output(description=tagged(glass=0.2)))
    much = finished(jobs, "b.mp4", output(description=tagged(glass=0.9)))
    both = finished(jobs, "c.mp4", output(description=tagged(glass=0.3, water=0.3)))
    assert found(jobs, "glass") == [much, both, little]
    assert found(jobs, "glass water")[0] == both
    assert found(jobs, "glas") == [much, both, little]  # a beginning is enough, and counts less
    (whole, *_), (part, *_) = (text_search.find(jobs.database, text, None, 9) for text in ("glass", "gla"))
    assert whole.score == pytest.approx(0.9)
    assert part.score == pytest.approx(0.9 * text_search.BEGINNING)


def test_the_take_that_fits_best_is_told(jobs: Jobs) -> None:
    finished(jobs, "a.mp4", output(0, description=tagged(rain=0.3)), output(1, description=tagged(rain=0.8, fire=0.5)))
    (hit,) = text_search.find(jobs.database, "rain fire snow", None, 9)
    assert (hit.take, hit.found_by) == (1, ("rain", "fire"))
    assert hit.score == pytest.approx((0.8 + 0.5) / 3 * 2 / 3)


def test_nobody_finds_what_is_somebody_elses_or_gone(jobs: Jobs) -> None:
    hers, his = finished(jobs, "rain.mp4", output()), finished(jobs, "rain.mp4", output(), owner="bob")
    assert found(jobs, "rain") == [his, hers]
    assert found(jobs, "rain", "ann") == [hers]
    jobs.delete(hers, None)
    jobs.expire(older_than=jobs.get(his, None).created_at + 1e6)
    assert found(jobs, "rain") == []
    with jobs.database.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(WORDS)) == 0


def test_a_job_without_a_result_is_not_found(jobs: Jobs) -> None:
    jobs.create(options=Options(mode=Mode.HITS), title="rain.mp4", source_key="s", info={}, owner="ann")
    (job,) = jobs.claim(1, "hits", "worker#1")
    jobs.fail(job.id, 1, "internal", "it broke", retryable=False)
    assert found(jobs, "rain") == []


def test_jobs_of_older_releases_get_their_words(jobs: Jobs) -> None:
    ids = [finished(jobs, "rain.mp4", output()) for _ in range(3)]
    with jobs.database.writing() as connection:
        connection.execute(sa.delete(WORDS))
    assert found(jobs, "rain") == []
    assert [text_search.write_missing(jobs.database, 2) for _ in range(3)] == [2, 1, 0]
    assert found(jobs, "rain") == ids[::-1]
