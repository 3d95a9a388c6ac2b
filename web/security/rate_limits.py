"""How often one may ask: by key, by address where no key was shown, and more seldom for a log-in.

Counts are kept in the broker, so that all web processes share them, and in memory while the broker is away: nobody's
answer waits for it longer than :data:`ANSWER_S`. While no keys are needed, nothing is counted.
"""

from __future__ import annotations

import math
import time
from typing import Any, Final

from flask import Flask, Response, g, request
from flask_limiter import Limiter, RateLimitExceeded

from web.api.problems import Problem, answer
from workers.broker.client import broker_client
from workers.settings import Settings

ANSWER_S: Final = 0.2
WINDOW_S: Final = 60
_EXEMPT: Final = frozenset(("static", "health.livez", "health.readyz"))
_KEY: Final = "sonorize-limits"
_WORDS: Final = {
    "key": "this key was used",
    "login": "a log-in was tried from this address",
    "address": "this address asked without a good key",
}


def install(app: Flask, settings: Settings) -> None:
    """Count every request of ``app`` once it is known who asks; see :func:`web.security.sessions.install`."""
    app.config["RATELIMIT_KEY_PREFIX"] = _KEY
    limiter = Limiter(
        _counted,
        app=app,
        application_limits=[lambda: f"{_allowed(settings)} per minute"],
        application_limits_exempt_when=lambda: _is_exempt(settings),
        strategy="fixed-window",
        storage_uri="redis://",
        storage_options=_storage(settings),
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        headers_enabled=False,
    )

    def refuse(_: RateLimitExceeded) -> Response:
        wait_s = _reset_s(limiter)
        detail = f"{_WORDS[_kind()]} more than {_allowed(settings)} times in a minute"
        return answer(Problem("rate-limited", detail, {"Retry-After": str(wait_s)}))

    def tell(response: Response) -> Response:
        if (current := limiter.current_limit) is not None:
            quota = f'"{_kind()}";q={current.limit.amount};w={WINDOW_S}'
            response.headers["RateLimit-Policy"] = quota
            response.headers["RateLimit"] = f'"{_kind()}";r={max(0, current.remaining)};t={_reset_s(limiter)}'
        return response

    app.register_error_handler(RateLimitExceeded, refuse)
    app.after_request(tell)


def _storage(settings: Settings) -> dict[str, Any]:
    return {"connection_pool": broker_client(settings.broker_url, ANSWER_S).connection_pool}


def _kind() -> str:
    """``login``, ``key``, or ``address`` where no good key was shown."""
    if request.endpoint == "login.login" and request.method == "POST":
        return "login"
    return "key" if g.caller.key_id else "address"


def _counted() -> str:
    """Under which name this request is counted."""
    kind = _kind()
    return f"{kind}:{g.caller.key_id if kind == 'key' else request.remote_addr or 'local'}"


def _allowed(settings: Settings) -> int:
    return {
        "key": settings.rate_key_per_minute,
        "login": settings.rate_login_per_minute,
        "address": settings.rate_address_per_minute,
    }[_kind()]


def _is_exempt(settings: Settings) -> bool:
    return not g.keyed or request.endpoint in _EXEMPT or _allowed(settings) == 0


def _reset_s(limiter: Limiter) -> int:
    current = limiter.current_limit
    return 1 if current is None else min(WINDOW_S, max(1, math.ceil(current.reset_at - time.time())))
