"""How long a job should take here: learnt from what the stages of earlier jobs of its mode took.

Of each mode and stage a straight line is kept, ``seconds = fixed + slope * clip seconds``, fitted by weighted least
squares; a job counts :data:`FORGETTING` of the one after it, so a machine that became faster is believed after some
twenty jobs. A stage that makes something for each take counts the clip once a take. The workers learn, everybody asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from workers.database import Database
from workers.owners.turns import insert
from workers.records import JOBS, Job, State
from workers.timing.tables import STAGE_TIMES

FORGETTING: Final = 0.92
NEWEST: Final = 20
"""Where no stage was measured yet, so many of the newest finished jobs of the mode speak for it."""
SHARED_STAGES: Final = ("fetch", "route", "look", "faces")
"""The stages that a job goes through once, however many takes it has."""
_SPREAD: Final = 0.05  # of the square of the mean: with less spread of lengths no slope can be told


@dataclass(frozen=True)
class StageTime:
    """What is known of one stage of one mode: the sums of :data:`workers.timing.tables.STAGE_TIMES`."""

    weight: float = 0.0
    sum_x: float = 0.0
    sum_y: float = 0.0
    sum_xx: float = 0.0
    sum_xy: float = 0.0

    def learnt(self, clip_s: float, seconds: float) -> StageTime:
        """With one more job, the older ones counting less."""
        return StageTime(
            FORGETTING * self.weight + 1.0,
            FORGETTING * self.sum_x + clip_s,
            FORGETTING * self.sum_y + seconds,
            FORGETTING * self.sum_xx + clip_s * clip_s,
            FORGETTING * self.sum_xy + clip_s * seconds,
        )

    def seconds(self, clip_s: float) -> float:
        """What a clip of that length should take, in seconds; never negative."""
        mean_x, mean_y = self.sum_x / self.weight, self.sum_y / self.weight
        variance = self.sum_xx / self.weight - mean_x * mean_x
        if variance <= _SPREAD * mean_x * mean_x:  # all of one length: nothing tells the fixed part from the slope
            return mean_y * clip_s / mean_x if mean_x > 0 and clip_s > 0 else mean_y
        slope = (self.sum_xy / self.weight - mean_x * mean_y) / variance
        slope = min(max(0.0, slope), mean_y / mean_x)  # neither a negative slope nor a negative fixed part
        return mean_y + slope * (clip_s - mean_x)


def work_of(info: Mapping[str, Any], options: Mapping[str, Any], stage: str) -> float:
    """Seconds of the clip that a stage goes through, each take counted where it makes something of each."""
    clip_s = float(info.get("duration_s") or 0.0)
    return clip_s if stage in SHARED_STAGES else clip_s * int(options.get("takes") or 1)


def learn(database: Database, job: Job, stages_s: Mapping[str, float]) -> None:
    """Take a finished job's stages into account.

    Args:
        stages_s: stage -> wall seconds.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    with database.writing(synced=False) as connection:
        known = _read(connection, job.mode)
        rows = [
            {"mode": job.mode, "stage": stage, **vars(_learnt(known.get(stage), job, stage, seconds))}
            for stage, seconds in stages_s.items()
        ]
        for row in rows:
            same = sa.and_(STAGE_TIMES.c.mode == row["mode"], STAGE_TIMES.c.stage == row["stage"])
            if not connection.execute(sa.update(STAGE_TIMES).where(same).values(row)).rowcount:
                # Where another job of this mode was first at the same moment, this one is not learnt from.
                connection.execute(insert(connection, STAGE_TIMES).values(row).on_conflict_do_nothing())


def _learnt(known: StageTime | None, job: Job, stage: str, seconds: float) -> StageTime:
    return (known or StageTime()).learnt(work_of(job.info, job.options, stage), max(0.0, seconds))


class Expectations:
    """What was known of all modes at one moment; asks the database once for each mode that was never measured.

    Raises:
        DatabaseError: the database cannot be reached; so do the methods.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as connection:
            self._known: dict[str, dict[str, StageTime]] = {}
            for row in connection.execute(sa.select(STAGE_TIMES)):
                self._known.setdefault(row.mode, {})[row.stage] = _stage_time(row)
        self._means: dict[str, float | None] = {}

    def stages_s(self, mode: str, info: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, float]:
        """Stage -> seconds that it should take; empty where none of the mode was measured."""
        return {
            stage: known.seconds(work_of(info, options, stage)) for stage, known in self._known.get(mode, {}).items()
        }

    def seconds(self, mode: str, info: Mapping[str, Any], options: Mapping[str, Any]) -> float | None:
        """Seconds from the claim to the end; ``None`` where no job of the mode has ended yet."""
        stages_s = self.stages_s(mode, info, options)
        return sum(stages_s.values()) if stages_s else self._mean(mode)

    def _mean(self, mode: str) -> float | None:
        if mode not in self._means:
            took = JOBS.c.finished_at - JOBS.c.started_at
            done = sa.select(took).where(JOBS.c.mode == mode, JOBS.c.state == State.SUCCEEDED, took >= 0)
            with self._database.reading() as connection:
                times_s = list(connection.scalars(done.order_by(JOBS.c.id.desc()).limit(NEWEST)))
            self._means[mode] = float(sum(times_s)) / len(times_s) if times_s else None
        return self._means[mode]


def expected_seconds(database: Database, job: Job) -> float | None:
    """How long a job should take from its claim to its end, in seconds; ``None`` where nothing is known of its mode.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    return Expectations(database).seconds(job.mode, job.info, job.options)


def remaining_seconds(expected_s: float, progress: float, elapsed_s: float) -> float:
    """What is left of a running job, in seconds.

    Its progress is weighted by the same times, so what is left of them is ``1 - progress``; but a job that so far
    took longer or shorter than expected will go on so, and that counts the more the farther it is.

    Args:
        progress: of the whole job, 0..1.
        elapsed_s: since its claim.
    """
    if progress <= 0.0:
        return max(0.0, expected_s - elapsed_s)
    pace = min(4.0, max(0.25, elapsed_s / (progress * expected_s))) if expected_s > 0 else 1.0
    return max(0.0, (1.0 - progress) * expected_s * (1.0 + progress * (pace - 1.0)))


def spans(stages_s: Mapping[str, float], order: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The share of the whole job that each stage is, as from and to, 0..1, where all stages of ``order`` are known.

    Empty where one is not: a bar that jumps tells less than one that guesses.
    """
    total = sum(stages_s.get(stage, 0.0) for stage in order)
    if total <= 0.0 or not all(stage in stages_s for stage in order):
        return {}
    found, low = {}, 0.0
    for stage in order:
        high = min(1.0, low + stages_s[stage] / total)
        found[stage], low = (low, high), high
    return found


def _read(connection: sa.Connection, mode: str) -> dict[str, StageTime]:
    rows = connection.execute(sa.select(STAGE_TIMES).where(STAGE_TIMES.c.mode == mode).with_for_update())
    return {row.stage: _stage_time(row) for row in rows}


def _stage_time(row: sa.Row[Any]) -> StageTime:
    return StageTime(row.weight, row.sum_x, row.sum_y, row.sum_xx, row.sum_xy)
