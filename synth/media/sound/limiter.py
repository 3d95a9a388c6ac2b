"""True peak, and a limiter that keeps it under a ceiling without bending the waveform.

A true peak is one of the waveform between the samples, found after four-fold oversampling (ITU-R BS.1770-4, annex 2).
The limiter looks ahead: its gain falls over a few milliseconds before a peak and recovers slowly after it, so it is
heard as a change of level and not as distortion. Two channels are held down together, so that nothing moves sideways.

Shapes: N = samples; a sound is [N], or [N, C] for C channels.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

OVERSAMPLING: Final = 4
LOOK_AHEAD_S: Final = 0.005
RELEASE_DB_PER_S: Final = 60.0
_TAPS_PER_PHASE: Final = 32
_BLOCK: Final = 1 << 18  # samples oversampled at once, which keeps memory flat
_FLOOR: Final = 1e-9


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
_STRETCH: Final = 1 << 12


def peaks(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest magnitude [N] of the waveform, over all channels, from each sample up to the next one."""
    if sound.ndim == 2:
        channels = [peaks(np.ascontiguousarray(channel)) for channel in sound.T]
        return np.asarray(np.max(channels, axis=0), np.float32)
    from scipy import signal  # a second or two, which who only looks at videos does not pay

    result = np.empty(len(sound), dtype=np.float32)
    before, after = _TAPS_PER_PHASE // 2 - 1, _TAPS_PER_PHASE // 2
    padded = np.pad(sound, (before, after))
    for start in range(0, len(sound), _BLOCK):
        stop = min(start + _BLOCK, len(sound))
        piece = padded[start : stop + before + after].astype(np.float64)
        highest = np.abs(piece[before : before + stop - start])
        for filter_ in _PHASES:
            np.maximum(highest, np.abs(signal.oaconvolve(piece, filter_[::-1], mode="valid")), out=highest)
        result[start:stop] = highest
    return result


def highest_peak(sound: NDArray[np.float32]) -> float:
    """The largest of :func:`peaks`; only stretches that may hold it are oversampled."""
    before, after = _TAPS_PER_PHASE // 2 - 1, _TAPS_PER_PHASE // 2
    loudest = np.abs(sound).max(axis=1) if sound.ndim == 2 else np.abs(sound)
    starts = np.arange(0, len(sound), _STRETCH)
    bounds = _MOST_OVER * np.maximum.reduceat(_widest(loudest, _TAPS_PER_PHASE), starts) if len(sound) else starts
    highest = 0.0
    for number in np.argsort(-bounds, kind="stable"):
        if bounds[number] <= highest:
            break
        first, last = starts[number], min(starts[number] + _STRETCH, len(sound))
        left, right = min(before, first), min(after, len(sound) - last)
        highest = max(highest, float(peaks(sound[first - left : last + right])[left : left + last - first].max()))
    return highest


def _widest(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """The largest value within ``reach`` of each."""
    from scipy import ndimage

    return np.asarray(ndimage.maximum_filter1d(values, 2 * reach + 1, mode="constant"), np.float32)


def true_peak_dbtp(sound: NDArray[np.float32]) -> float:
    """True peak of [N] or [N, C] in dB relative to full scale; -180 for silence."""
    return 20 * float(np.log10(max(highest_peak(sound), _FLOOR)))


def limit(
    sound: NDArray[np.float32], rate_hz: int, ceiling_dbtp: float, height: NDArray[np.float32] | None = None
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
    limited = _lowered(sound, _held_db(height, rate_hz, ceiling), rate_hz)
    # A changing gain moves the waveform between the samples a little; what sticks out is taken off everywhere.
    over = highest_peak(limited) / ceiling
    return (limited / np.float32(over) if over > 1 else limited), True


def _held_db(height: NDArray[np.float32], rate_hz: int, ceiling: float) -> NDArray[np.float32]:
    """By how much each sample must be lowered at least, in dB: at once enough, falling slowly after a peak."""
    held = np.empty(len(height), np.float32)
    step_db, before_db = RELEASE_DB_PER_S / rate_hz, 0.0
    for start in range(0, len(height), _BLOCK):
        piece = height[start : start + _BLOCK].astype(np.float64)
        needed = np.maximum(20 * np.log10(np.maximum(piece, _FLOOR) / ceiling), 0.0)
        # Recovery in a straight line of dB: the highest line that falls from an earlier need, as a running maximum.
        line = np.arange(1, len(needed) + 1) * step_db
        fallen = np.maximum(np.maximum.accumulate(needed + line), before_db) - line
        held[start : start + _BLOCK] = fallen
        before_db = float(fallen[-1])
    return held


def _lowered(sound: NDArray[np.float32], held_db: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """The sound [N] or [N, C] lowered by the smallest smooth curve that is nowhere below ``held_db``."""
    from scipy import ndimage, signal

    # The maximum over a window, averaged over the same window, is nowhere below what is needed.
    reach = max(1, round(LOOK_AHEAD_S * rate_hz / 2))
    window = np.hanning(2 * reach + 3)[1:-1]
    window /= window.sum()
    padded = np.pad(held_db, 2 * reach, mode="edge")
    out = np.empty_like(sound)
    for start in range(0, len(sound), _BLOCK):
        stop = min(start + _BLOCK, len(sound))
        piece = padded[start : stop + 4 * reach].astype(np.float64)
        highest = ndimage.maximum_filter1d(piece, 2 * reach + 1)[reach:-reach]
        smooth = np.maximum(signal.oaconvolve(highest, window, mode="valid"), 0.0)
        gain = 10 ** (-smooth / 20)
        out[start:stop] = sound[start:stop] * (gain if sound.ndim == 1 else gain[:, None])
    return out
