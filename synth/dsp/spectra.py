"""Short-time Fourier transform and mel spectra.

Shapes: T = frames, F = bins or bands, N = samples. Sound is mono float32 in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def hann(length: int) -> Floats:
    """Periodic Hann window [length]; shifted copies a quarter or half apart sum to a constant."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def stft(sound: NDArray[Any], *, window: int, hop: int) -> NDArray[np.complex64]:
    """Spectra [T, window // 2 + 1] of ``sound`` [N], Hann window, T = 1 + N // hop; frame k is centred at k * hop.

    Beyond its ends the sound is taken as silent.
    """
    if not 0 < hop <= window:
        raise ValueError(f"hop is {hop}; it must lie between 1 and the window of {window}")
    padded = np.pad(np.asarray(sound, np.float32), (window // 2, window - window // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[: np.size(sound) + 1 : hop]
    return np.asarray(scipy.fft.rfft(frames * hann(window), axis=1), np.complex64)


def istft(spectra: NDArray[Any], *, window: int, hop: int, samples: int) -> Floats:
    """Sound [samples] from ``spectra`` [T, window // 2 + 1]: least squares inverse of :func:`stft` (Griffin, Lim 1984).

    Where no window reaches (more than a window beyond the last frame) the sound is zero.
    """
    if not 0 < hop <= window:
        raise ValueError(f"hop is {hop}; it must lie between 1 and the window of {window}")
    shape = hann(window)
    frames = np.asarray(scipy.fft.irfft(np.asarray(spectra), window, axis=1), np.float32) * shape
    total = np.zeros(max(samples + window, (len(frames) - 1) * hop + window), np.float32)
    weight = np.zeros_like(total)
    squared = shape**2
    for index, frame in enumerate(frames):
        total[index * hop : index * hop + window] += frame
        weight[index * hop : index * hop + window] += squared
    out = np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-6)
    return out[window // 2 : window // 2 + samples]


def overlap_added(
    samples: int, block: Callable[[int, int], Floats], *, window: int, hop: int, at_once: int, least: float
) -> Floats:
    """Sound [samples] of frames that are asked for in blocks: those of a long sound never lie in memory together.

    As :func:`istft`, with the same sums in the order of the frames, whatever the blocks are.

    Args:
        block: frames [T, window] with a Hann window on them, from one to before another of 1 + samples // hop.
        hop: a whole part of the window.
        at_once: frames in a block; a few lie in the processor's cache.
        least: what is divided by where windows hardly reach.
    """
    count, parts = samples // hop + 1, window // hop
    squared = hann(window) ** 2
    total = np.zeros((count + parts, hop), np.float32)
    weight = np.zeros_like(total)
    for first in range(0, count, at_once):
        last = min(count, first + at_once)
        frames = block(first, last)
        for part in range(parts - 1, -1, -1):  # the earliest frame that reaches a hop is added first
            within = slice(part * hop, (part + 1) * hop)
            total[first + part : last + part] += frames[:, within]
            weight[first + part : last + part] += squared[within]
    np.divide(total, np.maximum(weight, least, out=weight), out=total)
    return total.reshape(-1)[window // 2 : window // 2 + samples]


def mel_of_hz(frequency_hz: Any, *, htk: bool = False) -> Doubles:
    """Mel of Hz: Slaney's scale (linear to 1 kHz, logarithmic above; Auditory Toolbox 1998) or HTK's."""
    hz = np.asarray(frequency_hz, np.float64)
    if htk:
        return np.asarray(2595 * np.log10(1 + hz / 700))
    above = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(hz < 1000, hz * 3 / 200, above)


def hz_of_mel(mel: Any, *, htk: bool = False) -> Doubles:
    """Inverse of :func:`mel_of_hz`."""
    mels = np.asarray(mel, np.float64)
    if htk:
        return np.asarray(700 * (10 ** (mels / 2595) - 1))
    above = 1000 * np.exp((np.maximum(mels, 15) - 15) * np.log(6.4) / 27)
    return np.where(mels < 15, mels * 200 / 3, above)


def mel_filters(
    rate_hz: float, *, window: int, bands: int, low_hz: float = 0.0, high_hz: float | None = None, htk: bool = False
) -> Floats:
    """Triangular filters [bands, window // 2 + 1]; Slaney's have unit area, HTK's unit height.

    Raises:
        ValueError: the band edges are not ``0 <= low_hz < high_hz <= rate_hz / 2``.
    """
    top = rate_hz / 2 if high_hz is None else high_hz
    if not 0 <= low_hz < top <= rate_hz / 2:
        raise ValueError(f"band edges are {low_hz} and {top} Hz; they must rise within 0 and {rate_hz / 2} Hz")
    mels = np.linspace(mel_of_hz(low_hz, htk=htk), mel_of_hz(top, htk=htk), bands + 2)
    edges = hz_of_mel(mels, htk=htk)
    bins = np.arange(window // 2 + 1) * rate_hz / window
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    if not htk:
        filters *= (2 / (edges[2:] - edges[:-2]))[:, None]
    return filters.astype(np.float32)


def mel_spectrogram(
    sound: NDArray[Any],
    rate_hz: float,
    *,
    window: int,
    hop: int,
    bands: int,
    low_hz: float = 0.0,
    high_hz: float | None = None,
    htk: bool = False,
    power: float = 2.0,
) -> Floats:
    """Mel energies [T, bands] of ``sound`` [N]: ``|STFT| ** power`` through :func:`mel_filters`; no logarithm taken."""
    filters = mel_filters(rate_hz, window=window, bands=bands, low_hz=low_hz, high_hz=high_hz, htk=htk)
    return np.asarray((np.abs(stft(sound, window=window, hop=hop)) ** np.float32(power)) @ filters.T, np.float32)
