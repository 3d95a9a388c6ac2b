"""The queue as it stood at one moment: who is where in it, and when who should be done. One look serves a whole list.

Workers take the jobs of all their modes, so a job waits for those of other modes before it too; its *position* counts
those of its own mode, as it always did.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from workers.database import Database
from workers.records import IS_HELD, JOBS, Job, State
from workers.timing.expectation import Expectations, remaining_seconds
from workers.timing.presence import present
from workers.timing.remembered import Remembered

REMEMBERED_S: Final = 0.5
"""For how long a look counts while nothing changes."""
LONG_QUEUE: Final = 100  # jobs; of fewer, each look tells what is so at that moment
LOOKING_SHARE: Final = 0.05
_WAITING_AT_MOST = 5000


@dataclass(frozen=True)
class _Waiting:
    position: int
    before_s: float  # seconds of work before it, of all modes


_Line = tuple[list[tuple[float, float, str]], list[float]]
"""Of a mode: the turns of those that wait, in order, and until when all work up to each of them takes."""


class QueueView:
    """Read with :meth:`read`."""

    def __init__(
        self,
        expectations: Expectations,
        waiting: dict[str, _Waiting],
        lines: dict[str, _Line],
        abreast: int,
        workers: int,
        wall_s: float,
    ) -> None:
        self._expectations, self._waiting, self._lines, self._wall_s = expectations, waiting, lines, wall_s
        self.abreast = abreast
        self.workers = workers

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @classmethod
    def read(cls, database: Database, now_s: float, wall_s: float) -> QueueView:
        """How the queue stands.

        Args:
            now_s: by the scheduling clock.
            wall_s: by the clock that people read, in which jobs say when they began.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        columns = (JOBS.c.id, JOBS.c.mode, JOBS.c.progress, JOBS.c.started_at, JOBS.c.queued_at, JOBS.c.turn, *_WORK)
        held = sa.select(*columns).where(IS_HELD, JOBS.c.lease_until >= now_s)
        waits = sa.select(*columns).where(JOBS.c.state == State.QUEUED)
        waits = waits.order_by(JOBS.c.turn, JOBS.c.queued_at, JOBS.c.id).limit(_WAITING_AT_MOST)
        with database.reading() as connection:
            running, queue = connection.execute(held).all(), connection.execute(waits).all()
        expectations = Expectations(database)
        # Not workers: one may do several at once, where their voice can.
        abreast = max(1, len(running))
        before_s = 0.0
        for row in running:
            expected_s = expectations.seconds(row.mode, *_asked(row)) or 0.0
            before_s += remaining_seconds(expected_s, row.progress, wall_s - (row.started_at or wall_s))
        waiting, lines = {}, dict[str, _Line]()
        for row in _merged(queue):
            line = lines.setdefault(row.mode, ([], []))
            line[0].append((row.turn, row.queued_at, row.id))
            waiting[row.id] = _Waiting(len(line[0]), before_s)
            before_s += expectations.seconds(row.mode, *_asked(row)) or 0.0
            line[1].append(before_s)
        return cls(expectations, waiting, lines, abreast, present(database, now_s), wall_s)

    def position(self, job: Job) -> int:
        """The job's place among those of its mode that wait, 1 for the next; 0 when it does not wait."""
        return 0 if job.state is not State.QUEUED else self._place(job).position

    def _place(self, job: Job) -> _Waiting:
        """Where a waiting job stands; one that came after the look, where its turn puts it."""
        if job.id in self._waiting:
            return self._waiting[job.id]
        turns, until_s = self._lines.get(job.mode, ([], []))
        before = bisect.bisect(turns, (job.turn, job.queued_at, job.id))
        return _Waiting(before + 1, until_s[before - 1] if before else 0.0)

    def eta_s(self, job: Job) -> float | None:
        """Seconds from this moment until the job should be done; ``None`` where nothing is known of its mode."""
        if job.state.final:
            return 0.0
        expected_s = self._expectations.seconds(job.mode, job.info, job.options)
        if expected_s is None:
            return None
        if job.state is State.QUEUED:
            return expected_s + self._place(job).before_s / self.abreast
        return remaining_seconds(expected_s, job.progress, self._wall_s - (job.started_at or self._wall_s))


class QueueLooks:
    """Looks at the queue of one database, each of which counts until something changes. For many threads.

    Args:
        now: the scheduling clock.
        wall: the clock that people read.
    """

    def __init__(self, database: Database, now: Callable[[], float], wall: Callable[[], float]) -> None:
        self._database, self._now, self._wall = database, now, wall
        self._remembered = Remembered(database, REMEMBERED_S, most=1)
        self._long: tuple[tuple[int, int], QueueView, float] | None = None

    def moment(self) -> tuple[int, int]:
        """This moment by both clocks, in units of :data:`REMEMBERED_S`."""
        return int(self._now() / REMEMBERED_S), int(self._wall() / REMEMBERED_S)

    def view(self) -> QueueView:
        """How the queue stands.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        return self._remembered.get(self.moment(), self._look)

    def _look(self) -> QueueView:
        """Looks no oftener at a long queue than a twentieth of the time allows: each job that comes changes it."""
        began, moment, known = time.monotonic(), self.moment(), self._long
        if known is not None and known[0] == moment and began < known[2]:
            return known[1]
        view = QueueView.read(self._database, self._now(), self._wall())
        if len(view) >= LONG_QUEUE:
            self._long = moment, view, began + (time.monotonic() - began) / LOOKING_SHARE
        return view


_WORK = (
    JOBS.c.info["duration_s"].as_float().label("clip_s"),
    JOBS.c.options["takes"].as_integer().label("takes"),
)


def _merged(queue: Sequence[Any]) -> list[Any]:
    """The queues of all modes as one: each in the order of its turns, which say nothing of other modes' turns.

    The first of each stands where the longest waiting of its mode would stand, and so on.
    """
    moments: dict[str, list[float]] = {}
    for row in queue:
        moments.setdefault(row.mode, []).append(row.queued_at)
    for mode in moments:
        moments[mode].sort(reverse=True)
    placed = [(moments[row.mode].pop(), number, row) for number, row in enumerate(queue)]
    return [row for _, _, row in sorted(placed, key=lambda one: one[:2])]


def _asked(row: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"duration_s": row.clip_s}, {"takes": row.takes}
