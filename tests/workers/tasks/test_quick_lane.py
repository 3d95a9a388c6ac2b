"""Searches and scores beside a job, in the same process: nobody waits, and the nets are held once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.servers import wait_until
from tests.support.serving import Serving, serving
from web.client.sync import Client
from workers.embedded.supervisor import Embedded
from workers.records import QUICK
from workers.settings import embedded
from workers.tasks import search_answers
from workers.tasks.quick_lane import QuickLane


def names(server: Serving) -> list[str]:
    """Of the workers' processes that do the work, and of their watchers: what they are called."""
    found = []
    for pid in server.children():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if "--name" in words:
            found.append(words[words.index("--name") + 1].rpartition("-")[0])
    return found


def test_one_worker_and_one_searcher_are_one_process(tmp_path: Path) -> None:
    settings = embedded(tmp_path / "data")
    alone = Embedded(settings, workers=1, searchers=1)
    assert ([one.name for one in alone.workers], alone.searchers) == (["worker-1-and-search"], [])
    assert alone.workers[0]._command()[-2:] == ["--beside", ",".join(QUICK)]
    several = Embedded(settings, workers=2, searchers=1)
    assert [one.name for one in (*several.workers, *several.searchers)] == ["worker-1", "worker-2", "search-1"]
    picky = Embedded(settings, workers=1, modes=["hits"], searchers=1)
    assert [one.name for one in (*picky.workers, *picky.searchers)] == ["worker-1", "search-1"]


def test_a_score_is_rendered_by_the_process_that_does_jobs_also_when_it_was_killed(flash_clip: Path) -> None:
    with serving(SONORIZE_LEASE_S="8") as server, Client(server.address) as client:
        assert names(server) == ["worker-1-and-search"]
        job = client.wait(client.create(flash_clip, {"mode": "hits"})["id"])
        for _ in range(2):
            path = f"/v1/jobs/{job['id']}/score"
            take = client._http.post(f"{path}/render", json={}).raise_for_status().json()["links"]["self"]
            told = wait_until(lambda: _over(client, take))  # noqa: B023
            assert told is not None
            assert told["status"] == "succeeded", told
            for pulse in (server.data / "work").glob("*/*.pulse"):
                with contextlib.suppress(ProcessLookupError):  # the pulse of one that was killed before
                    os.kill(int(pulse.stem.rpartition("#")[2]), signal.SIGKILL)  # the next one listens as well


BEGINNING = """
import threading
from pathlib import Path
from tests.support.servers import wait_until
from workers.errors import DatabaseError
from workers.tasks import run_jobs
try:
    run_jobs.begin_process("worker-1-and-search-ab@here")
except DatabaseError:
    Path({blocked!r}).unlink()  # now the database's folder can be made
else:
    raise SystemExit("the database was there")
assert wait_until(lambda: "quick-lane" in [thread.name for thread in threading.enumerate()])
run_jobs.work("hits")
assert run_jobs._CONTEXT[0].worker.startswith("worker-1-and-search-ab@here#")
assert [thread.name for thread in threading.enumerate()].count("quick-lane") == 1
"""


def test_it_listens_also_where_the_database_was_away_when_its_process_began(tmp_path: Path) -> None:
    """Else no search would be answered until the worker's next start."""
    blocked = tmp_path / "blocked"
    blocked.touch()
    settings = embedded(tmp_path / "data", describe=False)
    environment = {**os.environ, **settings.environment(), "SONORIZE_DATABASE_URL": f"sqlite:///{blocked}/db.sqlite"}
    program = BEGINNING.format(blocked=str(blocked))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_it_takes_what_waits_while_the_nets_are_still_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its worker is taken for deaf, and started anew for ever where loading takes long enough."""
    loaded, over = threading.Event(), threading.Event()
    monkeypatch.setattr(search_answers, "use_once", loaded.wait)
    settings = embedded(tmp_path / "data").model_copy(update={"broker_url": "memory://"})
    done: list[str] = []

    def do(mode: str) -> None:
        over.wait(60 if len(done) == len(QUICK) else 0)  # the thread stays with this test
        done.append(mode)

    QuickLane(settings, do).start()
    try:
        assert wait_until(lambda: done == list(QUICK))
    finally:
        loaded.set()


def _over(client: Client, take: str) -> dict[str, object] | None:
    told: dict[str, object] = client._http.get(take, params={"wait_s": 5}).json()
    return told if told["status"] not in ("queued", "running") else None
