"""What `make gpu` finds, in a file that is whole at every moment; rows by priority, and a clock that ends the run."""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUDGET_S = 540.0  # no check or row begins later
HARD_S = 590.0  # whatever still runs is left
ROW_S = 10.0  # what a row may need, its buffers and compilation among it
OVERDUE = 4  # exit code
RATE_HZ = 16_000


@dataclass
class Row:
    """A row of the table that may be measured: the lower its priority number, the sooner."""

    priority: int
    kind: str
    precision: str
    streams: int
    timed: Callable[[], tuple[list[float], int, str]]
    """Seconds of some launches, samples of all streams in each, and teams that shared them."""

    @property
    def name(self) -> str:
        return f"{self.kind} {self.precision} {self.streams}"


@dataclass
class Report:
    """What was found so far, in a file from the first moment on."""

    began: float = field(default_factory=time.monotonic)
    budget_s: float = BUDGET_S
    checks: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    constants: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    target: Path | None = None
    doing: str = "nothing"
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def left_s(self) -> float:
        return self.budget_s - (time.monotonic() - self.began)

    def check(self, name: str, do: Callable[[], str], *, least_s: float = 0.0) -> bool:
        """Make a check; what it found, or what is wrong."""
        if self.left_s() < least_s:
            self.note(f"{name}: left out, no time was left")
            return True
        self.doing = name
        begin = time.monotonic()
        try:
            detail, ok = do(), True
        except Exception as error:
            detail, ok = f"{type(error).__name__}: {error}", False
            traceback.print_exc()
        spent_s = time.monotonic() - begin
        self.checks.append({"check": name, "ok": ok, "detail": detail, "seconds": round(spent_s, 1)})
        print(f"{'ok  ' if ok else 'FAIL'}  {name}: {detail} ({spent_s:.1f} s)", flush=True)
        self.save()
        return ok

    def measure(self, rows: Sequence[Row]) -> None:
        """Rows by priority, as long as there is time; one that fails is noted."""
        for row in sorted(rows, key=lambda row: row.priority):
            if self.left_s() < ROW_S:
                self.note(f"{row.name}: left out, no time was left")
                continue
            self.doing = row.name
            try:
                seconds, samples, teams = row.timed()
            except Exception as error:
                self.note(f"{row.name}: {type(error).__name__}: {error}")
                traceback.print_exc()
                continue
            self.rows.append(as_row(row, seconds, samples, teams))
            print(self.rows[-1], flush=True)
            self.save()

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)
        self.save()

    def save(self) -> None:
        """Write everything, whole or not at all."""
        if self.target is None:
            return
        with self._writing:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            part = self.target.with_suffix(".part")
            part.write_text(json.dumps(self.as_json(), indent=1) + "\n", encoding="utf-8")
            part.replace(self.target)

    def end_by(self, hard_s: float) -> None:
        """End the process then, wherever it hangs: a launch that never returns is stopped by nothing else."""

        def overdue() -> None:
            sentence = f"the time was over in {self.doing}"
            self.note(sentence)
            print(f"{sentence}; written: {self.target}", flush=True)
            os._exit(OVERDUE)

        timer = threading.Timer(hard_s - (time.monotonic() - self.began), overdue)
        timer.daemon = True
        timer.start()

    def as_json(self) -> dict[str, Any]:
        names = ("about", "checks", "rows", "constants", "notes")
        return {**{name: getattr(self, name) for name in names}, "seconds": round(time.monotonic() - self.began, 1)}


def as_row(row: Row, seconds: list[float], samples: int, teams: str) -> dict[str, Any]:
    median = statistics.median(seconds)
    return {
        "kind": row.kind,
        "precision": row.precision,
        "streams": row.streams,
        "teams": teams,
        "samples_per_s": round(samples / median),
        "least": round(samples / max(seconds)),
        "greatest": round(samples / min(seconds)),
        "us_a_step": round(median / (samples / row.streams) * 1e6, 3),
        "job_10_s": round(10 * RATE_HZ * median / (samples / row.streams), 3),
    }


def add_floors(report: Report) -> None:
    """The part of a step that three exchanges must take, by the measured constants; and what a graph takes."""
    graphs = {(row["precision"], row["streams"]): row for row in report.rows if "graph" in row["kind"]}
    clock = report.constants.get("cycles a us", 0.0)
    for row in report.rows:
        if row["kind"] not in ("kernel", "cluster kernel"):
            continue
        barrier = "cluster barrier" if "cluster" in row["kind"] else "barrier of 16"
        exchange = report.constants.get(barrier, 0.0) + 2 * report.constants.get("l2 load", 0.0)
        if clock:
            row["floor_us"] = round(3 * exchange / clock, 3)
            row["of_floor"] = round(row["floor_us"] / row["us_a_step"], 3)
        graph = graphs.get((row["precision"] if row["precision"] != "int8" else "bf16", row["streams"]))
        if graph:
            row["times_graph"] = round(row["samples_per_s"] / graph["samples_per_s"], 2)


def print_table(report: Report) -> None:
    if report.constants:
        print("cycles: " + ", ".join(f"{name} {value:.0f}" for name, value in report.constants.items()))
    for note in report.notes:
        print(f"note: {note}")
    columns: Sequence[str] = ("kind", "precision", "streams", "teams", "samples_per_s", "us_a_step", "of_floor")
    columns = (*columns, "times_graph", "job_10_s")
    rows = [row for row in report.rows if "kind" in row]
    if not rows:
        columns = ("architecture", "kernel", "variant", "registers", "spill_stores", "dynamic_shared")
        rows = report.rows
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in [list(columns), *cells]) for i in range(len(columns))]
    for line in [list(columns), *cells]:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
