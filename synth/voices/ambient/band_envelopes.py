"""Band levels: how loud a sound is in a few bands over time, coarse enough to be chosen, fine enough to be heard.

They are what the *guided* variant of the ambient decoder is conditioned on. In training they are measured on the sound
itself; a silent picture has none, so they are chosen from a bank (:mod:`synth.voices.ambient.envelope_bank`). What the
decoder made is then given just these levels, as Owens et al. (CVPR 2016) impose envelopes on noise: a small decoder
heeds them only about.

Importable without torch. Shapes: N samples at 16 kHz, S steps of 256 samples (62.5 Hz), K = 16 bands.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth.dsp.spectra import hann, mel_filters, overlap_added, stft
from synth.voices.base import Sound

RATE_HZ: Final = 16_000
HOP: Final = 256
STEPS_HZ: Final = RATE_HZ / HOP
BANDS: Final = 16
WINDOW: Final = 1024
_LOW_HZ: Final = 40.0
RANGE_DB: Final = 90.0  # level 1 is a full-scale band, level 0 lies this far below
_IMPOSED_DB: Final = (-40.0, 18.0)
_BLOCK: Final = 64  # steps

Levels = NDArray[np.float32]
"""[S, K], 0 (silence) to about 1 (full scale), linear in dB."""


def band_levels(sound: NDArray[Any]) -> Levels:
    """Levels [S, K] of sound [N] at 16 kHz, S = N // 256 + 1; step s is centred on sample 256 s."""
    return _levels(np.abs(stft(np.asarray(sound, np.float32), window=WINDOW, hop=HOP)) ** 2)


def impose(sound: Sound, track: Levels) -> Sound:
    """Sound [N] at 16 kHz with the band levels of ``track`` [S, K] in place of its own.

    Every bin of every spectrum is moved by what its bands lack or have too much, up to 18 dB up and 40 dB down: what
    lies within a band stays as it was made, how loud the band is becomes what was asked for.
    """
    spectra = Spectra(sound)

    def block(first: int, last: int) -> NDArray[np.complex64]:
        return raised(spectra.block(first, last), held(track, first, last))

    return resynthesised(len(sound), block)


def raised(spectra: NDArray[np.complex64], wanted: Levels) -> NDArray[np.complex64]:
    """Spectra [s, bins] with levels [s, K]."""
    lacking = np.clip((wanted - _levels(np.abs(spectra) ** 2)) * RANGE_DB, *_IMPOSED_DB)
    return np.asarray(spectra * 10 ** (product(lacking, bin_shares()) / 20), np.complex64)


def held(track: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """Steps of a track [S, ...]; beyond its end the last one is held."""
    return track[np.minimum(np.arange(first, last), len(track) - 1)]


class Spectra:
    """The spectra of a sound [N], N // 256 + 1 steps of it, a block at a time."""

    def __init__(self, sound: Sound) -> None:
        padded = np.pad(np.asarray(sound, np.float32), (WINDOW // 2, WINDOW))
        self._windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]

    def block(self, first: int, last: int) -> NDArray[np.complex64]:
        """Of steps ``first`` to ``last - 1``, [s, bins]."""
        return np.asarray(scipy.fft.rfft(self._windows[first:last] * hann(WINDOW), axis=1), np.complex64)


def resynthesised(count: int, spectra: Callable[[int, int], NDArray[np.complex64]]) -> Sound:
    """Sound [count] of spectra that are asked for in blocks, from step ``first`` to before ``last``."""
    window = hann(WINDOW)

    def frames(first: int, last: int) -> NDArray[np.float32]:
        return np.asarray(scipy.fft.irfft(spectra(first, last), axis=1).astype(np.float32) * window, np.float32)

    return overlap_added(count, frames, window=WINDOW, hop=HOP, at_once=_BLOCK, least=1e-6)


@functools.cache
def _filters() -> NDArray[np.float32]:
    return mel_filters(RATE_HZ, window=WINDOW, bands=BANDS, low_hz=_LOW_HZ, htk=True)


@functools.cache
def bin_shares() -> NDArray[np.float32]:
    """What each bin takes of each band's gain, [K, bins]; bins beside all bands follow the nearest."""
    filters = _filters()
    sums = filters.sum(0)
    inside = np.flatnonzero(sums > 1e-6)
    nearest = inside[np.abs(np.arange(filters.shape[1])[:, None] - inside[None]).argmin(1)]
    return np.asarray((filters / np.maximum(sums, 1e-6))[:, nearest], np.float32)


def _levels(power: NDArray[Any]) -> Levels:
    """Levels [S, K] of power spectra [S, bins]."""
    scale = (np.sum(hann(WINDOW)) / 2) ** 2  # a full-scale sine measures about 0 dB
    level_db = 10 * np.log10(product(power, _filters().T) / scale + 1e-12)
    return np.asarray(np.maximum(level_db / RANGE_DB + 1, 0), np.float32)


def product(rows: NDArray[Any], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows times a matrix without BLAS, whose roundings depend on how many rows come together."""
    return np.asarray(np.einsum("sb,bk->sk", rows.astype(np.float32), matrix), np.float32)


def loudness(levels: Levels) -> NDArray[np.float32]:
    """The loudness of levels [S, K] a step, [S]: their power summed, on the same scale."""
    power = 10 ** ((levels.astype(np.float64) - 1) * RANGE_DB / 10)
    return np.asarray(np.maximum(10 * np.log10(power.sum(1) + 1e-12) / RANGE_DB + 1, 0), np.float32)


def at_frames(track: NDArray[Any], first: int, count: int, frame: int, hop: int = HOP) -> NDArray[np.float32]:
    """A track [S, K] read at the middles of top frames ``first`` to ``first + count - 1`` of ``frame`` samples each.

    Linear between steps, held at both ends: [count, K].
    """
    place = np.clip(((np.arange(first, first + count) + 0.5) * frame) / hop, 0, len(track) - 1)
    low = np.minimum(place.astype(np.int64), max(len(track) - 2, 0))
    share = (place - low)[:, None].astype(np.float32)
    high = np.minimum(low + 1, len(track) - 1)
    values = np.asarray(track, np.float32)
    return np.asarray(values[low] * (1 - share) + values[high] * share, np.float32)
