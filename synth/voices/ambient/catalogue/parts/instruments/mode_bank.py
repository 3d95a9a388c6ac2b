"""Banks of decaying modes: what a struck bar, bell, plate or string does, exactly and for any number of modes.

A mode is exp(s t) with a complex s. Time is cut in two, t = a B + b, and exp(s t) = exp(s a B) exp(s b), so a bank of
M modes over n samples is one product of matrices, [n/B, 2M] by [2M, B]: no recursion, no loop over modes.
Modes are sorted by how long they last, and each group is computed only for as long as it can be heard. (Grains that
begin at different times are in :mod:`~synth.voices.ambient.catalogue.parts.modes`; here all modes begin at once, which
is what lets the product also do the sum.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]

_HEARD_SHARE = 1.05  # of its decay time by 60 dB for which a mode is computed
_LN_1000 = float(np.log(1000))


def decaying_modes(
    n: int, rate_hz: int, hz: ArrayLike, t60_s: ArrayLike, gain: ArrayLike, phase: ArrayLike = 0.0
) -> Doubles:
    """Sum of ``gain * sin(2 pi hz t + phase) * 10**(-3 t / t60_s)``, [n]; modes above .47 of the rate stay out.

    Args:
        n: samples, 1 or more.
        rate_hz: sample rate.
        hz: frequencies, [M].
        t60_s: time in which each mode falls by 60 dB, [M] or a number, above 0.
        gain: amplitudes, [M] or a number.
        phase: at the start, [M] or a number.
    """
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(one, np.float64)) for one in (hz, t60_s, gain, phase)))
    heard = (columns[0] > 0) & (columns[0] < 0.47 * rate_hz) & (columns[2] != 0)
    pitches, falls, gains, phases = (column[heard] for column in columns)
    out = np.zeros(n)
    order = np.argsort(falls)
    for group in np.array_split(order, max(1, min(6, len(order) // 8))):
        if len(group):
            length = min(n, int(_HEARD_SHARE * falls[group[-1]] * rate_hz) + 1)
            out[:length] += _bank(length, rate_hz, pitches[group], falls[group], gains[group], phases[group])
    return out


def _bank(n: int, rate_hz: int, hz: Doubles, t60_s: Doubles, gain: Doubles, phase: Doubles) -> Doubles:
    block = max(16, int(np.sqrt(n)))
    s = (-_LN_1000 / t60_s + 2j * np.pi * hz) / rate_hz
    coarse = np.exp(np.outer(np.arange(-(-n // block)) * block, s)) * (gain * np.exp(1j * phase))
    fine = np.exp(np.outer(s, np.arange(block)))
    return np.asarray((coarse.real @ fine.imag + coarse.imag @ fine.real).ravel()[:n])
