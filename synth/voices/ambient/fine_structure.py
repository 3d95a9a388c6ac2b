"""Fine structure: what a sound does within one step of its band levels, measured on recordings and kept in the bank.

Band levels are seen through 64 ms: whether a band is filled by a tone, by harmonics or by noise, and how it flutters
meanwhile, is not in them. Three numbers a step say it: the pitch, how periodic the sound is with that pitch in each of
five groups of bands (an engine's low harmonics repeat where its upper ones are noise; one number for all would be that
of the loudest band), and the envelope within the step (the blades of a helicopter strike 10 to 25 times a second).

Importable without torch. Shapes: N samples at 16 kHz, S steps of 256 samples, P = 5 groups of bands, M = 8 parts.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth.dsp.pitch import pitch_track
from synth.dsp.spectra import hann
from synth.voices.ambient import band_envelopes
from synth.voices.ambient.band_envelopes import HOP, RATE_HZ, WINDOW

Floats = NDArray[np.float32]

GROUPS: Final = ((0, 3), (3, 6), (6, 9), (9, 12), (12, 16))
"""Bands, first and one beyond the last, that are periodic together: edges near 0.5, 1.1, 2.1 and 3.7 kHz."""

PARTS: Final = 8
"""Of a step: 2 ms each."""

_PART: Final = HOP // PARTS
_DENSER: Final = 4
_PLACES: Final = np.arange(-6, 7) / 300  # of the period: as far as the pitch of a frame may be off, 2 per cent
_SILENT: Final = 1e-9
_EVEN: Final = 0.6  # level of each band when they are brought to one
_MODULATION_DB: Final = (-20.0, 11.875)  # eighths of a dB, so that 0 is one of them


@dataclass(frozen=True)
class FineStructure:
    """The fine structure of one sound.

    Attributes:
        pitch_hz: float32 [S]; where nothing is periodic, whatever the pitch tracker passes through.
        periodicity: float32 [S, P], share of the power of each group of bands that repeats with that pitch, 0..1.
        modulation: float32 [S, M], amplitude within a step beside that of the 64 ms around; part m of step s is
            centred on sample 256 s + 32 m.
    """

    pitch_hz: Floats
    periodicity: Floats
    modulation: Floats

    @classmethod
    def of(cls, sound: NDArray[Any]) -> FineStructure:
        """That of ``sound`` [N], S = N // 256 + 1."""
        pitch_hz = pitch_track(sound, RATE_HZ, HOP).pitch_hz
        return cls(pitch_hz, _periodicity(sound, pitch_hz), _modulation(sound))

    @classmethod
    def unknown(cls, steps: int) -> FineStructure:
        """Nothing periodic and nothing modulated."""
        level = np.ones((steps, PARTS), np.float32)
        return cls(np.full(steps, 100.0, np.float32), np.zeros((steps, len(GROUPS)), np.float32), level)

    def put(self, at: slice, other: FineStructure) -> None:
        """Take these steps from another one, as long as they are."""
        for own, new in ((getattr(self, name), getattr(other, name)) for name in FIELDS):
            own[at] = new


FIELDS: Final = ("pitch_hz", "periodicity", "modulation")


@dataclass(frozen=True)
class PackedFineStructure:
    """Fine structure as a bank keeps it, 15 bytes a step.

    Attributes:
        pitch_hz: float16 [S].
        periodicity: uint8 [S, P]; 255 stands for 1.
        modulation: uint8 [S, M], eighths of a dB above -20.
    """

    pitch_hz: NDArray[np.float16]
    periodicity: NDArray[np.uint8]
    modulation: NDArray[np.uint8]

    @classmethod
    def of(cls, parts: Sequence[FineStructure]) -> PackedFineStructure:
        """Those of some sounds, one after another."""
        pitch, periodicity, modulation = (
            np.concatenate([getattr(part, name) for part in parts], dtype=np.float32) for name in FIELDS
        )
        low_db, high_db = _MODULATION_DB
        level_db = 20 * np.log10(np.maximum(modulation, 1e-3))
        coded = np.clip(np.round((level_db - low_db) / (high_db - low_db) * 255), 0, 255).astype(np.uint8)
        return cls(pitch.astype(np.float16), np.round(periodicity * 255).astype(np.uint8), coded)

    def at(self, places: NDArray[np.int64]) -> FineStructure:
        """That of these steps."""
        return FineStructure(
            self.pitch_hz[places].astype(np.float32),
            np.asarray(self.periodicity[places] / np.float32(255), np.float32),
            _amplitudes()[self.modulation[places]],
        )


@functools.cache
def _amplitudes() -> Floats:
    low_db, high_db = _MODULATION_DB
    return np.asarray(10 ** (np.linspace(low_db, high_db, 256) / 20), np.float32)


def modulated(sound: Floats, modulation: Floats, first: int = 0) -> Floats:
    """Samples [N] of a sound from sample ``first`` on, its amplitude moved as [S, M] says; linear between parts."""
    parts = modulation.reshape(-1)
    place = np.clip(np.arange(first, first + len(sound)) / _PART, 0, len(parts) - 1)
    low = place.astype(np.int64)
    share = (place - low).astype(np.float32)
    return np.asarray(sound * (parts[low] * (1 - share) + parts[np.minimum(low + 1, len(parts) - 1)] * share))


def groups_of_bins() -> Floats:
    """What each bin of a spectrum takes of each group's periodicity, [P, bins]; a bin's shares sum to 1."""
    shares = band_envelopes.bin_shares()
    return np.stack([shares[first:last].sum(0) for first, last in GROUPS])


def _periodicity(sound: NDArray[Any], pitch_hz: Floats) -> Floats:
    """Normalised autocorrelation of each group of bands at the period of the whole, [S, P]."""
    steps = len(pitch_hz)
    spectrum = scipy.fft.rfft(np.asarray(sound, np.float64))
    bins = np.arange(len(spectrum)) * (WINDOW / max(1, len(sound)))
    window = hann(WINDOW).astype(np.float64)
    points = 2 * WINDOW
    own = scipy.fft.irfft(np.abs(scipy.fft.rfft(window, points)) ** 2, points * _DENSER)
    periods = _DENSER * RATE_HZ / pitch_hz.astype(np.float64)
    lags = np.clip(np.round(periods[:, None] * (1 + _PLACES)).astype(np.int64), _DENSER, points * _DENSER // 2 - 1)
    floor = _SILENT * (window**2).sum() / _DENSER
    found = []
    for shares in groups_of_bins():
        part = scipy.fft.irfft(spectrum * np.interp(bins, np.arange(len(shares)), shares), len(sound))
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(part, (WINDOW // 2, WINDOW)), WINDOW)[::HOP][:steps]
        power = np.abs(scipy.fft.rfft(frames * window, points, axis=1)) ** 2
        curve = scipy.fft.irfft(power, points * _DENSER, axis=1)
        heights = np.take_along_axis(curve, lags, 1) / np.maximum(curve[:, :1], floor) / (own[lags] / own[0])
        found.append(np.clip(heights.max(1), 0, 1))
    return np.stack(found, 1).astype(np.float32)


def _modulation(sound: NDArray[Any]) -> Floats:
    """Root mean square of the 4 ms around each part beside that of the 64 ms around it, [S, M].

    All bands are brought to one level first: a narrow loud band flutters by chance, and what bands do by chance they do
    each by itself. In their sum only that is left which they do together.
    """
    level = np.full((1, band_envelopes.BANDS), _EVEN, np.float32)
    power = band_envelopes.impose(np.asarray(sound, np.float32), level).astype(np.float64) ** 2
    near, far = (_mean_around(power, size) for size in (2 * _PART, WINDOW))
    steps = len(sound) // HOP + 1
    amplitude = np.sqrt((near + _SILENT) / (far + _SILENT))[::_PART]
    held = np.pad(amplitude, (0, max(0, steps * PARTS - len(amplitude))), mode="edge")[: steps * PARTS]
    low, high = (10 ** (level_db / 20) for level_db in _MODULATION_DB)
    return np.asarray(np.clip(held, low, high).reshape(steps, PARTS), np.float32)


def _mean_around(power: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    window = hann(size).astype(np.float64)
    return np.asarray(np.maximum(scipy.signal.fftconvolve(power, window / window.sum(), mode="same"), 0))
