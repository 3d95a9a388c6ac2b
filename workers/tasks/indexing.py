"""Making finished jobs findable that are not: those of older releases, or of a server that described nothing.

Every job is described from its stored files and written down before the next one is begun, so that a rebuild may be
stopped at any moment and goes on where it was. A rebuild of everything remembers in a file of the data folder when it
began; what was written since counts as done.
"""

from __future__ import annotations

import copy
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from synth.errors import Cancelled, SynthError, WeightsError
from synth.media import audio
from workers.errors import ObjectNotFound
from workers.files.storage import Storage
from workers.jobs import Job, Jobs
from workers.records import JOBS, QUESTIONS, VECTORS, WORDS, State, job_of
from workers.search import text_search, vectors
from workers.tasks import description

MARK: Final = "index-rebuild.json"
_PAGE: Final = 100


@dataclass
class Tally:
    """What became of a rebuild: how many jobs were described, and why others were not (job -> a sentence)."""

    wanted: int = 0
    described: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"wanted": self.wanted, "described": self.described, "failed": dict(self.failed)}


def status(jobs: Jobs) -> dict[str, Any]:
    """How much of what is finished can be found: counts of jobs, and of vectors by space and side.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    of_space = sa.select(VECTORS.c.space, VECTORS.c.side, sa.func.count()).group_by(VECTORS.c.space, VECTORS.c.side)
    with jobs.database.reading() as connection:
        finished = connection.scalar(sa.select(sa.func.count()).where(*_finished())) or 0
        by_vectors = connection.scalar(sa.select(sa.func.count()).where(*_finished(), _has(VECTORS))) or 0
        by_words = connection.scalar(sa.select(sa.func.count()).where(*_finished(), _has(WORDS))) or 0
        counts: dict[str, dict[str, int]] = {}
        for space, side, count in connection.execute(of_space):
            counts.setdefault(space, {})[side] = int(count)
    return {"finished": finished, "found_by_words": by_words, "found_by_vectors": by_vectors, "vectors": counts}


def rebuild(
    jobs: Jobs,
    storage: Storage,
    folder: Path,
    *,
    everything: bool = False,
    on_progress: Callable[[Tally], object] = lambda tally: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Tally:
    """Describe every finished job that has no vectors.

    Args:
        folder: of the server's data, for temporary files and :data:`MARK`.
        everything: also those that have vectors, as when the weights are others now.
        told: called before the first job and after each.
        cancelled: asked before each job and while it is worked on.

    Raises:
        DatabaseError: the database cannot be reached.
        StorageError: the storage cannot.
        WeightsError: the weights are missing.
    """
    describer = description.describer()  # where it has no weights, there is no use in fetching anything
    while text_search.write_missing(jobs.database):
        pass
    mark = folder / MARK
    since = _since(mark) if everything else 0
    tally = Tally(wanted=_count(jobs, since))
    on_progress(tally)
    for job in _wanted(jobs, since):
        if cancelled():
            return tally
        try:
            with tempfile.TemporaryDirectory(prefix="index-", dir=folder) as name:
                _describe(jobs, storage, describer, job, Path(name), cancelled)
            tally.described += 1
        except ObjectNotFound:
            tally.failed[job.id] = "its files are not in the storage any more"
        except Cancelled:
            return tally
        except WeightsError:
            raise  # as it would be with every other job
        except (SynthError, ValueError) as error:
            tally.failed[job.id] = str(error).replace(f"{name}/", "")
        on_progress(tally)
    mark.unlink(missing_ok=True)
    return tally


def _describe(
    jobs: Jobs,
    storage: Storage,
    describer: description.Describes,
    job: Job,
    folder: Path,
    cancelled: Callable[[], bool],
) -> None:
    """Describe one job from its files; tags go into its result where it has none."""
    result = copy.deepcopy(dict(job.result or {}))
    storage.fetch(job.source_key, folder / "source")
    sounds = []
    for number, output in enumerate(result["outputs"]):
        storage.fetch(str(output.get("wav_key") or output["key"]), folder / str(number))
        sounds.append(audio.read(folder / str(number)))
    began = time.perf_counter()
    found = describer.describe(folder / "source", sounds, cancelled)
    of_takes = {int(output["take"]): take.vectors for output, take in zip(result["outputs"], found.takes, strict=True)}
    if not (result.get("description") or {}).get("described"):
        description.tell(result, description.Described(found, spent_s=time.perf_counter() - began))
        _rewrite(jobs, job, result)
    vectors.keep(jobs, job.id, job.attempt, found.vectors, of_takes)  # last: the job counts as done from now on


def _rewrite(jobs: Jobs, job: Job, result: Mapping[str, Any]) -> None:
    """Write a result again, with the words that find it, unless the job is another's by now."""
    same = (JOBS.c.id == job.id, JOBS.c.attempt == job.attempt, JOBS.c.state == job.state)
    with jobs.database.writing() as connection:
        if connection.execute(sa.update(JOBS).where(*same).values(result=result)).rowcount:
            text_search.write(connection, job.id, text_search.rows_of(job.title, job.mode, result))


def _finished() -> tuple[sa.ColumnElement[bool], ...]:
    there = JOBS.c.state.in_((State.SUCCEEDED, State.CANCELED))
    return (there, JOBS.c.result.is_not(None), JOBS.c.mode.not_in(QUESTIONS))


def _has(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.select(table.c.job_id).where(table.c.job_id == JOBS.c.id, *conditions).exists()


def _undone(since: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (*_finished(), ~_has(VECTORS, VECTORS.c.serial >= since))


def _count(jobs: Jobs, since: int) -> int:
    with jobs.database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(*_undone(since))) or 0


def _wanted(jobs: Jobs, since: int) -> Iterator[Job]:
    """The newest first; one that fails is not met again."""
    before = "~"  # after every name
    while True:
        page = sa.select(JOBS).where(*_undone(since), JOBS.c.id < before).order_by(JOBS.c.id.desc()).limit(_PAGE)
        with jobs.database.reading() as connection:
            found = [job_of(row) for row in connection.execute(page)]
        if not found:
            return
        yield from found
        before = found[-1].id


def _since(mark: Path) -> int:
    """The serial from which on a rebuild of everything counts as done; begun anew unless one was broken off."""
    try:
        return int(json.loads(mark.read_text(encoding="utf-8"))["since"])
    except (OSError, ValueError, KeyError, TypeError):
        since = time.time_ns() // 1000
        mark.write_text(json.dumps({"since": since}) + "\n", encoding="utf-8")
        return since
