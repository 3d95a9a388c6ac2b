"""Keys in the database, over SQLite and PostgreSQL: only digests are kept, and an end is an end at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from synth.errors import OptionError
from tests.support import databases
from tests.workers.test_jobs import Clock
from workers.database import open_database
from workers.errors import Conflict, NotFound
from workers.owners.keys import USUAL_SCOPES, KeyStore, Scope, parsed_scopes
from workers.owners.tables import KEYS

HOUR_S = 3600.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=databases.KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[KeyStore]:
    url = databases.url_of(request, tmp_path)
    database = open_database(url)
    yield KeyStore(database, clock)
    database.engine.dispose()


def test_a_key_is_made_found_and_never_kept(store: KeyStore, clock: Clock) -> None:
    assert not store.any()
    key, secret = store.make("ann", label="laptop", made_by="root")
    assert secret.startswith(f"sonorize_{key.id}.")
    assert (key.owner, key.scopes, key.label, key.made_by) == ("ann", USUAL_SCOPES, "laptop", "root")
    assert (key.expires_at, key.revoked_at, key.last_used_at) == (None, None, None)
    assert store.holder(secret) == key
    for wrong in ("", secret[:-1], secret + "x", f"sonorize_{key.id}.", key.digest, key.id):
        assert store.holder(wrong) is None
    with store._database.reading() as connection:
        kept = " ".join(str(value) for row in connection.execute(sa.select(KEYS)) for value in row)
    assert secret not in kept
    assert secret.partition(".")[2] not in kept
    assert store.any()


def test_the_last_use_is_known_to_the_minute(store: KeyStore, clock: Clock) -> None:
    key, _ = store.make("ann")
    began = clock.now
    for _ in range(3):
        store.touch(store.get(key.id, "ann"))
        clock.forward(25)
    assert store.get(key.id, "ann").last_used_at == began
    store.touch(store.get(key.id, "ann"))
    assert store.get(key.id, "ann").last_used_at == began + 75


def test_an_expired_or_revoked_key_opens_nothing(store: KeyStore, clock: Clock) -> None:
    short, short_secret = store.make("ann", expires_at=clock.now + 60)
    long, long_secret = store.make("ann")
    clock.forward(59)
    assert store.holder(short_secret) is not None
    clock.forward(1)
    assert store.holder(short_secret) is None
    assert store.active(short.id) is None
    ended = store.revoke(long.id, "ann")
    assert ended.revoked_at == clock.now
    assert store.holder(long_secret) is None
    clock.forward(5)
    assert store.revoke(long.id, None).revoked_at == ended.revoked_at  # once is enough
    assert store.any()  # a server whose keys have all ended does not fall open


def test_a_rotation_overlaps(store: KeyStore, clock: Clock) -> None:
    old, old_secret = store.make("ann", frozenset({Scope.READ}), label="camera", expires_at=clock.now + 90 * HOUR_S)
    clock.forward(10 * HOUR_S)
    new, new_secret = store.rotate(old.id, "ann", overlap_s=HOUR_S, made_by="ann")
    assert (new.owner, new.scopes, new.label) == (old.owner, old.scopes, old.label)
    assert new.expires_at == clock.now + 90 * HOUR_S  # it lives as long as the old one did
    assert store.get(old.id, "ann").replaced_by == new.id
    assert store.holder(old_secret) is not None
    with pytest.raises(Conflict):
        store.rotate(old.id, "ann")
    clock.forward(HOUR_S)
    assert store.holder(old_secret) is None
    assert store.holder(new_secret) == new
    with pytest.raises(Conflict):
        store.rotate(old.id, "ann")


def test_an_overlap_does_not_lengthen_a_life(store: KeyStore, clock: Clock) -> None:
    old, old_secret = store.make("ann", expires_at=clock.now + 60)
    store.rotate(old.id, "ann", overlap_s=HOUR_S)
    clock.forward(60)
    assert store.holder(old_secret) is None


def test_somebody_elses_key_is_not_found(store: KeyStore) -> None:
    key, _ = store.make("ann")
    for do in (store.get, store.revoke, store.rotate):
        with pytest.raises(NotFound):
            do(key.id, "ben")
    assert [one.id for one in store.listed("ann")] == [key.id]
    assert store.listed("ben") == []


@pytest.mark.parametrize(
    ("words", "wrong"), [("reed", "reed"), ("read,root", "root"), ("", ""), ("read;write", "read;write")]
)
def test_scopes_that_there_are_not(words: str, wrong: str) -> None:
    with pytest.raises(OptionError, match=r"allowed are read, write, admin"):
        parsed_scopes(words)


def test_what_a_key_may_not_be(store: KeyStore, clock: Clock) -> None:
    assert parsed_scopes("write, read") == USUAL_SCOPES
    with pytest.raises(OptionError, match="the name is"):
        store.make("a b")
    with pytest.raises(OptionError, match="expired already"):
        store.make("ann", expires_at=clock.now)
    with pytest.raises(OptionError, match="label"):
        store.make("ann", label="x" * 101)
    assert store.listed() == []
