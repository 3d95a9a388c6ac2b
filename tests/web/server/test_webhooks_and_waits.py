"""A real server: what it owes to receivers survives its death, and callers that wait leave room for others."""

from __future__ import annotations

import json
import re
import signal
import tempfile
import threading
from pathlib import Path

import httpx

from tests.support.receiver import receiver, status
from tests.support.servers import wait_until
from tests.support.serving import serving
from web.api.semantics.waiting import MAX_WAITS_OF_ONE
from web.client.sync import Client


def test_a_webhook_outlives_its_server(dark_clip: Path) -> None:
    """The first try meets a 500, the server is killed, the next one sends it again under the same id."""
    with (
        tempfile.TemporaryDirectory(prefix="sonorize-") as folder,
        receiver(status(500), status(200)) as there,
    ):
        data = Path(folder) / "data"
        with serving("--search-workers", "0", data=data, SONORIZE_WEBHOOK_PRIVATE="true") as server:
            with Client(server.address) as client:
                job = client.create(dark_clip, {"mode": "hits", "webhook": there.url()})
                client.wait(job["id"])
            wait_until(lambda: there.received)
            server.stop(signal.SIGKILL)
        with serving("--workers", "0", data=data, SONORIZE_WEBHOOK_PRIVATE="true"):
            wait_until(lambda: len(there.received) == 2)
    first, second = there.received
    assert json.loads(first.body)["data"]["id"] == job["id"]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_callers_that_wait_leave_room_for_others(dark_clip: Path) -> None:
    """Twenty come, a few wait; all the others, and whoever asks for something else, are answered meanwhile."""
    with serving("--workers", "0") as server:
        applied = list[bool]()
        let_go = threading.Barrier(21)

        def ask() -> None:
            with httpx.Client(base_url=server.address, trust_env=False, timeout=60) as client:
                let_go.wait()
                with dark_clip.open("rb") as file:
                    answer = client.post("/v1/jobs", files={"file": file}, headers={"Prefer": "wait=8"})
            assert answer.status_code == 202
            applied.append("Preference-Applied" in answer.headers)

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        let_go.wait()
        waiting = list[float]()

        def all_others_are_answered() -> bool:
            told = httpx.get(f"{server.address}/metrics", trust_env=False, timeout=60).text
            waiting.append(float(re.findall(r"^sonorize_waiting_callers (\S+)$", told, re.MULTILINE)[0]))
            return len(applied) >= 20 - MAX_WAITS_OF_ONE

        wait_until(all_others_are_answered)
        for thread in threads:
            thread.join()
        assert 1 <= max(waiting) <= MAX_WAITS_OF_ONE
        assert applied.count(True) >= 1
        assert applied.count(False) >= 1
