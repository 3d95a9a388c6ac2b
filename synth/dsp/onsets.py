"""When something is struck in a sound: peaks of spectral flux without echoes and rebounds.

Sound is mono float32 [N] in [-1, 1]; times are seconds.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth.dsp.resampling import resample
from synth.dsp.spectra import hann, mel_filters

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

ONSET_RATE_HZ: Final = 200
_ONSET_SOUND_RATE_HZ: Final = 20_000
_ONSET_HOP: Final = _ONSET_SOUND_RATE_HZ // ONSET_RATE_HZ
_ONSET_WINDOW: Final = 512  # 26 ms
_ONSET_BANDS: Final = 40
_ONSET_LAG: Final = 4  # steps; a rise is counted over 20 ms
_ONSET_RANGE: Final = 1e-6  # what lies 60 dB under the loudest moment does not count
_ONSET_FLOOR: Final = 1e-9  # nor what lies 90 dB under full scale: dither and codec hiss
_ONSET_RISE_DB: Final = 6.0  # mean rise over all bands beyond the usual (median over 1 s)
_ONSET_ECHO_S: Final = 0.25  # within this time of a stronger onset ...
_ONSET_ECHO_SHARE: Final = 0.7  # ... one counts only with this share of its height; else it is a rebound
_ONSET_GAP_S: Final = 0.05


def onsets(sound: NDArray[Any], rate_hz: int) -> Doubles:
    """Times in s, rising, at which something is struck in ``sound`` [N]; see :func:`detect_onsets`."""
    return detect_onsets(sound, rate_hz)[0]


def onset_strengths(sound: NDArray[Any], rate_hz: int) -> Doubles:
    """Strength in dB of each of :func:`onsets`, in the same order: how far its spectral flux stands out."""
    return detect_onsets(sound, rate_hz)[1]


def detect_onsets(sound: NDArray[Any], rate_hz: int) -> tuple[Doubles, Doubles]:
    """Onset times in s and strengths in dB of ``sound`` [N], two arrays of one length.

    Spectral flux on 40 mel bands in dB at 200 Hz: the mean rise over 20 ms, against the largest of three neighbouring
    bands before it, so that a gliding tone is no onset (Boeck and Widmer, "SuperFlux", DAFx 2013). A peak counts when
    it stands 6 dB over the median of the second around it; a weaker peak close to a stronger one is a rebound. Times
    are then moved to the steepest rise of the waveform's energy, which is exact to a few ms. The figures were chosen on
    20 clips of Greatest Hits (149 labelled hits, mostly 0.3 to 1 s apart): there F1 is 0.95 within 0.1 s and 0.94
    within 0.05 s; other recordings will do somewhat worse.
    """
    moved = resample(sound, rate_hz, _ONSET_SOUND_RATE_HZ)
    if moved.size == 0:
        return np.zeros(0), np.zeros(0)
    flux = _spectral_flux(moved)
    strengths = flux - scipy.ndimage.median_filter(flux, ONSET_RATE_HZ + 1, mode="reflect")
    near = 2 * round(0.03 * ONSET_RATE_HZ) + 1
    peaks = np.flatnonzero((flux == scipy.ndimage.maximum_filter1d(flux, near)) & (strengths > _ONSET_RISE_DB))
    kept = _without_rebounds(peaks, flux[peaks])
    times = np.array([_sharpened_s(moved, peak / ONSET_RATE_HZ) for peak in kept], np.float64)
    times, first = np.unique(times, return_index=True)
    return times, strengths[kept].astype(np.float64)[first]


def _spectral_flux(sound: Floats) -> Floats:
    """Mean rise [T] in dB over 20 ms at 200 Hz of ``sound`` [N] at 20 kHz; worked in pieces to bound memory."""
    filters = mel_filters(_ONSET_SOUND_RATE_HZ, window=_ONSET_WINDOW, bands=_ONSET_BANDS, low_hz=60, high_hz=9900)
    filters *= 20 * 16 / _ONSET_WINDOW**2  # so that a full-scale sine reads about 1
    # Mirrored ends: a hit at 0 s still is a rise, while a clip that starts amid noise starts with no onset.
    padded = np.pad(sound, (_ONSET_LAG * _ONSET_HOP + _ONSET_WINDOW // 2, _ONSET_WINDOW), mode="symmetric")
    steps = _ONSET_LAG + 1 + sound.size // _ONSET_HOP
    energies = np.empty((steps, _ONSET_BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _ONSET_WINDOW)[::_ONSET_HOP]
    for start in range(0, steps, 4096):
        stop = min(start + 4096, steps)
        spectra = scipy.fft.rfft(frames[start:stop] * hann(_ONSET_WINDOW), axis=1)
        energies[start:stop] = (np.abs(spectra) ** 2) @ filters.T
    floor = max(float(energies.max()) * _ONSET_RANGE, _ONSET_FLOOR)
    levels_db = 10 * np.log10(energies + np.float32(floor))
    earlier = scipy.ndimage.maximum_filter1d(levels_db, 3, axis=1)
    rise: Floats = np.maximum(levels_db[_ONSET_LAG:] - earlier[:-_ONSET_LAG], 0).mean(axis=1, dtype=np.float32)
    return rise


def _without_rebounds(peaks: NDArray[np.intp], heights: Floats) -> NDArray[np.intp]:
    """The ``peaks`` (steps, rising) left when weaker ones close to a stronger one are dropped, strongest first."""
    echo, gap = _ONSET_ECHO_S * ONSET_RATE_HZ, _ONSET_GAP_S * ONSET_RATE_HZ
    kept = np.zeros(peaks.size, bool)
    for index in np.argsort(-heights, kind="stable"):
        low, high = np.searchsorted(peaks, (peaks[index] - echo + 1, peaks[index] + echo))
        others = np.flatnonzero(kept[low:high]) + low
        far = np.abs(peaks[others] - peaks[index]) >= gap
        strong = heights[index] > _ONSET_ECHO_SHARE * heights[others]
        kept[index] = bool(np.all(far & strong))
    return peaks[kept]


def _sharpened_s(sound: Floats, around_s: float) -> float:
    """Where within 30 ms of ``around_s`` the amplitude rises most from one stretch of 3 ms to the next."""
    rate, stretch = _ONSET_SOUND_RATE_HZ, round(0.003 * _ONSET_SOUND_RATE_HZ)
    reach = round(0.03 * rate)
    centre = round(around_s * rate)
    first = centre - reach - stretch
    piece = np.zeros(2 * (reach + stretch), np.float64)
    found = sound[max(first, 0) : first + piece.size]
    piece[max(-first, 0) : max(-first, 0) + found.size] = found
    energy = np.concatenate(([0.0], np.cumsum(piece**2)))
    amplitude = np.sqrt(np.maximum(energy[stretch:] - energy[:-stretch], 0))
    rise = amplitude[stretch:] - amplitude[:-stretch]
    last = int(np.flatnonzero(rise >= 0.95 * rise.max())[-1])  # a click fills many stretches alike: it is in the last
    return max(0.0, (first + stretch + last) / rate)
