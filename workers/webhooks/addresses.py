"""Which addresses may be asked: a name somebody gives must not lead to what only this server can reach (SSRF).

An address is looked at twice: as text, when it is named, and with what its name leads to, each time before it is used.
The connection then goes to the very address that was looked at, so that a name that leads elsewhere a moment later
(DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

MAX_URL_CHARS: Final = 2000
MAX_LABEL_CHARS: Final = 63  # of a host's name, between two dots; resolvers take no longer ones
_PORT: Final = "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST: Final = r'([!-"$-.0-9;->A-Z^-~]+|\[[0-9A-Fa-f:.]+\])'
_REST: Final = r'([/?][!-"$-\[\]-~]*)?#?'
_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
# Services that tell programs of a cloud their passwords, where no range of addresses says so.
_METADATA: Final = frozenset(
    ipaddress.ip_address(one) for one in ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)


class Refused(Exception):
    """An address that may not be asked; the text is one sentence for its owner."""


@dataclass(frozen=True)
class Policy:
    """What is allowed.

    Attributes:
        private: also http, and addresses of this machine and of its networks.
        ports: empty for all.
    """

    private: bool = False
    ports: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Target:
    """An address as it is asked."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What stands in ``Host``."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"


def pattern_of(policy: Policy) -> str:
    """What the text of an allowed address looks like, as a regular expression of JSON Schema's and of Python's.

    :func:`target_of` takes no other, and asks more of it: which hosts and ports, and how long it may be.
    """
    return f"^[Hh][Tt][Tt][Pp]{'[Ss]?' if policy.private else '[Ss]'}://{_HOST}(:({_PORT})?)?{_REST}$"


def target_of(url: str, policy: Policy) -> Target:
    """An address taken apart.

    Raises:
        Refused: it is none, or not an allowed one; where it leads is not looked at.
    """
    if len(url) > MAX_URL_CHARS or not url.isprintable() or not url.isascii() or " " in url or "\\" in url:
        raise Refused(f"the url must be up to {MAX_URL_CHARS} ASCII characters without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused("the url is none: its host or port cannot be read") from error
    schemes = ("https", "http") if policy.private else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise Refused(f"the url must begin with {' or '.join(f'{one}://' for one in schemes)} and name a host")
    if parts.username is not None or parts.password is not None:
        raise Refused("the url must hold no user and no password; whoever receives checks the signature")
    if parts.fragment:
        raise Refused("the url must hold no fragment")
    secure = parts.scheme == "https"
    port = port if port is not None else (443 if secure else 80)
    if port == 0 or (policy.ports and port not in policy.ports):
        allowed = ", ".join(map(str, sorted(policy.ports))) or "1 to 65535"
        raise Refused(f"the url's port is {port}; allowed are {allowed}")
    if not re.match(pattern_of(policy), url):
        raise Refused("the url is none: its host or port cannot be read")
    host = parts.hostname.rstrip(".")
    if not policy.private and (host == "localhost" or host.endswith((".localhost", ".local", ".internal"))):
        raise Refused(f"the url's host {host!r} is a name of this machine or of its network")
    literal = _literal(host)
    if literal is not None:
        allowed_of([str(literal)], policy)
    elif not all(0 < len(label) <= MAX_LABEL_CHARS for label in host.split(".")):
        raise Refused(f"the url's host is no name: between dots stand 1 to {MAX_LABEL_CHARS} characters")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port, path)


def allowed_of(found: Iterable[str], policy: Policy) -> Sequence[str]:
    """The addresses to which a name leads, where every one of them may be asked.

    Raises:
        Refused: one may not be, or there is none.
    """
    addresses = list(dict.fromkeys(found))
    if not addresses:
        raise Refused("the url's host is not known")
    for one in addresses:
        literal = _literal(one)
        if literal is None or not all(_allowed(seen, policy) for seen in _meant(literal)):
            raise Refused("the url leads to an address that is not public")
    return addresses


def _literal(host: str) -> _IP | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _meant(address: _IP) -> list[_IP]:
    """The address, and those that it carries inside: a translator on the way would unpack them."""
    found: list[_IP] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        found += [one for one in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if one is not None]
        translated = any(address in network for network in _NAT64)
        if translated or int(address) >> 32 == 0:
            found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if translated or address.ipv4_mapped is not None:
            found.remove(address)  # it is nothing but the other one
    return found


def _allowed(address: _IP, policy: Policy) -> bool:
    if address.is_multicast or address.is_unspecified or address.is_link_local or address in _METADATA:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return policy.private
    if address.is_reserved and not address.is_loopback:
        return False
    return address.is_global or (policy.private and address.is_private)
