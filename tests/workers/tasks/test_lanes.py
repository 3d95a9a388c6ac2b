"""Lanes of one process: what a worker was lost with is done beside nothing, and waits for nobody for ever."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from synth.options import Mode, Options
from tests.support import databases
from tests.support.paths import ROOT
from tests.support.servers import wait_until
from workers.files.storage import storage_of
from workers.jobs import Job, Jobs, State, jobs_of, new_id, open_jobs
from workers.settings import embedded
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


@pytest.mark.parametrize("known", [False, True], ids=["the first", "another"])
def test_what_is_lost_while_it_is_asked_for_is_done_beside_nothing(jobs: Jobs, known: bool) -> None:
    lanes, suspect, other = Lanes(), create(jobs), create(jobs)
    jobs.claim(1, "hits", "gone")
    before = frozenset({"another job, which somebody else has taken"} if known else ())

    def lose_and_claim(beside: bool) -> list[Job]:
        jobs.abandon("gone", blameless=False)
        return jobs.claim(1, "hits", WORKER, beside=beside)

    found = [job.id for job in lanes.claim(lose_and_claim, lambda: before)]
    assert found == ([suspect.id] if known else [])
    assert lanes._alone == known  # or else the other one would begin beside it
    lanes.release(len(found))
    assert claim(lanes, jobs, "hits") == [other.id if known else suspect.id]


WORKER_PROGRAM = """
import os, signal, sys, threading
from pathlib import Path
from synth.options import Mode
from synth.pipeline.modes import MODES
from tests.support.voices import FlashVoice
from workers.files.storage import storage_of
from workers.jobs import jobs_of
from workers.settings import embedded
from workers.tasks import answers, run_jobs
from workers.tasks.job_run import WorkerContext

data = Path(sys.argv[1])
settings = embedded(data, describe=False)
settings.work_dir.mkdir(parents=True, exist_ok=True)
first, at_work = not (data / "seen").exists(), threading.Event()
(data / "seen").touch()

class Voice(FlashVoice):
    def controls(self, *given):
        at_work.set()
        threading.Event().wait(600 if first else 0)  # its process ends before that
        return super().controls(*given)

def deadly(job_run, request):
    if first:
        assert at_work.wait(600)
    os.kill(os.getpid(), signal.SIGKILL)

voice = Voice()
MODES[Mode.HITS] = lambda: voice
answers.ANSWERS["score"] = deadly
worker = f"worker#{os.getpid()}"
context = WorkerContext(settings, jobs_of(settings), storage_of(settings), lambda _: True, settings.work_dir, worker)
quick = threading.Thread(target=run_jobs.drain, args=(context, "score"))
quick.start()
run_jobs.drain(context, "hits")
quick.join()
"""


def test_a_score_that_kills_its_process_leaves_the_job_beside_it_its_attempts(tmp_path: Path, flash_clip: Path) -> None:
    settings = embedded(tmp_path, describe=False)
    jobs, storage = jobs_of(settings), storage_of(settings)

    def submit(mode: str) -> Job:
        id = new_id(time.time())
        storage.put(f"{id}/source", flash_clip, "video/mp4")
        asked: dict[str, Any] = {
            "options": Options(mode=Mode.HITS),
            "title": "clip.mp4",
            "info": {"duration_s": 2.0},
            "owner": "ann",
        }
        return jobs.create(id=id, mode=mode, source_key=f"{id}/source", **asked)

    job, score = submit("hits"), submit("score")
    lost = 0
    while True:
        child = subprocess.Popen([sys.executable, "-c", WORKER_PROGRAM, str(tmp_path)], cwd=ROOT)
        if child.wait() == 0:
            break
        assert child.returncode == -signal.SIGKILL
        lost += 1
        jobs.abandon(f"worker#{child.pid}", blameless=False)
        jobs.give_up()
    job, score = jobs.get(job.id, None), jobs.get(score.id, None)
    assert (job.state, job.attempt) == (State.SUCCEEDED, 2)
    assert (score.state, (score.error or {}).get("code")) == (State.FAILED, "worker_lost")
    assert lost == settings.max_attempts + 1
    jobs.close()
