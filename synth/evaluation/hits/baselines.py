"""Naive answers to "when is something hit?": what any network must beat.

Both are given more than they deserve: their one parameter is the best one for the very clips that they are judged on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from synth.evaluation.hits.clips import Judged
from synth.metrics import hits
from synth.voices.hits.voice import VIDEO_RATE_HZ

Timed = tuple[list[float], list[float]]


def uniform_rhythm(judged: Sequence[Judged]) -> Callable[[Judged], Timed]:
    """Hits at equal distances, the same for all clips."""

    def claim(one: Judged, period_s: float) -> Timed:
        times_s = np.arange(period_s / 2, one.seen.duration_s, period_s)
        return list(times_s), [1.0] * len(times_s)

    periods_s = np.arange(0.25, 1.5, 0.05)
    best = max(periods_s, key=lambda period_s: _f1(judged, lambda one: claim(one, period_s)))
    return lambda one: claim(one, best)


def motion_stops(judged: Sequence[Judged]) -> Callable[[Judged], Timed]:
    """Hits where the difference between frames falls suddenly."""

    def claim(one: Judged, least: float) -> Timed:
        fall = _falls(one.seen.frames)
        peaks, _ = find_peaks(np.concatenate([[0], fall, [0]]), height=least)
        return list((peaks - 1) / VIDEO_RATE_HZ), list(fall[peaks - 1])

    thresholds = np.geomspace(0.1, 10, 30)
    best = max(thresholds, key=lambda least: _f1(judged, lambda one: claim(one, least)))
    return lambda one: claim(one, best)


def _falls(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """By how much the motion into a frame [T, H, W, 3] exceeds the motion out of it, in grey levels: [T]."""
    change = np.abs(np.diff(frames.mean(3), axis=0)).mean((1, 2))
    into, out = np.concatenate([change[:1], change]), np.concatenate([change, change[-1:]])
    return np.asarray(into - out, np.float64)


def _f1(judged: Sequence[Judged], claim: Callable[[Judged], Timed]) -> float:
    counts = hits.Detection(0, 0, 0)
    for one in judged:
        counts += hits.detection(claim(one)[0], one.labels_s, 0.1)
    return counts.f1 or 0.0
