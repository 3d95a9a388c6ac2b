"""Real or generated: the page, and the switch on a job's page. Works with plain forms."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from web.api.problems import Problem
from web.comparisons import api, pairs
from web.context import site
from workers.jobs import Job

blueprint = Blueprint("comparisons", __name__)


@blueprint.get("/real-or-generated")
def page() -> str:
    """Two clips side by side, and what all votes say so far."""
    pair = pairs.next_pair()
    told = session.pop("voted", None)
    return render_template(
        "compare.html", pair=None if pair is None else api.pair_json(pair), told=told, figures=api.all_rates()
    )


@blueprint.post("/real-or-generated")
def vote() -> Response:
    """Take the vote of the form, and show the next pair."""
    real = request.form.get("real", "")
    if real not in pairs.SIDES:
        raise Problem("option", f"real is {real[:40]!r}; allowed are {', '.join(pairs.SIDES)}")
    session["voted"] = api.cast_vote(request.form.get("pair", ""), real)
    return redirect(url_for("comparisons.page"), 303)


@blueprint.post("/jobs/<job_id>/comparison")
def allow(job_id: str) -> Response:
    """The switch on a job's page."""
    api.set_permission(site().job(job_id), allowed=request.form.get("allowed") == "true")
    return redirect(url_for("pages.job", job_id=job_id), 303)


@blueprint.app_template_filter("comparison")
def for_page(job: Job) -> dict[str, Any] | None:
    """What the switch on a job's page shows; nothing where there is nothing to compare."""
    return None if api.why_not(job) else api.permission(job)
