"""Width out of one channel: a copy of like spectrum but another shape, laid into the difference of two channels.

Shapes: N = samples.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 0.4
"""Of the difference against the sum: two loudspeakers sound wide, and one loses .64 dB of noise."""
_TAPS: Final = 24
_LENGTH_S: Final = 0.03
_DECAY: Final = 3.0  # nepers over the whole length
_SEED: Final = 1969
_BLOCK: Final = 1 << 13  # samples: all taps read what lies in the processor's cache


class Decorrelator:
    """Makes two channels [N, 2] out of one [N], piece by piece; what comes out does not depend on the pieces.

    The difference is the sound through velvet noise (Valimaki et al., "Late reverberation synthesis using filtered
    velvet noise", Applied Sciences 2017; Schlecht et al., "Optimized velvet-noise decorrelator", DAFx 2018): few taps
    of either sign, which leave the spectrum on the whole as it is. The sum of the channels is the sound itself.
    """

    def __init__(self, rate_hz: int) -> None:
        self._places, self._gains = _velvet(rate_hz)
        self._before = np.zeros(int(self._places[-1]))

    def widen(self, sound: NDArray[Any]) -> NDArray[np.float64]:
        """The next piece [N] as [N, 2], as loud as it was."""
        held = len(self._before)
        line = np.concatenate([self._before, sound])
        out = np.empty((len(sound), 2))
        level = 1 / np.sqrt(1 + SIDE**2)
        for first in range(0, len(sound), _BLOCK):
            middle = line[held + first : held + min(first + _BLOCK, len(sound))]
            side, scaled = np.zeros(len(middle)), np.empty(len(middle))
            for place, gain in zip(self._places, self._gains, strict=True):
                begin = held - place + first
                side += np.multiply(line[begin : begin + len(middle)], gain, out=scaled)
            side *= SIDE
            here = out[first : first + len(middle)]
            here[:, 0] = (middle + side) * level
            here[:, 1] = (middle - side) * level
        self._before = line[len(line) - held :].copy()
        return out


@functools.cache
def _velvet(rate_hz: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places [taps] in samples, one in each equal stretch, and gains [taps] whose squares sum to one."""
    draw = np.random.default_rng(_SEED)
    at = (np.arange(_TAPS) + draw.uniform(0, 1, _TAPS)) / _TAPS
    gains = draw.choice([-1.0, 1.0], _TAPS) * np.exp(-_DECAY * at)
    places = 1 + np.floor(at * _LENGTH_S * rate_hz).astype(np.int64)
    return places, gains / np.linalg.norm(gains)
