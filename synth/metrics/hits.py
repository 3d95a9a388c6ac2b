"""How good a generated sound is, as pure functions of numbers; no files, no models.

What was not measured is ``None``, never 0.0: a clip without hits has no recall, a silent window no centroid.

Measures of Owens et al., "Visually Indicated Sounds" (CVPR 2016, arXiv 1512.08512), section 5: hit detection by average
precision, loudness and spectral centroid of each hit, class-average accuracy of a material classifier that was trained
on real sounds. Shapes: T = time steps of a cochleagram at 90 Hz, F = its bands, C = classes, N = items.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth import randomness
from synth.dsp.cochleagram import COCHLEAGRAM_RATE_HZ

Doubles = NDArray[np.float64]
Unit = TypeVar("Unit")

HIT_HALF_WINDOW_S: Final = 0.25  # the paper's clips last 0.5 s, the hit in the middle
CENTROID_HALF_WINDOW_S: Final = 0.015  # one video frame at 30 Hz
Z_95: Final = 1.959963984540054


# --- hits: when ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Detection:
    """Counts of a comparison of times; sum them with ``+`` over clips before dividing (micro average)."""

    matched: int
    predicted: int
    expected: int

    def __add__(self, other: Detection) -> Detection:
        return Detection(self.matched + other.matched, self.predicted + other.predicted, self.expected + other.expected)

    @property
    def precision(self) -> float | None:
        """Share of the predicted hits that are real; ``None`` where nothing was predicted."""
        return self.matched / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Share of the real hits that were predicted; ``None`` where there are none."""
        return self.matched / self.expected if self.expected else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; ``None`` where there was nothing to find and nothing was claimed."""
        both = self.predicted + self.expected
        return 2 * self.matched / both if both else None


def match_times(predicted_s: ArrayLike, expected_s: ArrayLike, tolerance_s: float) -> list[tuple[int, int]]:
    """Index pairs (predicted, expected) no farther apart than ``tolerance_s``, each used once, as many as possible.

    On a line with one tolerance, pairing the earliest with the earliest that it reaches is a maximum matching: if a
    best matching pairs them otherwise, the pairs can be swapped without losing one.
    """
    predicted, expected = np.ravel(np.asarray(predicted_s, float)), np.ravel(np.asarray(expected_s, float))
    by_time, in_time = np.argsort(predicted, kind="stable"), np.argsort(expected, kind="stable")
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < by_time.size and j < in_time.size:
        apart = predicted[by_time[i]] - expected[in_time[j]]
        if abs(apart) <= tolerance_s:
            pairs.append((int(by_time[i]), int(in_time[j])))
            i, j = i + 1, j + 1
        elif apart < 0:
            i += 1
        else:
            j += 1
    return pairs


def detection(predicted_s: ArrayLike, expected_s: ArrayLike, tolerance_s: float) -> Detection:
    """Counts behind F1, precision and recall at ``tolerance_s``."""
    matched = len(match_times(predicted_s, expected_s, tolerance_s))
    return Detection(matched, int(np.size(predicted_s)), int(np.size(expected_s)))


@dataclass(frozen=True)
class ClipHits:
    """One clip's predicted hits with their confidences, in any order, and the times of its real hits."""

    predicted_s: Sequence[float]
    confidences: Sequence[float]
    expected_s: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.predicted_s) != len(self.confidences):
            raise ValueError(f"{len(self.predicted_s)} hits came with {len(self.confidences)} confidences")


def average_precision(clips: Sequence[ClipHits], tolerance_s: float) -> float | None:
    """Average precision over the hits of all clips, ranked by confidence; ``None`` where no clip has a real hit.

    The sum over the distinct confidences, from the highest down, of (gain in recall) x (precision), no interpolation:
    scikit-learn's definition, except that recall counts all real hits, so that one never found costs its share. Which
    hits count as found is decided by a maximum matching among those of at least that confidence; the outcome does not
    depend on the order of equals.
    """
    expected = sum(len(clip.expected_s) for clip in clips)
    if not expected:
        return None
    ranked = sorted(
        ((confidence, number, k) for number, clip in enumerate(clips) for k, confidence in enumerate(clip.confidences)),
        key=lambda item: -item[0],
    )
    taken: list[list[float]] = [[] for _ in clips]
    matched = [0] * len(clips)
    total = before = 0
    area = 0.0
    for rank, (confidence, number, k) in enumerate(ranked, start=1):
        taken[number].append(clips[number].predicted_s[k])
        found = len(match_times(taken[number], clips[number].expected_s, tolerance_s))
        total += found - matched[number]
        matched[number] = found
        if rank == len(ranked) or ranked[rank][0] != confidence:
            area += (total - before) / expected * (total / rank)
            before = total
    return area


# --- hits: how loud and how bright --------------------------------------------------------------------------------


def hit_loudness(envelopes: NDArray[Any], time_s: float, half_window_s: float = HIT_HALF_WINDOW_S) -> float | None:
    """Loudness of the hit at ``time_s``: the largest L2 norm over bands of ``envelopes`` [T, F] around it.

    In units of the compressed envelopes, as the paper's. ``None`` where the window lies outside the clip.
    """
    window = _around(envelopes, time_s, half_window_s)
    return float(np.linalg.norm(window, axis=1).max()) if window.size else None


def hit_centroid(envelopes: NDArray[Any], time_s: float, half_window_s: float = CENTROID_HALF_WINDOW_S) -> float | None:
    """Spectral centroid in bands (0 to F - 1) of ``envelopes`` [T, F] within 15 ms of the hit: the paper's measure.

    ``None`` where the window is silent or lies outside the clip.
    """
    weights = np.maximum(_around(envelopes, time_s, half_window_s), 0).sum(axis=0)
    total = float(weights.sum())
    return float(weights @ np.arange(weights.size)) / total if total > 0 else None


def hit_centroid_hz(
    sound: NDArray[Any], rate_hz: int, time_s: float, half_window_s: float = CENTROID_HALF_WINDOW_S
) -> float | None:
    """Centre of mass in Hz of the power spectrum of ``sound`` [N] within 15 ms of the hit; ``None`` where silent."""
    first = round((time_s - half_window_s) * rate_hz)
    piece = np.asarray(sound[max(first, 0) : max(first + round(2 * half_window_s * rate_hz), 0)], np.float64)
    power = np.abs(np.fft.rfft(piece * np.hanning(piece.size))) ** 2 if piece.size > 2 else np.zeros(1)
    total = float(power.sum())
    return float(power @ np.fft.rfftfreq(piece.size, 1 / rate_hz)) / total if total > 0 else None


def _around(envelopes: NDArray[Any], time_s: float, half_window_s: float) -> Doubles:
    """Steps of ``envelopes`` [T, F] within ``half_window_s`` of ``time_s``; the nearest step at least, if it exists."""
    first = min(math.ceil((time_s - half_window_s) * COCHLEAGRAM_RATE_HZ), round(time_s * COCHLEAGRAM_RATE_HZ))
    last = max(math.floor((time_s + half_window_s) * COCHLEAGRAM_RATE_HZ), round(time_s * COCHLEAGRAM_RATE_HZ))
    return np.asarray(envelopes[max(first, 0) : max(last + 1, 0)], np.float64)


@dataclass(frozen=True)
class Agreement:
    """How far two series of measurements agree, over the ``pairs`` in which both were measured.

    Attributes:
        pairs: how many.
        error: mean absolute difference.
        relative_error: mean of the absolute differences, each divided by its true value's size; pairs whose true
            value is 0 are left out of it.
        correlation: Pearson's r; ``None`` for fewer than two pairs or a series without variation.
    """

    pairs: int
    error: float | None
    relative_error: float | None
    correlation: float | None


def agreement(predicted: Sequence[float | None], expected: Sequence[float | None]) -> Agreement:
    """Compare measurements of the same hits, say their loudness in generated and in real sound.

    Raises:
        ValueError: the series differ in length.
    """
    both = [(p, e) for p, e in zip(predicted, expected, strict=True) if p is not None and e is not None]
    if not both:
        return Agreement(0, None, None, None)
    ours, theirs = np.array(both, float).T
    apart = np.abs(ours - theirs)
    known = theirs != 0
    return Agreement(
        pairs=len(both),
        error=float(apart.mean()),
        relative_error=float((apart[known] / np.abs(theirs[known])).mean()) if known.any() else None,
        correlation=_pearson(ours, theirs),
    )


def _pearson(first: Doubles, second: Doubles) -> float | None:
    a, b = first - first.mean(), second - second.mean()
    # A constant series may differ from its own mean by rounding; that is no variation.
    if np.ptp(first) <= 1e-12 * np.abs(first).max() or np.ptp(second) <= 1e-12 * np.abs(second).max():
        return None
    scaled_a, scaled_b = a / np.abs(a).max(), b / np.abs(b).max()
    return float(np.clip(scaled_a @ scaled_b / math.sqrt((scaled_a @ scaled_a) * (scaled_b @ scaled_b)), -1, 1))


# --- materials ----------------------------------------------------------------------------------------------------


def confusion_matrix(expected: Sequence[str], predicted: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """Counts [C, C]: row = what it is, column = what it was taken for.

    Raises:
        ValueError: the series differ in length, or a label is none of ``classes``.
    """
    place = {name: index for index, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for truth, guess in zip(expected, predicted, strict=True):
        if truth not in place or guess not in place:
            raise ValueError(f"label {truth if truth not in place else guess!r} is none of {', '.join(classes)}")
        counts[place[truth], place[guess]] += 1
    return counts


def class_accuracies(confusion: NDArray[Any]) -> list[float | None]:
    """Share of each class's items that were recognised, from ``confusion`` [C, C]; ``None`` for a class without any."""
    counts = np.asarray(confusion)
    return [float(counts[k, k] / counts[k].sum()) if counts[k].sum() else None for k in range(len(counts))]


def class_average_accuracy(confusion: NDArray[Any]) -> float | None:
    """Mean of :func:`class_accuracies` over the classes that occur: frequent materials weigh no more than rare ones.

    Guessing gives one over the number of those classes, whatever their sizes.
    """
    known = [share for share in class_accuracies(confusion) if share is not None]
    return math.fsum(known) / len(known) if known else None


def accuracy(confusion: NDArray[Any]) -> float | None:
    """Share of all items that were recognised; ``None`` where there are none."""
    counts = np.asarray(confusion)
    return float(np.trace(counts) / counts.sum()) if counts.sum() else None


# --- how sure -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    """An interval that covers the true value with the confidence asked for."""

    low: float
    high: float


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> Interval | None:
    """Wilson's score interval of a share (JASA 1927), 95% by default; ``None`` without trials.

    Unlike the usual one it stays within 0 and 1 and has a width even where all trials agree.

    Raises:
        ValueError: not ``0 <= successes <= trials``.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes is {successes} of {trials} trials; allowed is 0 to {trials}")
    if trials == 0:
        return None
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    # At the ends the bound is exactly 0 or 1; rounding must not leave the share outside its own interval.
    return Interval(min(max(0.0, centre - half), share), max(min(1.0, centre + half), share))


def bootstrap_interval(
    units: Sequence[Unit],
    statistic: Callable[[Sequence[Unit]], float | None],
    *,
    seed: int = 0,
    draws: int = 1000,
    level: float = 0.95,
) -> Interval | None:
    """Percentile bootstrap of ``statistic`` over independent ``units`` (Efron 1979).

    Units must be what was sampled independently: source videos, not the hits in them. Draws in which the statistic is
    ``None`` are left out; ``None`` for fewer than two units or when no draw could be measured.
    """
    if len(units) < 2:
        return None
    numbers = randomness.uniforms(seed, "bootstrap", 0, draws * len(units)).astype(np.float64)
    chosen = (numbers * len(units)).astype(int).reshape(draws, len(units))
    measured = [statistic([units[k] for k in row]) for row in chosen]
    values = [value for value in measured if value is not None]
    if not values:
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
