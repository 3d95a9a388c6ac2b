"""The control flow of `make gpu`, without a GPU: checks first, rows by priority, a file that is always whole."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from scripts import gpu, gpu_checks
from scripts.gpu_report import HARD_S, OVERDUE, Report, Row
from synth.sampler.cuda.device import CudaDevice

ROOT = Path(__file__).parents[3]


def _row(priority: int, kind: str, done: list[str], ends: Callable[[], None] = lambda: None) -> Row:
    def timed() -> tuple[list[float], int, str]:
        done.append(kind)
        ends()
        return [0.002, 0.001, 0.004], 6400, "2"

    return Row(priority, kind, "bf16", 64, timed)


def _read(path: Path) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(path.read_text()))


def test_rows_come_by_priority_and_their_figures_are_of_the_median(tmp_path: Path) -> None:
    done: list[str] = []
    report = Report(target=tmp_path / "found.json")
    report.measure([_row(2, "last", done), _row(0, "first", done), _row(1, "second", done), _row(0, "next", done)])
    assert done == ["first", "next", "second", "last"]
    row = _read(tmp_path / "found.json")["rows"][0]
    assert (row["kind"], row["teams"], row["samples_per_s"]) == ("first", "2", 3_200_000)
    assert (row["least"], row["greatest"]) == (1_600_000, 6_400_000)
    assert row["us_a_step"] == pytest.approx(20.0)
    assert row["job_10_s"] == pytest.approx(3.2)


def test_what_no_time_is_left_for_is_named_and_not_begun(tmp_path: Path) -> None:
    done: list[str] = []
    report = Report(target=tmp_path / "found.json", budget_s=30.0)

    def spend() -> None:
        report.began -= 25.0

    report.measure([_row(0, "first", done, spend), _row(1, "second", done)])
    assert report.check("late", lambda: pytest.fail("it was begun"), least_s=10.0) is not False
    assert done == ["first"]
    found = _read(tmp_path / "found.json")
    assert [row["kind"] for row in found["rows"]] == ["first"]
    assert found["checks"] == []
    assert found["notes"] == [
        "second bf16 64: left out, no time was left",
        "late: left out, no time was left",
    ]


def test_a_run_that_is_ended_leaves_what_was_done(tmp_path: Path) -> None:
    report = Report(target=tmp_path / "found.json")
    done: list[str] = []

    def interrupted() -> None:
        raise KeyboardInterrupt

    assert report.check("a check", lambda: "good")
    with pytest.raises(KeyboardInterrupt):
        report.measure([_row(0, "first", done), _row(1, "second", done, interrupted), _row(2, "third", done)])
    found = _read(tmp_path / "found.json")
    assert [check["check"] for check in found["checks"]] == ["a check"]
    assert [row["kind"] for row in found["rows"]] == ["first"]
    assert list(tmp_path.iterdir()) == [tmp_path / "found.json"]


def test_a_row_or_check_that_fails_leaves_the_others(tmp_path: Path) -> None:
    report = Report(target=tmp_path / "found.json")
    done: list[str] = []

    def fail() -> None:
        raise ValueError("out of registers")

    def wrong() -> str:
        raise ValueError("other bytes")

    assert not report.check("a check", wrong)
    report.measure([_row(0, "first", done, fail), _row(1, "second", done)])
    found = _read(tmp_path / "found.json")
    assert found["checks"][0]["ok"] is False
    assert [row["kind"] for row in found["rows"]] == ["second"]
    assert found["notes"] == ["first bf16 64: ValueError: out of registers"]


def test_something_that_hangs_is_ended_by_the_clock_and_named(tmp_path: Path) -> None:
    target = tmp_path / "found.json"
    code = (
        "import time, pathlib\n"
        "from scripts.gpu_report import Report, Row\n"
        f"report = Report(target=pathlib.Path({str(target)!r}))\n"
        "report.check('a check', lambda: 'good')\n"
        "report.end_by(time.monotonic() - report.began + 0.3)\n"
        "report.measure([Row(0, 'kernel', 'int8', 1, lambda: time.sleep(600))])\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == OVERDUE
    assert time.monotonic() - began < 300
    found = _read(target)
    assert found["notes"] == ["the time was over in kernel int8 1"]
    assert [check["check"] for check in found["checks"]] == ["a check"]


def test_the_run_ends_before_ten_minutes() -> None:
    assert Report().budget_s < HARD_S < 600


class _NoDevice:
    """The table is made before anything runs: nothing of the device may be used."""


def test_the_table_begins_with_what_decides_and_holds_every_row() -> None:
    rows = sorted(gpu.table(cast(CudaDevice, _NoDevice()), [False, True]), key=lambda row: row.priority)
    names = [row.name for row in rows]
    assert len(names) == len(set(names)) == 2 * 15 + 10 + 2 + 2 + 3
    first = {row.name for row in rows if row.priority == 0}
    assert {"kernel int8 1", "kernel bf16 64", "cluster kernel int8 1024", "cuda graph of torch bf16 1"} <= first
    assert "kernel, ambient decoder shipped 64" in first
    assert names[-1].startswith("torch, eager")


def test_a_kernel_that_is_wrong_has_no_rows() -> None:
    rows = gpu.table(cast(CudaDevice, _NoDevice()), [])
    assert {row.kind for row in rows} == {"cuda graph of torch", "torch, eager"}


def test_checks_come_before_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    class Device(_NoDevice):
        name, capability, processors, shared_bytes = "none", (9, 0), 1, 1

        def clusters(self, *_: object) -> int:
            return 0

    def right(_device: object, _clusters: object) -> str:
        order.append("check")
        return "good"

    def step(name: str) -> Callable[..., str]:
        def do(*_: object) -> str:
            order.append(name)
            return "good"

        return do

    monkeypatch.setattr(gpu_checks, "CHECKS", (right, right))
    monkeypatch.setattr(gpu_checks, "graph", step("graph"))
    monkeypatch.setattr(gpu, "sanitize", step("sanitize"))
    monkeypatch.setattr(gpu, "measure_constants", step("constants"))
    monkeypatch.setattr(gpu, "table", lambda _device, kinds: [_row(0, f"kernel {kinds}", order)])
    report = Report(target=tmp_path / "found.json")
    gpu.on_gpu(report, cast(CudaDevice, Device()), tmp_path)
    assert order == ["check", "check", "graph", "sanitize", "constants", "kernel [False]"]
    assert _read(tmp_path / "found.json")["about"]["device"] == "none"
