"""Where several jobs stand, live: for a batch, a gallery, or anybody's own list.

Each event tells those jobs whose state differs from what this stream told before, the first event all of them. The
same is to be had without a stream, for callers that got none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from flask import Blueprint, Response, request

from web.api import events
from web.api.events import EventStream, state_json
from web.api.jobs import reply
from web.api.operations import Operation, describes
from web.api.schemas.gallery import LiveQuery, States
from web.context import Site, caller, queue_view, site, viewer
from web.security.sessions import still_allowed
from workers.errors import DatabaseError
from workers.jobs import Job
from workers.owners.keys import Scope

blueprint = Blueprint("live", __name__)

LOOK_EVERY_S: Final = 1.0


@blueprint.get("/v1/states")
@describes(
    Operation(
        "readStates", "Where several of your jobs stand", {200: States}, ("option",), query=LiveQuery, scope=Scope.READ
    )
)
def states(query: LiveQuery) -> Response:
    """Where several jobs stand."""
    found = _found(site(), query, viewer())
    view = queue_view()
    told = [state_json(job, view) for job in found]
    return reply({"jobs": told, "newer": _newer(site(), query, viewer())})


@blueprint.get("/v1/events")
@describes(
    Operation(
        "followJobs",
        "Where several of your jobs stand, live, as server-sent events",
        {200: ("text/event-stream",)},
        ("option", "too-many-streams"),
        query=LiveQuery,
        scope=Scope.READ,
    )
)
def follow(query: LiveQuery) -> Response:
    """The states of several jobs, live."""
    gone: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
    body = EventStream(
        site().streams, _follow(site(), query, viewer(), gone, still_allowed(caller())), events.holder_of(viewer())
    )
    return events.streaming(body)


def _follow(
    parts: Site, query: LiveQuery, owner: str | None, gone: Callable[[], bool], allowed: Callable[[], bool]
) -> Iterator[bytes]:
    yield b"retry: 2000\n\n"
    until_s, breath_s = time.monotonic() + events.STREAM_S, time.monotonic()
    known: dict[str, dict[str, Any]] = {}
    newer = -1
    while time.monotonic() < until_s and not gone():
        with suppress(DatabaseError):  # busy or away for a moment: the next look will tell
            if not allowed():
                yield b"event: unauthorized\ndata: {}\n\n"
                return  # who comes back gets 401
            found = _found(parts, query, owner)
            view = parts.streams.queue(parts.jobs)
            told = {job.id: state_json(job, view) for job in found}
            changed = [state for job_id, state in told.items() if known.get(job_id) != state]
            missing = [job_id for job_id in known if job_id not in told]
            before, newer = newer, _newer(parts, query, owner)
            if changed or missing or newer != before:
                breath_s, known = time.monotonic(), told
                data = json.dumps({"jobs": changed, "gone": missing, "newer": newer})
                yield f"event: states\ndata: {data}\n\n".encode()
        if time.monotonic() - breath_s > events.BREATH_EVERY_S:
            breath_s = time.monotonic()
            yield b": still here\n\n"
        time.sleep(LOOK_EVERY_S)


def _found(parts: Site, query: LiveQuery, owner: str | None) -> list[Job]:
    ids = query.ids.split(",") if query.ids else []
    return parts.jobs.without_results(owner, ids=ids, batch_id=query.batch_id or None)


def _newer(parts: Site, query: LiveQuery, owner: str | None) -> int:
    return parts.jobs.made_after(owner, query.newer_than) if query.newer_than else 0
