"""The stage that looks at and listens to a result: what it leaves, and that it never costs anybody a job."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synth.description import heat_map
from synth.description.description import Description, Side
from synth.errors import WeightsError
from synth.media.picture.views import Views
from synth.voices.base import Rendering, Take
from tests.support import servers
from tests.support.describers import PICTURES, FlashDescriber
from tests.support.voices import FlashVoice, HissVoice
from tests.support.web_place import Place, place
from workers.errors import StorageError
from workers.files.storage import Stored
from workers.jobs import Job, State
from workers.search import vectors
from workers.tasks import description


@pytest.fixture
def eye(monkeypatch: pytest.MonkeyPatch) -> FlashDescriber:
    made = FlashDescriber()
    monkeypatch.setattr(description, "describer", lambda: made)
    return made


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice, eye: FlashDescriber) -> Iterator[Place]:
    with place(tmp_path / "data", describe=True) as made:
        yield made


def done(here: Place, clip: Path, **options: Any) -> Job:
    """A job sounded and described by the worker's own code."""
    job = here.sent(clip, **options)
    here.work()
    return here.jobs.get(job["id"], None)


def files(here: Place, job: Job) -> set[str]:
    return {key.removeprefix(f"{job.id}/1/") for key in here.storage.keys(f"{job.id}/1")}


def not_described(job: Job) -> str:
    """Why a job that succeeded was not described."""
    assert (job.state, job.error) == (State.SUCCEEDED, None)
    assert job.result is not None
    assert "description" not in job.result["outputs"][0]
    assert job.result["description"]["described"] is False
    return str(job.result["description"]["reason"])


def test_a_result_is_described_and_its_maps_are_stored(here: Place, flash_clip: Path, tmp_path: Path) -> None:
    job = done(here, flash_clip, seed="5", takes="2")
    assert job.result is not None
    told = job.result["description"]
    assert (told["described"], told["reason"], len(told["times_s"])) == (True, None, PICTURES)
    assert told["stages_s"] == {"look": 0.25, "listen": 0.125}
    assert told["units"] == [{"number": 7, "likes": "thunder", "strength": 2.5}]
    first, second = job.result["outputs"]
    assert [tag["name"] for tag in first["description"]["tags"]] == ["crackling fire", "rain"]
    assert first["description"]["texture"]["cluster"] == 2
    assert first["stages_s"]["describe"] == second["stages_s"]["describe"] > 0
    distances = {output["take"]: output["description"]["distance"] for output in (first, second)}
    assert told["ranking"] == sorted(distances, key=lambda take: distances[take])
    assert [output["description"]["rank"] for output in (first, second)] == [
        told["ranking"].index(take) + 1 for take in (0, 1)
    ]
    parts = {"mp4", "wav", "flac", "hits.json", "maps.npz", "maps.jpg", "avol.jpg", "attention.jpg"}
    parts |= {"score.json", "drawings.zip", "hits.wav"}
    assert files(here, job) == {
        "thumbnail.jpg",
        "units.jpg",
        "recipe.npz",
        *(f"take{take}.{part}" for take in (0, 1) for part in parts),
    }
    here.storage.fetch(second["maps_key"], tmp_path / "maps.npz")
    maps, times_s = heat_map.load(tmp_path / "maps.npz")
    assert times_s == pytest.approx(told["times_s"], abs=1e-3)
    assert {name: of_method.shape for name, of_method in maps.items()} == dict.fromkeys(maps, (PICTURES, 14, 14))
    here.storage.fetch(second["heat_avol_key"], tmp_path / "avol.jpg")
    with Image.open(tmp_path / "avol.jpg") as drawn:
        assert drawn.size == (64, 48)
    json.dumps(job.result, allow_nan=False)


def test_what_was_looked_at_can_be_found_again(here: Place, flash_clip: Path) -> None:
    job = done(here, flash_clip, takes="2")
    kept = vectors.of_job(here.jobs, job.id)
    assert set(kept) == {vectors.PICTURE_TAKE, 0, 1}
    assert {vector.side for vector in kept[vectors.PICTURE_TAKE]} == {Side.PICTURE}
    assert {vector.side for vector in kept[1]} == {Side.SOUND}
    here.jobs.delete(job.id, None)
    assert vectors.of_job(here.jobs, job.id) == {}


def test_jobs_that_are_made_together_are_described_one_by_one(
    here: Place, eye: FlashDescriber, hiss_voice: HissVoice, flash_clip: Path
) -> None:
    inside: list[int] = []

    def count() -> None:
        inside.append(1)
        assert len(inside) == 1, "two at once"
        inside.pop()

    eye.before = count
    sent = [here.sent(flash_clip, mode="ambient", seed=str(seed)) for seed in range(3)]
    here.work()
    for one in sent:
        job = here.jobs.get(one["id"], None)
        assert job.result is not None
        assert job.result["outputs"][0]["description"]["rank"] == 1
    assert eye.described == 3


def test_a_clip_is_looked_at_while_its_sound_is_made(
    here: Place, eye: FlashDescriber, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as the voice's decoding left its pictures; what goes wrong then is no matter."""
    looked = threading.Event()
    eye.before_looking = looked.set
    render = FlashVoice.render

    def late(voice: FlashVoice, *how: Any) -> Rendering:
        assert looked.wait(60)
        return render(voice, *how)

    monkeypatch.setattr(FlashVoice, "render", late)
    assert done(here, flash_clip).state == State.SUCCEEDED
    assert (eye.looked, eye.described) == (1, 1)
    eye.before_looking = _odd
    job = done(here, flash_clip, seed="6")
    assert job.result is not None
    assert job.result["description"]["described"] is True


def _without_weights() -> None:
    raise WeightsError("the weights ave are not installed")


def _odd() -> None:
    raise RuntimeError("something in /home/ann is odd")


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [(_without_weights, "the weights ave are not installed"), (_odd, "something unexpected went wrong")],
)
def test_trouble_costs_nobody_a_job(
    here: Place, eye: FlashDescriber, flash_clip: Path, trouble: Callable[[], None], reason: str
) -> None:
    eye.before = trouble
    job = done(here, flash_clip)
    assert not_described(job) == reason
    kept = {"take0.flac", "take0.hits.wav", "take0.score.json", "take0.drawings.zip", "recipe.npz"}
    assert files(here, job) == {"take0.mp4", "take0.wav", "take0.hits.json", "thumbnail.jpg", *kept}
    assert vectors.of_job(here.jobs, job.id) == {}


@dataclass
class Spoilt(FlashDescriber):
    """Changes what the other says."""

    change: Callable[[Description], Description] = field(default=lambda found: found)

    def describe(
        self,
        source: Path,
        sounds: Sequence[Any],
        cancelled: Callable[[], bool] = lambda: False,
        *,
        views: Views | None = None,
        seen: None = None,
    ) -> Description:
        return self.change(super().describe(source, sounds))


@pytest.mark.parametrize(
    "change",
    [
        lambda found: replace(found, takes=(replace(found.takes[0], distance=float("nan")),)),
        lambda found: replace(found, takes=()),
        lambda found: replace(found, takes=(replace(found.takes[0], maps={"avol": np.full((4, 14, 14), 2.0)}),)),
    ],
)
def test_a_description_that_cannot_be_kept_is_none(
    here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Description], Description]
) -> None:
    monkeypatch.setattr(description, "describer", lambda: Spoilt(change=change))
    assert not_described(done(here, flash_clip))


def test_a_storage_that_takes_no_maps_costs_the_maps_alone(
    here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = here.storage.put

    def refuse(key: str, source: Any, content_type: str, **known: Any) -> Stored:
        if key.endswith(".maps.npz"):
            raise StorageError("the object storage cannot be reached")
        return whole(key, source, content_type, **known)

    monkeypatch.setattr("workers.files.result_upload.STORE_PATIENCE_S", 0.1)
    monkeypatch.setattr(here.storage, "put", refuse)
    job = done(here, flash_clip)
    assert job.result is not None
    assert job.state is State.SUCCEEDED
    assert job.result["outputs"][0]["description"]["rank"] == 1
    assert "maps_key" not in job.result["outputs"][0]


def test_the_stage_can_be_switched_off(tmp_path: Path, flash_voice: FlashVoice, flash_clip: Path) -> None:
    with place(tmp_path / "data", describe=False) as here:
        assert not_described(done(here, flash_clip)) == description.SWITCHED_OFF


def test_a_cancel_stops_it(here: Place, eye: FlashDescriber, flash_clip: Path) -> None:
    asked = here.sent(flash_clip)

    def cancel() -> None:
        here.jobs.cancel(asked["id"], None)

    eye.before = cancel
    here.work()
    job = here.jobs.get(asked["id"], None)
    assert (job.state, job.result) == (State.CANCELED, None)
    assert files(here, job) == set()


def test_what_is_kept_of_a_cancelled_job_is_not_described(
    here: Place, eye: FlashDescriber, hiss_voice: HissVoice, flash_clip: Path
) -> None:
    asked = here.sent(flash_clip, mode="ambient")

    def cancel(take: Take, chunk: int) -> None:
        if chunk == 3:
            here.jobs.cancel(asked["id"], None, keep_partial=True)
            servers.wait_until(take.cancelled)

    hiss_voice.before_chunk = cancel
    here.work()
    job = here.jobs.get(asked["id"], None)
    assert job.state is State.CANCELED
    assert job.result is not None
    assert job.result["outputs"][0]["made_s"] is not None
    assert job.result["description"] == {"described": False, "reason": "the job was canceled"}
    assert eye.described == 0


def test_should_it_be_what_workers_are_lost_with_the_sound_still_arrives(
    here: Place, eye: FlashDescriber, flash_clip: Path
) -> None:
    job = here.sent(flash_clip)
    for _ in range(here.settings.max_attempts - 1):
        assert here.jobs.claim(1, "auto", "doomed")
        here.jobs.abandon("doomed", blameless=False)
    here.work()
    assert "earlier attempts" in not_described(here.jobs.get(job["id"], None))
    assert eye.described == 0


def test_the_stage_is_told_while_it_lasts(here: Place, eye: FlashDescriber, flash_clip: Path) -> None:
    asked, seen = here.sent(flash_clip), list[str | None]()
    eye.before = lambda: seen.append(here.jobs.get(asked["id"], None).stage)
    here.work()
    assert seen == [description.STAGE]


def test_the_nets_that_ship_describe_a_result(tmp_path: Path, flash_voice: FlashVoice, flash_clip: Path) -> None:
    with place(tmp_path / "data", describe=True) as here:
        job = done(here, flash_clip, takes="2")
        assert job.result is not None
        assert job.result["description"]["reason"] is None
        assert sorted(job.result["description"]["ranking"]) == [0, 1]
        for output in job.result["outputs"]:
            told = output["description"]
            assert 0 <= told["correspondence"] <= 1
            assert 0 <= told["distance"] <= 2
            assert set(told["firmness"]) <= set(heat_map.METHODS)
            assert "heat_avol_key" in output
        assert {vector.space for vector in vectors.of_job(here.jobs, job.id)[0]} >= {"ave"}
