"""The pages: upload, one job, one batch, gallery. All of it works with plain forms; scripts only add to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from synth.options import Options
from web.api import batches, boxes
from web.api.batching.items import of_files
from web.api.jobs import keeps_partial
from web.api.operations import once, parsed
from web.api.problems import Problem
from web.api.representations import job_json, outputs
from web.api.schemas.gallery import ListQuery
from web.context import owner, site, viewer
from web.gallery import listing
from web.pages import filters, studio
from web.security import csrf
from web.security.sessions import local_path
from web.server import samples
from web.uploads import forms, variants
from web.uploads.multipart import Form, read_form
from web.uploads.ticket import Ticket
from web.uploads.variants import variant_seeds
from workers.gallery.listing import Sort
from workers.jobs import Job, State, new_id

blueprint = Blueprint("pages", __name__)

PAGE_FILES: Final = 40
PROBE_BYTES: Final = 64 * 1024**2
"""Larger clips are not sent twice, once to ask which voice suits them and once to sound them."""
RESUMABLE_BYTES: Final = 8 * 1024**2
"""Larger clips are sent in pieces, so that a cut connection loses no more than one."""
_FIELD_NAMES: Final = frozenset(forms.NAMES)


@blueprint.get("/")
def front() -> str:
    """The upload page."""
    limits = site().submitter.limits
    return render_template(
        "upload.html",
        main_fields=forms.main_fields(),
        more_fields=forms.more_fields(site().libraries),
        limits=limits,
        probe_bytes=min(PROBE_BYTES, limits.max_bytes),
        resumable_bytes=RESUMABLE_BYTES,
        values=request.args,
        batch_id=new_id(time.time()),
        newest=_newest(),
    )


@blueprint.post("/")
def upload() -> Response | tuple[str, int]:
    """Take clips from the form: one leads to its job's page, several to their batch's."""
    submitter = site().submitter
    with submitter.spool.request() as folder:
        form = _receive(folder)
        if not form.uploads:
            raise Problem("bad-request", "no clip was chosen; choose one and send the form again")
        given = {name: form.fields[name] for name in form.fields if name in _FIELD_NAMES}
        options = forms.parse_options(given, site().libraries)
        if len(form.uploads) == 1:
            job = submitter.submit(form.uploads[0], Ticket(owner(), options))
            return redirect(url_for("pages.job", job_id=job.id), 303)
        items = of_files(form.uploads, Ticket(owner(), options, new_id(time.time())))
    refused, made = [item for item in items.told if "problem" in item], items.made
    if not made:
        raise Problem(refused[0]["problem"]["code"], f"{refused[0]['name']}: {refused[0]['problem']['detail']}")
    if not refused:
        return redirect(url_for("pages.batch", batch_id=made[0]["batch_id"]), 303)
    return render_template("batch.html", **_batch(made[0]["batch_id"]), refused=refused), 200


@blueprint.get("/jobs/<job_id>")
def job(job_id: str) -> str:
    """One job: its progress, then its result."""
    found = site().job(job_id)
    takes, told = outputs(found), job_json(found)
    return render_template(
        "job.html",
        job=found,
        told=told,
        takes=takes,
        options=_told_options(found),
        next_seed=variant_seeds({}, found)[0],
        **(_result(found, told) if takes else {}),
    )


def _result(found: Job, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the page of a result needs beside that of a job."""
    takes, defaults = told["outputs"], Options().as_dict()
    take = studio.shown_take(takes, request.args.get("take"))
    values = {name: found.options.get(name, default) for name, default in defaults.items()}
    return {
        "take": take,
        "shown_because": studio.shown_because(takes, take, request.args.get("take")),
        "studio": studio.config(found, told, takes[take]),
        "lanes": studio.lanes(found, takes[take]),
        "modules": studio.import_map(),
        "nothing_fits": studio.none_fits(takes[take]),
        "libraries": site().libraries,
        "again_fields": forms.main_fields(),
        "again_more": forms.more_fields(site().libraries),
        "again_values": {name: forms.written(value) for name, value in values.items()},
        **boxes.for_form(found),
    }


@blueprint.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> Response:
    """Stop a job, and keep what was made of it if asked to."""
    keep = keeps_partial(request.form.get("keep_partial"), request.args.get("keep_partial"))
    site().submitter.cancel(job_id, viewer(), keep_partial=keep)
    back = request.form.get("back")
    return redirect(local_path(back) if back else url_for("pages.job", job_id=job_id), 303)


@blueprint.post("/jobs/<job_id>/retry")
def retry(job_id: str) -> Response:
    """Queue a job again."""
    again = site().jobs.retry(job_id, viewer())
    site().submitter.notify(again.mode)
    return redirect(url_for("pages.job", job_id=job_id), 303)


@blueprint.post("/jobs/<job_id>/variants")
def variant(job_id: str) -> Response:
    """The same clip with other options: another seed, another sound, or anything else of the form."""
    old, asked = site().job(job_id), request.form.to_dict()
    given = {name: value for name, value in asked.items() if name in _FIELD_NAMES - {"seed"}}
    if "all" in asked:
        given = variants.touched(variants.whole_form(given), old.options)
        if not given and asked.get("seed") == str(old.options.get("seed")):
            asked.pop("seed", None)  # nothing was changed: another sound is what can be meant
    options = variants.options_with(given, old.options, site().libraries)
    changed = options if "all" in asked or "takes" in given else {**options, "takes": 1}
    made = site().submitter.vary(old, variant_seeds(asked, old), owner(), changed)
    return redirect(url_for("pages.job", job_id=made[0].id), 303)


@blueprint.post("/jobs/<job_id>/delete")
def delete(job_id: str) -> Response:
    """Take a job and its files away."""
    site().submitter.delete(job_id, viewer())
    return redirect(url_for("pages.gallery"), 303)


@blueprint.get("/gallery")
def gallery() -> str:
    """The caller's jobs as cards: filtered by what was made, in an order of choice."""
    asked = _given_filters()
    query = parsed(ListQuery, asked)
    jobs, cursor = listing.page(query)
    kept = {name: value for name, value in asked.items() if name not in ("cursor", "limit")}
    return render_template(
        "gallery.html",
        jobs=jobs,
        cursor=cursor,
        asked=kept,
        back=filters.here(),
        paged=bool(query.cursor),
        newest=max((job.id for job in jobs), default="") if not kept and not query.cursor else "",
        waiting=site().jobs.under_way(viewer()),
        states=[(state.value, filters.state_word(state)) for state in State if state is not State.FINISHING],
        **_choices(),
    )


@blueprint.get("/jobs/<job_id>/card")
def card(job_id: str) -> str:
    """One job's card alone, for pages that show it and have heard that it changed."""
    return render_template("card.html", job=site().job(job_id), pick=request.args.get("pick") == "true")


@blueprint.get("/batches/<batch_id>")
def batch(batch_id: str) -> str:
    """The clips that were sent together."""
    return render_template("batch.html", **_batch(batch_id), refused=[])


@blueprint.post("/batches/<batch_id>/cancel")
def cancel_batch(batch_id: str) -> Response:
    """Stop all of them."""
    for member in batches.members(batch_id):
        site().submitter.cancel(member.id, viewer())
    return redirect(url_for("pages.batch", batch_id=batch_id), 303)


def _given_filters() -> dict[str, str]:
    """The filters of the gallery: a form sends those that nobody chose as well, empty."""
    asked = {name: value for name, value in once(request.args).items() if value and name in ListQuery.model_fields}
    if asked.get("sort") == Sort.NEWEST:
        del asked["sort"]
    return asked


def _choices() -> dict[str, list[tuple[str, str]]]:
    """What there is to filter by: value and words, with how many of each."""
    found = listing.choices()
    words: dict[str, Callable[[str], str]] = {"voice": forms.words, "sound": forms.class_words, "material": str}
    return {
        f"{kind}s": [(value, f"{words[kind](value).capitalize()} ({count})") for value, count in counts.items()]
        for kind, counts in found.items()
    }


def _receive(folder: Any) -> Form:
    submitter = site().submitter
    announced = request.content_length or 0
    most = batches.BODY_IN_FILES * submitter.limits.max_bytes
    if announced > most:
        raise Problem("too-large", f"the request has {announced} bytes; allowed are {most}")
    submitter.spool.make_room(announced)
    content_type = request.headers.get("Content-Type", "")
    form = read_form(request.stream, content_type, folder, submitter.bounds(PAGE_FILES), csrf.check_form)
    if not form.uploads:
        csrf.check_form(form.fields)
    return form


def _batch(batch_id: str) -> dict[str, Any]:
    jobs = batches.members(batch_id)
    done = sum(job.state.final for job in jobs)
    return {"batch_id": batch_id, "jobs": jobs, "done": done, "ready": any(outputs(job) for job in jobs)}


def _newest() -> list[Job]:
    found, _ = site().jobs.recent(owner=viewer(), state=State.SUCCEEDED, limit=4 + len(samples.SCENES))
    return [job for job in found if job.owner != samples.OWNER][:4]


def _told_options(found: Job) -> list[tuple[str, str]]:
    """The options that differ from what everybody gets, in the words of the form."""
    defaults = Options().as_dict()
    fields = {field.name: field for field in (*forms.main_fields(), *forms.more_fields(site().libraries))}
    labels = {name: field.label for name, field in fields.items()}
    return [
        (labels.get(name, name), fields[name].hint if value is True else forms.words(str(value)))
        for name, value in found.options.items()
        if value is not None and (value != defaults.get(name) or name in ("mode", "seed"))
    ]
