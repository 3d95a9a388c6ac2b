"""Links for people without a key: made, listed and revoked by the owner; what they open shows one result, no more."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from synth.errors import OptionError
from web.api import media
from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.problems import Problem
from web.api.representations import outputs
from web.api.schemas.gallery import NewShare, ShareForm, SharesOfJob
from web.api.semantics.numbers import whole_number
from web.context import site, viewer
from web.pages.studio import shown_take
from workers.gallery.shares import LONGEST_S, SHORTEST_S, USUAL_S, Share, Shares
from workers.jobs import Job
from workers.owners.keys import Scope
from workers.records import moment

blueprint = Blueprint("shares", __name__)
public = Blueprint("shared", __name__)
"""What strangers may open: :mod:`web.security.sessions` asks nobody here who he is."""

SHARED_KINDS = ("video", "sound", "thumbnail")
LIVES = ((3600, "an hour"), (86_400, "a day"), (USUAL_S, "a week"), (30 * 86_400, "30 days"), (365 * 86_400, "a year"))


@blueprint.post("/v1/jobs/<job_id>/shares")
@describes(
    Operation(
        "shareJob",
        "A link by which people without a key see this result, until it expires",
        {201: NewShare},
        (*BODY, "not-found", "conflict", "disk-full"),
        body=ShareForm,
        scope=Scope.WRITE,
    )
)
def make(job_id: str, body: ShareForm) -> Response:
    """Make a link."""
    share = _made(job_id, body.lives_s)
    return reply({**share_json(share), "url": address(share)}, 201)


@blueprint.get("/v1/jobs/<job_id>/shares")
@describes(
    Operation(
        "listShares", "The links to this result that are good", {200: SharesOfJob}, ("not-found",), scope=Scope.READ
    )
)
def listing(job_id: str) -> Response:
    """The links of a job; their addresses are not known any more."""
    return reply({"shares": [share_json(share) for share in Shares(site().jobs).of_job(job_id, viewer())]})


@blueprint.delete("/v1/jobs/<job_id>/shares/<share_id>")
@describes(Operation("revokeShare", "End a link now", {204: None}, ("not-found",), scope=Scope.WRITE))
def revoke(job_id: str, share_id: str) -> Response:
    """End a link."""
    Shares(site().jobs).revoke(job_id, share_id, viewer())
    return Response(status=204)


@blueprint.route("/jobs/<job_id>/shares", methods=["GET", "POST"])
def page(job_id: str) -> str | tuple[str, int]:
    """The links of a job, and a form that makes one."""
    if request.method == "GET":
        return _page(site().job(job_id), None)
    lives_s = request.form.get("lives_s", str(USUAL_S))
    seconds = whole_number(lives_s)
    if seconds is None or not SHORTEST_S <= seconds <= LONGEST_S:
        raise OptionError(f"lives_s is {lives_s[:20]!r}; allowed is {SHORTEST_S} to {LONGEST_S}")
    return _page(site().job(job_id), _made(job_id, seconds)), 201


@blueprint.post("/jobs/<job_id>/shares/<share_id>/revoke")
def revoke_by_form(job_id: str, share_id: str) -> AnyResponse:
    """End a link."""
    Shares(site().jobs).revoke(job_id, share_id, viewer())
    return redirect(url_for("shares.page", job_id=job_id), 303)


@public.get("/s/<token>")
def opened(token: str) -> Response:
    """One result, for whoever has the link."""
    share, job = Shares(site().jobs).opened(token)
    takes = outputs(job)
    if not takes:
        raise Problem("not-found", "what this link shows is not there any more")
    shown = takes[shown_take(takes, request.args.get("take"))]
    shown_page = render_template("shared.html", share=share, token=token, job=job, takes=takes, shown=shown)
    return _quiet(Response(shown_page))


@public.get("/s/<token>/<int:take>/<kind>")
def file(token: str, take: int, kind: str) -> Response:
    """A file of the result that a link shows."""
    _, job = Shares(site().jobs).opened(token)
    entry = next((one for one in outputs(job) if one["take"] == take), None)
    if entry is None or kind not in SHARED_KINDS:
        raise Problem("not-found", "this link shows no such file")
    return _quiet(media.output(job, entry, kind))


def share_json(share: Share) -> dict[str, Any]:
    """A link as the API tells it, without what opens it."""
    return {"id": share.id, "created_at": moment(share.created_at), "expires_at": moment(share.expires_at)}


def address(share: Share) -> str:
    """Where a link leads that was just made."""
    root = site().settings.public_url.rstrip("/") or request.host_url.rstrip("/")
    return f"{root}{url_for('shared.opened', token=share.token)}"


def _made(job_id: str, lives_s: int) -> Share:
    job = site().job(job_id)
    if not outputs(job):
        raise Problem("conflict", "there is no result yet that could be shown")
    return Shares(site().jobs).make(job_id, viewer(), lives_s)


def _page(job: Job, made: Share | None) -> str:
    links = Shares(site().jobs).of_job(job.id, viewer())
    url = None if made is None else address(made)
    return render_template("shares.html", job=job, links=links, made=made, url=url, lives=LIVES, usual_s=USUAL_S)


def _quiet(response: Response) -> Response:
    """The address is the secret: it goes to no other site, into no search engine and into nobody else's cache."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "private, no-store"
    return response
