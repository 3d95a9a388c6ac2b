"""What the nets say of a result, in detail: why, where in the picture, and which other results sound alike."""

from __future__ import annotations

import threading
import time
from collections import Counter
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
from workers.gallery import listing
from workers.gallery.listing import Filters
from workers.gallery.made import Kind
from workers.jobs import Job
from workers.owners.keys import Scope
from workers.records import OVERLAY

blueprint = Blueprint("explanations", __name__)

PATIENCE_S: Final = 45.0
AT_ONCE: Final = 3
IN_A_ROW: Final = 6
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
    """The caller's results by how they sound: a group a kind of texture."""
    database, known = site().jobs.database, texture_kinds.kinds()
    rows = []
    for value, count in listing.counts(database, viewer(), Kind.TEXTURE).items():
        cluster = int(value)
        jobs, _ = listing.page(database, Filters(viewer(), made={Kind.TEXTURE: value}), limit=IN_A_ROW)
        name = known[cluster].name if cluster < len(known) else _texture_name(jobs)
        rows.append(
            {
                "cluster": cluster,
                "name": phrases.kind_name(cluster, name),
                "heard": _heard(jobs) or phrases.kind_name(cluster, name),
                "bands": known[cluster].bands if cluster < len(known) else (),
                "jobs": jobs,
                "count": count,
            }
        )
    return render_template("textures.html", rows=rows)


def _heard(jobs: Sequence[Job]) -> str:
    """What is heard most in some results, in a word or three."""
    surest = Counter(
        str(told["tags"][0]["name"])
        for job in jobs
        for told in (entry.get("description") for entry in outputs(job))
        if told and told.get("tags")
    )
    most = [name for name, count in surest.most_common(2) if count * 4 >= surest.total()]
    return " and ".join(most)


def _texture(job: Job) -> Mapping[str, Any] | None:
    """The texture of the take that fits best."""
    told = [entry["description"] for entry in outputs(job) if entry.get("description")]
    best = min(told, key=lambda one: int(one["rank"]), default=None)
    return None if best is None else best.get("texture")


def _texture_name(jobs: Sequence[Job]) -> str | None:
    return (_texture(jobs[0]) or {}).get("name") if jobs else None


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
