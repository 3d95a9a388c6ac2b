"""The page about oneself: under which name one's jobs stand, what one's key is good for, and one's keys."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from web.api.owners import keys
from web.api.owners.me import me_json
from web.context import owner
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
    response = make_response(render_template("account.html", **_told(), made=keys.key_json(made), secret=secret))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/account/keys/<key_id>/revoke")
def revoke(key_id: str) -> Response:
    """End a key."""
    keys.store().revoke(keys.within_reach(key_id).id, owner())
    return redirect(url_for("account.page"), 303)


def _told() -> dict[str, Any]:
    return {"me": me_json(), "keys": [keys.key_json(key) for key in keys.store().listed(owner())]}
