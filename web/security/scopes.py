"""What a key must be good for at each address: said where the view is, held here and nowhere else.

Views of the API say it in their :class:`web.api.operations.Operation`. A page that says nothing needs ``read`` where it
is got and ``write`` where a form is sent to it; others say :func:`needs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Flask, current_app, request

from web.api.problems import Problem
from web.security.api_keys import Caller
from workers.owners.keys import Scope

V = TypeVar("V", bound=Callable[..., Any])
ATTRIBUTE: Final = "needed_scope"
_READING: Final = frozenset(("GET", "HEAD", "OPTIONS"))
OPEN_ENDPOINTS: Final = frozenset(("static", "health.livez", "health.readyz", "login.login", "openapi.document"))
"""They answer without a key."""
OPEN_BLUEPRINTS: Final = frozenset(("documents", "shared"))


def needs(scope: Scope | None) -> Callable[[V], V]:
    """Decorates a view with the scope that it needs; ``None``: any key will do."""

    def decorate(view: V) -> V:
        setattr(view, ATTRIBUTE, scope)
        return view

    return decorate


def is_open(endpoint: str | None) -> bool:
    """Whether a view answers without a key."""
    return endpoint in OPEN_ENDPOINTS or (endpoint or "").partition(".")[0] in OPEN_BLUEPRINTS


def needed(app: Flask, endpoint: str, method: str) -> Scope | None:
    """The scope that a request must show."""
    if is_open(endpoint):
        return None
    usual = Scope.READ if method in _READING else Scope.WRITE
    return getattr(app.view_functions[endpoint], ATTRIBUTE, usual)


def hold(caller: Caller) -> None:
    """Refuse this request unless its key is good for it.

    Raises:
        Problem: ``scope``.
    """
    if request.endpoint is None:
        return  # nothing is there: 404 says so
    scope = needed(current_app, request.endpoint, request.method)
    if scope is not None and scope not in caller.scopes:
        has = ", ".join(one for one in Scope if one in caller.scopes)
        headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
        raise Problem("scope", f"this needs a key with the scope {scope}; yours has {has}", headers)
