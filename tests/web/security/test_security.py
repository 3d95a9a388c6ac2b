"""Who may do what: keys, sessions, other people's jobs, other people's sites, and what strangers send as text."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from synth.errors import OptionError
from synth.options import Mode
from tests.support import services
from tests.support.kept import keep
from tests.support.paths import ROOT
from tests.support.web_place import Place, place, problem
from web.api.operations import routes
from web.context import parts_of
from web.security.api_keys import Keys
from web.security.sessions import local_path
from workers.owners.keys import Scope

SECRETS = {"anna": "anna-" + "a" * 40, "ben": "ben-" + "b" * 40}
KEYS = ",".join(f"{name}:{hashlib.sha256(secret.encode()).hexdigest()}" for name, secret in SECRETS.items())
HOSTILE = [
    "<script>alert(1)</script>.mp4",
    '"><img src=x onerror=alert(1)>.mp4',
    "{{ 7 * 7 }}{% raw %}.mp4",
    "' onmouseover='alert(1).mp4",
    "javascript:alert(1)",
    "</title><svg onload=alert(1)>.mp4",
]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data", api_keys=KEYS) as made:
        yield made


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRETS[name]}"}


def log_in(locked: Place, name: str, client: FlaskClient | None = None) -> FlaskClient:
    client = client or locked.app.test_client()
    token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post("/login", data={"csrf_token": token, "key": SECRETS[name]})
    assert answer.status_code == 303
    return client


def token_of(client: FlaskClient) -> str:
    return client.get("/").text.split('name="csrf_token" value="')[1].split('"')[0]


def test_importing_the_web_loads_no_torch() -> None:
    program = (
        "import sys, web.app, web.server.http_server;"
        "sys.exit('torch' in sys.modules or 'synth.pipeline' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_keys_are_read_strictly() -> None:
    assert Keys.parse("") == Keys({})
    keys = Keys.parse(KEYS.upper().replace("ANNA", "anna").replace("BEN", "ben"))
    assert keys.holder(SECRETS["anna"]) == "anna"
    assert keys.holder("") is None
    for text in ("anna", "anna:secret", f"{KEYS},{KEYS}", "a b:" + "0" * 64):
        with pytest.raises(OptionError) as refused:
            Keys.parse(text)
        assert "secret" not in str(refused.value)


def test_without_a_key_nothing_is_answered(locked: Place) -> None:
    for call in routes(locked.app):
        if call.operation.name == "readDocument":
            continue
        path = re.sub(r"\{\w+\}", "0", call.path)
        answer = locked.client.open(path, method=call.method.upper())
        problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    problem(locked.client.get("/metrics"), 401, "unauthorized")
    wrong = locked.client.get("/v1/jobs", headers={"Authorization": "Bearer nobody"})
    assert "nobody" not in wrong.text
    problem(wrong, 401, "unauthorized")
    for page in ("/", "/gallery", "/jobs/x"):
        answer = locked.client.get(page)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, "/login")
    assert locked.client.get("/livez").status_code == 200
    assert locked.client.get("/readyz").status_code == 200
    assert locked.client.get("/docs").status_code == 200


@pytest.mark.promise
def test_somebody_elses_is_not_there(locked: Place, dark_clip: Path) -> None:
    asked = 0
    job = locked.send(dark_clip, to="/v1/batches", headers=bearer("anna")).get_json()
    locked.finish()
    upload = parts_of(locked.app).uploads.create("anna", 10, {"filename": "dark.mp4"})
    webhook = parts_of(locked.app).endpoints.make("anna", "https://example.org/")
    delivery_id = parts_of(locked.app).deliveries.test(webhook)
    job_id = job["items"][0]["job"]["id"]
    key, _ = locked.app.extensions["sonorize"].keys.store.make("anna")
    for call in routes(locked.app):
        if "{" not in call.path or call.path.startswith("/v1/sounds/"):  # the catalogue is everybody's
            continue
        path = call.path.format(
            job_id=job_id,
            batch_id=job["id"],
            take=0,
            kind="video",
            number=0,
            box_id="0",
            key_id=key.id,
            owner="anna",
            upload_id=upload.id,
            pair="x",
            side="left",
            share_id="0",
            webhook_id=webhook.id,
            delivery_id=delivery_id,
            name="hits",
            form="csv",
            bank="bank-modal",
        )
        if call.operation.scope is Scope.ADMIN:
            problem(locked.client.open(path, method=call.method.upper(), headers=bearer("ben")), 403, "scope")
            continue
        problem(locked.client.open(path, method=call.method.upper(), headers=bearer("ben")), 404, "not-found")
        asked += 1
    keep("chaos", {"foreign_ids": {"routes": asked, "leaks": 0}})
    ben = log_in(locked, "ben")
    token = token_of(ben)
    assert ben.get(f"/jobs/{job_id}").status_code == 404
    assert ben.get(f"/batches/{job['id']}").status_code == 404
    for verb in ("cancel", "retry", "variants", "delete", "keep"):
        assert ben.post(f"/jobs/{job_id}/{verb}", data={"csrf_token": token}).status_code == 404
    for verb in ("rotate", "revoke"):
        assert ben.post(f"/account/keys/{key.id}/{verb}", data={"csrf_token": token}).status_code == 404
    assert key.id not in ben.get("/account").text
    assert locked.client.get("/v1/jobs", headers=bearer("ben")).get_json()["jobs"] == []
    assert "dark.mp4" not in ben.get("/gallery").text
    assert locked.client.get("/v1/uploads", headers=bearer("ben")).get_json()["uploads"] == []
    assert len(locked.client.get("/v1/jobs", headers=bearer("anna")).get_json()["jobs"]) == 1


def test_a_session_lives_as_long_as_its_key(locked: Place, tmp_path: Path) -> None:
    anna = log_in(locked, "anna")
    assert anna.get("/gallery").status_code == 200
    token = token_of(anna)
    with place(tmp_path / "data", api_keys=KEYS.split(",")[1]) as without:
        anna_there = without.app.test_client()
        cookie = anna.get_cookie("sonorize")
        assert cookie is not None
        anna_there.set_cookie("sonorize", cookie.value)
        assert anna_there.get("/gallery").status_code == 303
    assert anna.post("/logout", data={"csrf_token": token}).status_code == 303
    assert anna.get("/gallery").status_code == 303


def test_a_wrong_key_at_the_door(locked: Place) -> None:
    token = locked.form_token("/login")
    answer = locked.client.post("/login", data={"csrf_token": token, "key": "guess"})
    assert answer.status_code == 401
    assert "guess" not in answer.text


@pytest.mark.parametrize(
    "text", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "evil", "", None, "/ok\\..\\x"]
)
def test_nobody_is_sent_elsewhere_after_the_door(text: str | None) -> None:
    assert local_path(text) == "/"
    assert local_path("/jobs/x?take=1") == "/jobs/x?take=1"


def test_forms_without_their_token_do_nothing(here: Place, dark_clip: Path) -> None:
    job = here.sent(dark_clip)
    for verb in ("cancel", "retry", "variants", "delete"):
        assert here.client.post(f"/jobs/{job['id']}/{verb}", data={"csrf_token": "x"}).status_code == 403
    refused = here.send(dark_clip, to="/", csrf_token="x")
    assert (refused.status_code, refused.mimetype) == (403, "text/html")
    assert here.client.post("/", data={"seed": "1"}, content_type="multipart/form-data").status_code == 403
    assert here.left() == [f"{job['id']}/source", job["id"]]


def test_a_session_needs_its_token_for_the_api_too(locked: Place, dark_clip: Path) -> None:
    anna = log_in(locked, "anna")
    assert anna.get("/v1/jobs").status_code == 200
    with dark_clip.open("rb") as clip:
        problem(anna.post("/v1/jobs", data={"file": (clip, "a.mp4")}), 403, "forbidden")
    with dark_clip.open("rb") as clip:
        headers = {"X-CSRF-Token": token_of(anna)}
        assert anna.post("/v1/jobs", data={"file": (clip, "a.mp4")}, headers=headers).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
    ],
)
def test_another_site_cannot_use_the_open_server(here: Place, dark_clip: Path, headers: dict[str, str]) -> None:
    problem(here.send(dark_clip, headers=headers), 403, "forbidden")
    assert here.left() == []
    assert (
        here.send(dark_clip, headers={"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}).status_code == 202
    )


def test_an_open_server_answers_its_own_machine_by_its_own_name(here: Place) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io"):
        problem(here.client.get("/v1/jobs", headers={"Host": host}), 403, "forbidden")
    for host in ("localhost:9000", "127.0.0.1", "[::1]:80"):
        assert here.client.get("/v1/jobs", headers={"Host": host}).status_code == 200
    for address in ("203.0.113.9", "10.0.0.2", "::ffff:10.0.0.2"):
        far = {"REMOTE_ADDR": address}
        problem(here.client.get("/v1/jobs", environ_overrides=far), 403, "forbidden")
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert here.client.get("/v1/jobs", environ_overrides={"REMOTE_ADDR": address}).status_code == 200


def test_every_page_is_guarded_by_headers(here: Place, dark_clip: Path) -> None:
    job = here.done(dark_clip)
    for path in ("/", "/gallery", f"/jobs/{job['id']}", "/docs", "/nowhere", "/v1/jobs"):
        answer = here.client.get(path, headers={"Accept": "text/html"})
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        if answer.mimetype == "text/html":
            nonce = re.findall(r"script-src 'nonce-([^']+)'", policy)[0]
            scripts = re.findall(r"<script[^>]*>", answer.text)
            assert all(f'nonce="{nonce}"' in tag and ("src=" in tag or "importmap" in tag) for tag in scripts)
            assert not re.search(r"\son\w+=|\sstyle=|javascript:", answer.text)
            assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text), "nothing comes from elsewhere"
    first, second = (here.client.get("/").headers["Content-Security-Policy"] for _ in range(2))
    assert first != second


def test_media_is_in_a_sandbox(here: Place, dark_clip: Path) -> None:
    links = here.done(dark_clip)["outputs"][0]["links"]
    for kind, link in links.items():
        answer = here.client.get(link)
        policy = answer.headers["Content-Security-Policy"]
        # A browser plays nothing whose origin is none: sound and video, which run nothing, have to do without.
        assert ("sandbox" in policy) is not str(answer.mimetype).startswith(("video/", "audio/"))
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("inline")
        assert here.client.get(f"{link}?download").headers["Content-Disposition"].startswith("attachment"), kind


@services.embedded_only
def test_a_storage_with_an_address_of_its_own_is_used(
    tmp_path: Path, dark_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def url(_: object, key: str, *, expires_s: int, filename: str | None, content_type: str | None) -> str:
        return f"https://files.example/{key}?for={expires_s}&name={filename}&type={content_type}"

    monkeypatch.setattr("workers.files.storage.LocalStorage.url", url)
    with place(tmp_path / "data") as here:
        link = here.done(dark_clip)["outputs"][0]["links"]["video"]
        answer = here.client.get(link)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
        assert answer.headers["Location"].endswith("take0.mp4?for=600&name=None&type=video/mp4")
        assert "name=dark.sonorized.mp4" in here.client.get(f"{link}?download").headers["Location"]
        policy = here.client.get("/").headers["Content-Security-Policy"]
        assert "media-src 'self' https://files.example blob:" in policy
        assert "img-src 'self' https://files.example data:" in policy


def test_cookies_are_kept_from_scripts_and_other_sites(here: Place, tmp_path: Path) -> None:
    cookie = here.client.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    with place(tmp_path / "tls", public_url="https://sound.example", api_keys=KEYS) as public:
        answer = public.client.get("/login")
        assert "Secure" in answer.headers["Set-Cookie"]
        assert answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("name", HOSTILE)
def test_titles_are_text(here: Place, dark_clip: Path, name: str) -> None:
    job = here.done((dark_clip, name))
    for path in ("/gallery", f"/jobs/{job['id']}", "/"):
        page = here.client.get(path).text
        for mark in ("<script>alert", "<img src=x", "<svg onload", " onmouseover='"):
            assert mark not in page
        assert "49" not in page.split("<h1>")[1].split("</h1>")[0]


def test_the_servers_own_files_are_out_of_reach(here: Place, dark_clip: Path) -> None:
    for bank in ("/etc/passwd", "../secret", "file.safetensors", "a/b"):
        problem(here.send(dark_clip, bank=bank), 422, "option")
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"):
        assert here.client.get(path).status_code == 404


def test_secrets_are_not_told(locked: Place) -> None:
    told = [
        locked.client.get("/metrics", headers=bearer("anna")).text,
        locked.client.get("/readyz").text,
        locked.client.get("/v1/jobs", headers={"Authorization": f"Basic {SECRETS['anna']}"}).text,
        locked.client.get("/docs").text,
        repr(locked.settings),
    ]
    for text in told:
        assert SECRETS["anna"] not in text
        assert KEYS.split(":")[1][:64] not in text
        assert locked.settings.secret_key not in text


def test_modes_offered_are_those_with_a_voice() -> None:
    from synth.pipeline.modes import MODES
    from web.uploads import forms

    assert set(forms.MODES) == {Mode.AUTO, *MODES}
