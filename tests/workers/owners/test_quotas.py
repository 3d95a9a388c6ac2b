"""Quotas and retention in the table, over SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.errors import OptionError
from synth.options import Mode, Options
from tests.support import databases
from tests.workers.test_jobs import Clock, at_once, create
from workers.errors import OverQuota
from workers.files.storage import Stored
from workers.jobs import Job, Jobs, State, open_jobs
from workers.owners.quotas import DAY_S, Quota, Use
from workers.records import ROUTE, SCORE, SLOW_SCORE, new_id
from workers.score.drafts import Drafts
from workers.uploads.store import Uploads

MINUTE = {"duration_s": 60.0}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=databases.KINDS)
def jobs(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Jobs]:
    url = databases.url_of(request, tmp_path)
    opened = open_jobs(url, clock=clock)
    yield opened
    opened.close()


def stored(jobs: Jobs, count: int, **changes: Any) -> Job:
    name = new_id(1_800_000_000)
    source = Stored(count, "0" * 64)
    return create(jobs, id=name, source_key=f"{name}/source", source=source, info=MINUTE, **changes)


def refused(do: Any) -> OverQuota:
    with pytest.raises(OverQuota) as found:
        do()
    return found.value


def test_without_a_quota_nothing_is_refused_and_use_is_counted(jobs: Jobs) -> None:
    stored(jobs, 1000, options=Options(mode=Mode.HITS, takes=3))
    use = jobs.owners.use("ann")
    assert (use.stored_bytes, use.queued, use.sound_s) == (1000, 1, 180.0)
    assert jobs.owners.use("ben").sound_s == 0.0


def test_waiting_jobs(jobs: Jobs, clock: Clock) -> None:
    jobs.owners.change("ann", max_queued=2)
    create(jobs)
    second = create(jobs)
    error = refused(lambda: create(jobs))
    assert (error.of, error.retry_after_s) == ("queued", 15.0)
    assert str(error) == "2 of your jobs wait already; allowed are 2"
    clock.forward(1)
    create(jobs, owner="ben")
    assert [job.owner for job in jobs.claim(1, "hits", "w")] == ["ann"]
    create(jobs)
    jobs.cancel(second.id, "ann")
    create(jobs)
    error = refused(lambda: jobs.retry(second.id, "ann"))
    assert error.of == "queued"
    assert jobs.get(second.id, "ann").state is State.CANCELED


def test_seconds_of_sound_a_day_count_though_jobs_are_deleted(jobs: Jobs, clock: Clock) -> None:
    clock.now = 1_800_000_000.0 - 1_800_000_000.0 % DAY_S + DAY_S - 600  # ten minutes before midnight
    jobs.owners.change("ann", max_sound_s=150.0)
    for _ in range(2):
        jobs.delete(create(jobs, info=MINUTE).id, "ann")
    error = refused(lambda: create(jobs, info=MINUTE))
    assert (error.of, error.retry_after_s) == ("sound", 600.0)
    assert "180.0 s of sound today; allowed are 150 s a day" in str(error)
    assert jobs.owners.use("ann").sound_s == 120.0  # what was refused does not count
    create(jobs, info={"duration_s": 30.0})
    clock.forward(600)
    create(jobs, info=MINUTE)
    too_long = refused(lambda: create(jobs, info={"duration_s": 151.0}))
    assert too_long.retry_after_s is None  # no other day helps


def test_stored_bytes(jobs: Jobs) -> None:
    jobs.owners.change("ann", max_bytes=2500)
    first = stored(jobs, 1000)
    stored(jobs, 1000)
    error = refused(lambda: stored(jobs, 1000))
    assert (error.of, error.retry_after_s) == ("bytes", None)
    assert "3000 bytes stored; allowed are 2500" in str(error)
    assert refused(lambda: jobs.owners.refuse_over("ann", mode="hits", sound_s=1, more_bytes=501)).of == "bytes"
    jobs.owners.refuse_over("ann", mode="hits", sound_s=1, more_bytes=500)
    jobs.delete(first.id, "ann")
    stored(jobs, 1000)


def test_what_jobs_share_counts_once_and_though_the_first_is_gone(jobs: Jobs) -> None:
    first = stored(jobs, 1000)
    create(jobs, source_key=first.source_key, info=MINUTE)
    assert jobs.owners.use("ann").stored_bytes == 1000
    jobs.delete(first.id, "ann")
    assert jobs.owners.use("ann").stored_bytes == 1000
    assert jobs.owners.use("ben").stored_bytes == 0


@pytest.mark.parametrize("mode", [SCORE, SLOW_SCORE])
def test_takes_of_scores_are_sound_that_was_asked_for(jobs: Jobs, mode: str) -> None:
    """One take each, whatever the job had; nothing else of a quota is theirs."""
    jobs.owners.change("ann", max_sound_s=250.0, max_queued=1, max_bytes=1)
    takes = Options(mode=Mode.HITS, takes=3)
    for _ in range(2):
        create(jobs, info=MINUTE, options=takes, mode=mode)
    assert jobs.owners.use("ann") == Use(0, 0, 120.0)
    found = refused(lambda: create(jobs, info=MINUTE, options=takes))
    assert found.of == "sound"
    for _ in range(2):
        create(jobs, info=MINUTE, options=takes, mode=mode)
    found = refused(lambda: create(jobs, info=MINUTE, options=takes, mode=mode))
    assert (found.of, jobs.owners.use("ann").sound_s) == ("sound", 240.0)


def test_a_question_is_no_job(jobs: Jobs) -> None:
    jobs.owners.change("ann", max_queued=0, max_sound_s=0, max_bytes=0)
    create(jobs, mode=ROUTE, info=MINUTE)
    jobs.owners.refuse_over("ann", mode=ROUTE, sound_s=60, more_bytes=10)


def test_twenty_at_once_get_no_more_than_the_quota(jobs: Jobs) -> None:
    jobs.owners.change("ann", max_queued=5, max_sound_s=600.0)

    def send(_: int) -> bool:
        try:
            create(jobs, info=MINUTE)
        except OverQuota:
            return False
        return True

    assert sum(at_once(20, send)) == 5
    assert jobs.owners.use("ann").sound_s == 300.0


def test_twenty_uploads_at_once_get_no_more_than_the_quota(jobs: Jobs, tmp_path: Path) -> None:
    jobs.owners.change("anna", max_bytes=1000)
    uploads = Uploads(jobs.database, tmp_path / "uploads", kept_s=60.0)

    def begin(_: int) -> bool:
        try:
            uploads.create("anna", 300, {}, admit=lambda writing: jobs.owners.admit_bytes(writing, "anna", 300))
        except OverQuota:
            return False
        return True

    assert sum(at_once(20, begin)) == 3
    assert jobs.owners.use("anna").stored_bytes == 900
    assert len(list(uploads.folder.iterdir())) == 3


def test_a_forgotten_draft_keeps_its_numbers(jobs: Jobs) -> None:
    drafts, job = Drafts(jobs), stored(jobs, 5)
    assert drafts.save(job.id, 0, {"hits": []}, changes=0).version == 1
    for _ in range(2):
        drafts.forget(job.id, 0)
    assert drafts.newest(job.id, 0) is None
    assert drafts.versions(job.id, 0) == []
    again = drafts.save(job.id, 0, {"hits": []}, changes=0)
    assert again.version == 3
    assert drafts.versions(job.id, 0) == [again]


def test_what_the_settings_say_holds_for_who_has_nothing_else(jobs: Jobs) -> None:
    jobs.owners.usual = Quota(max_queued=1)
    create(jobs)
    assert refused(lambda: create(jobs)).of == "queued"
    assert jobs.owners.change("ann", max_queued=2) == Quota(max_queued=2)
    create(jobs)
    assert jobs.owners.change("ann", max_queued=None) == Quota(max_queued=1)
    assert refused(lambda: create(jobs)).of == "queued"
    with pytest.raises(OptionError, match="weight is 0"):
        jobs.owners.change("ann", weight=0.0)


def test_old_use_is_forgotten_and_names_are_listed(jobs: Jobs, clock: Clock) -> None:
    job = create(jobs, info=MINUTE)
    jobs.owners.change("zoe", weight=2.0)
    assert jobs.owners.names() == ["ann", "zoe"]
    jobs.delete(job.id, None)
    clock.forward(50 * DAY_S)
    jobs.owners.forget_old_days()
    clock.forward(-50 * DAY_S)
    assert jobs.owners.use("ann").sound_s == 0.0


def test_each_owner_and_each_job_is_kept_as_long_as_was_said(jobs: Jobs, clock: Clock) -> None:
    jobs.owners.change("short", retention_days=1.0)
    jobs.owners.change("long", retention_days=90.0)
    made = {
        name: create(jobs, owner=name.split("-")[0], keep_days=days)
        for name, days in {"usual": None, "short": None, "long": None, "long-2": 2.0, "short-60": 60.0}.items()
    }
    for job in jobs.claim(10, "hits", "w"):
        jobs.finish(job.id, job.attempt, {"outputs": []})
    gone: dict[float, set[str]] = {}
    for day in (1.5, 2.5, 29.0, 31.0, 61.0, 91.0):
        clock.now = 1_800_000_000.0 + day * DAY_S
        expired = {job.id for job in jobs.expire(clock.now - 30 * DAY_S)}
        gone[day] = {name for name, job in made.items() if job.id in expired}
    assert gone == {1.5: {"short"}, 2.5: {"long-2"}, 29.0: set(), 31.0: {"usual"}, 61.0: {"short-60"}, 91.0: {"long"}}
    assert jobs.forget(clock.now - 30 * DAY_S, 30 * DAY_S) == 4  # who expired yesterday may still be asked about
    assert jobs.get(made["long"].id, None).state is State.EXPIRED


def test_it_may_be_said_later_and_taken_back(jobs: Jobs, clock: Clock) -> None:
    job = create(jobs)
    jobs.claim(1, "hits", "w")
    jobs.finish(job.id, 1, {"outputs": []})
    clock.forward(29 * DAY_S)
    assert jobs.keep(job.id, "ann", 10.0).keep_until == clock.now + 10 * DAY_S
    clock.forward(5 * DAY_S)
    assert jobs.expire(clock.now - 30 * DAY_S) == []
    assert jobs.keep(job.id, "ann", None).keep_until is None
    assert len(jobs.expire(clock.now - 30 * DAY_S)) == 1
