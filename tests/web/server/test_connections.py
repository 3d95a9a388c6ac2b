"""Crowds at the door of a real waitress: idle ones, slow ones, and somebody who only wants to know whether it lives."""

from __future__ import annotations

import http.client
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.servers import wait_until
from tests.support.web_place import Place, place
from web.server import connections
from web.server.connections import is_slow, longest_idle
from web.server.http_server import CONNECTIONS, listen, make_server, stop

PATIENCE_S = 20


@contextmanager
def answering(here: Place) -> Iterator[Any]:
    """The app of a place on a port; the server."""
    server = make_server(here.app, listen("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stop(server)
        thread.join(10)


@pytest.fixture
def open_files() -> Iterator[None]:
    """As many open files as a crowd needs on both ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 6000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} files may be open here")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def alive(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status
    finally:
        connection.close()


def connected(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S, source_address=(source, 0))


def is_open(client: socket.socket) -> bool:
    client.settimeout(0.2)
    try:
        return client.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


@pytest.mark.usefixtures("open_files")
def test_a_crowd_of_idle_and_of_slow_clients_of_one_address_silences_nobody(tmp_path: Path) -> None:
    with place(tmp_path / "data") as here, answering(here) as server, ExitStack() as undo:
        port = server.effective_port
        for number in range(300):
            slow = undo.enter_context(connected(port))
            slow.sendall(b"GET /v1/jobs HTTP/1.1\r\nX-Slow: " + b"a" * number)
            assert number % 100 or alive(port) == 200
        for number in range(2050):
            undo.enter_context(connected(port))
            assert number % 500 or alive(port) == 200
        assert alive(port) == 200
        assert len(server.active_channels) <= here.settings.connections_of_address + 1
        assert server.cut["crowded"] >= 2050


@pytest.mark.usefixtures("open_files")
def test_one_crowd_takes_nothing_from_other_addresses(tmp_path: Path) -> None:
    with place(tmp_path / "data") as here, answering(here) as server, ExitStack() as undo:
        port = server.effective_port
        other = undo.enter_context(connected(port, "127.0.0.2"))
        for _ in range(400):
            undo.enter_context(connected(port))
        assert alive(port) == 200
        other.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert other.recv(20).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("open_files")
def test_many_addresses_together_silence_nobody_either(tmp_path: Path) -> None:
    with place(tmp_path / "data") as here, answering(here) as server, ExitStack() as undo:
        for number in range(2100):
            undo.enter_context(connected(server.effective_port, f"127.0.1.{1 + number % 20}"))
        assert alive(server.effective_port) == 200
        assert len(server.active_channels) <= CONNECTIONS + 1


def test_a_proxy_that_is_trusted_may_hold_more(tmp_path: Path) -> None:
    how = {"trusted_proxies": "127.0.0.1", "connections_of_address": 5}
    with place(tmp_path / "data", **how) as here, answering(here) as server, ExitStack() as undo:
        clients = [undo.enter_context(connected(server.effective_port)) for _ in range(20)]
        assert alive(server.effective_port) == 200
        assert all(is_open(client) for client in clients)


def test_who_is_answered_is_left_alone_and_the_longest_idle_goes(tmp_path: Path) -> None:
    with place(tmp_path / "data", connections_of_address=3) as here, answering(here) as server, ExitStack() as undo:
        port = server.effective_port
        first, second, third = (undo.enter_context(connected(port)) for _ in range(3))
        wait_until(lambda: len(server.active_channels) == 3)
        first.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert first.recv(4000)
        undo.enter_context(connected(port))
        wait_until(lambda: server.cut["crowded"] == 1)
        assert (is_open(first), is_open(second), is_open(third)) == (True, False, True)


def test_slow_heads_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.5)
    monkeypatch.setattr(connections, "LOOK_EVERY_S", 0.2)
    with place(tmp_path / "data") as here, answering(here) as server, ExitStack() as undo:
        silent = undo.enter_context(connected(server.effective_port))
        trickling = undo.enter_context(connected(server.effective_port))
        trickling.sendall(b"GET / HTTP/1.1\r\n")
        wait_until(lambda: server.cut["slow"] == 2)
        assert not is_open(silent)
        assert not is_open(trickling)
        assert alive(server.effective_port) == 200


def channel(**told: Any) -> Any:
    usual = {"requests": [], "total_outbufs_len": 0, "last_activity": 0.0, "request": None, "answered": False}
    return SimpleNamespace(**{**usual, "creation_time": 0.0, **told})


def request(began_at: float, *, head: bool, arrived: int = 0) -> Any:
    return SimpleNamespace(began_at=began_at, headers_finished=head, body_rcv=b"x" * arrived if head else None)


@pytest.mark.parametrize(
    ("state", "now", "slow"),
    [
        ({}, 19, False),
        ({}, 21, True),
        ({"answered": True}, 100, False),  # keep-alive has a time-out of its own
        ({"request": request(100, head=False)}, 119, False),
        ({"request": request(100, head=False)}, 121, True),
        ({"request": request(100, head=True)}, 129, False),
        ({"request": request(100, head=True, arrived=499)}, 131, True),
        ({"request": request(100, head=True, arrived=501)}, 131, False),
        ({"request": request(100, head=True, arrived=300_000)}, 700, False),
        ({"request": request(100, head=True, arrived=200_000)}, 700, True),
    ],
)
def test_what_is_slow(state: dict[str, Any], now: float, slow: bool) -> None:
    assert is_slow(channel(**state), now) is slow


def test_who_is_worked_for_is_not_idle() -> None:
    newest = channel(last_activity=9)
    busy, sending = channel(requests=[1]), channel(total_outbufs_len=5)
    old, young = channel(last_activity=3), channel(last_activity=4)
    assert longest_idle([busy, sending, young, old, newest], newest) is old
    assert longest_idle([busy, sending, newest], newest) is newest
