"""Lists by what was made, favourites, titles and links, over SQLite and PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from synth.errors import OptionError
from synth.options import Mode, Options
from tests.support import databases
from workers.errors import Conflict, NotFound
from workers.gallery import listing, made, shares
from workers.gallery.listing import Filters, Sort
from workers.gallery.made import Kind
from workers.gallery.shares import Shares
from workers.gallery.tables import MADE, SHARES
from workers.jobs import Job, Jobs, open_jobs
from workers.records import first_id_at, made_at, new_id
from workers.search import text_search


@pytest.fixture(params=databases.KINDS)
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Jobs]:
    url = databases.url_of(request, tmp_path)
    opened = open_jobs(url)
    yield opened
    opened.close()


def finished(jobs: Jobs, title: str, *outputs: dict[str, Any], duration_s: float = 1.0, owner: str = "ann") -> Job:
    asked = Options(mode=Mode.AUTO)
    job = jobs.create(options=asked, title=title, source_key="s", info={"duration_s": duration_s}, owner=owner)
    (claimed,) = jobs.claim(1, "auto", "w")
    assert jobs.finish(claimed.id, claimed.attempt, {"outputs": list(outputs)})
    return job


def hits(*materials: str) -> dict[str, Any]:
    return {"mode": "hits", "take": 0, "hits": [{"material": name} for name in materials]}


def ambient(name: str, **more: Any) -> dict[str, Any]:
    return {"mode": "ambient", "take": 0, "hits": [], "sound_class": {"name": name, "probability": 0.9}, **more}


def titles(jobs: Jobs, sort: Sort = Sort.NEWEST, owner: str | None = "ann", **filters: Any) -> list[str]:
    return [job.title for job in listing.page(jobs.database, Filters(owner, **filters), sort=sort)[0]]


def test_lists_are_filtered_by_what_was_made(jobs: Jobs) -> None:
    finished(jobs, "a", hits("wood", *["metal"] * 30))
    finished(jobs, "b", ambient("rain", layers=[{"sound": "rain"}, {"sound": "thunderstorm"}]))
    finished(jobs, "c", ambient("sea_waves"), hits("wood"))
    assert titles(jobs, made={Kind.VOICE: "ambient"}) == ["c", "b"]
    assert titles(jobs, made={Kind.VOICE: "hits"}) == ["c", "a"]
    assert titles(jobs, made={Kind.SOUND: "thunderstorm"}) == ["b"]
    assert titles(jobs, made={Kind.MATERIAL: "wood"}) == ["c"]  # one knock of thirty does not make it wooden
    assert titles(jobs, made={Kind.VOICE: "ambient", Kind.MATERIAL: "wood"}) == ["c"]
    assert titles(jobs, mode="auto") == ["c", "b", "a"]
    assert listing.counts(jobs.database, "ann", Kind.VOICE) == {"ambient": 2, "hits": 2}
    assert listing.counts(jobs.database, "bob", Kind.VOICE) == {}


def test_what_was_made_goes_with_the_result(jobs: Jobs) -> None:
    job = finished(jobs, "a", hits("wood"))
    jobs.delete(job.id, "ann")
    finished(jobs, "b", hits("wood"))
    jobs.expire(time.time() + 60)
    with jobs.database.reading() as connection:
        assert connection.execute(sa.select(MADE)).all() == []


def test_results_of_older_releases_are_listed_too(jobs: Jobs) -> None:
    finished(jobs, "a", hits("wood"))
    finished(jobs, "none")
    with jobs.database.writing() as connection:
        connection.execute(sa.delete(MADE))
    assert made.write_missing(jobs.database) == 1
    assert made.write_missing(jobs.database) == 0
    assert titles(jobs, made={Kind.MATERIAL: "wood"}) == ["a"]


def test_a_texture_is_that_of_the_take_that_fits_best() -> None:
    takes = [{**hits("wood"), "description": {"rank": rank, "texture": {"cluster": rank}}} for rank in (2, 1, 3)]
    assert (Kind.TEXTURE, "1") in made.rows_of({"outputs": takes})
    assert {value for kind, value in made.rows_of({"outputs": takes}) if kind == Kind.TEXTURE} == {"1"}


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_miss_nothing_and_tell_nothing_twice(jobs: Jobs, sort: Sort) -> None:
    for number in range(7):
        finished(jobs, "same" if number % 2 else f"Title {number}", hits("wood"), duration_s=float(number // 3))
    seen: list[str] = []
    cursor = None
    while True:
        found, cursor = listing.page(jobs.database, Filters("ann"), sort=sort, cursor=cursor, limit=2)
        seen += [job.id for job in found]
        if cursor is None:
            break
    whole = [job.id for job in listing.page(jobs.database, Filters("ann"), sort=sort)[0]]
    assert seen == whole
    assert len(set(seen)) == 7


def test_orders_and_days(jobs: Jobs) -> None:
    for title, duration_s in (("b", 1.0), ("A", 3.0), ("c", 2.0)):
        finished(jobs, title, hits("wood"), duration_s=duration_s)
    assert titles(jobs) == ["c", "A", "b"]
    assert titles(jobs, Sort.OLDEST) == ["b", "A", "c"]
    assert titles(jobs, Sort.TITLE) == ["A", "b", "c"]
    assert titles(jobs, Sort.LONGEST) == ["A", "c", "b"]
    assert titles(jobs, before=time.time() - 3600) == []
    assert titles(jobs, before=time.time() + 1) == ["c", "A", "b"]
    with pytest.raises(OptionError, match="cursor"):
        listing.page(jobs.database, Filters("ann"), sort=Sort.TITLE, cursor="nonsense")


def test_a_moment_divides_names() -> None:
    earlier, later = new_id(1_800_000_000.0), new_id(1_800_000_000.002)
    assert earlier < first_id_at(1_800_000_000.001) < later
    assert made_at(first_id_at(1_800_000_000.001)) == pytest.approx(1_800_000_000.001)


def test_favourites_and_titles(jobs: Jobs) -> None:
    one = finished(jobs, "a.mp4", hits("wood"))
    finished(jobs, "b.mp4", hits("wood"))
    for favourite in (True, True):
        listing.mark(jobs.database, one.id, favourite)
    assert listing.all_favourites(jobs.database, "ann") == {one.id}
    assert listing.all_favourites(jobs.database, "bob") == frozenset()
    assert titles(jobs, favourite=True) == ["a.mp4"]
    listing.mark(jobs.database, one.id, False)
    assert titles(jobs, favourite=True) == []
    assert jobs.rename(one.id, "ann", "Kitchen drumming").title == "Kitchen drumming"
    assert [hit.job_id for hit in text_search.find(jobs.database, "kitchen", "ann", 5)] == [one.id]
    with pytest.raises(NotFound):
        jobs.rename(one.id, "bob", "mine")


def test_a_link_opens_its_own_job_until_it_is_over(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    job, links = finished(jobs, "a", hits("wood")), Shares(jobs)
    made_link = links.make(job.id, "ann", 60)
    assert made_link.token is not None
    share, opened = links.opened(made_link.token)
    assert (share.id, opened.id, share.token) == (made_link.id, job.id, None)
    with jobs.database.reading() as connection:
        assert made_link.token not in str(connection.execute(sa.select(SHARES)).all())
    for who in ("bob",):
        with pytest.raises(NotFound):
            links.make(job.id, who, 60)
        with pytest.raises(NotFound):
            links.of_job(job.id, who)
        with pytest.raises(NotFound):
            links.revoke(job.id, made_link.id, who)
    other = finished(jobs, "b", hits("wood"))
    with pytest.raises(NotFound):
        links.revoke(other.id, made_link.id, "ann")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    with pytest.raises(NotFound, match="expired"):
        links.opened(made_link.token)
    assert links.of_job(job.id, "ann") == []


def test_a_link_can_be_taken_back_and_goes_with_its_job(jobs: Jobs) -> None:
    job, links = finished(jobs, "a", hits("wood")), Shares(jobs)
    first, second = links.make(job.id, "ann", 60), links.make(job.id, "ann", 60)
    assert [share.id for share in links.of_job(job.id, "ann")] == [second.id, first.id]
    links.revoke(job.id, first.id, "ann")
    with pytest.raises(NotFound):
        links.opened(str(first.token))
    jobs.delete(job.id, "ann")
    with pytest.raises(NotFound):
        links.opened(str(second.token))


def test_a_job_has_so_many_links_at_most(jobs: Jobs) -> None:
    job, links = finished(jobs, "a", hits("wood")), Shares(jobs)
    for _ in range(shares.MOST):
        links.make(job.id, "ann", 60)
    with pytest.raises(Conflict, match=str(shares.MOST)):
        links.make(job.id, "ann", 60)
