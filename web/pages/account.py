"""The page about oneself: under which name one's jobs stand, what one's key is good for, and one's keys."""

from __future__ import annotations

import math
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.api.owners import keys
from web.api.owners.me import keep_results_for, me_json
from web.api.problems import Problem
from web.api.semantics.tickets import checked_days
from web.context import owner, site, viewer
from workers.owners.keys import OVERLAP_S

blueprint = Blueprint("account", __name__)


@blueprint.get("/account")
def page() -> str:
    """Oneself."""
    return render_template("account.html", **_told())


@blueprint.post("/account/keys/<key_id>/rotate")
def rotate(key_id: str) -> Response:
    """Replace a key; the new one is shown on the page that answers, and never again."""
    made, secret = keys.rotate(keys.within_reach(key_id), OVERLAP_S / 3600)
    response = make_response(render_template("account.html", **_told(), made=made.as_json(), secret=secret))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/account/keys/<key_id>/revoke")
def revoke(key_id: str) -> Response:
    """End a key."""
    keys.store().revoke(keys.within_reach(key_id).id, owner())
    return redirect(url_for("account.page"), 303)


@blueprint.post("/account/retention")
def retention() -> Response:
    """Set for how long results are kept; an empty field sets it back."""
    keep_results_for(days_of(request.form.get("retention_days", "")))
    return redirect(url_for("account.page"), 303)


@blueprint.post("/jobs/<job_id>/keep")
def keep(job_id: str) -> Response:
    """Say how long a job's files are kept; an empty field leaves it to what is set for all."""
    site().jobs.keep(job_id, viewer(), checked_days("keep_days", days_of(request.form.get("keep_days", ""))))
    return redirect(url_for("pages.job", job_id=job_id), 303)


def days_of(text: str) -> float | None:
    """A number of days that a person wrote.

    Raises:
        Problem: ``option``.
    """
    if not text.strip():
        return None
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days < math.inf:
        raise Problem("option", f"the number of days is {text[:40]!r}; allowed is a number above 0, or nothing")
    return days


def _told() -> dict[str, Any]:
    return {"me": me_json(), "keys": [key.as_json() for key in keys.store().listed(owner())]}
