"""Lanes of one process: what a worker was lost with is done beside nothing, and waits for nobody for ever."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synth.options import Mode, Options
from tests.support import databases
from tests.support.servers import wait_until
from workers.jobs import Job, Jobs, open_jobs
from workers.tasks.lanes import Lanes

WORKER = "worker#1"


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = open_jobs(databases.laid(tmp_path / "jobs.db"))
    yield jobs
    jobs.close()


def create(jobs: Jobs, mode: str = "hits") -> Job:
    return jobs.create(
        options=Options(mode=Mode.HITS), title="clip.mp4", source_key="s", info={}, owner="ann", mode=mode
    )


def claim(lanes: Lanes, jobs: Jobs, mode: str) -> list[str]:
    found = lanes.claim(lambda beside: jobs.claim(1, mode, WORKER, beside=beside), lambda: jobs.lost(mode))
    return [job.id for job in found]


def test_ordinary_work_goes_side_by_side(jobs: Jobs) -> None:
    lanes = Lanes()
    job, score = create(jobs), create(jobs, "score")
    assert claim(lanes, jobs, "hits") == [job.id]
    assert claim(lanes, jobs, "score") == [score.id]


def test_what_was_lost_with_a_worker_waits_for_the_other_lanes_and_they_for_it(jobs: Jobs) -> None:
    lanes, suspect = Lanes(), create(jobs, "score")
    jobs.claim(1, "score", "gone")
    jobs.abandon("gone", blameless=False)
    first, second = create(jobs), create(jobs)
    assert claim(lanes, jobs, "hits") == [first.id]
    with ThreadPoolExecutor(2) as pool:
        quick = pool.submit(claim, lanes, jobs, "score")
        assert wait_until(lambda: lanes._waiting == 1)  # it is waiting for the job
        other = pool.submit(claim, lanes, jobs, "hits")  # and no job begins before it
        lanes.release(1)
        assert quick.result(60) == [suspect.id]
        assert not other.done()
        lanes.release(1)
        assert other.result(60) == [second.id]
