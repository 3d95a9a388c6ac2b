"""One web application with its own database and files, and a worker that works when a test says so."""

from __future__ import annotations

import functools
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from synth.ambient_classes import AMBIENT_CLASSES
from synth.options import Mode, Options
from synth.result import Output
from synth.voices.base import Hit, SoundChoice
from tests.support import databases, services
from web.api.openapi import description
from web.api.schemas.base import Setting
from web.app import PARTS, create_app
from web.context import parts_of
from workers.files.storage import Storage, storage_of
from workers.jobs import Job, Jobs, jobs_of
from workers.records import COMPARISON, OVERLAY, ROUTE, SCORE, SEARCH, SLOW_SCORE
from workers.settings import Settings, embedded
from workers.tasks import job_run, run_jobs
from workers.tasks.take_descriptions import TakeDescriptions
from workers.uploads.sources import POSTER

PROBLEM = "application/problem+json"
MODES = ("auto", "hits", "ambient", "speech", ROUTE, SEARCH, OVERLAY, COMPARISON, SCORE, SLOW_SCORE)


class Place:
    """Settings, jobs, storage and app as one process of the server has them; no broker."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        settings = {**services.settings_of(folder), **settings}
        self.settings: Settings = embedded(folder, **{"describe": False, **settings})
        if "database_url" not in settings:
            databases.laid(folder / "sonorize.db")
        self.jobs: Jobs = jobs_of(self.settings)
        self.storage: Storage = storage_of(self.settings)
        self.notified: list[str] = []
        self._take_descriptions = TakeDescriptions()
        self.app = create_app(self.settings, jobs=self.jobs, storage=self.storage, notify=self.notified.append)
        self.client: FlaskClient = self.app.test_client()

    def finish(self) -> None:
        """Do all jobs that wait in no time: a finished job's row and files, without any sound being made."""
        for mode in MODES[:4]:
            for job in self.jobs.claim(100, mode, "test"):
                assert self.jobs.finish(job.id, job.attempt, canned(job, self.storage))

    def cut(self, job_id: str, made_s: float = 0.7) -> None:
        """Cancel a job that waits, when so much of its sound is made, and keep that."""
        (mode,) = {self.jobs.get(job_id, None).mode}
        (job,) = self.jobs.claim(1, mode, "test")
        assert job.id == job_id
        self.jobs.cancel(job.id, None, keep_partial=True)
        result = canned(job, self.storage)
        for output in result["outputs"]:
            output["made_s"] = made_s
        assert self.jobs.canceled(job.id, job.attempt, result)

    def work(self) -> None:
        """Do all jobs that wait, with the worker's own code, in this process, and describe the takes that it made."""
        self._work()
        self._take_descriptions.settle()

    def _work(self) -> None:
        self.settings.work_dir.mkdir(parents=True, exist_ok=True)
        context = job_run.WorkerContext(
            self.settings,
            self.jobs,
            self.storage,
            lambda _: True,
            self.settings.work_dir,
            "test",
            take_descriptions=self._take_descriptions,
        )
        for mode in MODES:
            while run_jobs.drain(context, mode):
                pass

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A worker beside the requests."""
        over = threading.Event()

        def work() -> None:
            while not over.wait(0.02):
                self._work()

        worker = threading.Thread(target=work)
        worker.start()
        try:
            yield
        finally:
            over.set()
            worker.join()
            self._take_descriptions.settle()

    def send(self, *clips: Path | tuple[Path, str], to: str = "/v1/jobs", **options: Any) -> TestResponse:
        """Upload clips, each a path or a path and the name that the client gives it; their pictures are made then."""
        answer = self.post(*clips, to=to, **options)
        self.settle()
        return answer

    def settle(self) -> None:
        """Wait for the pictures of clips that are being made."""
        parts_of(self.app).submitter.posters.settle()

    def post(self, *clips: Path | tuple[Path, str], to: str = "/v1/jobs", **options: Any) -> TestResponse:
        """The same without waiting for anything beside the answer."""
        headers = options.pop("headers", {})
        files = [FileStorage(io.BytesIO(path.read_bytes()), name) for path, name in map(named, clips)]
        fields = MultiDict([*options.items(), *(("file", file) for file in files)])
        boundary, body = encode_multipart(fields)  # the client's own way leaves temporary files open
        kind = f"multipart/form-data; boundary={boundary}"
        return self.client.post(to, data=body, content_type=kind, headers=headers)

    def sent(self, clip: Path | tuple[Path, str], **options: Any) -> dict[str, Any]:
        """Upload one clip that is accepted; the job."""
        answer = self.send(clip, **options)
        assert answer.status_code == 202, answer.text
        return dict(answer.get_json())

    def done(self, clip: Path | tuple[Path, str], **options: Any) -> dict[str, Any]:
        """Upload one clip and have it finished; the job as it is then."""
        job = self.sent(clip, **options)
        self.finish()
        return dict(self.client.get(job["links"]["self"]).get_json())

    def left(self) -> list[str]:
        """What lies in the storage and in the spool, and which jobs there are; the picture of a clip goes with its job
        and is not named where the job is there.
        """
        self.settle()
        jobs = [job.id for job in self.jobs.recent(owner=None)[0]]
        keys = [key for key in self.storage.keys("") if key not in {f"{job_id}/{POSTER}" for job_id in jobs}]
        return [*keys, *(path.name for path in self.settings.spool_dir.iterdir()), *jobs]

    def form_token(self, path: str = "/") -> str:
        """The token of the forms that this client sees."""
        return self.client.get(path).text.split('name="csrf_token" value="')[1].split('"')[0]


def canned(job: Job, storage: Storage) -> dict[str, Any]:
    """A result of the shape that workers leave; a test compares it with a real one."""
    options = Options.parse(job.options)
    outputs = []
    for take in range(options.takes):
        prefix = f"{job.attempt_prefix()}/take{take}"
        ambient = options.mode is Mode.AMBIENT
        hits = [
            Hit(0.5, 0.9, options.material or "wood", 0.8, {"wood": 0.7}, "noise"),
            Hit(1.2, 0.3, options.material or "metal", 0.6, {"metal": 0.5}, "noise"),
        ]
        output = Output(
            source=Path(job.title),
            target=Path(f"take{take}.mp4"),
            mode=Mode.AMBIENT if ambient else Mode.HITS,
            seed=options.with_take(take).seed,
            take=take,
            duration_s=float(job.info["duration_s"]),
            sample_rate_hz=22_050,
            hits=() if ambient else tuple(hits),
            loudness_lufs=-20.0,
            true_peak_dbtp=-1.5,
            stages_s={"render": 0.1},
            provenance={"seed": options.with_take(take).seed},
            warnings=(),
            sound_class=choice(options.sound_class) if ambient else None,
        )
        keys = {"key": f"{prefix}.mp4", "wav_key": f"{prefix}.wav"}
        if not ambient:
            keys["hits_key"] = f"{prefix}.hits.json"
        for key in keys.values():
            storage.put(key, io.BytesIO(f"the file {key}".encode()), "text/plain")
        outputs.append({**output.as_json(), **keys, "bytes": 10})
    thumbnail = f"{job.attempt_prefix()}/thumbnail.jpg"
    storage.put(thumbnail, io.BytesIO(b"\xff\xd8 a picture"), "image/jpeg")
    return {"outputs": outputs, "thumbnail_key": thumbnail}


def choice(asked: str | None) -> SoundChoice:
    """Waves, and a little of everything else; or what was asked for."""
    odds = {name: 0.73 if name == "sea_waves" else 0.03 for name in AMBIENT_CLASSES}
    if asked is not None:
        return SoundChoice(asked, 1.0, odds, True, "it was asked for")
    return SoundChoice("sea_waves", 0.73, odds, True, "the picture shows a seashore and a sandbar")


def named(clip: Path | tuple[Path, str]) -> tuple[Path, str]:
    return clip if isinstance(clip, tuple) else (clip, clip.name)


@contextmanager
def place(folder: Path, **settings: Any) -> Iterator[Place]:
    """A place that gives its connections back."""
    made = Place(folder, **settings)
    try:
        yield made
    finally:
        made.jobs.close()


@functools.cache
def document() -> dict[str, Any]:
    """The OpenAPI document; needs no server."""
    app = Flask("web")
    for part in PARTS:
        app.register_blueprint(part.blueprint)
    return description(app, {setting: {} for setting in Setting})


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Hold an answer to be a problem document of that status and code."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == PROBLEM
    told = dict(json.loads(answer.data))
    assert (told["status"], told["code"]) == (status, code)
    assert told["title"]
    assert told["detail"]
    return told
