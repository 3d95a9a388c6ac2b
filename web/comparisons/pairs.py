"""Which pair a voter sees next, and on which side the real sound is: decided by a secret, so that it stays so.

A pair is named by a signed text that holds the comparison, the voter and what stands beside the real sound.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from typing import Final

from flask import current_app, g, request, session
from itsdangerous import BadSignature, URLSafeSerializer

from web.api.problems import Problem
from web.context import owner, site
from workers.comparisons.store import CHECKS, Comparison, Comparisons, Version

SIDES: Final = ("left", "right")
CHECK_EVERY: Final = 5
"""One pair in so many is an attention check; the second is the first of them, as most people stop before the fifth."""
FIRST_CHECK: Final = 1
_SALT: Final = "comparison"


@dataclass(frozen=True)
class Pair:
    """Two versions of a clip, one of them with its real sound."""

    comparison: Comparison
    voter: str
    against: Version

    @property
    def token(self) -> str:
        """How it is named outside."""
        return _signer().dumps([self.comparison.id, self.voter, self.against.value])

    @property
    def real_side(self) -> str:
        """Where the real sound is."""
        return SIDES[_draw(self.voter, self.comparison.id, "side") % 2]

    def key(self, side: str) -> str:
        """The storage key of what is on a side."""
        keys = self.comparison.keys or {}
        return keys[Version.REAL if side == self.real_side else self.against]


def store() -> Comparisons:
    """Those of this server."""
    return Comparisons(site().jobs.database)


def voter() -> str:
    """A name for whoever votes, which tells nothing of them: of the session, or of the key's holder."""
    if g.by == "bearer":
        return hashlib.sha256(f"{current_app.secret_key!s} {owner()}".encode()).hexdigest()[:32]
    if "voter" not in session:
        session["voter"] = secrets.token_hex(16)
    return str(session["voter"])


def place_of(comparison_id: str) -> str | None:
    """What stands for the voter's address beside a comparison; nothing for the holder of a key, who has a name.

    It is another one for each comparison, so that votes cannot be joined to a person by it. A network of IPv6 addresses
    that one customer gets is one address.
    """
    if g.by == "bearer":
        return None
    try:
        address = ipaddress.ip_address((request.remote_addr or "").partition("%")[0])
        bits = 64 if address.version == 6 else 32
        where = str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
    except ValueError:  # a socket of this machine
        where = "local"
    return hmac.digest(_secret(), f"place\0{comparison_id}\0{where}".encode(), "sha256").hex()[:32]


def next_pair() -> Pair | None:
    """What the voter has not voted on; nothing when that was all."""
    name = voter()
    left, voted = store().open_to(name, place_of)
    if not left:
        return None
    chosen = min(left, key=lambda one: _draw(name, one.id, "order"))
    against = Version.GENERATED
    if voted % CHECK_EVERY == FIRST_CHECK:
        checks = [one for one in CHECKS if one in (chosen.keys or {})]
        against = checks[_draw(name, chosen.id, "check") % len(checks)]
    return Pair(chosen, name, against)


def pair_of(token: str) -> Pair:
    """The pair that a text names.

    Raises:
        Problem: ``not-found``; it was not named so here.
        NotFound: it may not be compared any more.
    """
    try:
        comparison_id, name, against = _signer().loads(token)
    except BadSignature as error:
        raise Problem("not-found", "there is no such pair") from error
    return Pair(store().get(comparison_id), name, Version(against))


def _draw(*words: str) -> int:
    """A number that is random to whoever does not know the secret, and always the same."""
    return int.from_bytes(hmac.digest(_secret(), "\0".join(words).encode(), "sha256")[:8], "big")


def _secret() -> bytes:
    return str(current_app.secret_key).encode()


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=_SALT)
