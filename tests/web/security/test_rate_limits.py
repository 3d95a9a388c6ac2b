"""How often one may ask: by key, by address, for a log-in; with the broker, and while it is away or hangs."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import wait_until
from tests.support.web_place import Place, place, problem
from workers.embedded.services import Broker
from workers.settings import embedded

SECRETS = {"ann": "ann's", "ben": "ben's"}
KEYS = ",".join(f"{name}:{hashlib.sha256(secret.encode()).hexdigest()}" for name, secret in SECRETS.items())


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRETS.get(name, name)}"}


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Place]:
    how = {"rate_key_per_minute": 5, "rate_address_per_minute": 3, "rate_login_per_minute": 2}
    with place(tmp_path / "data", api_keys=KEYS, **how) as made:
        yield made


def refused(answer: Any, word: str) -> None:
    told = problem(answer, 429, "rate-limited")
    assert word in told["detail"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit"].split(";")[1] == "r=0"


def test_each_key_has_its_own_count_and_is_told_of_it(limited: Place) -> None:
    left = []
    for _ in range(5):
        answer = limited.client.get("/v1/me", headers=bearer("ann"))
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"key";q=5;w=60'
        left.append(answer.headers["RateLimit"].split(";")[1])
    assert left == ["r=4", "r=3", "r=2", "r=1", "r=0"]
    refused(limited.client.get("/v1/me", headers=bearer("ann")), "this key was used more than 5 times in a minute")
    assert limited.client.get("/v1/me", headers=bearer("ben")).status_code == 200


def test_who_shows_no_good_key_is_counted_by_address(limited: Place) -> None:
    problem(limited.client.get("/v1/me", headers=bearer("guess 1")), 401, "unauthorized")
    problem(limited.client.get("/v1/me", headers=bearer("guess 2")), 401, "unauthorized")
    assert limited.client.get("/v1/openapi.json").status_code == 200
    refused(limited.client.get("/v1/me", headers=bearer("guess 3")), "this address asked without a good key")
    refused(limited.client.get("/v1/me"), "3 times")
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    problem(limited.client.get("/v1/me", environ_overrides=elsewhere), 401, "unauthorized")
    assert limited.client.get("/v1/me", headers=bearer("ann")).status_code == 200  # a good key is not held up


def test_log_ins(limited: Place) -> None:
    token = limited.form_token("/login")
    for _ in range(2):
        assert limited.client.post("/login", data={"csrf_token": token, "key": "guess"}).status_code == 401
    page = limited.client.post("/login", data={"csrf_token": token, "key": SECRETS["ann"]})
    assert page.status_code == 429
    assert "tried from this address more than 2 times" in page.text


def test_who_watches_is_never_refused_and_an_open_server_counts_nothing(limited: Place, tmp_path: Path) -> None:
    for _ in range(10):
        assert limited.client.get("/livez").status_code == 200
        assert limited.client.get("/readyz").status_code in (200, 503)
    with place(tmp_path / "open", rate_address_per_minute=1, rate_key_per_minute=1) as here:
        for _ in range(5):
            answer = here.client.get("/v1/me")
            assert answer.status_code == 200
            assert "RateLimit" not in answer.headers


def test_zero_is_no_limit(tmp_path: Path) -> None:
    with place(tmp_path / "data", api_keys=KEYS, rate_key_per_minute=0) as here:
        for _ in range(30):
            assert here.client.get("/v1/me", headers=bearer("ann")).status_code == 200


def test_two_web_processes_count_together_in_the_broker_and_alone_without_it(tmp_path: Path) -> None:
    how: dict[str, Any] = {"api_keys": KEYS, "rate_key_per_minute": 6}
    broker = Broker(embedded(tmp_path / "data"), tmp_path)

    def up() -> bool:
        broker.watch()
        return broker.ready

    wait_until(up)
    try:
        with place(tmp_path / "data", **how) as one, place(tmp_path / "data", **how) as other:
            for here in (one, other, one, other, one, other):
                assert here.client.get("/v1/me", headers=bearer("ann")).status_code == 200
            for here in (one, other):
                refused(here.client.get("/v1/me", headers=bearer("ann")), "6 times")
            pid = broker.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)  # it hangs: worse than being away
            try:
                answers = []
                for _ in range(7):
                    answers.append(one.client.get("/v1/me", headers=bearer("ben")).status_code)
                assert answers == [200] * 6 + [429]  # counted in memory
            finally:
                os.kill(pid, signal.SIGCONT)
    finally:
        broker.ask_to_end()
        broker.end(time.monotonic() + 10)
