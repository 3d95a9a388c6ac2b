"""A harmonic excitation: pulses at a pitch that moves.

The source of a neural source-filter model (Wang, Takaki, Yamagishi, "Neural source-filter waveform models for
statistical parametric speech synthesis", arXiv 1904.12088), which adds up sines at the multiples of the pitch; here the
sum over all multiples below half the sample rate is taken in closed form, as a geometric series: harmonics fall off
towards there, and none beyond comes back as a tone out of tune.

Importable without torch. Shapes: S steps of ``hop`` samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_FALL: Final = 3.0  # nepers from 0 Hz to half the sample rate: -26 dB there


@dataclass(frozen=True)
class Excitation:
    """An excitation ready to be read at any place.

    Attributes:
        pitch_hz: float64 [S].
        turns: float64 [S], of the fundamental since the beginning; a whole number is the middle of a pulse.
        rate_hz, hop: samples a second, and samples a step.
    """

    pitch_hz: Doubles
    turns: Doubles
    rate_hz: int
    hop: int

    @classmethod
    def of(cls, pitch_hz: Floats, rate_hz: int, hop: int) -> Excitation:
        """The excitation of a pitch [S] a step; its first pulse is at the first sample."""
        pitch = np.asarray(pitch_hz, np.float64)
        advance = (pitch[1:] + pitch[:-1]) / 2 * hop / rate_hz
        return cls(pitch, np.concatenate([[0.0], np.cumsum(advance)]), rate_hz, hop)

    def pulses(self, first: int, count: int) -> Floats:
        """Pulses of power 1 at samples ``first`` to ``first + count - 1``, float32 [count]."""
        low, share = self._between(first, count)
        here, change = self.pitch_hz[low], self.pitch_hz[np.minimum(low + 1, len(self.pitch_hz) - 1)]
        change = change - here
        turns = self.turns[low] + (here * share + change * share**2 / 2) * self.hop / self.rate_hz
        return _pulses(turns, here + change * np.minimum(share, 1), self.rate_hz)

    def _between(self, first: int, count: int) -> tuple[NDArray[np.int64], Doubles]:
        """The step before each sample, and how far beyond it the sample lies, in steps; the last step is held."""
        place = np.arange(first, first + count) / self.hop
        low = np.minimum(place.astype(np.int64), len(self.pitch_hz) - 1)
        return low, place - low


def _pulses(turns: Doubles, pitch_hz: Doubles, rate_hz: int) -> Floats:
    """The sum over k of r^k cos(2 pi k turns) below half the rate, r by pitch so that all spectra fall alike, power 1.

    The harmonic that is about to leave the band as the pitch rises fades before it does.
    """
    nyquist_hz = rate_hz / 2
    ratio = np.exp(-_FALL * pitch_hz / nyquist_hz)
    whole = np.floor(nyquist_hz / pitch_hz - 1)  # harmonics at full strength
    fading = nyquist_hz / pitch_hz - 1 - whole
    cosine, last, beyond = (np.cos(2 * np.pi * (k * turns % 1.0)) for k in (1, whole, whole + 1))
    top = ratio ** (whole + 1)
    total = (ratio * cosine - ratio**2 - top * beyond + top * ratio * last) / (1 - 2 * ratio * cosine + ratio**2)
    power = ratio**2 * (1 - ratio ** (2 * whole)) / (1 - ratio**2) + (fading * top) ** 2
    return np.asarray((total + fading * top * beyond) * np.sqrt(2 / power), np.float32)
