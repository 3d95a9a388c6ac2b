"""The score of a take: read it, change it, hear it again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from synth.score.score import ORIGINAL, Score, ScoreHit, ScoreLayer, ScoreStem, parse
from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.problems import Problem
from web.api.representations import outputs
from web.api.schemas import score as shapes
from web.api.score.takes import rendered_json
from web.context import site
from workers.errors import Conflict
from workers.jobs import Job, State
from workers.owners.keys import Scope
from workers.records import MUSIC, moment
from workers.score.drafts import Drafts, StaleVersion
from workers.score.renders import Renders
from workers.score.stored import score_of, stems_of

blueprint = Blueprint("score", __name__)

_ETAG = re.compile(r'"?(\d{1,9})-(\d{1,9})"?')


@blueprint.get("/v1/jobs/<job_id>/score")
@describes(
    Operation(
        "readScore",
        "The score of a take: what is heard when",
        {200: shapes.Score, 304: None},
        ("not-found", "option"),
        query=shapes.ScoreReadQuery,
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def read(job_id: str, query: shapes.ScoreReadQuery) -> Response:
    """The newest version of a take's score, or an older one."""
    job = site().job(job_id)
    return answer(job, take_of(job, query.take), query.version)


@blueprint.patch("/v1/jobs/<job_id>/score")
@describes(
    Operation(
        "changeScore",
        "Replace lists and values of a take's score; the next version is kept as the job's draft",
        {200: shapes.Score},
        (*BODY, "not-found", "conflict"),
        query=shapes.ScoreQuery,
        body=shapes.ScoreChange,
        headers=("If-Match",),
        scope=Scope.WRITE,
    )
)
def change(job_id: str, query: shapes.ScoreQuery, body: shapes.ScoreChange) -> Response:
    """Replace what is given; the rest stays."""
    job = site().job(job_id)
    given = body.model_dump(exclude_unset=True, exclude={"version"})
    changes = {name: value for name, value in given.items() if value is not None}
    return save(job, take_of(job, query.take), changes, body.version)


@blueprint.delete("/v1/jobs/<job_id>/score")
@describes(
    Operation(
        "forgetScore",
        "Forget the draft of a take: its score is as it was made",
        {204: None},
        ("not-found", "option"),
        query=shapes.ScoreQuery,
        scope=Scope.WRITE,
    )
)
def forget(job_id: str, query: shapes.ScoreQuery) -> Response:
    """Forget the draft."""
    job = site().job(job_id)
    take_of(job, query.take)
    Drafts(site().jobs).forget(job.id, query.take)
    return Response(status=204)


@blueprint.get("/v1/jobs/<job_id>/score/versions")
@describes(
    Operation(
        "listScoreVersions",
        "The versions of a take's score that are kept, the newest first",
        {200: shapes.ScoreVersions},
        ("not-found", "option"),
        query=shapes.ScoreQuery,
        scope=Scope.READ,
    )
)
def versions(job_id: str, query: shapes.ScoreQuery) -> Response:
    """What there is to go back to."""
    job = site().job(job_id)
    own = own_score(job, take_of(job, query.take)).as_json()
    kept = [(one.version, one.score, one.saved_at) for one in Drafts(site().jobs).versions(job.id, query.take)]
    told = [
        {
            "version": version,
            "saved_at": moment(saved_at),
            **{name: len(score[name]) for name in ("hits", "layers", "words")},
        }
        for version, score, saved_at in [*kept, (0, own, None)]
    ]
    return reply({"versions": told})


@blueprint.post("/v1/jobs/<job_id>/score/render")
@describes(
    Operation(
        "renderScore",
        "Make a further take of a score; only what changed is made anew",
        {202: shapes.RenderedTake},
        (*BODY, "not-found", "conflict", "queue-full", "disk-full"),
        body=shapes.RenderScore,
        scope=Scope.WRITE,
    )
)
def render(job_id: str, body: shapes.RenderScore) -> Response:
    """Queue a take; asking twice for one version gives the same take."""
    job = site().job(job_id)
    entry = take_of(job, body.take)
    refuse_uneditable(entry)
    newest = Drafts(site().jobs).newest(job.id, body.take)
    version = 0 if newest is None else newest.version
    if body.version is not None and body.version != version:
        raise stale(StaleVersion(version, body.version))
    saved_at = 0.0 if newest is None else newest.saved_at
    asked = Renders(site().jobs).ask(job, body.take, version, saved_at)
    if asked.row is not None and asked.row.state is State.QUEUED:
        site().submitter.notify(asked.row.mode)
    told = rendered_json(site().jobs.get(job.id, None), asked.take)
    return reply(told, 202, {"Location": told["links"]["self"]})


def take_of(job: Job, number: int) -> Mapping[str, Any]:
    """A take of a job by its number.

    Raises:
        Problem: ``not-found``.
    """
    found = next((entry for entry in outputs(job) if entry["take"] == number), None)
    if found is None:
        raise Problem("not-found", f"the job has no take {number}" if outputs(job) else "the job has no result yet")
    return found


def is_editable(entry: Mapping[str, Any]) -> bool:
    """Whether what a take was made from is kept."""
    return entry.get("score_key") is not None and entry.get("recipe_key") is not None


def refuse_uneditable(entry: Mapping[str, Any]) -> None:
    """Raise a Problem, ``conflict``, for a take that nothing is kept of."""
    if not is_editable(entry):
        why = "music lies under it" if entry.get("music") else "it was made by an older release, or was canceled"
        raise Problem("conflict", f"this take cannot be rendered again: {why}")


def own_score(job: Job, entry: Mapping[str, Any]) -> Score:
    """The score of a take as it was made; what its row tells where no score is kept."""
    if entry.get("score_key") is not None:
        return score_of(site().storage, job, entry)
    hits = tuple(
        ScoreHit(
            f"h{number}",
            float(hit["time_s"]),
            str(hit["material"]),
            float(hit["strength"]),
            hit.get("exemplar"),
            (),
            float(hit.get("pan", 0.0)),
        )
        for number, hit in enumerate(entry["hits"], start=1)
    )
    layers = tuple(ScoreLayer(f"l{number}", **dict(one)) for number, one in enumerate(entry.get("layers", ()), start=1))
    stems = (ScoreStem(ORIGINAL, muted=True),) if job.info.get("audio_codec") and job.mode != MUSIC else ()
    return Score(hits, layers, (), stems)


def answer(job: Job, entry: Mapping[str, Any], version: int | None = None) -> Response:
    """A version of a score as JSON, or 304 for a caller that has it.

    Raises:
        NotFound: that version is not kept.
    """
    drafts, take = Drafts(site().jobs), int(entry["take"])
    kept = None
    if version != 0:
        kept = drafts.newest(job.id, take) if version is None else drafts.get(job.id, take, version)
    number = 0 if kept is None else kept.version
    score = own_score(job, entry).as_json() if kept is None else dict(kept.score)
    response = reply(score_json(job, entry, score, number, None if kept is None else kept.saved_at))
    response.set_etag(f"{take}-{number}")
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def score_json(
    job: Job, entry: Mapping[str, Any], score: Mapping[str, Any], version: int, saved_at: float | None
) -> dict[str, Any]:
    """A score with what is told of its take."""
    return {
        "version": version,
        "take": int(entry["take"]),
        "parent": entry.get("parent"),
        "duration_s": float(job.info["duration_s"]),
        "rate_fps": float(job.info["rate_fps"]),
        "mode": entry["mode"] if not entry.get("ranges") else "auto",
        "editable": is_editable(entry),
        **score,
        "saved_at": moment(saved_at),
    }


def save(job: Job, entry: Mapping[str, Any], changes: Mapping[str, Any], version: int | None) -> Response:
    """Keep a changed score as the next version, and tell it.

    Args:
        changes: members that are replaced.
        version: the one that is changed; ``None`` where ``If-Match`` says it.

    Raises:
        OptionError: it is not allowed.
        Problem: ``conflict``; ``option`` without a version.
    """
    refuse_uneditable(entry)
    drafts, take, own = Drafts(site().jobs), int(entry["take"]), own_score(job, entry)
    asked = _asked_version(take) if version is None else version
    newest = drafts.newest(job.id, take)
    number, before = (0, own.as_json()) if newest is None else (newest.version, dict(newest.score))
    if asked != number:
        raise stale(StaleVersion(number, asked))
    score = parse({**before, **changes}, duration_s=float(job.info["duration_s"]), parts=stems_of(own)).as_json()
    if score != before:
        try:
            drafts.save(job.id, take, score, changes=asked)
        except StaleVersion as error:
            raise stale(error) from error
    return answer(job, entry)


def stale(error: StaleVersion) -> Problem:
    """409, with the version that there is."""
    return Problem("conflict", str(error), more={"version": error.newest})


def _asked_version(take: int) -> int:
    given = request.headers.get("If-Match")
    if given is None:
        raise Problem("option", "version is missing: the version that is changed, or If-Match with its ETag")
    found = _ETAG.fullmatch(given.strip())
    if found is None or int(found.group(1)) != take:
        raise Conflict(f'If-Match is {given[:40]!r}; the ETag of take {take} looks like "{take}-3"')
    return int(found.group(2))
