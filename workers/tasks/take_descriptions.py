"""Takes that were rendered from a score are listened to as those of a job are, once they are there.

Whoever corrects a sound wants to hear it, and does not wait for what the nets say of it. So nobody holds the row of the
take any more, and a thread beside the lanes does it: a worker that holds no row while something waits for it is taken
for deaf. What goes wrong here, also that the process ends, leaves a take that is not described.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from synth.description import heat_map
from synth.description.description import Vector
from synth.errors import SynthError
from synth.media import audio
from workers.errors import StorageError, WorkError
from workers.files import objects
from workers.files.result_upload import CONTENT_TYPES
from workers.files.storage import Storage, Stored
from workers.jobs import Job, Jobs
from workers.records import JOBS
from workers.score.ranking import ranked
from workers.search import text_search, vectors
from workers.tasks import description, memory

MOST_WAITING: Final = 16
"""Takes that wait to be described, at most; where more come, those that have waited longest stay as they are."""
LOOK_S: Final = 1.0  # so often it is looked whether the take is still there

_log = logging.getLogger(__name__)


class TakeDescriptions:
    """Describes one take after another in a thread of its own, which is there as long as any waits. Safe to use from
    many threads.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Callable[[], object]] = deque(maxlen=MOST_WAITING)
        self._at_work = False

    def begin(self, jobs: Jobs, storage: Storage, folder: Path, job_id: str, take: int) -> None:
        """Have :func:`describe_take` called soon; returns at once."""
        with self._changed:
            self._waiting.append(lambda: describe_take(jobs, storage, folder, job_id, take))
            if self._at_work:
                return
            try:
                # The end of the process does not wait for it.
                threading.Thread(target=self._run, name="take-descriptions", daemon=True).start()
                self._at_work = True
            except RuntimeError as error:  # the system has no more threads; the next take tries again
                _log.warning("job %s: take %d is not described yet: %s", job_id, take, error)

    def settle(self) -> None:
        """Return when no take waits any more, and none is being described."""
        with self._changed:
            self._changed.wait_for(lambda: not self._at_work)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._at_work = False
                    self._changed.notify_all()
                    return
                describe = self._waiting.popleft()
            describe()
            memory.give_back()


def describe_take(jobs: Jobs, storage: Storage, folder: Path, job_id: str, take: int) -> bool:
    """Describe one take of a job that was described itself; whether it was. Nothing is raised that concerns the take.

    Args:
        folder: for temporary files.
    """
    try:
        job = jobs.get(job_id, None)
        entry = _take(job, take)
        if entry is None or not ((job.result or {}).get("description") or {}).get("described"):
            return False
        with tempfile.TemporaryDirectory(prefix="take-", dir=folder, ignore_cleanup_errors=True) as name:
            return _describe(jobs, storage, job, entry, Path(name))
    except (SynthError, WorkError, ValueError) as error:
        _log.warning("job %s: take %d is not described: %s", job_id, take, error)
    except Exception:
        _log.exception("job %s: take %d is not described", job_id, take)
    return False


def _take(job: Job, take: int) -> Mapping[str, Any] | None:
    return next((one for one in (job.result or {}).get("outputs", ()) if one["take"] == take), None)


class _Gone:
    """Whether a job or its take is gone; cheap, so that it may be asked before every frame."""

    def __init__(self, jobs: Jobs, job: Job, take: int) -> None:
        self._jobs, self._job, self._take = jobs, job, take
        self._gone, self._look_at = False, 0.0  # monotonic

    def __call__(self) -> bool:
        if not self._gone and time.monotonic() >= self._look_at:
            now = self._jobs.ids([self._job.id]).get(self._job.id)
            self._gone = now is None or now.attempt != self._job.attempt or _take(now, self._take) is None
            self._look_at = time.monotonic() + LOOK_S
        return self._gone


def _describe(jobs: Jobs, storage: Storage, job: Job, entry: Mapping[str, Any], folder: Path) -> bool:
    began, take, stem = time.perf_counter(), int(entry["take"]), str(entry["wav_key"]).removesuffix(".wav")
    source, sound = folder / "source", folder / "sound.wav"
    storage.fetch(job.source_key, source)
    storage.fetch(str(entry["wav_key"]), sound)
    cancelled = _Gone(jobs, job, take)
    with description.TURNS:
        found = description.describer().describe(source, [audio.read(sound)], cancelled)
    description.check(found, 1)
    files: Mapping[str, Path] = {}
    if found.takes[0].maps:
        pictures = heat_map.stills(source, found.times_s, cancelled=cancelled)
        files = description.draw_take(found.takes[0], "take", pictures, found.times_s, folder)
    keys = {name: f"{stem}{path.name.removeprefix('take')}" for name, path in files.items()}
    stored: dict[str, Stored] = {}
    written = False
    try:
        for name, path in files.items():
            stored[keys[name]] = storage.put(keys[name], path, CONTENT_TYPES[path.suffix])
        described = description.Described(found, spent_s=time.perf_counter() - began)
        alone: dict[str, Any] = {"outputs": [{**entry, **keys}]}
        description.tell(alone, described)
        written = _write(jobs, job, alone["outputs"][0], stored, found.takes[0].vectors)
    finally:
        for key in () if written else stored:
            with contextlib.suppress(StorageError):
                storage.delete(key)
    return written


def _write(
    jobs: Jobs, job: Job, entry: Mapping[str, Any], stored: Mapping[str, Stored], found: Sequence[Vector]
) -> bool:
    """Write what is known of a take into its job; false, and nothing changed, where the job or the take is gone."""
    take = int(entry["take"])
    with jobs.database.writing() as connection:
        serial = vectors.next_serial(connection, jobs.database.is_postgresql)
        mine = sa.select(JOBS).where(JOBS.c.id == job.id, JOBS.c.attempt == job.attempt).with_for_update()
        row = connection.execute(mine).one_or_none()
        if row is None or row.result is None or all(one["take"] != take for one in row.result["outputs"]):
            return False
        objects.write(connection, stored)
        outputs = [dict(entry) if one["take"] == take else one for one in row.result["outputs"]]
        result = ranked({**row.result, "outputs": outputs})
        connection.execute(sa.update(JOBS).where(JOBS.c.id == job.id).values(result=result))
        text_search.write(connection, job.id, text_search.rows_of(row.title, row.mode, result))
        vectors.keep_take(connection, serial, job.id, take, found)
    return True
