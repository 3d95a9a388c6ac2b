"""From where a request comes, and by which name it asks: proxies that are trusted, hosts that this server goes by."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from flask import Flask, request
from werkzeug.sansio.utils import host_is_trusted

from synth.errors import OptionError
from web.api.problems import Problem
from workers.settings import Settings

_EXEMPT: Final = ("health.livez", "health.readyz")
"""Whoever watches whether the server lives may ask for it by its number."""
NOWHERE: Final = "0.0.0.0"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parsed_networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, with commas between them.

    Raises:
        OptionError: one of them is neither.
    """
    found: list[Network] = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError as error:
            raise OptionError(
                f"trusted_proxies has {part[:60]!r}; allowed are addresses and networks such as 10.0.0.0/8"
            ) from error
    return tuple(found)


def belongs(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in networks)


def _address(hop: str) -> str:
    """A hop's address without its port; what is none is nobody's, and never this machine's."""
    for text in (hop, hop.rpartition(":")[0]):
        with suppress(ValueError):
            return str(ipaddress.ip_address(text.strip("[]")))
    return NOWHERE


class TrustedProxies:
    """A WSGI middleware: behind trusted proxies the address is that of whoever asked the first of them.

    The last address of ``X-Forwarded-For`` that is no trusted proxy's counts: what stands before it anybody may have
    written. From others the header counts for nothing. No other header of proxies is believed.
    """

    def __init__(self, application: Any, networks: tuple[Network, ...]) -> None:
        self._application, self._networks = application, networks

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Hand the request on."""
        hops = [hop.strip() for hop in environ.pop("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        while hops and belongs(environ.get("REMOTE_ADDR", ""), self._networks):
            environ["REMOTE_ADDR"] = _address(hops.pop())
        return self._application(environ, start_response)


def install(app: Flask, settings: Settings) -> None:
    """Let ``app`` see addresses as they are, and answer only by its own names.

    Raises:
        OptionError: a trusted proxy is no address.
    """
    if networks := parsed_networks(settings.trusted_proxies):
        app.wsgi_app = TrustedProxies(app.wsgi_app, networks)  # type: ignore[method-assign]
    hosts = [host.strip() for host in settings.trusted_hosts.split(",") if host.strip()]

    def refuse_other_hosts() -> None:
        asked = request.environ.get("HTTP_HOST", "")
        if request.endpoint not in _EXEMPT and not host_is_trusted(asked, hosts):
            raise Problem("bad-request", f"this server does not go by the name {asked[:80]!r}")

    if hosts:
        app.before_request(refuse_other_hosts)
