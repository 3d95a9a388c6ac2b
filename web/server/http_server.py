"""The app on waitress, with the limits that a server on its own needs.

waitress takes a request in (a large one into a file) before a thread works on it, so that hundreds of slow clients
hold no thread. It refuses a body over the limit by its announced length, or at the byte too many; here it says so as
problem+json, and the limit depends on the address: only uploads may be large.
"""

from __future__ import annotations

import copy
import re
import socket
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from html import escape
from typing import Any, Final

from flask import Flask, json
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from web.api.batches import BODY_IN_FILES
from web.api.problems import PROBLEM_TYPE, Problem
from web.context import parts_of
from web.security.addresses import belongs, parsed_networks
from web.security.csrf import SCORE_BYTES
from web.server.connections import Server
from web.server.cut_uploads import cut_piece

CONNECTIONS: Final = 2000
THREADS: Final = 56  # more than there may be live streams and waiting callers, each of which holds one
ROUND_ABOUT: Final = 1024**2  # a body's fields and boundaries around its file
SMALL_BODY: Final = 512 * 1024
OUTGOING: Final = 256 * 1024**2  # a download waits for a slow client in a file, not in a thread
_EACH_UPLOAD: Final = "/v1/uploads"
_SCORE: Final = re.compile(r"/v1/jobs/[^/]+/score(\.[a-z]+)?")
_ONE_FILE: Final = ("/v1/jobs", "/v1/probe", "/v1/search", "/search", _EACH_UPLOAD)
_SEVERAL: Final = ("/", "/v1/batches")


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Knows how large the body at each address may be."""

    adj: Any

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.began_at = time.time()

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        address = _EACH_UPLOAD if self.path.startswith(f"{_EACH_UPLOAD}/") else self.path
        if _SCORE.fullmatch(address):
            address = _SCORE.pattern
        if address in self.adj.sonorize_bounds:
            self.adj = self.adj.sonorize_bounds[address]
            with suppress(OSError):  # the body may need it: where it cannot be made, the view says so
                self.adj.sonorize_spool.mkdir(parents=True, exist_ok=True)


class _ProblemTask(ErrorTask):  # type: ignore[misc]
    """An error of waitress's own, in the words of this server."""

    def execute(self) -> None:
        error = self.request.error
        code = {413: "too-large"}.get(error.code, "internal" if error.code >= 500 else "bad-request")
        limit = self.request.adj.max_request_body_size
        detail = f"the request is larger than {limit} bytes, the most that is taken here"
        problem = Problem(code, detail if error.code == 413 else str(error.reason))
        kind, text = PROBLEM_TYPE, json.dumps({**problem.as_json(), "status": error.code})
        if "text/html" in self.request.headers.get("ACCEPT", ""):
            kind = "text/html; charset=utf-8"
            title, detail = problem.kind.title, escape(problem.detail)
            text = f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{detail}.</p>"
        body = text.encode() + b"\n"
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", kind))
        self.response_headers.append(("X-Content-Type-Options", "nosniff"))
        self.set_close_on_finish()  # what is still on its way is not read
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser
    error_task_class = _ProblemTask
    answered = False  # whether a request was taken in already

    def service(self) -> None:
        """Answer what was taken in."""
        self.answered = True
        super().service()

    def handle_close(self) -> None:
        """Break off; what had arrived of a piece of an upload is not thrown away."""
        cut = cut_piece(self)
        super().handle_close()
        if cut is not None:
            self.server.add_task(cut)


class _Server(Server):
    channel_class = _Channel


def listen(host: str, port: int) -> socket.socket:
    """The one socket of a server; whoever connects before the server runs waits. waitress would open a socket for each
    address that a name has.

    Args:
        port: 0 takes a free one.

    Raises:
        OSError: the address cannot be listened on.
    """
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def make_server(app: Flask, listening: socket.socket, *, threads: int = THREADS) -> Any:
    """A server on a socket of :func:`listen`, which is then its own: ``run()`` serves until :func:`stop`,
    ``effective_port`` is where.
    """
    settings = parts_of(app).settings
    try:
        server = _listening_server(
            app,
            listening,
            threads=threads,
            backlog=512,
            channel_timeout=120,
            channel_request_lookahead=1,  # so that a stream learns that its client is gone
            recv_bytes=64 * 1024,
            outbuf_high_watermark=OUTGOING,
            max_request_body_size=SMALL_BODY,
            asyncore_use_poll=True,  # select() ends at 1024 connections
            clear_untrusted_proxy_headers=not settings.trusted_proxies,  # else the app sorts them out
            ident=None,
        )
    except BaseException:
        listening.close()
        raise
    proxies = parsed_networks(settings.trusted_proxies)
    server.most, server.most_of_one = CONNECTIONS, settings.connections_of_address
    server.is_shared, server.cut = lambda address: belongs(address, proxies), Counter()
    server.adj.send_bytes = 1  # an event goes out at once, not when 18 kB have gathered
    server.adj.sonorize_spool = parts_of(app).submitter.spool.folder
    server.adj.sonorize_bounds = _bounds(server.adj, parts_of(app).submitter.limits.max_bytes)
    return server


def _listening_server(app: Flask, listening: socket.socket, *, threads: int, **adjusted: Any) -> Any:
    """What waitress's ``create_server`` makes, of our own kind."""
    adjustments = Adjustments(sockets=[listening], threads=threads, **adjusted)
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(threads)
    where = (listening.family, listening.type, listening.proto, listening.getsockname())
    return _Server(app, {}, True, listening, dispatcher=dispatcher, adj=adjustments, bind_socket=False, sockinfo=where)


def stop(server: Any) -> None:
    """End a server's ``run()`` from another thread: close its connections, let its threads finish what they do."""
    # Only the loop's own thread may touch the connections: it is told to close them when it wakes.
    server.trigger.pull_trigger(lambda: _close_all(server))
    server.task_dispatcher.shutdown()


def _close_all(server: Any) -> None:
    """Close every connection, in the loop's own thread; of uploads, keep what had arrived before."""
    for channel in list(server.active_channels.values()):
        with suppress(Exception):
            if (cut := cut_piece(channel)) is not None:
                cut.service()
    wasyncore.close_all(server._map, ignore_all=True)


def _bounds(adjustments: Any, file_bytes: int) -> Mapping[str, Any]:
    def bounded(most: int) -> Any:
        own = copy.copy(adjustments)
        own.max_request_body_size = most
        return own

    one, several = bounded(file_bytes + ROUND_ABOUT), bounded(BODY_IN_FILES * file_bytes + ROUND_ABOUT)
    files = {**dict.fromkeys(_ONE_FILE, one), **dict.fromkeys(_SEVERAL, several)}
    return {**files, _SCORE.pattern: bounded(SCORE_BYTES)}
