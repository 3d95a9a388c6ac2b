"""What the nets say of a result, in detail: why, where in the picture, and which other results sound alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, render_template

from synth.description import texture_kinds
from web.api.problems import Problem
from web.api.representations import job_json, outputs
from web.context import site, viewer
from web.pages import phrases
from workers.gallery import listing
from workers.gallery.listing import Filters
from workers.gallery.made import Kind
from workers.jobs import Job

blueprint = Blueprint("explanations", __name__)

IN_A_ROW: Final = 6


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
