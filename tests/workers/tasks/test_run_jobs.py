"""The work of one job, in this process: real pipeline, real files, real table."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synth.errors import Cancelled, MediaError, TimeLimitError, WeightsError
from synth.media import audio, video
from synth.media.video import VideoInfo
from synth.options import ExistingSound, Mode, Options
from synth.pipeline.modes import MODES
from synth.voices.base import CancelPoll, Controls, Frame, Progress, Take
from synth.voices.hits import hit_list
from tests.conftest import FLASH_CLIP_S, FLASHES_S
from tests.support import servers
from tests.support.clips import Zoo
from tests.support.patience import shared_by
from tests.support.voices import FlashVoice, HissVoice
from tests.support.weather import small_disk
from workers import attempt
from workers.attempt import Attempt, Stop
from workers.errors import NotFound, StorageError
from workers.files import result_upload
from workers.files.storage import LocalStorage, Stored
from workers.files.temporary_directories import ProcessFolder, sweep
from workers.jobs import Job, Jobs, State, jobs_of, new_id
from workers.reconciler import ORPHAN_S, SWEEP_S, Reconciler
from workers.settings import Settings, embedded
from workers.tasks import failures
from workers.tasks import run_jobs as tasks
from workers.tasks.job_run import WorkerContext
from workers.tasks.run_jobs import drain, run_jobs


@dataclass
class LivelyVoice(FlashVoice):
    """Does something of the test's choice before it looks."""

    first: Callable[[CancelPoll], None] = lambda _: None

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        self.first(cancelled)
        return super().controls(frames, info, options, progress, cancelled)


class ShakyStorage(LocalStorage):
    """Real files behind a door that is shut for a while."""

    refusals = 0
    puts: tuple[str, ...] = ()
    on_put: Callable[[str], None] = staticmethod(lambda _: None)

    def put(self, key: str, source: Any, content_type: str, *, known: Stored | None = None) -> Stored:
        self.on_put(key)
        if self.refusals > 0:
            self.refusals -= 1
            raise StorageError("the object storage cannot be reached")
        self.puts = (*self.puts, key)
        return super().put(key, source, content_type, known=known)


@dataclass
class House:
    settings: Settings
    jobs: Jobs
    storage: ShakyStorage
    context: WorkerContext
    clip: Path

    def submit(self, clip: Path | None = None, **options: Any) -> Job:
        name = new_id(time.time())
        self.storage.put(f"{name}/source", clip or self.clip, "video/mp4")
        asked = Options(**{"mode": Mode.HITS, **options})
        return self.jobs.create(
            options=asked, title="my clip.mov", source_key=f"{name}/source", info={}, owner="ann", id=name
        )

    def do(self, job: Job) -> Job:
        (claimed,) = self.jobs.claim(1, job.mode, "worker")
        assert claimed.id == job.id
        run_jobs(self.context, [claimed])
        return self.jobs.get(job.id, None)

    def ambient(self, clip: Path | None = None, **options: Any) -> Job:
        return self.submit(clip, mode=Mode.AMBIENT, **options)

    def state(self, job: Job) -> State:
        return self.jobs.get(job.id, None).state

    def stored(self, job: Job) -> set[str]:
        return {key.removeprefix(f"{job.id}/") for key in self.storage.keys(job.id)}


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> LivelyVoice:
    voice = LivelyVoice()
    monkeypatch.setitem(MODES, Mode.HITS, lambda: voice)
    return voice


@pytest.fixture
def house(tmp_path: Path, flash_clip: Path, voice: LivelyVoice, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(tasks, "DRAIN_S", 600.0)  # however slow this machine is
    settings = embedded(tmp_path / "data", describe=False)
    jobs, storage = jobs_of(settings), ShakyStorage(tmp_path / "data" / "files")
    context = WorkerContext(settings, jobs, storage, lambda _: True, ProcessFolder(settings.work_dir).path, "worker")
    yield House(settings, jobs, storage, context, flash_clip)
    assert [path.name for path in context.folder.iterdir()] == ["lock"], "a temporary folder was left"
    jobs.close()


def to_correct(part: str) -> set[str]:
    """What is kept of a whole take so that it can be corrected."""
    endings = (".flac", ".score.json", ".drawings.zip", f".{part}.wav")
    return {"1/recipe.npz", *(f"1/take0{ending}" for ending in endings)}


def test_a_job_is_sounded_and_everything_of_it_stored(house: House, flash_clip: Path, tmp_path: Path) -> None:
    done = house.do(house.submit(seed=5))
    assert (done.state, done.error) == (State.SUCCEEDED, None)
    whole = {"source", "1/take0.mp4", "1/take0.wav", "1/take0.hits.json", "1/thumbnail.jpg"}
    assert house.stored(done) == {*whole, *to_correct("hits")}
    assert done.result is not None
    (output,) = done.result["outputs"]
    assert (output["source"], output["target"], output["seed"]) == ("my clip.mov", "take0.mp4", 5)
    assert output["bytes"] == house.storage.size(output["key"])
    for key, name in ((output["key"], "out.mp4"), (output["wav_key"], "out.wav"), (output["hits_key"], "hits.json")):
        house.storage.fetch(key, tmp_path / name)
    assert video.packet_digest(tmp_path / "out.mp4") == video.packet_digest(flash_clip)
    sound, rate_hz = audio.read(tmp_path / "out.wav")
    assert len(sound) / rate_hz == pytest.approx(FLASH_CLIP_S, abs=1 / 30)
    hits = hit_list.read(tmp_path / "hits.json", duration_s=FLASH_CLIP_S)
    assert [hit.time_s for hit in hits] == pytest.approx(FLASHES_S, abs=1 / 30)
    assert house.storage.size(done.result["thumbnail_key"]) > 100
    assert str(tmp_path) not in json.dumps(done.result)


def test_the_picture_of_an_ordinary_clip_is_made_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web made it when the clip arrived; where it did not, or cannot be asked, the worker makes one."""
    poster = b"\xff\xd8 of the web"
    job = house.submit()
    house.storage.put(f"{job.id}/poster.jpg", io.BytesIO(poster), "image/jpeg")
    (claimed,) = house.jobs.claim(1, job.mode, "worker")
    run_jobs(house.context, [replace(claimed, info={"poster_key": f"{job.id}/poster.jpg"})])
    assert b"".join(house.storage.read(f"{job.id}/1/thumbnail.jpg")) == poster
    (claimed,) = house.jobs.claim(1, house.submit().mode, "worker")
    run_jobs(house.context, [replace(claimed, info={"poster_key": f"{claimed.id}/gone.jpg"})])
    with Image.open(io.BytesIO(b"".join(house.storage.read(f"{claimed.id}/1/thumbnail.jpg")))) as picture:
        assert (picture.format, picture.width) == ("JPEG", result_upload.THUMBNAIL_WIDTH)


def test_takes_share_what_was_looked_at(house: House, voice: LivelyVoice) -> None:
    done = house.do(house.submit(takes=3, seed=9))
    assert done.result is not None
    assert [output["seed"] for output in done.result["outputs"]] == [9, 10, 11]
    assert [output["key"] for output in done.result["outputs"]] == [f"{done.id}/1/take{n}.mp4" for n in range(3)]
    assert (voice.looked, voice.rendered) == (1, 3)


@pytest.mark.parametrize(
    ("name", "options", "suffix"),
    [
        ("plain.webm", {}, ".webm"),
        ("prores.mov", {}, ".mov"),
        ("plain.mkv", {}, ".mp4"),
        ("voiced.mkv", {"existing_sound": ExistingSound.KEEP}, ".mp4"),  # which can hold its sound
        ("voiced.mp4", {"existing_sound": ExistingSound.KEEP}, ".mp4"),
    ],
)
def test_the_container_is_one_that_plays(
    house: House, zoo: Zoo, name: str, options: dict[str, Any], suffix: str
) -> None:
    done = house.do(house.submit(zoo[name], **options))
    assert done.error is None
    assert done.result is not None
    assert done.result["outputs"][0]["key"].endswith(suffix)


@pytest.mark.parametrize(
    ("clip", "options", "code"),
    [
        ("cut.mp4", {}, "bad_media"),
        ("text.mp4", {}, "bad_media"),
        ("plain.mp4", {"bank": "/etc/passwd"}, "bad_option"),
        ("plain.mp4", {"mode": Mode.SPEECH}, "bad_media"),  # nobody is seen in it
        ("plain.mp4", {"mode": Mode.SPEECH, "voice": "nobody"}, "bad_option"),
    ],
)
def test_what_cannot_be_done_fails_with_a_sentence(
    house: House, zoo: Zoo, clip: str, options: dict[str, Any], code: str, tmp_path: Path
) -> None:
    failed = house.do(house.submit(zoo[clip], **options))
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert (failed.error["code"], failed.error["retryable"], failed.error["attempt"]) == (code, False, 1)
    assert len(failed.error["detail"]) > 20
    assert str(tmp_path) not in failed.error["detail"]
    assert house.stored(failed) == {"source"}


def test_missing_weights_are_said_to_be(house: House, voice: LivelyVoice) -> None:
    def missing(_: CancelPoll) -> None:
        raise WeightsError("the weights two-stream are not installed")

    voice.first = missing
    error = house.do(house.submit()).error
    assert error is not None
    assert (error["code"], error["detail"]) == ("weights", "the weights two-stream are not installed")


def test_the_unexpected_is_tried_again_and_tells_nothing(house: House, voice: LivelyVoice, tmp_path: Path) -> None:
    def explode(_: CancelPoll) -> None:
        raise RuntimeError(f"something in {tmp_path} is odd")

    voice.first = explode
    waiting = house.do(house.submit())
    assert (waiting.state, waiting.attempt) == (State.QUEUED, 1)
    assert waiting.error is not None
    assert waiting.error["code"] == "internal"
    assert str(tmp_path) not in waiting.error["detail"]
    voice.first = lambda _: None
    (again,) = servers.wait_until(lambda: house.jobs.claim(1, "hits", "worker"))
    run_jobs(house.context, [again])
    done = house.jobs.get(again.id, None)
    assert (done.state, done.error, done.attempt) == (State.SUCCEEDED, None, 2)


def test_a_clip_that_is_gone(house: House) -> None:
    job = house.submit()
    house.storage.delete(job.id)
    error = house.do(job).error
    assert error is not None
    assert (error["code"], error["retryable"]) == ("source_missing", False)


def test_a_running_job_stops_within_two_seconds(house: House, voice: LivelyVoice) -> None:
    job, polling = house.submit(), threading.Event()
    stopped_after_s: list[float] = []

    def linger(cancelled: CancelPoll) -> None:
        polling.set()
        servers.wait_until(cancelled)
        raise Cancelled("the caller asked to stop")

    def cancel() -> None:
        polling.wait(servers.PATIENCE_S)
        began = time.monotonic()
        assert house.jobs.cancel(job.id, "ann") == "cancellation_requested"
        servers.wait_until(lambda: house.jobs.get(job.id, None).state is State.CANCELED)
        stopped_after_s.append(time.monotonic() - began)

    voice.first = linger
    canceller = threading.Thread(target=cancel)
    canceller.start()
    ended = house.do(job)
    canceller.join()
    assert ended.state is State.CANCELED
    assert stopped_after_s[0] < 2 * shared_by()
    assert house.stored(job) == {"source"}


def test_a_wish_to_cancel_that_comes_while_storing_is_kept(house: House) -> None:
    job = house.submit()

    def cancel(key: str) -> None:
        if "thumbnail" in key:
            house.jobs.cancel(job.id, None)

    house.storage.on_put = cancel
    assert house.do(job).state is State.CANCELED
    assert house.stored(job) == {"source"}


def test_a_job_that_is_deleted_while_it_runs_leaves_nothing(house: House, voice: LivelyVoice) -> None:
    job = house.submit()

    def delete(_: CancelPoll) -> None:
        house.jobs.delete(job.id, None)
        house.storage.delete(job.id)

    voice.first = delete
    (claimed,) = house.jobs.claim(1, "hits", "worker")
    run_jobs(house.context, [claimed])
    with pytest.raises(NotFound):
        house.jobs.get(job.id, None)
    assert house.stored(job) == set()


def test_of_two_workers_one_wins_and_the_other_leaves_nothing(house: House, voice: LivelyVoice) -> None:
    job = house.submit(seed=1)

    def be_robbed(_: CancelPoll) -> None:
        voice.first = lambda _: None
        house.jobs.abandon("worker", blameless=False)
        (stolen,) = house.jobs.claim(1, "hits", "thief")
        run_jobs(replace(house.context, worker="thief"), [stolen])

    voice.first = be_robbed
    done = house.do(job)
    assert (done.state, done.attempt) == (State.SUCCEEDED, 2)
    assert {key.split("/")[0] for key in house.stored(job)} == {"source", "2"}


def test_a_job_may_not_take_forever(house: House, voice: LivelyVoice) -> None:
    def linger(cancelled: CancelPoll) -> None:
        servers.wait_until(cancelled)
        raise Cancelled("the caller asked to stop")

    voice.first = linger
    house.context = replace(house.context, settings=house.settings.model_copy(update={"job_timeout_s": 0.3}))
    failed = house.do(house.submit())
    assert failed.error is not None
    assert (failed.state, failed.error["code"], failed.error["retryable"]) == (State.FAILED, "timeout", True)
    assert re.fullmatch(
        r"the job took \d+ s, \d+ s of them for the stage \w+; allowed are 0.3 s", failed.error["detail"]
    )
    assert failed.attempt == 1  # it is for its owner to try again what took that long


def test_loading_is_a_stage_whose_progress_the_next_ones_begin_at(house: House) -> None:
    """Else the first job of a process stands at nothing for long and then jumps."""
    job = house.submit()
    (claimed,) = house.jobs.claim(1, "hits", "worker")
    with Attempt(house.jobs, claimed, heartbeat_s=0.1, timeout_s=60) as held:
        held.loading()
        assert servers.wait_until(lambda: house.jobs.get(job.id, None).stage == "load")
        assert servers.wait_until(lambda: house.jobs.get(job.id, None).progress > 0.01)
        held.progress("look", 0.0)
        begun = house.jobs.get(job.id, None)
        held.progress("write", 1.0)
        written = house.jobs.get(job.id, None)
    assert (begun.stage, written.stage) == ("look", "write")
    assert 0.01 < begun.progress < written.progress < 1
    assert "load" in held.stages_s()


def test_work_that_does_not_heed_is_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "HEED_S", 0.3)
    house.submit()
    (job,) = house.jobs.claim(1, "hits", "worker")
    forced = threading.Event()
    with Attempt(house.jobs, job, heartbeat_s=0.1, timeout_s=60, force=forced.set):
        house.jobs.cancel(job.id, None)
        assert forced.wait(servers.PATIENCE_S)  # although nobody polled
    assert house.jobs.get(job.id, None).state is State.CANCELED


def test_a_heartbeat_keeps_a_long_job(house: House) -> None:
    jobs = jobs_of(house.settings)
    house.submit()
    (job,) = jobs.claim(1, "hits", "worker")
    with Attempt(jobs, job, heartbeat_s=0.1, timeout_s=60) as held:
        for _ in range(2):
            before = jobs.get(job.id, None).lease_until or 0
            servers.wait_until(lambda: (jobs.get(job.id, None).lease_until or 0) > before + 0.1)  # noqa: B023
        assert jobs.claim(1, "hits", "thief") == []
        assert not held.stop()
        jobs.delete(job.id, None)
        assert servers.wait_until(lambda: held.reason) in (Stop.LOST, Stop.CANCELED)
    jobs.close()


def test_a_storage_that_is_away_for_a_while_costs_no_second_rendering(house: House, voice: LivelyVoice) -> None:
    job = house.submit()
    house.storage.refusals = 3
    done = house.do(job)
    assert (done.state, done.attempt) == (State.SUCCEEDED, 1)
    assert (voice.looked, voice.rendered) == (1, 1)


def test_a_storage_that_stays_away_is_tried_again_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_upload, "STORE_PATIENCE_S", 0.1)
    job = house.submit()
    house.storage.refusals = 99
    waiting = house.do(job)
    assert waiting.error is not None
    assert (waiting.state, waiting.error["code"], waiting.error["retryable"]) == (State.QUEUED, "storage", True)
    assert house.stored(job) == {"source"}


def test_progress_goes_forward_and_is_written_now_and_then(house: House, voice: LivelyVoice) -> None:
    written: list[tuple[str, float]] = []
    write = house.jobs.progress

    def note(id: str, attempt: int, stage: str, fraction: float) -> None:
        written.append((stage, fraction))
        write(id, attempt, stage, fraction)

    house.jobs.progress = note  # type: ignore[method-assign]
    began = time.monotonic()
    house.do(house.submit(takes=2))
    stages = dict.fromkeys(stage for stage, _ in written if stage != "load")  # which is told where it takes a while
    assert list(stages) == ["fetch", "look", "write", "store"]
    fractions = [fraction for _, fraction in written]
    assert fractions == sorted(fractions)
    assert len(written) <= 4 + (time.monotonic() - began) / attempt.REPORT_S


def test_one_ring_does_several_jobs(house: House) -> None:
    made = [house.submit() for _ in range(3)]
    other = house.submit(mode=Mode.AUTO)
    assert not drain(house.context, "hits")
    assert {house.jobs.get(job.id, None).state for job in made} == {State.SUCCEEDED}
    assert house.jobs.get(other.id, None).state is State.QUEUED
    assert not drain(house.context, "auto")
    assert house.jobs.get(other.id, None).state is State.SUCCEEDED


def test_jobs_go_side_by_side_where_several_wait(house: House, voice: LivelyVoice) -> None:
    """As many as there are lanes, each with an end of its own; more than two are taken as the lanes get free."""
    alone = [house.do(house.submit(seed=seed)) for seed in range(5)]
    made = [house.submit(seed=seed) for seed in range(5)]
    inside, together = [0], threading.Event()

    def meet(_: CancelPoll) -> None:
        inside[0] += 1
        if inside[0] == tasks.LANES:
            together.set()
        assert together.wait(servers.PATIENCE_S)  # nobody goes on before as many are at work as there are lanes

    voice.first = meet
    claims: list[int] = []
    claim = house.jobs.claim

    def claimed(*arguments: Any, **how: Any) -> list[Job]:
        found = claim(*arguments, **how)
        claims.append(len(found))
        return found

    house.jobs.claim = claimed  # type: ignore[method-assign]
    assert drain(house.context, "hits") is False
    assert max(claims) == tasks.LANES
    ended = [house.jobs.get(job.id, None) for job in made]
    assert [job.state for job in ended] == [State.SUCCEEDED] * 5
    for one, same in zip(ended, alone, strict=True):
        results = [job.result or {} for job in (one, same)]
        sounds = [b"".join(house.storage.read(result["outputs"][0]["wav_key"])) for result in results]
        assert sounds[0] == sounds[1]


def test_what_killed_a_worker_is_done_beside_nothing(house: House) -> None:
    suspect, other = house.submit(), house.submit()
    house.jobs.claim(1, "hits", "gone")
    house.jobs.abandon("gone", blameless=False)
    assert [job.id for job in house.jobs.claim(2, "hits", "worker", beside=True)] == [other.id]
    assert house.jobs.claim(1, "hits", "worker", beside=True) == []
    assert [job.id for job in house.jobs.claim(2, "hits", "worker")] == [suspect.id]


def test_a_worker_looks_up_after_a_while(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "DRAIN_S", 0.0)
    for _ in range(tasks.LANES + 1):
        house.submit()
    assert drain(house.context, "hits")
    assert house.jobs.counts()["queued"] == 1


def test_jobs_that_wait_are_done_together(house: House, hiss_voice: HissVoice, dark_clip: Path) -> None:
    clips = (house.clip, dark_clip, house.clip)
    jobs = [house.ambient(clip, seed=seed, takes=1 + seed % 2) for seed, clip in enumerate(clips)]
    assert not drain(house.context, "ambient")
    assert hiss_voice.batches == [4]
    for job in jobs:
        done = house.jobs.get(job.id, None)
        assert (done.state, done.error, done.attempt) == (State.SUCCEEDED, None, 1)
        assert done.result is not None
        assert [output["sound_class"]["name"] for output in done.result["outputs"]] == ["rain"] * len(
            done.result["outputs"]
        )
    whole = {"source", "1/take0.mp4", "1/take0.wav", "1/thumbnail.jpg"}
    assert house.stored(jobs[0]) == {*whole, *to_correct("ambience")}


def test_one_that_waits_alone_does_not_wait_for_company(house: House, hiss_voice: HissVoice) -> None:
    assert house.do(house.ambient()).state is State.SUCCEEDED
    assert hiss_voice.batches == [1]


def test_no_more_is_taken_at_once_than_there_is_room_for(house: House, hiss_voice: HissVoice) -> None:
    few = house.settings.model_copy(update={"batch_claim": 2})
    for _ in range(3):
        house.ambient()
    drain(replace(house.context, settings=few), "ambient")
    assert hiss_voice.batches == [2, 1]


def test_what_befalls_one_is_nobody_elses(house: House, hiss_voice: HissVoice, zoo: Zoo) -> None:
    good = [house.ambient(seed=1), house.ambient(seed=2)]
    cut, banked, gone = house.ambient(zoo["cut.mp4"]), house.ambient(bank="/etc/passwd"), house.ambient()
    house.storage.delete(gone.id)
    assert not drain(house.context, "ambient")
    assert [house.state(job) for job in good] == [State.SUCCEEDED] * 2
    errors = [house.jobs.get(job.id, None).error or {} for job in (cut, banked, gone)]
    assert [error["code"] for error in errors] == ["bad_media", "bad_option", "source_missing"]
    assert [house.stored(job) for job in (cut, banked)] == [{"source"}] * 2


def cancels(house: House, voice: HissVoice, job: Job, *, seed: int, keep_partial: bool = False) -> None:
    """Have somebody cancel the job when three chunks of the take with that seed are made, and the worker hear of it."""

    def at(take: Take, chunk: int) -> None:
        if take.options.seed == seed and chunk == 3 and not take.cancelled():
            assert house.jobs.cancel(job.id, "ann", keep_partial=keep_partial) == "cancellation_requested"
            servers.wait_until(take.cancelled)

    voice.before_chunk = at


def test_one_is_cancelled_and_the_others_go_on(house: House, hiss_voice: HissVoice) -> None:
    good, unwanted = house.ambient(seed=1), house.ambient(seed=7)
    cancels(house, hiss_voice, unwanted, seed=7)
    seen: list[State] = []
    at = hiss_voice.before_chunk

    def look(take: Take, chunk: int) -> None:
        at(take, chunk)
        if chunk == 7:  # the last of the other
            servers.wait_until(lambda: house.state(unwanted).final)
            seen.append(house.state(unwanted))

    hiss_voice.before_chunk = look
    assert not drain(house.context, "ambient")
    assert seen == [State.CANCELED], "it waited for the others"
    assert house.state(good) is State.SUCCEEDED
    assert house.jobs.get(unwanted.id, None).result is None
    assert house.stored(unwanted) == {"source"}


@pytest.mark.parametrize("by", ["option", "wish"])
def test_what_was_made_of_a_cancelled_job_is_kept(house: House, hiss_voice: HissVoice, by: str, tmp_path: Path) -> None:
    good, part = house.ambient(seed=1), house.ambient(seed=7, keep_partial=by == "option")
    cancels(house, hiss_voice, part, seed=7, keep_partial=by == "wish")
    assert not drain(house.context, "ambient")
    assert house.state(good) is State.SUCCEEDED
    kept = house.jobs.get(part.id, None)
    assert (kept.state, kept.error, kept.options["keep_partial"]) == (State.CANCELED, None, True)
    assert kept.result is not None
    (output,) = kept.result["outputs"]
    assert output["made_s"] == 0.75
    assert house.stored(part) == {"source", "1/take0.mp4", "1/take0.wav", "1/thumbnail.jpg"}
    house.storage.fetch(output["key"], tmp_path / "part.mp4")
    assert video.packet_digest(tmp_path / "part.mp4") == video.packet_digest(house.clip)
    Reconciler(house.settings, house.jobs, house.storage, lambda _: None).sweep()
    assert len(house.stored(part)) == 4, "what was kept was swept away"
    again = house.jobs.retry(part.id, "ann")
    assert (again.state, again.result) == (State.QUEUED, None)


def test_a_lost_lease_keeps_no_part(house: House, hiss_voice: HissVoice) -> None:
    job = house.ambient(seed=7)
    cancels(house, hiss_voice, job, seed=7, keep_partial=True)
    at = hiss_voice.before_chunk

    def be_robbed(take: Take, chunk: int) -> None:
        at(take, chunk)
        if chunk == 3:
            house.jobs.abandon("worker", blameless=False)
            assert [lost.state for lost in house.jobs.give_up()] == [State.CANCELED]

    hiss_voice.before_chunk = be_robbed
    ended = house.do(job)
    assert (ended.state, ended.result) == (State.CANCELED, None)
    assert house.stored(job) == {"source"}


def test_a_job_out_of_time_keeps_no_part(house: House, hiss_voice: HissVoice) -> None:
    context = replace(house.context, settings=house.settings.model_copy(update={"job_timeout_s": 1.0}))
    job = house.ambient(keep_partial=True)

    def linger(take: Take, chunk: int) -> None:
        if chunk == 3:
            servers.wait_until(take.cancelled)

    hiss_voice.before_chunk = linger
    assert not drain(context, "ambient")
    failed = house.jobs.get(job.id, None)
    assert failed.error is not None
    assert (failed.state, failed.error["code"], failed.result) == (State.FAILED, "timeout", None)
    assert house.stored(job) == {"source"}


def test_progress_of_rendering_is_the_long_part(
    house: House, hiss_voice: HissVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "LOADED_AT_MOST", 0.0)  # however long that takes here
    written: list[tuple[str, float]] = []
    house.jobs.progress = lambda id, attempt, stage, fraction: written.append((stage, fraction))  # type: ignore[method-assign]
    hiss_voice.before_chunk = lambda take, chunk: time.sleep(0.1)
    house.do(house.ambient())
    stages = dict.fromkeys(stage for stage, _ in written if stage != "load")
    assert list(stages) == ["fetch", "look", "render", "write", "store"]
    fractions = [fraction for _, fraction in written]
    assert fractions == sorted(fractions)
    assert max(fraction for stage, fraction in written if stage == "look") <= 0.12
    assert max(fraction for stage, fraction in written if stage == "render") > 0.5


def test_a_stuck_process_is_not_ended_while_others_move(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "HEED_S", 1.0)
    monkeypatch.setattr(attempt, "PROMPT_S", 0.0)
    for _ in range(2):
        house.ambient()
    first, second = house.jobs.claim(2, "ambient", "worker")
    forced, batch_peers = threading.Event(), list[Attempt]()
    with (
        Attempt(house.jobs, first, heartbeat_s=0.1, timeout_s=60, batch_peers=batch_peers, force=forced.set),
        # The second renews its lease seldom: in a process that is really ended, it would not any more.
        Attempt(house.jobs, second, heartbeat_s=60, timeout_s=60, batch_peers=batch_peers, force=forced.set) as busy,
    ):
        house.jobs.cancel(first.id, None)
        until = time.monotonic() + 2.2
        while time.monotonic() < until:
            assert not busy.stop()
            time.sleep(0.02)
        assert not forced.is_set()
        assert house.state(first) is State.CANCELED  # written off, although the work has not let go of it yet
        assert forced.wait(servers.PATIENCE_S)  # now that nobody moves
    spared = house.jobs.get(second.id, None)
    assert (spared.lease_until or 0) < time.time()
    assert spared.attempt_limit == house.settings.max_attempts + 1


def test_a_stuck_process_is_ended_though_others_begin_all_the_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searches in the lane beside a stuck job: each of them moves, and there is always another one."""
    monkeypatch.setattr(attempt, "HEED_S", 0.5)
    for _ in range(2):
        house.ambient()
    stuck, job = house.jobs.claim(2, "ambient", "worker")
    forced, company = threading.Event(), list[Attempt]()
    with Attempt(house.jobs, stuck, heartbeat_s=0.1, timeout_s=60, batch_peers=company, force=forced.set) as held:
        house.jobs.cancel(stuck.id, None)
        assert servers.wait_until(lambda: held.reason)
        for _ in range(100):
            with Attempt(house.jobs, job, heartbeat_s=60, timeout_s=60, batch_peers=company):
                if forced.wait(0.1):
                    break
        assert forced.is_set()
    assert company == []


class Clock:
    """Stands still until it is moved, however long a test takes."""

    def __init__(self) -> None:
        self.began, self.now = time.time(), 0.0

    def __call__(self) -> float:
        return self.began + self.now


def test_the_reconciler_rings_gives_up_expires_and_sweeps(house: House) -> None:
    clock, notified = Clock(), list[str]()
    jobs = jobs_of(house.settings)
    jobs._clock = clock
    reconciler = Reconciler(house.settings, jobs, house.storage, notified.append, clock=clock)
    done, lost = house.submit(), house.submit()
    assert house.do(done).state is State.SUCCEEDED
    reconciler.turn()
    assert notified == []
    clock.now += 6
    reconciler.turn()
    assert notified == ["hits"]
    for _ in range(3):
        assert jobs.claim(1, "hits", "doomed")[0].id == lost.id
        house.storage.put(f"{lost.id}/{jobs.get(lost.id, None).attempt}/take0.mp4", house.clip, "video/mp4")
        clock.now += 11
    reconciler.turn()
    assert jobs.get(lost.id, None).state is State.FAILED
    assert house.stored(lost) == {"source", "1/take0.mp4", "2/take0.mp4"}  # of the last it is known at once

    orphan, young = new_id(clock() - ORPHAN_S - 9), new_id(clock() + SWEEP_S)
    house.storage.put(f"{orphan}/source", house.clip, "video/mp4")
    house.storage.put(f"{young}/source", house.clip, "video/mp4")
    house.storage.put("somebody/elses", house.clip, "video/mp4")
    house.storage.put(f"{done.id}/7/take0.mp4", house.clip, "video/mp4")
    clock.now += SWEEP_S
    reconciler.turn()
    kept = set(house.storage.keys(""))
    assert {f"{young}/source", "somebody/elses", f"{lost.id}/source", f"{done.id}/1/take0.mp4"} <= kept
    assert not [key for key in kept if key.startswith((orphan, f"{lost.id}/1", f"{lost.id}/2", f"{done.id}/7"))]

    clock.now += house.settings.retention_days * 86_400 + SWEEP_S
    reconciler.turn()
    assert jobs.get(done.id, None).state is State.EXPIRED
    assert house.stored(done) == set()
    clock.now += house.settings.retention_days * 86_400 + SWEEP_S
    reconciler.turn()
    with pytest.raises(NotFound):
        jobs.get(done.id, None)
    assert set(house.storage.keys("")) == {"somebody/elses"}
    jobs.close()


def test_a_sweep_with_the_wrong_database_deletes_nothing(house: House) -> None:
    for _ in range(30):
        house.storage.put(f"{new_id(time.time() - 2 * ORPHAN_S)}/source", house.clip, "video/mp4")
    reconciler = Reconciler(house.settings, house.jobs, house.storage, lambda _: None)
    assert reconciler.sweep() == 0
    assert len(list(house.storage.keys(""))) == 30


def test_folders_of_processes_that_are_gone_are_swept(tmp_path: Path) -> None:
    ours = ProcessFolder(tmp_path)
    left = tmp_path / "left"
    left.mkdir()
    (left / "lock").touch()
    (left / "big").write_bytes(b"x" * 1000)
    assert sweep(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [ours.path]
    assert sweep(tmp_path / "never made") == 0


def test_a_full_disk_is_no_fault_of_the_clip(tmp_path: Path) -> None:
    """A real one: what ffmpeg could not write for lack of room is written in the next attempt."""
    with small_disk(tmp_path, 1) as given:
        if not given:
            pytest.skip("this user may mount no file system")
        noise = (np.random.default_rng(seed).integers(0, 256, (480, 640, 3), np.uint8) for seed in range(30))
        with pytest.raises(MediaError) as caught:
            video.write_frames(noise, tmp_path / "clip.mp4", rate_fps=30)
        assert failures.explain(caught.value, tmp_path, embedded(tmp_path)) == (
            "storage",
            "the server's disk is full",
            True,
        )
    slow = TimeLimitError("ffmpeg took more than the 60 s that are allowed for the file")
    assert failures.explain(slow, tmp_path, embedded(tmp_path)) == ("timeout", str(slow), True)
    assert failures.explain(MediaError("the video is cut short"), tmp_path, embedded(tmp_path)) == (
        "bad_media",
        "the video is cut short",
        False,
    )
