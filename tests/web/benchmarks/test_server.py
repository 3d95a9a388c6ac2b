"""The bench of the server, with little of everything."""

from __future__ import annotations

import pytest

from web.benchmarks.server import Sizes, batch, server


@pytest.mark.slow
def test_every_figure_is_measured() -> None:
    figures = server(
        Sizes(submits=16, rows=20, reads=80, starts=2, upload_mb=24, batch=2), preload="tests.support.preload"
    )
    assert set(figures) == {"submits", "status_reads", "upload", "submit_to_start_s", "jobs"}
    assert figures["submits"]["uploaded_clips"]["per_s"] > 1
    assert figures["submits"]["variants"]["per_s"] > 1
    assert figures["status_reads"]["per_s"] > 10
    assert 0 < figures["submit_to_start_s"]["p50"] <= figures["submit_to_start_s"]["p99"] < 10
    assert 0 <= figures["upload"]["extra_mb"] < 64
    assert figures["jobs"]["ratio"] > 0.5


@pytest.mark.slow
def test_a_batch_is_taken_at_once() -> None:
    figures = batch(Sizes(batch=3, ambient_s=1.0, rounds=1), preload="tests.support.preload")
    assert (figures["jobs"], figures["at_once"]) == (3, 3)
    assert figures["ratio"] > 0.5
