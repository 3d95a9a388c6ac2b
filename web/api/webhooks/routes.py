"""The API's webhooks: make, list, read, change, delete, rotate, test, and what was delivered."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response

from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.schemas import webhooks as schemas
from web.api.semantics.conditional import unless_known
from web.api.webhooks import steps
from web.api.webhooks.steps import delivery_json, webhook_json
from web.context import site, viewer
from workers.owners.keys import Scope
from workers.webhooks.endpoints import Webhook

blueprint = Blueprint("webhooks_api", __name__, url_prefix="/v1/webhooks")

_ONE: Final = "/<webhook_id>"
_SECRET: Final = {"Cache-Control": "no-store"}


@blueprint.get("")
@describes(
    Operation(
        "listWebhooks",
        "Your webhooks, newest first",
        {200: schemas.Webhooks, 304: None},
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def listing() -> Response:
    """The caller's endpoints."""
    return unless_known(reply({"webhooks": [webhook_json(one) for one in site().endpoints.listed(viewer())]}))


@blueprint.post("")
@describes(
    Operation(
        "createWebhook",
        "Name an address to which events are sent",
        {201: schemas.MadeWebhook},
        (*BODY, "conflict"),
        body=schemas.NewWebhook,
        scope=Scope.WRITE,
    )
)
def create(body: schemas.NewWebhook) -> Response:
    """A new endpoint, with its secret."""
    return _made(steps.make(body.url, list(body.events), body.description))


@blueprint.get(_ONE)
@describes(
    Operation(
        "readWebhook",
        "One webhook",
        {200: schemas.Webhook, 304: None},
        ("not-found",),
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def read(webhook_id: str) -> Response:
    """One endpoint."""
    return unless_known(reply(webhook_json(site().webhook(webhook_id))))


@blueprint.patch(_ONE)
@describes(
    Operation(
        "changeWebhook",
        "Change, enable or disable a webhook",
        {200: schemas.Webhook},
        (*BODY, "not-found"),
        body=schemas.WebhookChanges,
        scope=Scope.WRITE,
    )
)
def change(webhook_id: str, body: schemas.WebhookChanges) -> Response:
    """Change one."""
    return reply(webhook_json(steps.change(site().webhook(webhook_id), body.model_dump())))


@blueprint.delete(_ONE)
@describes(
    Operation("deleteWebhook", "Forget a webhook and its deliveries", {204: None}, ("not-found",), scope=Scope.WRITE)
)
def delete(webhook_id: str) -> Response:
    """Forget one."""
    site().endpoints.delete(webhook_id, viewer())
    return Response(status=204)


@blueprint.get(f"{_ONE}/secret")
@describes(
    Operation(
        "readWebhookSecret",
        "The secret with which its deliveries are signed",
        {200: schemas.WebhookSecret},
        ("not-found",),
        scope=Scope.WRITE,
    )
)
def secret(webhook_id: str) -> Response:
    """The secret."""
    return reply({"secret": site().webhook(webhook_id).secret}, headers=_SECRET)


@blueprint.post(f"{_ONE}/rotate")
@describes(
    Operation(
        "rotateWebhookSecret",
        "A new secret; the old one signs too for a while",
        {201: schemas.MadeWebhook},
        (*BODY, "not-found"),
        body=schemas.WebhookRotation,
        scope=Scope.WRITE,
    )
)
def rotate(webhook_id: str, body: schemas.WebhookRotation) -> Response:
    """A new secret."""
    return _made(site().endpoints.rotate(webhook_id, viewer(), body.overlap_hours * 3600))


@blueprint.post(f"{_ONE}/test")
@describes(
    Operation(
        "testWebhook",
        "Send an event that says nothing, to see whether it arrives",
        {202: schemas.Delivery},
        ("not-found",),
        scope=Scope.WRITE,
    )
)
def test(webhook_id: str) -> Response:
    """Send a test."""
    webhook = site().webhook(webhook_id)
    delivery = site().deliveries.get(webhook, site().deliveries.test(webhook))
    told = delivery_json(delivery)
    return reply(told, 202, {"Location": told["links"]["self"]})


@blueprint.post(f"{_ONE}/replay")
@describes(
    Operation(
        "replayWebhook",
        "Send again what failed or was held",
        {202: schemas.Replayed},
        (*BODY, "not-found", "conflict"),
        body=schemas.ReplayAll,
        scope=Scope.WRITE,
    )
)
def replay_all(webhook_id: str, body: schemas.ReplayAll) -> Response:
    """Send again what did not arrive."""
    return reply({"deliveries": steps.replay_all(site().webhook(webhook_id), body.since_hours)}, 202)


@blueprint.get(f"{_ONE}/deliveries")
@describes(
    Operation(
        "listDeliveries",
        "What was sent to a webhook, newest first, and what came of it",
        {200: schemas.Deliveries, 304: None},
        ("not-found", "option"),
        query=schemas.DeliveriesQuery,
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def deliveries(webhook_id: str, query: schemas.DeliveriesQuery) -> Response:
    """One page of deliveries."""
    webhook = site().webhook(webhook_id)
    found, cursor = site().deliveries.recent(webhook, state=query.status, cursor=query.cursor, limit=query.limit)
    return unless_known(reply({"deliveries": [delivery_json(one) for one in found], "next_cursor": cursor}))


@blueprint.get(f"{_ONE}/deliveries/<delivery_id>")
@describes(
    Operation(
        "readDelivery",
        "One delivery with its tries",
        {200: schemas.Delivery, 304: None},
        ("not-found",),
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def delivery(webhook_id: str, delivery_id: str) -> Response:
    """One delivery."""
    return unless_known(reply(delivery_json(site().deliveries.get(site().webhook(webhook_id), delivery_id))))


@blueprint.post(f"{_ONE}/deliveries/<delivery_id>/replay")
@describes(
    Operation(
        "replayDelivery",
        "Send one delivery again, under the same event id",
        {202: schemas.Delivery},
        ("not-found", "conflict"),
        scope=Scope.WRITE,
    )
)
def replay(webhook_id: str, delivery_id: str) -> Response:
    """Send one again."""
    return reply(delivery_json(site().deliveries.replay(site().webhook(webhook_id), delivery_id)), 202)


def _made(webhook: Webhook) -> Response:
    told = {"webhook": webhook_json(webhook), "secret": webhook.secret}
    return reply(told, 201, {**_SECRET, "Location": told["webhook"]["links"]["self"]})  # type: ignore[index]
