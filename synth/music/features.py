"""What a piece of music sounds like in 1140 numbers: the music side of Hong, Im and Yang's video-music retrieval.

After "CBVMR: Content-Based Video-Music Retrieval Using Soft Intra-Modal Structure Constraint" (ICMR 2018, arXiv
1704.06761): 29.12 s from the middle at 12 kHz, parted into what rings and what strikes (Fitzgerald, DAFx 2010: medians
along time and along frequency), 190 measures a frame of each part, and their mean, variance and maximum over time.

Where we differ: the energy-normalised chroma (Mueller and Ewert, ISMIR 2011) is made from the same spectra as the plain
one, not from a constant-Q transform; a track is brought to one level first, so that its mastering says nothing;
spectral places are in kHz. Importable without torch.

Shapes: N = samples, T = frames of 21 ms, F = 257 frequency bins.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from synth.dsp.resampling import resample
from synth.dsp.spectra import istft, mel_filters, stft
from synth.errors import MediaError

Floats = NDArray[np.float32]

RATE_HZ: Final = 12_000
DURATION_S: Final = 29.12
WINDOW: Final = 512
HOP: Final = 256
SHORTEST_S: Final = 3.0
"""Below this there is too little to take a variance of."""

CHROMAS: Final = 12
MELS: Final = 96
CEPSTRA: Final = 20
MEASURES: Final = (
    *(f"chroma {k}" for k in range(CHROMAS)),
    *(f"chroma energy {k}" for k in range(CHROMAS)),
    *(f"mel {k}" for k in range(MELS)),  # decibels
    *(f"cepstrum {k}" for k in range(CEPSTRA)),
    *(f"cepstrum {k}, slope" for k in range(CEPSTRA)),
    *(f"cepstrum {k}, curve" for k in range(CEPSTRA)),
    "level",  # decibels
    "centroid",  # kHz, as the two that follow
    "bandwidth",
    "roll-off",
    *(f"line {k}" for k in range(2)),  # fitted to the spectrum, the highest power first
    *(f"parabola {k}" for k in range(3)),
    "zero crossings",  # share of the samples
)
"""The 190 measures of a frame."""
PARTS: Final = ("harmonic", "percussive")
STATISTICS: Final = ("mean", "variance", "maximum")
NAMES: Final = tuple(f"{part} {what}, {how}" for part in PARTS for how in STATISTICS for what in MEASURES)
FEATURES: Final = len(NAMES)

_MEDIAN: Final = 31  # frames or bins
_LEVEL: Final = 0.1  # root mean square that every track is brought to
_FLOOR: Final = 1e-10
_ROLL_OFF: Final = 0.85  # of the magnitude lies below
_ENERGY_STEPS: Final = (0.4, 0.2, 0.1, 0.05)
_ENERGY_SMOOTHING: Final = 41  # frames
_SLOPE_FRAMES: Final = 9
_TEMPI_BPM: Final = (50.0, 200.0)


def music_features(sound: NDArray[Any], rate_hz: int) -> Floats:
    """The 1140 numbers of a track [N]; :data:`NAMES` says which is which. About a second for a whole track.

    Raises:
        MediaError: it lasts less than three seconds, or is silent.
    """
    piece = _middle(sound, rate_hz)
    spectra = stft(piece, window=WINDOW, hop=HOP).T
    share = _ringing_share(np.abs(spectra))
    ringing = istft((spectra * share).T, window=WINDOW, hop=HOP, samples=len(piece))
    rows = []
    for part, wave in ((share, ringing), (1 - share, piece - ringing)):
        measures = _measures(np.abs(spectra) * part, wave)
        rows += [measures.mean(1), measures.var(1), measures.max(1)]
    return np.concatenate(rows).astype(np.float32)


def tempo_bpm(sound: NDArray[Any], rate_hz: int) -> float:
    """Beats a minute, 50 to 200: where the flow of onsets resembles itself most, with a liking for 110.

    Raises:
        MediaError: as :func:`music_features`.
    """
    piece = _middle(sound, rate_hz)
    mel = _decibels(_mel_filters() @ np.square(np.abs(stft(piece, window=WINDOW, hop=HOP).T)))
    flow = np.maximum(np.diff(mel, axis=1), 0).mean(0)
    flow -= flow.mean()
    spectrum = np.square(np.abs(scipy.fft.rfft(flow, 2 * len(flow))))
    alike = scipy.fft.irfft(spectrum)[: len(flow)]
    frames_s = RATE_HZ / HOP
    lags = np.arange(int(60 * frames_s / _TEMPI_BPM[1]), min(len(flow), int(60 * frames_s / _TEMPI_BPM[0]) + 1))
    # People feel a beat near two a second, of several that would do (Ellis, JNMR 2007).
    liking = np.exp(-0.5 * np.square(np.log2(60 * frames_s / lags / 110)))
    return float(60 * frames_s / lags[int(np.argmax(alike[lags] * liking))])


def _middle(sound: NDArray[Any], rate_hz: int) -> Floats:
    """The middle 29.12 s at 12 kHz, at one level."""
    wanted, samples = round(DURATION_S * rate_hz), np.asarray(sound, np.float32)
    if len(samples) < SHORTEST_S * rate_hz:
        raise MediaError(f"the music lasts {len(samples) / rate_hz:.1f} s; at least {SHORTEST_S:g} s are needed")
    first = max(0, (len(samples) - wanted) // 2)
    piece = resample(samples[first : first + wanted], rate_hz, RATE_HZ)
    level = float(np.sqrt(np.square(piece, dtype=np.float64).mean()))
    if level < 1e-6:
        raise MediaError("the music is silent")
    return np.asarray(piece * np.float32(_LEVEL / level), np.float32)


def _ringing_share(magnitude: Floats) -> Floats:
    """How much of each bin [F, T] rings on rather than strikes, 0..1: the softer of two medians gives way."""
    ringing, striking = np.square(_row_medians(magnitude)), np.square(_row_medians(magnitude.T).T)
    total = ringing + striking
    return np.asarray(np.divide(ringing, total, out=np.full_like(total, 0.5), where=total > 0), np.float32)


def _row_medians(rows: Floats) -> Floats:
    """A median filter along each row, as one long row: scipy's fast way knows one dimension only."""
    margin = _MEDIAN // 2
    # A piece of a few seconds has more frames than the margin, so that its rows can be mirrored.
    padded = np.pad(rows, ((0, 0), (margin, margin)), mode="reflect")
    filtered = scipy.ndimage.median_filter(padded.ravel(), size=_MEDIAN).reshape(padded.shape)
    return np.asarray(filtered[:, margin:-margin], np.float32)


def _measures(magnitude: Floats, wave: Floats) -> Floats:
    """The 190 measures of each frame [190, T] of one part."""
    power = np.square(magnitude)
    chroma = _to_highest(_chroma_filters() @ power)
    mel = _decibels(_mel_filters() @ power)
    cepstra = scipy.fft.dct(mel, axis=0, norm="ortho")[:CEPSTRA]
    bins_khz = np.arange(len(magnitude), dtype=np.float32) * (RATE_HZ / WINDOW / 1000)
    total = magnitude.sum(0) + _FLOOR
    centroid = bins_khz @ magnitude / total
    bandwidth = np.sqrt((np.square(bins_khz[:, None] - centroid) * magnitude).sum(0) / total)
    roll_off = bins_khz[np.argmax(np.cumsum(magnitude, 0) >= _ROLL_OFF * (total - _FLOOR), axis=0)]
    single = (_decibels(power.mean(0)), centroid, bandwidth, roll_off)
    fits = [np.linalg.pinv(np.vander(bins_khz, order + 1)) @ magnitude for order in (1, 2)]
    slopes = [scipy.ndimage.correlate1d(cepstra, _derivative(order), mode="nearest") for order in (1, 2)]
    crossings = _crossings(wave, magnitude.shape[1])
    rows = (chroma, _chroma_energy(chroma), mel, cepstra, *slopes, single, *fits, crossings[None])
    return np.concatenate([np.asarray(row, np.float32) for row in rows])


def _decibels(power: NDArray[Any]) -> Floats:
    return np.asarray(10 * np.log10(np.maximum(power, _FLOOR)), np.float32)


def _to_highest(rows: NDArray[Any]) -> Floats:
    return np.asarray(rows / (rows.max(0) + _FLOOR), np.float32)


def _chroma_energy(chroma: Floats) -> Floats:
    """Chroma in five coarse steps, smoothed over a second: what the harmony does, whoever plays it."""
    shares = chroma / (chroma.sum(0) + _FLOOR)
    coarse = np.asarray(sum((shares > step) * 0.25 for step in _ENERGY_STEPS), np.float64)
    window = np.hanning(_ENERGY_SMOOTHING + 2)[1:-1]
    smooth = scipy.ndimage.correlate1d(coarse, window / window.sum(), axis=1, mode="constant")
    return np.asarray(smooth / (np.linalg.norm(smooth, axis=0) + _FLOOR), np.float32)


def _crossings(wave: Floats, frames: int) -> Floats:
    """Share of samples [T] around each frame's middle at which the sign changes."""
    changes = np.diff(np.signbit(np.pad(wave, (WINDOW // 2, WINDOW)))).astype(np.float32)
    sums = np.concatenate([[0.0], np.cumsum(changes, dtype=np.float64)])
    starts = np.arange(frames) * HOP
    return np.asarray((sums[starts + WINDOW] - sums[starts]) / WINDOW, np.float32)


def _derivative(order: int) -> NDArray[np.float64]:
    """Weights that give the first or second derivative of the parabola (first: line) fitted to nine frames."""
    places = np.arange(_SLOPE_FRAMES) - _SLOPE_FRAMES // 2
    fit = np.linalg.pinv(np.vander(places.astype(np.float64), order + 1, increasing=True))
    return np.asarray(fit[order] * (1 if order == 1 else 2))


@lru_cache(maxsize=1)
def _mel_filters() -> Floats:
    return mel_filters(RATE_HZ, window=WINDOW, bands=MELS)


@lru_cache(maxsize=1)
def _chroma_filters() -> Floats:
    """How much each bin says of each of twelve pitch classes from C on [12, F], after Ellis's chroma (2007)."""
    bins_hz = np.arange(1, WINDOW // 2 + 1) * RATE_HZ / WINDOW
    pitch = 12 * np.log2(bins_hz / 440) + 69  # as MIDI counts; a multiple of 12 is a C
    width = np.maximum(1.0, np.diff(pitch, append=pitch[-1] + 0.1))
    away = (pitch - np.arange(12)[:, None] + 6) % 12 - 6
    weights = np.exp(-2 * np.square(away / width))
    weights /= np.linalg.norm(weights, axis=0)
    weights *= np.exp(-0.5 * np.square((pitch / 12 - 6) / 2))  # bass and glitter say little of the harmony
    return np.concatenate([np.zeros((12, 1)), weights], axis=1).astype(np.float32)
