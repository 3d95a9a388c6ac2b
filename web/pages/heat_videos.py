"""A take's maps moving over its video: drawn by a worker when somebody first asks, kept from then on.

A program asks for the file and waits for it. A page asks for it to be drawn, shows how far that is, and plays it where
it stands; without scripts a page of its own does the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from synth.options import Options
from web.api import media
from web.api.jobs import reply
from web.api.media import Item
from web.api.operations import BODY, Operation, describes, parsed
from web.api.problems import Problem
from web.api.representations import METHODS, outputs, take_links
from web.api.schemas.files import Drawing, HeatMapChoice, HeatMapQuery
from web.context import owner, queue_view, site
from workers.errors import Conflict, NotFound, ObjectNotFound
from workers.jobs import Job, State
from workers.owners.keys import Scope
from workers.records import OVERLAY

blueprint = Blueprint("heat_videos", __name__)

PATIENCE_S: Final = 45.0
AT_ONCE: Final = 3
_POLL_S: Final = 0.15
_WAITING: Final = threading.BoundedSemaphore(AT_ONCE)
_FAILED: Final = "the video could not be drawn"


@dataclass(frozen=True)
class _Wanted:
    """A video of a take's maps: drawn, being drawn, or not yet asked for."""

    job: Job
    entry: Mapping[str, Any]
    method: str

    @classmethod
    def find(cls, job_id: str, take: int, method: str) -> _Wanted:
        """Raises NotFound, or Problem where the take has no maps of that method."""
        job = site().job(job_id)
        entry = next((entry for entry in outputs(job) if entry["take"] == take), None)
        if entry is None or entry.get("maps_key") is None or entry.get(f"heat_{method}_key") is None:
            raise Problem("not-found", f"there are no heat maps of take {take} by {METHODS[method]}")
        return cls(job, entry, method)

    @property
    def key(self) -> str:
        return f"{str(self.entry['maps_key']).removesuffix('.maps.npz')}.{self.method}.mp4"

    @property
    def link(self) -> str:
        return take_links(self.job, self.entry)[f"heat-map-video-{self.method}"]

    @property
    def stored(self) -> bool:
        try:
            return site().storage.size(self.key) > 0
        except ObjectNotFound:
            return False

    def ask(self) -> Job:
        """Have a worker draw it, once for all who ask.

        Raises:
            WorkError: the queue is full, or a part of the server is away.
        """
        info = {"maps_key": self.entry["maps_key"], "method": self.method, "target_key": self.key}
        question = site().jobs.create(
            options=Options(),
            title="",
            source_key=str(self.entry["key"]),
            info={**info, "duration_s": self.entry["duration_s"]},
            owner=owner(),
            idempotency_key=self._name,
            request_hash=self.job.id,
            mode=OVERLAY,
        )
        site().submitter.notify(OVERLAY)
        return question

    def asked(self) -> Job | None:
        """The question that is under way or has just ended."""
        return site().jobs.find(owner=owner(), idempotency_key=self._name, request_hash=self.job.id)

    @property
    def _name(self) -> str:
        return f"{OVERLAY} {self.key}"

    def as_json(self) -> dict[str, Any]:
        """How far it is; a question that has ended is taken away."""
        told: dict[str, Any] = {"status": "none", "fraction": 0.0, "eta_s": None, "detail": None, "video": None}
        if self.stored:
            return {**told, "status": "drawn", "fraction": 1.0, "video": self.link}
        question = self.asked()
        if question is None:
            return told
        if question.state.final:
            failure = _failure(question.id)
            return {**told, "status": "failed", "detail": failure}
        eta_s = site().jobs.eta_s(question, queue_view())
        waits = question.state is State.QUEUED
        told |= {"status": "waiting" if waits else "drawing", "fraction": round(float(question.progress or 0.0), 3)}
        return {**told, "eta_s": None if eta_s is None else round(eta_s, 1)}


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
    wanted = _Wanted.find(job_id, take, query.method)
    if not wanted.stored:
        _have_drawn(wanted)
    name = media.stored_name(wanted.job, {**wanted.entry, "key": wanted.key}, "video")
    return media.send(Item(wanted.key, name.replace(".sonorized", ".heat")))


@blueprint.get("/v1/jobs/<job_id>/takes/<int:take>/heat-map")
@describes(
    Operation(
        "readHeatMapDrawing",
        "How far the video of a take's maps is",
        {200: Drawing},
        ("not-found", "option"),
        query=HeatMapChoice,
        scope=Scope.READ,
    )
)
def drawing(job_id: str, take: int, query: HeatMapChoice) -> Response:
    """How far it is."""
    return reply(_Wanted.find(job_id, take, query.method).as_json())


@blueprint.post("/v1/jobs/<job_id>/takes/<int:take>/heat-map")
@describes(
    Operation(
        "drawHeatMap",
        "Have the video of a take's maps drawn, without waiting for it",
        {202: Drawing},
        (*BODY, "not-found", "conflict", "queue-full", "disk-full"),
        query=HeatMapChoice,
        scope=Scope.READ,
    )
)
def draw(job_id: str, take: int, query: HeatMapChoice) -> Response:
    """Have it drawn."""
    wanted = _Wanted.find(job_id, take, query.method)
    if not wanted.stored:
        wanted.ask()
    return reply(wanted.as_json(), 202)


@blueprint.get("/jobs/<job_id>/takes/<int:take>/watch")
def watch(job_id: str, take: int) -> str:
    """The maps moving over the video, on a page of its own: for who has no scripts, or opens it in another tab."""
    asked = parsed(HeatMapChoice, {"method": request.args.get("method") or next(iter(METHODS))})
    wanted = _Wanted.find(job_id, take, asked.method)
    told = wanted.as_json()
    if told["status"] == "none":
        wanted.ask()
        told = wanted.as_json()
    words = METHODS[asked.method]
    return render_template("watch.html", job=wanted.job, take=take, told=told, words=words, link=wanted.link)


def _have_drawn(wanted: _Wanted) -> None:
    """Ask a worker, and wait, but not for ever: what is asked for stays asked for, and is there the next time.

    Raises:
        Problem: ``unavailable``, while it is not there yet; or it cannot be drawn.
        WorkError: the queue is full, or a part of the server is away.
    """
    if not _WAITING.acquire(blocking=False):  # threads that wait must not be all that there are
        raise Problem("unavailable", "other videos are being drawn; ask again", {"Retry-After": "5"})
    try:
        _wait(wanted.ask().id, wanted)
    finally:
        _WAITING.release()


def _wait(question_id: str, wanted: _Wanted) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        failure = _failure(question_id)
        if wanted.stored:
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
        return _FAILED
    return str((asked.error or {}).get("detail", _FAILED))
