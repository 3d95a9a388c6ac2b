"""What goes wrong, said twice: as RFC 9457 problem+json to programs, as a page to people.

Errors of the library and of the job's life are mapped once, in :func:`problem_of`; views just let them rise. A
:class:`Problem` is raised by the web itself. :data:`KINDS` is also what the documentation lists.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, json, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoRoute

from synth.errors import Cancelled, MediaError, OptionError, SynthError, WeightsError
from workers.errors import (
    ChecksumMismatch,
    Conflict,
    DatabaseError,
    DatabaseFull,
    Gone,
    Locked,
    NotFound,
    OverQuota,
    QueueFull,
    ServiceError,
    StorageError,
    TooMany,
    WorkError,
)
from workers.files import disk

PROBLEM_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 15


@dataclass(frozen=True)
class Kind:
    """One kind of problem: its status, its title, and what to do about it."""

    status: int
    title: str
    remedy: str


KINDS: Final[dict[str, Kind]] = {
    "bad-request": Kind(400, "The request cannot be read", "Check the form of the request; its detail says where."),
    "unauthorized": Kind(401, "An API key is needed", "Send `Authorization: Bearer <key>`, or log in on the page."),
    "forbidden": Kind(403, "Not from there", "Reload the page and send the form again; programs send a Bearer key."),
    "scope": Kind(403, "The key is not good for that", "Use a key with the scope that the detail names."),
    "not-found": Kind(404, "There is nothing here", "Check the address. What belongs to another key is not shown."),
    "method": Kind(405, "Not with this method", "The `Allow` header names the methods."),
    "conflict": Kind(409, "That cannot be done now", "Read the job again: its state has changed, or wait for it."),
    "gone": Kind(410, "It is there no longer", "Begin again: it expired or was deleted."),
    "precondition": Kind(412, "Another version of the protocol", "Send `Tus-Resumable: 1.0.0` with every tus request."),
    "too-large": Kind(
        413, "The upload is too large", "Send a smaller file; `GET /v1/limits` says how large it may be."
    ),
    "unsupported-type": Kind(415, "The body is of another kind", "Send multipart/form-data with the clip in `file`."),
    "range": Kind(416, "The file has no such bytes", "Ask for a range inside the file's length."),
    "media": Kind(422, "The clip is refused", "Send a whole, ordinary video within the limits of `GET /v1/limits`."),
    "option": Kind(422, "An option is not allowed", "The detail says what it was and what is allowed."),
    "idempotency": Kind(422, "The key was used for something else", "Use a new `Idempotency-Key` for a new request."),
    "locked": Kind(423, "Somebody is writing to it", "Ask with `HEAD` where the upload stands, and go on from there."),
    "too-many-uploads": Kind(
        429, "Too many unfinished uploads", "Finish or delete some: `GET /v1/uploads` lists them."
    ),
    "queue-full": Kind(429, "The queue is full", "Wait as long as `Retry-After` says, then send it again."),
    "checksum": Kind(460, "It arrived damaged", "Send the same piece again: nothing of it was kept."),
    "rate-limited": Kind(429, "You ask too often", "Wait as long as `Retry-After` says."),
    "quota": Kind(
        429,
        "Your quota is used up",
        "`GET /v1/me` says what you have and may have; wait as long as `Retry-After` says.",
    ),
    "internal": Kind(500, "Something broke on our side", "Try again; if it stays, report the request's `id`."),
    "damaged": Kind(500, "A stored file is damaged", "Make the job anew; `sonorize verify --repair` mends the server."),
    "unavailable": Kind(503, "A part of the server is away", "Try again after `Retry-After` seconds."),
    "too-many-streams": Kind(503, "Too many live streams", "Read the job with `GET` every second or two instead."),
    "quota-bytes": Kind(507, "Your storage quota is used up", "Delete results that you do not need."),
    "disk-full": Kind(507, "The server has no room left", "Try again later, or delete results that are not needed."),
}

_BY_STATUS: Final = {400: "bad-request", 401: "unauthorized", 403: "forbidden", 404: "not-found", 405: "method"} | {
    409: "conflict",
    413: "too-large",
    415: "unsupported-type",
    416: "range",
    429: "queue-full",
    503: "unavailable",
}
# The first that fits counts, so what is special stands before what is general.
_BY_CLASS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (OptionError, "option"),
    (MediaError, "media"),
    (WeightsError, "unavailable"),
    (Cancelled, "conflict"),
    (SynthError, "media"),
    (QueueFull, "queue-full"),
    (TooMany, "too-many-uploads"),
    (ChecksumMismatch, "checksum"),
    (Locked, "locked"),
    (Conflict, "conflict"),
    (Gone, "gone"),
    (NotFound, "not-found"),
    (StorageError, "unavailable"),
    (DatabaseError, "unavailable"),
    (ServiceError, "unavailable"),
    (WorkError, "conflict"),
)

_HEADERS: Final = {"queue-full": {"Retry-After": str(RETRY_AFTER_S)}, "locked": {"Retry-After": "1"}}


@dataclass
class Problem(Exception):
    """A refusal with a kind of :data:`KINDS`, one sentence, and what else the caller should know.

    Attributes:
        code: key of :data:`KINDS`.
        detail: one sentence, fit to be shown.
        headers: for the response.
        more: further members of the problem document.
    """

    code: str
    detail: str
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Status, title and remedy."""
        return KINDS[self.code]

    def as_json(self) -> dict[str, Any]:
        """The problem document (RFC 9457)."""
        return {
            "type": f"/docs#problem-{self.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "code": self.code,
            "detail": self.detail,
            **self.more,
        }


def problem_of(error: Exception, **more: Any) -> Problem:
    """What ``error`` means to a caller; for what nobody foresaw, nothing but a number to report."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, DatabaseFull) or (isinstance(error, OSError) and disk.is_full(error)):
        return Problem("disk-full", "the server's disk is full", _later(), more)
    if isinstance(error, OverQuota):
        wait_s = error.retry_after_s
        later = {} if wait_s is None else {"Retry-After": str(math.ceil(wait_s))}
        return Problem(
            "quota-bytes" if error.of == "bytes" else "quota", str(error), later, {"quota": error.of, **more}
        )
    for kind, code in _BY_CLASS:
        if isinstance(error, kind):
            if code == "unavailable":
                # Its text may name the machine's own parts; that is for the log, not for strangers.
                current_app.logger.error("unavailable: %s", error)
                return _disk_or_away(error, more)
            return Problem(code, str(error), dict(_HEADERS.get(code, {})), more)
    if isinstance(error, HTTPException):
        return _of_http(error)
    return Problem("internal", "an unexpected error; it was logged", more=more)


def _disk_or_away(error: Exception, more: dict[str, Any]) -> Problem:
    if disk.is_full(error.__cause__):
        return Problem("disk-full", "the server's disk is full", _later(), more)
    return Problem("unavailable", "the server cannot reach one of its parts", _later(), more)


def _of_http(error: HTTPException) -> Problem:
    code = _BY_STATUS.get(error.code or 500, "internal" if (error.code or 500) >= 500 else "bad-request")
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    if error.description == NoRoute.description:  # it speaks of a server and of spelling
        return Problem(code, "there is no page at this address", headers)
    return Problem(code, (error.description or error.name).split("\n")[0], headers)


def _later() -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER_S)}


def problem_response(problem: Problem, more: Mapping[str, Any] | None = None) -> Response:
    """The problem as application/problem+json."""
    body = json.dumps({**problem.as_json(), **(more or {})}) + "\n"
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(body, problem.kind.status, headers, content_type=PROBLEM_TYPE)


def install(app: Flask) -> None:
    """Answer every error of ``app`` here."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """An error as a response: a problem document for programs, a page for people."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return Response(status=error.code, headers=error.get_headers())  # a redirect that routing asked for
    problem = problem_of(error)
    if problem.code == "internal":
        number = secrets.token_hex(6)
        problem.more["id"] = number
        current_app.logger.error("request %s broke: %s %s", number, request.method, request.path, exc_info=error)
    if _for_programs():
        return problem_response(problem, {"instance": request.path})
    g.broken = True  # the page's own decorations must not fail a second time
    page = render_template("error.html", problem=problem, back=_form_page())
    return Response(page, problem.kind.status, problem.headers, content_type="text/html; charset=utf-8")


def _form_page() -> str | None:
    """Path of the page of ours whose form was refused."""
    before = urlsplit(request.referrer or "")
    return before.path if request.method == "POST" and before.netloc == request.host else None


def _for_programs() -> bool:
    if request.path.startswith(("/v1/", "/livez", "/readyz", "/metrics")):
        # Programs take anything; only a browser that opens the address as a page names HTML.
        return "text/html" not in request.headers.get("Accept", "") or request.method not in ("GET", "HEAD")
    best = request.accept_mimetypes.best_match(["text/html", "application/json", PROBLEM_TYPE], default="text/html")
    return best != "text/html"
