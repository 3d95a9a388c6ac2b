"""True peak, and a limiter that keeps it under a ceiling without bending the waveform.

A true peak is one of the waveform between the samples, found after four-fold oversampling (ITU-R BS.1770-4, annex 2).
The limiter looks ahead: its gain falls over a few milliseconds before a peak and recovers slowly after it, so it is
heard as a change of level and not as distortion. Two channels are held down together, so that nothing moves sideways.

Shapes: N = samples; a sound is [N], or [N, C] for C channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

OVERSAMPLING: Final = 4
LOOK_AHEAD_S: Final = 0.005
RELEASES_DB_PER_S: Final = (60.0, 240.0, 960.0, 3840.0)
"""How fast the gain recovers after a peak: the slowest is not heard; the faster ones lose less loudness after peaks
that are held down deeply."""
_TAPS_PER_PHASE: Final = 32
_BLOCK: Final = 1 << 18  # samples oversampled at once, which keeps memory flat
_FLOOR: Final = 1e-9
_HALVINGS: Final = 9  # of a range of tens of dB, to a tenth


def _phases() -> NDArray[np.float64]:
    """Windowed sinc filters [3, taps] for the three instants between two samples."""
    taps = np.arange(_TAPS_PER_PHASE) - _TAPS_PER_PHASE // 2 + 1
    offsets = np.arange(1, OVERSAMPLING)[:, None] / OVERSAMPLING
    distance = taps[None, :] - offsets
    window = 0.5 + 0.5 * np.cos(2 * np.pi * distance / (_TAPS_PER_PHASE + 1))
    filters = np.sinc(distance) * window
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), dtype=np.float64)


_PHASES: Final = _phases()
_MOST_OVER: Final = float(np.abs(_PHASES).sum(axis=1).max())  # a peak between samples over the largest of its samples
_ROW: Final = 32  # samples whose peaks are computed by one row of a matrix product: long rows multiply many zeros
_ROWS_AT_ONCE: Final = 40  # so small a product is done by one thread: several wait for each other longer than it takes
_PRODUCTS: Final = 8  # at once, which keeps what they give in the processor's cache


def _rows() -> NDArray[np.float64]:
    """Matrix [row + taps - 1, 3 * row] that gives all instants between the samples of a row in one product."""
    matrix = np.zeros((_ROW + _TAPS_PER_PHASE - 1, len(_PHASES), _ROW))
    for sample in range(_ROW):
        matrix[sample : sample + _TAPS_PER_PHASE, :, sample] = _PHASES.T
    return matrix.reshape(len(matrix), -1)


_ROWS: Final = _rows()


def peaks(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest magnitude [N] of the waveform, over all channels, from each sample up to the next one."""
    if sound.ndim == 2:
        channels = [peaks(np.ascontiguousarray(channel)) for channel in sound.T]
        return np.asarray(np.max(channels, axis=0), np.float32)
    result = np.abs(sound, dtype=np.float32)
    for start in range(0, len(sound), _BLOCK):
        stop = min(start + _BLOCK, len(sound))
        highest = _between(_windows(sound, start, stop)).reshape(-1)[: stop - start]
        np.maximum(result[start:stop], highest, out=result[start:stop])
    return result


def highest_peak(sound: NDArray[np.float32]) -> float:
    """The largest of :func:`peaks`; only rows that may hold it are oversampled."""
    if sound.ndim == 2:
        return max((highest_peak(np.ascontiguousarray(channel)) for channel in sound.T), default=0.0)
    magnitudes = np.abs(sound)
    highest = float(magnitudes.max(initial=0.0))
    for start in range(0, len(sound), _BLOCK):
        stop = min(start + _BLOCK, len(sound))
        beside = np.zeros((-(-(stop - start) // _ROW) + 2) * _ROW, np.float32)
        near = magnitudes[max(0, start - _ROW) : start - _ROW + len(beside)]
        beside[_ROW - min(start, _ROW) :][: len(near)] = near
        tops = beside.reshape(-1, _ROW).max(axis=1)
        # The taps of a row reach into the rows beside it.
        bounds = np.maximum(np.maximum(tops[:-2], tops[1:-1]), tops[2:]) * _MOST_OVER
        rows = _windows(sound, start, stop)[bounds > highest]
        highest = max(highest, float(_between(rows).max(initial=0.0)))
    return highest


def _windows(sound: NDArray[np.float32], start: int, stop: int) -> NDArray[np.float64]:
    """What the instants after each sample from ``start`` to ``stop`` are computed from, [rows, row + taps - 1]."""
    before = _TAPS_PER_PHASE // 2 - 1
    piece = np.zeros(-(-(stop - start) // _ROW) * _ROW + _TAPS_PER_PHASE - 1)
    first, last = max(0, start - before), min(len(sound), start - before + len(piece))
    piece[first - start + before : last - start + before] = sound[first:last]
    return sliding_window_view(piece, len(_ROWS))[::_ROW]


def _between(windows: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest magnitude between each sample and the next one, [rows, row]."""
    highest = np.empty((len(windows), _ROW), np.float32)
    for start in range(0, len(windows), _PRODUCTS * _ROWS_AT_ONCE):
        part = windows[start : start + _PRODUCTS * _ROWS_AT_ONCE]
        filled = np.zeros((-(-len(part) // _ROWS_AT_ONCE), _ROWS_AT_ONCE, len(_ROWS)))
        filled.reshape(-1, len(_ROWS))[: len(part)] = part
        between = np.matmul(filled, _ROWS)
        np.abs(between, out=between)
        instants = between.reshape(-1, len(_PHASES), _ROW)[: len(part)]
        highest[start : start + len(part)] = instants.max(axis=1)
    return highest


def _widest(values: NDArray[Any], width: int) -> NDArray[Any]:
    """The largest of each ``width`` values in a row, [N] -> [N - width + 1]."""
    found, seen = values, 1
    while 2 * seen <= width:
        found, seen = np.maximum(found[:-seen], found[seen:]), 2 * seen
    return np.asarray(np.maximum(found[: len(values) - width + 1], found[width - seen :]))


def true_peak_dbtp(sound: NDArray[np.float32]) -> float:
    """True peak of [N] or [N, C] in dB relative to full scale; -180 for silence."""
    return decibels(highest_peak(sound))


def decibels(highest: float) -> float:
    """A magnitude in dB relative to full scale; -180 for silence."""
    return 20 * float(np.log10(max(highest, _FLOOR)))


def limit(
    sound: NDArray[np.float32],
    rate_hz: int,
    ceiling_dbtp: float,
    height: NDArray[np.float32] | None = None,
    *,
    release_db_per_s: float = RELEASES_DB_PER_S[0],
) -> tuple[NDArray[np.float32], bool]:
    """The sound [N] or [N, C] with its true peak at ``ceiling_dbtp`` or below, and whether anything was held down.

    Args:
        height: what :func:`peaks` says of the sound, where that is known; it is changed.
    """
    height = peaks(sound) if height is None else height
    ceiling = 10 ** (ceiling_dbtp / 20)
    if len(sound) == 0 or float(height.max()) <= ceiling:
        return sound, False
    # A peak between two samples belongs to both of them.
    np.maximum(height[1:], height[:-1].copy(), out=height[1:])
    limited = _lowered(sound, _held_db(height, rate_hz, ceiling, release_db_per_s), rate_hz)
    # A changing gain moves the waveform between the samples a little; what sticks out is taken off everywhere.
    over = highest_peak(limited) / ceiling
    return (limited / np.float32(over) if over > 1 else limited), True


def plan(
    sound: NDArray[np.float32],
    height: NDArray[np.float32],
    rate_hz: int,
    ceiling: float,
    rise_db: float,
    highest_db: float,
) -> tuple[float, float]:
    """The gain in dB, and the slowest of :data:`RELEASES_DB_PER_S`, with which a limited sound is louder by so much.

    What follows peaks that are held down deeply is held down as well, so that the sooner the limiter lets go, the
    louder it gets. Judged by thousandths of a second, which is near enough to begin with.

    Args:
        height: what :func:`peaks` says of the sound.
        rise_db: of its gated loudness.
        highest_db: the most gain that is allowed.
    """
    step = max(1, rate_hz // 1000)
    whole = len(sound) // step * step
    tops = height[:whole].reshape(-1, step).max(axis=1, initial=0.0)
    power = np.square(sound[:whole], dtype=np.float64).reshape(-1, step * (sound.size // max(1, len(sound)))).mean(1)
    before_db = _gated_db(power, rate_hz / step)

    def rise(gain_db: float, release: float) -> float:
        held_db = _held_db(tops * np.float32(10 ** (gain_db / 20)), rate_hz // step, ceiling, release)
        reach = round(LOOK_AHEAD_S * rate_hz / step / 2)
        held_db = _widest(np.pad(held_db, reach), 2 * reach + 1)
        return _gated_db(power * 10 ** ((gain_db - held_db.astype(np.float64)) / 10), rate_hz / step) - before_db

    for release in RELEASES_DB_PER_S:
        if rise(highest_db, release) >= rise_db:
            low, high = min(rise_db, highest_db), highest_db
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                low, high = (low, middle) if rise(middle, release) >= rise_db else (middle, high)
            return high, release
    return highest_db, RELEASES_DB_PER_S[-1]


def _gated_db(power: NDArray[np.float64], rate_hz: float) -> float:
    """Mean power in dB of blocks of 0.4 s, those left out that are 10 dB quieter than the mean (BS.1770's gate)."""
    block = min(len(power), max(1, round(0.4 * rate_hz)))
    if block == 0:
        return 0.0
    sums = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, len(power) - block + 1, max(1, block // 4))
    blocks = (sums[starts + block] - sums[starts]) / block
    heard = blocks[blocks > blocks.max() * 1e-6] if blocks.max() > 0 else blocks
    loud = heard[heard >= heard.mean() / 10]
    return 10 * float(np.log10(max(float(loud.mean()), 1e-20)))


def _held_db(height: NDArray[np.float32], rate_hz: int, ceiling: float, release_db_per_s: float) -> NDArray[np.float32]:
    """By how much each sample must be lowered at least, in dB: at once enough, falling slowly after a peak."""
    held = np.empty(len(height), np.float32)
    step_db, before_db = release_db_per_s / rate_hz, 0.0
    for start in range(0, len(height), _BLOCK):
        piece = height[start : start + _BLOCK].astype(np.float64)
        needed = np.zeros(len(piece))
        over = piece > ceiling
        needed[over] = 20 * np.log10(piece[over] / ceiling)
        # Recovery in a straight line of dB: the highest line that falls from an earlier need, as a running maximum.
        line = np.arange(1, len(needed) + 1) * step_db
        fallen = np.maximum(np.maximum.accumulate(needed + line), before_db) - line
        held[start : start + _BLOCK] = fallen
        before_db = float(fallen[-1])
    return held


def _lowered(sound: NDArray[np.float32], held_db: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """The sound [N] or [N, C] lowered by the smallest smooth curve that is nowhere below ``held_db``."""
    # The maximum over a window, averaged over the same window, is nowhere below what is needed.
    reach = max(1, round(LOOK_AHEAD_S * rate_hz / 2))
    window = np.hanning(2 * reach + 3)[1:-1]
    size = 1 << (4 * len(window) - 1).bit_length()
    spectrum = np.fft.rfft(window / window.sum(), size)
    padded = np.pad(held_db, 2 * reach, mode="edge")
    out = sound.copy()
    for start, stop in _pieces(held_db, 2 * reach, size - 2 * reach):
        highest = _widest(padded[start : stop + 4 * reach].astype(np.float64), len(window))
        smooth = np.fft.irfft(np.fft.rfft(highest, size) * spectrum, size)[2 * reach : len(highest)]
        gain = 10 ** (-np.maximum(smooth, 0.0) / 20)
        out[start:stop] = sound[start:stop] * (gain if sound.ndim == 1 else gain[:, None])
    return out


def _pieces(held_db: NDArray[np.float32], reach: int, most: int) -> Iterator[tuple[int, int]]:
    """Where a sound is lowered, or is within ``reach`` samples of that: begin and end of pieces, ``most`` long."""
    held = np.flatnonzero(held_db)
    if not len(held):
        return
    gaps = np.flatnonzero(np.diff(held) > 2 * reach)
    begins, ends = held[[0, *(gaps + 1)]] - reach, held[[*gaps, -1]] + reach + 1
    for begin, end in zip(begins.clip(0).tolist(), ends.clip(max=len(held_db)).tolist(), strict=True):
        for start in range(begin, end, most):
            yield start, min(start + most, end)
