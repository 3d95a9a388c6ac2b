"""The samples on the front page: heard by everybody, deleted by who runs the server."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from web.api import media
from web.api.problems import Problem
from web.api.representations import outputs
from web.context import site
from web.security.scopes import needs
from web.server import samples
from workers.jobs import State
from workers.owners.keys import Scope

blueprint = Blueprint("samples", __name__)
KINDS = ("video", "thumbnail")


@blueprint.app_template_global("samples")
def for_page() -> list[dict[str, Any]]:
    """What the front page shows of them."""
    return [
        {
            "title": job.title,
            "hits": len(take["hits"]),
            "width": job.info["width"],
            "height": job.info["height"],
            **{kind: url_for("samples.file", number=number, kind=kind) for kind in KINDS},
        }
        for number, (job, take) in enumerate(samples.shown(site()))
    ]


@blueprint.app_template_global("may_delete_samples")
def may_delete() -> bool:
    """Whether the caller runs this server, as far as keys say so."""
    return Scope.ADMIN in g.caller.scopes


@blueprint.get("/samples/<int:number>/<kind>")
def file(number: int, kind: str) -> Response:
    """A file of one of them."""
    there = samples.shown(site())
    if number >= len(there) or kind not in KINDS:
        raise Problem("not-found", "there is no such sample")
    job, _ = there[number]
    return media.output(job, outputs(job)[0], kind)


@blueprint.post("/admin/samples/delete")
@needs(Scope.ADMIN)
def delete() -> AnyResponse:
    """Take all of them away; they do not come back."""
    for state in State:
        for job in site().jobs.recent(owner=samples.OWNER, state=state)[0]:
            site().submitter.delete(job.id, samples.OWNER)
    return redirect(url_for("pages.front"), 303)
