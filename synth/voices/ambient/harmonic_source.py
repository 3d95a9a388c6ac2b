"""What a decoder that can sing is told beside band levels: pitch, periodicity, and the pulses of the coming frame.

The pulses (:mod:`synth.dsp.excitation`) reach the decoder sample by sample, as so many conditioning numbers of each
top frame: it hears a frame's pulses before it makes the frame, and every sampler of :mod:`synth.sampler`, which knows
only vectors a top frame, stays as it is.

In training pitch, periodicity and the places of the pulses are measured on the sound itself; for a silent picture they
come out of the bank together with the band levels, and each pulse is a period after the last one.

Importable without torch. Shapes: S steps of 256 samples (62.5 Hz), F top frames of T samples at 16 kHz.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.dsp.excitation import Excitation
from synth.dsp.pitch import LOW_HZ, PitchTrack, pitch_track
from synth.voices.ambient.band_envelopes import HOP, RATE_HZ, at_frames

class HarmonicSource:
    """Pitch, periodicity and pulses of one sound.

    Args:
        pitch_hz: float32 [S].
        periodicity: float32 [S], 0..1.
        phase: of the fundamental in turns [S], where it was measured.
    """

    def __init__(
        self,
        pitch_hz: NDArray[np.float32],
        periodicity: NDArray[np.float32],
        phase: NDArray[np.float32] | None = None,
    ) -> None:
        self.excitation = Excitation.of(pitch_hz, periodicity, RATE_HZ, HOP, phase)
        octaves = (np.log2(np.maximum(pitch_hz, LOW_HZ) / LOW_HZ) + 1) / 4  # in a loudspeaker's range about 0 to 1.5
        self._told = np.stack([octaves * self.excitation.amplitude, periodicity], 1).astype(np.float32)

    @classmethod
    def measured(cls, sound: NDArray[Any]) -> HarmonicSource:
        """The source of a sound [N] at 16 kHz, its pulses where the sound's own are."""
        return cls.of(pitch_track(sound, RATE_HZ, HOP))

    @classmethod
    def of(cls, track: PitchTrack) -> HarmonicSource:
        """The source of a track, its pulses where they were measured."""
        return cls(track.pitch_hz, track.periodicity, track.phase)

    def frames(self, first: int, count: int, frame: int) -> NDArray[np.float32]:
        """What top frames ``first`` to ``first + count - 1`` of ``frame`` samples each are told, [count, 2 + frame]."""
        told = at_frames(self._told, first, count, frame)
        pulses = self.excitation(first * frame, count * frame).reshape(count, frame)
        return np.concatenate([told, pulses], 1)
