"""The sampler's bench on a network of a few numbers: every row is there and the ratios are of the right rows."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from synth.benchmarks import job, sampler
from synth.cli import learn
from synth.errors import OptionError
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


@needs_library
def test_another_build_stands_beside_ours(tmp_path: Path) -> None:
    other = tmp_path / "synth" / "sampler" / "_cpu.abi3.so"
    other.parent.mkdir(parents=True)
    shutil.copy(native.library()._name, other)
    config = SampleRNNConfig((8, 4), 16, embedding=8, quantiser="linear")
    found = sampler.sampler(config, (1,), (24,), rounds=3, patience_s=0.0, beside=tmp_path)
    rows = [row for row in found["rows"] if row["name"] == sampler.OTHER_BUILD]
    threads = {row["threads"] for row in rows}
    assert len(rows) == 3 * len(threads) + 9
    assert {row["kernels"] for row in rows} == {f"cpu {native.best()}"}
    assert {
        "int8, 1 streams: times ours, other build int8",
        "width 24, bf16, 8 streams: times ours, other build bf16",
    } <= {*found["ratios"]}


@pytest.mark.parametrize("content", [None, b"no library"])
def test_what_is_no_build_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "_cpu.abi3.so").write_bytes(content)
    with pytest.raises(OptionError, match="no build of the sampler"):
        sampler.sampler(beside=tmp_path)


def test_another_build_belongs_to_some_benches_only(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="it belongs to sampler"):
        learn.measure("job", job.BENCHES, job.COMPARED, beside=tmp_path, as_json=True)


def test_the_bench_has_a_name() -> None:
    assert "sampler" in job.BENCHES
