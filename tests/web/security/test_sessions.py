"""Logging out ends the session where it is kept, and not only the cookie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support import services
from tests.support.serving import KEY, KEY_ENTRY
from tests.support.web_place import Place, place, problem
from workers.sessions import Sessions


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data", api_keys=KEY_ENTRY) as made:
        yield made


def logged_in(here: Place) -> FlaskClient:
    client = here.app.test_client()
    token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    assert client.post("/login", data={"key": KEY, "csrf_token": token}).status_code == 303
    assert client.get("/gallery").status_code == 200
    return client


def with_cookie_of(here: Place, client: FlaskClient) -> FlaskClient:
    """A thief's browser."""
    cookie = client.get_cookie("sonorize")
    assert cookie is not None
    other = here.app.test_client()
    other.set_cookie("sonorize", cookie.value)
    return other


def test_a_copied_cookie_is_worth_nothing_after_the_log_out(here: Place) -> None:
    client, elsewhere = logged_in(here), logged_in(here)
    thief = with_cookie_of(here, client)
    assert thief.get("/gallery").status_code == 200
    token = client.get("/").text.split('name="csrf_token" value="')[1].split('"')[0]
    assert client.post("/logout", data={"csrf_token": token}).status_code == 303
    for stale in (client, thief):
        assert stale.get("/gallery").location.startswith("/login")
        problem(stale.get("/v1/jobs"), 401, "unauthorized")
    assert elsewhere.get("/gallery").status_code == 200  # another log-in of the same key goes on


def test_sessions_end_by_themselves(here: Place) -> None:
    sessions = Sessions(here.jobs)
    short, long = sessions.begin("anna", -1.0), sessions.begin("anna", 60.0)
    assert (sessions.key_name(short), sessions.key_name(long)) == (None, "anna")
    assert sessions.remove_expired() == 1
    assert sessions.key_name("guessed") is None


@services.embedded_only
def test_readiness_is_told_without_a_database(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    client = logged_in(here)
    here.jobs.close()
    (here.settings.data_dir / "sonorize.db").rename(here.settings.data_dir / "moved.db")
    (here.settings.data_dir / "sonorize.db").mkdir()
    assert client.get("/readyz").get_json()["checks"]["database"] == "away"
    assert client.get("/livez").status_code == 200
    assert client.get("/gallery").status_code == 503
