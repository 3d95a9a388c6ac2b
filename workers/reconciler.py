"""The thread that makes promises true when somebody else broke theirs: a lost notification, a lost worker, a lost file.

Several may run, in the web process and beside every worker: the database decides whose turn each row is.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from workers.errors import StorageError
from workers.faults import Part
from workers.gallery import made
from workers.jobs import Job, Jobs, made_at
from workers.records import State
from workers.search import text_search
from workers.telemetry.counters import UNWRITTEN
from workers.telemetry.families import NOTIFIED_AGAIN, ORPHANS
from workers.uploads import sources

if TYPE_CHECKING:
    from workers.files.storage import Storage
    from workers.settings import Settings

NOTIFICATIONS_A_TURN: Final = 8  # of one mode; who is woken looks for more by itself
SWEEP_S: Final = 3600.0
ORPHAN_S: Final = 3600.0  # an upload is stored before its row is written; a file without a row may be that young
DAY_S: Final = 86_400.0
UNKNOWN_AT_MOST: Final = 20  # more than these, and more than what is known: the wrong database is the likelier reason

_log = logging.getLogger(__name__)


class Reconciler(Part):
    """Makes promises true, turn after turn.

    Args:
        notify: called with a mode.
        after: called after each turn, to show that the process lives.

    Attributes:
        faults: what its turns met.
    """

    def __init__(
        self,
        settings: Settings,
        jobs: Jobs,
        storage: Storage,
        notify: Callable[[str], object],
        *,
        after: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("reconciler", settings.reconcile_s)
        self._settings, self._jobs, self._storage = settings, jobs, storage
        self._notify, self._after, self._clock = notify, after, clock
        self._swept_at = clock()
        self._listed = False  # whether words find all that was finished when this began

    def turn(self) -> None:
        """Notify for who waits in vain, give up what was lost too often; now and then expire and sweep.

        Jobs of older releases get the words by which they are found, a few hundred a turn.

        Raises:
            WorkError: the database cannot be reached, or the storage while it is swept.
        """
        for job in self._jobs.give_up():
            _log.warning("job %s: %s after attempt %d", job.id, job.state, job.attempt)
            self._delete(job.id, str(job.attempt))
        for job in self._jobs.cancel_late():
            _log.info("job %s: canceled, because it has not ended in the time that it was given", job.id)
        for mode, count in Counter(job.mode for job in self._jobs.overdue()).items():
            for _ in range(min(count, NOTIFICATIONS_A_TURN)):
                self._notify(mode)
            UNWRITTEN.add(NOTIFIED_AGAIN.one(mode, by=count))
        if not self._listed:
            self._listed = text_search.write_missing(self._jobs.database) + made.write_missing(self._jobs.database) == 0
        if self._clock() - self._swept_at >= SWEEP_S:
            self._swept_at = self._clock()
            self.expire()
            self.sweep()
        UNWRITTEN.flush(self._jobs.database)

    def expire(self) -> list[Job]:
        """Delete the files of jobs that ended longer ago than files are kept; much later, their rows."""
        kept_s = self._settings.retention_days * DAY_S
        expired = self._jobs.expire(self._clock() - kept_s)
        for owner in dict.fromkeys(name for job in expired for name in (job.id, job.source_id) if name):
            self._delete(owner)
        self._jobs.forget(self._clock() - kept_s, kept_s)
        self._jobs.owners.forget_old_days()
        return expired

    def sweep(self) -> int:
        """Delete what is stored for no job, and what lost attempts left; how many files."""
        stored: dict[str, set[str]] = defaultdict(set)
        for key in self._storage.keys(""):
            name, _, rest = key.partition("/")
            if made_at(name) is not None:  # what we did not name is not ours to delete
                stored[name].add(rest.partition("/")[0])
        known: dict[str, Job] = {}
        names = list(stored)
        for start in range(0, len(names), 500):
            known |= self._jobs.ids(names[start : start + 500])
        deleted = self._sweep_unknown(stored, known) + self._sweep_attempts(stored, known)
        UNWRITTEN.add(ORPHANS.one(by=deleted))
        return deleted

    def _sweep_unknown(self, stored: dict[str, set[str]], known: dict[str, Job]) -> int:
        old = [name for name in stored if name not in known and (made_at(name) or 0.0) < self._clock() - ORPHAN_S]
        in_use = sources.owners_in_use(self._jobs.database, old)  # by other jobs, or as uploads
        old = [name for name in old if name not in in_use]
        if len(old) > max(UNKNOWN_AT_MOST, len(known)):
            _log.error("%d stored jobs are unknown to this database; nothing of them is deleted", len(old))
            return 0
        return sum(sources.delete_unused(self._jobs.database, self._storage, name) for name in old)

    def _sweep_attempts(self, stored: dict[str, set[str]], known: dict[str, Job]) -> int:
        deleted = 0
        for name, job in known.items():
            if job.state is State.EXPIRED:
                deleted += sources.delete_unused(self._jobs.database, self._storage, name)
            elif job.state.final:
                winner = str(job.attempt) if job.result is not None else None
                lost = [part for part in stored[name] if part.isdigit() and part != winner]
                for part in lost:
                    deleted += sources.delete_unused(self._jobs.database, self._storage, name, part)
        return deleted

    def _delete(self, owner: str, below: str = "") -> None:
        try:
            sources.delete_unused(self._jobs.database, self._storage, owner, below)
        except StorageError as error:
            _log.warning("%s/%s: %s; the sweep will find it", owner, below, error)

    def _take_turn(self) -> None:
        try:
            self.turn()
        finally:
            self._after()
