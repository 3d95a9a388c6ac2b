"""Seconds by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from synth.stopwatch import Stopwatch
from tests.support.patience import shared_by


def test_inner_stages_are_counted_once() -> None:
    watch = Stopwatch()
    closed = []

    def items() -> Iterator[int]:
        try:
            for number in range(3):
                time.sleep(0.02)
                yield number
        finally:
            closed.append(True)

    begin = time.perf_counter()
    with watch.stage("outer"):
        for _ in watch.each("inner", items()):
            time.sleep(0.01)
    total_s = time.perf_counter() - begin
    assert list(watch.stages_s) == ["inner", "outer"]
    assert watch.stages_s["inner"] >= 0.06
    assert watch.stages_s["outer"] >= 0.03
    assert sum(watch.stages_s.values()) == pytest.approx(total_s, abs=0.005 * shared_by())
    assert closed == [True]


def test_a_consumer_that_stops_early_closes_its_source() -> None:
    watch = Stopwatch()
    closed = []

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    taken = watch.each("inner", items())
    next(taken)
    taken.close()  # type: ignore[attr-defined]
    assert closed == [True]
