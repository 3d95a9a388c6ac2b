"""What the lanes of one process may do at the same time: whatever a worker was lost with is done beside nothing.

A lane is a thread that claims and does jobs: the process's own, those of jobs that are done side by side, and that of
what somebody waits for (:mod:`workers.tasks.quick_lane`). A process that ends takes the jobs of all its lanes with it.
Where it did so with several, none of them is blamed (:meth:`workers.leases.Leases.abandon`), and each is done by itself
from then on: so a job that ends its process is found out, and uses up no attempts but its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence

from workers.jobs import Job


class Lanes:
    """How many jobs this process does, and whether one of them has to be alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held = 0
        self._alone = False  # the one that is done was lost with a worker
        self._waiting = 0  # lanes that wait to be alone; meanwhile no other claims anything

    def claim(self, claim: Callable[[bool], Sequence[Job]], lost: Callable[[], Collection[str]]) -> Sequence[Job]:
        """Claim jobs, each of which is to be released. What may be claimed only alone is waited for.

        Args:
            claim: takes jobs; called with whether none of a lost worker may be taken.
            lost: ids of the jobs of lost workers that may be taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._waiting)
            suspects = lost()
            if suspects and self._held:
                self._waiting += 1
                try:
                    self._changed.wait_for(lambda: not self._held)
                finally:
                    self._waiting -= 1
                    self._changed.notify_all()
            # A worker may be lost between the two questions. Where none was, none of its jobs is taken until the next
            # time; where one was, what is taken may be another one's, and tells it by its attempts: it comes alone.
            found = claim(self._held > 0 or not suspects)
            self._held += len(found)
            self._alone = bool(suspects) and len(found) == 1 and found[0].attempt > 1
            return found

    def release(self, count: int) -> None:
        """So many jobs are done."""
        with self._changed:
            self._held -= count
            self._alone = False
            self._changed.notify_all()
