"""One worker's hold on one job: signs of life, progress, and word of whether to go on.

A thread renews the lease while the work goes on in another. Whoever works polls :meth:`Attempt.stop`; should the work
not heed it in time (stuck in somebody's native code), the thread ends the process, which the pool replaces. Jobs that
are done together share that fate, so it waits until none of them moves, and the others' attempts do not count then.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Final

from synth.options import Mode
from workers.errors import DatabaseError
from workers.records import OVERLAY
from workers.telemetry.context import about
from workers.timing.expectation import Expectations, spans

if TYPE_CHECKING:
    from workers.files.storage import Stored
    from workers.jobs import Job, Jobs

POLL_S: Final = 0.2  # the flag in the row is looked at this often at most
REPORT_S: Final = 0.3  # progress is written this often at most
HEED_S: Final = 10.0  # to heed a stop; then the process is ended
KEEP_S: Final = 60.0  # the same, where what was made is to be written down and stored before
PROMPT_S: Final = 1.0  # after so long a job that only waits for its companions is written off without them
TICK_S: Final = 1.0
LOAD: Final = "load"
"""The stage between the clip being there and the first look at it: a process that has just begun loads nets."""
LOADED_AT_MOST: Final = 0.5  # of the whole job: what loading is held for, however long it takes
LOADING_S: Final = 10.0  # after so long it counts as half of that
TIMEOUT: Final = "timeout"
"""Code of the error of what took longer than is allowed."""

# Stage -> its share of the whole job, where nothing was measured yet: where looking is the work, and rendering.
SPANS: Final = {"fetch": (0.0, 0.02), "look": (0.02, 0.75), "write": (0.75, 0.88), "describe": (0.88, 0.97)} | {
    "store": (0.97, 1.0)
}
SPEAKING_SPANS: Final = {"faces" if stage == "look" else stage: span for stage, span in SPANS.items()}
RENDERING_SPANS: Final = {"fetch": (0.0, 0.02), "look": (0.02, 0.12), "render": (0.12, 0.85)} | {
    "write": (0.85, 0.9),
    "describe": (0.9, 0.97),
    "store": (0.97, 1.0),
}
ROUTED_SPANS: Final = {"fetch": (0.0, 0.02), "route": (0.02, 0.08), "look": (0.08, 0.4), "faces": (0.08, 0.4)} | {
    "render": (0.4, 0.83),
    "write": (0.83, 0.9),
    "describe": (0.9, 0.97),
    "store": (0.97, 1.0),
}
DRAWING_SPANS: Final = {"fetch": (0.0, 0.05), "draw": (0.05, 1.0)}
_SPANS_OF: Final[dict[str, dict[str, tuple[float, float]]]] = {
    Mode.AMBIENT: RENDERING_SPANS,
    Mode.SPEECH: SPEAKING_SPANS,
    Mode.AUTO: ROUTED_SPANS,
    OVERLAY: DRAWING_SPANS,
}

_log = logging.getLogger(__name__)


class Stop(StrEnum):
    """Why the work must stop."""

    CANCELED = "canceled"  # somebody asked for it, or deleted the job
    TIMEOUT = "timeout"  # it took longer than a job may
    LOST = "lost"  # the lease: the job is somebody else's now


def end_process() -> None:
    """End this process at once, whatever it is doing."""
    os.kill(os.getpid(), signal.SIGKILL)


class Attempt:
    """Use as a context manager around the work.

    Args:
        heartbeat_s: between two renewals of the lease.
        timeout_s: how long the work may take.
        batch_peers: of all jobs that this process does at the same time, for each to join while it is under way.
        force: called when a stop was not heeded.

    Attributes:
        stored: what was put into the storage by this attempt, by its key.
    """

    def __init__(
        self,
        jobs: Jobs,
        job: Job,
        *,
        heartbeat_s: float,
        timeout_s: float,
        batch_peers: list[Attempt] | None = None,
        force: Callable[[], None] = end_process,
    ) -> None:
        self.job = job
        self.moved_at = time.monotonic()
        self.stored: dict[str, Stored] = {}
        self._began_at = self.moved_at
        self._company = [] if batch_peers is None else batch_peers
        self._spans = _measured_spans(jobs, job)
        self._keeps: bool | None = None
        self._written_off = False
        self._jobs = jobs
        self._heartbeat_s = heartbeat_s
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        self._force = force
        self._stop: Stop | None = None
        self._stopped_at = 0.0
        self._lease_until = time.monotonic() + jobs.lease_s
        self._polled_at = 0.0
        self._reported: tuple[str, float, float] = ("", 0.0, 0.0)
        self._stage, self._stage_began = "fetch", time.monotonic()
        self._stages_s: dict[str, float] = {}
        self._loaded = 0.0  # of the whole job, 0..1: what loading was
        self._reporting = threading.Lock()
        self._over = threading.Event()
        self._polling = threading.Lock()
        self._thread = threading.Thread(target=self._live, name=f"attempt-{job.id}", daemon=True)

    def __enter__(self) -> Attempt:
        self._thread.start()
        self._company.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        with contextlib.suppress(ValueError):
            self._company.remove(self)

    @property
    def reason(self) -> Stop | None:
        """Why to stop, as far as is known by now."""
        return self._stop

    @property
    def over(self) -> bool:
        """Whether nothing is done for the job any more."""
        return self._over.is_set()

    def keeps(self) -> bool:
        """Whether, now that the job was cancelled, what was made of it is to be kept."""
        if self._stop is not Stop.CANCELED:
            return False
        if self._keeps is None:
            try:
                self._keeps = self._jobs.keeps_partial(self.job.id)
            except DatabaseError:
                return bool(self.job.options.get("keep_partial"))
        return self._keeps

    def given_up(self) -> bool:
        """Whether it is no use to go on, not even to keep what was made."""
        return self.stop() and not self.keeps()

    def stop(self) -> bool:
        """Whether to stop; cheap, so that the work may ask before every frame."""
        self.moved_at = time.monotonic()
        return self._look(self.moved_at)

    def _look(self, now: float) -> bool:
        if self._stop is None and now - self._polled_at >= POLL_S and self._polling.acquire(blocking=False):
            try:
                self._polled_at = now
                self._poll(now)
            finally:
                self._polling.release()
        return self._stop is not None

    def progress(self, stage: str, fraction: float) -> None:
        """Write down how far a stage is, 0..1; most calls only note it."""
        low, high = self._spans.get(stage, (0.02, 0.95))
        self.moved_at = now = time.monotonic()
        with self._reporting:
            last_stage, last, at = self._reported
            self._enter(stage, now)
            done = low + (high - low) * min(1.0, max(0.0, fraction))
            whole = max(last, self._loaded + (1 - self._loaded) * done)
            # Each report waits for the disk: several jobs at once make no more of them than one.
            if stage != last_stage or now - at >= REPORT_S * (1 + len(self._companions())):
                self._report(stage, whole, now)

    def loading(self) -> None:
        """What follows is :data:`LOAD`, until the next progress; it is reported where it takes a while."""
        with self._reporting:
            self._enter(LOAD, time.monotonic())

    def _report_loading(self, now: float) -> None:
        """Nobody knows how long it takes: half as much is left after each :data:`LOADING_S`."""
        with self._reporting:
            if self._stage == LOAD:
                self._loaded = LOADED_AT_MOST * (1 - 0.5 ** ((now - self._stage_began) / LOADING_S))
                self._report(LOAD, max(self._reported[1], self._loaded), now)

    def _report(self, stage: str, whole: float, now: float) -> None:
        self._reported = (stage, whole, now)
        try:
            self._jobs.progress(self.job.id, self.job.attempt, stage, whole)
        except DatabaseError:
            _log.warning("job %s: progress could not be written", self.job.id)

    def stages_s(self) -> dict[str, float]:
        """Stage -> wall seconds that it took so far, in the order in which they began."""
        self._enter(self._stage, time.monotonic())
        return dict(self._stages_s)

    def _enter(self, stage: str, now: float) -> None:
        self._stages_s[self._stage] = self._stages_s.get(self._stage, 0.0) + now - self._stage_began
        self._stage, self._stage_began = stage, now

    def _poll(self, now: float) -> None:
        if now > self._deadline:
            self._stop_for(Stop.TIMEOUT)
        elif now > self._lease_until:
            self._stop_for(Stop.LOST)
        else:
            try:
                if self._jobs.cancel_requested(self.job.id):
                    self._stop_for(Stop.CANCELED)
            except DatabaseError:
                _log.warning("job %s: the database does not answer", self.job.id)

    def _stop_for(self, reason: Stop) -> None:
        if self._stop is None:
            self._stopped_at = time.monotonic()
            self._stop = reason
            _log.info("job %s: to be stopped, %s", self.job.id, reason)

    def _live(self) -> None:
        with about(request=self.job.request_id, job=self.job.id):
            self._keep_alive()

    def _keep_alive(self) -> None:
        due = time.monotonic() + self._heartbeat_s
        while not self._over.wait(min(TICK_S, self._heartbeat_s)):
            now = time.monotonic()
            if now >= due:
                due = now + self._heartbeat_s
                self._renew(now)
            self._report_loading(now)
            self._look(now)
            if self._stop is not None and self._unheeded(now):
                self._end()
                return

    def _renew(self, now: float) -> None:
        try:
            if self._jobs.heartbeat(self.job.id, self.job.attempt):
                self._lease_until = now + self._jobs.lease_s
            else:
                self._stop_for(Stop.LOST)
        except DatabaseError:
            _log.warning("job %s: the lease could not be renewed", self.job.id)

    def _companions(self) -> list[Attempt]:
        return [other for other in list(self._company) if other is not self and not other.over]

    def _unheeded(self, now: float) -> bool:
        """Whether the stop was not heeded in time. While companions move, the process is at work and not stuck.

        Those that began after the stop do not count: with searches coming in all the time there would be no end.
        """
        others = self._companions()
        if others and not self._written_off and now - self._stopped_at > PROMPT_S and not self.keeps():
            self._written_off = self._close()
        moved = [other.moved_at for other in others if other._began_at <= self._stopped_at]
        return now - max(self._stopped_at, *moved, 0.0) > (KEEP_S if self.keeps() else HEED_S)

    def close(self) -> bool:
        """Write down that the job was stopped; false if it is somebody else's by now. Raises DatabaseError."""
        jobs, job = self._jobs, self.job
        if self._stop is Stop.TIMEOUT:
            # Not tried again by itself: it took as long as jobs may take, which others wait for too.
            return jobs.fail(job.id, job.attempt, TIMEOUT, self._took_too_long(), retryable=True, by_itself=False)
        return self._stop is Stop.CANCELED and jobs.canceled(job.id, job.attempt)

    def _took_too_long(self) -> str:
        now = time.monotonic()
        stages_s = {**self._stages_s, self._stage: self._stages_s.get(self._stage, 0.0) + now - self._stage_began}
        longest = max(stages_s, key=lambda stage: stages_s[stage])
        return (
            f"the job took {now - self._began_at:.0f} s, {stages_s[longest]:.0f} s of them for the stage {longest}; "
            f"allowed are {self._timeout_s:g} s"
        )

    def _close(self) -> bool:
        try:
            return self.close()
        except DatabaseError:
            _log.warning("job %s: its end could not be written", self.job.id)
            return False

    def _end(self) -> None:
        """The work does not heed: write down what became of it, then end the process."""
        _log.error("job %s: did not stop in time; its process is ended", self.job.id)
        self._close()  # or else its lease runs out
        for other in self._companions():
            try:
                self._jobs.spare(other.job.id, other.job.attempt)
            except DatabaseError:
                _log.warning("job %s: its lease will run out", other.job.id)
        self._force()


def _measured_spans(jobs: Jobs, job: Job) -> dict[str, tuple[float, float]]:
    """Stage -> from and to, 0..1: by what the stages took here so far, or else as anybody would guess."""
    guessed = _SPANS_OF.get(job.mode, SPANS)
    try:
        measured = Expectations(jobs.database).stages_s(job.mode, job.info, job.options)
    except DatabaseError:
        return guessed
    # One that is switched off here takes no time; one that was never seen, though others were, is not to come.
    order = [stage for stage in guessed if stage in measured]
    return spans(measured, order) if len(order) > 1 else guessed
