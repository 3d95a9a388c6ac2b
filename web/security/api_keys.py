"""API keys: digests of secrets that the server does not know, out of the settings and out of the database.

Those of the settings are entries ``name:sha256`` or ``name:sha256:scopes``, as ``anna:4f..:read+write+admin``; without
scopes a key reads and writes. Those of the database are :mod:`workers.owners.keys`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from synth.errors import OptionError
from workers.errors import DatabaseError
from workers.owners.keys import ALL_SCOPES, USUAL_SCOPES, Key, KeyStore, Scope, parsed_scopes

_ENTRY: Final = re.compile(
    r"(?P<name>[A-Za-z0-9._-]{1,64}):(?P<digest>[0-9a-fA-F]{64})(:(?P<scopes>[a-zA-Z]+(\+[a-zA-Z]+)*))?"
)
_IN_TABLE: Final = "key:"  # no name of the settings has a colon in it
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    """Who asks, and what they may.

    Attributes:
        owner: under this name their jobs stand.
        scopes: of the key.
        key_id: names the key for as long as a session or a stream goes on; empty where none was needed.
        mark: changes with the key's secret, and tells nothing of it.
        key: the key's row, where it stands in the database.
    """

    owner: str
    scopes: frozenset[Scope]
    key_id: str = ""
    mark: str = ""
    key: Key | None = None


@dataclass(frozen=True)
class Keys:
    """The keys of the settings: name -> SHA-256 of the secret, in hex, and name -> scopes."""

    digests: Mapping[str, str]
    scopes: Mapping[str, frozenset[Scope]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Keys:
        """Keys from the setting's text.

        Raises:
            OptionError: an entry is not ``name:sha256`` with or without scopes, or a name comes twice.
        """
        digests: dict[str, str] = {}
        scopes: dict[str, frozenset[Scope]] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            match = _ENTRY.fullmatch(entry)
            if match is None:
                # The entry itself is not repeated: somebody may have put the secret there.
                raise OptionError(
                    "an entry of api_keys is not name:sha256 or name:sha256:scopes, with 64 hex digits for the sha256"
                )
            name = match["name"]
            if name in digests:
                raise OptionError(f"api_keys names {name!r} twice")
            digests[name] = match["digest"].lower()
            if match["scopes"]:
                scopes[name] = parsed_scopes(match["scopes"].lower())
        return cls(digests, scopes)

    def holder(self, secret: str) -> str | None:
        """Whose secret this is. Every digest is compared, so the time taken tells nothing."""
        shown = hashlib.sha256(secret.encode()).hexdigest()
        found = None
        for name, digest in self.digests.items():
            if hmac.compare_digest(shown, digest):
                found = name
        return found

    def caller(self, name: str) -> Caller:
        """The holder of one of these keys."""
        return Caller(name, self.scopes.get(name, USUAL_SCOPES), name, _mark(self.digests[name]))


class KeyRing:
    """All keys that open this server. What it must ask the database for raises DatabaseError.

    Attributes:
        configured: those of the settings; they cannot be revoked here.
        store: those of the database.
    """

    def __init__(self, configured: Keys, store: KeyStore) -> None:
        self.configured, self.store = configured, store
        self._any = False

    @property
    def required(self) -> bool:
        """Whether callers must show a key. A server for which a key was once made never falls open again."""
        if self.configured.digests or self._any:
            return True
        try:
            self._any = self.store.any()
        except DatabaseError:
            return False  # as it was a moment ago; without the database nothing of anybody's is shown
        return self._any

    def caller(self, secret: str) -> Caller | None:
        """Who shows this secret, if it opens anything; from now on that key counts as used just now."""
        name = self.configured.holder(secret)
        if name is not None:
            return self.configured.caller(name)
        key = self.store.holder(secret)
        if key is None:
            return None
        try:
            self.store.touch(key)
        except DatabaseError as error:  # nobody is refused for that
            _log.warning("the last use of key %s was not written down: %s", key.id, error)
        return _caller(key)

    def again(self, key_id: str, mark: str) -> Caller | None:
        """Who showed a key before, as a session or a stream remembers it; nobody, once the key opens nothing more."""
        if key_id.startswith(_IN_TABLE):
            key = self.store.active(key_id.removeprefix(_IN_TABLE))
            found = None if key is None else _caller(key)
        else:
            found = self.configured.caller(key_id) if key_id in self.configured.digests else None
        return found if found is not None and hmac.compare_digest(found.mark, mark) else None


def nobody(owner: str) -> Caller:
    """Whoever asks while no key is needed: the person at this machine, who may do everything."""
    return Caller(owner, ALL_SCOPES)


def _caller(key: Key) -> Caller:
    return Caller(key.owner, key.scopes, f"{_IN_TABLE}{key.id}", _mark(key.digest), key)


def _mark(digest: str) -> str:
    return hashlib.sha256(f"session:{digest}".encode()).hexdigest()[:32]
