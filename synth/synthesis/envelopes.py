"""Band levels: how loud a sound is in a few bands over time, coarse enough to be chosen, fine enough to be heard.

They are what the *guided* variant of the ambient decoder is conditioned on. In training they are measured on the sound
itself; a silent picture has none, so they are taken from a bank of such tracks, example-based as in Owens et al. (CVPR
2016): of each class's tracks, the stretch whose loudness moves most like the picture does.

Importable without torch. Shapes: N samples at 16 kHz, S steps of 256 samples (62.5 Hz), K = 16 bands.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import dsp

RATE_HZ: Final = 16_000
HOP: Final = 256
STEPS_HZ: Final = RATE_HZ / HOP
BANDS: Final = 16
_WINDOW: Final = 1024
_LOW_HZ: Final = 40.0
RANGE_DB: Final = 90.0  # level 1 is a full-scale band, level 0 lies this far below

Levels = NDArray[np.float32]
"""[S, K], 0 (silence) to about 1 (full scale), linear in dB."""


def band_levels(sound: NDArray[Any]) -> Levels:
    """Levels [S, K] of sound [N] at 16 kHz, S = N // 256 + 1; step s is centred on sample 256 s."""
    power = np.abs(dsp.stft(np.asarray(sound, np.float32), window=_WINDOW, hop=HOP)) ** 2
    filters = dsp.mel_filters(RATE_HZ, window=_WINDOW, bands=BANDS, low_hz=_LOW_HZ, htk=True)
    scale = (np.sum(dsp.hann(_WINDOW)) / 2) ** 2  # a full-scale sine measures about 0 dB
    level_db = 10 * np.log10(power @ filters.T / scale + 1e-12)
    return np.asarray(np.maximum(level_db / RANGE_DB + 1, 0), np.float32)


def loudness(levels: Levels) -> NDArray[np.float32]:
    """The loudness of levels [S, K] a step, [S]: their power summed, on the same scale."""
    power = 10 ** ((levels.astype(np.float64) - 1) * RANGE_DB / 10)
    return np.asarray(np.maximum(10 * np.log10(power.sum(1) + 1e-12) / RANGE_DB + 1, 0), np.float32)


def at_frames(track: NDArray[Any], first: int, count: int, frame: int, hop: int = HOP) -> NDArray[np.float32]:
    """A track [S, K] read at the middles of top frames ``first`` to ``first + count - 1`` of ``frame`` samples each.

    Linear between steps, held at both ends: [count, K].
    """
    place = np.clip(((np.arange(first, first + count) + 0.5) * frame) / hop, 0, len(track) - 1)
    low = np.minimum(place.astype(np.int64), max(len(track) - 2, 0))
    share = (place - low)[:, None].astype(np.float32)
    high = np.minimum(low + 1, len(track) - 1)
    values = np.asarray(track, np.float32)
    return np.asarray(values[low] * (1 - share) + values[high] * share, np.float32)
