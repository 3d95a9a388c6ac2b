"""Spectral shapes, and noise that has them: steady, or painted over time.

Method of the painted noise: short-time spectra of white noise times a level(t, f), overlapped with sine windows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, signal

from synth.voices.ambient.catalogue.performance import Samples

_LEVELS_PER_OCTAVE: Final = 14
_FINE_PER_OCTAVE: Final = 48
_LOWEST_HZ: Final = 20.0


def unit_rms(sound: Samples) -> Samples:
    """The sound at an RMS of 1 (silence stays silent)."""
    return np.asarray(sound / max(1e-9, float(np.sqrt(np.mean(sound**2)))))


def unit_peak(sound: Samples) -> Samples:
    """The sound at a peak of 1 (silence stays silent)."""
    return np.asarray(sound / max(1e-9, float(np.abs(sound).max(initial=0.0))))


def bump(frequency_hz: ArrayLike, centre_hz: ArrayLike, octaves: float) -> Samples:
    """A bell over log frequency: 1 at ``centre_hz``, with a standard deviation of ``octaves``."""
    distance = np.log2(np.maximum(frequency_hz, 1.0) / np.asarray(centre_hz)) / octaves
    return np.asarray(np.exp(-0.5 * distance**2))


def tilt(frequency_hz: ArrayLike, db_per_octave: float, from_hz: ArrayLike) -> Samples:
    """1 up to ``from_hz``, then so many dB an octave."""
    return np.asarray(np.maximum(np.asarray(frequency_hz) / from_hz, 1.0) ** (db_per_octave / 6.0206))


def rise(frequency_hz: ArrayLike, to_hz: float, order: float = 1.0) -> Samples:
    """Rising 6 dB an octave (times ``order``) up to ``to_hz``, then 1."""
    return np.asarray(np.minimum(1.0, (np.asarray(frequency_hz) + 1.0) / to_hz) ** order)


def third_octaves(frequency_hz: ArrayLike, levels_db: ArrayLike, lowest_hz: float = 25.0) -> Samples:
    """The amplitudes of measured third-octave band levels (dB in each band, from ``lowest_hz`` up), as a density.

    A band's level is shared out over its width, so white noise shaped by this has these band levels; the ends are held.
    """
    levels = np.asarray(levels_db, float)
    third = np.log2(np.maximum(frequency_hz, 1.0) / lowest_hz) * 3
    density_db = np.interp(third, np.arange(len(levels)), levels - 10 * np.arange(len(levels)) / 3 * np.log10(2))
    return np.asarray(10 ** (density_db / 20))


def spectrum_noise(n: int, rate_hz: int, rng: np.random.Generator, shape: Callable[[Samples], Samples]) -> Samples:
    """Steady Gaussian noise [n] with the amplitude spectrum ``shape``(Hz [G] ascending), at an RMS of 1.

    ``shape`` is asked on a grid of 48 frequencies an octave.
    """
    size = fft.next_fast_len(n, real=True)
    grid_hz, place = _fine_grid(size, rate_hz)
    spectrum = fft.rfft(rng.standard_normal(size, dtype=np.float32))
    spectrum *= np.interp(place, np.arange(len(grid_hz)), shape(grid_hz)).astype(np.float32)
    return unit_rms(fft.irfft(spectrum, size)[:n].astype(float))


def painted_noise(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    level: Callable[[Samples, Samples], Samples],
    frame_s: float = 0.043,
) -> Samples:
    """Gaussian noise [n] with the amplitude ``level``(t [frames, 1] in s from 0, f [1, bands] in Hz), not normalised.

    ``level`` is asked on a grid of 14 bands an octave; between them it is interpolated. A frame of ``frame_s`` hops by
    half its length: longer frames draw narrower peaks, shorter ones quicker changes. Level 1 everywhere is white noise
    of RMS 1.
    """
    hop = fft.next_fast_len(max(16, round(frame_s * rate_hz / 2)), real=True)
    frame = 2 * hop
    count = n // hop + 3
    window = np.sin(np.pi * (np.arange(frame) + 0.5) / frame).astype(np.float32)
    white = rng.standard_normal((count + 1) * hop, dtype=np.float32)
    raw = np.lib.stride_tricks.sliding_window_view(white, frame)[::hop][:count]
    bands_hz, weights = _band_grid(frame, rate_hz)
    levels = level((np.arange(count)[:, None] - 1) * hop / rate_hz, bands_hz[None])
    if len(levels) == 1 or levels.strides[0] == 0:
        levels = levels[:1]
    shaped = fft.irfft(fft.rfft(raw * window) * (levels.astype(np.float32) @ weights), frame) * window
    out = np.zeros((count + 1) * hop)
    out[: count * hop] += shaped[:, :hop].ravel()
    out[hop:] += shaped[:, hop:].ravel()
    return out[hop : hop + n]


@lru_cache(maxsize=16)
def _fine_grid(size: int, rate_hz: int) -> tuple[Samples, Samples]:
    """Frequencies [G] in Hz, 48 an octave, and where among them each bin of a spectrum lies [bins]."""
    bins_hz = np.maximum(fft.rfftfreq(size, 1 / rate_hz), 1.0)
    count = int(np.log2(rate_hz / 2) * _FINE_PER_OCTAVE) + 2
    grid_hz = 2 ** (np.arange(count) / _FINE_PER_OCTAVE)
    return grid_hz, np.log2(bins_hz) * _FINE_PER_OCTAVE


@lru_cache(maxsize=16)
def _band_grid(frame: int, rate_hz: int) -> tuple[Samples, NDArray[np.float32]]:
    """Band centres [B] in Hz and the weights [B, bins] that interpolate over log frequency."""
    bins_hz = np.maximum(np.fft.rfftfreq(frame, 1 / rate_hz), 1.0)
    octaves = np.log2(rate_hz / 2 / _LOWEST_HZ)
    bands = np.linspace(0, octaves, int(octaves * _LEVELS_PER_OCTAVE) + 1)
    place = np.clip(np.log2(bins_hz / _LOWEST_HZ) / bands[1], 0, len(bands) - 1)
    weights = np.maximum(0.0, 1 - np.abs(place[None] - np.arange(len(bands))[:, None]))
    return _LOWEST_HZ * 2**bands, weights.astype(np.float32)


def band(sound: Samples, rate_hz: int, low_hz: float | None, high_hz: float | None, order: int = 2) -> Samples:
    """Butterworth high pass at ``low_hz``, low pass at ``high_hz``, or both; none past the top of the rate."""
    top = 0.49 * rate_hz
    if low_hz is not None:
        sound = signal.sosfilt(_butterworth(order, min(low_hz, top), "highpass", rate_hz), sound)
    if high_hz is not None and high_hz < top:
        sound = signal.sosfilt(_butterworth(order, high_hz, "lowpass", rate_hz), sound)
    return np.asarray(sound)


@lru_cache(maxsize=256)
def _butterworth(order: int, edge_hz: float, kind: str, rate_hz: int) -> Samples:
    return np.asarray(signal.butter(order, edge_hz, kind, fs=rate_hz, output="sos"))


def drift(n: int, rate_hz: int, rng: np.random.Generator, per_s: float, low: float = 0.0, high: float = 1.0) -> Samples:
    """A smooth random curve [n] between ``low`` and ``high`` with ``per_s`` turns a second, within one segment."""
    step = max(1, int(rate_hz / (per_s * 32)))
    place = np.arange(0, n + step, step) / rate_hz * per_s + rng.random()
    levels = rng.random(int(place[-1]) + 2)
    turn = place.astype(int)
    inside = place - turn
    coarse = levels[turn] + (levels[turn + 1] - levels[turn]) * inside * inside * (3 - 2 * inside)
    return np.asarray(low + (high - low) * np.interp(np.arange(n), np.arange(len(coarse)) * step, coarse))
