"""What each route needs of a key, held for all of them; and keys that end while somebody uses them."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from synth.errors import OptionError
from tests.support import services
from tests.support.web_place import Place, place, problem
from web.api.operations import routes
from web.security import scopes
from web.security.api_keys import Keys
from web.server.run import refuse_an_open_door
from workers.owners.keys import Scope
from workers.records import ID_LENGTH
from workers.settings import embedded

ROOT_SECRET = "root's"
ROOT_ENTRY = f"root:{hashlib.sha256(ROOT_SECRET.encode()).hexdigest()}:read+write+admin"
READS = {  # where the method does not say so
    "probeClip": False,
    "searchLikeFile": True,
    "readWebhookSecret": False,
    "drawHeatMap": True,  # reading the file has it drawn as well
}
NEEDS_NONE = {"readMe", "readDocument"}


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data", api_keys=ROOT_ENTRY) as made:
        yield made


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def make(place: Place, owner: str = "ann", words: str = "read,write", **more: Any) -> tuple[str, str]:
    """A key of the database: its id and its text."""
    asked = {"owner": owner, "scopes": words.split(","), **more}
    answer = place.client.post("/v1/admin/keys", json=asked, headers=bearer(ROOT_SECRET))
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.get_json()
    return told["key"]["id"], told["secret"]


def log_in(place: Place, secret: str) -> FlaskClient:
    client = place.app.test_client()
    token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    assert client.post("/login", data={"csrf_token": token, "key": secret}).status_code == 303
    return client


def test_every_operation_declares_the_scope_that_its_kind_needs(keyed: Place) -> None:
    for route in routes(keyed.app):
        name, scope = route.operation.name, route.operation.scope
        if name in NEEDS_NONE:
            assert scope is None
        elif route.path.startswith("/v1/admin/"):
            assert scope is Scope.ADMIN, name
        else:
            reads = READS.get(name, route.method == "get")
            assert scope is (Scope.READ if reads else Scope.WRITE), name


def test_every_other_route_is_a_page_that_is_read_or_written_or_open(keyed: Place) -> None:
    app = keyed.app
    operations = {route.operation.name for route in routes(app)}
    assert operations
    for rule in app.url_map.iter_rules():
        if scopes.is_open(rule.endpoint) or hasattr(app.view_functions[rule.endpoint], "operation"):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            scope = scopes.needed(app, rule.endpoint, method)
            if rule.endpoint == "login.logout":
                assert scope is None
            elif rule.rule.startswith("/admin"):
                assert scope is Scope.ADMIN
            elif rule.endpoint == "search.page_of_file":
                assert scope is Scope.READ
            else:
                assert scope is (Scope.READ if method == "GET" else Scope.WRITE), rule.endpoint


@pytest.mark.parametrize("has", list(Scope))
def test_a_key_with_one_scope_is_refused_everything_else(keyed: Place, has: Scope) -> None:
    _, secret = make(keyed, words=has)
    tried = set()
    for route in routes(keyed.app):
        if route.operation.scope in (None, has):
            continue
        answer = keyed.client.open(
            re.sub(r"\{\w+\}", "0" * ID_LENGTH, route.path), method=route.method.upper(), headers=bearer(secret)
        )
        told = problem(answer, 403, "scope")
        assert str(route.operation.scope) in told["detail"]
        assert f'scope="{route.operation.scope}"' in answer.headers["WWW-Authenticate"]
        tried.add(route.operation.scope)
    assert tried == set(Scope) - {has}


def test_a_key_that_reads_cannot_write_on_the_pages_either(keyed: Place) -> None:
    reader = log_in(keyed, make(keyed, words="read")[1])
    token = reader.get("/").text.split('name="csrf_token" value="')[1].split('"')[0]
    for rule in keyed.app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.rule.startswith(("/v1", "/login", "/logout", "/search")):
            path = re.sub(r"<([^:<>]+:)?\w+>", "0" * ID_LENGTH, rule.rule)
            assert reader.post(path, data={"csrf_token": token}).status_code == 403, path
    assert reader.post("/logout", data={"csrf_token": token}).status_code == 303


def test_a_key_that_writes_cannot_read(keyed: Place, dark_clip: Path) -> None:
    _, camera = make(keyed, words="write")
    answer = keyed.send(dark_clip, headers=bearer(camera))
    assert answer.status_code == 202
    problem(keyed.client.get(answer.get_json()["links"]["self"], headers=bearer(camera)), 403, "scope")
    _, reader = make(keyed, words="read")
    assert keyed.client.get(answer.get_json()["links"]["self"], headers=bearer(reader)).status_code == 200


@pytest.mark.parametrize("how", ["revoked", "expired", "rotated"])
def test_an_ended_key_is_refused_at_once_in_its_session_too(keyed: Place, how: str) -> None:
    key_id, secret = make(keyed, expires_in_days=1)
    person = log_in(keyed, secret)
    assert person.get("/gallery").status_code == 200
    assert keyed.client.get("/v1/me", headers=bearer(secret)).get_json()["key"]["id"] == key_id
    end(keyed, key_id, how)
    problem(keyed.client.get("/v1/jobs", headers=bearer(secret)), 401, "unauthorized")
    problem(person.get("/v1/jobs"), 401, "unauthorized")
    assert person.get("/gallery").headers["Location"].startswith("/login")


def end(place: Place, key_id: str, how: str) -> None:
    if how == "revoked":
        answer = place.client.delete(f"/v1/admin/keys/{key_id}", headers=bearer(ROOT_SECRET))
        assert answer.get_json()["active"] is False
    elif how == "expired":
        store = place.app.extensions["sonorize"].keys.store
        store._clock = lambda: time.time() + 86_401
    else:
        body = {"overlap_hours": 0}
        answer = place.client.post(f"/v1/admin/keys/{key_id}/rotate", json=body, headers=bearer(ROOT_SECRET))
        assert answer.status_code == 201
        assert place.client.get("/v1/me", headers=bearer(answer.get_json()["secret"])).status_code == 200


def test_a_stream_ends_with_its_key(keyed: Place, dark_clip: Path) -> None:
    key_id, secret = make(keyed)
    job = keyed.send(dark_clip, headers=bearer(secret)).get_json()
    pieces: list[bytes] = []
    seen = threading.Event()

    def follow() -> None:
        stream = keyed.app.test_client().get(job["links"]["events"], headers=bearer(secret))
        for piece in stream.response:
            pieces.append(piece if isinstance(piece, bytes) else piece.encode())
            seen.set()
        stream.close()

    follower = threading.Thread(target=follow)
    follower.start()
    assert seen.wait(30)
    keyed.client.delete(f"/v1/admin/keys/{key_id}", headers=bearer(ROOT_SECRET))
    follower.join(30)
    assert not follower.is_alive()
    assert pieces[-1].startswith(b"event: unauthorized\n")
    problem(keyed.client.get(job["links"]["events"], headers=bearer(secret)), 401, "unauthorized")


def test_owners_see_and_end_their_own_keys_and_no_stronger_ones(keyed: Place) -> None:
    weak_id, weak = make(keyed, words="read,write", label="camera")
    strong_id, _ = make(keyed, words="read,write,admin")
    foreign_id, _ = make(keyed, owner="ben")
    listed = keyed.client.get("/v1/keys", headers=bearer(weak)).get_json()["keys"]
    assert {key["id"] for key in listed} == {weak_id, strong_id}
    assert weak.partition(".")[2] not in json.dumps(listed)
    for verb, path in (("POST", "/rotate"), ("DELETE", "")):
        answer = keyed.client.open(f"/v1/keys/{strong_id}{path}", method=verb, json={}, headers=bearer(weak))
        problem(answer, 403, "scope")
        answer = keyed.client.open(f"/v1/keys/{foreign_id}{path}", method=verb, json={}, headers=bearer(weak))
        problem(answer, 404, "not-found")
    rotated = keyed.client.post(f"/v1/keys/{weak_id}/rotate", json={}, headers=bearer(weak)).get_json()
    assert (rotated["key"]["label"], rotated["key"]["scopes"]) == ("camera", ["read", "write"])
    assert keyed.client.get("/v1/me", headers=bearer(weak)).status_code == 200  # the old one overlaps by a day
    assert keyed.client.delete(f"/v1/keys/{weak_id}", headers=bearer(rotated["secret"])).status_code == 200
    problem(keyed.client.get("/v1/me", headers=bearer(weak)), 401, "unauthorized")


def test_the_account_page_shows_rotates_and_revokes(keyed: Place) -> None:
    key_id, secret = make(keyed, label="<b>laptop</b>")
    person = log_in(keyed, secret)
    page = person.get("/account").text
    assert key_id in page
    assert "<b>laptop" not in page
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    answer = person.post(f"/account/keys/{key_id}/rotate", data={"csrf_token": token})
    assert answer.headers["Cache-Control"] == "no-store"
    (shown,) = re.findall(r'class="secret">(sonorize_[^<]+)<', answer.text)
    assert keyed.client.get("/v1/me", headers=bearer(shown)).get_json()["owner"] == "ann"
    assert shown not in person.get("/account").text
    assert person.post(f"/account/keys/{key_id}/revoke", data={"csrf_token": token}).status_code == 303
    assert person.get("/account").headers["Location"].startswith("/login")


def test_the_first_key_in_the_database_shuts_an_open_server_and_it_stays_shut(tmp_path: Path) -> None:
    with place(tmp_path / "data") as here:
        assert here.client.get("/v1/me").get_json()["owner"] == "local"
        problem(here.client.post("/v1/admin/keys", json={"owner": "ann"}), 409, "conflict")
        store = here.app.extensions["sonorize"].keys.store
        key, secret = store.make("ann")
        problem(here.client.get("/v1/jobs"), 401, "unauthorized")
        assert here.client.get("/v1/jobs", headers=bearer(secret)).status_code == 200
        store.revoke(key.id, None)
        problem(here.client.get("/v1/jobs"), 401, "unauthorized")
    with place(tmp_path / "data") as again:
        problem(again.client.get("/v1/jobs"), 401, "unauthorized")


def test_keys_of_the_settings_have_scopes_too() -> None:
    digest = "0" * 64
    keys = Keys.parse(f"ann:{digest},ben:{digest[:-1]}1:READ+admin")
    assert keys.caller("ann").scopes == {Scope.READ, Scope.WRITE}
    assert keys.caller("ben").scopes == {Scope.READ, Scope.ADMIN}
    for text in (f"ann:{digest}:root", f"ann:{digest}:", f"ann:{digest}:read+"):
        with pytest.raises(OptionError):
            Keys.parse(text)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "owner is missing"),
        ({"owner": "a b"}, "owner is 'a b'"),
        ({"owner": "ann", "scopes": ["root"]}, "scopes"),
        ({"owner": "ann", "scopes": []}, "scopes"),
        ({"owner": "ann", "expires_in_days": 0}, "expires_in_days is '0'"),
        ({"owner": "ann", "secret": "x"}, "'secret' is not known here"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_a_sentence(keyed: Place, body: dict[str, Any], word: str) -> None:
    told = problem(keyed.client.post("/v1/admin/keys", json=body, headers=bearer(ROOT_SECRET)), 422, "option")
    assert word in told["detail"]


def test_a_server_with_keys_in_its_database_may_listen_to_the_network(tmp_path: Path) -> None:
    settings = embedded(tmp_path / "data", host="0.0.0.0", **services.settings_of(tmp_path / "data"))
    with pytest.raises(OptionError, match="no API keys are set; make one"):
        refuse_an_open_door(settings)
    with place(tmp_path / "data") as here:
        here.app.extensions["sonorize"].keys.store.make("ann")
    refuse_an_open_door(settings)
    unreachable = settings.model_copy(update={"database_url": f"postgresql://nobody@/none?host={tmp_path}"})
    with pytest.raises(OptionError, match="nor can the database be asked for some"):
        refuse_an_open_door(unreachable)
