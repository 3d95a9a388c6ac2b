"""Where people say that the sound of a result comes from: the API and the page of the boxes that they draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from synth.errors import OptionError
from web.api import media
from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.problems import Problem
from web.api.representations import outputs
from web.api.schemas import music as shapes
from web.context import owner, site, viewer
from workers.boxes import EDGES, Boxes, DrawnBox, Place, exported, lines, table
from workers.jobs import Job
from workers.owners.keys import Scope

blueprint = Blueprint("boxes", __name__)

_EXPORTS: Final = {"json": (lines, "application/x-ndjson", "jsonl"), "csv": (table, "text/csv", "csv")}


def boxes() -> Boxes:
    """Those of this server."""
    return Boxes(site().jobs)


@blueprint.get("/v1/jobs/<job_id>/boxes")
@describes(
    Operation("listBoxes", "Where people say its sound is", {200: shapes.Boxes}, ("not-found",), scope=Scope.READ)
)
def listing(job_id: str) -> Response:
    """The boxes of a job."""
    return reply({"boxes": [box.as_json() for box in boxes().of_job(job_id, viewer())]})


@blueprint.post("/v1/jobs/<job_id>/boxes")
@describes(
    Operation(
        "createBox",
        "Say where in the picture the sound comes from, or that it is not to be seen",
        {201: shapes.Box},
        (*BODY, "not-found", "conflict"),
        body=shapes.NewBox,
        scope=Scope.WRITE,
    )
)
def create(job_id: str, body: shapes.NewBox) -> Response:
    """Say where the sound comes from."""
    return reply(_create(site().job(job_id), body.model_dump(exclude_unset=True)).as_json(), 201)


@blueprint.delete("/v1/jobs/<job_id>/boxes")
@describes(Operation("deleteBoxes", "Forget a job's boxes", {204: None}, ("not-found",), scope=Scope.WRITE))
def clear(job_id: str) -> Response:
    """Forget the boxes of a job."""
    boxes().delete(job_id, viewer())
    return Response(status=204)


@blueprint.delete("/v1/jobs/<job_id>/boxes/<box_id>")
@describes(Operation("deleteBox", "Forget one box", {204: None}, ("not-found",), scope=Scope.WRITE))
def delete(job_id: str, box_id: str) -> Response:
    """Forget one box."""
    boxes().delete(job_id, viewer(), box_id)
    return Response(status=204)


@blueprint.get("/v1/boxes")
@describes(
    Operation(
        "exportBoxes",
        "All your boxes, for a training: one JSON object a line, or CSV",
        {200: ("application/x-ndjson", "text/csv")},
        ("option",),
        query=shapes.Format,
        scope=Scope.READ,
    )
)
def export(query: shapes.Format) -> Response:
    """All boxes of the caller, as a training reads them; without paths, which are nobody's business outside."""
    write, content_type, suffix = _EXPORTS[query.format]
    response = Response(write(exported(boxes().every(viewer()))), content_type=f"{content_type}; charset=utf-8")
    return media.dressed(response, f"boxes.{suffix}")


@blueprint.get("/jobs/<job_id>/boxes")
def page(job_id: str) -> str:
    """A job's boxes, and a form for one more."""
    job = site().job(job_id)
    if not outputs(job):
        raise Problem("not-found", "the job has no result to point at")
    return render_template("boxes.html", job=job, takes=outputs(job), **for_form(job))


@blueprint.post("/jobs/<job_id>/boxes")
def add(job_id: str) -> AnyResponse:
    """Keep what the form says; its edges are percentages."""
    fields = {name: value for name, value in request.form.items() if name in ("time_s", "visible", *EDGES)}
    for edge in EDGES:
        if fields.get(edge):
            fields[edge] = _fraction(edge, fields[edge])
    _create(site().job(job_id), fields)
    return redirect(url_for("boxes.page", job_id=job_id), 303)


@blueprint.post("/jobs/<job_id>/boxes/<box_id>/delete")
def remove(job_id: str, box_id: str) -> AnyResponse:
    """Forget one box."""
    boxes().delete(job_id, viewer(), box_id)
    return redirect(url_for("boxes.page", job_id=job_id), 303)


def for_form(job: Job) -> dict[str, Any]:
    """What ``boxform.html`` shows: the boxes so far, and the moment of the picture that stands beside the form."""
    return {"boxes": boxes().of_job(job.id, viewer()), "still_s": round(float(job.info["duration_s"]) / 3, 2)}


def _create(job: Job, fields: Mapping[str, Any]) -> DrawnBox:
    if not outputs(job):
        raise Problem("conflict", "the job has no result to point at")
    place = Place.parse(fields, float(job.info["duration_s"]))
    return boxes().create(job.id, viewer(), owner(), place)


def _fraction(edge: str, percent: str) -> str:
    try:
        return str(float(percent) / 100)
    except ValueError as error:
        raise OptionError(f"{edge} is {percent[:40]!r}; allowed is a number from 0 to 100") from error
