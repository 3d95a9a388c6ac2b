"""What administrators see and change of everybody, over HTTP and on their page; and that nobody else does."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.web_place import Place, place, problem
from tests.workers.test_jobs import create
from web.api.schemas.owners import Overview
from web.server import samples

SECRETS = {"root": "root's", "ann": "ann's"}
KEYS = ",".join(
    f"{name}:{hashlib.sha256(secret.encode()).hexdigest()}{':read+write+admin' if name == 'root' else ''}"
    for name, secret in SECRETS.items()
)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data", api_keys=KEYS) as made:
        yield made


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRETS[name]}"}


def overview(here: Place) -> dict[str, Any]:
    answer = here.client.get("/v1/admin/overview", headers=bearer("root"))
    assert answer.status_code == 200, answer.text
    told = dict(answer.get_json())
    Overview.model_validate_json(json.dumps(told), strict=True)
    return told


def log_in(here: Place, name: str) -> tuple[FlaskClient, str]:
    client = here.app.test_client()
    token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    assert client.post("/login", data={"csrf_token": token, "key": SECRETS[name]}).status_code == 303
    return client, client.get("/account").text.split('name="csrf_token" value="')[1].split('"')[0]


def test_the_overview_counts_and_tells_no_contents(here: Place, dark_clip: Path) -> None:
    assert overview(here)["queue"] == []
    for _ in range(3):
        assert here.send((dark_clip, "secret plans.mp4"), headers=bearer("ann")).status_code == 202
    (mode,) = {job.mode for job in here.jobs.recent(owner="ann")[0]}
    here.jobs.claim(1, mode, "node-1#77")
    told = overview(here)
    (ann,) = [one for one in told["owners"] if one["owner"] == "ann"]
    assert (ann["queued"], ann["running"], ann["jobs"]) == (2, 1, 3)
    assert ann["stored_bytes"] >= 3 * dark_clip.stat().st_size
    assert ann["sound_s_today"] == pytest.approx(3.0, abs=0.1)
    (row,) = told["queue"]
    assert (row["mode"], row["queued"], row["running"]) == (mode, 2, 1)
    assert [(one["name"], one["is_there"], one["jobs"]) for one in told["workers"]] == [("node-1", False, 1)]
    assert 0 < told["disk"]["free_bytes"] <= told["disk"]["total_bytes"]
    page, _ = log_in(here, "root")
    text = page.get("/admin").text
    assert "node-1" in text
    for leak in (text, json.dumps(told)):
        assert "secret plans" not in leak
        assert all(job.id not in leak for job in here.jobs.recent(owner="ann")[0])


def test_an_administrator_finds_nobody_elses_jobs(here: Place, dark_clip: Path) -> None:
    job = here.send(dark_clip, headers=bearer("ann")).get_json()
    problem(here.client.get(job["links"]["self"], headers=bearer("root")), 404, "not-found")
    assert here.client.get("/v1/jobs", headers=bearer("root")).get_json()["jobs"] == []


def test_an_owners_quota_is_changed_and_counts_at_once(here: Place, dark_clip: Path) -> None:
    path = "/v1/admin/owners/ann"
    asked = {"max_queued": 1, "weight": 2.5}
    told = here.client.patch(path, json=asked, headers=bearer("root")).get_json()
    assert (told["max_queued"], told["weight"], told["max_bytes"]) == (1, 2.5, None)
    assert here.send(dark_clip, headers=bearer("ann")).status_code == 202
    problem(here.send(dark_clip, headers=bearer("ann")), 429, "quota")
    told = here.client.patch(path, json={"max_queued": None}, headers=bearer("root")).get_json()
    assert (told["max_queued"], told["weight"]) == (None, 2.5)
    assert here.send(dark_clip, headers=bearer("ann")).status_code == 202
    assert here.client.patch(path, json={}, headers=bearer("root")).get_json() == told
    for wrong in ({"weight": 0}, {"weight": 1e-320}, {"max_queued": -1}, {"max_queue": 3}, {"max_bytes": "many"}):
        problem(here.client.patch(path, json=wrong, headers=bearer("root")), 422, "option")
    problem(here.client.patch("/v1/admin/owners/a b", json=asked, headers=bearer("root")), 422, "option")
    problem(here.client.patch(path, json={"max_queued": 9}, headers=bearer("ann")), 403, "scope")


def test_the_page_makes_keys_sets_quotas_and_revokes(here: Place) -> None:
    root, token = log_in(here, "root")
    answer = root.post(
        "/admin/keys", data={"csrf_token": token, "owner": "ben", "label": "camera", "scopes": ["write"]}
    )
    assert answer.headers["Cache-Control"] == "no-store"
    (secret,) = re.findall(r'class="secret">(sonorize_[^<]+)<', answer.text)
    key_id = secret.removeprefix("sonorize_").partition(".")[0]
    me = here.client.get("/v1/me", headers={"Authorization": f"Bearer {secret}"}).get_json()
    assert (me["owner"], me["key"]["scopes"]) == ("ben", ["write"])
    fields = {"owner": "ben", "weight": "", "max_bytes": "1000", "max_queued": "", "max_sound_s": "60"}
    assert root.post("/admin/owners", data={"csrf_token": token, **fields}).status_code == 303
    quotas = here.client.get("/v1/me", headers={"Authorization": f"Bearer {secret}"}).get_json()["quotas"]
    assert (quotas["stored_bytes"]["allowed"], quotas["sound_s_today"]["allowed"]) == (1000, 60.0)
    fields["max_bytes"] = ""
    root.post("/admin/owners", data={"csrf_token": token, **fields})
    quotas = here.client.get("/v1/me", headers={"Authorization": f"Bearer {secret}"}).get_json()["quotas"]
    assert quotas["stored_bytes"]["allowed"] is None
    page = root.get("/admin").text
    assert f'action="/admin/keys/{key_id}/revoke"' in page.partition('<details class="danger"><summary>Revoke')[2]
    rotated = root.post(f"/admin/keys/{key_id}/rotate", data={"csrf_token": token})
    (newer,) = re.findall(r'class="secret">(sonorize_[^<]+)<', rotated.text)
    assert newer not in root.get("/admin").text
    assert root.post(f"/admin/keys/{key_id}/revoke", data={"csrf_token": token}).status_code == 303
    problem(here.client.get("/v1/me", headers={"Authorization": f"Bearer {secret}"}), 401, "unauthorized")
    assert here.client.get("/v1/me", headers={"Authorization": f"Bearer {newer}"}).status_code == 200
    refused = root.post("/admin/keys", data={"csrf_token": token, "owner": "ben"})
    assert refused.status_code == 422  # good for nothing


def test_the_server_itself_is_no_owner(here: Place, dark_clip: Path) -> None:
    """Its samples are jobs of its own; nobody sets a quota for them."""
    create(here.jobs, owner=samples.OWNER)
    assert here.send(dark_clip, headers=bearer("ann")).status_code == 202
    assert [one["owner"] for one in overview(here)["owners"]] == ["ann"]
    root, _ = log_in(here, "root")
    assert samples.OWNER not in root.get("/admin").text


def test_the_page_is_for_administrators(here: Place) -> None:
    ann, token = log_in(here, "ann")
    assert ann.get("/admin").status_code == 403
    assert 'href="/admin"' not in ann.get("/account").text
    assert ann.post("/admin/keys", data={"csrf_token": token, "owner": "ann", "scopes": "admin"}).status_code == 403
    assert 'href="/admin"' not in here.app.test_client().get("/login").text, "nobody has logged in yet"
    root, _ = log_in(here, "root")
    text = root.get("/admin").text
    assert 'href="/admin"' in text
    assert not re.search(r"<script(?![^>]*nonce=)|\son\w+=|style=", text)
