"""The cochleagram of a sound, and sound with a given cochleagram. No files, no torch.

Shapes: T = time steps, F = bands, N = samples. Sound is mono float32 in [-1, 1].

The cochleagram follows Owens et al., "Visually Indicated Sounds" (CVPR 2016, arXiv 1512.08512) and the filter bank of
McDermott and Simoncelli, "Sound Texture Perception via Statistics of the Auditory Periphery" (Neuron 2011): half-cosine
bands evenly spaced on the ERB scale, Hilbert envelopes, compression by ^0.3, 90 envelope values a second. Three choices
are ours:

* **Fixed gain.** Published code scales each clip to peak 1 first, which turns the hiss of a silent clip into full-scale
  noise. Here a full-scale sine reads 1.0, a sine at -40 dBFS reads 0.25 and silence reads 0.0, in every clip.
* **Blocks.** Sound is worked through in blocks of 8 s with a margin of 1 s on both sides, so that memory grows with the
  sound and its envelopes only. Whole seconds keep both the sound's samples and the envelope's steps on one grid.
* **The bank is built with the rate of the sound that it filters** (20 kHz), not with the rate of the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth.dsp.resampling import resample

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

COCHLEAGRAM_SOUND_RATE_HZ: Final = 20_000
COCHLEAGRAM_RATE_HZ: Final = 90
COCHLEAGRAM_BANDS: Final = 42  # 40 half-cosines + what is left below + what is left above
COMPRESSION: Final = 0.3
LOWEST_CUTOFF_HZ: Final = 20.0
HIGHEST_CUTOFF_HZ: Final = COCHLEAGRAM_SOUND_RATE_HZ / 2

_BLOCK_S: Final = 8
_MARGIN_S: Final = 1
_FADE_S: Final = 0.5  # a block starts and ends in the middle of a sound: its margin's outer half is faded


def erb_of_hz(frequency_hz: Any) -> Doubles:
    """Place on the ERB-number scale of Glasberg and Moore (Hearing Research 1990), as in McDermott's toolbox."""
    return np.asarray(9.265 * np.log1p(np.asarray(frequency_hz, np.float64) / (24.7 * 9.265)))


def hz_of_erb(place: Any) -> Doubles:
    """Inverse of :func:`erb_of_hz`, in Hz."""
    return np.asarray(24.7 * 9.265 * np.expm1(np.asarray(place, np.float64) / 9.265))


def erb_cutoffs_hz(bands: int = COCHLEAGRAM_BANDS) -> Doubles:
    """[bands] edges, evenly spaced in ERB; half-cosine k (1-based) rises from edge k-1, peaks at k, ends at k+1."""
    return hz_of_erb(np.linspace(erb_of_hz(LOWEST_CUTOFF_HZ), erb_of_hz(HIGHEST_CUTOFF_HZ), bands))


@dataclass(frozen=True)
class _Band:
    """One filter in the frequency domain: its response is zero outside the bins from ``first`` on, one a gain."""

    first: int
    gains: Floats
    rate_hz: int  # at which its envelope is taken: at least four times its width, see _analytic

    @property
    def bins(self) -> slice:
        """Where the gains lie in a spectrum."""
        return slice(self.first, self.first + self.gains.size)


@lru_cache(maxsize=16)
def _bank(seconds: int, bands: int = COCHLEAGRAM_BANDS) -> tuple[_Band, ...]:
    """The filters for blocks of so many seconds at 20 kHz, lowest first; their squares sum to one everywhere."""
    places = erb_of_hz(np.arange(seconds * COCHLEAGRAM_SOUND_RATE_HZ // 2 + 1) / seconds)
    edges = erb_of_hz(erb_cutoffs_hz(bands))
    spacing = edges[1] - edges[0]
    responses = [_half_cosine(places, centre, spacing) for centre in edges[1:-1]]
    low = np.where(places <= edges[1], np.sqrt(np.maximum(1 - responses[0] ** 2, 0)), 0.0)
    high = np.where(places >= edges[-2], np.sqrt(np.maximum(1 - responses[-1] ** 2, 0)), 0.0)
    bank = []
    for response in (low, *responses, high):
        used = np.flatnonzero(response > 0)
        gains = response[used[0] : used[-1] + 1].astype(np.float32)
        bank.append(_Band(int(used[0]), gains, _envelope_rate_hz(gains.size / seconds)))
    return tuple(bank)


def _envelope_rate_hz(width_hz: float) -> int:
    """The lowest rate of 2 to 20 kHz that is four times ``width_hz`` and fits a whole number of times into 20 kHz."""
    rates = (2000, 2500, 4000, 5000, 10_000)
    return next((rate for rate in rates if rate >= 4 * width_hz), COCHLEAGRAM_SOUND_RATE_HZ)


def _half_cosine(places: Doubles, centre: float, spacing: float) -> Doubles:
    offset = (places - centre) / spacing
    return np.where(np.abs(offset) < 1, np.cos(np.pi / 2 * np.clip(offset, -1, 1)), 0.0)


def _analytic(spectrum: NDArray[np.complex64], band: _Band, seconds: int) -> NDArray[np.complex64]:
    """Analytic signal [seconds * band.rate_hz] of one band of a block, shifted down to start at 0 Hz.

    The shift changes phases but not the magnitude, and lets a narrow band do with few samples: 8 times as fast as all
    bands at 20 kHz, for compressed envelopes that differ by less than 0.004 (recordings of hits, and white noise).
    """
    length = seconds * band.rate_hz
    bins = np.zeros(length, np.complex64)
    bins[: band.gains.size] = (
        spectrum[band.bins] * band.gains * np.float32(2 * band.rate_hz / COCHLEAGRAM_SOUND_RATE_HZ)
    )
    if band.first == 0:
        bins[0] /= 2  # the mean has no negative twin
    return np.asarray(scipy.fft.ifft(bins, overwrite_x=True))


@dataclass(frozen=True)
class _Block:
    """Whole seconds of a longer sound: ``start_s`` to ``stop_s`` are its own, a margin on both sides is context."""

    start_s: int
    stop_s: int
    fades: bool  # the sound goes on beyond a margin

    def cut(self, samples: NDArray[Any], rate_hz: int) -> Floats:
        """[(own + 2 margins) * rate, ...] of ``samples`` [N, ...], zeros where there is none."""
        first, last = (self.start_s - _MARGIN_S) * rate_hz, (self.stop_s + _MARGIN_S) * rate_hz
        piece = np.zeros((last - first, *samples.shape[1:]), np.float32)
        found = samples[max(first, 0) : last]
        piece[max(-first, 0) : max(-first, 0) + len(found)] = found
        return piece


def _blocks(seconds: float) -> Iterator[_Block]:
    total = max(1, math.ceil(seconds))
    for start in range(0, total, _BLOCK_S):
        yield _Block(start, min(start + _BLOCK_S, total), fades=total > _BLOCK_S)


def _faded(piece: Floats, rate_hz: int) -> Floats:
    """``piece``, in place, with both ends faded over half a second: the FFT is circular and a cut would ring."""
    ramp = np.sin(np.linspace(0, np.pi / 2, round(_FADE_S * rate_hz), dtype=np.float32)) ** 2
    piece[: ramp.size] *= ramp
    piece[-ramp.size :] *= ramp[::-1]
    return piece


def cochleagram_steps(samples: int, rate_hz: float, steps_hz: int = COCHLEAGRAM_RATE_HZ) -> int:
    """How many time steps T :func:`cochleagram` gives for so many samples: ``round(90 * duration)``, one at least."""
    return max(1, round(samples * steps_hz / rate_hz)) if samples else 0


def cochleagram(
    sound: NDArray[Any], rate_hz: int, *, bands: int = COCHLEAGRAM_BANDS, steps_hz: int = COCHLEAGRAM_RATE_HZ
) -> Floats:
    """Compressed envelopes [T, 42] of ``sound`` [N], lowest band first; step k stands for the time k / 90 s.

    Other numbers of ``bands`` (the two at the ends counted) and of ``steps_hz`` may be asked for.

    Envelopes are compressed first and brought to 90 Hz after (by FFT), which is the published order; a sharp attack
    therefore rings a little, and a value may be slightly negative. 10 minutes take about 100 MB beside the result.

    Raises:
        ValueError: the sound is not one-dimensional or the rate is not positive.
    """
    steps = cochleagram_steps(np.size(sound), rate_hz, steps_hz)
    moved = resample(sound, rate_hz, COCHLEAGRAM_SOUND_RATE_HZ)
    if steps == 0:
        return np.zeros((0, bands), np.float32)
    seconds = max(1, math.ceil(steps / steps_hz))
    out = np.zeros((seconds * steps_hz, bands), np.float32)
    for block in _blocks(seconds):
        piece = block.cut(moved, COCHLEAGRAM_SOUND_RATE_HZ)
        if block.fades:
            piece = _faded(piece, COCHLEAGRAM_SOUND_RATE_HZ)
        margin = _MARGIN_S * steps_hz
        own = slice(block.start_s * steps_hz, block.stop_s * steps_hz)
        out[own] = _block_envelopes(piece, bands, steps_hz)[margin:-margin]
    return out[:steps]


def _block_envelopes(piece: Floats, bands: int, steps_hz: int) -> Floats:
    """Compressed envelopes [T, bands] of one block [N] at 20 kHz, N a whole number of seconds."""
    seconds = piece.size // COCHLEAGRAM_SOUND_RATE_HZ
    steps = seconds * steps_hz
    out = np.zeros((steps, bands), np.float32)
    if not piece.any():
        return out
    spectrum = np.asarray(scipy.fft.rfft(piece))
    for index, band in enumerate(_bank(seconds, bands)):
        envelope = np.abs(_analytic(spectrum, band, seconds)) ** np.float32(COMPRESSION)
        kept = np.asarray(scipy.fft.rfft(envelope))[: steps // 2 + 1] * np.float32(steps_hz / band.rate_hz)
        out[:, index] = scipy.fft.irfft(kept, steps)
    return out


def invert_cochleagram(envelopes: NDArray[Any], noise: NDArray[Any], iterations: int = 3) -> Floats:
    """Sound [N] at 20 kHz whose cochleagram approaches ``envelopes`` [T, 42]: they are imposed on ``noise`` [N].

    Each iteration splits the sound of the one before into bands, keeps their phases, puts the wanted envelopes in the
    place of theirs and sums the bands through the same filters (McDermott and Simoncelli 2011). Overlapping bands
    disagree, hence several iterations; after three the rest is small. The result is not clipped.

    Raises:
        ValueError: a shape does not fit, or ``iterations`` is negative.
    """
    wanted = np.maximum(np.asarray(envelopes, np.float32), 0)
    sound = np.array(noise, np.float32)
    if wanted.ndim != 2 or wanted.shape[1] != COCHLEAGRAM_BANDS or sound.ndim != 1:
        raise ValueError(f"wanted are envelopes [T, 42] and noise [N]; the shapes are {wanted.shape}, {sound.shape}")
    if iterations < 0:
        raise ValueError(f"iterations is {iterations}; it must not be negative")
    seconds = max(sound.size / COCHLEAGRAM_SOUND_RATE_HZ, 1.0)
    for _ in range(iterations):
        out = np.zeros_like(sound)
        for block in _blocks(seconds):
            target = block.cut(wanted, COCHLEAGRAM_RATE_HZ)
            imposed = _impose(block.cut(sound, COCHLEAGRAM_SOUND_RATE_HZ), target)
            _overlap_add(out, imposed, block)
        sound = out
    return sound


def _impose(piece: Floats, target: Floats) -> Floats:
    """One block [N] with the compressed envelopes ``target`` [T, 42] in place of its own."""
    seconds, steps = piece.size // COCHLEAGRAM_SOUND_RATE_HZ, target.shape[0]
    spectrum = np.asarray(scipy.fft.rfft(piece))
    total = np.zeros(piece.size // 2 + 1, np.complex64)
    for index, band in enumerate(_bank(seconds)):
        if not target[:, index].any():
            continue
        length = seconds * band.rate_hz
        kept = np.zeros(length // 2 + 1, np.complex64)
        kept[: steps // 2 + 1] = np.asarray(scipy.fft.rfft(target[:, index])) * np.float32(length / steps)
        envelope = np.maximum(scipy.fft.irfft(kept, length), 0) ** np.float32(1 / COMPRESSION)
        analytic = _analytic(spectrum, band, seconds)
        magnitude = np.abs(analytic)
        imposed = envelope * np.divide(analytic, magnitude, out=np.zeros_like(analytic), where=magnitude > 0)
        found = np.asarray(scipy.fft.fft(imposed))[: band.gains.size] * band.gains
        total[band.bins] += found * np.float32(COCHLEAGRAM_SOUND_RATE_HZ / band.rate_hz / 2)
    total[0] *= 2  # halved with the rest, but it has no negative twin
    return np.asarray(scipy.fft.irfft(total, piece.size), np.float32)


def _overlap_add(out: Floats, piece: Floats, block: _Block) -> None:
    """Adds a block to ``out`` in place; neighbours cross-fade over half a second around their common edge."""
    rate = COCHLEAGRAM_SOUND_RATE_HZ
    at = np.arange(piece.size) / rate + (block.start_s - _MARGIN_S)
    half = _FADE_S / 2
    gain = np.ones(piece.size, np.float32)
    if block.start_s > 0:
        gain *= np.clip((at - (block.start_s - half)) / _FADE_S, 0, 1).astype(np.float32)
    if block.stop_s * rate < out.size:
        gain *= np.clip(((block.stop_s + half) - at) / _FADE_S, 0, 1).astype(np.float32)
    first = (block.start_s - _MARGIN_S) * rate
    low, high = max(first, 0), min(first + piece.size, out.size)
    if high > low:
        out[low:high] += (piece * gain)[low - first : high - first]
