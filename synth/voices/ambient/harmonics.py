"""Harmonics beside what a decoder makes: where a recording was periodic, pulses at its pitch; the decoder elsewhere.

A harmonic-plus-noise model (Stylianou, "Applying the harmonic plus noise model in concatenative speech synthesis", IEEE
TSAP 9, 2001) whose noise part is the decoder: SampleRNN at this size makes the texture of a recording but not its
pitch. What is periodic, and how the sound flutters within a step, comes out of the bank with the band levels, of the
same stretches of the same recordings.

Importable without torch. Shapes: N samples at 16 kHz, S steps of 256 samples (62.5 Hz).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.excitation import Excitation
from synth.voices.ambient import band_envelopes
from synth.voices.ambient.band_envelopes import HOP, RATE_HZ, WINDOW, Spectra, held, product, raised, resynthesised
from synth.voices.ambient.envelope_bank import Guide
from synth.voices.ambient.fine_structure import FineStructure, groups_of_bins, modulated
from synth.voices.base import Sound

_BLOCK: Final = 1 << 14  # samples whose pulses are computed at once: what they need stays in the processor's cache
_LOUDNESS: Final = 0.1  # of the pulses before they are given their levels, near those of a recording
_CHANCE: Final = 0.3  # correlation that a frame of noise finds with itself somewhere


def with_harmonics(noise: Sound, guide: Guide) -> Sound:
    """Sound [N] with the band levels of ``guide``, periodic and fluttering where it says so.

    Pulses and noise are each given the levels and share the power of every bin as the recording's periodicity there
    does; both together are then given the levels, which they have but for where they meet. A guide without fine
    structure gives the noise its levels.

    Args:
        noise: [N] at 16 kHz, what the decoder made of the same guide, or any other noise.
    """
    fine, levels = guide.fine, guide.levels
    if fine is None:
        return band_envelopes.impose(noise, levels)
    fluttering = np.empty(len(noise), np.float32)
    for first in range(0, len(noise), _BLOCK):
        piece = noise[first : first + _BLOCK]
        fluttering[first : first + len(piece)] = modulated(piece, fine.modulation, first)
    shares = np.clip((fine.periodicity - _CHANCE) / (1 - _CHANCE), 0, 1)
    if not shares.any():
        return band_envelopes.impose(fluttering, levels)
    groups = groups_of_bins()
    below, above = Spectra(_pulses(fine, shares, len(noise))), Spectra(fluttering)

    def block(first: int, last: int) -> NDArray[np.complex64]:
        wanted = held(levels, first, last)
        periodic = held(shares, first, last)
        if not periodic.any():
            return raised(above.block(first, last), wanted)
        share = np.clip(product(periodic, groups), 0, 1)
        own = raised(below.block(first, last), wanted) * np.sqrt(share)
        return np.asarray(own + raised(above.block(first, last), wanted) * np.sqrt(1 - share), np.complex64)

    return band_envelopes.impose(resynthesised(len(noise), block), levels)


def _pulses(fine: FineStructure, shares: NDArray[np.float32], count: int) -> Sound:
    """Pulses [count]; silence where no window reaches a step that is periodic."""
    excitation = Excitation.of(fine.pitch_hz, RATE_HZ, HOP)
    made = np.zeros(count, np.float32)
    reach = WINDOW // HOP
    for first in range(0, count, _BLOCK):
        here = min(_BLOCK, count - first)
        if not held(shares, max(0, first // HOP - reach), (first + here) // HOP + reach).any():
            continue
        made[first : first + here] = excitation.pulses(first, here) * np.float32(_LOUDNESS)
    return made
