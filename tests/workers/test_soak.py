"""`make soak`: a server for half an hour under load and faults; what it holds may not grow.

``SOAK_S`` names another length in seconds.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support import servers
from tests.support.running_server import House, group_of, kill_group
from workers.embedded.supervisor import Embedded
from workers.jobs import Job, State

SOAK_S: Final = float(os.environ.get("SOAK_S", "1800"))
WARM_UP: Final = 0.25  # share of the time after which nothing may grow any more
FAULT_EVERY_S: Final = 30.0
SAMPLE_EVERY_S: Final = 2.0
MOST_WAITING: Final = 4
GROWTH: Final = 1.05
SPARE_MB, SPARE_FILES = 16.0, 8

pytestmark = [pytest.mark.slow, pytest.mark.soak]


@dataclass(frozen=True)
class Sample:
    """What the server's programs hold at a moment, all of them together."""

    memory_mb: float
    descriptors: int
    temporary_files: int


def sample(services: Embedded, house: House) -> Sample | None:
    """None while a program is being replaced: fewer hold less."""
    leaders = [one.pid for one in (services.broker, *services.workers) if one is not None]
    if not services.ready or None in leaders:
        return None
    pids = [pid for leader in leaders if leader for pid in group_of(leader)]
    try:
        memory_kb = sum(_proportional_kb(pid) for pid in pids)
        descriptors = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)
    except (FileNotFoundError, ProcessLookupError):
        return None
    left = sum(1 for one in house.settings.work_dir.rglob("*") if one.is_file())
    return Sample(memory_kb / 1024, descriptors, left)


def _proportional_kb(pid: int) -> int:
    """What a process holds, with its share of what several hold."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def test_nothing_grows(tmp_path: Path, flash_clip: Path) -> None:
    house = House.build(tmp_path / "data", flash_clip, max_attempts=20)
    samples: list[tuple[float, Sample]] = []
    jobs: list[Job] = []
    faults = 0
    with house.running(workers=2) as services:
        began = time.monotonic()
        while (age_s := time.monotonic() - began) < SOAK_S:
            waiting = [job for job in house.jobs.ids([job.id for job in jobs[-50:]]).values() if not job.state.final]
            while len(waiting) < MOST_WAITING:
                jobs.append(house.submit(seed=200))
                waiting.append(jobs[-1])
            if age_s >= (faults + 1) * FAULT_EVERY_S:
                victims = (services.workers[0], services.broker, services.workers[1])
                victim = victims[faults % len(victims)]
                kill_group(victim.pid if victim else None)
                faults += 1
            if found := sample(services, house):
                samples.append((age_s, found))
            time.sleep(SAMPLE_EVERY_S)
        ids = [job.id for job in jobs]
        servers.wait_until(lambda: all(job.state.final for job in house.jobs.ids(ids).values()), patience_s=300)
    ended = list(house.jobs.ids(ids).values())
    house.close()
    early = [one for age_s, one in samples if WARM_UP <= age_s / SOAK_S < 2 * WARM_UP]
    late = [one for age_s, one in samples if age_s / SOAK_S >= 1 - WARM_UP]
    print(f"{len(ended)} jobs, {faults} kills, {sum(job.attempt for job in ended)} attempts in {SOAK_S:.0f} s")
    for name in ("memory_mb", "descriptors", "temporary_files"):
        first, last = (_middle([getattr(one, name) for one in part]) for part in (early, late))
        print(f"{name}: {first:.1f} early, {last:.1f} late")
    assert [job.error for job in ended if job.state is not State.SUCCEEDED] == []
    assert _middle([one.memory_mb for one in late]) <= GROWTH * _middle([one.memory_mb for one in early]) + SPARE_MB
    assert _middle([one.descriptors for one in late]) <= _middle([one.descriptors for one in early]) + SPARE_FILES
    assert _middle([one.temporary_files for one in late]) <= (
        _middle([one.temporary_files for one in early]) + SPARE_FILES
    )


def _middle(values: list[float]) -> float:
    assert values, "no sample was taken: the time is too short"
    return sorted(values)[len(values) // 2]
