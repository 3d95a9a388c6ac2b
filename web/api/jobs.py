"""The API's jobs: create, list, read, follow, cancel, retry, vary, delete. Batches are in :mod:`web.api.batches`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, json, request

from synth.errors import MediaError
from synth.options import Mode, Options, truth
from web.api import events, media
from web.api.problems import Problem
from web.api.representations import job_json, links, outputs
from web.context import owner, site, viewer
from web.uploads import forms
from web.uploads.multipart import Form, read_form
from web.uploads.submit import Ticket, info_json, variant_seeds
from workers.jobs import Job, State, made_at

blueprint = Blueprint("api", __name__, url_prefix="/v1")

MAX_PAGE: Final = 100
MAX_KEY_LENGTH: Final = 200
NOT_OPTIONS: Final = frozenset({"csrf_token"})


def reply(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, as this API writes it."""
    return Response(json.dumps(body) + "\n", status, dict(headers or {}), content_type="application/json")


def unless_known(response: Response) -> Response:
    """The response with an ETag, or 304 to a caller that has it already."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:24], weak=True)
    response.make_conditional(request)
    return response


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


def body_json() -> dict[str, Any]:
    """The JSON object of a small request, or its form; empty when there is no body.

    Raises:
        Problem: it is not a JSON object.
    """
    if request.mimetype == "application/x-www-form-urlencoded":
        return dict(request.form)
    if not request.content_length:
        return {}
    if not request.is_json:
        raise Problem("unsupported-type", f"the body is {request.mimetype or 'of no stated kind'}; it must be JSON")
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise Problem("bad-request", "the body must be a JSON object")
    return found


def keeping(fields: Mapping[str, Any]) -> bool:
    """Whether a request to cancel wants to keep what was made: by its body or its query.

    Raises:
        OptionError: neither true nor false.
    """
    asked = fields.get("keep_partial", request.args.get("keep_partial"))
    return Options.parse({"keep_partial": asked if asked != "" else None}).keep_partial


def idempotency_key() -> str | None:
    """The request's ``Idempotency-Key``.

    Raises:
        Problem: it is too long or not plain text.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise Problem("bad-request", f"Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable ASCII characters")
    return key


def option_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of a form that are options."""
    return {name: value for name, value in fields.items() if name not in NOT_OPTIONS}


def page_of_jobs(**filters: Any) -> tuple[list[Job], str | None]:
    """One page of the caller's jobs as the query asks for it: ``state``, ``mode``, ``cursor``, ``limit``.

    Raises:
        Problem: ``option``, for a filter that is not known.
    """
    state = _member(State, "state", request.args.get("state"))
    mode = _member(Mode, "mode", request.args.get("mode"))
    raw = request.args.get("limit", "24")
    if not raw.isdecimal() or not 1 <= int(raw) <= MAX_PAGE:
        raise Problem("option", f"limit is {raw[:20]!r}; allowed is 1 to {MAX_PAGE}")
    return site().jobs.recent(
        owner=viewer(), state=state, mode=mode, cursor=request.args.get("cursor") or None, limit=int(raw), **filters
    )


@blueprint.get("/limits")
def limits() -> Response:
    """What a clip may be."""
    modes = [mode.value for mode in forms.MODES]
    return reply({**asdict(site().submitter.limits), "modes": modes, "libraries": list(site().libraries)})


@blueprint.post("/jobs")
def create() -> Response:
    """Make a job of one clip."""
    submitter, key = site().submitter, idempotency_key()
    with submitter.once(owner(), key), submitter.spool.request() as folder:
        form = receive(folder, files=1, total_bytes=submitter.limits.max_bytes + 1024**2)
        if not form.uploads:
            raise Problem("bad-request", "there is no file in the request; send the clip as the field `file`")
        batch_id = form.fields.pop("batch_id", "") or None
        if batch_id is not None and made_at(batch_id) is None:
            raise Problem("option", "batch_id is not the id of a batch: 26 digits and small letters")
        options = forms.parse_options(option_fields(form.fields), site().libraries)
        job = submitter.submit(form.uploads[0], Ticket(owner(), options, batch_id, key))
    return accepted(job)


def accepted(job: Job) -> Response:
    """202 for a job that will be done."""
    return reply(job_json(job, hits=False), 202, {"Location": links(job)["self"]})


@blueprint.get("/jobs")
def listing() -> Response:
    """The caller's jobs, newest first."""
    found, cursor = page_of_jobs(batch_id=request.args.get("batch_id") or None)
    return reply({"jobs": [job_json(job, hits=False) for job in found], "next_cursor": cursor})


@blueprint.get("/jobs/<job_id>")
def read(job_id: str) -> Response:
    """One job; 304 when it is as the caller knows it."""
    return unless_known(reply(job_json(site().job(job_id))))


@blueprint.delete("/jobs/<job_id>")
def delete(job_id: str) -> Response:
    """Take a job and its files away."""
    site().submitter.delete(job_id, viewer())
    return Response(status=204)


@blueprint.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> Response:
    """Stop a job, and keep what was made of it if asked to."""
    outcome = str(site().jobs.cancel(job_id, viewer(), keep_partial=keeping(body_json())))
    return reply({"id": job_id, "outcome": outcome}, 202 if outcome == "cancellation_requested" else 200)


@blueprint.post("/jobs/<job_id>/retry")
def retry(job_id: str) -> Response:
    """Queue a job again that failed or was cancelled."""
    job = site().jobs.retry(job_id, viewer())
    site().submitter.ring(job.mode)
    return accepted(job)


@blueprint.post("/jobs/<job_id>/variants")
def variants(job_id: str) -> Response:
    """New jobs for the same clip, with other seeds."""
    job = site().job(job_id)
    made = site().submitter.vary(job, variant_seeds(body_json(), job), owner())
    return reply({"jobs": [job_json(new, hits=False) for new in made]}, 202, {"Location": links(made[0])["self"]})


@blueprint.get("/jobs/<job_id>/events")
def follow(job_id: str) -> Response:
    """The job's progress, live."""
    return events.respond(site().jobs, site().streams, site().job(job_id), viewer())


@blueprint.get("/jobs/<job_id>/outputs/<int:take>/<kind>")
def output(job_id: str, take: int, kind: str) -> Response:
    """One file of one take."""
    job = site().job(job_id)
    found = next((entry for entry in outputs(job) if entry["take"] == take), None)
    if found is None:
        raise Problem("not-found", f"the job has no take {take}" if outputs(job) else "the job has no result yet")
    return media.output(job, found, kind)


@blueprint.post("/probe")
def probe() -> Response:
    """Look at a clip without making a job of it; with ``route``, let a worker say which voice suits it."""
    submitter = site().submitter
    with submitter.spool.request() as folder:
        form = receive(folder, files=1, total_bytes=submitter.limits.max_bytes + 1024**2)
        if not form.uploads:
            raise MediaError("there is no file in the request; send the clip as the field `file`")
        told = info_json(submitter.probe(form.uploads[0]))
        if truth("route", form.fields.get("route", request.args.get("route"))):
            told["route"] = submitter.route(form.uploads[0], told, owner())
        return reply(told)


def _member(kind: type[State] | type[Mode], name: str, value: str | None) -> Any:
    if not value:
        return None
    try:
        return kind(value)
    except ValueError as error:
        raise Problem("option", f"{name} is {value[:40]!r}; allowed are {', '.join(kind)}") from error
