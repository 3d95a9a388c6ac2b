"""Real or generated: permissions of owners, pairs, votes, attention checks, figures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from synth.dsp.loudness import integrated_lufs
from synth.media import audio, video
from synth.metrics.hits import wilson_interval
from synth.options import ExistingSound
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from web.comparisons import pairs
from workers.comparisons.store import CHECKS, Comparisons, Version
from workers.comparisons.tables import VOTES
from workers.errors import Conflict
from workers.records import COMPARISON
from workers.tasks import comparisons

RATE_HZ = 48_000
SECRETS = {"anna": "anna-" + "a" * 40, "ben": "ben-" + "b" * 40}
KEYS = ",".join(f"{name}:{hashlib.sha256(secret.encode()).hexdigest()}" for name, secret in SECRETS.items())


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRETS[name]}"}


def beeping(duration_s: float, level: float = 0.1) -> np.ndarray[Any, np.dtype[np.float32]]:
    times_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return (level * np.sin(2 * np.pi * 440 * times_s) * (times_s % 0.5 < 0.25)).astype(np.float32)


@pytest.fixture
def beeping_clip(flash_clip: Path, tmp_path: Path) -> Path:
    target = tmp_path / "beeping.mp4"
    video.remux(flash_clip, beeping(2.0), RATE_HZ, target, existing=ExistingSound.REPLACE)
    return target


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data", api_keys=KEYS) as made:
        yield made


def sounded(here: Place, clip: Path, **options: str) -> str:
    """A finished job of anna's."""
    job = here.sent(clip, mode="hits", headers=bearer("anna"), **options)
    here.work()
    return str(job["id"])


def allowed(here: Place, job_id: str) -> dict[str, Any]:
    answer = here.client.put(f"/v1/jobs/{job_id}/comparison", json={"allowed": True}, headers=bearer("anna"))
    assert answer.status_code == 200, answer.text
    here.work()
    return dict(here.client.get(f"/v1/jobs/{job_id}/comparison", headers=bearer("anna")).get_json())


def next_pair(here: Place, name: str = "ben") -> dict[str, Any] | None:
    found = here.client.get("/v1/comparisons/next", headers=bearer(name)).get_json()["pair"]
    return None if found is None else dict(found)


def real_side(here: Place, pair: dict[str, Any]) -> str:
    with here.app.test_request_context():
        return pairs.pair_of(pair["pair"]).real_side


def cast(here: Place, pair: dict[str, Any], *, right: bool, name: str = "ben") -> dict[str, Any]:
    side = real_side(here, pair)
    other = next(one for one in pairs.SIDES if one != side)
    body = {"pair": pair["pair"], "real": side if right else other}
    answer = here.client.post("/v1/comparisons/votes", json=body, headers=bearer(name))
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def test_all_versions_are_as_loud_and_the_late_one_is_a_second_late() -> None:
    real, generated = beeping(4.0, 0.02), beeping(4.0, 0.4)[::-1].copy()
    made = comparisons.versions(real, generated, RATE_HZ)
    assert set(made) == set(Version)
    for version in (Version.REAL, Version.GENERATED):
        assert integrated_lufs(made[version], RATE_HZ) == pytest.approx(comparisons.LOUDNESS_LUFS, abs=0.2)
    np.testing.assert_array_equal(made[Version.SHIFTED][RATE_HZ:], made[Version.REAL][:-RATE_HZ])
    assert not made[Version.SILENT].any()
    assert not made[Version.SHIFTED][:RATE_HZ].any()
    assert Version.SHIFTED not in comparisons.versions(real[:RATE_HZ], generated[:RATE_HZ], RATE_HZ)


def test_nothing_is_compared_unless_its_owner_says_so(here: Place, beeping_clip: Path) -> None:
    job_id = sounded(here, beeping_clip)
    told = here.client.get(f"/v1/jobs/{job_id}/comparison", headers=bearer("anna")).get_json()
    assert told == {"allowed": False, "status": "not_allowed", "problem": None}
    assert next_pair(here) is None
    foreign = here.client.put(f"/v1/jobs/{job_id}/comparison", json={"allowed": True}, headers=bearer("ben"))
    problem(foreign, 404, "not-found")
    assert next_pair(here) is None


def test_a_pair_is_the_same_picture_with_two_sounds(here: Place, beeping_clip: Path, tmp_path: Path) -> None:
    job_id = sounded(here, beeping_clip)
    assert allowed(here, job_id) == {"allowed": True, "status": "ready", "problem": None}
    pair = next_pair(here)
    assert pair is not None
    assert job_id not in str(pair)
    sounds, digests, told = {}, set(), ""
    for side, address in pair["links"].items():
        answer = here.client.get(address, headers=bearer("ben"))
        assert answer.status_code == 200
        told += str(answer.headers)
        file = tmp_path / f"{side}.mp4"
        file.write_bytes(answer.data)
        digests.add(video.packet_digest(file))
        sounds[side], _ = audio.read(file, RATE_HZ)
    assert digests == {video.packet_digest(beeping_clip)}
    original, _ = audio.read(beeping_clip, RATE_HZ)
    likeness = {
        side: abs(np.corrcoef(sound[: len(original)], original[: len(sound)])[0, 1]) for side, sound in sounds.items()
    }
    assert max(likeness, key=likeness.__getitem__) == real_side(here, pair)
    assert max(likeness.values()) > 0.9 > min(likeness.values())
    assert "beeping" not in told
    assert not any(version.value in told.lower() for version in Version)


def test_a_vote_counts_once_and_only_of_those_who_listen(here: Place, beeping_clip: Path) -> None:
    for _ in range(3):
        allowed(here, sounded(here, beeping_clip))
    first = next_pair(here)
    assert first is not None
    assert cast(here, first, right=False) == {"right": False, "real": real_side(here, first), "check": False}
    again = here.client.post(
        "/v1/comparisons/votes", json={"pair": first["pair"], "real": "left"}, headers=bearer("ben")
    )
    problem(again, 409, "conflict")

    def figures() -> dict[str, Any]:
        return dict(here.client.get("/v1/comparisons", headers=bearer("anna")).get_json())

    assert figures() == {"chance": 0.5, "rates": [], "left_out": 1}  # nobody knows yet whether ben listens
    second = next_pair(here)
    assert second is not None
    assert cast(here, second, right=True)["check"] is True
    third = next_pair(here)
    assert third is not None
    cast(here, third, right=True)
    assert next_pair(here) is None
    ((rate),) = figures()["rates"]
    interval = wilson_interval(1, 2)
    assert interval is not None
    assert (rate["mode"], rate["votes"], rate["fooled"], rate["rate"]) == ("hits", 2, 1, 0.5)
    assert rate["interval"] == {"low": interval.low, "high": interval.high}
    assert rate["release"][0].isdigit()

    for right in (True, False):  # anna is fooled by the check: none of hers count
        pair = next_pair(here, "anna")
        assert pair is not None
        cast(here, pair, right=right, name="anna")
    assert figures()["rates"] == [rate]
    assert figures()["left_out"] == 1


def test_who_comes_without_a_cookie_is_no_new_voter_without_end(here: Place, beeping_clip: Path) -> None:
    allowed(here, sounded(here, beeping_clip))

    def come(address: str) -> int:
        """A person without a past: the status of their vote, or 204 where there was nothing to vote on."""
        fresh = log_in(here, "ben")
        base = {"REMOTE_ADDR": address}
        pair = fresh.get("/v1/comparisons/next", environ_overrides=base).get_json()["pair"]
        if pair is None:
            return 204
        body = {"pair": pair["pair"], "real": "left"}
        token = fresh.get("/account").text.split('name="csrf_token" value="')[1].split('"')[0]
        return fresh.post(
            "/v1/comparisons/votes", json=body, environ_overrides=base, headers={"X-CSRF-Token": token}
        ).status_code

    assert [come("203.0.113.5") for _ in range(7)] == [201] * 5 + [204] * 2
    assert come("203.0.113.6") == 201
    assert [come(f"2001:db8::{number}") for number in range(6)] == [201] * 5 + [204]  # one customer's network
    assert come("2001:db8:0:1::1") == 201
    places = here.jobs.database
    with places.reading() as connection:
        found = set(connection.scalars(sa.select(VOTES.c.place)))
    assert len(found) == 4
    assert not any("203" in str(one) for one in found)


def test_as_many_votes_of_an_address_at_once_count_no_more(here: Place, beeping_clip: Path) -> None:
    made = allowed(here, sounded(here, beeping_clip))
    assert made["allowed"]
    store = Comparisons(here.jobs.database)
    (comparison,), _ = store.open_to("nobody")
    for number in range(5):
        store.vote(comparison, f"voter-{number}", Version.GENERATED, right=True, place="p")
    with pytest.raises(Conflict, match="5 votes on this pair came from your address"):
        store.vote(comparison, "voter-5", Version.GENERATED, right=True, place="p")
    store.vote(comparison, "voter-5", Version.GENERATED, right=True, place="q")
    for number in range(6):  # whoever has a key has a name
        store.vote(comparison, f"key-{number}", Version.GENERATED, right=True)


def test_a_permission_is_withdrawn_with_its_files(here: Place, beeping_clip: Path) -> None:
    job_id = sounded(here, beeping_clip)
    before = set(here.storage.keys(""))
    allowed(here, job_id)
    pair = next_pair(here)
    assert pair is not None
    assert len(set(here.storage.keys("")) - before) == len(Version)
    here.client.put(f"/v1/jobs/{job_id}/comparison", json={"allowed": False}, headers=bearer("anna"))
    assert set(here.storage.keys("")) == before
    problem(here.client.get(pair["links"]["left"], headers=bearer("ben")), 404, "not-found")
    assert next_pair(here) is None


def test_what_is_deleted_is_compared_no_longer(here: Place, beeping_clip: Path) -> None:
    job_id = sounded(here, beeping_clip)
    allowed(here, job_id)
    assert here.client.delete(f"/v1/jobs/{job_id}", headers=bearer("anna")).status_code == 204
    assert next_pair(here) is None
    assert not list(here.storage.keys(""))


@pytest.mark.parametrize(("mode", "sentence"), [("replace", "without sound"), ("mix", "in the result")])
def test_what_cannot_be_compared_is_refused(
    here: Place, flash_clip: Path, beeping_clip: Path, mode: str, sentence: str
) -> None:
    job_id = sounded(here, flash_clip if mode == "replace" else beeping_clip, existing_sound=mode)
    answer = here.client.put(f"/v1/jobs/{job_id}/comparison", json={"allowed": True}, headers=bearer("anna"))
    assert sentence in problem(answer, 409, "conflict")["detail"]


def test_a_silent_recording_is_said_to_be_so(here: Place, flash_clip: Path, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.mp4"
    video.remux(flash_clip, np.zeros(2 * RATE_HZ, np.float32), RATE_HZ, quiet, existing=ExistingSound.REPLACE)
    told = allowed(here, sounded(here, quiet))
    assert told["status"] == "failed"
    assert "silent" in told["problem"]


def test_nobody_votes_on_what_another_was_shown(here: Place, beeping_clip: Path) -> None:
    allowed(here, sounded(here, beeping_clip))
    pair = next_pair(here, "ben")
    assert pair is not None
    body = {"pair": pair["pair"], "real": "left"}
    problem(here.client.post("/v1/comparisons/votes", json=body, headers=bearer("anna")), 404, "not-found")
    assert here.client.post("/v1/comparisons/votes", json=body, headers=bearer("ben")).status_code == 201
    problem(here.client.post("/v1/comparisons/votes", json=body, headers=bearer("ben")), 409, "conflict")


@pytest.mark.parametrize("pair", ["x", "WyJhIiwiYiIsInJlYWwiXQ.forged"])
def test_a_forged_pair_is_not_there(here: Place, pair: str) -> None:
    answer = here.client.post("/v1/comparisons/votes", json={"pair": pair, "real": "left"}, headers=bearer("ben"))
    problem(answer, 404, "not-found")
    problem(here.client.get(f"/v1/comparisons/{pair}/left", headers=bearer("ben")), 404, "not-found")


def test_sides_are_even_and_checks_come_again(here: Place, beeping_clip: Path) -> None:
    allowed(here, sounded(here, beeping_clip))
    (comparison,), _ = Comparisons(here.jobs.database).open_to("nobody")
    with here.app.test_request_context():
        sides = [pairs.Pair(comparison, f"voter {n}", Version.GENERATED).real_side for n in range(400)]
    assert 160 < sides.count("left") < 240
    assert CHECKS == (Version.SILENT, Version.SHIFTED)
    assert COMPARISON in here.notified


def log_in(here: Place, name: str) -> FlaskClient:
    client = here.app.test_client()
    token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    assert client.post("/login", data={"csrf_token": token, "key": SECRETS[name]}).status_code == 303
    return client


def test_the_page_takes_votes_without_scripts(here: Place, beeping_clip: Path) -> None:
    job_id = sounded(here, beeping_clip)
    anna = log_in(here, "anna")
    page = anna.get(f"/jobs/{job_id}").text
    assert "Not to be compared" in page
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    asked = anna.post(f"/jobs/{job_id}/comparison", data={"csrf_token": token, "allowed": "true"})
    assert asked.status_code == 303
    here.work()
    assert "People may compare it" in anna.get(f"/jobs/{job_id}").text

    ben = log_in(here, "ben")
    page = ben.get("/real-or-generated").text
    pair = page.split('name="pair" value="')[1].split('"')[0]
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    side = real_side(here, {"pair": pair})
    answer = ben.post("/real-or-generated", data={"csrf_token": token, "pair": pair, "real": side})
    assert answer.status_code == 303
    after = ben.get("/real-or-generated").text
    assert f"Yes, the {side} one was real." in after
    assert "That was all there is to compare just now." in after
    assert "one was real" not in ben.get("/real-or-generated").text
    assert ben.post("/real-or-generated", data={"csrf_token": token, "pair": pair, "real": "up"}).status_code == 422
