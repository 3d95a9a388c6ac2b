"""The pages of webhooks: one's endpoints, and of each what was delivered and what became of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.api.operations import once, parsed
from web.api.schemas.webhooks import DeliveriesQuery, NewWebhook, WebhookChanges
from web.api.webhooks import steps
from web.api.webhooks.steps import delivery_json, webhook_json
from web.context import site, viewer
from web.security.scopes import needs
from workers.owners.keys import Scope
from workers.webhooks.outbox import CHOICES, USUAL, DeliveryState

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blueprint.get("")
def listing() -> str:
    """One's endpoints, and a form for a new one."""
    webhooks = [webhook_json(one) for one in site().endpoints.listed(viewer())]
    return render_template("webhooks.html", webhooks=webhooks, choices=CHOICES, usual=USUAL)


@blueprint.post("")
def create() -> Response:
    """A new endpoint."""
    given = {"url": request.form.get("url", "").strip(), "description": request.form.get("description", "")}
    asked = parsed(NewWebhook, {**given, **_events()})
    made = steps.make(asked.url, list(asked.events), asked.description)
    return redirect(url_for("webhooks.page", webhook_id=made.id), 303)


@blueprint.get("/<webhook_id>")
def page(webhook_id: str) -> str:
    """One endpoint and its deliveries."""
    return _page(webhook_id)


@blueprint.post("/<webhook_id>")
def change(webhook_id: str) -> Response:
    """Change, enable or disable one."""
    given: dict[str, Any] = {name: request.form[name] for name in ("url", "description") if name in request.form}
    if "enabled" in request.form:
        given["enabled"] = request.form["enabled"] == "true"
    steps.change(site().webhook(webhook_id), parsed(WebhookChanges, {**given, **_events()}).model_dump())
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


def _page(webhook_id: str, secret: str | None = None) -> str:
    webhook = site().webhook(webhook_id)
    given = {
        name: value for name, value in once(request.args).items() if value and name in DeliveriesQuery.model_fields
    }
    query = parsed(DeliveriesQuery, given)
    found, cursor = site().deliveries.recent(webhook, state=query.status, cursor=query.cursor, limit=query.limit)
    return render_template(
        "webhook.html",
        webhook=webhook_json(webhook),
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
