"""Each request has an id: the caller's or a new one. It is answered, stands in log lines, and goes along with the job.

A caller's ``traceparent`` (W3C Trace Context) gives the id where it gives no ``X-Request-Id``; where traces are
recorded, the request's own span stands in the caller's.
"""

from __future__ import annotations

import logging
import re
import time
from contextlib import AbstractContextManager
from typing import Any, Final

from flask import Flask, Response, g, request

from workers.telemetry import context, tracing

HEADER: Final = "X-Request-Id"
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_log = logging.getLogger("web.requests")


def install(app: Flask) -> None:
    """Number the requests of ``app``. To be called before all else that looks at them."""
    app.before_request(_begin)
    app.after_request(_answer)
    app.teardown_request(_end)


def _begin() -> None:
    parent = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    given = request.headers.get(HEADER)
    g.request_id = context.accepted_id(given if given is not None or parent is None else parent[1])
    g.requested_at = time.perf_counter()
    context.begin_request(g.request_id)
    name = f"{request.method} {request.endpoint or 'nothing'}"
    inside: AbstractContextManager[Any] = tracing.span(name, parent[0] if parent else None, request_id=g.request_id)
    g.request_span = inside
    g.recorded = inside.__enter__()


def _answer(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    spent_s = time.perf_counter() - g.requested_at
    if g.recorded is not None:
        g.recorded.set_attribute("http.response.status_code", response.status_code)
    fields = {
        "method": request.method,
        "view": request.endpoint,
        "status": response.status_code,
        "seconds": round(spent_s, 4),
    }
    _log.info("%s %s: %d", request.method, request.endpoint, response.status_code, extra={"fields": fields})
    return response


def _end(_error: BaseException | None) -> None:
    if (inside := g.pop("request_span", None)) is not None:
        inside.__exit__(None, None, None)
    context.end_request()
