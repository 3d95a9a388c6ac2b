"""The pitch and the voicing of what lips say, out of what a reader of pitch answers. No torch.

Answers are natural logarithms of probabilities, spectrum by spectrum: unvoiced, or one pitch of a grid. The path
through them on which small movements weigh little is taken (Viterbi), and each pitch on it moved to the mean of what is
probable around it, since the grid is coarser than the ear. Movements about the speaker's median are then enlarged: what
is read off lips is nearer to the median than what is said (Toda and Tokuda, IEICE Transactions E90-D, 2007, speak of
global variance).

Shapes: S spectra, C classes, the first of them unvoiced; P = C - 1 pitches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from synth.dsp.best_path import best_path

if TYPE_CHECKING:
    from synth.models.speech.lip_pitch import LipPitchConfig

Floats = NDArray[np.float32]

_OCTAVE_COST: Final = 12.0  # nepers that a movement by an octave between two spectra must gain
_AROUND: Final = 2  # pitches of the grid to either side that a mean is taken over
_SMOOTHING: Final = 2.0  # spectra; a contour has no corners
_BLOCK: Final = 3000  # spectra whose path is looked for at once


def track_of(config: LipPitchConfig, answers: Floats) -> Floats:
    """Pitch in Hz and the probability of being voiced, float32 [S, 2], of answers [S, C].

    There is a pitch everywhere: where nothing is voiced it passes from one voiced stretch to the next.
    """
    probable = np.exp(np.asarray(answers, np.float64))
    voiced = np.clip(1 - probable[:, 0] / np.maximum(probable.sum(1), 1e-9), 0, 1)
    grid = config.grid()
    moves = -_OCTAVE_COST * np.abs(grid[:, None] - grid[None])
    octaves = np.full(len(probable), np.log2(config.median_hz))
    for first in range(0, len(probable), _BLOCK):
        piece = slice(first, first + _BLOCK)
        given = probable[piece, 1:] / np.maximum(probable[piece, 1:].sum(1, keepdims=True), 1e-9)
        # What is hardly voiced has no say in which way the pitch goes.
        path = best_path(np.log(given + 1e-6) * voiced[piece, None], lambda _step: moves)
        near = np.abs(np.arange(len(grid))[None] - path[:, None]) <= _AROUND
        weights = given * near + 1e-12 * near
        octaves[piece] = (weights * grid).sum(1) / weights.sum(1)
    weight = voiced**2 + 1e-3
    smooth = _smoothed(octaves * weight) / _smoothed(weight)
    median = np.log2(config.median_hz)
    pitch_hz = np.clip(2 ** (median + config.spread * (smooth - median)), config.low_hz, config.high_hz)
    return np.stack([pitch_hz, voiced], 1).astype(np.float32)


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(scipy.ndimage.gaussian_filter1d(values, _SMOOTHING, mode="nearest"))
