"""Whether what the database says is stored is stored, and as it was: object by object, by length and SHA-256.

Only looks; :mod:`workers.files.repair` mends what can be mended.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from workers.errors import ObjectNotFound
from workers.files import objects
from workers.files.storage import Storage, Stored
from workers.jobs import Job, Jobs, made_at
from workers.reconciler import ORPHAN_S
from workers.records import JOBS, QUESTIONS, State, job_of
from workers.uploads import sources

_PAGE: Final = 200


class Fault(StrEnum):
    """What may be wrong with an object."""

    MISSING = "missing"
    TRUNCATED = "truncated"
    CHANGED = "changed"
    ORPHANED = "orphaned"  # stored, and no job has it
    UNRECORDED = "unrecorded"  # put there by a release that wrote no lengths down; nothing is wrong with it


@dataclass
class Finding:
    """One object that is not as it should be.

    Attributes:
        detail: one sentence: what it is, and what it should be.
        repair: what was done about it, or why nothing was; empty where nobody asked for it.
        repaired: whether all is well now, as far as it can be.
    """

    key: str
    fault: Fault
    detail: str
    repair: str = ""
    repaired: bool = False

    @property
    def job_id(self) -> str:
        """Whose object it is."""
        return self.key.partition("/")[0]


@dataclass
class Report:
    """What a verification found.

    Attributes:
        jobs, objects, bytes_: how much was looked at.
    """

    jobs: int = 0
    objects: int = 0
    bytes_: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def wrong(self) -> list[Finding]:
        """What is not as it should be."""
        return [one for one in self.findings if one.fault is not Fault.UNRECORDED]

    @property
    def unrepaired(self) -> list[Finding]:
        """What is still not as it should be."""
        return [one for one in self.wrong if not one.repaired]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        counts = {fault.value: sum(one.fault is fault for one in self.findings) for fault in Fault}
        observed = {"jobs": self.jobs, "objects": self.objects, "bytes": self.bytes_}
        wrong = {"wrong": len(self.wrong), "unrepaired": len(self.unrepaired)}
        return {**observed, **wrong, "faults": counts, "findings": [asdict(one) for one in self.findings]}


Repair = Callable[[Job | None, list[Finding]], object]


class Verifier:
    """Looks at one server's objects.

    Args:
        quick: compare lengths only; else every byte is read.
    """

    def __init__(self, jobs: Jobs, storage: Storage, *, quick: bool = False) -> None:
        self.jobs, self.storage, self.quick = jobs, storage, quick
        self.report = Report()
        self._clips: dict[str, Finding | None] = {}

    def run(
        self, repair: Repair | None = None, on_progress: Callable[[Report], object] = lambda report: None
    ) -> Report:
        """Look at everything.

        Args:
            repair: called with each job and what is wrong with its objects, and with no job for what belongs to none.
            told: called after each job.

        Raises:
            WorkError: the database or the storage cannot be reached.
        """
        stored = self._stored_by_job()
        known = set[str]()
        for job in self._every_job():
            known.add(job.id)
            if job.mode not in QUESTIONS:
                self._settle(job, self._look_at(job, stored.get(job.id, set())), repair)
            on_progress(self.report)
        unknown = [name for name in stored if name not in known and (made_at(name) or 0.0) < time.time() - ORPHAN_S]
        orphans = [_orphan(key) for name in unknown for key in sorted(stored[name] - self._wanted(name))]
        self._settle(None, orphans, repair)
        return self.report

    def _settle(self, job: Job | None, found: list[Finding], repair: Repair | None) -> None:
        self.report.findings += found
        if found and repair is not None:
            repair(job, found)

    def _stored_by_job(self) -> dict[str, set[str]]:
        """What lies in the storage under names of ours; of the rest nothing is known."""
        found: dict[str, set[str]] = defaultdict(set)
        for key in self.storage.keys(""):
            name = key.partition("/")[0]
            if made_at(name) is not None:
                found[name].add(key)
        return found

    def _every_job(self) -> Iterator[Job]:
        after = ""
        while True:
            page = sa.select(JOBS).where(JOBS.c.id > after).order_by(JOBS.c.id).limit(_PAGE)
            with self.jobs.database.reading() as connection:
                found = [job_of(row) for row in connection.execute(page)]
            if not found:
                return
            yield from found
            after = found[-1].id

    def _look_at(self, job: Job, stored: set[str]) -> list[Finding]:
        self.report.jobs += 1
        recorded = objects.of_job(self.jobs.database, job.id)
        named, by_others = keys_of(job), self._wanted(job.id, but_of_itself=True)
        # What was drawn later for somebody who asked, such as a video of heat maps, is named by no row of a job.
        extra = {key for key in stored if key in recorded and _is_of(job, key)} - named
        own_result = sorted((named | extra) - {job.source_key})
        findings = [self._examine(key, recorded.get(key)) for key in own_result]
        if job.source_id is not None and job.state is not State.EXPIRED:
            findings.append(self._examine_clip(job.source_key))
        lost = sorted(key for key in stored - named - extra - by_others if job.state.final and not _is_of(job, key))
        return [one for one in findings if one is not None] + [_orphan(key) for key in lost]

    def _wanted(self, owner: str, *, but_of_itself: bool = False) -> set[str]:
        """Keys of what belongs to a job or an upload and is used by others, or by an upload that has not ended."""
        with self.jobs.database.reading() as connection:
            used = sources.used(connection, owner)
            if not but_of_itself and sources.is_there(connection, owner):
                used |= {f"{owner}/{name}" for name in ("source", "upload", sources.POSTER)}
        return used

    def _examine_clip(self, key: str) -> Finding | None:
        """What is wrong with a clip is told of each job that uses it, but it is looked at once."""
        if key not in self._clips:
            self._clips[key] = self._examine(key, objects.find(self.jobs.database, key))
        found = self._clips[key]
        return None if found is None else replace(found)

    def _examine(self, key: str, recorded: Stored | None) -> Finding | None:
        self.report.objects += 1
        try:
            size = self.storage.size(key)
            self.report.bytes_ += size
            if recorded is None:
                if size == 0:
                    return Finding(key, Fault.TRUNCATED, "it is empty")
                return Finding(key, Fault.UNRECORDED, f"an older release stored it; it has {size} bytes")
            if size != recorded.bytes_:
                fault = Fault.TRUNCATED if size < recorded.bytes_ else Fault.CHANGED
                return Finding(key, fault, f"it has {size} bytes; {recorded.bytes_} were stored")
            if not self.quick and sha256_of(self.storage, key) != recorded.sha256:
                return Finding(key, Fault.CHANGED, "its SHA-256 is not that of what was stored")
        except ObjectNotFound:
            with self.jobs.database.reading() as connection:
                if sources.is_waiting(connection, key):
                    return None  # on a server's own disk, because the storage was away
            if recorded is None and key.endswith(f"/{sources.POSTER}"):
                return None  # it is made after its job: the server was killed before
            return Finding(key, Fault.MISSING, "it is not stored")
        return None


def keys_of(job: Job) -> set[str]:
    """The keys of all objects that a job has by its row."""
    if job.state is State.EXPIRED:
        return set()
    result = job.result or {}
    named = [result, *result.get("outputs", ())]
    made = {str(key) for one in named for name, key in one.items() if name == "key" or name.endswith("_key")}
    made |= {str(stem["key"]) for one in named for stem in one.get("stems", ())}
    of_clip = {job.source_key, *filter(None, [job.info.get("poster_key")])}
    return made | {key for key in of_clip if key.startswith(f"{job.id}/")}


def sha256_of(storage: Storage, key: str) -> str:
    """SHA-256 of what is stored, in hex. Raises ObjectNotFound."""
    digest = hashlib.sha256()
    for piece in storage.read(key):
        digest.update(piece)
    return digest.hexdigest()


def _is_of(job: Job, key: str) -> bool:
    """Whether an object belongs to what a job has now: its clip, or what the attempt made that counts."""
    if job.state is State.EXPIRED:
        return False
    part = key.split("/")[1] if "/" in key else ""
    return key == job.source_key or (job.result is not None and part == str(job.attempt))


def _orphan(key: str) -> Finding:
    return Finding(key, Fault.ORPHANED, "no job has it")
