"""A worker that is killed in the middle of a take: the take is made by the next one, once."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx

from tests.support.servers import wait_until
from tests.support.serving import Serving, serving
from web.client.sync import Client


def searchers(server: Serving) -> list[int]:
    """The processes that somebody waits for: those that render scores."""
    found = []
    for pid in server.children():
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if any(name in b" ".join(words) for name in (b"search-1", b"and-search")):
                found.append(pid)
    return found


def test_a_take_survives_the_death_of_its_worker(flash_clip: Path) -> None:
    with serving(SONORIZE_LEASE_S="8") as server, Client(server.address) as client:
        job = client.wait(client.create(flash_clip, {"mode": "hits"})["id"])
        assert job["status"] == "succeeded", job["error"]
        with httpx.Client(base_url=server.address, timeout=60) as http:
            path = f"/v1/jobs/{job['id']}/score"
            hits = [{"id": "a", "time_s": 0.25, "material": "wood"}]
            http.patch(path, json={"version": 0, "hits": hits}).raise_for_status()
            take = http.post(f"{path}/render", json={}).raise_for_status().json()["links"]["self"]
            wait_until(lambda: http.get(take).json()["status"] != "queued")
            for pid in searchers(server):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            told = wait_until(lambda: _over(http, take))
            assert told is not None
            assert told["status"] == "succeeded", told
            outputs = http.get(f"/v1/jobs/{job['id']}").json()["outputs"]
            assert [one["take"] for one in outputs] == [0, 1]
            assert [hit["time_s"] for hit in outputs[1]["hits"]] == [0.25]
            assert http.get(outputs[1]["links"]["sound"]).status_code == 200


def _over(http: httpx.Client, take: str) -> dict[str, object] | None:
    told: dict[str, object] = http.get(take, params={"wait_s": 5}).json()
    return told if told["status"] not in ("queued", "running") else None
