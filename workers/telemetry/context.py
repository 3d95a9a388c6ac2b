"""Which request and which job this thread is about: set at the edges, read by log lines, rows and spans."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_ID: Final = re.compile(r"[A-Za-z0-9._~:+/=@-]{1,128}")
_REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
_JOB_ID: Final[ContextVar[str | None]] = ContextVar("job_id", default=None)


def request_id() -> str | None:
    """The id of the request that this thread answers, or whose job it does."""
    return _REQUEST_ID.get()


def job_id() -> str | None:
    """The job that this thread does."""
    return _JOB_ID.get()


def accepted_id(given: str | None) -> str:
    """A caller's id of its request, where it can stand in a log line as it is; else a new one."""
    return given if given is not None and _ID.fullmatch(given) else secrets.token_hex(16)


@contextmanager
def about(*, request: str | None = None, job: str | None = None) -> Iterator[None]:
    """What this thread does in the block is about that request and that job."""
    requested, done = _REQUEST_ID.set(request), _JOB_ID.set(job)
    try:
        yield
    finally:
        _REQUEST_ID.reset(requested)
        _JOB_ID.reset(done)


def begin_request(id: str) -> None:
    """Until :func:`end_request`, in this thread: a server answers one request after another in it."""
    _REQUEST_ID.set(id)


def end_request() -> None:
    """See :func:`begin_request`."""
    _REQUEST_ID.set(None)
