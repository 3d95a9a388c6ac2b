"""What a caller is to the server: whose jobs they see, and what their key is good for."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response

from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.schemas import owners as schemas
from web.api.schemas.owners import ChangeMe
from web.api.semantics.tickets import checked_days
from web.context import caller, owner, site
from workers.owners.keys import Scope
from workers.records import moment

blueprint = Blueprint("me", __name__)


def me_json() -> dict[str, Any]:
    """What is told to the caller about themselves."""
    key, settings, mine = caller().key, site().settings, site().jobs.owners.quota(owner())
    return {
        "owner": owner(),
        "key": {
            "id": key.id if key else None,
            "label": key.label if key else "",
            "scopes": [scope for scope in Scope if scope in caller().scopes],
            "expires_at": moment(key.expires_at) if key else None,
        },
        "quotas": quotas_json(owner()),
        "retention_days": settings.retention_days if mine.retention_days is None else mine.retention_days,
        "retention_is_own": mine.retention_days is not None,
        "retention_max_days": settings.retention_max_days,
    }


def quotas_json(name: str) -> dict[str, Any]:
    """What an owner has, and may have."""
    owners = site().jobs.owners
    may, has = owners.quota(name), owners.use(name)
    return {
        "stored_bytes": {"used": has.stored_bytes, "allowed": may.max_bytes},
        "queued_jobs": {"used": has.queued, "allowed": may.max_queued},
        "sound_s_today": {"used": round(has.sound_s, 3), "allowed": may.max_sound_s},
        "resets_at": moment(time.time() + owners.midnight_s()),
        "weight": may.weight,
    }


@blueprint.get("/v1/me")
@describes(Operation("readMe", "Who you are here, what you have and may have", {200: schemas.Me}, scope=None))
def me() -> Response:
    """The caller."""
    return reply(me_json())


@blueprint.patch("/v1/me")
@describes(
    Operation(
        "changeMe",
        "Say how long your results are kept",
        {200: schemas.Me},
        BODY,
        body=ChangeMe,
        scope=Scope.WRITE,
    )
)
def change_me(body: ChangeMe) -> Response:
    """Set what counts for all of the caller's jobs."""
    keep_results_for(body.retention_days)
    return reply(me_json())


def keep_results_for(days: float | None) -> None:
    """Set for how many days the caller's results are kept.

    Raises:
        Problem: ``option``, where it is more than the operator allows.
    """
    site().jobs.owners.change(owner(), retention_days=checked_days("retention_days", days))
