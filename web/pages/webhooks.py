"""The pages of webhooks: one's endpoints, and of each what was delivered and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.api.operations import once, parsed
from web.api.problems import Problem, problem_of
from web.api.schemas.webhooks import DeliveriesQuery, NewWebhook, WebhookChanges
from web.api.webhooks import steps
from web.api.webhooks.steps import delivery_json, webhook_json
from web.context import site, viewer
from web.security.scopes import needs
from workers.errors import Conflict
from workers.owners.keys import Scope
from workers.webhooks.outbox import CHOICES, USUAL, DeliveryState

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blueprint.get("")
def listing() -> str:
    """One's endpoints, and a form for a new one."""
    return _listing({"events": USUAL})


@blueprint.post("")
def create() -> Response:
    """A new endpoint; where it is refused, the form again as it was filled in."""
    given = {"url": request.form.get("url", "").strip(), "description": request.form.get("description", "")}
    try:
        asked = parsed(NewWebhook, {**given, **_events()})
        made = steps.make(asked.url, list(asked.events), asked.description)
    except (Problem, Conflict) as error:
        problem = problem_of(error)
        filled_in = {**given, "events": request.form.getlist("events")}
        return make_response(_listing(filled_in, problem.detail), problem.kind.status)
    return redirect(url_for("webhooks.page", webhook_id=made.id), 303)


@blueprint.get("/<webhook_id>")
def page(webhook_id: str) -> str:
    """One endpoint and its deliveries."""
    return _page(webhook_id)


@blueprint.post("/<webhook_id>")
def change(webhook_id: str) -> Response:
    """Change, enable or disable one; where that is refused, the form again as it was filled in."""
    given: dict[str, Any] = {name: request.form[name] for name in ("url", "description") if name in request.form}
    if "enabled" in request.form:
        given["enabled"] = request.form["enabled"] == "true"
    webhook = site().webhook(webhook_id)
    try:
        steps.change(webhook, parsed(WebhookChanges, {**given, **_events()}).model_dump())
    except (Problem, Conflict) as error:
        problem = problem_of(error)
        return make_response(
            _page(webhook_id, filled_in={**given, **_events()}, refused=problem.detail), problem.kind.status
        )
    return _back(webhook_id)


@blueprint.post("/<webhook_id>/secret")
@needs(Scope.WRITE)
def secret(webhook_id: str) -> Response:
    """Show the secret; with ``rotate``, a new one."""
    webhook = site().webhook(webhook_id)
    if request.form.get("rotate"):
        webhook = site().endpoints.rotate(webhook_id, webhook.owner)
    response = make_response(_page(webhook_id, secret=webhook.secret))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/<webhook_id>/test")
def test(webhook_id: str) -> Response:
    """Send a test."""
    site().deliveries.test(site().webhook(webhook_id))
    return _back(webhook_id)


@blueprint.post("/<webhook_id>/replay")
def replay_all(webhook_id: str) -> Response:
    """Send again what did not arrive in the last days."""
    steps.replay_all(site().webhook(webhook_id), site().settings.retention_days * 24)
    return _back(webhook_id)


@blueprint.post("/<webhook_id>/deliveries/<delivery_id>/replay")
def replay(webhook_id: str, delivery_id: str) -> Response:
    """Send one again."""
    site().deliveries.replay(site().webhook(webhook_id), delivery_id)
    return _back(webhook_id)


@blueprint.post("/<webhook_id>/delete")
def delete(webhook_id: str) -> Response:
    """Forget one."""
    site().endpoints.delete(webhook_id, viewer())
    return redirect(url_for("webhooks.listing"), 303)


def _listing(filled_in: Mapping[str, Any], refused: str | None = None) -> str:
    """The endpoints, and the form with what stands in it."""
    webhooks = [webhook_json(one) for one in site().endpoints.listed(viewer())]
    return render_template("webhooks.html", webhooks=webhooks, choices=CHOICES, filled_in=filled_in, refused=refused)


def _page(
    webhook_id: str, secret: str | None = None, filled_in: Mapping[str, Any] | None = None, refused: str | None = None
) -> str:
    webhook = site().webhook(webhook_id)
    given = {
        name: value for name, value in once(request.args).items() if value and name in DeliveriesQuery.model_fields
    }
    query = parsed(DeliveriesQuery, given)
    found, cursor = site().deliveries.recent(webhook, state=query.status, cursor=query.cursor, limit=query.limit)
    told = webhook_json(webhook)
    return render_template(
        "webhook.html",
        webhook=told,
        filled_in={**told, **(filled_in or {})},
        refused=refused,
        deliveries=[delivery_json(one) for one in found],
        cursor=cursor,
        status=query.status,
        statuses=list(DeliveryState),
        choices=CHOICES,
        secret=secret,
    )


def _events() -> dict[str, list[str]]:
    """The types that are ticked in a form; none: what was said before, or the usual ones."""
    ticked = request.form.getlist("events")
    return {"events": ticked} if ticked else {}


def _back(webhook_id: str) -> Response:
    return redirect(url_for("webhooks.page", webhook_id=webhook_id), 303)
