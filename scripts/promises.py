"""The table of what the server promises, with a figure a row where one was kept: `python -m scripts.promises`.

Figures are those of `make chaos`, `make soak`, `sonorize bench server` and `sonorize bench batch`, as they lie in
bench/results. A row without one says by which tests it is held, or why there is none.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scripts.figures import RESULTS, newest

_Kept = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One promise.

    Attributes:
        topic, target: what is promised, and what would be good.
        source: name of the results that its figure is in.
        figure: text of the figure; raises KeyError where it was not measured.
        instead: what is said where there is none.
    """

    topic: str
    target: str
    source: str
    figure: Callable[[_Kept], str]
    instead: str = "not measured yet"


def _storm(name: str) -> Callable[[_Kept], str]:
    def told(kept: _Kept) -> str:
        one = kept[name]
        return (
            f"{one['jobs']} jobs, {one['worker_kills']} worker and {one['broker_kills']} broker kills: "
            f"**{one['lost']} lost, {one['double']} done twice**"
        )

    return told


def _faults(kept: _Kept) -> str:
    faults = kept["faults"].values()
    lost, double = (sum(one[name] for one in faults) for name in ("lost", "double"))
    return (
        f"{len(faults)} kinds of fault, {sum(one['jobs'] for one in faults)} jobs: **{lost} lost, {double} done twice**"
    )


def _reclaim(kept: _Kept) -> str:
    one = kept["storm"]["claimed_again_s"]
    return f"{one['jobs']} jobs hit: median {one['median']} s, most {one['most']} s"


def _away(name: str) -> Callable[[_Kept], str]:
    def told(kept: _Kept) -> str:
        one = kept[name]
        return (
            f"{one['away_s']:.0f} s away, {one['jobs']} jobs: {one['lost']} lost, {one['made_twice']} made twice; "
            f"slowest answer {one['slowest_answer_s']} s, all done {one['all_done_after_s']} s after it was back"
        )

    return told


def _load(kept: _Kept) -> str:
    submits, reads = kept["submits"], kept["status_reads"]
    return (
        f"{submits['rows_alone_per_s']:.0f} rows, {submits['variants']['per_s']:.0f} variants, "
        f"{submits['uploaded_clips']['per_s']:.0f} looked-at clips a second; {reads['per_s']:.0f} reads a second, "
        f"p99 {1000 * reads['p99_s']:.0f} ms; start p99 {1000 * kept['submit_to_start_s']['p99']:.0f} ms; upload "
        f"{kept['upload']['mb_per_s']:.0f} MB/s, {kept['upload']['extra_mb']:+.0f} MB"
        + (f"; the machine's load before it was {kept['load']['before'][0]:.1f} on 2 cores" if "load" in kept else "")
    )


def _soak(kept: _Kept) -> str:
    held = kept["held"]
    parts = [f"{name.replace('_', ' ')} {one['early']:g} → {one['late']:g}" for name, one in held.items()]
    return f"{kept['seconds'] / 60:.0f} min, {kept['jobs']} jobs, {sum(kept['faults'].values())} faults, " + (
        f"{kept['stuck']} stuck; {', '.join(parts)}"
    )


ROWS: Final = (
    Row("An accepted job is not lost, nor done twice", "0, 0", "chaos", _storm("storm")),
    Row("The same on PostgreSQL, Redis and S3", "0, 0", "chaos", _storm("storm_on_postgresql_redis_s3")),
    Row("Stopped parts, full disk, clock back: the same", "0, 0", "chaos", _faults),
    Row("Fast recovery", "at most 15 s", "chaos", _reclaim),
    Row(
        "A poison job is contained",
        "3 attempts, others unaffected",
        "chaos",
        lambda kept: f"{kept['poison']['attempts']} attempts; {kept['poison']['others_succeeded']} beside it succeeded",
    ),
    Row(
        "A message that comes ten times",
        "1 result",
        "chaos",
        lambda kept: f"{kept['duplicates']['messages']} messages: {kept['duplicates']['results']} result",
    ),
    Row(
        "Idempotent submit",
        "1 job; other body 422",
        "chaos",
        lambda kept: (
            f"{kept['idempotency']['posts']} posts of one key: {kept['idempotency']['jobs']} job; "
            f"other body {kept['idempotency']['other_body']}"
        ),
    ),
    Row("Redis away", "every POST 202", "chaos", _away("broker_away")),
    Row("S3 away", "0 lost", "chaos", _away("storage_away")),
    Row(
        "Upload integrity",
        "byte-exact",
        "chaos",
        lambda kept: (
            f"cut at {kept['upload_cuts']['cuts']} random bytes: byte-exact {kept['upload_cuts']['byte_exact']}"
        ),
    ),
    Row(
        "Cancel",
        "0.2 s waiting, 2 s running",
        "chaos",
        lambda kept: f"{kept['cancel']['queued_s']} s waiting, {kept['cancel']['running_s']} s running",
    ),
    Row(
        "Graceful stop with 3 running",
        "0 lost, within the grace",
        "chaos",
        lambda kept: (
            f"{kept['stop']['took_s']} s, grace {kept['stop']['grace_s']:.0f} s: {', '.join(kept['stop']['states'])}"
        ),
    ),
    Row(
        "Slow clients",
        "/livez p99 < 1 s",
        "chaos",
        lambda kept: (
            f"{kept['crowd']['slow']} slow, {kept['crowd']['streams']} streams: p50 {kept['crowd']['p50_s']} s, "
            f"p99 {kept['crowd']['p99_s']} s"
        ),
    ),
    Row("Load", "150 submits, 800 reads a second; upload 40 MB/s, +64 MB", "bench-server", _load),
    Row(
        "Jobs together (8 ambient)",
        "3 times",
        "bench-batch",
        lambda kept: f"{kept['ratio']} times, {kept['at_once']} in one claim",
    ),
    Row(
        "Isolation",
        "0 leaks",
        "chaos",
        lambda kept: (
            f"{kept['foreign_ids']['routes']} routes with another owner's ids: {kept['foreign_ids']['leaks']} leaks"
        ),
    ),
    Row("Soak", "memory +5 %, the rest flat, 0 stuck", "soak", _soak),
)
HELD: Final = (
    ("Hostile media", "tests/synth/media, tests/web/uploads: each case is typed or it fails; a count says no more"),
    ("Webhooks", "tests/workers/webhooks: 500s, time-outs, redirects, names that lead inward, by an injected clock"),
    ("XSS, CSP, CSRF", "tests/web/pages in Chromium: no script runs and no policy complains, or they fail"),
    ("Secrets", "tests/web/security, tests/workers/test_settings: none is found, or they fail"),
    ("Presigned addresses", "tests/web/uploads/test_presigned.py, on a real SeaweedFS; another S3 was not at hand"),
    ("Retention", "tests/workers/owners, tests/workers/files, by an injected clock"),
    ("Observability", "tests/web/server/test_metrics.py, test_dashboard.py: every fault moves its metric"),
    ("Start", "tests/test_compose.py installs the web cleanly; a time would be that of the network it installs from"),
)
"""Promises that are kept or broken and have no size."""


def table() -> list[dict[str, str]]:
    """Every promise with its target and its figure, or what is said instead."""
    rows = []
    for row in ROWS:
        try:
            figure = row.figure(_kept(row.source))
        except (KeyError, FileNotFoundError):
            figure = row.instead
        rows.append({"promise": row.topic, "target": row.target, "figure": figure})
    return [*rows, *({"promise": name, "target": "held by tests", "figure": held} for name, held in HELD)]


def markdown() -> str:
    """The table as a document shows it."""
    lines = ["| promise | target | measured |", "| --- | --- | --- |"]
    lines += [f"| {row['promise']} | {row['target']} | {row['figure']} |" for row in table()]
    return "\n".join(lines)


def _kept(name: str) -> _Kept:
    found: _Kept = json.loads(newest(name).read_text(encoding="utf-8"))
    return found


def main() -> None:
    if "--json" in sys.argv[1:]:
        print(json.dumps(table(), indent=2))
    else:
        print(markdown())


if __name__ == "__main__":
    assert RESULTS.is_dir()
    main()
