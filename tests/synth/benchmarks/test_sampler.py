"""The sampler's bench on a network of a few numbers: every row is there and the ratios are of the right rows."""

from __future__ import annotations

import math

import pytest

from synth.benchmarks import job, sampler
from synth.models.samplernn import SampleRNNConfig
from synth.sampler import native

needs_library = pytest.mark.skipif(native.library() is None, reason="the library was not built")


@needs_library
def test_every_way_is_measured_and_compared() -> None:
    config = SampleRNNConfig((8, 4), 16, layers=2, embedding=8, quantiser="linear")
    found = sampler.sampler(config, (1, 3), (24,), rounds=3, patience_s=0.0)
    threads = {row["threads"] for row in found["rows"]}
    assert len(found["rows"]) == len(threads) * 2 * 7 + 9
    assert all(0 < row["p10"] <= row["samples_per_s"] <= row["p90"] for row in found["rows"])
    best = {
        name: max(
            row["samples_per_s"]
            for row in found["rows"]
            if (row["name"], row["precision"], row["batch"], row["width"]) == (name, "bf16", 3, 16)
        )
        for name in (sampler.OURS, sampler.STRONG)
    }
    ratio = found["ratios"]["bf16, 3 streams: times strong eager bf16"]
    assert math.isclose(ratio, best[sampler.OURS] / best[sampler.STRONG], rel_tol=0.01)
    assert len(found["roofline"]) == len(threads) * 2 * 3
    assert found["left_out"]


def test_the_bench_has_a_name() -> None:
    assert "sampler" in job.BENCHES
