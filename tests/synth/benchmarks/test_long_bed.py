"""The bench of a long bed, on a short one: both ways are measured, and the ratio is theirs."""

from __future__ import annotations

import pytest

from synth.benchmarks import job
from synth.benchmarks.long_bed import long_bed


def test_both_ways_are_measured() -> None:
    found = long_bed(9.0, rounds=1)
    assert found["segments"] == 2
    assert found["ratio"] == pytest.approx(found["one_stream_s"] / found["segments_s"], rel=0.1)
    assert found["times_real_time"] == pytest.approx(9.0 / found["segments_s"], rel=0.1)
    assert [len(seconds) for seconds in found["repetitions"].values()] == [1, 1]
    assert "long-bed" in job.BENCHES
