"""The band above what a decoder makes, filled from the band below: spectral band replication.

After Dietz et al., "Spectral Band Replication, a novel approach in audio coding" (AES 112, 2002): the highest octave is
copied upwards, and brought to the level that the envelope goes on to. There, that envelope is sent along; here it is
the line through the levels of the two highest octaves, moment by moment.

Shapes: N = samples, F = steps of a spectrum.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.resampling import resample
from synth.dsp.spectra import hann, overlap_added

Floats = NDArray[np.float32]

LOW_HZ: Final = 16_000
HIGH_HZ: Final = 48_000
_WINDOW, _HOP = 2048, 512
_TURN: Final = _WINDOW // _HOP  # hops a window, and bins a turn
_BLOCK: Final = 64  # steps: what one needs stays in the processor's cache
_EDGE_HZ: Final = 7_600.0  # resampling leaves nothing of use beyond
_TOP_HZ: Final = 20_000.0
_STEEPEST_DB, _FLATTEST_DB = -18.0, -4.0  # an octave
_SMOOTHING: Final = np.array([0.25, 0.5, 0.25])  # of levels over three steps


def replicate(sound: NDArray[Any]) -> Floats:
    """Sound [N] at 16 kHz as sound [3 N] at 48 kHz with the band up to 20 kHz filled."""
    below = resample(np.asarray(sound, np.float32), LOW_HZ, HIGH_HZ)
    steps = len(below) // _HOP + 1
    window = hann(_WINDOW)
    padded = np.pad(below, (_WINDOW // 2, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]

    def above(first: int, last: int) -> Floats:
        # One step more at either side, so that levels are smoothed alike wherever a block ends.
        low, high = max(0, first - 1), min(steps, last + 1)
        spectra = np.fft.rfft(frames[low:high] * window).astype(np.complex64)
        made = np.fft.irfft(_above(spectra)[first - low : last - low], _WINDOW).astype(np.float32)
        return np.asarray(made * window, np.float32)

    below += overlap_added(len(below), above, window=_WINDOW, hop=_HOP, at_once=_BLOCK, least=1e-3)
    return below


def _above(spectra: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """The spectra [F, bins] of what is to be added above the edge."""
    bin_hz = HIGH_HZ / _WINDOW
    edge = round(_EDGE_HZ / bin_hz)
    # Neighbouring steps agree in phase only where bins are moved by whole turns a hop.
    width = round(edge / 2 / _TURN) * _TURN
    octave = edge - width
    power = np.square(np.abs(spectra))
    upper, lower = (_smooth(power[:, a:b].mean(1)) for a, b in ((octave, edge), (octave // 2, octave)))
    slope_db = np.clip(10 * np.log10((upper + 1e-20) / (lower + 1e-20)), _STEEPEST_DB, _FLATTEST_DB)
    out = np.zeros_like(spectra)
    middle_hz = (octave + edge) / 2 * bin_hz
    for start in range(edge, round(_TOP_HZ / bin_hz), width):
        stop = min(start + width, round(_TOP_HZ / bin_hz))
        octaves = np.log2((start + stop) / 2 * bin_hz / middle_hz)
        gain = 10 ** (slope_db * octaves / 20)
        out[:, start:stop] = spectra[:, octave : octave + stop - start] * gain[:, None]
    return out


def _smooth(levels: NDArray[np.floating]) -> NDArray[np.float64]:
    padded = np.pad(levels.astype(np.float64), 1, mode="edge")
    return np.asarray(np.convolve(padded, _SMOOTHING, mode="valid"))
