"""Harmonics beside what a decoder makes: where a recording had a pitch, pulses at that pitch; the decoder elsewhere.

A harmonic-plus-noise model (Stylianou, "Applying the harmonic plus noise model in concatenative speech synthesis", IEEE
TSAP 9, 2001) whose noise part is the decoder: SampleRNN at this size makes the texture of a recording but not its
pitch. Pitch and periodicity come out of the bank with the band levels, of the same stretches of the same recordings.

Importable without torch. Shapes: N samples at 16 kHz, S steps of 256 samples (62.5 Hz).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from synth.dsp.excitation import Excitation
from synth.voices.ambient import band_envelopes
from synth.voices.ambient.band_envelopes import HOP, RATE_HZ, Guide
from synth.voices.base import Sound

_BLOCK: Final = 1 << 18  # samples whose pulses are computed at once: the memory of a long sound is its own
_LOUDNESS: Final = 0.1  # of the pulses before they are given their levels, near those of a recording


def with_harmonics(noise: Sound, guide: Guide) -> Sound:
    """Sound [N] with the band levels of ``guide``, periodic where it says so.

    Pulses and noise share the power as the recording's periodicity does: the pulses have the levels first, then both
    together. A guide without pitches gives the noise its levels.

    Args:
        noise: [N] at 16 kHz, what the decoder made of the same guide, or any other noise.
    """
    if guide.voicing is None:
        return band_envelopes.impose(noise, guide.levels)
    excitation = Excitation.of(guide.voicing[:, 0], guide.voicing[:, 1], RATE_HZ, HOP)
    if not excitation.amplitude.any():
        return band_envelopes.impose(noise, guide.levels)
    pulses = np.empty(len(noise), np.float32)
    for first in range(0, len(noise), _BLOCK):
        count = min(_BLOCK, len(noise) - first)
        pulses[first : first + count] = excitation.pulses(first, count)
    mixed = band_envelopes.impose(pulses * np.float32(_LOUDNESS), guide.levels)
    for first in range(0, len(noise), _BLOCK):
        here = slice(first, min(len(noise), first + _BLOCK))
        amplitude = excitation.amplitudes(first, here.stop - first)
        mixed[here] = amplitude * mixed[here] + np.sqrt(1 - amplitude**2) * noise[here]
    return band_envelopes.impose(mixed, guide.levels)
