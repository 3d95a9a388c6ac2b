"""Who is logged in on the pages. A session ends where it is kept, here, and not with the cookie that names it."""

from __future__ import annotations

import hashlib
import secrets
import time

import sqlalchemy as sa

from workers.jobs import Jobs
from workers.records import SESSIONS


class Sessions:
    """All sessions. Every method raises DatabaseError when the database cannot be reached."""

    def __init__(self, jobs: Jobs) -> None:
        self._database = jobs.database

    def begin(self, key_name: str, lifetime_s: float) -> str:
        """Begin a session for the holder of a key; its name, which nobody guesses and which is not kept here."""
        name = secrets.token_urlsafe(32)
        row = {"digest": _digest(name), "key_name": key_name, "expires_at": time.time() + lifetime_s}
        with self._database.writing() as connection:
            connection.execute(sa.insert(SESSIONS).values(row))
        return name

    def key_name(self, name: str) -> str | None:
        """Whose session it is; ``None`` where it has ended or never was."""
        alive = (SESSIONS.c.digest == _digest(name), SESSIONS.c.expires_at > time.time())
        with self._database.reading() as connection:
            return connection.scalar(sa.select(SESSIONS.c.key_name).where(*alive))

    def end(self, name: str) -> None:
        """End a session."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.digest == _digest(name)))

    def remove_expired(self) -> int:
        """Forget the sessions whose time is over; how many."""
        with self._database.writing() as connection:
            return int(connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires_at <= time.time())).rowcount)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
