"""Faults of a process that nobody asks for its metrics, carried over to the counters in the database."""

from __future__ import annotations

from collections import Counter

from workers.faults import Faults
from workers.telemetry.counters import UNWRITTEN
from workers.telemetry.families import WORKER_FAULTS


class FaultTally:
    """Of a worker. Call :meth:`look` now and then, from one thread."""

    def __init__(self, *parts: Faults) -> None:
        self._parts = parts
        self._counted: Counter[tuple[str, str]] = Counter()

    def look(self) -> None:
        """Count what is new since the last look."""
        for part in self._parts:
            for kind, count in part.counts.items():
                if new := count - self._counted[part.part, kind]:
                    self._counted[part.part, kind] = count
                    UNWRITTEN.add(WORKER_FAULTS.one(part.part, kind, by=new))
