"""A broker that is away, hangs or cannot even be loaded costs no answer: it is told, counted, and caught up with."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient

from tests.support import servers
from tests.support.patience import within
from tests.support.serving import serving
from web.app import create_app
from web.client.sync import Client
from workers.faults import Faults
from workers.settings import embedded

ANSWER_S = 1.0  # for a POST; twice that for /readyz, which waits for the broker once


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    """An application as a WSGI server runs it, with the broker of its settings, which is not there."""
    with create_app(embedded(tmp_path / "data")).test_client() as client:
        yield client


def submit(client: FlaskClient, clip: Path) -> None:
    answer = client.post("/v1/jobs", data={"file": (clip.open("rb"), "clip.mp4")})
    assert answer.status_code == 202, answer.text


def degraded(client: FlaskClient) -> dict[str, Any]:
    """What ``/readyz`` says once the notifier has met its fault."""

    def told() -> dict[str, Any]:
        answer = client.get("/readyz")
        assert answer.status_code == 200
        return dict(answer.get_json()) if "reasons" in answer.get_json() else {}

    body = servers.wait_until(told)
    assert body["status"] == "degraded"
    return body


def test_without_a_broker_jobs_are_accepted(client: FlaskClient, dark_clip: Path) -> None:
    submit(client, dark_clip)  # loads what looks at clips
    with within(ANSWER_S):
        submit(client, dark_clip)
    body = degraded(client)
    assert "cannot be reached" in body["checks"]["broker"]
    assert "cannot be reached" in body["reasons"]["queue-notification"]
    figures = client.get("/metrics").text
    assert re.search(r'sonorize_faults_total\{kind="\w+",part="queue-notification"\} [1-9]', figures)


def test_a_package_that_is_missing_costs_no_answer(
    client: FlaskClient, dark_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kombu.transport._transport_cache", {})
    monkeypatch.setitem(sys.modules, "kombu.transport.redis", None)  # as where one of the packages it needs is missing
    submit(client, dark_clip)
    body = degraded(client)
    assert body["reasons"]["queue-notification"] == "a package is missing or broken: kombu.transport.redis"
    assert 'kind="ModuleNotFoundError"' in client.get("/metrics").text
    assert "a package is missing" in caplog.text


def test_a_broken_reconciler_is_told(tmp_path: Path) -> None:
    faults = Faults("reconciler")
    with create_app(embedded(tmp_path / "data"), notify=lambda _: None, faults=[faults]).test_client() as client:
        assert client.get("/readyz").get_json()["status"] == "ready"
        faults.add(KeyError("secret"))
        told = client.get("/readyz")
        assert (told.status_code, told.get_json()["status"]) == (200, "degraded")
        assert told.get_json()["reasons"] == {"reconciler": "an unexpected KeyError"}
        faults.clear()
        assert client.get("/readyz").get_json()["status"] == "ready"
        assert 'sonorize_faults_total{kind="KeyError",part="reconciler"} 1.0' in client.get("/metrics").text


def test_a_broker_that_hangs_delays_no_answer_and_is_replaced(dark_clip: Path) -> None:
    with serving("--workers", "0") as server, Client(server.address) as client:
        client.create(dark_clip, {})

        def ready() -> dict[str, Any]:
            with within(2 * ANSWER_S):
                answer = httpx.get(f"{server.address}/readyz", trust_env=False, timeout=60)
            assert answer.status_code == 200
            return dict(answer.json())

        servers.wait_until(lambda: ready()["status"] == "ready")
        (broker,) = [pid for pid in server.children() if "valkey" in Path(f"/proc/{pid}/cmdline").read_text()]
        os.kill(broker, signal.SIGSTOP)
        began = time.monotonic()
        for number in range(3):
            with within(2 * ANSWER_S):
                client.create(dark_clip, {"seed": number})
        body = ready()
        assert (body["status"], body["checks"]["broker"]) == ("degraded", "no answer in time")
        servers.wait_until(lambda: ready()["status"] == "ready", every_s=0.2)
        print(f"a hung broker was replaced after {time.monotonic() - began:.1f} s")
        assert broker not in server.children()
        assert "the broker has not answered" in server.complained
