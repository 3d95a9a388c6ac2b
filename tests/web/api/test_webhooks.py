"""Webhooks over HTTP and on their pages: made, changed, tested, replayed, and nobody else's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.figures import figure
from tests.support.receiver import Receiver, receiver, status
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, document, place, problem
from workers.webhooks.sender import WebhookSender

SECRETS = {"anna": "anna-" + "a" * 40, "ben": "ben-" + "b" * 40}
KEYS = ",".join(f"{name}:{hashlib.sha256(secret.encode()).hexdigest()}" for name, secret in SECRETS.items())


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data", webhook_private=True) as made:
        yield made


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def fits(told: Any, shape: str) -> None:
    schema = {"$ref": f"#/components/schemas/{shape}", "components": document()["components"]}
    jsonschema.Draft202012Validator(schema).validate(told)


def make(here: Place, url: str, **more: Any) -> dict[str, Any]:
    answer = here.client.post("/v1/webhooks", json={"url": url, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    fits(answer.get_json(), "MadeWebhook")
    return dict(answer.get_json())


def send(here: Place) -> int:
    return WebhookSender(here.settings, here.jobs).turn()


def test_an_endpoint_from_the_first_to_the_last(here: Place, there: Receiver, flash_clip: Path) -> None:
    made = make(here, there.url(), description="the studio's")
    webhook, links = made["webhook"], made["webhook"]["links"]
    assert made["secret"].startswith("whsec_")
    assert webhook["events"] == ["job.succeeded", "job.failed", "job.canceled", "batch.finished"]
    assert "secret" not in here.client.get(links["self"]).get_json()
    assert here.client.get(links["secret"]).get_json() == {"secret": made["secret"]}

    job = here.done(flash_clip, mode="hits")
    assert send(here) == 1
    assert json.loads(there.received[0].body)["data"]["id"] == job["id"]
    page = here.client.get(links["deliveries"])
    fits(page.get_json(), "Deliveries")
    (delivery,) = page.get_json()["deliveries"]
    assert (delivery["status"], delivery["about"], delivery["log"][0]["status"]) == ("delivered", job["id"], 200)
    assert here.client.get(links["deliveries"], headers={"If-None-Match": page.headers["ETag"]}).status_code == 304
    assert figure(here.client, "sonorize_webhook_deliveries_total", outcome="delivered") == 1

    tested = here.client.post(links["test"])
    assert (tested.status_code, tested.get_json()["type"]) == (202, "webhook.test")
    assert figure(here.client, "sonorize_webhook_deliveries_pending") == 1
    send(here)
    again = here.client.post(delivery["links"]["replay"])
    assert (again.status_code, again.get_json()["status"]) == (202, "pending")
    problem(here.client.post(delivery["links"]["replay"]), 409, "conflict")
    send(here)
    assert [one.headers["webhook-id"] == delivery["event_id"] for one in there.received] == [True, False, True]

    changed = here.client.patch(links["self"], json={"enabled": False, "events": ["job.failed"]}).get_json()
    assert (changed["enabled"], changed["disabled_reason"]) == (False, "its owner disabled it")
    assert changed["events"] == ["job.failed"]
    problem(here.client.post(links["replay"], json={}), 409, "conflict")
    assert here.client.patch(links["self"], json={"enabled": True}).get_json()["enabled"] is True
    assert here.client.post(links["replay"], json={"since_hours": 1}).get_json() == {"deliveries": 0}
    rotated = here.client.post(links["rotate"], json={"overlap_hours": 2}).get_json()
    assert rotated["secret"] != made["secret"]
    assert rotated["webhook"]["previous_secret_until"] is not None
    assert here.client.delete(links["self"]).status_code == 204
    problem(here.client.get(links["self"]), 404, "not-found")
    assert here.client.get("/v1/webhooks").get_json() == {"webhooks": []}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "url is missing"),
        ({"url": "http://example.org"}, "must begin with https://"),
        ({"url": "https://127.0.0.1/"}, "not public"),
        ({"url": "https://localhost/"}, "of this machine"),
        ({"url": "https://me:pass@example.org/"}, "no user"),
        ({"url": "https://example.org/", "events": []}, "events is"),
        ({"url": "https://example.org/", "events": ["job.started"]}, "job.started"),
        ({"url": "https://example.org/", "secret": "x"}, "'secret' is not known"),
    ],
)
def test_what_is_refused(tmp_path: Path, body: dict[str, Any], word: str) -> None:
    with place(tmp_path / "data") as strict:
        told = problem(strict.client.post("/v1/webhooks", json=body), 422, "option")
        assert word in told["detail"]
        assert strict.client.get("/v1/webhooks").get_json() == {"webhooks": []}


def test_a_job_and_a_batch_may_name_an_address(here: Place, there: Receiver, flash_clip: Path) -> None:
    job = here.sent(flash_clip, mode="hits", webhook=there.url("/mine"))
    batch = here.send(flash_clip, flash_clip, to="/v1/batches", mode="hits", webhook=there.url("/mine")).get_json()
    here.sent(flash_clip, mode="hits")
    here.finish()
    send(here)
    told = [json.loads(one.body) for one in there.received]
    assert {one.path for one in there.received} == {"/mine"}
    assert sorted(one["type"] for one in told) == ["batch.finished", *["job.succeeded"] * 3]
    assert {one["data"]["id"] for one in told} == {
        job["id"],
        batch["id"],
        *(item["job"]["id"] for item in batch["items"]),
    }
    (webhook,) = here.client.get("/v1/webhooks").get_json()["webhooks"]
    assert (webhook["named_only"], webhook["id"]) == (True, job["webhook_id"])
    refused = problem(here.send(flash_clip, webhook="ftp://example.org"), 422, "option")
    assert "the url must begin with https:// or http://" in refused["detail"]
    assert len(here.jobs.recent(owner=None)[0]) == 4


def test_a_form_that_is_refused_keeps_what_was_written(tmp_path: Path) -> None:
    with place(tmp_path / "data") as strict:
        token = strict.form_token("/webhooks")
        form = {"csrf_token": token, "url": "https://127.0.0.1/x", "description": "my <own>", "events": "job.failed"}
        answer = strict.client.post("/webhooks", data=form)
        assert answer.status_code == 422
        for kept in (
            'value="https://127.0.0.1/x"',
            'value="my &lt;own&gt;"',
            'value="job.failed" checked',
            "not public",
        ):
            assert kept in answer.text
        assert 'value="job.succeeded" checked' not in answer.text
        assert strict.client.get("/v1/webhooks").get_json() == {"webhooks": []}
        made = strict.client.post("/v1/webhooks", json={"url": "https://192.0.43.10/"}).get_json()["webhook"]
        answer = strict.client.post(f"/webhooks/{made['id']}", data={**form, "description": "another"})
        assert answer.status_code == 422
        for kept in ("<details open>", 'value="https://127.0.0.1/x"', 'value="another"', "not public"):
            assert kept in answer.text


def test_the_same_request_tells_once(here: Place, there: Receiver, flash_clip: Path) -> None:
    make(here, there.url())
    for _ in range(3):
        here.sent(flash_clip, mode="hits", headers={"Idempotency-Key": "k"})
    here.finish()
    send(here)
    send(here)
    assert len(there.received) == 1


def test_the_pages(here: Place, flash_clip: Path) -> None:
    token = here.form_token("/webhooks")
    with receiver(status(500, "<script>alert(1)</script>"), status(200)) as there:
        form = {"csrf_token": token, "url": there.url(), "description": "<b>mine</b>", "events": ["job.succeeded"]}
        page = here.client.post("/webhooks", data=form).headers["Location"]
        assert "&lt;b&gt;mine&lt;/b&gt;" in here.client.get("/webhooks").text
        here.done(flash_clip, mode="hits")
        send(here)
        shown = here.client.get(page).text
        assert "500 – the answer was 500" in shown
        assert "&lt;script&gt;alert(1)" in shown
        assert "<script>alert(1)" not in shown
        assert "Nothing yet." in here.client.get(f"{page}?status=delivered").text
        assert here.client.post(f"{page}/test", data={"csrf_token": token}).status_code == 303
        assert send(here) in (1, 2)  # on a busy machine the time has come to try the first one again
        delivery = next(
            one
            for one in here.client.get(f"/v1{page}/deliveries").get_json()["deliveries"]
            if one["status"] == "delivered"
        )
        assert (
            here.client.post(f"{page}/deliveries/{delivery['id']}/replay", data={"csrf_token": token}).status_code
            == 303
        )
        assert send(here) in (1, 2)
    told = here.client.post(f"{page}/secret", data={"csrf_token": token})
    secret = here.client.get(f"/v1{page}/secret").get_json()["secret"]
    assert secret in told.text
    assert told.headers["Cache-Control"] == "no-store"
    assert secret not in here.client.get(page).text
    here.client.post(f"{page}/secret", data={"csrf_token": token, "rotate": "true"})
    assert here.client.get(f"/v1{page}/secret").get_json()["secret"] != secret
    here.client.post(page, data={"csrf_token": token, "enabled": "false"})
    assert "its owner disabled it" in here.client.get(page).text.lower()
    here.client.post(page, data={"csrf_token": token, "enabled": "true"})
    assert here.client.post(f"{page}/replay", data={"csrf_token": token}).status_code == 303
    assert here.client.post(f"{page}/delete", data={"csrf_token": token}).headers["Location"] == "/webhooks"
    assert here.client.get(page).status_code == 404


def test_nobody_elses(tmp_path: Path, flash_clip: Path) -> None:
    with place(tmp_path / "data", api_keys=KEYS, webhook_private=True) as locked, receiver() as there:
        anna, ben = ({"Authorization": f"Bearer {SECRETS[name]}"} for name in ("anna", "ben"))
        made = locked.client.post("/v1/webhooks", json={"url": there.url()}, headers=anna).get_json()
        locked.send(flash_clip, headers=ben)
        locked.finish()
        assert send(locked) == 0
        locked.send(flash_clip, headers=anna)
        locked.finish()
        assert send(locked) == 1
        base = made["webhook"]["links"]["self"]
        for method, path in (("get", ""), ("patch", ""), ("delete", ""), ("get", "/secret"), ("post", "/rotate")):
            problem(locked.client.open(base + path, method=method.upper(), headers=ben, json={}), 404, "not-found")
        assert locked.client.get("/v1/webhooks", headers=ben).get_json() == {"webhooks": []}
