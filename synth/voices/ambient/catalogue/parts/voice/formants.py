"""Moving resonances and moving band levels, by overlap-add: what a throat, a muzzle or a hand does to a source.

Frames of about 20 ms under a Hann window are multiplied, zero-padded, by a gain without phase; neighbouring frames
overlap by half, so the gain moves smoothly and no frame wraps round into itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.curves import Points, through

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

_FRAME_S = 0.021


@dataclass(frozen=True, slots=True)
class Formant:
    """One resonance: ``hz`` (or breakpoints along the sound), width at -4.5 dB, gain at the top."""

    hz: float | Points
    bandwidth_hz: float
    gain_db: float = 0.0

    def scaled(self, factor: float, widening: float = 1.0) -> Formant:
        """The same resonance in a throat shorter by ``factor``; its width grows by ``factor * widening``."""
        hz = self.hz * factor if isinstance(self.hz, float | int) else [(u, f * factor) for u, f in self.hz]
        return Formant(hz, self.bandwidth_hz * factor * widening, self.gain_db)


def _frame_length(rate_hz: int) -> int:
    return int(2 * round(_FRAME_S * rate_hz / 2))


def frame_count(n: int, rate_hz: int) -> int:
    """How many frames :func:`filter_frames` cuts ``n`` samples into."""
    return n // (_frame_length(rate_hz) // 2) + 2


def filter_frames(sound: NDArray[np.floating] | Floats, rate_hz: int, gains: Doubles | Floats) -> Doubles:
    """Multiply each frame of ``sound`` [n] by its row of ``gains`` [frame_count, F]; -> [n].

    F points stand evenly from 0 Hz to half the sample rate; one row serves all frames. In single precision: twice as
    quick, and wrong by less than what 24 bits can hold.
    """
    size = _frame_length(rate_hz)
    hop, n = size // 2, len(sound)
    count = frame_count(n, rate_hz)
    padded = np.zeros((count + 1) * hop, np.float32)
    padded[hop : hop + n] = sound
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * window
    transform = 2 * size
    spectra = scipy.fft.rfft(frames, transform, axis=1)
    gains = np.asarray(gains, np.float32)
    if gains.shape[1] != spectra.shape[1]:
        gains = _stretched(gains, spectra.shape[1])
    filtered = np.roll(scipy.fft.irfft(spectra * gains, transform, axis=1), hop, axis=1)
    out = np.zeros((count + 3) * hop)
    for part in range(4):  # each frame is four hops long once filtered
        out[part * hop : (part + count) * hop] += filtered[:, part * hop : (part + 1) * hop].ravel()
    return out[2 * hop : 2 * hop + n]


def _stretched(gains: Floats, points: int) -> Floats:
    """Rows of ``gains`` drawn out to ``points``, straight between the given ones."""
    known = gains.shape[1]
    out = np.empty((len(gains), points), np.float32)
    if points == 2 * known - 1:
        out[:, ::2] = gains
        out[:, 1::2] = 0.5 * (gains[:, 1:] + gains[:, :-1])
        return out
    place = np.linspace(0, known - 1, points, dtype=np.float32)
    left = np.minimum(place.astype(np.int64), known - 2)
    share = place - left.astype(np.float32)
    out[:] = gains[:, left] * (1 - share) + gains[:, left + 1] * share
    return out


def resonate(
    sound: NDArray[np.floating], rate_hz: int, formants: Sequence[Formant], floor_db: float = -40.0
) -> Doubles:
    """``sound`` [n] through parallel moving ``formants``, with ``floor_db`` of everything passing beside; -> [n]."""
    count = frame_count(len(sound), rate_hz)
    hz = np.linspace(0, rate_hz / 2, _frame_length(rate_hz) // 2 + 1, dtype=np.float32)
    gains = np.full((count, len(hz)), 10 ** (floor_db / 20), np.float32)
    for formant in formants:
        rows = 1 if isinstance(formant.hz, float | int) else count
        centre = through(rows, formant.hz, logarithmic=True).astype(np.float32)
        distance = (hz - centre[:, None]) * np.float32(2 / formant.bandwidth_hz)
        root = 1 / np.sqrt(1 + distance * distance)
        gains += np.float32(10 ** (formant.gain_db / 20)) * root * np.sqrt(root)
    return filter_frames(sound, rate_hz, gains)


def shape_bands(sound: Doubles, rate_hz: int, band_hz: Doubles, levels_db: Doubles) -> Doubles:
    """``sound`` [n] with the gain ``levels_db`` [T, B] at ``band_hz`` [B], moving evenly over T steps; -> [n].

    Straight lines on a logarithmic frequency axis between the bands; beyond them the outermost level holds.
    """
    count = frame_count(len(sound), rate_hz)
    steps = len(levels_db)
    at = np.linspace(0, steps - 1, count)
    left = np.minimum(at.astype(np.int64), max(0, steps - 2))
    share = (at - left)[:, None]
    frames_db = levels_db[left] * (1 - share) + levels_db[np.minimum(left + 1, steps - 1)] * share
    hz = np.maximum(20.0, np.linspace(0, rate_hz / 2, _frame_length(rate_hz) // 2 + 1))
    place = np.interp(np.log(hz), np.log(band_hz), np.arange(len(band_hz)))
    low = np.minimum(place.astype(np.int64), len(band_hz) - 2)
    part = place - low
    return filter_frames(sound, rate_hz, 10 ** ((frames_db[:, low] * (1 - part) + frames_db[:, low + 1] * part) / 20))


def shape_spectrum(sound: Doubles, points: Sequence[tuple[float, float]], rate_hz: int) -> Doubles:
    """``sound`` [n] with one fixed gain: ``points`` (hz, dB), straight on a logarithmic frequency axis; -> [n]."""
    n = len(sound)
    size = scipy.fft.next_fast_len(n + 64, real=True)
    gain = _curve_gain(size, rate_hz, tuple(points))
    return np.asarray(scipy.fft.irfft(scipy.fft.rfft(sound.astype(np.float32), size) * gain, size)[:n], np.float64)


@lru_cache(maxsize=64)
def _curve_gain(size: int, rate_hz: int, points: tuple[tuple[float, float], ...]) -> Floats:
    at, gain_db = np.asarray(points, np.float64).T
    grid_hz = np.geomspace(20.0, rate_hz / 2, 512)
    grid = 10 ** (np.interp(np.log(grid_hz), np.log(at), gain_db) / 20)
    return np.asarray(np.interp(np.arange(size // 2 + 1) * (rate_hz / size), grid_hz, grid), np.float32)


def band_pass(sound: NDArray[np.floating], rate_hz: int, low_hz: float, high_hz: float, slope: int = 1) -> Doubles:
    """``sound`` [n] between ``low_hz`` and ``high_hz`` (0 = open on that side), Butterworth of 2 ``slope``; -> [n].

    Without phase and by one transform: cheaper than a recursion, and right at any sample rate.
    """
    n = len(sound)
    size = scipy.fft.next_fast_len(n + 64, real=True)
    gain = _band_gain(size, rate_hz, low_hz, high_hz, slope)
    return np.asarray(scipy.fft.irfft(scipy.fft.rfft(sound.astype(np.float32), size) * gain, size)[:n], np.float64)


@lru_cache(maxsize=64)
def _band_gain(size: int, rate_hz: int, low_hz: float, high_hz: float, slope: int) -> Floats:
    hz = np.maximum(1.0, np.arange(size // 2 + 1, dtype=np.float32) * np.float32(rate_hz / size))
    power = np.ones(len(hz), np.float32)
    for edge, ratio in ((low_hz, low_hz / hz), (high_hz, hz / high_hz if high_hz else hz)):
        if edge:
            square = ratio * ratio
            power *= 1 + (square if slope == 1 else square**slope)
    return np.asarray(1 / np.sqrt(power))
