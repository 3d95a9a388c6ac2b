"""The work itself: claim, fetch, sound, store, finish. The only importer of the pipeline.

A ring of the bell makes a worker claim jobs one at a time, a few of them, so that a job waits in the queue where the
next free worker finds it and not behind another in a worker's hand. Voices that render several jobs in one go may
claim that many; today's do not.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from celery import shared_task, signals

from synth import pipeline, weights
from synth.errors import Cancelled, MediaError, OptionError, SynthError, WeightsError
from synth.kernels.sampler import keep_kernels_in
from synth.media import audio, video
from synth.options import ExistingSound, Options
from synth.result import Output, Result
from workers.attempt import Attempt, Stop, close
from workers.errors import DatabaseError, ObjectNotFound, StorageError
from workers.folders import ProcessFolder, sweep
from workers.jobs import Job, Jobs, jobs_of
from workers.queue import TASK, make_app, ring
from workers.settings import Settings, from_environment
from workers.storage import Storage, storage_of

DRAIN_S: Final = 5.0  # after so long a worker rings for the next one, or itself, and looks whether it is to end
STORE_PATIENCE_S: Final = 120.0  # for a storage that is away, before the sound is thrown away and made again
RECORD_PATIENCE_S: Final = 30.0
THUMBNAIL_WIDTH: Final = 480

CODES: Final = {OptionError: "bad_option", MediaError: "bad_media", WeightsError: "weights"}
CONTENT_TYPES: Final = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".wav": "audio/wav",
    ".json": "application/json",
    ".jpg": "image/jpeg",
}

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """What a worker process works with."""

    settings: Settings
    jobs: Jobs
    storage: Storage
    ring: Callable[[str], bool]
    folder: Path
    worker: str


_DESK: list[Desk] = []  # one a process, laid by _lay_desk


@signals.worker_process_init.connect  # type: ignore[untyped-decorator, unused-ignore]
def _lay_desk(sender: str | None = None, **_: Any) -> None:
    settings = from_environment()
    sweep(settings.work_dir)
    folder = ProcessFolder(settings.work_dir).path
    # Whatever makes temporary files in this process makes them where they are swept after a kill.
    tempfile.tempdir = str(folder)
    keep_kernels_in(settings.data_dir / "kernels")
    for module in filter(None, settings.preload.split(",")):
        importlib.import_module(module.strip())
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    bell, name = functools.partial(ring, make_app(settings)), f"{sender or 'worker'}#{os.getpid()}"
    _DESK[:] = [Desk(settings, jobs_of(settings), storage_of(settings), bell, folder, name)]


def _warm_up() -> None:
    """Import what every job needs and what takes seconds, while the first job begins or is waited for."""
    for name in ("torch", "moviepy.video.io.ffmpeg_reader"):
        with contextlib.suppress(ImportError):  # who really needs it says so
            importlib.import_module(name)


@shared_task(name=TASK, Request="workers.requests:Request")  # type: ignore[untyped-decorator, unused-ignore]
def work(mode: str) -> None:
    """Claim and do jobs of a mode until none waits, or until it is time to look up."""
    if not _DESK:  # it could not be laid when the process began; Celery only logs what its signals raise
        _lay_desk()
    desk = _DESK[0]
    if drain(desk, mode):
        desk.ring(mode)


def drain(desk: Desk, mode: str) -> bool:
    """Do jobs of a mode; true if more may be waiting."""
    began = time.monotonic()
    for _ in range(desk.settings.batch_claim):
        try:
            claimed = desk.jobs.claim(1, mode, desk.worker)
        except DatabaseError:
            _log.warning("no job could be claimed: the database does not answer")
            return False  # the reconciler rings again
        if not claimed:
            return False
        run_job(desk, claimed[0])
        if time.monotonic() - began > DRAIN_S:
            break
    return True


def run_job(desk: Desk, job: Job) -> None:
    """One attempt at one job, from the claim to its last row; raises nothing that concerns the job alone."""
    beat_s, timeout_s = desk.settings.heartbeat_s, desk.settings.job_timeout_s
    with (
        tempfile.TemporaryDirectory(prefix="job-", dir=desk.folder, ignore_cleanup_errors=True) as folder,
        Attempt(desk.jobs, job, heartbeat_s=beat_s, timeout_s=timeout_s) as attempt,
    ):
        try:
            kept = _attempt(desk, job, attempt, Path(folder))
        except DatabaseError:
            _log.warning("job %s: the database does not answer; the lease will run out", job.id)
            return
        if not kept:
            _delete(desk.storage, job.attempt_prefix())
        elif job.attempt > 1:
            for earlier in range(1, job.attempt):
                _delete(desk.storage, f"{job.id}/{earlier}")


def _attempt(desk: Desk, job: Job, attempt: Attempt, folder: Path) -> bool:
    """Do it; true if what was stored for this attempt is the job's result."""
    try:
        outcome = _sound(desk, job, attempt, folder)
        if not _record(attempt, lambda: desk.jobs.finishing(job.id, job.attempt)):
            return False
        stored = _store(desk.storage, job, attempt, outcome, folder)
    except Cancelled:
        _record(attempt, lambda: close(desk.jobs, job, attempt.reason))
        return False
    except Exception as error:
        code, detail, retryable = _explain(error, folder)
        _log.log(logging.INFO if not retryable else logging.ERROR, "job %s: %s", job.id, code, exc_info=retryable)
        _record(attempt, lambda: desk.jobs.fail(job.id, job.attempt, code, detail, retryable))
        return False
    if _record(attempt, lambda: desk.jobs.finish(job.id, job.attempt, stored)):
        return True
    _record(attempt, lambda: close(desk.jobs, job, Stop.CANCELED))  # if that is why; a lost lease stays lost
    return False


def _sound(desk: Desk, job: Job, attempt: Attempt, folder: Path) -> Result:
    options = Options.parse(job.options)
    if options.bank is not None and options.bank not in weights.entries():
        raise OptionError(f"bank is {options.bank!r}; allowed are the names of banks that ship with this server")
    source = folder / "source"
    attempt.progress("fetch", 0.0)
    _patiently(attempt, lambda: desk.storage.fetch(job.source_key, source))
    target = folder / f"take{_suffix(source, options)}"
    return pipeline.sonorize(source, target, options, progress=attempt.progress, cancelled=attempt.stop)


def _suffix(source: Path, options: Options) -> str:
    """The container of the result: what browsers play, unless a sound that is to be kept may not fit into it."""
    info = video.probe(source)
    if options.existing_sound is ExistingSound.KEEP and info.audio_codec and info.container != "mp4":
        return ".mkv"
    return {"vp8": ".webm", "vp9": ".webm", "prores": ".mov"}.get(info.video_codec, ".mp4")


def _store(storage: Storage, job: Job, attempt: Attempt, outcome: Result, folder: Path) -> dict[str, Any]:
    """Put everything under this attempt's prefix; the row's ``result``."""
    prefix, count = job.attempt_prefix(), len(outcome.outputs)
    outputs = []
    for number, output in enumerate(outcome.outputs):
        attempt.progress("store", number / count)
        entry = {**output.as_json(), "source": job.title, "target": f"take{output.take}{output.target.suffix}"}
        for name, path in _files(output, folder).items():
            key = f"{prefix}/take{output.take}{'.hits.json' if name == 'hits_key' else path.suffix}"
            entry[name] = _put(storage, attempt, key, path)
        outputs.append({**entry, "bytes": output.target.stat().st_size})
    thumbnail = folder / "thumbnail.jpg"
    video.thumbnail(folder / "source", thumbnail, outcome.outputs[0].duration_s / 3, THUMBNAIL_WIDTH)
    return {"outputs": outputs, "thumbnail_key": _put(storage, attempt, f"{prefix}/thumbnail.jpg", thumbnail)}


def _files(output: Output, folder: Path) -> dict[str, Path]:
    """What is downloaded of one take: the video, its sound alone, and the hit list as ``sonorize render`` reads it."""
    wav, hits = folder / f"take{output.take}.wav", folder / f"take{output.take}.json"
    sound, rate_hz = audio.read(output.target)
    audio.write(wav, sound, rate_hz)
    hits.write_text(json.dumps({"hits": [hit.as_json() for hit in output.hits]}, indent=1), encoding="utf-8")
    return {"key": output.target, "wav_key": wav, "hits_key": hits}


def _put(storage: Storage, attempt: Attempt, key: str, path: Path) -> str:
    _patiently(attempt, lambda: storage.put(key, path, CONTENT_TYPES[path.suffix]))
    return key


def _patiently(attempt: Attempt, do: Callable[[], T]) -> T:
    """Do something with the storage, again and again while it is away: what was rendered is too good to throw away.

    Raises:
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    deadline, wait_s = time.monotonic() + STORE_PATIENCE_S, 0.2
    while True:
        if attempt.stop():
            raise Cancelled("the job was stopped")
        try:
            return do()
        except ObjectNotFound:
            raise
        except StorageError:
            if time.monotonic() > deadline:
                raise
        time.sleep(wait_s)
        wait_s = min(2.0, wait_s * 2)


def _record(attempt: Attempt, write: Callable[[], bool]) -> bool:
    """Write to the row, again and again while the database is away and the lease is ours.

    Raises:
        DatabaseError: patience ended.
    """
    deadline = time.monotonic() + RECORD_PATIENCE_S
    while True:
        try:
            return write()
        except DatabaseError:
            if time.monotonic() > deadline or attempt.reason is Stop.LOST:
                raise
        time.sleep(0.5)


def _explain(error: Exception, folder: Path) -> tuple[str, str, bool]:
    """Code, sentence and whether another attempt may help, for somebody who must not learn of our folders."""
    if isinstance(error, SynthError):
        code = next((code for kind, code in CODES.items() if isinstance(error, kind)), "refused")
        return code, str(error).replace(f"{folder}/", "").replace(str(folder), "the work folder"), False
    if isinstance(error, ObjectNotFound):
        return "source_missing", "the clip is not in the storage any more", False
    if isinstance(error, StorageError):
        return "storage", str(error), True
    return "internal", "something unexpected went wrong; the server's log says more", True


def _delete(storage: Storage, prefix: str) -> None:
    try:
        storage.delete(prefix)
    except StorageError:
        _log.warning("%s could not be deleted; the sweep will find it", prefix)
