"""The API's jobs: create, list, read, follow, cancel, retry, vary, delete. Batches are in :mod:`web.api.batches`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, json, request

from synth.errors import MediaError
from synth.options import truth
from web.api import events, media
from web.api.operations import BODY, QUEUING, UPLOADING, Operation, describes, json_body, parsed
from web.api.problems import Problem
from web.api.representations import eta_s, job_json, links, outputs
from web.api.schemas import jobs as schemas
from web.api.schemas.files import Download
from web.api.schemas.gallery import ListQuery
from web.api.schemas.jobs import (
    Cancel,
    CancelQuery,
    JobOfUpload,
    JobsQuery,
    Limits,
    Probe,
    ProbeUpload,
    Upload,
    Variants,
)
from web.api.score import stems_archive
from web.api.semantics import preferences
from web.api.semantics.conditional import retry_after, unless_known
from web.api.semantics.tickets import ticket_of
from web.api.semantics.waiting import ended
from web.context import caller, look_at_the_queue_again, owner, site, viewer
from web.gallery import listing as lists
from web.security.sessions import still_allowed
from web.uploads import forms
from web.uploads.multipart import Form, read_form
from web.uploads.titles import info_json
from web.uploads.variants import options_with, variant_seeds
from workers.jobs import Job, State
from workers.owners.keys import Scope

blueprint = Blueprint("api", __name__, url_prefix="/v1")

MAX_KEY_LENGTH: Final = 200
NOT_OPTIONS: Final = frozenset({"csrf_token"})


def reply(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, as this API writes it."""
    return Response(_text(body), status, dict(headers or {}), content_type="application/json")


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body) + "\n"


def receive(folder: Any, *, files: int, total_bytes: int) -> Form:
    """Read the body of this request into the spool.

    Raises:
        Problem: it is of another kind, too large, broken, or there is no room.
    """
    announced = request.content_length or 0
    if announced > total_bytes:
        raise Problem("too-large", f"the request has {announced} bytes; allowed are {total_bytes}")
    submitter = site().submitter
    submitter.spool.make_room(announced)
    return read_form(request.stream, request.headers.get("Content-Type", ""), folder, submitter.bounds(files))


def keeps_partial(*asked: str | bool | None) -> bool:
    """Whether a request to cancel wants to keep what was made: the first that says so.

    Raises:
        OptionError: neither true nor false.
    """
    return any(truth("keep_partial", one) for one in asked)


def idempotency_key() -> str | None:
    """The request's ``Idempotency-Key``.

    Raises:
        Problem: it is too long or not plain text.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise Problem("bad-request", f"Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable ASCII characters")
    return key


def without_token(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of a form without the one that only shows where it comes from."""
    return {name: value for name, value in fields.items() if name not in NOT_OPTIONS}


def page_of_jobs(query: JobsQuery, **filters: Any) -> tuple[list[Job], str | None]:
    """One page of the caller's jobs."""
    return site().jobs.recent(
        owner=viewer(),
        state=State(query.state) if query.state else None,
        mode=query.mode,
        cursor=query.cursor,
        limit=query.limit,
        **filters,
    )


@blueprint.get("/limits")
@describes(
    Operation(
        "readLimits",
        "What a clip may be",
        {200: Limits, 304: None},
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def limits() -> Response:
    """What a clip may be."""
    modes = [mode.value for mode in forms.MODES]
    told = {**asdict(site().submitter.limits), "modes": modes, "libraries": list(site().libraries)}
    return unless_known(reply(told))


@blueprint.post("/jobs")
@describes(
    Operation(
        "createJob",
        "Upload a clip and make a job of it",
        {200: schemas.Job, 202: schemas.Job},
        (*UPLOADING, "conflict", "idempotency", "not-found", "gone", "locked"),
        form=Upload,
        instead=JobOfUpload,
        headers=("Idempotency-Key", "Prefer", "Cancel-After"),
        scope=Scope.WRITE,
    )
)
def create() -> Response:
    """Make a job of one clip: a file of the request, or an upload."""
    submitter, key = site().submitter, idempotency_key()
    with submitter.once(owner(), key), submitter.spool.request() as folder:
        if request.is_json:
            return accepted(_of_upload(parsed(JobOfUpload, json_body()), key))
        form = receive(folder, files=1, total_bytes=submitter.limits.max_bytes + 1024**2)
        asked = parsed(Upload, without_token(form.fields))
        if form.uploads and asked.upload:
            raise Problem("bad-request", "the request holds a file and names an upload; send one of them")
        if asked.upload:
            return accepted(_of_upload(asked, key))
        if not form.uploads:
            raise Problem("bad-request", "there is no file in the request; send the clip as the field `file`")
        job = submitter.submit(form.uploads[0], ticket_of(asked, key))
    return accepted(job)


def _of_upload(asked: Upload | JobOfUpload, key: str | None) -> Job:
    return site().clips.submit(asked.upload, viewer(), ticket_of(asked, key))


def accepted(job: Job) -> Response:
    """202 for a job that will be done; 200 and the whole job where the caller prefers to wait and it ends in time."""
    headers = {"Location": links(job)["self"]}
    # A key that may send clips and see nothing is not shown what becomes of them.
    wait_s = preferences.wait_s() if Scope.READ in caller().scopes else None
    waited = None if wait_s is None else _waited(job, wait_s)
    if wait_s is not None and waited is not None:
        job, headers = waited, {**headers, **preferences.applied(wait_s)}
        if job.state.final:
            return reply(job_json(job), 200, headers)
    return reply(job_json(job, hits=False), 202, headers | retry_after(eta_s(job)))


def _waited(job: Job, seconds: float, done: Callable[[Job], bool] = ended) -> Job | None:
    """The job as it is when the caller has waited for it; ``None`` where too many wait."""
    found = site().waits.until(site().jobs, job, seconds, done)
    look_at_the_queue_again()
    return found


@blueprint.get("/jobs")
@describes(
    Operation(
        "listJobs",
        "Your jobs, newest first or in another order; filtered by what was asked for, or by what was made",
        {200: schemas.Jobs, 304: None},
        ("option",),
        query=ListQuery,
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def listing(query: ListQuery) -> Response:
    """The caller's jobs."""
    found, cursor = lists.page(query)
    return unless_known(reply({"jobs": [job_json(job, hits=False) for job in found], "next_cursor": cursor}))


@blueprint.get("/jobs/<job_id>")
@describes(
    Operation(
        "readJob",
        "One job",
        {200: schemas.Job, 304: None},
        ("not-found",),
        headers=("If-None-Match", "Prefer"),
        scope=Scope.READ,
    )
)
def read(job_id: str) -> Response:
    """One job; 304 when it is as the caller knows it.

    With ``Prefer: wait`` the answer comes when the job has ended, or, to a caller that shows what it knows, as soon as
    something has changed.
    """
    wait_s, headers = preferences.wait_s(), dict[str, str]()
    if wait_s is None:
        asked = (viewer(), job_id, site().jobs.moment())
        body, headers = site().answers.get(asked, lambda: _told(site().job(job_id)))
        return unless_known(Response(body, 200, headers, content_type="application/json"))
    job = site().job(job_id)
    if not job.state.final and not (request.if_none_match and not _as_known(job)):
        known = events.state_json(job, None)
        changed = (lambda one: events.state_json(one, None) != known) if request.if_none_match else ended
        waited = _waited(job, wait_s, changed)
        if waited is not None:
            job, headers = waited, preferences.applied(wait_s)
    return _answered(job, headers)


def _as_known(job: Job) -> bool:
    """Whether the caller has the newest answer already."""
    return _answered(job, {}).status_code == 304


def _answered(job: Job, headers: Mapping[str, str]) -> Response:
    body, again = _told(job)
    return unless_known(Response(body, 200, {**again, **headers}, content_type="application/json"))


def _told(job: Job) -> tuple[bytes, dict[str, str]]:
    """A job as it is answered, and the headers that go with it."""
    return _text(job_json(job)).encode(), {} if job.state.final else retry_after(eta_s(job))


@blueprint.delete("/jobs/<job_id>")
@describes(
    Operation("deleteJob", "Delete a job and its files", {204: None}, ("not-found", "disk-full"), scope=Scope.WRITE)
)
def delete(job_id: str) -> Response:
    """Take a job and its files away."""
    site().submitter.delete(job_id, viewer())
    return Response(status=204)


@blueprint.post("/jobs/<job_id>/cancel")
@describes(
    Operation(
        "cancelJob",
        "Stop a job, and keep what was made of it if asked to",
        {200: schemas.Cancellation, 202: schemas.Cancellation},
        (*BODY, "not-found", "disk-full"),
        query=CancelQuery,
        body=Cancel,
        scope=Scope.WRITE,
    )
)
def cancel(job_id: str, query: CancelQuery, body: Cancel) -> Response:
    """Stop a job, and keep what was made of it if asked to."""
    keep = keeps_partial(body.keep_partial, query.keep_partial)
    outcome = str(site().submitter.cancel(job_id, viewer(), keep_partial=keep))
    return reply({"id": job_id, "outcome": outcome}, 202 if outcome == "cancellation_requested" else 200)


@blueprint.post("/jobs/<job_id>/retry")
@describes(
    Operation(
        "retryJob",
        "Queue a failed or canceled job again",
        {200: schemas.Job, 202: schemas.Job},
        ("not-found", "conflict", *QUEUING),
        headers=("Prefer",),
        scope=Scope.WRITE,
    )
)
def retry(job_id: str) -> Response:
    """Queue a job again that failed or was cancelled."""
    job = site().jobs.retry(job_id, viewer())
    site().submitter.notify(job.mode)
    return accepted(job)


@blueprint.post("/jobs/<job_id>/variants")
@describes(
    Operation(
        "varyJob",
        "The same clip with other seeds or options, as new jobs; nothing is uploaded again",
        {202: schemas.Created},
        (*BODY, "not-found", "conflict", *QUEUING),
        body=Variants,
        scope=Scope.WRITE,
    )
)
def variants(job_id: str, body: Variants) -> Response:
    """New jobs for the same clip, with other seeds or options."""
    job = site().job(job_id)
    asked = body.model_dump(exclude_unset=True)
    given: dict[str, Any] = {name: value for name, value in (body.options or {}).items() if name != "seed"}
    if body.sound_class:
        given["sound_class"] = body.sound_class
    options = options_with(given, job.options, site().libraries)
    takes = {} if "takes" in given else {"takes": 1}
    made = site().submitter.vary(job, variant_seeds({**(body.options or {}), **asked}, job), owner(), options | takes)
    return reply({"jobs": [job_json(new, hits=False) for new in made]}, 202, {"Location": links(made[0])["self"]})


@blueprint.get("/jobs/<job_id>/events")
@describes(
    Operation(
        "followJob",
        "Live progress as server-sent events; each event is the whole state",
        {200: ("text/event-stream",), 204: None},
        ("not-found", "too-many-streams"),
        headers=("Last-Event-ID",),
        scope=Scope.READ,
    )
)
def follow(job_id: str) -> Response:
    """The job's progress, live."""
    allowed = still_allowed(caller())
    return events.respond(site().jobs, site().streams, site().job(job_id), viewer(), allowed)


@blueprint.get("/jobs/<job_id>/outputs/<int:take>/<kind>")
@describes(
    Operation(
        "readOutput",
        "A file of a take: video, sound, hit list, provenance, thumbnail, or maps of where its sound comes from",
        {200: media.MEDIA_TYPES, 206: media.MEDIA_TYPES, 302: None, 304: None},
        ("not-found", "range", "damaged"),
        query=Download,
        headers=("Range", "If-None-Match"),
        scope=Scope.READ,
    )
)
def output(job_id: str, take: int, kind: str, query: Download) -> Response:
    """One file of one take."""
    job = site().job(job_id)
    found = next((entry for entry in outputs(job) if entry["take"] == take), None)
    if found is None:
        raise Problem("not-found", f"the job has no take {take}" if outputs(job) else "the job has no result yet")
    if kind == "stems":
        return stems_archive.answer(job, found)
    return media.output(job, found, kind)


@blueprint.post("/probe")
@describes(
    Operation(
        "probeClip",
        "Look at a clip without making a job of it, and let mode auto choose its voice if asked to",
        {200: Probe},
        UPLOADING,
        form=ProbeUpload,
        scope=Scope.WRITE,
    )
)
def probe() -> Response:
    """Look at a clip without making a job of it; with ``route``, let a worker say which voice suits it."""
    submitter = site().submitter
    with submitter.spool.request() as folder:
        form = receive(folder, files=1, total_bytes=submitter.limits.max_bytes + 1024**2)
        if not form.uploads:
            raise MediaError("there is no file in the request; send the clip as the field `file`")
        asked = parsed(ProbeUpload, {"route": request.args.get("route", ""), **form.fields})
        told = info_json(submitter.probe(form.uploads[0].path))
        if truth("route", asked.route):
            told["route"] = submitter.route(form.uploads[0], told, owner())
        return reply(told)
