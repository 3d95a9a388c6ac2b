"""Fair turns between owners: in the table, over SQLite and PostgreSQL, and with a real broker and worker."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from synth.options import Mode, Options
from tests.support import databases
from tests.support.running_server import House
from tests.workers.test_jobs import Clock, at_once, create
from workers.job_table.claims import first
from workers.jobs import Job, Jobs, open_jobs
from workers.records import JOBS, State, new_id

SECOND = {"duration_s": 1.0}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=databases.KINDS)
def jobs(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Jobs]:
    url = databases.url_of(request, tmp_path)
    opened = open_jobs(url, clock=clock, max_queued=20_000)
    yield opened
    opened.close()


def queue(jobs: Jobs, owner: str, count: int = 1, **changes: Any) -> list[Job]:
    return [create(jobs, owner=owner, info=SECOND, **changes) for _ in range(count)]


def claimed(jobs: Jobs, count: int, n: int = 1) -> list[str]:
    """The owners of what a worker takes, one claim after the other, each finished before the next."""
    owners = []
    for _ in range(count):
        for job in jobs.claim(n, "hits", "w"):
            owners.append(job.owner)
            jobs.finish(job.id, job.attempt, {"outputs": []})
    return owners


def test_of_one_owner_the_longest_waiting_is_next(jobs: Jobs, clock: Clock) -> None:
    made = []
    for _ in range(5):
        made += queue(jobs, "ann")
        clock.forward(1)
    assert [jobs.claim(1, "hits", "w")[0].id for _ in made] == [job.id for job in made]


def test_one_job_beside_five_hundred_is_next(jobs: Jobs) -> None:
    queue(jobs, "ann", 500)
    assert claimed(jobs, 100) == ["ann"] * 100
    (running,) = jobs.claim(1, "hits", "w")
    (late,) = queue(jobs, "ben")
    assert jobs.position(late) == 1
    jobs.finish(running.id, 1, {"outputs": []})
    assert claimed(jobs, 1) == ["ben"]


def test_while_nothing_runs_one_job_waits_for_one_other(jobs: Jobs) -> None:
    queue(jobs, "ann", 500)
    (late,) = queue(jobs, "ben")
    assert jobs.position(late) <= 2
    assert "ben" in claimed(jobs, 2)


def test_owners_share_by_turns_and_none_saves_up(jobs: Jobs) -> None:
    queue(jobs, "ann", 60)
    assert claimed(jobs, 30) == ["ann"] * 30
    queue(jobs, "ben", 20)  # rested so far; that is worth nothing
    counted = Counter(claimed(jobs, 20))
    assert abs(counted["ann"] - counted["ben"]) <= 1
    queue(jobs, "cleo", 10)
    counted = Counter(claimed(jobs, 15))
    assert max(counted.values()) - min(counted.values()) <= 2
    assert set(counted) == {"ann", "ben", "cleo"}


def test_longer_sounds_take_more_of_a_turn(jobs: Jobs) -> None:
    for _ in range(20):
        create(jobs, owner="ann", info={"duration_s": 5.0}, options=Options(mode=Mode.HITS, takes=2))
    queue(jobs, "ben", 100)
    counted = Counter(claimed(jobs, 44))
    assert 36 <= counted["ben"] <= 42  # ten seconds of ann's for ten times one second of ben's


def test_a_weight_is_a_larger_share(jobs: Jobs) -> None:
    jobs.owners.change("ann", weight=3.0)
    queue(jobs, "ann", 60)
    queue(jobs, "ben", 60)
    counted = Counter(claimed(jobs, 40))
    assert abs(counted["ann"] - 30) <= 2


def test_cancelling_and_sending_again_gains_nothing(jobs: Jobs) -> None:
    queue(jobs, "ann", 10)
    mine = queue(jobs, "ben", 10)
    claimed(jobs, 10)
    for job in mine:
        jobs.cancel(job.id, "ben")
    queue(jobs, "ben", 10)
    assert claimed(jobs, 8).count("ben") <= 4


def test_modes_have_queues_of_their_own(jobs: Jobs, clock: Clock) -> None:
    queue(jobs, "ann", 50)
    queue(jobs, "ben", 1, options=Options(mode=Mode.SPEECH))
    clock.forward(1)  # their turns are equal, so the earlier goes first
    queue(jobs, "ann", 1, options=Options(mode=Mode.SPEECH))
    assert [job.owner for job in jobs.claim(5, "speech", "w")] == ["ben", "ann"]


def test_what_is_taken_at_once_is_shared_too(jobs: Jobs) -> None:
    queue(jobs, "ann", 100)
    first = jobs.claim(8, "hits", "w")
    assert [job.owner for job in first] == ["ann"] * 8
    queue(jobs, "ben", 1)
    queue(jobs, "cleo", 8)
    second = Counter(job.owner for job in jobs.claim(8, "hits", "w"))
    assert second["ben"] == 1
    assert abs(second["ann"] - second["cleo"]) <= 1


def test_a_job_tried_again_queues_anew(jobs: Jobs) -> None:
    (old,) = queue(jobs, "ann")
    queue(jobs, "ann", 5)
    jobs.cancel(old.id, "ann")
    again = jobs.retry(old.id, "ann")
    assert jobs.position(again) == 6


def test_an_owner_that_sends_from_many_threads_gets_as_many_turns(jobs: Jobs) -> None:
    at_once(16, lambda _: queue(jobs, "ann"))
    with jobs.database.reading() as connection:
        turns = sorted(connection.scalars(sa.select(JOBS.c.turn)))
    assert turns == [float(number) for number in range(16)]


def test_ten_thousand_that_wait_are_not_read_to_find_the_next(jobs: Jobs) -> None:
    (one,) = queue(jobs, "ann")
    with jobs.database.writing() as connection:
        row = dict(connection.execute(sa.select(JOBS).where(JOBS.c.id == one.id)).one()._mapping)
        rows = [{**row, "id": new_id(time.time()), "turn": float(number)} for number in range(1, 10_001)]
        connection.execute(sa.insert(JOBS), rows)
    waiting = sa.and_(JOBS.c.state == State.QUEUED, JOBS.c.not_before <= jobs.now())
    text = str(first(8, "hits", waiting).compile(jobs.database.engine, compile_kwargs={"literal_binds": True}))
    with jobs.database.writing() as connection:
        connection.exec_driver_sql("ANALYZE")
        explain = "EXPLAIN" if jobs.database.is_postgresql else "EXPLAIN QUERY PLAN"
        plan = "\n".join(str(tuple(line)) for line in connection.exec_driver_sql(f"{explain} {text}"))
    assert "jobs_waiting" in plan
    assert "Seq Scan" not in plan
    assert "SCAN jobs" not in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan  # sorting what ties is fine, sorting all is not
    assert [job.owner for job in jobs.claim(8, "hits", "w")] == ["ann"] * 8


@pytest.fixture
def house(tmp_path: Path, flash_clip: Path) -> Iterator[House]:
    built = House.build(tmp_path / "data", flash_clip)
    yield built
    built.close()


@pytest.mark.parametrize("mode", [Mode.HITS, Mode.AMBIENT])
def test_a_worker_takes_the_one_job_before_the_many(house: House, mode: Mode) -> None:
    """With the queue, the worker and its claims as they are; ambient jobs are taken several at once."""

    def send(owner: str) -> Job:
        name = new_id(time.time())
        house.storage.put(f"{name}/source", house.clip, "video/mp4")
        options = Options(mode=mode, seed=1)
        job = house.jobs.create(
            options=options, title="c.mp4", source_key=f"{name}/source", info={"duration_s": 2.0}, owner=owner, id=name
        )
        house.notifier.notify(job.mode)
        return job

    many = [send("ann") for _ in range(60)]
    with house.running():
        house.reaches(many[9], State.SUCCEEDED)
        one = send("ben")
        done = house.ended(one)
    assert done.state is State.SUCCEEDED
    before = [job for job in house.jobs.ids([job.id for job in many]).values() if job.started_at is not None]
    between = {job.started_at for job in before if one.created_at < (job.started_at or 0) < (done.started_at or 0)}
    assert len(between) <= 1  # at most one claim had begun meanwhile; it waited for what ran, and no longer
    assert len(before) < len(many)
