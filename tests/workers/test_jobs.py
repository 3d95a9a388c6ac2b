"""The table of jobs, over SQLite and PostgreSQL: nothing lost, nothing done twice, nobody else's seen."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from synth.options import Mode, Options
from tests.support import databases, servers
from workers.database import open_database
from workers.errors import Conflict, DatabaseError, NotFound, QueueFull
from workers.jobs import Job, Jobs, State, made_at, new_id, open_jobs
from workers.records import METADATA
from workers.scheduling_clock import SchedulingClock

WORKER = "worker-1"
OUTPUTS = {"outputs": [{"key": "a/1/take0.mp4"}]}


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=databases.KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return databases.url_of(request, tmp_path)


@pytest.fixture
def jobs(database_url: str, clock: Clock) -> Iterator[Jobs]:
    jobs = open_jobs(database_url, clock=clock, lease_s=10.0, max_attempts=3, max_queued=200)
    yield jobs
    jobs.close()


def create(jobs: Jobs, **changes: Any) -> Job:
    asked: dict[str, Any] = {"options": Options(mode=Mode.HITS), "title": "clip.mp4", "source_key": "s", "info": {}}
    return jobs.create(**{**asked, "owner": "ann", **changes})


def claim(jobs: Jobs) -> Job:
    (job,) = jobs.claim(1, "hits", WORKER)
    return job


def at_once(count: int, do: Callable[[int], Any]) -> list[Any]:
    """Do it in so many threads, all let go at the same moment."""
    gate = threading.Barrier(count)

    def run(number: int) -> Any:
        gate.wait()
        return do(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_one_job_from_wish_to_result(jobs: Jobs, clock: Clock) -> None:
    info = {"duration_s": 2.5, "width": 64, "name": "Tür"}
    made = create(jobs, options=Options(mode=Mode.HITS, seed=2**63 - 1, takes=2), info=info, title="Tür 🚪.mp4")
    assert made == jobs.get(made.id, "ann")
    assert (made.state, made.attempt, made.mode, made.title) == (State.QUEUED, 0, "hits", "Tür 🚪.mp4")
    assert Options.parse(made.options) == Options(mode=Mode.HITS, seed=2**63 - 1, takes=2)
    assert made.info == info
    clock.forward(3)
    job = claim(jobs)
    assert (job.id, job.state, job.attempt, job.worker) == (made.id, State.RUNNING, 1, WORKER)
    assert (job.lease_until, job.started_at) == (clock.now + 10, clock.now)
    jobs.progress(job.id, 1, "look", 0.4)
    seen = jobs.get(job.id, "ann")
    assert (seen.stage, seen.progress) == ("look", 0.4)
    assert jobs.finishing(job.id, 1)
    clock.forward(2)
    assert jobs.finish(job.id, 1, OUTPUTS)
    done = jobs.get(job.id, None)
    assert (done.state, done.progress, done.result, done.error) == (State.SUCCEEDED, 1.0, OUTPUTS, None)
    assert (done.finished_at, done.lease_until, done.worker) == (clock.now, None, None)
    assert jobs.counts() == {state.value: int(state is State.SUCCEEDED) for state in State}


def test_somebody_elses_job_is_not_found(jobs: Jobs) -> None:
    job = create(jobs)
    for ask in (jobs.get, jobs.cancel, jobs.retry, jobs.delete):
        with pytest.raises(NotFound):
            ask(job.id, "bob")
        with pytest.raises(NotFound):
            ask("no-such-job", "ann")
    assert jobs.recent(owner="bob") == ([], None)
    assert jobs.get(job.id, "ann").state is State.QUEUED


def test_a_claim_is_exclusive(jobs: Jobs) -> None:
    made = {create(jobs).id for _ in range(60)}

    def claim_all(number: int) -> list[str]:
        mine: list[str] = []
        while claimed := jobs.claim(3, "hits", f"worker-{number}"):
            assert {job.worker for job in claimed} == {f"worker-{number}"}
            mine += [job.id for job in claimed]
        return mine

    taken = [id for mine in at_once(8, claim_all) for id in mine]
    assert len(taken) == 60
    assert set(taken) == made


def test_who_waits_longest_is_claimed_first_and_only_of_its_mode(jobs: Jobs, clock: Clock) -> None:
    names = []
    for mode in (Mode.HITS, Mode.AUTO, Mode.HITS, Mode.HITS):
        names.append(create(jobs, options=Options(mode=mode)).id)
        clock.forward(1)
    assert [job.id for job in jobs.claim(2, "hits", WORKER)] == [names[0], names[2]]
    assert [job.id for job in jobs.claim(9, "auto", WORKER)] == [names[1]]
    assert [job.id for job in jobs.claim(9, "hits", WORKER)] == [names[3]]
    assert jobs.claim(9, "hits", WORKER) == []


def test_several_are_claimed_as_far_as_their_sound_goes(jobs: Jobs, clock: Clock) -> None:
    made = []
    for seconds, takes in ((50.0, 2), (100.0, 3), (60.0, 1), (40.0, 1), (1.0, 1)):
        options = Options(mode=Mode.HITS, takes=takes)
        made.append(create(jobs, info={"duration_s": seconds}, options=options).id)
        clock.forward(1)
    claims = [[made.index(job.id) for job in jobs.claim(4, "hits", WORKER, sound_s=160.0)] for _ in range(4)]
    assert claims == [[0, 2], [1], [3, 4], []]  # the second is more than that by itself


def test_what_a_worker_was_lost_with_is_claimed_alone(jobs: Jobs, clock: Clock) -> None:
    old = {create(jobs).id for _ in range(3)}
    assert len(jobs.claim(8, "hits", WORKER)) == 3
    clock.forward(11)
    new = {create(jobs).id for _ in range(2)}
    claims = [{job.id for job in jobs.claim(8, "hits", WORKER)} for _ in range(4)]
    assert [len(one) for one in claims] == [1, 1, 1, 2]
    assert set.union(*claims[:3]) == old
    assert claims[3] == new


@pytest.mark.parametrize("seen", [True, False])
def test_an_attempt_that_was_lost_with_others_is_blamed_on_none(jobs: Jobs, clock: Clock, seen: bool) -> None:
    """Whether somebody saw the process end, or the leases ran out; what is lost by itself is blamed."""

    def lose() -> None:
        if seen:
            jobs.abandon(WORKER, blameless=False)
        clock.forward(0.1 if seen else 11)

    first, second = create(jobs), create(jobs)
    assert len(jobs.claim(2, "hits", f"{WORKER}#7")) == 2
    lose()
    assert jobs.give_up() == []
    assert jobs.lost("hits") == {first.id, second.id}
    for attempt in (2, 3, 4):
        (alone,) = jobs.claim(2, "hits", f"{WORKER}#7")
        assert (alone.id, alone.attempt, alone.attempt_limit) == (first.id, attempt, 4)
        assert jobs.lost("hits") == {second.id}
        lose()
    assert [(job.id, job.state) for job in jobs.give_up()] == [(first.id, State.FAILED)]
    (alone,) = jobs.claim(2, "hits", f"{WORKER}#7")
    assert (alone.id, alone.attempt, alone.attempt_limit) == (second.id, 2, 4)


def test_leases_of_one_lost_process_may_end_one_after_another(jobs: Jobs, clock: Clock) -> None:
    """The last of them is not taken for a job that was lost alone."""
    first, second = create(jobs), create(jobs)
    assert len(jobs.claim(2, "hits", f"{WORKER}#7")) == 2
    clock.forward(2)
    assert jobs.heartbeat(second.id, 1)
    for wait_s in (8.5, 3):
        clock.forward(wait_s)
        assert jobs.give_up() == []
    assert jobs.lost("hits") == {first.id, second.id}
    found = [jobs.claim(1, "hits", f"{WORKER}#8")[0] for _ in range(2)]
    assert [(job.attempt, job.attempt_limit) for job in found] == [(2, 4), (2, 4)]


def test_a_job_whose_process_was_ended_for_another_is_spared(jobs: Jobs, clock: Clock) -> None:
    job = create(jobs)
    for attempt in range(1, 6):
        assert jobs.spare(job.id, claim(jobs).attempt)
        clock.forward(1)
        assert jobs.give_up() == []
        assert jobs.get(job.id, None).attempt == attempt
    assert not jobs.spare(job.id, 4)


def test_a_heartbeat_keeps_the_lease(jobs: Jobs, clock: Clock) -> None:
    job = (create(jobs), claim(jobs))[1]
    for _ in range(5):
        clock.forward(9)
        assert jobs.heartbeat(job.id, 1)
        assert jobs.claim(1, "hits", "thief") == []
    assert not jobs.heartbeat(job.id, 2)
    assert not jobs.heartbeat("no-such-job", 1)


def test_a_lost_lease_cannot_touch_the_winner(jobs: Jobs, clock: Clock) -> None:
    create(jobs)
    slow = claim(jobs)
    clock.forward(10.1)
    (quick,) = jobs.claim(1, "hits", "thief")
    assert (quick.id, quick.attempt) == (slow.id, 2)
    assert not jobs.heartbeat(slow.id, slow.attempt)
    jobs.progress(slow.id, slow.attempt, "write", 0.9)
    assert not jobs.finishing(slow.id, slow.attempt)
    assert not jobs.finish(slow.id, slow.attempt, {"outputs": ["wrong"]})
    assert not jobs.fail(slow.id, slow.attempt, "internal", "wrong", True)
    assert not jobs.fail(slow.id, slow.attempt, "internal", "wrong", False)
    assert jobs.get(slow.id, None) == quick
    assert jobs.finish(quick.id, quick.attempt, OUTPUTS)
    assert not jobs.finish(quick.id, quick.attempt, {"outputs": ["twice"]})
    assert jobs.get(slow.id, None).result == OUTPUTS


def test_a_lease_that_ran_out_but_was_not_taken_is_still_ours(jobs: Jobs, clock: Clock) -> None:
    job = (create(jobs), claim(jobs))[1]
    clock.forward(60)
    assert jobs.heartbeat(job.id, 1)
    assert jobs.finish(job.id, 1, OUTPUTS)


def test_after_three_lost_workers_the_job_has_failed(jobs: Jobs, clock: Clock) -> None:
    job = create(jobs)
    for attempt in (1, 2, 3):
        assert claim(jobs).attempt == attempt
        assert jobs.give_up() == []
        clock.forward(10.1)
    assert jobs.claim(1, "hits", WORKER) == []
    (lost,) = jobs.give_up()
    assert (lost.id, lost.state) == (job.id, State.FAILED)
    assert lost.error is not None
    assert (lost.error["code"], lost.error["attempt"], lost.error["retryable"]) == ("worker_lost", 3, True)
    assert jobs.give_up() == []


def test_a_failure_that_may_pass_is_tried_again_later(jobs: Jobs, clock: Clock) -> None:
    create(jobs)
    for attempt, wait_s in ((1, 2.0), (2, 4.0)):
        job = claim(jobs)
        assert jobs.fail(job.id, attempt, "storage", "it is away", True)
        waiting = jobs.get(job.id, None)
        assert (waiting.state, waiting.finished_at) == (State.QUEUED, None)
        assert waiting.error == {"code": "storage", "detail": "it is away", "retryable": True, "attempt": attempt}
        clock.forward(wait_s - 0.1)
        assert jobs.claim(1, "hits", WORKER) == []
        clock.forward(0.2)
    job = claim(jobs)
    assert jobs.fail(job.id, 3, "storage", "it is away", True)
    assert jobs.get(job.id, None).state is State.FAILED


def test_a_failure_that_will_not_pass_is_final(jobs: Jobs) -> None:
    job = (create(jobs), claim(jobs))[1]
    assert jobs.fail(job.id, 1, "bad_media", "the video is cut short", False)
    failed = jobs.get(job.id, None)
    assert (failed.state, failed.worker, failed.lease_until) == (State.FAILED, None, None)


def test_what_a_dead_worker_held_is_free_at_once(jobs: Jobs, clock: Clock) -> None:
    create(jobs)
    create(jobs)
    claimed = jobs.claim(2, "hits", f"{WORKER}#123")
    clock.forward(0.1)
    for other in ("another", "worker", "worker_1", f"{WORKER}#1"):
        assert jobs.abandon(other, blameless=False) == 0
    assert jobs.abandon(WORKER, blameless=True) == 2
    again = jobs.claim(2, "hits", "another")
    assert [job.attempt for job in again] == [2, 2]
    assert [job.attempt_limit for job in again] == [4, 4]  # it was asked to go: that attempt does not count
    assert not jobs.finish(claimed[0].id, 1, OUTPUTS)


@pytest.mark.parametrize("hash", [None, "a" * 64])
def test_a_hundred_equal_requests_make_one_job(jobs: Jobs, hash: str | None) -> None:
    def ask(_: int) -> str:
        return create(jobs, idempotency_key="key-1", request_hash=hash).id

    assert len(set(at_once(100, ask))) == 1
    assert jobs.counts()["queued"] == 1
    assert create(jobs, idempotency_key="key-1", request_hash=hash, owner="bob").owner == "bob"
    with pytest.raises(Conflict):
        create(jobs, idempotency_key="key-1", request_hash="b" * 64)
    found = jobs.find(owner="ann", idempotency_key="key-1", request_hash=hash)
    assert found is not None
    assert jobs.find(owner="ann", idempotency_key="key-2") is None
    with pytest.raises(Conflict):
        jobs.find(owner="ann", idempotency_key="key-1", request_hash="b" * 64)


def test_a_name_is_given_once(jobs: Jobs, clock: Clock) -> None:
    name = new_id(clock.now)
    assert create(jobs, id=name).id == name
    with pytest.raises(Conflict):
        create(jobs, id=name)


def test_a_full_queue_refuses(database_url: str) -> None:
    jobs = open_jobs(database_url, max_queued=2)
    first = create(jobs)
    create(jobs)
    with pytest.raises(QueueFull, match="2 jobs wait already; allowed are 2"):
        create(jobs)
    jobs.cancel(first.id, "ann")
    create(jobs)
    with pytest.raises(QueueFull):
        jobs.retry(first.id, "ann")
    jobs.close()


def test_cancelling(jobs: Jobs, clock: Clock) -> None:
    waiting, running = create(jobs), create(jobs)
    clock.forward(1)
    assert jobs.cancel(waiting.id, "ann") == "canceled"
    assert jobs.get(waiting.id, "ann").finished_at == clock.now
    assert jobs.cancel(waiting.id, "ann") == "already_finished"
    assert claim(jobs).id == running.id
    assert not jobs.cancel_requested(running.id)
    assert jobs.cancel(running.id, "ann") == "cancellation_requested"
    assert jobs.cancel_requested(running.id)
    assert not jobs.finish(running.id, 1, OUTPUTS)  # who was told that it stops must not find it done
    assert jobs.canceled(running.id, 1)
    assert jobs.get(running.id, None).state is State.CANCELED
    assert jobs.cancel_requested("deleted")


def test_what_a_cancelled_job_made_may_be_kept(jobs: Jobs) -> None:
    waiting, running = create(jobs), create(jobs)
    assert jobs.cancel(waiting.id, "ann", keep_partial=True) == "canceled"
    claimed = claim(jobs)
    assert not jobs.keeps_partial(running.id)
    assert jobs.cancel(running.id, "ann", keep_partial=True) == "cancellation_requested"
    assert jobs.keeps_partial(running.id)
    assert not jobs.canceled(running.id, claimed.attempt + 1, {"outputs": []})
    assert jobs.canceled(running.id, claimed.attempt, {"outputs": []})
    kept = jobs.get(running.id, None)
    assert (kept.state, kept.result, Options.parse(kept.options).keep_partial) == (
        State.CANCELED,
        {"outputs": []},
        True,
    )
    jobs.delete(running.id, None)
    assert not jobs.keeps_partial(running.id)


def test_nobody_asked_so_nothing_is_cancelled(jobs: Jobs) -> None:
    job = (create(jobs), claim(jobs))[1]
    assert not jobs.canceled(job.id, 1)
    assert jobs.get(job.id, None).state is State.RUNNING


def test_a_cancelled_job_whose_worker_is_lost_ends_cancelled(jobs: Jobs, clock: Clock) -> None:
    job = (create(jobs), claim(jobs))[1]
    jobs.cancel(job.id, None)
    clock.forward(11)
    assert jobs.claim(1, "hits", WORKER) == []
    (ended,) = jobs.give_up()
    assert (ended.state, ended.error) == (State.CANCELED, None)


def test_a_failure_of_a_job_to_be_cancelled_is_not_tried_again(jobs: Jobs) -> None:
    job = (create(jobs), claim(jobs))[1]
    jobs.cancel(job.id, None)
    assert jobs.fail(job.id, 1, "storage", "away", True)
    assert jobs.get(job.id, None).state is State.FAILED


def test_trying_again(jobs: Jobs, clock: Clock) -> None:
    job = (create(jobs), claim(jobs))[1]
    jobs.fail(job.id, 1, "bad_media", "cut", False)
    clock.forward(5)
    again = jobs.retry(job.id, "ann")
    assert (again.state, again.error, again.attempt, again.attempt_limit) == (State.QUEUED, None, 1, 4)
    claimed = claim(jobs)
    assert claimed.attempt == 2  # numbers never come again: an old worker's stay fenced off
    with pytest.raises(Conflict, match="the job is running"):
        jobs.retry(job.id, "ann")
    jobs.finish(job.id, 2, OUTPUTS)
    with pytest.raises(Conflict, match="the job is succeeded"):
        jobs.retry(job.id, "ann")


def test_deleting_stops_the_worker_too(jobs: Jobs) -> None:
    job = (create(jobs), claim(jobs))[1]
    assert jobs.delete(job.id, "ann").id == job.id
    assert jobs.cancel_requested(job.id)
    assert not jobs.heartbeat(job.id, 1)
    assert not jobs.finish(job.id, 1, OUTPUTS)


def test_pages_are_newest_first_and_complete(jobs: Jobs, clock: Clock) -> None:
    names = []
    for number in range(7):
        clock.forward(1)
        mode = Mode.HITS if number % 2 else Mode.AUTO
        names.append(create(jobs, options=Options(mode=mode), batch_id="b" if number < 3 else None).id)
    create(jobs, owner="bob")
    seen, cursor = [], None
    while True:
        page, cursor = jobs.recent(owner="ann", cursor=cursor, limit=3)
        seen += [job.id for job in page]
        if cursor is None:
            break
    assert seen == names[::-1]
    assert [job.id for job in jobs.recent(owner="ann", mode="auto")[0]] == names[::-1][::2]
    assert [job.id for job in jobs.recent(owner="ann", batch_id="b")[0]] == names[2::-1]
    assert len(jobs.recent(owner=None)[0]) == 8
    jobs.cancel(names[4], "ann")
    assert [job.id for job in jobs.recent(owner="ann", state=State.CANCELED)[0]] == [names[4]]
    assert jobs.counts(owner="ann", batch_id="b")["queued"] == 3
    assert set(jobs.ids([names[0], "no-such-job"])) == {names[0]}


def test_place_and_time_left(jobs: Jobs, clock: Clock) -> None:
    made = []
    for _ in range(4):
        clock.forward(1)
        made.append(create(jobs))
    other = create(jobs, options=Options(mode=Mode.AUTO))
    assert [jobs.position(job) for job in (*made, other)] == [1, 2, 3, 4, 1]
    assert jobs.eta_s(made[0]) is None
    job = claim(jobs)
    clock.forward(6)
    assert jobs.finish(job.id, 1, OUTPUTS)
    done = jobs.get(made[0].id, None)
    assert (jobs.position(done), jobs.eta_s(done)) == (0, 0.0)
    running = claim(jobs)
    clock.forward(2)
    assert jobs.eta_s(running) == pytest.approx(4.0)
    assert jobs.eta_s(made[3]) == pytest.approx(4.0 + 6.0 + 6.0)  # what runs, what waits before it, and itself
    assert jobs.eta_s(other) is None


def test_who_waits_in_vain_is_rung_for_once_in_a_while(jobs: Jobs, clock: Clock) -> None:
    waiting, lost = create(jobs), create(jobs)
    assert jobs.overdue() == []  # who made them has just rung
    clock.forward(6)
    assert {job.id for job in jobs.overdue()} == {waiting.id, lost.id}
    assert jobs.overdue() == []
    jobs.claim(2, "hits", WORKER)
    jobs.fail(waiting.id, 1, "storage", "away", True)
    clock.forward(5.5)
    assert [job.id for job in jobs.overdue()] == [waiting.id]
    clock.forward(5)
    assert {job.id for job in jobs.overdue()} == {waiting.id, lost.id}


def test_a_deaf_worker_is_told_from_a_busy_one(jobs: Jobs, clock: Clock) -> None:
    def deaf() -> bool:
        return jobs.neglects("node", ["hits", "speech"], 10)

    create(jobs, options=Options(mode=Mode.AUTO))
    clock.forward(60)
    assert not deaf()  # nobody asks it for that mode
    create(jobs)
    create(jobs)
    clock.forward(9)
    assert not deaf()
    clock.forward(2)
    assert deaf()
    (job,) = jobs.claim(1, "hits", "node#7")
    assert not deaf()
    jobs.fail(job.id, 1, "storage", "away", True)
    (other,) = jobs.claim(1, "hits", "another#7")
    assert jobs.finish(other.id, 1, OUTPUTS)
    clock.forward(9)
    assert not deaf()  # the failed one had to wait
    clock.forward(4)
    assert deaf()


def test_a_process_with_an_ended_lease_holds_nothing(jobs: Jobs, clock: Clock) -> None:
    """A frozen process keeps its job in its hands, and its worker from any other."""
    job = create(jobs)
    jobs.claim(1, "hits", "node#7")
    clock.forward(10.1)
    assert not jobs.neglects("node", ["hits"], 10)  # its lease is over only now
    clock.forward(10)
    assert jobs.neglects("node", ["hits"], 10)
    assert jobs.heartbeat(job.id, 1)
    assert not jobs.neglects("node", ["hits"], 10)
    clock.forward(30)
    jobs.cancel(job.id, None)
    assert not jobs.neglects("node", ["hits"], 10)  # nobody needs to do it any more


def opened_later(database_url: str, clock: Clock) -> Jobs:
    """What a process sees that starts now and knows nothing of what the clock showed before."""
    return open_jobs(database_url, clock=clock, lease_s=10.0, max_attempts=3)


def test_jobs_queued_before_the_clock_steps_back_are_claimable(jobs: Jobs, database_url: str, clock: Clock) -> None:
    made = []
    for _ in range(3):
        made.append(create(jobs).id)
        clock.forward(0.01)
    clock.forward(-3600)
    later = opened_later(database_url, clock)
    assert [job.id for job in jobs.claim(1, "hits", WORKER)] == made[:1]
    assert [job.id for job in later.claim(1, "hits", WORKER)] == made[1:2]
    clock.forward(4)
    assert [job.id for job in later.overdue()] == made[2:]
    clock.forward(10)
    assert later.neglects("another", ["hits"], 10)
    later.close()


def test_leases_end_in_time_though_the_clock_steps_back(jobs: Jobs, database_url: str, clock: Clock) -> None:
    job = (create(jobs), claim(jobs))[1]
    clock.forward(-3600)
    later = opened_later(database_url, clock)
    for seconds in (3, 3, 3):  # who lives keeps its job
        clock.forward(seconds)
        assert jobs.heartbeat(job.id, 1)
        assert later.claim(1, "hits", "thief") == []
    clock.forward(9)
    assert later.claim(1, "hits", "thief") == []
    clock.forward(1.5)
    (taken,) = later.claim(1, "hits", "thief")
    assert (taken.id, taken.attempt) == (job.id, 2)
    assert not jobs.finish(job.id, 1, OUTPUTS)
    later.close()


def test_a_lost_worker_is_given_up_and_a_retry_waits_no_longer_after_a_step_back(jobs: Jobs, clock: Clock) -> None:
    job = create(jobs)
    for _ in range(2):
        claim(jobs)
        clock.forward(-1800)
        assert jobs.give_up() == []
        clock.forward(10.1)
    assert jobs.fail(job.id, claim(jobs).attempt - 1, "storage", "away", True) is False  # the lost one's
    clock.forward(-1800)
    assert jobs.give_up() == []
    clock.forward(10.1)
    assert [lost.id for lost in jobs.give_up()] == [job.id]
    jobs.retry(job.id, None)
    jobs.fail(job.id, claim(jobs).attempt, "storage", "away", True)  # waits 16 s: it was the fourth attempt
    clock.forward(-3600)
    assert jobs.claim(1, "hits", WORKER) == []
    clock.forward(16.1)
    assert claim(jobs).attempt == 5


def test_the_clock_is_followed_again_when_nothing_depends_on_it(database_url: str, clock: Clock) -> None:
    ticks = Clock()
    jobs = open_jobs(database_url, clock=clock)
    jobs.now = SchedulingClock(jobs.database, clock, of_database=False, monotonic=ticks)
    job = create(jobs)
    clock.forward(-3600)
    ticks.forward(1.5)
    assert jobs.now() == pytest.approx(clock.now + 3600 + 1.5)
    jobs.delete(job.id, None)
    ticks.forward(1.5)
    assert create(jobs).queued_at == clock.now
    jobs.close()


def test_a_lease_ends_by_the_monotonic_clock_where_nobody_looked_meanwhile(database_url: str) -> None:
    back_s = [0.0]
    jobs = open_jobs(database_url, clock=lambda: time.time() - back_s[0], lease_s=0.5)
    create(jobs)
    claim(jobs)
    back_s[0] = 3600.0
    time.sleep(0.6)
    assert claim(jobs).attempt == 2
    jobs.close()


def test_postgresql_tells_the_time_to_workers_whose_clocks_are_wrong(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, true_time = databases.cleared(postgres_url), time.time
    web = open_jobs(url)
    monkeypatch.setattr("time.time", lambda: true_time() - 3600)
    slow = open_jobs(url)
    monkeypatch.setattr("time.time", lambda: true_time() + 3600)
    fast = open_jobs(url)
    made = {create(web).id, create(fast).id}
    assert {job.id for job in slow.claim(2, "hits", WORKER)} == made
    for one in (web, slow, fast):
        assert one.claim(1, "hits", "thief") == []  # both leases last
        assert one.now() == pytest.approx(true_time(), abs=2)
        one.close()


def test_two_reconcilers_do_not_both_ring(jobs: Jobs, clock: Clock) -> None:
    for _ in range(20):
        create(jobs)
    clock.forward(6)
    notified = [job.id for found in at_once(6, lambda _: jobs.overdue()) for job in found]
    assert len(notified) == 20
    assert len(set(notified)) == 20


def test_old_jobs_expire_and_are_forgotten(jobs: Jobs, clock: Clock) -> None:
    old = (create(jobs), claim(jobs))[1]
    jobs.finish(old.id, 1, OUTPUTS)
    clock.forward(100)
    new, waiting = create(jobs), create(jobs)
    jobs.cancel(new.id, None)
    (expired,) = jobs.expire(clock.now - 50)
    assert (expired.id, expired.state, expired.result) == (old.id, State.EXPIRED, None)
    assert jobs.expire(clock.now - 50) == []
    assert jobs.forget(clock.now - 50) == 1
    assert {job.id for job in jobs.recent(owner=None)[0]} == {new.id, waiting.id}


@pytest.fixture(params=databases.KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database that has no tables yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    return servers.emptied(request.getfixturevalue("postgres_url"))


def test_opening_migrates_and_twenty_may_open_at_once(empty_url: str) -> None:
    for jobs in at_once(20, lambda _: open_jobs(empty_url)):
        jobs.close()
    database = open_database(empty_url)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.engine.dispose()
    reopened = open_jobs(empty_url)
    create(reopened)
    reopened.check()
    reopened.close()


def test_names_sort_by_time_and_tell_it() -> None:
    names = [new_id(1_800_000_000.0 + number / 1000) for number in range(100)]
    assert names == sorted(names)
    same = [new_id(5.0) for _ in range(1000)]
    assert same == sorted(set(same))
    assert {made_at(name) for name in same} == {5.0}
    assert len({name[-6:] for name in same}) == 1000  # none is next to another
    assert made_at(names[7]) == pytest.approx(1_800_000_000.007)
    assert made_at("check") is None
    assert made_at("I" * 26) is None


def test_sqlite_keeps_what_was_committed(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'jobs.db'}")
    with database.reading() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert found == ["wal", 2]  # 2 is FULL: a commit is on the disk when it returns
    database.engine.dispose()


def test_only_what_must_outlive_the_machine_waits_for_the_disk(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'jobs.db'}")

    def committed(*, synced: bool) -> Any:
        with database.writing(synced=synced) as connection:
            return connection.exec_driver_sql("PRAGMA synchronous").scalar()

    full, normal = 2, 1
    assert [committed(synced=synced) for synced in (True, False, False, True)] == [full, normal, normal, full]
    with pytest.raises(ZeroDivisionError), database.writing(synced=False):
        _ = 1 / 0
    assert committed(synced=True) == full  # on the same connection
    database.engine.dispose()


def test_where_waiting_for_the_disk_could_not_be_set_the_next_commit_sets_it(tmp_path: Path) -> None:
    """It reads the file, which may fail as any reading may."""
    database = open_database(f"sqlite:///{tmp_path / 'jobs.db'}")
    with database.writing(synced=False) as connection:
        plain: Any = connection.connection.dbapi_connection

    def refuse(action: int, *_: object) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_PRAGMA else sqlite3.SQLITE_OK

    plain.set_authorizer(refuse)
    with pytest.raises(DatabaseError), database.writing():
        pass
    plain.set_authorizer(None)
    with database.writing() as connection:
        assert connection.connection.dbapi_connection is plain
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
    database.engine.dispose()


def test_signs_of_life_do_not_wait_for_the_disk_and_ends_do(
    jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(jobs)
    waited: list[bool] = []
    writing = jobs.database.writing

    def seen(*, synced: bool = True) -> Any:
        waited.append(synced)
        return writing(synced=synced)

    monkeypatch.setattr(jobs.database, "writing", seen)
    job = claim(jobs)
    jobs.heartbeat(job.id, job.attempt)
    jobs.progress(job.id, job.attempt, "look", 0.5)
    jobs.finishing(job.id, job.attempt)
    assert waited == [False] * 4
    assert jobs.finish(job.id, job.attempt, {"outputs": []})
    assert waited[-1] is True
    create(jobs)
    assert waited[-1] is True


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_urls_that_name_no_database(url: str) -> None:
    with pytest.raises(DatabaseError):
        open_jobs(url)


def test_a_database_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be reached"):
        open_jobs(f"postgresql://nobody@/none?host={tmp_path}")
    (tmp_path / "not.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(DatabaseError):
        open_jobs(f"sqlite:///{tmp_path / 'not.db'}")
