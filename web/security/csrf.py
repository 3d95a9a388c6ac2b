"""Who may make the browser ask: forms carry a token, scripts a header, and other sites are refused.

The token is our own and not Flask-WTF's, which looks for it in ``request.form`` and so would take a whole upload in
before it could refuse it. Ours stands in the session (signed, HttpOnly, SameSite=Lax) and comes back as the first
field of a form or as the header ``X-CSRF-Token``; an upload is stopped before its file is read.

Programs with a Bearer key need none: no browser adds that header on its own. While no keys are configured, programs
need none either; there the browser's own ``Sec-Fetch-Site`` and ``Origin`` tell whether another site asks.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from flask import Flask, Response, g, request, session

from web.api.problems import Problem
from web.context import site

FIELD: Final = "csrf_token"
HEADER: Final = "X-CSRF-Token"
_SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS"}
FORM_BYTES: Final = 256 * 1024  # of forms and JSON; uploads have limits of their own
SCORE_BYTES: Final = 4 * 1024**2
"""Ten thousand hits as JSON."""
_SCORES: Final = {"score.change", "exchange.write"}
_UPLOADS: Final = {  # read their bodies piece by piece
    "pages.upload",
    "api.create",
    "api.probe",
    "batches.create",
    "search.find_like_file",
    "search.page_of_file",
    "uploads.create",
    "uploads.append",
    "uploads.instead",
    "direct.put",
}


def token() -> str:
    """The token of this session, for forms and scripts."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    return str(session["csrf"])


def nonce() -> str:
    """The nonce of this page's scripts."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def install(app: Flask) -> None:
    """Guard every request and every response of ``app``."""
    app.before_request(_guard)
    app.after_request(_headers)


def check_form(fields: Mapping[str, str]) -> None:
    """Refuse a form that did not come from our own page.

    Raises:
        Problem: ``forbidden``.
    """
    _check_token(fields.get(FIELD))


def _guard() -> None:
    if "\0" in request.path:  # PostgreSQL has no such text, not even to compare with
        raise Problem("not-found", "no address holds a NUL")
    if request.endpoint not in _UPLOADS:
        request.max_content_length = SCORE_BYTES if request.endpoint in _SCORES else FORM_BYTES
    if request.method in _SAFE_METHODS or g.by in ("bearer", "signed"):
        return
    _same_site()
    if request.path.startswith("/v1/"):
        if g.by == "session":
            _check_token(None)
    elif request.endpoint not in _UPLOADS:  # the pages' own call check_form before their first file
        check_form(request.form)


def _check_token(shown: str | None) -> None:
    wanted = session.get("csrf")
    shown = request.headers.get(HEADER) or shown
    if not wanted or not shown or not hmac.compare_digest(str(wanted), shown):
        raise Problem("forbidden", "the form is too old or did not come from this page; reload the page and try again")


def _same_site() -> None:
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise Problem("forbidden", "the request comes from another site")
    origin = request.headers.get("Origin")
    # Behind a proxy that speaks TLS we see http: only host and port are compared, and the public name counts too.
    ours = {request.host, site().settings.public_url.partition("://")[2].rstrip("/")} - {""}
    if origin is not None and origin.partition("://")[2] not in ours:
        raise Problem("forbidden", "the request comes from another site")


def _headers(response: Response) -> Response:
    media = " ".join(["'self'", *site().media_origins])
    page_policy = (
        f"default-src 'none'; script-src 'nonce-{nonce()}'; style-src 'self' 'nonce-{nonce()}'; img-src {media} data:; "
        f"media-src {media} blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    for name, value in {
        "Content-Security-Policy": page_policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Not no-referrer: with that, browsers send `Origin: null` even with our own forms.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    }.items():
        response.headers.setdefault(name, value)
    if site().settings.public_url.startswith("https://"):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.mimetype in ("text/html", "application/json"):
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
