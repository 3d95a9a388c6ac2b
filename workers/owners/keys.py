"""API keys in the database: made, rotated and revoked while the server runs. Of a secret only its digest is kept.

A key reads ``sonorize_ID.SECRET``: the prefix lets scanners for leaked secrets find it, the id lets people tell their
keys apart, and the secret has 256 bits, so that a plain SHA-256 of it can be looked up.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from synth.errors import OptionError
from workers.database import Database
from workers.errors import Conflict, NotFound
from workers.owners.tables import KEYS
from workers.records import moment
from workers.timing.remembered import Remembered

PREFIX: Final = "sonorize_"
SECRET_BYTES: Final = 32
TOUCH_EVERY_S: Final = 60.0  # so exact is the time of the last use; each request would be a write else
OVERLAP_S: Final = 24 * 3600.0
LABEL_LENGTH: Final = 100
_ID_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LENGTH: Final = 12
OWNER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
OWNER_WORDS: Final = "allowed are 1 to 64 letters, digits, dots, dashes, underscores"


class Scope(StrEnum):
    """What a key is good for. None contains another: a camera's key may send clips and see nothing."""

    READ = "read"  # see and fetch what is the owner's
    WRITE = "write"  # make, change and delete it
    ADMIN = "admin"  # see and change what concerns all owners: keys, quotas, the queue


ALL_SCOPES: Final = frozenset(Scope)
USUAL_SCOPES: Final = frozenset((Scope.READ, Scope.WRITE))


@dataclass(frozen=True)
class Key:
    """One key, without its secret. Times are seconds since 1970.

    Attributes:
        id: the part of the key that is no secret.
        owner: whose jobs its holder sees.
        expires_at, revoked_at: from then on it opens nothing.
        last_used_at: to the minute.
        replaced_by: the id of the key that a rotation made.
    """

    id: str
    owner: str
    label: str
    scopes: frozenset[Scope]
    made_by: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    last_used_at: float | None
    replaced_by: str | None
    digest: str

    def active(self, now_s: float) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now_s < self.expires_at)

    def as_json(self) -> dict[str, Any]:
        """What is told of a key: by the API and by ``sonorize keys --json`` alike."""
        return {
            "id": self.id,
            "owner": self.owner,
            "label": self.label,
            "scopes": [scope for scope in Scope if scope in self.scopes],
            "active": self.active(time.time()),
            "made_by": self.made_by,
            "created_at": moment(self.created_at),
            "expires_at": moment(self.expires_at),
            "revoked_at": moment(self.revoked_at),
            "last_used_at": moment(self.last_used_at),
            "replaced_by": self.replaced_by,
        }


def parsed_scopes(words: str | Iterable[str]) -> frozenset[Scope]:
    """Scopes by their names; text may have commas, spaces or plus signs between them.

    Raises:
        OptionError: there is no such scope, or none is named.
    """
    named = re.split(r"[\s,+]+", words.strip()) if isinstance(words, str) else list(words)
    allowed = ", ".join(Scope)
    for name in named:
        if name not in tuple(Scope):
            raise OptionError(f"scopes has {name[:40]!r}; allowed are {allowed}")
    if not named:
        raise OptionError(f"scopes is empty; allowed are {allowed}")
    return frozenset(Scope(name) for name in named)


def checked_owner(name: str) -> str:
    """``name``, if an owner may be called so.

    Raises:
        OptionError: it may not.
    """
    if not OWNER.fullmatch(name):
        raise OptionError(f"the name is {name[:80]!r}; {OWNER_WORDS}")
    return name


def digest_of(secret: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


REMEMBERED_S: Final = 60.0


class KeyStore:
    """All keys of the database. Every method raises DatabaseError when it cannot be reached."""

    def __init__(self, database: Database, clock: Any = time.time) -> None:
        self._database, self._clock = database, clock
        self._any = Remembered(database, REMEMBERED_S, most=1)

    def make(
        self,
        owner: str,
        scopes: frozenset[Scope] = USUAL_SCOPES,
        *,
        label: str = "",
        expires_at: float | None = None,
        made_by: str = "",
    ) -> tuple[Key, str]:
        """A new key, and its text, which is told this once.

        Raises:
            OptionError: the owner's name is not allowed, or it would have expired already.
        """
        with self._database.writing() as connection:
            return self._make(connection, checked_owner(owner), scopes, label, expires_at, made_by)

    def any(self) -> bool:
        """Whether a key was ever made, be it revoked by now: a server that had keys does not fall open."""
        return self._any.get(None, self._look_for_any)

    def _look_for_any(self) -> bool:
        return not self._database.is_empty(KEYS)

    def holder(self, secret: str) -> Key | None:
        """The active key that reads so."""
        if not secret.startswith(PREFIX):
            return None
        return self._active(KEYS.c.digest == digest_of(secret))

    def active(self, id: str) -> Key | None:
        """The key of that id, unless it has expired or was revoked."""
        return self._active(KEYS.c.id == id)

    def listed(self, owner: str | None = None) -> list[Key]:
        """Keys, newest first, the spent ones as well; those of an owner, or all."""
        wanted = sa.select(KEYS).order_by(KEYS.c.created_at.desc(), KEYS.c.id)
        if owner is not None:
            wanted = wanted.where(KEYS.c.owner == owner)
        with self._database.reading() as connection:
            return [_key_of(row) for row in connection.execute(wanted)]

    def get(self, id: str, owner: str | None) -> Key:
        """One key. Raises NotFound, also for somebody else's; ``None`` means: whoever's."""
        with self._database.reading() as connection:
            return self._found(connection, id, owner)

    def revoke(self, id: str, owner: str | None) -> Key:
        """End a key at once; one that was revoked before stays so. Raises NotFound."""
        with self._database.writing() as connection:
            self._found(connection, id, owner)
            now = self._clock()
            ended = sa.update(KEYS).where(KEYS.c.id == id, KEYS.c.revoked_at.is_(None)).values(revoked_at=now)
            connection.execute(ended)
            return self._found(connection, id, owner)

    def rotate(self, id: str, owner: str | None, *, overlap_s: float = OVERLAP_S, made_by: str = "") -> tuple[Key, str]:
        """A new key with the scopes and the lifetime of an old one, which ends after ``overlap_s``.

        Raises:
            NotFound: there is none.
            Conflict: it has ended, or was rotated already.
        """
        with self._database.writing() as connection:
            old, now = self._found(connection, id, owner, lock=True), self._clock()
            if not old.active(now):
                raise Conflict("the key has ended; make a new one")
            if old.replaced_by is not None:
                raise Conflict(f"the key was rotated already: {old.replaced_by} replaces it")
            lifetime_s = None if old.expires_at is None else old.expires_at - old.created_at
            ends = None if lifetime_s is None else now + lifetime_s
            made, secret = self._make(connection, old.owner, old.scopes, old.label, ends, made_by)
            until = now + overlap_s if old.expires_at is None else min(old.expires_at, now + overlap_s)
            replaced = sa.update(KEYS).where(KEYS.c.id == id)
            connection.execute(replaced.values(expires_at=until, replaced_by=made.id))
            return made, secret

    def touch(self, key: Key) -> None:
        """Write down that a key is used, once a minute at most."""
        now = self._clock()
        if key.last_used_at is None or now - key.last_used_at > TOUCH_EVERY_S:
            with self._database.writing() as connection:
                connection.execute(sa.update(KEYS).where(KEYS.c.id == key.id).values(last_used_at=now))

    def _make(
        self,
        connection: sa.Connection,
        owner: str,
        scopes: frozenset[Scope],
        label: str,
        expires_at: float | None,
        made_by: str,
    ) -> tuple[Key, str]:
        now = self._clock()
        if expires_at is not None and expires_at <= now:
            raise OptionError("the key would have expired already; its end must lie in the future")
        if len(label) > LABEL_LENGTH or not label.isprintable():
            raise OptionError(f"the label must have at most {LABEL_LENGTH} letters that can be printed")
        id = "".join(secrets.choice(_ID_DIGITS) for _ in range(_ID_LENGTH))
        secret = f"{PREFIX}{id}.{secrets.token_urlsafe(SECRET_BYTES)}"
        row = {
            "id": id,
            "digest": digest_of(secret),
            "owner": owner,
            "label": label,
            "scopes": " ".join(scope for scope in Scope if scope in scopes),
            "made_by": made_by,
            "created_at": now,
            "expires_at": expires_at,
        }
        return _key_of(connection.execute(sa.insert(KEYS).values(row).returning(KEYS)).one()), secret

    def _active(self, condition: sa.ColumnElement[bool]) -> Key | None:
        with self._database.reading() as connection:
            row = connection.execute(sa.select(KEYS).where(condition)).one_or_none()
        key = None if row is None else _key_of(row)
        return key if key is not None and key.active(self._clock()) else None

    @staticmethod
    def _found(connection: sa.Connection, id: str, owner: str | None, *, lock: bool = False) -> Key:
        wanted = sa.select(KEYS).where(KEYS.c.id == id)
        if owner is not None:
            wanted = wanted.where(KEYS.c.owner == owner)
        row = connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()
        if row is None:
            raise NotFound("there is no such key")
        return _key_of(row)


def _key_of(row: sa.Row[Any]) -> Key:
    values = dict(row._mapping)
    return Key(**{**values, "scopes": frozenset(Scope(word) for word in values["scopes"].split())})
