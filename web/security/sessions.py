"""Who is asking: the holder of a key (:mod:`web.security.api_keys`); the server knows no secret, only its digest.

Programs send ``Authorization: Bearer <secret>``; people log in once with the same secret and get a session cookie.
Without keys the server is open, but to this machine alone: other addresses, and names by which a foreign page could
reach it through the visitor's own browser (DNS rebinding), are refused.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, session, url_for

from web.api.problems import Problem
from web.context import NOBODY, site
from web.security import rate_limits, scopes
from web.security.api_keys import Caller, KeyRing, nobody
from web.uploads import presigned
from workers.errors import DatabaseError
from workers.sessions import Sessions
from workers.settings import Settings

METRICS: Final = "metrics"
"""How who shows the token of the metrics is known, in ``g.by``."""
_LOOPBACK_NAMES: Final = {"localhost", "127.0.0.1", "::1"}


def install(app: Flask, settings: Settings) -> None:
    """Ask every request who it is before any view runs; whoever asks too often is refused before who is not known."""
    app.before_request(_identify)
    rate_limits.install(app, settings)
    app.before_request(_refuse)


def log_in(secret: str) -> bool:
    """Start a session for the holder of ``secret``; false when nobody holds it."""
    caller = site().keys.caller(secret.strip())
    if caller is None:
        return False
    session.clear()
    session["key_name"] = caller.key_id
    session["key_mark"] = caller.mark
    session["name"] = sessions().begin(caller.key_id, current_app.permanent_session_lifetime.total_seconds())
    return True


def log_out() -> None:
    """End the session, also for whoever has a copy of its cookie."""
    if isinstance(name := session.get("name"), str):
        sessions().end(name)
    session.clear()


def sessions() -> Sessions:
    """Those of this server."""
    return Sessions(site().jobs)


def local_path(text: str | None) -> str:
    """``text`` if it is a path on this server, else the front page: nobody is sent elsewhere after a login."""
    if text and text.startswith("/") and not text.startswith(("//", "/\\")) and not re.search(r"[\x00-\x20\\]", text):
        return text
    return "/"


def still_allowed(caller: Caller) -> Callable[[], bool]:
    """Asks, later and outside the request, whether its key opens this server still; it may be revoked meanwhile."""
    keys = site().keys
    return lambda: not caller.key_id or keys.again(caller.key_id, caller.mark) is not None


def _identify() -> None:
    """Find out who asks; :func:`_refuse` says no to those who may not."""
    g.caller, g.by, g.refused = nobody(NOBODY), "open", None
    if request.endpoint == "health.metrics" and _shows_metrics_token():
        g.keyed, g.by = True, METRICS
        return
    keys = site().keys
    g.keyed = keys.required
    if not g.keyed:
        return
    try:
        known = _bearer(keys) or _session(keys)
        if not known and not scopes.is_open(request.endpoint):
            g.refused = Problem("unauthorized", "an API key is needed here", {"WWW-Authenticate": "Bearer"})
    except DatabaseError as error:
        if not scopes.is_open(request.endpoint):  # those answer without it
            g.refused = error
    except Problem as problem:
        g.refused = problem


def _refuse() -> Response | None:
    if g.by == METRICS:
        return None
    if not g.keyed:
        _this_machine_only()
        return None
    if presigned.is_signed():  # whoever was given the address may use it, for what it is good for
        g.by = "signed"
        return None
    if g.refused is not None:
        if request.path.startswith(("/v1/", "/metrics")) or not _may_log_in(g.refused):
            raise g.refused
        asked_for = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("login.login", next=asked_for), 303)  # type: ignore[return-value]
    scopes.hold(g.caller)
    return None


def _may_log_in(refused: Exception) -> bool:
    """Whether nothing was shown at all; who showed a bad key is told so."""
    return isinstance(refused, Problem) and "Authorization" not in request.headers


def _shows_metrics_token() -> bool:
    """Whether the request shows the token that reads the metrics and nothing else."""
    token = site().settings.metrics_token
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return bool(token) and scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def _bearer(keys: KeyRing) -> bool:
    """Whether the request shows a good key; a bad one is refused at once, even where none is needed."""
    if "Authorization" not in request.headers:
        return False
    scheme, _, secret = request.headers["Authorization"].partition(" ")
    caller = keys.caller(secret.strip()) if scheme.lower() == "bearer" else None
    if caller is None:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Problem("unauthorized", "the API key is not known here, has expired or was revoked", headers)
    g.caller, g.key_name, g.by = caller, caller.owner, "bearer"
    return True


def _session(keys: KeyRing) -> bool:
    name: object = session.get("key_name")
    if not isinstance(name, str) or sessions().key_name(str(session.get("name"))) != name:
        return False
    # A key that was revoked or taken out of the settings, has expired or got another secret, ends its sessions.
    caller = keys.again(name, str(session.get("key_mark")))
    if caller is None:
        return False
    g.caller, g.key_name, g.by = caller, caller.owner, "session"
    return True


def _this_machine_only() -> None:
    settings = site().settings
    # No address at all: a unix socket, or a test's own client.
    address = ipaddress.ip_address((request.remote_addr or "127.0.0.1").partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    if not mapped.is_loopback:
        raise Problem("forbidden", "no API keys are set, so this server answers its own machine only")
    asked_for = urlsplit(f"//{request.host}").hostname or ""
    known = _LOOPBACK_NAMES | {settings.host, urlsplit(settings.public_url).hostname}
    if asked_for not in known:
        raise Problem("forbidden", f"this server does not go by the name {asked_for[:80]!r}")
