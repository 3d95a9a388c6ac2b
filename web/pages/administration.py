"""The page of administrators: owners, queue, workers, disk, deliveries, and everybody's keys."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.api.operations import parsed
from web.api.owners import admin, keys
from web.api.schemas.owners import ChangeOwner, NewKey
from web.security.scopes import needs
from workers.owners.keys import OVERLAP_S, Scope

blueprint = Blueprint("administration", __name__, url_prefix="/admin")


@blueprint.get("")
@needs(Scope.ADMIN)
def page() -> str:
    """Everything at once."""
    return render_template("admin.html", **_told())


@blueprint.post("/owners")
@needs(Scope.ADMIN)
def change_owner() -> Response:
    """Set what an owner may have: an empty field is what the settings say."""
    given: dict[str, Any] = {
        name: request.form[name].strip() for name in ChangeOwner.model_fields if name in request.form
    }
    filled = parsed(ChangeOwner, {name: text for name, text in given.items() if text})
    emptied = {name: None for name, text in given.items() if not text}
    admin.change(request.form.get("owner", ""), filled.model_copy(update=emptied))
    return redirect(url_for("administration.page"), 303)


@blueprint.post("/keys")
@needs(Scope.ADMIN)
def make_key() -> Response:
    """Make a key; it is shown on the page that answers, and never again."""
    given = {name: request.form.get(name, "").strip() for name in ("owner", "label", "expires_in_days")}
    asked = {**{name: text for name, text in given.items() if text}, "scopes": request.form.getlist("scopes")}
    return _shown_once(keys.make(parsed(NewKey, asked)))


@blueprint.post("/keys/<key_id>/rotate")
@needs(Scope.ADMIN)
def rotate(key_id: str) -> Response:
    """Replace a key."""
    return _shown_once(keys.rotate(keys.store().get(key_id, None), OVERLAP_S / 3600))


@blueprint.post("/keys/<key_id>/revoke")
@needs(Scope.ADMIN)
def revoke(key_id: str) -> Response:
    """End a key."""
    keys.store().revoke(key_id, None)
    return redirect(url_for("administration.page"), 303)


def _shown_once(pair: Any) -> Response:
    made, secret = pair
    response = make_response(render_template("admin.html", **_told(), made=made.as_json(), secret=secret))
    response.headers["Cache-Control"] = "no-store"
    return response


def _told() -> dict[str, Any]:
    return {
        "told": admin.overview_json(),
        "keys": [key.as_json() for key in keys.store().listed()],
        "scopes_there_are": list(Scope),
    }
