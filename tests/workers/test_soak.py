"""`make soak`: a whole server for half an hour under load and faults; what it holds may not grow.

``SOAK_S`` names another length in seconds. The load is light and mixed: what is looked for is what piles up.
"""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support.kept import keep
from tests.support.servers import wait_until
from tests.support.serving import KEY_ENTRY, serving
from tests.support.soak import Sample, Soaked, Traffic, started
from web.client.errors import ClientError, Unreachable

SOAK_S: Final = float(os.environ.get("SOAK_S", "1800"))
WARM_UP: Final = 0.25  # share of the time after which nothing may grow any more
FAULT_EVERY_S: Final = 40.0
CALM_S: Final = 20.0  # after a fault, before anything is measured
TURN_EVERY_S: Final = 2.0
GROWTH: Final = 1.05
SPARE: Final = {"_mb": 16.0, "descriptors": 8.0, "files": 8.0}

pytestmark = [pytest.mark.slow, pytest.mark.soak]


def test_nothing_grows(flash_clip: Path) -> None:
    samples: list[tuple[float, Sample]] = []
    how: dict[str, Any] = {"SONORIZE_API_KEYS": KEY_ENTRY, "SONORIZE_MAX_ATTEMPTS": "20"}
    with serving("--workers", "2", "--search-workers", "0", **how) as server:
        soaked, traffic = started(server), Traffic(server, flash_clip)
        stuck = _lead(soaked, traffic, samples)
        wait_until(lambda: not soaked.unfinished(), 300, 0.5)
        ends, held = soaked.ends(), _held(samples)
        figures = {
            "seconds": SOAK_S,
            "done": dict(traffic.done),
            "jobs": len(traffic.ids),
            "faults": dict(soaked.struck),
            "stuck": len(stuck),
            "stuck_jobs": list(stuck.values()),
            "ends_of_jobs_kept": ends,
            "held": held,
        }
        keep("soak", figures)
        traffic.close()
        wait_until(soaked.whole, 60, 0.5)
        assert server.stop() == 0
    assert set(ends) <= {"succeeded", "canceled"}
    assert stuck == {}
    grown = {name: one for name, one in held.items() if one["late"] > one["allowed"]}
    assert grown == {}


def _lead(soaked: Soaked, traffic: Traffic, samples: list[tuple[float, Sample]]) -> dict[str, dict[str, Any]]:
    """Load, faults and samples by the clock; the jobs that were stuck at a moment, as they were when that ended."""
    began = struck_at = time.monotonic()
    stuck: dict[str, dict[str, Any]] = {}
    while (age_s := time.monotonic() - began) < SOAK_S:
        turn_began = time.monotonic()
        try:
            traffic.turn()
        except ClientError as error:
            # The server itself is never hit, so whatever it answers under these faults must be an acceptance.
            pytest.fail(f"after {age_s:.0f} s: {error}")
        except (Unreachable, httpx.TransportError):
            traffic.done["answers that did not come in time"] += 1
        if time.monotonic() - struck_at >= FAULT_EVERY_S:
            soaked.strike()
            struck_at = time.monotonic()
        if time.monotonic() - struck_at >= CALM_S and (found := soaked.sample()):
            samples.append((age_s, found))
        for job in soaked.stuck():
            stuck[job["id"]] = {**job, "at_s": round(age_s), "since_fault_s": round(time.monotonic() - struck_at)}
        time.sleep(max(0.0, TURN_EVERY_S - (time.monotonic() - turn_began)))
    return stuck


def _held(samples: list[tuple[float, Sample]]) -> dict[str, Any]:
    """The median of each figure in the second and in the last quarter of the time, and what the latter may be."""
    early = [one for age_s, one in samples if WARM_UP <= age_s / SOAK_S < 2 * WARM_UP]
    late = [one for age_s, one in samples if age_s / SOAK_S >= 1 - WARM_UP]
    held = {}
    for field in dataclasses.fields(Sample):
        first, last = (_middle([getattr(one, field.name) for one in part]) for part in (early, late))
        spare = next(value for ending, value in SPARE.items() if field.name.endswith(ending))
        allowed = (GROWTH * first if field.name.endswith("_mb") else first) + spare
        held[field.name] = {"early": round(first, 1), "late": round(last, 1), "allowed": round(allowed, 1)}
    return held


def _middle(values: list[float]) -> float:
    assert values, "no sample was taken: the time is too short"
    return sorted(values)[len(values) // 2]
