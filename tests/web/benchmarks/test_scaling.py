"""More workers do more jobs; the figures say how many more."""

from __future__ import annotations

import pytest

from web.benchmarks.scaling import Load, scaling


@pytest.mark.slow
def test_two_workers_are_counted_against_one() -> None:
    figures = scaling(Load(workers=(1, 2), service_ms=400, jobs_a_worker=3, rounds=1))
    one, two = figures["rows"]
    assert (one["workers"], two["workers"]) == (1, 2)
    assert one["times_one"] == 1.0
    assert 0 < one["of_ideal"] <= 1
    assert two["jobs_per_s"]["median"] > 0
    assert figures["ran_on"]["database"] == "sqlite"
