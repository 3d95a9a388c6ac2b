"""Mu-law companding with any number of levels (the curve of ITU-T G.711)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def mu_law_encode(sound: NDArray[Any], levels: int = 256) -> NDArray[np.int64]:
    """Levels [N] in [0, levels) of ``sound`` [N] in [-1, 1], mu = levels - 1 (ITU-T G.711's curve, without its bits).

    The range is fixed: scaling each clip to its own peak would make noise of silence. Values beyond it are clipped.
    """
    mu = levels - 1
    clipped = np.clip(np.asarray(sound, np.float64), -1, 1)
    curved: Doubles = np.sign(clipped) * np.log1p(mu * np.abs(clipped)) / np.log1p(mu)
    codes: NDArray[np.int64] = ((curved + 1) / 2 * mu + 0.5).astype(np.int64)
    return np.minimum(codes, mu)


def mu_law_decode(codes: NDArray[Any], levels: int = 256) -> Floats:
    """Sound [N] in [-1, 1] of ``codes`` [N] in [0, levels)."""
    mu = levels - 1
    curved = 2 * np.asarray(codes, np.float64) / mu - 1
    return np.asarray(np.sign(curved) * np.expm1(np.abs(curved) * np.log1p(mu)) / mu, np.float32)
