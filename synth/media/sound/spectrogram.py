"""A sound as a picture: what frequencies are heard when, as PNG.

Shapes: N = samples, W x H = the picture.
"""

from __future__ import annotations

import io
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

HEIGHT: Final = 160
RANGE_HZ: Final = (50.0, 20_000.0)
RANGE_DB: Final = 90.0
COLUMNS_PER_S: Final = 60.0
MOST_COLUMNS: Final = 6000
_WINDOW_S: Final = 0.043
_COLOURS: Final = ((0, 0, 4), (60, 15, 110), (150, 45, 128), (230, 85, 80), (253, 160, 60), (252, 253, 191))
"""From silence to full scale, evenly spaced: dark to light, so that it can be read without colours too."""


def levels(sound: NDArray[np.float32], rate_hz: int) -> NDArray[np.uint8]:
    """Level [H, W] of each band (the highest in row 0) at each moment, 0 for 90 dB below full scale and less."""
    mono = sound.mean(axis=1) if sound.ndim == 2 else sound
    columns = int(min(MOST_COLUMNS, max(1, math.ceil(len(mono) / rate_hz * COLUMNS_PER_S))))
    size = 1 << max(6, round(math.log2(_WINDOW_S * rate_hz)))
    window = np.hanning(size).astype(np.float32)
    padded = np.pad(mono.astype(np.float32), size // 2)
    starts = np.linspace(0, max(0, len(mono) - 1), columns).astype(np.int64)
    rows = _rows(size, rate_hz)
    out = np.zeros((HEIGHT, columns), np.uint8)
    for first in range(0, columns, 512):
        pieces = np.stack([padded[start : start + size] for start in starts[first : first + 512]])
        power = np.square(np.abs(np.fft.rfft(pieces * window, axis=1))) / (window.sum() / 2) ** 2
        loud = np.maximum.reduceat(power, rows, axis=1)[:, :HEIGHT]
        told_db = 10 * np.log10(np.maximum(loud, 1e-12))
        out[:, first : first + 512] = np.clip(255 * (1 + told_db / RANGE_DB), 0, 255).astype(np.uint8).T[::-1]
    return out


def png(sound: NDArray[np.float32], rate_hz: int) -> bytes:
    """The picture of a sound [N] or [N, C]."""
    from PIL import Image

    image = Image.fromarray(levels(sound, rate_hz))
    places = np.linspace(0, len(_COLOURS) - 1, 256)
    palette = [np.interp(places, range(len(_COLOURS)), channel) for channel in zip(*_COLOURS, strict=True)]
    image.putpalette(np.stack(palette, axis=1).astype(np.uint8).tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=False, compress_level=6)
    return file.getvalue()


def _rows(size: int, rate_hz: int) -> NDArray[np.intp]:
    """Where each band's bins begin, ascending; the last one ends the highest band."""
    edges_hz = np.geomspace(RANGE_HZ[0], min(RANGE_HZ[1], 0.499 * rate_hz), HEIGHT + 1)
    return np.asarray(np.clip(np.floor(edges_hz * size / rate_hz), 1, size // 2), np.intp)
