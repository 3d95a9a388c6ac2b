"""What is learnt from finished jobs, and what is expected of the next ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.options import Mode, Options
from tests.support import databases
from workers.jobs import Job, Jobs, State, open_jobs
from workers.records import QUICK
from workers.timing import presence
from workers.timing.expectation import StageTime, expected_seconds, remaining_seconds, spans


@pytest.fixture(params=databases.KINDS)
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Jobs]:
    url = databases.url_of(request, tmp_path)
    opened = open_jobs(url)
    yield opened
    opened.close()


def create(jobs: Jobs, duration_s: float, mode: Mode = Mode.HITS, **options: Any) -> Job:
    asked = Options(mode=mode, **options)
    return jobs.create(options=asked, title="a", source_key="s", info={"duration_s": duration_s}, owner="ann")


def learnt(*pairs: tuple[float, float]) -> StageTime:
    known = StageTime()
    for clip_s, seconds in pairs:
        known = known.learnt(clip_s, seconds)
    return known


def test_a_fixed_part_and_a_slope_are_told_apart() -> None:
    known = learnt(*((clip_s, 2.0 + 0.5 * clip_s) for clip_s in (5, 10, 20, 40, 8, 30)))
    assert known.seconds(60) == pytest.approx(32.0)
    assert known.seconds(0) == pytest.approx(2.0)


def test_clips_of_one_length_say_how_long_another_takes() -> None:
    assert learnt((10, 5), (10, 7)).seconds(20) == pytest.approx(2 * (5 * 0.92 + 7) / 1.92)


def test_nothing_is_expected_to_take_less_than_no_time() -> None:
    falling = learnt((1, 10), (10, 1), (5, 5))
    rising = learnt((1, 0.01), (10, 90), (20, 400))
    for clip_s in (0.0, 0.5, 100.0):
        assert falling.seconds(clip_s) >= 0
        assert rising.seconds(clip_s) >= 0


def test_a_machine_that_became_faster_is_believed() -> None:
    known = learnt(*[(10.0, 60.0)] * 30, *[(10.0, 6.0)] * 30)
    assert known.seconds(10) == pytest.approx(6.0, rel=0.8)
    assert known.seconds(10) < 15


def test_what_stages_took_is_kept_and_expected_of_the_next(jobs: Jobs) -> None:
    job = create(jobs, 10.0)
    assert expected_seconds(jobs.database, job) is None
    for clip_s, look_s in ((10.0, 2.0), (20.0, 4.0)):
        jobs.learn(create(jobs, clip_s), {"fetch": 0.5, "look": look_s, "write": clip_s / 10})
    assert expected_seconds(jobs.database, create(jobs, 30.0)) == pytest.approx(0.5 + 6.0 + 3.0)
    # Looking is done once for all takes, writing for each of them.
    assert expected_seconds(jobs.database, create(jobs, 10.0, takes=3)) == pytest.approx(0.5 + 2.0 + 3.0)
    assert expected_seconds(jobs.database, create(jobs, 10.0, Mode.AMBIENT)) is None


def test_a_job_waits_for_those_of_other_modes_too(jobs: Jobs) -> None:
    jobs.learn(create(jobs, 10.0), {"look": 10.0})
    jobs.learn(create(jobs, 10.0, Mode.AMBIENT), {"look": 5.0})
    for waiting in jobs.recent(owner=None)[0]:
        jobs.cancel(waiting.id, None)
    first, second = create(jobs, 10.0), create(jobs, 10.0, Mode.AMBIENT)
    view = jobs.queue()
    assert (view.position(first), view.position(second)) == (1, 1)
    assert jobs.eta_s(first, view) == pytest.approx(10.0)
    assert jobs.eta_s(second, view) == pytest.approx(15.0)
    jobs.claim(1, "hits", "w")
    running = jobs.get(first.id, None)
    assert running.state is State.RUNNING
    assert jobs.queue().position(running) == 0
    assert jobs.eta_s(second) == pytest.approx(15.0, abs=1.0)


def test_a_job_that_came_after_the_look_has_its_place_too(jobs: Jobs) -> None:
    jobs.learn(create(jobs, 10.0), {"look": 10.0})
    view = jobs.queue()
    later = create(jobs, 10.0)
    assert view.position(later) == jobs.queue().position(later) == 2
    assert jobs.eta_s(later, view) == pytest.approx(20.0)


def test_what_is_left_follows_the_pace_so_far() -> None:
    assert remaining_seconds(10.0, 0.0, 3.0) == pytest.approx(7.0)
    assert remaining_seconds(10.0, 0.5, 5.0) == pytest.approx(5.0)
    assert remaining_seconds(10.0, 0.5, 10.0) == pytest.approx(7.5)  # twice as slow: between 5 and 10
    assert remaining_seconds(10.0, 0.0, 30.0) == 0.0
    assert remaining_seconds(10.0, 1.0, 30.0) == 0.0


def test_the_bar_is_weighted_by_what_stages_take() -> None:
    found = spans({"look": 1.0, "render": 8.0, "write": 1.0}, ["look", "render", "write"])
    assert found["render"] == pytest.approx((0.1, 0.9))
    assert found["write"] == pytest.approx((0.9, 1.0))
    assert spans({"look": 1.0}, ["look", "write"]) == {}


def test_who_is_there_is_known_until_it_is_silent_or_leaves(jobs: Jobs) -> None:
    now_s = jobs.now()
    assert presence.present(jobs.database, now_s) == 0
    signs = presence.Signs(jobs.database, "one", ["hits", "auto"], lambda: now_s)
    signs.show()
    presence.Signs(jobs.database, "searcher", QUICK, lambda: now_s).show()
    assert presence.present(jobs.database, now_s) == 1
    assert jobs.queue().workers == 1
    assert presence.present(jobs.database, now_s + presence.GONE_S + 1) == 0
    signs.leave()
    assert presence.present(jobs.database, now_s) == 0
