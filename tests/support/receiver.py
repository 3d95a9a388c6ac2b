"""A server on this machine that receives webhooks, and answers as a test says."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


Reply = Callable[["Handler"], object]


@dataclass
class Receiver:
    """What came, and how it is answered: by the next of ``replies``, at last by the last of them."""

    port: int
    replies: list[Reply]
    received: list[Received] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)  # by which TLS was asked for

    def url(self, path: str = "/hook", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    receiver: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.received.append(Received(self.path, headers, body))
        replies = self.receiver.replies
        (replies.pop(0) if len(replies) > 1 else replies[0])(self)
        self.close_connection = True

    def do_GET(self) -> None:
        self.receiver.received.append(Received(self.path, {}, b""))
        status(200)(self)

    def log_message(self, *_: Any) -> None:
        return


def status(code: int, body: str = "", **headers: str) -> Reply:
    """A whole answer."""

    def reply(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body.encode())))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return reply


def silence(until: threading.Event) -> Reply:
    """No answer at all, for as long as the test likes."""
    return lambda _: until.wait(30)


def drip(until: threading.Event) -> Reply:
    """An answer whose body comes byte by byte and never ends."""

    def reply(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        with contextlib.suppress(OSError):
            while not until.wait(0.02):
                handler.wfile.write(b".")
                handler.wfile.flush()

    return reply


def endless(handler: Handler) -> None:
    """An answer that is larger than anybody wants to read."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(10_000):
            handler.wfile.write(b"x" * 65536)


def nonsense(handler: Handler) -> None:
    """What is no HTTP."""
    handler.wfile.write(b"SSH-2.0-hello\r\n")


@contextlib.contextmanager
def receiver(*replies: Reply, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free port of 127.0.0.1."""
    made = Receiver(0, list(replies or [status(200)]))
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), type("_Handler", (Handler,), {"receiver": made}), bind_and_activate=True
    )
    server.daemon_threads = True
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: made.names.append(name)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """One on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
