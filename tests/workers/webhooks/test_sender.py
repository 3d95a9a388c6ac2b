"""Every event arrives or is refused, whatever the other side does: a real receiver, the clock in the test's hand."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import standardwebhooks.webhooks
import trustme

from synth.options import Mode, Options
from tests.support import databases, servers
from tests.support.receiver import drip, endless, free_port, nonsense, receiver, silence, status
from workers.errors import Conflict, NotFound
from workers.jobs import Job, Jobs, new_id, open_jobs
from workers.settings import Settings, embedded
from workers.telemetry import counters
from workers.webhooks.addresses import Policy
from workers.webhooks.deliveries import LEASE_S, WAITS_S, Deliveries, Delivery
from workers.webhooks.endpoints import MOST, Endpoints, Webhook
from workers.webhooks.outbox import CHOICES, STALE_S, DeliveryState, EventType
from workers.webhooks.sender import WebhookSender
from workers.webhooks.transport import Answer, Transport

OUTPUTS = {"outputs": [{"take": 0, "seed": 3, "key": "secret/key.mp4"}]}


class Scene:
    """A table of jobs, a sender and a clock."""

    def __init__(self, url: str, folder: Path, **settings: Any) -> None:
        self.now = 1_800_000_000.0
        self.settings: Settings = embedded(folder, **{"webhook_private": True, **settings})
        self.jobs: Jobs = open_jobs(url, clock=lambda: self.now)
        self.endpoints = Endpoints(self.jobs.database, lambda: self.now)
        self.deliveries = Deliveries(self.jobs.database, self.jobs.now, lambda: self.now)
        self.sender = self.another_sender()

    def another_sender(self, **more: Any) -> WebhookSender:
        return WebhookSender(self.settings, self.jobs, wall=lambda: self.now, **more)

    def job(self, owner: str = "ann", **more: Any) -> Job:
        self.now += 0.01  # ids sort by time
        asked: dict[str, Any] = {"options": Options(mode=Mode.HITS), "title": "Tür.mp4", "source_key": "s", "info": {}}
        return self.jobs.create(**asked, owner=owner, **more)

    def done(self, **more: Any) -> Job:
        """A job that has succeeded."""
        made = self.job(**more)
        (job,) = self.jobs.claim(1, "hits", "w")
        assert job.id == made.id
        assert self.jobs.finish(job.id, job.attempt, OUTPUTS)
        return made

    def sent(self, webhook: Webhook) -> list[Delivery]:
        """Oldest first."""
        return self.deliveries.recent(webhook)[0][::-1]

    def only(self, webhook: Webhook) -> Delivery:
        (found,) = self.sent(webhook)
        return found


@pytest.fixture(params=databases.KINDS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    url = databases.url_of(request, tmp_path)
    made = Scene(url, tmp_path / "data")
    yield made
    made.jobs.close()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Scene]:
    """On SQLite only: what is tried is not the database."""
    made = Scene(databases.laid(tmp_path / "jobs.db"), tmp_path / "data")
    yield made
    made.jobs.close()


def verified(webhook: Webhook, request: Any, now: float, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The event, when the public package of the standard believes it."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.fromtimestamp(now, tz)

    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Then)
    return standardwebhooks.Webhook(webhook.secret).verify(request.body, request.headers)


def test_from_the_result_to_the_receiver(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as there:
        webhook = scene.endpoints.make("ann", there.url())
        scene.endpoints.make("ben", there.url("/bens"))
        job = scene.done()
        assert scene.only(webhook).state is DeliveryState.PENDING
        assert scene.sender.turn() == 1
        assert scene.sender.turn() == 0
    (request,) = there.received
    event = verified(webhook, request, scene.now, monkeypatch)
    assert event["type"] == "job.succeeded"
    assert event["timestamp"] == datetime.fromtimestamp(scene.now, UTC).isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )
    told = event["data"]
    assert (told["id"], told["status"], told["title"]) == (job.id, "succeeded", "Tür.mp4")
    assert told["outputs"][0]["links"]["video"] == f"/v1/jobs/{job.id}/outputs/0/video"
    assert b"secret/key" not in request.body
    delivery = scene.only(webhook)
    assert (delivery.state, delivery.tries, delivery.log[0]["status"]) == (DeliveryState.DELIVERED, 1, 200)
    assert delivery.event_id == request.headers["webhook-id"]
    assert request.headers["content-type"] == "application/json"
    tampered = replace(request, body=request.body.replace(b"succeeded", b"failed"))
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verified(webhook, tampered, scene.now, monkeypatch)


def test_what_is_told_of_what_happens(scene: Scene) -> None:
    webhook = scene.endpoints.make("ann", "http://127.0.0.1:9/", events=[one.value for one in CHOICES])
    usual = scene.endpoints.make("ann", "http://127.0.0.1:9/")
    scene.done()
    failed = scene.job()
    (job,) = scene.jobs.claim(1, "hits", "w")
    assert scene.jobs.fail(failed.id, job.attempt, "bad_media", "broken", retryable=False)
    waits = scene.job()
    scene.jobs.cancel(waits.id, None)
    stopped = scene.job()
    scene.jobs.claim(1, "hits", "w")
    scene.jobs.cancel(stopped.id, None)
    assert scene.jobs.canceled(stopped.id, 1)
    late = scene.job(cancel_after_s=5)
    scene.now += 6
    scene.jobs.cancel_late()
    lost = scene.job()
    for _ in range(3):
        scene.jobs.claim(1, "hits", "w#1")
        scene.jobs.abandon("w#1", blameless=False)
    scene.jobs.give_up()
    told = [(one.type, one.about) for one in scene.sent(webhook)]
    assert told[1:] == [
        (EventType.FAILED, failed.id),
        (EventType.CANCELED, waits.id),
        (EventType.CANCELED, stopped.id),
        (EventType.CANCELED, late.id),
        (EventType.FAILED, lost.id),
    ]
    assert [(one.type, one.about) for one in scene.sent(usual)] == told
    scene.jobs.expire(scene.now + 1)
    assert [one.type for one in scene.sent(webhook)].count(EventType.EXPIRED) == 6
    assert [one.type for one in scene.sent(usual)].count(EventType.EXPIRED) == 0


def test_what_changes_nothing_tells_nothing(scene: Scene) -> None:
    webhook = scene.endpoints.make("ann", "http://127.0.0.1:9/")
    job = scene.done()
    assert not scene.jobs.finish(job.id, 1, OUTPUTS)  # a worker that comes twice
    scene.jobs.cancel(job.id, None)
    retried = scene.job()
    (held,) = scene.jobs.claim(1, "hits", "w")
    assert scene.jobs.fail(retried.id, held.attempt, "storage", "away", retryable=True)  # it is tried again
    question = scene.job(mode="route")
    scene.jobs.cancel(question.id, None)
    assert len(scene.sent(webhook)) == 1


def test_what_is_undone_is_not_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event stands in the transaction of the change: neither comes without the other."""
    webhook = scene.endpoints.make("ann", "http://127.0.0.1:9/")
    job = scene.job()
    scene.jobs.claim(1, "hits", "w")

    def broken(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("workers.webhooks.outbox.moment", broken)
        with pytest.raises(RuntimeError):
            scene.jobs.finish(job.id, 1, OUTPUTS)
    assert scene.jobs.get(job.id, None).state.value == "running"
    assert scene.sent(webhook) == []
    assert scene.jobs.finish(job.id, 1, OUTPUTS)
    assert len(scene.sent(webhook)) == 1


def test_a_batch_has_ended_once_all_of_it_has(scene: Scene) -> None:
    webhook = scene.endpoints.make("ann", "http://127.0.0.1:9/", events=["batch.finished"])
    batch_id = new_id(scene.now)
    scene.jobs.open_batch(batch_id)
    scene.done(batch_id=batch_id)
    assert scene.sent(webhook) == []  # its other jobs are not even made
    other = scene.job(batch_id=batch_id)
    scene.jobs.close_batch(batch_id, "ann")
    assert scene.sent(webhook) == []
    scene.jobs.cancel(other.id, None)
    delivery = scene.only(webhook)
    assert (delivery.type, delivery.about) == (EventType.BATCH_FINISHED, batch_id)
    (due,) = scene.deliveries.claim(1)
    counts = json.loads(due.body)["data"]["counts"]
    assert (counts["total"], counts["succeeded"], counts["canceled"]) == (2, 1, 1)


def test_a_batch_whose_maker_was_killed(scene: Scene) -> None:
    webhook = scene.endpoints.make("ann", "http://127.0.0.1:9/", events=["batch.finished"])
    batch_id = new_id(scene.now)
    scene.jobs.open_batch(batch_id)
    scene.done(batch_id=batch_id)
    scene.deliveries.close_abandoned_batches()
    assert scene.sent(webhook) == []  # it may go on still
    scene.now += STALE_S + 1
    for _ in range(2):
        scene.deliveries.close_abandoned_batches()
    assert scene.only(webhook).about == batch_id


def test_the_two_last_jobs_of_a_batch_end_at_once(scene: Scene) -> None:
    webhook = scene.endpoints.make("ann", "http://127.0.0.1:9/", events=["batch.finished"])
    batches = [new_id(scene.now + number) for number in range(8)]
    gate = threading.Barrier(2)

    def end(jobs: Sequence[Job]) -> None:
        for job in jobs:
            gate.wait()
            scene.jobs.cancel(job.id, None)

    members = [[scene.job(batch_id=batch_id) for batch_id in batches] for _ in range(2)]
    threads = [threading.Thread(target=end, args=(jobs,)) for jobs in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.about for one in scene.sent(webhook)) == sorted(batches)


def test_a_job_may_name_its_own(scene: Scene) -> None:
    everything = scene.endpoints.make("ann", "http://127.0.0.1:9/all")
    named = scene.endpoints.named("ann", "http://127.0.0.1:9/mine")
    assert scene.endpoints.named("ann", "http://127.0.0.1:9/mine").id == named.id
    assert scene.endpoints.named("ann", everything.url).id == everything.id
    scene.done()
    with_it = scene.done(webhook_id=named.id)
    assert [one.about for one in scene.sent(named)] == [with_it.id]
    assert len(scene.sent(everything)) == 2


def test_500s_are_tried_for_a_day_under_one_id(scene: Scene) -> None:
    with receiver(status(500, "oh\x00 no"), status(503), status(200)) as there:
        webhook = scene.endpoints.make("ann", there.url())
        scene.done()
        for number in range(3):
            assert scene.sender.turn() == 1
            assert scene.sender.turn() == 0, "it is not tried before its time"
            scene.now += WAITS_S[number] * 1.11
    assert len({request.headers["webhook-id"] for request in there.received}) == 1
    assert len({request.body for request in there.received}) == 1
    assert len({request.headers["webhook-timestamp"] for request in there.received}) == 3
    delivery = scene.only(webhook)
    assert [entry["status"] for entry in delivery.log] == [500, 503, 200]
    assert delivery.log[0]["body"] == "oh no"
    assert delivery.state is DeliveryState.DELIVERED
    assert scene.endpoints.get(webhook.id, None).failing_since is None


def test_after_a_day_it_is_given_up_and_the_endpoint_with_it(scene: Scene) -> None:
    assert sum(WAITS_S) == 86_400
    with receiver(status(500)) as there:
        webhook = scene.endpoints.make("ann", there.url())
        scene.done()
        began = scene.now
        tries = 0
        while scene.only(webhook).state is DeliveryState.PENDING:
            tries += scene.sender.turn()
            scene.now = max(scene.now, scene.only(webhook).next_at)
        assert tries == len(there.received) == len(WAITS_S) + 1
        assert scene.now - began == pytest.approx(86_400, rel=0.1)
        first = scene.only(webhook)
        assert (first.state, first.log[-1]["error"]) == (DeliveryState.FAILED, "the answer was 500")
        scene.now = max(scene.now, began + 86_400)
        scene.done()
        while scene.sent(webhook)[1].state is DeliveryState.PENDING:
            scene.sender.turn()
            scene.now = max(scene.now, scene.sent(webhook)[1].next_at)
        told = scene.endpoints.get(webhook.id, None)
        assert told.disabled_at is not None
        assert "no delivery has arrived for" in str(told.disabled_reason)
        assert "the answer was 500" in str(told.disabled_reason)
        scene.done()
        assert scene.sent(webhook)[2].state is DeliveryState.HELD
        assert scene.sender.turn() == 0
        with pytest.raises(Conflict, match="disabled"):
            scene.deliveries.replay_all(told, 0.0)
        there.replies[:] = [status(204)]
        enabled = scene.endpoints.enable(webhook.id, "ann")
        assert scene.deliveries.replay_all(enabled, 0.0) == 3
        assert scene.sender.turn() == 3
        assert {one.state for one in scene.sent(webhook)} == {DeliveryState.DELIVERED}


def test_a_receiver_that_wants_no_more(scene: Scene) -> None:
    with receiver(status(410)) as there:
        webhook = scene.endpoints.make("ann", there.url())
        scene.done()
        scene.sender.turn()
    told = scene.endpoints.get(webhook.id, None)
    assert told.disabled_reason == "the receiver answered 410: it wants no more"
    assert scene.only(webhook).state is DeliveryState.FAILED


def test_a_receiver_that_says_when(scene: Scene) -> None:
    with receiver(status(429, Retry_After="900")) as there:
        webhook = scene.endpoints.make("ann", there.url())
        scene.done()
        scene.sender.turn()
        assert scene.only(webhook).next_at == pytest.approx(scene.now + 900)


def test_redirects_are_not_followed(quick: Scene) -> None:
    with receiver() as inside, receiver(status(302, Location=inside.url("/secret"))) as there:
        webhook = quick.endpoints.make("ann", there.url())
        quick.done()
        quick.sender.turn()
        assert quick.only(webhook).log[0]["error"] == "the answer was 302, a redirect, which is not followed"
        assert inside.received == []
    assert quick.only(webhook).state is DeliveryState.PENDING


def test_slow_and_endless_answers_end(quick: Scene) -> None:
    over = threading.Event()
    quick.sender._transport = replace(quick.sender._transport, total_s=0.3)
    with receiver(silence(over)) as mute, receiver(drip(over)) as slow, receiver(endless) as large:
        webhooks = [quick.endpoints.make("ann", there.url()) for there in (mute, slow, large)]
        quick.done()
        assert quick.sender.turn() == 3
        over.set()
    mute_told, slow_told, large_told = (quick.only(webhook) for webhook in webhooks)
    assert mute_told.log[0]["error"] == slow_told.log[0]["error"] == "no whole answer came within 0.3 s"
    assert {mute_told.state, slow_told.state} == {DeliveryState.PENDING}
    assert (large_told.state, len(large_told.log[0]["body"])) == (DeliveryState.DELIVERED, 500)


def test_what_is_no_server_of_the_web(quick: Scene) -> None:
    with receiver(nonsense) as there:
        webhooks = [
            quick.endpoints.make("ann", there.url()),
            quick.endpoints.make("ann", f"http://127.0.0.1:{free_port()}/"),
            quick.endpoints.make("ann", there.url(scheme="https")),
        ]
        quick.done()
        quick.sender.turn()
    errors = [quick.only(webhook).log[0]["error"] for webhook in webhooks]
    assert errors[0] == "what came back is no HTTP"
    assert errors[1].startswith("the connection failed: ")
    assert errors[2].startswith("no TLS connection came about")


def test_a_name_that_no_resolver_takes(quick: Scene) -> None:
    """Named before such names were refused, or of a kind that some resolver only complains of."""

    def resolve(host: str, port: int) -> list[str]:
        raise UnicodeError("label empty or too long")

    webhooks = [quick.endpoints.make("ann", url) for url in ("https://a..example.org/", "https://example.org/")]
    quick.done()
    quick.another_sender(resolve=resolve).turn()
    told = [quick.only(webhook) for webhook in webhooks]
    assert [one.state for one in told] == [DeliveryState.FAILED, DeliveryState.PENDING]
    assert "no name" in told[0].log[0]["error"]
    assert told[1].log[0]["error"] == "the url's host cannot be looked up"


def test_a_name_that_leads_inward_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    """The resolver is the test's: a name that is public when it is named and leads to this machine afterwards."""
    quick = Scene(databases.laid(tmp_path / "jobs.db"), tmp_path / "data", webhook_private=False)
    with receiver() as there:
        asked = list[str]()

        def resolve(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["93.184.215.14", "127.0.0.1"] if len(asked) % 2 else ["::ffff:127.0.0.1"]

        webhook = quick.endpoints.make("ann", there.url(host="rebinding.example.org", scheme="https"))
        sender = quick.another_sender(resolve=resolve)
        for _ in range(2):
            quick.done()
            sender.turn()
        assert there.received == []
    assert asked == ["rebinding.example.org"] * 2, "it is looked up once a try"
    for delivery in quick.sent(webhook):
        assert delivery.state is DeliveryState.FAILED
        assert delivery.log[0]["error"] == "refused: the url leads to an address that is not public"
    counted = counters.read(quick.jobs.database)["sonorize_webhook_deliveries"]
    assert counted == {("refused",): 2}
    quick.jobs.close()


def test_the_connection_goes_to_the_address_that_was_looked_at(quick: Scene) -> None:
    """By the name's own certificate, and with the name in ``Host``, though the name leads nowhere."""
    authority = trustme.CA()
    there_tls, here_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("hooks.example.org").configure_cert(there_tls)
    authority.configure_trust(here_tls)
    with receiver(tls=there_tls) as there:
        good = quick.endpoints.make("ann", there.url(host="hooks.example.org", scheme="https"))
        other = quick.endpoints.make("ann", there.url(host="other.example.org", scheme="https"))
        quick.done()
        quick.another_sender(resolve=lambda host, port: ["127.0.0.1"], tls=here_tls).turn()
    assert sorted(filter(None, there.names)) == ["hooks.example.org", "other.example.org"]
    (request,) = there.received
    assert request.headers["host"] == f"hooks.example.org:{there.port}"
    assert quick.only(good).state is DeliveryState.DELIVERED
    assert quick.only(other).log[0]["error"].startswith("the certificate is not believed")


def test_two_senders_send_it_once(scene: Scene) -> None:
    with receiver() as there:
        webhook = scene.endpoints.make("ann", there.url())
        for _ in range(6):
            scene.done()
        gate = threading.Barrier(3)

        def send(sender: WebhookSender) -> None:
            gate.wait()
            while sender.turn():
                pass

        threads = [threading.Thread(target=send, args=(scene.another_sender(),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ids = [request.headers["webhook-id"] for request in there.received]
    assert len(ids) == len(set(ids)) == 6
    assert {one.state for one in scene.sent(webhook)} == {DeliveryState.DELIVERED}


def test_a_sender_that_was_killed_is_made_up_for(scene: Scene) -> None:
    with receiver() as there:
        webhook = scene.endpoints.make("ann", there.url())
        scene.done()
        (held,) = scene.deliveries.claim(5)  # and then it is killed
        assert scene.sender.turn() == 0
        scene.now += LEASE_S + 1
        assert scene.sender.turn() == 1
        assert not scene.deliveries.record(held, Answer(status=500, error="late"))
    assert scene.only(webhook).state is DeliveryState.DELIVERED
    assert there.received[0].headers["webhook-id"] == held.event_id


def test_both_secrets_sign_after_a_rotation(quick: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as there:
        old = quick.endpoints.make("ann", there.url())
        new = quick.endpoints.rotate(old.id, "ann", overlap_s=100)
        assert old.secret != new.secret
        quick.done()
        quick.sender.turn()
        for known in (old, new):
            assert verified(known, there.received[0], quick.now, monkeypatch)["type"] == "job.succeeded"
        quick.now += 101
        quick.done()
        quick.sender.turn()
        assert verified(new, there.received[1], quick.now, monkeypatch)
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            verified(old, there.received[1], quick.now, monkeypatch)


def test_a_slow_endpoint_takes_no_others_place(quick: Scene) -> None:
    slow = quick.endpoints.make("ann", "http://127.0.0.1:9/slow")
    for _ in range(10):
        quick.done()
    quick.endpoints.make("ann", "http://127.0.0.1:9/quick")
    quick.done()
    claimed = [due.webhook.url for due in quick.deliveries.claim(8)]
    assert claimed.count(slow.url) == 4
    assert claimed.count("http://127.0.0.1:9/quick") == 1
    assert quick.deliveries.claim(8, {slow.id: 4}) == []


def test_tests_replays_and_what_is_forgotten(scene: Scene) -> None:
    with receiver() as there:
        webhook = scene.endpoints.make("ann", there.url(), events=["job.failed"])
        id = scene.deliveries.test(webhook)
        assert scene.deliveries.get(webhook, id).type == EventType.TEST
        with pytest.raises(Conflict, match="waiting"):
            scene.deliveries.replay(webhook, id)
        scene.sender.turn()
        assert scene.deliveries.replay(webhook, id).state is DeliveryState.PENDING
        scene.sender.turn()
    first, second = there.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert scene.deliveries.get(webhook, id).tries == 1
    assert len(scene.deliveries.get(webhook, id).log) == 2
    with pytest.raises(NotFound):
        scene.deliveries.replay(webhook, "no-such")
    assert scene.deliveries.forget(scene.now - 1) == 0
    assert scene.deliveries.forget(scene.now + 1) == 1
    assert scene.sent(webhook) == []


def test_an_owner_has_so_many_at_most(quick: Scene) -> None:
    for number in range(MOST):
        quick.endpoints.make("ann", f"https://example.org/{number}")
    with pytest.raises(Conflict, match=f"there are {MOST} webhooks already"):
        quick.endpoints.make("ann", "https://example.org/more")
    quick.endpoints.make("ben", "https://example.org/")
    with pytest.raises(NotFound):
        quick.endpoints.get(quick.endpoints.listed("ben")[0].id, "ann")


def test_the_thread_sends_and_stops(quick: Scene) -> None:
    with receiver(status(200)) as there:
        webhook = quick.endpoints.make("ann", there.url())
        sender = quick.another_sender()
        sender.start()
        quick.done()
        servers.wait_until(lambda: quick.only(webhook).state is DeliveryState.DELIVERED)
        sender.stop()
    assert len(there.received) == 1
    assert sender.faults.reason is None


def test_a_policy_without_exceptions_is_the_default() -> None:
    assert Policy() == Policy(private=False, ports=frozenset())
    assert Transport(Policy(), ssl.create_default_context()).total_s == 15
