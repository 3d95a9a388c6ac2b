"""From bytes in the spool to a job in the queue: the one way in, for API and pages alike.

    options -> probe -> deposits.put -> jobs.create -> notify

What is refused is refused before anything is stored; what fails later takes what it stored away again.
"""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from synth.errors import MediaError
from synth.media import video
from synth.media.looking import look
from synth.media.picture import poster
from synth.options import Limits, Options
from web.api.problems import Problem
from web.uploads.multipart import Bounds, Upload
from web.uploads.posters import Posters
from web.uploads.questions import Questions
from web.uploads.spool import Spool
from web.uploads.ticket import Ticket, request_hash_of
from web.uploads.titles import display_title, info_json
from workers.broker.queue import Notify
from workers.errors import Conflict, DatabaseFull, ObjectNotFound, StorageAway, WorkError
from workers.files import objects, tombstones
from workers.files.ballast import Ballast
from workers.files.storage import Storage
from workers.jobs import Job, Jobs, State, new_id
from workers.owners.turns import sound_seconds
from workers.records import MUSIC, ROUTE, SEARCH, Cancellation
from workers.settings import Settings
from workers.uploads import sources
from workers.uploads.deposits import Deposits
from workers.webhooks.endpoints import Endpoints

MAKING_S: Final = 60.0
"""For so long after a clip was taken in somebody may be making its picture."""
_log = logging.getLogger(__name__)


class Submitter:
    """Takes clips in. Made once a server; safe to use from many threads."""

    def __init__(
        self,
        settings: Settings,
        jobs: Jobs,
        storage: Storage,
        notify: Notify,
        ballast: Ballast,
        deposits: Deposits,
    ) -> None:
        self._ballast, self._deposits = ballast, deposits
        self.jobs, self.storage, self.notify = jobs, storage, notify
        self.spool = Spool(settings.spool_dir)
        self.limits = Limits(max_bytes=min(settings.max_upload_bytes, Limits.max_bytes))
        # Each look at a clip is a process of its own; more of them than processors only get in each other's way.
        self._looking = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
        self.endpoints = Endpoints(jobs.database)
        self.questions = Questions(jobs, storage, notify)
        self.posters = Posters(self.spool.folder, jobs, storage, self._make_picture)
        self._under_way: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def bounds(self, files: int = 1) -> Bounds:
        """How much of an upload is read."""
        return Bounds(self.limits.max_bytes, files)

    def probe(self, clip: Path, options: Options | None = None) -> video.VideoInfo:
        """Look at a clip; the options say whether a damaged or edited one is taken, and what its result must hold.

        Raises:
            MediaError: it is refused, or no container that is written can hold what is asked for.
        """
        asked = options or Options()
        with self._looking:
            seen = look(clip, self.limits, salvage=asked.salvage, recut=asked.recut)
        seen.result_suffix(asked.existing_sound)
        return seen.info

    def route(self, upload: Upload, info: Mapping[str, Any], owner: str) -> dict[str, Any] | None:
        """Ask a worker which voice mode ``auto`` gives a clip, and wait for the answer, but not for long.

        The question is a row like that of a job, and is taken away with its clip when the wait is over.

        Returns:
            As :meth:`synth.routing.router.Route.as_json` gives it; ``None`` where no worker was free to look in time.

        Raises:
            MediaError: the picture cannot be decoded.
            WorkError: the queue is full, or a part of the server is away.
        """
        answer = self.questions.ask(ROUTE, upload.path, info, owner)
        return None if answer is None else dict(answer["route"])

    def looks_and_sounds(self, upload: Upload, by: str | None, owner: str) -> dict[str, Any] | None:
        """Ask a worker what a picture, a sound or a clip looks and sounds like.

        Args:
            by: ``picture`` or ``sound`` where only that is wanted.

        Returns:
            ``kind`` and ``vectors``, as :func:`workers.tasks.search_answers.answer` gives them; ``None`` where no
            worker answered in time.

        Raises:
            MediaError: the file is refused.
            WorkError: the queue is full, or a part of the server is away.
        """
        return self.questions.ask(SEARCH, upload.path, {"by": by}, owner)

    def submit(self, upload: Upload, ticket: Ticket) -> Job:
        """Make a job of a clip in the spool.

        Raises:
            MediaError, OptionError: the clip or an option is refused.
            WorkError: the queue is full, a part of the server is away, or the idempotency key was used otherwise.
        """
        request_hash = request_hash_of(upload.sha256, ticket)
        if ticket.idempotency_key is not None and (earlier := self.earlier(ticket, request_hash)):
            return earlier
        seen = self.probe(upload.path, ticket.options)
        title, clip_info = display_title(upload.filename), info_json(seen)
        sound_s = sound_seconds(clip_info, ticket.options_json)
        mode, more_bytes = ticket.options.mode.value, upload.path.stat().st_size
        self.jobs.owners.refuse_over(ticket.owner, mode=mode, sound_s=sound_s, more_bytes=more_bytes)
        job_id = new_id(time.time())
        key = f"{job_id}/source"
        stored, waits = self._deposits.put(key, upload.path, upload.sha256, settled=True)
        try:
            info = {**clip_info, **({} if waits else {"poster_key": f"{job_id}/{sources.POSTER}"})}
            job = self._create(
                ticket,
                id=job_id,
                title=title,
                source_key=key,
                info=info,
                request_hash=request_hash,
                source=stored,
                spooled=waits,
            )
        except BaseException:
            self._forget(job_id, waits=waits)
            raise
        if job.id != job_id:  # the same request came before: its job stands, this copy of its clip goes
            self._forget(job_id, waits=waits)
        elif job.state is State.QUEUED and not waits:
            self.notify(job.mode)
            self.posters.begin(job_id, upload.path, seen)
        return job

    def submit_stored(self, key: str, title: str, info: Mapping[str, Any], ticket: Ticket, request_hash: str) -> Job:
        """Make a job of a clip that is in the storage already, or waits for it: it is shared, not copied.

        Raises:
            Conflict: it is there no longer; or the idempotency key was used otherwise.
            QueueFull: as many jobs wait as are allowed to.
        """
        job_id = new_id(time.time())
        job = self._create(ticket, id=job_id, title=title, source_key=key, info=info, request_hash=request_hash)
        if job.id == job_id:
            self.notify(job.mode)
        return job

    def _create(self, ticket: Ticket, **clip: Any) -> Job:
        """The row of a job: what its ticket says, and what is said of its clip."""
        named = ticket.webhook_url and self.endpoints.named(ticket.owner, ticket.webhook_url)
        return self.jobs.create(
            options=ticket.options,
            owner=ticket.owner,
            batch_id=ticket.batch_id,
            idempotency_key=ticket.idempotency_key,
            cancel_after_s=ticket.cancel_after_s,
            keep_days=ticket.keep_days,
            custom_id=ticket.custom_id,
            webhook_id=named.id if named else None,
            **clip,
        )

    def submit_again(self, job: Job, ticket: Ticket) -> Job:
        """Another job of the clip of an old one, with options of its own. They share the clip.

        Raises:
            Conflict: the clip is no longer stored; or the idempotency key was used otherwise.
            QueueFull: as many jobs wait as are allowed to.
        """
        if job.mode == MUSIC:
            raise Conflict("music lies under this sound; name the job that it was laid under")
        request_hash = request_hash_of(job.source_key, ticket)
        if ticket.idempotency_key is not None and (earlier := self.earlier(ticket, request_hash)):
            return earlier
        self._hold_stored(job.source_key, "the clip of this job is no longer stored; upload it again")
        return self.submit_stored(job.source_key, job.title, job.info, ticket, request_hash)

    def vary(
        self, job: Job, seeds: list[int], owner: str, changed: Mapping[str, Any] = MappingProxyType({})
    ) -> list[Job]:
        """New jobs for the clip of an old one, each with another seed. They share it: it goes with the last of them.

        Args:
            changed: options that are to differ from the old job's, see :mod:`web.uploads.variants`; with ``takes`` each
                job has so many, else one.
        """
        if job.mode == MUSIC:
            raise Conflict("music lies under this sound; ask the result that it was laid under for another seed")
        self._hold_stored(job.source_key, "the clip of this job is no longer stored; upload it again")
        made = []
        for seed in seeds:
            options = replace(Options.parse({**job.options, "takes": 1, **changed}), seed=seed)
            new = self.jobs.create(
                options=options, title=job.title, source_key=job.source_key, info=job.info, owner=owner
            )
            self.notify(new.mode)
            made.append(new)
        return made

    def lay_music(self, job: Job, entry: Mapping[str, Any], asked: Mapping[str, Any], owner: str) -> Job:
        """A new job that lays music under a take of an old one.

        Both use the take's video: it stays until the last of them is deleted.

        Args:
            entry: the take, as the old job's result has it.
            asked: ``track`` and ``level_lufs``.

        Raises:
            Conflict: the take is no longer stored.
            QueueFull: as many jobs wait as are allowed to.
        """
        self._hold_stored(str(entry["key"]), "the video of this result is no longer stored")
        made = self.jobs.create(
            options=Options.parse({**job.options, "takes": 1, "seed": entry["seed"]}),
            title=job.title,
            source_key=str(entry["key"]),
            info={**job.info, "music": {**asked, "of": job.id, "take": int(entry["take"])}},
            owner=owner,
            mode=MUSIC,
        )
        self.notify(MUSIC)
        return made

    def delete(self, job_id: str, viewer: str | None) -> None:
        """Take a job and all its files away: the files now, or as soon as the storage is back. Makes room, so it works
        on a full disk.
        """
        try:
            job = self._ballast.spent_on(lambda: self.jobs.delete(job_id, viewer))
        except DatabaseFull:  # the ballast is gone as well: room first, then the row
            job = self.jobs.get(job_id, viewer)
            sources.delete_unused(self.jobs.database, self.storage, job.id, though_there=True)
            self.jobs.delete(job_id, viewer, has_files=False)
            return
        try:
            for owner in dict.fromkeys((job.id, job.source_id or job.id)):
                tombstones.delete_files(self.jobs.database, self.storage, owner)
        except WorkError as error:
            _log.warning("the files of job %s are deleted later: %s", job.id, error)

    def cancel(self, job_id: str, viewer: str | None, *, keep_partial: bool = False) -> Cancellation:
        """Stop a job, as :meth:`workers.jobs.Jobs.cancel` does, also on a full disk."""
        return self._ballast.spent_on(lambda: self.jobs.cancel(job_id, viewer, keep_partial=keep_partial))

    @contextmanager
    def once(self, owner: str, key: str | None) -> Iterator[None]:
        """Hold an idempotency key while its request is under way.

        Raises:
            Problem: ``conflict``, when the same key is held already.
        """
        held = (owner, key or "")
        with self._lock:
            if key is not None and held in self._under_way:
                raise Problem("conflict", "a request with this Idempotency-Key is under way", {"Retry-After": "2"})
            if key is not None:
                self._under_way.add(held)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(held)

    def picture_of(self, path: Path, seen: video.VideoInfo) -> bytes:
        """The picture that lists show of a clip while there is no result; nothing where it cannot be had."""
        try:
            with self._looking:
                return poster.of(path, seen)
        except MediaError as error:
            _log.info("a clip has no picture: %s", error)
            return b""

    def has_picture(self, job: Job) -> bool:
        """Whether the picture of a job's clip is stored: waited for while somebody makes it, or else made here.

        Raises:
            WorkError: a part of the server is away.
            Problem: ``disk-full``.
        """
        owner = str(job.info["poster_key"]).partition("/")[0]
        young = time.time() - job.created_at < MAKING_S

        def make() -> None:
            self.spool.make_room(self.storage.size(job.source_key))
            with self.spool.request() as folder:
                clip = folder / "clip"
                self.storage.fetch(job.source_key, clip)
                try:
                    seen = self.probe(clip, Options.parse(job.options))
                except MediaError as error:
                    _log.info("a clip has no picture: %s", error)
                    self.jobs.lacks_picture(owner)
                    return
                self.posters.make_now(owner, clip, seen)

        return self.posters.awaited(owner, young=young, make=make)

    def _make_picture(self, owner: str, path: Path, seen: video.VideoInfo) -> bool:
        return bool(self.keep_picture(owner, self.picture_of(path, seen), synced=True))

    def keep_picture(self, owner: str, picture: bytes, *, synced: bool = False) -> dict[str, Any]:
        """Store a clip's picture beside it, for all who share the clip; without one a job is none the worse.

        Args:
            owner: the job or the upload that the clip belongs to.
            synced: whether the row that names the picture stands already; else that one's commit waits for the disk.
        """
        key = f"{owner}/{sources.POSTER}"
        try:
            if picture:
                stored = self.storage.put(key, io.BytesIO(picture), "image/jpeg")
                objects.record(self.jobs.database, {key: stored}, synced=synced)
        except WorkError as error:
            _log.info("the clip of %s has no picture: %s", owner, error)
            return {}
        return {"poster_key": key} if picture else {}

    def earlier(self, ticket: Ticket, request_hash: str) -> Job | None:
        """The job that the same request made before; see :class:`Ticket`."""
        try:
            return self.jobs.find(
                owner=ticket.owner, idempotency_key=str(ticket.idempotency_key), request_hash=request_hash
            )
        except Conflict as error:
            raise Problem("idempotency", str(error)) from error

    def _hold_stored(self, key: str, otherwise: str) -> None:
        """Refuse to make a job of what is not stored. While the storage is away nobody can tell, and the job waits.

        Raises:
            Conflict: with that sentence.
        """
        try:
            self.storage.size(key)
        except ObjectNotFound as error:
            if not self._deposits.is_waiting(key):
                raise Conflict(otherwise) from error
        except StorageAway:
            return

    def _forget(self, job_id: str, *, waits: bool) -> None:
        if waits:
            self._deposits.forget(job_id)
            return
        try:
            self.storage.delete(f"{job_id}/")
        except Exception:
            # The row is gone or never was, so nobody can see these files; the sweep of the storage finds them.
            _log.exception("the files of job %s could not be deleted", job_id)
