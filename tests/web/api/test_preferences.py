"""How a caller may ask: to wait, to give up after a while, to be told only what is new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.options import Mode, Options
from tests.support.servers import wait_until
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from web.api.semantics import waiting
from web.api.semantics.conditional import coarse_s
from web.api.semantics.waiting import MAX_WAITS, Waits
from workers.jobs import State, open_jobs
from workers.leases import LATE
from workers.reconciler import Reconciler


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def test_who_waits_gets_the_result(here: Place, flash_clip: Path) -> None:
    with here.at_work():
        answer = here.send(flash_clip, headers={"Prefer": "respond-async, wait=55"})
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=55"
    done = answer.get_json()
    assert (done["status"], len(done["outputs"][0]["hits"])) == ("succeeded", 2)
    assert answer.headers["Location"] == done["links"]["self"]
    assert "Retry-After" not in answer.headers


def test_who_waits_in_vain_is_told_where_to_ask(here: Place, flash_clip: Path) -> None:
    answer = here.send(flash_clip, headers={"Prefer": "wait=0"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=0")
    assert answer.get_json()["status"] == "queued"
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert here.client.get(answer.headers["Location"]).status_code == 200


def test_who_may_see_nothing_waits_for_nothing(tmp_path: Path, flash_clip: Path) -> None:
    key = f"camera:{hashlib.sha256(b'of camera').hexdigest()}:write"
    with place(tmp_path / "data", api_keys=key) as locked:
        headers = {"Authorization": "Bearer of camera", "Prefer": "wait=50"}
        answer = locked.send(flash_clip, headers=headers)
        assert (answer.status_code, "Preference-Applied" in answer.headers) == (202, False)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("wait", 60),
        ("wait=600", 60),
        ('Wait = "7"', 7),
        ("wait=7; x=y, wait=9", 7),
        ("wait=-1", None),
        ("wait=x", None),
    ],
)
def test_preferences_are_read_as_the_rfc_says(here: Place, said: str, seconds: int | None) -> None:
    from web.api.semantics.preferences import wait_s

    with here.app.test_request_context(headers={"Prefer": said}):
        assert wait_s() == seconds


def test_waiting_never_takes_all_threads(here: Place, flash_clip: Path) -> None:
    """The one too many is answered at once, without the preference."""
    job = here.jobs.get(here.sent(flash_clip)["id"], None)
    waits, answers = Waits(most_of_one=MAX_WAITS), list[object]()

    def come(_seconds: float) -> None:
        """While one waits, the next one comes; the last one shows itself not to wait."""
        if waits.open < MAX_WAITS:
            waits.until(here.jobs, job, 60.0, done=lambda _: bool(answers), pause=come)
        else:
            answers.append(waits.until(here.jobs, job, 60.0, pause=come))

    with here.app.test_request_context():
        waits.until(here.jobs, job, 60.0, done=lambda _: bool(answers), pause=come)
    assert answers == [None]
    with here.app.test_request_context():
        assert waits.until(here.jobs, job, 0.0) is not None
    assert waits.open == 0


def test_one_owner_leaves_others_room(here: Place) -> None:
    waits = Waits()
    assert [waits._enter("ann") for _ in range(waiting.MAX_WAITS_OF_ONE + 1)][-1] is False
    assert waits._enter("ben")


def test_a_job_that_is_deleted_meanwhile(here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = here.jobs.get(here.sent(flash_clip)["id"], None)
    monkeypatch.setattr(waiting, "LOOK_EVERY_S", 0.0)

    def deleted() -> bool:
        here.jobs.delete(job.id, None)
        return False

    with here.app.test_client() as client:
        answer = client.get(
            f"/v1/jobs/{job.id}",
            headers={"Prefer": "wait=50"},
            environ_overrides={"waitress.client_disconnected": deleted},
        )
    problem(answer, 404, "not-found")
    assert here.app.extensions["sonorize"].waits.open == 0


def test_etags_are_strong_and_change_with_the_job(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip)
    batch = here.send(flash_clip, to="/v1/batches").get_json()["links"]["self"]
    paths = (job["links"]["self"], "/v1/jobs", batch, "/v1/batches", "/v1/limits")
    known = {}
    for path in paths:
        first = here.client.get(path)
        known[path] = first.headers["ETag"]
        assert known[path].startswith('"'), f"the ETag of {path} is weak"
        again = here.client.get(path, headers={"If-None-Match": known[path]})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", known[path])
    here.finish()
    for path in paths[:-1]:
        assert here.client.get(path, headers={"If-None-Match": known[path]}).status_code == 200


def test_who_shows_what_it_knows_waits_for_news(here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = here.sent(flash_clip, mode="hits")
    known = here.client.get(job["links"]["self"]).headers["ETag"]
    monkeypatch.setattr(waiting, "LOOK_EVERY_S", 0.0)

    def claimed() -> bool:
        here.jobs.claim(1, "hits", "w")
        return False

    answer = here.client.get(
        job["links"]["self"],
        headers={"Prefer": "wait=50", "If-None-Match": known},
        environ_overrides={"waitress.client_disconnected": claimed},
    )
    assert (answer.status_code, answer.get_json()["status"]) == (200, "running")
    assert int(answer.headers["Retry-After"]) >= 1
    at_once = here.client.get(job["links"]["self"], headers={"Prefer": "wait=50", "If-None-Match": known})
    assert "Preference-Applied" not in at_once.headers  # it was told something new without waiting


@pytest.mark.parametrize(("said", "seconds"), [("90", 90), ("90s", 90), ("1.5 m", 90), ("2h", 7200)])
def test_cancel_after_is_read(here: Place, flash_clip: Path, said: str, seconds: float) -> None:
    job = here.sent(flash_clip, headers={"Cancel-After": said})
    row = here.jobs.get(job["id"], None)
    assert row.cancel_at == pytest.approx(row.queued_at + seconds)
    assert job["cancel_at"] is not None
    assert here.sent(flash_clip, cancel_after=said)["cancel_at"] is not None
    batch = here.send(flash_clip, to="/v1/batches", cancel_after=said).get_json()
    assert batch["items"][0]["job"]["cancel_at"] is not None


@pytest.mark.parametrize("said", ["0", "-5", "soon", "8d", "200h", "1e3"])
def test_a_cancel_after_that_is_none_is_refused(here: Place, flash_clip: Path, said: str) -> None:
    told = problem(here.send(flash_clip, headers={"Cancel-After": said}), 422, "option")
    assert said in told["detail"]
    assert "allowed is 1 to 604800 seconds" in told["detail"]
    assert here.left() == []


def test_the_same_key_with_another_deadline_is_another_request(here: Place, flash_clip: Path) -> None:
    headers = {"Idempotency-Key": "k", "Cancel-After": "90"}
    first = here.sent(flash_clip, headers=headers)
    assert here.sent(flash_clip, headers=headers)["id"] == first["id"]
    problem(here.send(flash_clip, headers={**headers, "Cancel-After": "91"}), 422, "idempotency")


def test_what_has_not_ended_in_time_is_canceled(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    jobs = open_jobs(f"sqlite:///{tmp_path / 'jobs.db'}", clock=lambda: now[0])
    asked: dict[str, Any] = {
        "options": Options(mode=Mode.HITS),
        "title": "",
        "source_key": "s",
        "info": {},
        "owner": "ann",
    }
    waits, runs, later, done = (jobs.create(**asked, cancel_after_s=after_s) for after_s in (10, 10, 100, 10))
    claimed = {job.id: job for job in jobs.claim(4, "hits", "w")}
    for job in (waits, later):  # back into the queue
        assert jobs.fail(job.id, claimed[job.id].attempt, "storage", "away", retryable=True)
    assert jobs.finish(done.id, 1, {"outputs": []})
    assert jobs.cancel_late() == []
    now[0] += 11
    assert {job.id for job in jobs.cancel_late()} == {waits.id, runs.id}
    assert jobs.cancel_late() == []
    told = jobs.get(waits.id, None)
    assert (told.state, told.finished_at, (told.error or {})["code"]) == (State.CANCELED, now[0], LATE)
    running = jobs.get(runs.id, None)
    assert (running.state, running.cancel_requested) == (State.RUNNING, True)
    assert jobs.canceled(runs.id, 1)
    assert (jobs.get(runs.id, None).error or {})["code"] == LATE
    assert jobs.get(later.id, None).state is State.QUEUED
    assert jobs.get(done.id, None).state is State.SUCCEEDED
    assert jobs.retry(waits.id, None).cancel_at is None
    jobs.close()


def test_the_reconciler_cancels(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip, headers={"Cancel-After": "1"})
    reconciler = Reconciler(here.settings, here.jobs, here.storage, lambda mode: None)

    def canceled() -> bool:
        reconciler.turn()
        return bool(here.client.get(job["links"]["self"]).get_json()["status"] == "canceled")

    wait_until(canceled)  # a real second: PostgreSQL goes by a clock of its own
    assert here.client.get(job["links"]["self"]).get_json()["error"]["code"] == "cancel_after"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, None), (0.2, 0), (1.4, 1), (6.2, 7), (44, 45), (58, 60), (100, 90), (400, 420), (1000, 900), (7000, 7200)],
)
def test_times_to_go_are_told_coarsely(seconds: float | None, said: float | None) -> None:
    assert coarse_s(seconds) == said
