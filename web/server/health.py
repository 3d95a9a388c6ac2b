"""Is it alive, is it ready, how is it doing: for those who run the server.

The broker only carries notifications: without it jobs are accepted and done a little later, so its absence makes the
server degraded and not unready. Without database or storage nothing can be accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, g, json

from web.context import Site, caller, site
from web.security.sessions import METRICS
from web.server.metrics import METRICS_TYPE, exposition
from workers.errors import DatabaseDamaged
from workers.faults import reason_of
from workers.files import disk
from workers.owners.keys import Scope

blueprint = Blueprint("health", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """200 as long as requests are answered at all."""
    return Response("alive\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 when jobs can be accepted, 503 when not; says what is away, and what goes wrong in the background."""
    parts = site()
    needed = {
        "database": _try(parts.jobs.check),
        "storage": _try(parts.storage.check),
        "spool": _try(parts.submitter.spool.check),
    }
    broker = _try_broker(parts)
    ready = all(answer == "ok" for answer in needed.values())
    reasons = {one.part: one.reason for one in parts.faults if one.reason is not None}
    whole = broker in ("ok", "not asked") and not reasons
    status = ("ready" if whole else "degraded") if ready else "unready"
    body = {"status": status, "checks": {**needed, "broker": broker}, **({"reasons": reasons} if reasons else {})}
    return Response(json.dumps(body) + "\n", 200 if ready else 503, content_type="application/json")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus."""
    by_owner = g.by == METRICS or (g.keyed and Scope.ADMIN in caller().scopes)
    return Response(exposition(current_app, by_owner=by_owner), content_type=METRICS_TYPE)


def _try(check: Callable[[], Any]) -> str:
    try:
        check()
    except Exception as error:
        current_app.logger.warning("not ready: %s", error)
        if isinstance(error, DatabaseDamaged):
            return "damaged"
        return "full" if disk.is_full(error) else "away"
    return "ok"


def _try_broker(parts: Site) -> str:
    """``ok``, or in words why not."""
    if parts.broker_check is None:
        return "not asked"
    try:
        parts.broker_check()
    except Exception as error:
        return reason_of(error).removeprefix("the broker: ")
    return "ok"
