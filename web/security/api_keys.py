"""API keys: digests of secrets that the server does not know. Keys come from the settings as ``name:sha256``."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from synth.errors import OptionError

_ENTRY: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,64}):(?P<digest>[0-9a-fA-F]{64})")


@dataclass(frozen=True)
class Keys:
    """The configured keys: name -> SHA-256 of the secret, in hex."""

    digests: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Keys:
        """Keys from the setting's text.

        Raises:
            OptionError: an entry is not ``name:sha256``, or a name comes twice.
        """
        digests: dict[str, str] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            match = _ENTRY.fullmatch(entry)
            if match is None:
                # The entry itself is not repeated: somebody may have put the secret there.
                raise OptionError("an entry of api_keys is not name:sha256, with 64 hex digits for the sha256")
            if match["name"] in digests:
                raise OptionError(f"api_keys names {match['name']!r} twice")
            digests[match["name"]] = match["digest"].lower()
        return cls(digests)

    @property
    def required(self) -> bool:
        """Whether callers must show a key."""
        return bool(self.digests)

    def holder(self, secret: str) -> str | None:
        """Whose secret this is. Every digest is compared, so the time taken tells nothing."""
        shown = hashlib.sha256(secret.encode()).hexdigest()
        found = None
        for name, digest in self.digests.items():
            if hmac.compare_digest(shown, digest):
                found = name
        return found
