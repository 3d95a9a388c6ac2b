"""Mending what a verification found: from what is still whole, and never by a guess.

What nobody has is deleted. What can be made again from the row or from the video is; a video that is lost is sounded
again from its clip, with the same seed. Where the clip is lost as well, the job says so instead of a broken result.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from synth.errors import SynthError
from synth.media import audio, video
from synth.media.sound import lossless
from workers.errors import StorageError, WorkError
from workers.files import objects
from workers.files.result_upload import CONTENT_TYPES, THUMBNAIL_WIDTH
from workers.files.storage import Storage, Stored
from workers.files.verification import Fault, Finding, keys_of, sha256_of
from workers.gallery import made
from workers.jobs import Job, Jobs
from workers.reconciler import UNKNOWN_AT_MOST
from workers.records import JOBS, State

LOST: Final = "result_lost"


class Repairer:
    """Mends one server's objects; give :meth:`repair` to :meth:`workers.files.verification.Verifier.run`.

    Args:
        folder: for temporary files.
        notify: wakes a worker for a mode.
    """

    def __init__(self, jobs: Jobs, storage: Storage, folder: Path, notify: Callable[[str], object]) -> None:
        self._jobs, self._storage, self._folder, self._notify = jobs, storage, folder, notify

    def repair(self, job: Job | None, findings: list[Finding]) -> None:
        """Mend what can be mended, and say in each finding what was done.

        Raises:
            WorkError: the database cannot be reached.
        """
        for one in findings:
            if one.fault is Fault.UNRECORDED:
                self._write_down(one)
        orphans = [one for one in findings if one.fault is Fault.ORPHANED]
        self._delete_orphans(orphans, everything_is_unknown=job is None and self._mistaken(orphans))
        if job is not None:
            self._repair_job(job, {one.key: one for one in findings if one.fault in _DAMAGE})

    def _mistaken(self, orphans: Sequence[Finding]) -> bool:
        """Whether so much is unknown that the wrong database is the likelier reason."""
        return len({one.job_id for one in orphans}) > max(UNKNOWN_AT_MOST, sum(self._jobs.counts().values()))

    def _write_down(self, one: Finding) -> None:
        try:
            stored = Stored(self._storage.size(one.key), sha256_of(self._storage, one.key))
        except StorageError as error:
            one.repair = str(error)
            return
        objects.record(self._jobs.database, {one.key: stored})
        one.repair, one.repaired = "its length and SHA-256 are written down now", True

    def _delete_orphans(self, orphans: Sequence[Finding], *, everything_is_unknown: bool) -> None:
        for one in orphans:
            if everything_is_unknown:
                one.repair = "left alone: more is unknown than known, so this may be the wrong database"
                continue
            try:
                self._storage.delete(one.key)
            except StorageError as error:
                one.repair = str(error)
                continue
            one.repair, one.repaired = "deleted", True
        objects.forget(self._jobs.database, [one.key for one in orphans if one.repaired])

    def _repair_job(self, job: Job, damaged: dict[str, Finding]) -> None:
        if not damaged:
            return
        if job.result is not None:
            with tempfile.TemporaryDirectory(prefix="repair-", dir=self._folder) as name:
                self._make_again(job, damaged, Path(name))
        if job.result is not None:
            self._leave_out(job, damaged)
        left = {key: one for key, one in damaged.items() if not one.repaired}
        source = left.pop(job.source_key, None)
        if source is not None:
            source.repair = "cannot be made again; the job cannot be tried again, nor varied"
        if not left:
            return
        if source is None:
            self._sound_again(job, left.values())
        elif any(str(entry["key"]) in left for entry in (job.result or {}).get("outputs", ())):
            self._give_up(job, [source, *left.values()])
        else:
            for one in left.values():
                one.repair = "cannot be made again without the clip"

    def _make_again(self, job: Job, damaged: Mapping[str, Finding], folder: Path) -> None:
        """Whatever follows from the row, or from the video of a take that is whole."""
        named = keys_of(job)
        for key, one in damaged.items():
            if key not in named:  # drawn for somebody who asked; it is drawn again for the next one
                self._storage.delete(key)
                objects.forget(self._jobs.database, [key])
                one.repair, one.repaired = "deleted; it is made again when somebody asks for it", True
        result = job.result or {}
        thumbnail = damaged.get(str(result.get("thumbnail_key")))
        for entry in result.get("outputs", ()):
            if (hits := damaged.get(str(entry.get("hits_key")))) is not None:
                path = folder / "hits.json"
                path.write_text(json.dumps({"hits": entry["hits"]}, indent=1), encoding="utf-8")
                self._put(hits, path, "written again from the job's row")
            self._copy_sound(entry, damaged, folder)
            sound = damaged.get(str(entry.get("wav_key")))
            sound = None if sound is not None and sound.repaired else sound
            if str(entry["key"]) in damaged or (sound is None and thumbnail is None):
                continue
            try:
                clip = folder / f"video.{str(entry['key']).rpartition('.')[2]}"
                self._storage.fetch(str(entry["key"]), clip)
                if sound is not None:
                    audio.write(folder / "sound.wav", *audio.read(clip))
                    self._put(sound, folder / "sound.wav", "written again from the video")
                if thumbnail is not None and not thumbnail.repaired:
                    video.thumbnail(clip, folder / "still.jpg", float(entry["duration_s"]) / 3, THUMBNAIL_WIDTH)
                    self._put(thumbnail, folder / "still.jpg", "made again from the video")
            except (SynthError, StorageError):
                continue  # the video is no help; perhaps the clip is

    def _copy_sound(self, entry: Mapping[str, Any], damaged: Mapping[str, Finding], folder: Path) -> None:
        """A take's WAV from its FLAC, or the other way round: they hold the same samples."""
        keys = {".wav": str(entry.get("wav_key")), ".flac": str(entry.get("flac_key"))}
        for suffix, other in ((".wav", ".flac"), (".flac", ".wav")):
            one = damaged.get(keys[suffix])
            if one is None or keys[other] in damaged or "None" in keys.values():
                continue
            with contextlib.suppress(SynthError, StorageError):
                self._storage.fetch(keys[other], folder / f"whole{other}")
                lossless.copy_samples(folder / f"whole{other}", folder / f"again{suffix}")
                self._put(one, folder / f"again{suffix}", f"written again from the {other[1:].upper()}")

    def _leave_out(self, job: Job, damaged: Mapping[str, Finding]) -> None:
        """Of a job with takes that were rendered from scores: do without what only corrections need, rather than lose
        those takes by sounding all of it again.
        """
        result = job.result or {}
        if not any(entry.get("parent") is not None for entry in result.get("outputs", ())):
            return
        lost = {key for key, one in damaged.items() if not one.repaired}
        outputs = [
            {
                **{name: value for name, value in entry.items() if name not in _SPARED or str(value) not in lost},
                "stems": [one for one in entry.get("stems", ()) if str(one["key"]) not in lost],
            }
            for entry in result["outputs"]
        ]
        left = {name: value for name, value in result.items() if name not in _SPARED or str(value) not in lost}
        spared = keys_of(job) - keys_of(dataclasses.replace(job, result={**left, "outputs": outputs}))
        with self._jobs.database.writing() as connection:
            same = (JOBS.c.id == job.id, JOBS.c.attempt == job.attempt, JOBS.c.state == job.state)
            row = sa.update(JOBS).where(*same).values(result={**left, "outputs": outputs})
            if not connection.execute(row).rowcount:
                return
        for key in spared & lost:
            self._storage.delete(key)
            objects.forget(self._jobs.database, [key])
            damaged[key].repair, damaged[key].repaired = "left out: the take stays, with less to correct", True

    def _put(self, one: Finding, path: Path, what: str) -> None:
        stored = self._storage.put(one.key, path, CONTENT_TYPES[path.suffix])
        objects.record(self._jobs.database, {one.key: stored})
        one.repair, one.repaired = what, True

    def _sound_again(self, job: Job, findings: Iterable[Finding]) -> None:
        try:
            self._jobs.retry(job.id, None, of=(State.SUCCEEDED, State.FAILED, State.CANCELED))
        except WorkError as error:
            for one in findings:
                one.repair = f"cannot be made again now: {error}"
            return
        self._notify(job.mode)
        for one in findings:
            one.repair, one.repaired = "the job is queued again, with the same clip and seed", True

    def _give_up(self, job: Job, findings: Sequence[Finding]) -> None:
        """Say in the row that there is no result any more."""
        detail = "its stored video is damaged, and so is the clip that it could be made again from"
        error = {"code": LOST, "detail": detail, "retryable": False, "attempt": job.attempt}
        same = (JOBS.c.id == job.id, JOBS.c.attempt == job.attempt, JOBS.c.state == job.state)
        with self._jobs.database.writing() as connection:
            lost = sa.update(JOBS).where(*same).values(state=State.FAILED, result=None, error=error)
            if connection.execute(lost).rowcount:
                made.unlist(connection, [job.id])
        for one in findings:
            one.repair = "cannot be made again; the job says so"


_SPARED: Final = frozenset(("drawings_key", "score_key", "recipe_key", "original_key", "flac_key"))
"""What a take can do without."""
_DAMAGE: Final = (Fault.MISSING, Fault.TRUNCATED, Fault.CHANGED)
