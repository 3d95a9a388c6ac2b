"""A score in the forms of other programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, json, request

from synth.errors import OptionError
from synth.score import exchange
from synth.score.score import parse
from web.api import media
from web.api.operations import Operation, describes
from web.api.problems import Problem
from web.api.schemas import score as shapes
from web.api.score import scores
from web.context import site
from workers.jobs import Job
from workers.owners.keys import Scope
from workers.score.drafts import Drafts
from workers.score.stored import stems_of

blueprint = Blueprint("exchange", __name__)

TYPES: Final = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "mid": "audio/midi",
    "edl": "text/plain; charset=utf-8",
    "otio": "application/vnd.pixar.opentimelineio+json",
}
WRITABLE: Final = ("json", "csv", "mid")
_TOLD: Final = ("take", "parent", "duration_s", "rate_fps", "mode", "editable", "saved_at", "version")
"""Members that the server makes."""


@blueprint.get("/v1/jobs/<job_id>/score.<form>")
@describes(
    Operation(
        "exportScore",
        "A score for other programs: json, csv, mid, edl or otio",
        {200: tuple(one.partition(";")[0] for one in TYPES.values())},
        ("not-found", "option"),
        query=shapes.ScoreReadQuery,
        places={"form": tuple(TYPES)},
        scope=Scope.READ,
    )
)
def read(job_id: str, form: str, query: shapes.ScoreReadQuery) -> Response:
    """A score in the form that the address ends in."""
    job = site().job(job_id)
    entry = scores.take_of(job, query.take)
    _known(form, tuple(TYPES))
    response = Response(_written(job, entry, form, query.version), content_type=TYPES[form])
    response.headers["Cache-Control"] = "private, no-cache"
    title = media.stored_name(job, entry, "score").removesuffix(".json").removesuffix(".score")
    return media.dressed(response, f"{title}.score.{form}")


@blueprint.put("/v1/jobs/<job_id>/score.<form>")
@describes(
    Operation(
        "importScore",
        "Replace a score by JSON, or its hits by CSV or MIDI",
        {200: shapes.Score},
        ("bad-request", "not-found", "conflict", "option", "too-large"),
        query=shapes.ScoreReadQuery,
        raw="application/octet-stream",
        headers=("If-Match",),
        places={"form": WRITABLE},
        scope=Scope.WRITE,
    )
)
def write(job_id: str, form: str, query: shapes.ScoreReadQuery) -> Response:
    """Replace what the form can hold; the rest stays."""
    job = site().job(job_id)
    entry = scores.take_of(job, query.take)
    _known(form, WRITABLE)
    changes = _read(form, request.get_data(cache=False))
    return scores.save(job, entry, changes, query.version)


def _known(form: str, allowed: tuple[str, ...]) -> None:
    if form not in allowed:
        raise Problem("not-found", f"there is no score.{form[:20]} here; there are {', '.join(allowed)}")


def _written(job: Job, entry: Mapping[str, Any], form: str, version: int | None) -> str | bytes:
    own, take, drafts = scores.own_score(job, entry), int(entry["take"]), Drafts(site().jobs)
    kept = None
    if version != 0:
        kept = drafts.newest(job.id, take) if version is None else drafts.get(job.id, take, version)
    number, told, saved_at = (0, own.as_json(), None) if kept is None else (kept.version, kept.score, kept.saved_at)
    if form == "json":
        return json.dumps(scores.score_json(job, entry, told, number, saved_at), indent=1) + "\n"
    duration_s, rate_fps = float(job.info["duration_s"]), float(job.info["rate_fps"])
    score = parse(told, duration_s=duration_s, parts=stems_of(own)) if kept else own
    if form == "csv":
        return exchange.csv_of(score)
    if form == "mid":
        return exchange.midi_of(score)
    if form == "edl":
        return exchange.edl_of(score, job.title, rate_fps)
    return exchange.otio_of(score, job.title, rate_fps, duration_s)


def _read(form: str, data: bytes) -> dict[str, Any]:
    if form == "mid":
        return {"hits": exchange.hits_of_midi(data)}
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise OptionError("the body is no UTF-8 text") from error
    if form == "csv":
        return {"hits": exchange.hits_of_csv(text)}
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem("bad-request", "the body is no JSON") from error
    if not isinstance(told, dict):
        raise Problem("bad-request", "the body must be a JSON object")
    return {name: value for name, value in told.items() if name not in _TOLD}
