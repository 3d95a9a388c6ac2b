"""What is changed of one result and done to several: titles, favourites; a zip, deletion, another go at all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from synth.errors import OptionError
from web.api import batches, media
from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.problems import Problem
from web.api.representations import job_json, outputs
from web.api.schemas import jobs as schemas
from web.api.schemas.gallery import Change
from web.api.semantics.conditional import unless_known
from web.api.semantics.tickets import checked_days
from web.context import forget_favourites, owner, site, viewer
from web.security.sessions import local_path
from web.uploads.titles import shown_title
from web.uploads.variants import variant_seeds
from workers.errors import Conflict, NotFound
from workers.gallery import listing
from workers.gallery.listing import Filters
from workers.jobs import Job, State
from workers.owners.keys import Scope
from workers.records import MUSIC

blueprint = Blueprint("changes", __name__)

SELECTED_AT_MOST: Final = 200


@blueprint.patch("/v1/jobs/<job_id>")
@describes(
    Operation(
        "changeJob",
        "Give a job another title, mark it as a favourite, or say how long its files are kept",
        {200: schemas.Job},
        (*BODY, "not-found", "disk-full"),
        body=Change,
        scope=Scope.WRITE,
    )
)
def change(job_id: str, body: Change) -> Response:
    """Change what people may change of a job."""
    if "keep_days" in body.model_fields_set:
        site().jobs.keep(job_id, viewer(), checked_days("keep_days", body.keep_days))
    return unless_known(reply(job_json(_changed(job_id, body.title, body.favourite))))


@blueprint.get("/v1/jobs/<job_id>/thumbnail")
@describes(
    Operation(
        "readThumbnail",
        "A picture of the clip, there from the moment when it was accepted",
        {200: ("image/jpeg",), 206: ("image/jpeg",), 302: None, 304: None},
        ("not-found", "range", "damaged"),
        headers=("Range", "If-None-Match"),
        scope=Scope.READ,
    )
)
def thumbnail(job_id: str) -> Response:
    """A picture of the clip."""
    job = site().job(job_id)
    key = (job.result or {}).get("thumbnail_key") or job.info.get("poster_key")
    if key is None:
        raise Problem("not-found", "there is no picture of this clip")
    # It may be being made, or have been left.
    if not job.result and not site().submitter.has_picture(job):
        raise Problem("not-found", "there is no picture of this clip, or not yet")
    return media.send(media.Item(str(key), "thumbnail.jpg"))


@blueprint.post("/jobs/<job_id>/change")
def change_by_form(job_id: str) -> AnyResponse:
    """The same, from a page."""
    favourite = {"true": True, "false": False}.get(request.form.get("favourite", ""))
    title = request.form.get("title")
    if title is not None and not title.strip():
        raise OptionError("title is empty; allowed is text that can be read")
    _changed(job_id, title, favourite)
    return redirect(local_path(request.form.get("back")) if "back" in request.form else f"/jobs/{job_id}", 303)


@blueprint.post("/gallery/cancel-all")
def cancel_all() -> AnyResponse:
    """Stop all of the caller's jobs that wait or are being done."""
    for state in (State.QUEUED, State.RUNNING):
        while True:
            jobs, cursor = listing.page(site().jobs.database, Filters(viewer(), state), limit=listing.MAX_PAGE)
            for job in jobs:
                if not job.cancel_requested:
                    site().submitter.cancel(job.id, viewer())
            if cursor is None or state is not State.QUEUED:
                break
    return redirect(url_for("pages.gallery"), 303)


@blueprint.post("/gallery/selected")
def selected() -> AnyResponse | Response | str:
    """Do something to all that is chosen."""
    do = request.form.get("do", "")
    if do not in _DO:
        raise OptionError(f"do is {do[:20]!r}; allowed are {', '.join(_DO)}")
    ids = list(dict.fromkeys(request.form.getlist("id")))
    if not 1 <= len(ids) <= SELECTED_AT_MOST:
        raise OptionError(f"{len(ids) or 'no'} results are chosen; allowed are 1 to {SELECTED_AT_MOST}")
    jobs = [site().job(job_id) for job_id in ids]  # before all else: one that is not the caller's stops it
    return _DO[do](jobs)


def _changed(job_id: str, title: str | None, favourite: bool | None) -> Job:
    job = site().job(job_id)
    if title is not None:
        job = site().jobs.rename(job_id, viewer(), shown_title(title))
    if favourite is not None:
        listing.mark(site().jobs.database, job_id, favourite)
        forget_favourites()
    return job


def _zip(jobs: list[Job]) -> Response:
    return batches.zipped([job for job in jobs if outputs(job)], f"sonorize-{time.strftime('%Y-%m-%d')}")


def _ask(jobs: list[Job]) -> str:
    return render_template("selected.html", jobs=jobs)


def _delete(jobs: list[Job]) -> AnyResponse:
    for job in jobs:
        try:
            site().submitter.delete(job.id, viewer())
        except NotFound:
            continue  # somebody else was faster
    return redirect(url_for("pages.gallery"), 303)


def _again(jobs: list[Job]) -> AnyResponse:
    refused = 0
    for job in jobs:
        if job.mode == MUSIC:
            refused += 1
            continue
        try:
            site().submitter.vary(job, variant_seeds({}, job), owner())
        except Conflict:
            refused += 1
    if refused == len(jobs):
        raise Conflict("none of the chosen results can be made again: music has no seed, and expired clips are gone")
    return redirect(url_for("pages.gallery"), 303)


def _mark(jobs: list[Job]) -> AnyResponse:
    for job in jobs:
        listing.mark(site().jobs.database, job.id, True)
    return redirect(local_path(request.form.get("back")) if "back" in request.form else url_for("pages.gallery"), 303)


def _cancel(jobs: list[Job]) -> AnyResponse:
    for job in jobs:
        site().submitter.cancel(job.id, viewer())
    return redirect(url_for("pages.gallery"), 303)


_DO: Final[dict[str, Callable[[list[Job]], AnyResponse | Response | str]]] = {
    "zip": _zip,
    "delete": _ask,
    "delete-for-good": _delete,
    "again": _again,
    "favourite": _mark,
    "cancel": _cancel,
}
