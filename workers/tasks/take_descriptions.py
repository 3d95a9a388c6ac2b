"""Takes that were rendered from a score are listened to as those of a job are, once they are there.

Whoever corrects a sound wants to hear it, and does not wait for what the nets say of it. So nobody holds the row of the
take any more: what goes wrong here, also that the process ends, leaves a take that is not described.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
from workers.tasks import description

_log = logging.getLogger(__name__)


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


def _describe(jobs: Jobs, storage: Storage, job: Job, entry: Mapping[str, Any], folder: Path) -> bool:
    began, take, stem = time.perf_counter(), int(entry["take"]), str(entry["wav_key"]).removesuffix(".wav")
    source, sound = folder / "source", folder / "sound.wav"
    storage.fetch(job.source_key, source)
    storage.fetch(str(entry["wav_key"]), sound)
    with description.TURNS:
        found = description.describer().describe(source, [audio.read(sound)], lambda: False)
    description.check(found, 1)
    files: Mapping[str, Path] = {}
    if found.takes[0].maps:
        pictures = heat_map.stills(source, found.times_s)
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
