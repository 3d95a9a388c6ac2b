"""A harmonic excitation: pulses at a pitch that moves, as loud as the sound is periodic, nothing where it is not.

The source of a neural source-filter model (Wang, Takaki, Yamagishi, "Neural source-filter waveform models for
statistical parametric speech synthesis", arXiv 1904.12088), which adds up sines at the multiples of the pitch; here the
sum over all multiples is taken in closed form, as a geometric series whose harmonics fall off towards half the sample
rate. The noise that those models add is left out: a decoder that draws its samples has chance of its own.

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
_NOISE: Final = 0.4  # correlation that a frame of noise finds with itself somewhere


@dataclass(frozen=True)
class Excitation:
    """An excitation ready to be read at any place.

    Attributes:
        pitch_hz: float64 [S].
        amplitude: float64 [S], root mean square of the pulses, 0..1.
        turns: float64 [S], of the fundamental since the beginning; a whole number is the middle of a pulse.
        rate_hz, hop: samples a second, and samples a step.
    """

    pitch_hz: Doubles
    amplitude: Doubles
    turns: Doubles
    rate_hz: int
    hop: int

    @classmethod
    def of(
        cls, pitch_hz: NDArray[np.float32], periodicity: NDArray[np.float32], rate_hz: int, hop: int,
        phase: NDArray[np.float32] | None = None,
    ) -> Excitation:
        """The excitation of a pitch and periodicity [S] a step.

        Args:
            phase: where the fundamental's crests lie, in turns [S], if that is known; else each step's pulses go on
                where those of the last one ended, from a crest at the first.
        """
        pitch = np.asarray(pitch_hz, np.float64)
        advance = (pitch[1:] + pitch[:-1]) / 2 * hop / rate_hz
        if phase is not None:
            missing = np.diff(np.asarray(phase, np.float64)) - advance
            advance = advance + missing - np.round(missing)
        begin = 0.0 if phase is None or len(phase) == 0 else float(phase[0])
        turns = np.concatenate([[begin], begin + np.cumsum(advance)])
        share = np.clip((np.asarray(periodicity, np.float64) - _NOISE) / (1 - _NOISE), 0, 1)
        return cls(pitch, np.sqrt(share), turns, rate_hz, hop)

    def __call__(self, first: int, count: int) -> Floats:
        """Samples ``first`` to ``first + count - 1``, float32 [count]; the last step is held beyond the end."""
        place = np.arange(first, first + count) / self.hop
        last = len(self.pitch_hz) - 1
        low = np.clip(place.astype(np.int64), 0, last)
        high = np.minimum(low + 1, last)
        share = place - low
        pitch = self.pitch_hz[low] + (self.pitch_hz[high] - self.pitch_hz[low]) * share
        amplitude = self.amplitude[low] + (self.amplitude[high] - self.amplitude[low]) * np.minimum(share, 1)
        return np.asarray(amplitude * _pulses(self._turns(low, share), pitch, self.rate_hz), np.float32)

    def _turns(self, low: NDArray[np.int64], share: Doubles) -> Doubles:
        """Turns between two steps: what the moving pitch makes, and evenly what is missing at the next step."""
        last = len(self.pitch_hz) - 1
        high = np.minimum(low + 1, last)
        step_s = self.hop / self.rate_hz
        here, change = self.pitch_hz[low], self.pitch_hz[high] - self.pitch_hz[low]
        made = (here * share + change * share**2 / 2) * step_s
        missing = np.where(high > low, self.turns[high] - self.turns[low] - (here + change / 2) * step_s, 0.0)
        return self.turns[low] + made + missing * share


def _pulses(turns: Doubles, pitch_hz: Doubles, rate_hz: int) -> Doubles:
    """The sum over k >= 1 of r^k cos(2 pi k turns), r by pitch so that all spectra fall alike, of power 1."""
    ratio = np.exp(-_FALL * pitch_hz / (rate_hz / 2))
    cosine = np.cos(2 * np.pi * (turns % 1.0))
    total = (1 - ratio * cosine) / (1 - 2 * ratio * cosine + ratio**2) - 1
    return np.asarray(total * np.sqrt(2 * (1 - ratio**2)) / ratio, np.float64)
