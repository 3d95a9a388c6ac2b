"""Pictures of clips that were just accepted, made after the answer: nobody who sends a clip waits for its decoding.

A picture takes a processor longer to make than all the rest of an upload. So the job is made and its worker is woken
first, and pictures are made once no clip has come for :data:`CALM_S`; who asks for one before has it made at once, and
waits for it. Of a flood the later ones are left to whoever asks for them. Another process of the web than the one that
took the clip in sees in the storage when it is there; where the other one does not make it in time, as when it was
ended, who is asked makes it.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from synth.media.looking import VideoInfo
from workers.errors import ObjectNotFound, WorkError
from workers.files import objects
from workers.files.storage import Storage
from workers.jobs import Jobs
from workers.uploads import sources

MOST_UNDER_WAY: Final = 64
"""Clips that wait for their picture at once, at most; of those that come then it is made when it is asked for."""
MOST_LEFT_OUT: Final = 10_000
CALM_S: Final = 0.5
PATIENCE_S: Final = 10.0
WAITING: Final = 8
"""Threads of the web that wait for a picture, at most."""
LOOK_S: Final = 0.2  # so often it is looked whether another process has made one

_log = logging.getLogger(__name__)


class Posters:
    """Makes pictures in threads of its own. Safe to use from many threads.

    Args:
        folder: where files wait that a picture is made of.
        make: gives a clip's picture, empty where it has none, and keeps it for a job's id; whether there is one now.
    """

    def __init__(
        self, folder: Path, jobs: Jobs, storage: Storage, make: Callable[[str, Path, VideoInfo], bool]
    ) -> None:
        self._folder, self._jobs, self._storage, self._make = folder, jobs, storage, make
        self._pool = ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2), "poster")
        self._under_way: dict[str, _Picture] = {}
        self._left_out: dict[str, None] = {}
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._waiting = threading.BoundedSemaphore(WAITING)
        self._over = threading.Event()
        self._last_clip_s = 0.0  # monotonic

    def begin(self, job_id: str, clip: Path, seen: VideoInfo) -> None:
        """Make the picture of a job's clip, soon.

        Args:
            clip: it may be gone when this returns: what is looked at is a name of our own for it.
        """
        self._last_clip_s = time.monotonic()
        mine = self._folder / f"poster-{secrets.token_hex(8)}"
        with self._lock:
            if len(self._under_way) >= MOST_UNDER_WAY:
                if len(self._left_out) >= MOST_LEFT_OUT:
                    self._left_out.pop(next(iter(self._left_out)))
                self._left_out[job_id] = None
                return
        try:
            os.link(clip, mine)
        except OSError:  # a disk that knows no links: the answer waits
            self._do(job_id, clip, seen)
            return
        picture = _Picture(mine, seen)
        with self._lock:
            self._under_way[job_id] = picture
            try:
                made = self._pool.submit(self._make_when_calm, job_id, picture)
            except RuntimeError:  # this process is ending
                made = None
        if made is None:
            self._forget(job_id, picture)
        else:
            made.add_done_callback(lambda done: self._forget(job_id, picture) if done.cancelled() else None)

    def awaited(self, job_id: str, *, young: bool, make: Callable[[], None]) -> bool:
        """Whether the picture of a job's clip is there; while it is being made, here or by another process, it is
        waited for, :data:`PATIENCE_S` at most.

        One that nobody makes is made by ``make``, one at a time: each may need a clip of any size on this disk. Of
        threads that wait there are :data:`WAITING` at most, so that the others answer what else is asked.

        Args:
            young: whether its job was made only now, so that somebody may be making it.

        Raises:
            StorageError: the storage is away; and whatever ``make`` raises.
        """
        if self._is_stored(job_id):
            return True
        if not self._waiting.acquire(blocking=False):
            return False
        try:
            until_s = time.monotonic() + PATIENCE_S
            self.wait(job_id)
            with self._lock:
                young = young and job_id not in self._left_out
            while not (there := self._is_stored(job_id)) and young and time.monotonic() < until_s:
                time.sleep(LOOK_S)
            if there or not self._making.acquire(timeout=max(0.0, until_s - time.monotonic())):
                return there
            try:
                if not self._is_stored(job_id):
                    make()
            finally:
                self._making.release()
            return self._is_stored(job_id)
        finally:
            self._waiting.release()

    def make_now(self, job_id: str, clip: Path, seen: VideoInfo) -> None:
        """Make the picture of a job's clip in this thread; it is told of the job where it has none."""
        self._do(job_id, clip, seen)

    def _is_stored(self, job_id: str) -> bool:
        try:
            return self._storage.size(f"{job_id}/{sources.POSTER}") > 0
        except ObjectNotFound:
            return False

    def wait(self, job_id: str) -> None:
        """Return when the picture of a job's clip is made, if that was begun: now, where it still waits for a calm
        moment; or after :data:`PATIENCE_S`.
        """
        with self._lock:
            picture = self._under_way.get(job_id)
        if picture is not None:
            picture.wanted.set()
            self._make_once(job_id, picture)
            picture.done.wait(PATIENCE_S)

    def settle(self) -> None:
        """Return when all pictures are made that are being made now."""
        with self._lock:
            under_way = list(self._under_way)
        for job_id in under_way:
            self.wait(job_id)

    def _do(self, job_id: str, clip: Path, seen: VideoInfo) -> None:
        try:
            if not self._make(job_id, clip, seen):
                self._jobs.lacks_picture(job_id)
            elif not self._jobs.ids([job_id]) and not sources.owners_in_use(self._jobs.database, [job_id]):
                key = f"{job_id}/{sources.POSTER}"  # the job was deleted meanwhile
                self._storage.delete(key)
                objects.forget(self._jobs.database, [key])
        except WorkError as error:
            _log.info("the clip of %s has no picture: %s", job_id, error)
        except Exception:
            _log.exception("the clip of %s has no picture", job_id)
        finally:
            clip.unlink(missing_ok=True)

    def close(self) -> None:
        """Make no more pictures than those that are being made: the end of this process waits for them."""
        self._over.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _make_when_calm(self, job_id: str, picture: _Picture) -> None:
        while not picture.wanted.is_set():
            left_s = self._last_clip_s + CALM_S - time.monotonic()
            if left_s <= 0 or self._over.wait(left_s):
                break
        if self._over.is_set():
            self._forget(job_id, picture)
        else:
            self._make_once(job_id, picture)

    def _make_once(self, job_id: str, picture: _Picture) -> None:
        """Make it, unless another thread does."""
        if picture.begun.acquire(blocking=False):
            try:
                self._do(job_id, picture.clip, picture.seen)
            finally:
                self._forget(job_id, picture)

    def _forget(self, job_id: str, picture: _Picture) -> None:
        picture.clip.unlink(missing_ok=True)
        with self._lock:
            self._under_way.pop(job_id, None)
        picture.done.set()


class _Picture:
    """A picture that is to be made: ``begun`` is held by who makes it, ``wanted`` says that somebody waits for it."""

    def __init__(self, clip: Path, seen: VideoInfo) -> None:
        self.clip, self.seen = clip, seen
        self.begun = threading.Lock()
        self.wanted, self.done = threading.Event(), threading.Event()
