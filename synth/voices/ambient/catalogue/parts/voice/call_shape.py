"""Calls by a few measured numbers: level in third-octave bands, pitch and voicing along the call, and its length.

A shape holds what is alike between two calls of an animal and leaves out the waveform: a computed source, pulses and
noise, is filtered to the levels, as a channel vocoder does (Dudley, 1939). Shapes are measured on recordings by
:func:`measured`; new calls lie between two shapes, at another pitch, length and size.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.best_path import best_path
from synth.voices.ambient.catalogue.parts.curves import fade, through, wander
from synth.voices.ambient.catalogue.parts.spectra import unit_peak
from synth.voices.ambient.catalogue.parts.voice.formants import shape_bands
from synth.voices.ambient.catalogue.parts.voice.voice_source import pulses

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

BAND_HZ: Final = 80.0 * 2.0 ** (np.arange(25) / 3.0)
"""Centres of the third-octave bands, 80 Hz to 20 kHz."""

STEPS: Final = 32
"""Times along a call at which it is measured."""

FLOOR_DB: Final = -60.0
"""The lowest level that is kept, beside the call's loudest band."""

_OCTAVE_COST: Final = 0.06  # correlation that an octave down must gain to be believed
_MOVEMENT_COST: Final = 1.5  # correlation that a jump by an octave within one step must gain
_WHITE_HZ: Final = 40_000.0  # brightness at which pulses are as white as the noise beside them


@dataclass(frozen=True, slots=True)
class CallShape:
    """One call: ``levels_db`` [STEPS, 25], ``pitch_hz`` [STEPS], ``voicing`` [STEPS] 0 noise to 1 tone, length."""

    levels_db: Doubles
    pitch_hz: Doubles
    voicing: Doubles
    duration_s: float

    def towards(self, other: CallShape, share: float) -> CallShape:
        """The call that lies ``share`` (0 to 1) of the way from this one to ``other``."""
        keep = 1 - share
        return CallShape(
            keep * self.levels_db + share * other.levels_db,
            self.pitch_hz**keep * other.pitch_hz**share,
            keep * self.voicing + share * other.voicing,
            self.duration_s**keep * other.duration_s**share,
        )

    def voiced(
        self,
        rate_hz: int,
        rng: np.random.Generator,
        *,
        pitch: float = 1.0,
        duration: float = 1.0,
        size: float = 1.0,
        jitter: float = 0.008,
        shimmer: float = 0.08,
        roughness: float = 0.0,
    ) -> Doubles:
        """The call as samples; peak 1.

        Args:
            rate_hz: sample rate.
            rng: draws the noise and the irregularities of the pulses.
            pitch: pitch beside the measured one.
            duration: length beside the measured one.
            size: resonances move down by this factor (a larger head).
            jitter, shimmer, roughness: see :func:`pulses`.
        """
        n = max(64, int(self.duration_s * duration * rate_hz))
        place = np.linspace(0, 1, STEPS)
        curve = through(n, list(zip(place.tolist(), (self.pitch_hz * pitch).tolist(), strict=True)), logarithmic=True)
        tone = pulses(
            curve,
            rate_hz,
            rng,
            brightness_hz=_WHITE_HZ,
            steep=False,
            jitter=jitter,
            shimmer=shimmer,
            roughness=roughness,
        )
        tone /= max(1e-9, float(tone.std()))
        share = np.clip(np.interp(np.linspace(0, 1, n), place, self.voicing), 0, 1)
        source = np.sqrt(share) * tone + np.sqrt(1 - share) * rng.standard_normal(n)
        source *= 1 + 0.15 * wander(n, rate_hz, rng, 30)
        sound = shape_bands(source, rate_hz, BAND_HZ / size, self.levels_db)
        return unit_peak(sound * fade(n, rate_hz, 0.003, 0.012))


def measured(sound: Doubles, rate_hz: int, low_hz: float, high_hz: float) -> CallShape:
    """The shape of the call ``sound`` [n], whose pitch lies between ``low_hz`` and ``high_hz``.

    Levels are powers in bands of short frames, as densities, so that white noise filtered by them has the same ones.
    Pitch is the smoothest path over the peaks of the normalised autocorrelation (Boersma, 1993).
    """
    size = int(0.04 * rate_hz)
    hop = max(1, (len(sound) - 1) // 60)
    padded = np.concatenate([np.zeros(size // 2), sound, np.zeros(size)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(sound) : hop]
    window = np.hanning(size)
    spectra = np.abs(np.fft.rfft(frames * window, 2 * size)) ** 2
    hz = np.fft.rfftfreq(2 * size, 1 / rate_hz)
    edges = np.append(BAND_HZ, BAND_HZ[-1] * 2 ** (1 / 3)) * 2 ** (-1 / 6)
    power = np.stack([spectra[:, (hz >= a) & (hz < b)].mean(1) for a, b in itertools.pairwise(edges)], 1)
    pitch_hz, voicing = _pitch_and_voicing(spectra, window, rate_hz, low_hz, high_hz)
    at = np.linspace(0, len(frames) - 1, STEPS)
    rows = np.arange(len(frames))
    energy = np.stack([np.interp(at, rows, column) for column in power.T], 1)
    levels = 10 * np.log10(np.maximum(energy / energy.max(), 10 ** (FLOOR_DB / 10)))
    return CallShape(levels, np.interp(at, rows, pitch_hz), np.interp(at, rows, voicing), len(sound) / rate_hz)


def _pitch_and_voicing(
    spectra: Doubles, window: Doubles, rate_hz: int, low_hz: float, high_hz: float
) -> tuple[Doubles, Doubles]:
    """Pitch and share of power that is periodic, one a frame."""
    own = np.fft.irfft(np.abs(np.fft.rfft(window, spectra.shape[1] * 2 - 2)) ** 2)
    correlation = np.fft.irfft(spectra, axis=1)
    correlation = correlation / np.maximum(correlation[:, :1], 1e-12) / np.maximum(own / own[0], 1e-3)
    first, last = int(rate_hz / high_hz), int(rate_hz / low_hz)
    lags = correlation[:, first:last]
    octaves = np.log2(np.arange(first, last) / first)
    best = _smoothest(lags - _OCTAVE_COST * octaves, octaves)
    strength = np.clip(np.take_along_axis(lags, best[:, None], 1)[:, 0], 0, 1)
    return rate_hz / (best + first), strength


def _smoothest(merit: Doubles, octaves: Doubles) -> NDArray[np.int64]:
    """The path through the columns of ``merit`` [T, L] with the highest sum when movement costs (Viterbi)."""
    jump = -_MOVEMENT_COST * np.abs(octaves[:, None] - octaves[None, :])
    return best_path(merit, lambda _: jump)


def packed(shapes: Sequence[CallShape]) -> Floats:
    """Shapes as one array [S, STEPS, 28]: levels, pitch, voicing, and the length once a step."""
    rows = [
        np.column_stack([one.levels_db, one.pitch_hz, one.voicing, np.full(STEPS, one.duration_s)]) for one in shapes
    ]
    return np.stack(rows).astype(np.float32)


def unpacked(numbers: Floats) -> tuple[CallShape, ...]:
    """The shapes of :func:`packed`."""
    bands = len(BAND_HZ)
    return tuple(
        CallShape(one[:, :bands], one[:, bands], one[:, bands + 1], float(one[0, bands + 2]))
        for one in np.asarray(numbers, np.float64)
    )
