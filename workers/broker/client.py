"""A plain client of the broker, which only asks whether it answers, and waits no longer than it is told to."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.addresses import query_of

_TLS: Final = ("ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")  # as Celery takes them after the ?


def broker_client(url: str, answer_s: float) -> redis.Redis:
    """A client of the broker at an address that :func:`workers.addresses.check_broker` accepts.

    Args:
        answer_s: how long it waits, once to connect and once for each answer. It tries once: redis-py's own client
            tries four times.
    """
    parts = urlsplit(url)
    given: dict[str, Any] = {"socket_timeout": answer_s, "socket_connect_timeout": answer_s}
    given |= {"retry": Retry(NoBackoff(), 0)}
    given |= {name: unquote(value) for name in ("username", "password") if (value := getattr(parts, name))}
    if parts.scheme == "redis+socket":
        number = query_of(parts).get("virtual_host") or "0"
        return redis.Redis(unix_socket_path=unquote(parts.path), db=int(number), **given)
    if parts.scheme == "rediss":
        given |= {"ssl": True} | {name: value for name, value in query_of(parts).items() if name in _TLS}
    number = parts.path.strip("/") or "0"
    return redis.Redis(host=str(parts.hostname), port=parts.port or 6379, db=int(number), **given)
