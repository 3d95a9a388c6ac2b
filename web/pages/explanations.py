"""What the nets say of a result, in detail: why, where in the picture, and which other results sound alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Response, render_template

from synth.description import texture_kinds
from synth.options import Options
from web.api import media
from web.api.media import Item
from web.api.operations import Operation, describes
from web.api.problems import Problem
from web.api.representations import METHODS, job_json, outputs
from web.api.schemas.files import HeatMapQuery
from web.context import owner, site, viewer
from web.pages import phrases
from workers.errors import Conflict, NotFound, ObjectNotFound
from workers.jobs import MAX_PAGE, Job, State
from workers.owners.keys import Scope
from workers.records import OVERLAY

blueprint = Blueprint("explanations", __name__)

PATIENCE_S: Final = 45.0
AT_ONCE: Final = 3
TEXTURE_PAGES: Final = 5
"""So many times :data:`workers.jobs.MAX_PAGE` of the newest results are sorted by texture."""
IN_A_ROW: Final = 12
_POLL_S: Final = 0.15
_WAITING: Final = threading.BoundedSemaphore(AT_ONCE)


@blueprint.get("/jobs/<job_id>/explain")
def explain(job_id: str) -> str:
    """Everything that is known of a result, with what each number means."""
    job = site().job(job_id)
    takes = outputs(job)
    if not takes:
        raise Problem("not-found", "the job has no result to explain")
    return render_template("explain.html", job=job, told=job_json(job), takes=takes)


@blueprint.get("/gallery/textures")
def textures() -> str:
    """The caller's newest results by how they sound: a row a kind of texture."""
    found: dict[int, list[Job]] = {}
    cursor: str | None = None
    for _ in range(TEXTURE_PAGES):
        jobs, cursor = site().jobs.recent(owner=viewer(), state=State.SUCCEEDED, cursor=cursor, limit=MAX_PAGE)
        for job in jobs:
            if (texture := _texture(job)) is not None:
                found.setdefault(int(texture["cluster"]), []).append(job)
        if cursor is None:
            break
    known = texture_kinds.kinds()
    rows = [
        {
            "name": phrases.kind_name(cluster, known[cluster].name if cluster < len(known) else _texture_name(jobs)),
            "bands": known[cluster].bands if cluster < len(known) else (),
            "jobs": jobs[:IN_A_ROW],
            "count": len(jobs),
        }
        for cluster, jobs in sorted(found.items(), key=lambda row: (-len(row[1]), row[0]))
    ]
    return render_template("textures.html", rows=rows)


def _texture(job: Job) -> Mapping[str, Any] | None:
    """The texture of the take that fits best."""
    told = [entry["description"] for entry in outputs(job) if entry.get("description")]
    best = min(told, key=lambda one: int(one["rank"]), default=None)
    return None if best is None else best.get("texture")


def _texture_name(jobs: Sequence[Job]) -> str | None:
    return (_texture(jobs[0]) or {}).get("name")


@blueprint.get("/v1/jobs/<job_id>/takes/<int:take>/heat-map.mp4")
@describes(
    Operation(
        "readHeatMapVideo",
        "A take with the maps of where its sound comes from moving over it; drawn when it is first asked for",
        {200: ("video/mp4",), 206: ("video/mp4",), 302: None, 304: None},
        ("not-found", "option", "conflict", "range", "queue-full", "damaged"),
        query=HeatMapQuery,
        headers=("Range", "If-None-Match"),
        scope=Scope.READ,
    )
)
def heat_map_video(job_id: str, take: int, query: HeatMapQuery) -> Response:
    """A take with its heat maps moving over it."""
    job, method = site().job(job_id), query.method
    entry = next((entry for entry in outputs(job) if entry["take"] == take), None)
    if entry is None or entry.get("maps_key") is None or entry.get(f"heat_{method}_key") is None:
        raise Problem("not-found", f"there are no heat maps of take {take} by {METHODS[method]}")
    key = f"{str(entry['maps_key']).removesuffix('.maps.npz')}.{method}.mp4"
    if not _is_stored(key):
        _have_drawn(job, entry, method, key)
    return media.send(Item(key, media.stored_name(job, {**entry, "key": key}, "video").replace(".sonorized", ".heat")))


def _is_stored(key: str) -> bool:
    try:
        return site().storage.size(key) > 0
    except ObjectNotFound:
        return False


def _have_drawn(job: Job, entry: Mapping[str, Any], method: str, key: str) -> None:
    """Ask a worker, and wait, but not for ever: what is asked for stays asked for, and is there the next time.

    Raises:
        Problem: ``unavailable``, while it is not there yet; or it cannot be drawn.
        WorkError: the queue is full, or a part of the server is away.
    """
    if not _WAITING.acquire(blocking=False):  # threads that wait must not be all that there are
        raise Problem("unavailable", "other videos are being drawn; ask again", {"Retry-After": "5"})
    try:
        question = site().jobs.create(
            options=Options(),
            title="",
            source_key=str(entry["key"]),
            info={"maps_key": entry["maps_key"], "method": method, "target_key": key},
            owner=owner(),
            idempotency_key=f"{OVERLAY} {key}",
            request_hash=job.id,
            mode=OVERLAY,
        )
        site().submitter.notify(OVERLAY)
        _wait(question.id, key)
    finally:
        _WAITING.release()


def _wait(question_id: str, key: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        failure = _failure(question_id)
        if _is_stored(key):
            return
        if failure is not None:
            raise Conflict(failure)
        time.sleep(_POLL_S)
    raise Problem("unavailable", "the video is still being drawn; ask again", {"Retry-After": "10"})


def _failure(question_id: str) -> str | None:
    """Why a question that has ended was not answered; one that has ended is taken away."""
    try:
        asked = site().jobs.get(question_id, None)
        if not asked.state.final:
            return None
        site().jobs.delete(question_id, None, has_files=False)  # it asked about another job's
    except NotFound:  # somebody else who waited for the same took it away
        return "the video could not be drawn"
    return str((asked.error or {}).get("detail", "the video could not be drawn"))
