"""What a caller is to the server: whose jobs they see, and what their key is good for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from web.api.jobs import reply
from web.api.operations import Operation, describes
from web.api.representations import moment
from web.api.schemas import owners as schemas
from web.context import caller, owner
from workers.owners.keys import Scope

blueprint = Blueprint("me", __name__)


def me_json() -> dict[str, Any]:
    """What is told to the caller about themselves."""
    key = caller().key
    return {
        "owner": owner(),
        "key": {
            "id": key.id if key else None,
            "label": key.label if key else "",
            "scopes": [scope for scope in Scope if scope in caller().scopes],
            "expires_at": moment(key.expires_at) if key else None,
        },
    }


@blueprint.get("/v1/me")
@describes(Operation("readMe", "Who you are here, and what your key is good for", {200: schemas.Me}, scope=None))
def me() -> Response:
    """The caller."""
    return reply(me_json())
