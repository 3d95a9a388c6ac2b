"""Logging in and out. Only needed where API keys are configured."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.context import site
from web.security import sessions
from web.security.scopes import needs

blueprint = Blueprint("login", __name__)


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Response | str | tuple[str, int]:
    """Trade an API key for a session."""
    onward = sessions.local_path(request.args.get("next"))
    if not site().keys.required:
        return redirect(onward, 303)
    if request.method == "GET":
        return render_template("login.html", refused=False)
    if sessions.log_in(request.form.get("key", "")):
        return redirect(onward, 303)
    return render_template("login.html", refused=True), 401


@blueprint.post("/logout")
@needs(None)
def logout() -> Response:
    """End the session."""
    sessions.log_out()
    return redirect(url_for("login.login"), 303)
