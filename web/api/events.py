"""Live progress as server-sent events.

Each event is the whole state of the job, so one that is missed costs nothing: its id is a digest of that state, and
a client that comes back with ``Last-Event-ID`` is told only what it does not know. A stream holds a thread of the
server; there is a cap, and beyond it clients are asked to read the job instead, which the pages do by themselves.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from flask import Response, request

from web.api.problems import Problem
from workers.errors import DatabaseError, NotFound
from workers.jobs import Job, Jobs, State
from workers.timing.queue_view import QueueView

LOOK_EVERY_S: Final = 0.4
SEEN_FOR_S: Final = 0.35
BREATH_EVERY_S: Final = 10.0  # a comment now and then tells proxies and us that the other side is there
STREAM_S: Final = 300.0  # then the client connects anew: no thread is held for ever
MAX_STREAMS: Final = 32
MAX_STREAMS_OF_ONE: Final = 16


class Streams:
    """How many streams are open, of all and of each owner and address.

    Args:
        most: of all together.
        most_of_one: of one owner, and from one address.
    """

    def __init__(self, most: int = MAX_STREAMS, most_of_one: int = MAX_STREAMS_OF_ONE) -> None:
        self.most, self.most_of_one = most, most_of_one
        self._open = 0
        self._of: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._view: QueueView | None = None
        self._seen_at = 0.0

    def queue(self, jobs: Jobs) -> QueueView:
        """How the queue stands, as seen a moment ago at most: all streams share one look."""
        with self._looking:
            if self._view is None or time.monotonic() - self._seen_at > SEEN_FOR_S:
                self._view, self._seen_at = jobs.queue(), time.monotonic()
            return self._view

    @property
    def open(self) -> int:
        """Streams open now."""
        return self._open

    def enter(self, *who: str) -> None:
        """Take a place.

        Args:
            who: whose stream it is, by each name under which streams are counted.

        Raises:
            Problem: ``too-many-streams``.
        """
        with self._lock:
            if self._open >= self.most:
                raise self._refusal(f"{self.most} live streams are open, the most here")
            if any(self._of[one] >= self.most_of_one for one in who):
                raise self._refusal(f"{self.most_of_one} live streams of yours are open, the most that one may have")
            self._open += 1
            self._of.update(who)

    def leave(self, *who: str) -> None:
        """Give the place back."""
        with self._lock:
            self._open -= 1
            self._of.subtract(who)
            self._of += Counter()  # forget those who have none

    @staticmethod
    def _refusal(detail: str) -> Problem:
        return Problem("too-many-streams", detail, {"Retry-After": "2"})


class EventStream:
    """The body of one stream: an iterable that gives its place back however it ends."""

    def __init__(self, streams: Streams, events: Iterator[bytes], who: tuple[str, ...]) -> None:
        streams.enter(*who)
        self._streams: Streams | None = streams
        self._who = who
        self._events = events

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._events)

    def close(self) -> None:
        """Called by the server when the response is over or the client is gone."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams.leave(*self._who)


def state_json(job: Job, view: QueueView | None) -> dict[str, Any]:
    """What an event tells of a job.

    Args:
        view: how the queue stands; nothing is told of the time that is left without it.
    """
    waits = job.state is State.QUEUED
    eta_s = None if view is None or job.state.final else view.eta_s(job)
    return {
        "id": job.id,
        "status": job.state.value,
        "stage": job.stage or None,
        "fraction": round(float(job.progress or 0.0), 3),
        "position": max(1, view.position(job)) if waits and view is not None else None,
        "eta_s": None if eta_s is None else _rounded(eta_s),
        "workers": view.workers if waits and view is not None else None,
        "cancel_requested": bool(job.cancel_requested),
        "error": dict(job.error) if job.error else None,
    }


def respond(
    jobs: Jobs, streams: Streams, job: Job, viewer: str | None, allowed: Callable[[], bool] = lambda: True
) -> Response:
    """A stream that follows ``job`` to its end.

    Args:
        allowed: whether the caller's key opens the server still; the stream ends when it does not.

    Raises:
        Problem: ``too-many-streams``.
    """
    known = request.headers.get("Last-Event-ID")
    if known is not None and job.state.final and known == _mark(state_json(job, None)):
        return Response(status=204)  # tells an EventSource that there is nothing to come back for
    gone: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
    return streaming(
        EventStream(streams, _follow(streams, jobs, job.id, viewer, known, gone, allowed), holder_of(viewer))
    )


def streaming(body: EventStream) -> Response:
    """A response that goes out piece by piece."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(body, headers=headers, content_type="text/event-stream; charset=utf-8", direct_passthrough=True)


def holder_of(viewer: str | None) -> tuple[str, ...]:
    """Under which names a stream is counted. An address of this machine may be that of a proxy, and many people's."""
    owner = () if viewer is None else (f"owner:{viewer}",)
    address = request.remote_addr
    return owner if address in (None, "", "127.0.0.1", "::1") else (*owner, f"address:{address}")


def _follow(
    streams: Streams,
    jobs: Jobs,
    job_id: str,
    viewer: str | None,
    known: str | None,
    gone: Callable[[], bool],
    allowed: Callable[[], bool],
) -> Iterator[bytes]:
    yield b"retry: 1500\n\n"
    until_s, breath_s = time.monotonic() + STREAM_S, time.monotonic()
    while time.monotonic() < until_s and not gone():
        with suppress(DatabaseError):  # busy or away for a moment: the next look will tell
            if not allowed():
                yield b"event: unauthorized\ndata: {}\n\n"
                return  # who comes back gets 401
            try:
                job = jobs.get(job_id, viewer)
            except NotFound:
                yield b"event: gone\ndata: {}\n\n"
                return
            state = state_json(job, None if job.state.final else streams.queue(jobs))
            mark = _mark(state)
            if mark != known:
                known, breath_s = mark, time.monotonic()
                yield f"id: {mark}\nevent: state\ndata: {json.dumps(state)}\n\n".encode()
            if job.state.final:
                return
        if time.monotonic() - breath_s > BREATH_EVERY_S:
            breath_s = time.monotonic()
            yield b": still here\n\n"
        time.sleep(LOOK_EVERY_S)


def _rounded(eta_s: float) -> float:
    """To what is worth an event: seconds, from a minute on five of them."""
    return float(round(eta_s) if eta_s < 60 else 5 * round(eta_s / 5))


def _mark(state: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]
