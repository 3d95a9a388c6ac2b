"""Who is asking. API keys come from the settings as ``name:sha256``; the server knows no secret, only its digest.

Programs send ``Authorization: Bearer <secret>``; people log in once with the same secret and get a session cookie.
Without keys the server is open, but to this machine alone: other addresses, and names by which a foreign page could
reach it through the visitor's own browser (DNS rebinding), are refused.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, session, url_for

from web.api.problems import Problem
from web.context import site
from web.security.api_keys import Keys
from workers.errors import DatabaseError
from workers.sessions import Sessions

_OPEN_ENDPOINTS: Final = {"static", "health.livez", "health.readyz", "login.login", "openapi.document"}
_OPEN_BLUEPRINTS: Final = {"documents", "shared"}
_LOOPBACK_NAMES: Final = {"localhost", "127.0.0.1", "::1"}


def install(app: Flask) -> None:
    """Ask every request who it is before any view runs."""
    app.before_request(_identify)


def log_in(secret: str) -> bool:
    """Start a session for the holder of ``secret``; false when nobody holds it."""
    name = site().keys.holder(secret.strip())
    if name is None:
        return False
    session.clear()
    session["key_name"] = name
    session["key_mark"] = _mark(name)
    session["name"] = sessions().begin(name, current_app.permanent_session_lifetime.total_seconds())
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


def _identify() -> Response | None:
    g.key_name, g.by = None, "open"
    keys = site().keys
    if not keys.required:
        _this_machine_only()
        return None
    if request.endpoint in _OPEN_ENDPOINTS or request.blueprint in _OPEN_BLUEPRINTS:
        with suppress(DatabaseError):  # they answer without it
            _bearer(keys) or _session(keys)
        return None
    if _bearer(keys) or _session(keys):
        return None
    if request.path.startswith(("/v1/", "/metrics")):
        raise Problem("unauthorized", "an API key is needed here", {"WWW-Authenticate": "Bearer"})
    asked_for = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("login.login", next=asked_for), 303)  # type: ignore[return-value]


def _bearer(keys: Keys) -> bool:
    """Whether the request shows a good key; a bad one is refused at once, even where none is needed."""
    if "Authorization" not in request.headers:
        return False
    scheme, _, secret = request.headers["Authorization"].partition(" ")
    name = keys.holder(secret.strip()) if scheme.lower() == "bearer" else None
    if name is None:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Problem("unauthorized", "the API key is not known here", headers)
    g.key_name, g.by = name, "bearer"
    return True


def _session(keys: Keys) -> bool:
    name: object = session.get("key_name")
    # A key that was taken out of the settings, or got another secret, ends its sessions.
    if (
        not isinstance(name, str)
        or name not in keys.digests
        or not hmac.compare_digest(str(session.get("key_mark")), _mark(name))
        or sessions().key_name(str(session.get("name"))) != name
    ):
        return False
    g.key_name, g.by = name, "session"
    return True


def _mark(name: str) -> str:
    return hashlib.sha256(f"session:{site().keys.digests[name]}".encode()).hexdigest()[:32]


def _this_machine_only() -> None:
    settings = site().settings
    # No address at all: a unix socket, or a test's own client.
    address = ipaddress.ip_address((request.remote_addr or "127.0.0.1").partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    if not mapped.is_loopback:
        raise Problem("forbidden", "no API keys are configured, so this server answers its own machine only")
    asked_for = urlsplit(f"//{request.host}").hostname or ""
    known = _LOOPBACK_NAMES | {settings.host, urlsplit(settings.public_url).hostname}
    if asked_for not in known:
        raise Problem("forbidden", f"this server does not go by the name {asked_for[:80]!r}")
