"""The thread that takes away what nobody will ask for: what killed processes left, files of deleted jobs, old sessions.

It runs beside the web, whose uploads and deletions leave most of it.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Final

from workers.batches import refusals
from workers.faults import Part
from workers.files import disk, objects, tombstones
from workers.files.ballast import Ballast
from workers.files.storage import Storage
from workers.jobs import Jobs
from workers.sessions import Sessions
from workers.uploads.store import Uploads

TURN_S: Final = 10.0
SWEEP_S: Final = 3600.0
LEFTOVER_S: Final = 2 * 3600.0  # untouched for so long: no upload that goes on rests so long
UNOWNED_S: Final = 24 * 3600.0


class Cleanup(Part):
    """Takes away what nobody will ask for.

    Args:
        spool: the folder of uploads that arrive.

    Attributes:
        removed: how much was taken away since the start, by kind: ``storage``, ``spool``, ``deleted_jobs``,
            ``uploads``.
    """

    def __init__(self, jobs: Jobs, storage: Storage, spool: Path, ballast: Ballast, uploads: Uploads) -> None:
        super().__init__("cleanup", TURN_S, at_once=True)
        self._jobs, self._storage, self._spool, self._ballast = jobs, storage, spool, ballast
        self._uploads = uploads
        self._sessions = Sessions(jobs)
        self._sweep_at = 0.0  # monotonic: the first turn sweeps
        self.removed = Counter({"storage": 0, "spool": 0, "deleted_jobs": 0, "uploads": 0})

    def turn(self) -> None:
        """Delete what deleted jobs left; at first and then every hour, sweep.

        Raises:
            WorkError: the database or the storage cannot be reached; what does not need them was done.
        """
        self._ballast.restore()
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_S
            self.sweep()
        self.removed["uploads"] += len(self._uploads.expire())
        self.removed["deleted_jobs"] += tombstones.delete_all_files(self._jobs.database, self._storage)

    def sweep(self, older_than_s: float = LEFTOVER_S) -> None:
        """Remove what uploads left that broke off so long ago, and what has had its time. Raises as :meth:`turn`."""
        self._spool.mkdir(parents=True, exist_ok=True)
        self.removed["spool"] += disk.remove_abandoned(self._spool, older_than_s)
        for stray in self._uploads.strays():
            stray.unlink(missing_ok=True)
            self.removed["uploads"] += 1
        self._sessions.remove_expired()
        refusals.forget(self._jobs.database, time.time() - UNOWNED_S)
        objects.forget_unowned(self._jobs.database, time.time() - UNOWNED_S)
        self.removed["storage"] += self._storage.remove_unfinished(older_than_s)
