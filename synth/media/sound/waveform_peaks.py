"""A waveform as it is drawn: lowest and highest value of each so many samples, in audiowaveform's binary form.

The form is that of BBC's audiowaveform, version 2 (8 bits): a header of 24 bytes, then a pair of signed bytes a point.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError

ZOOMS: Final = (256, 1024, 4096, 16384)
"""Samples a point."""
_HEADER: Final = struct.Struct("<iIiiIi")
_VERSION, _EIGHT_BITS = 2, 1


def peaks_of(sound: NDArray[np.float32], samples_per_point: int) -> NDArray[np.int8]:
    """Points [P, 2], lowest and highest, of a sound [N] or [N, C] over all its channels; full scale is 127."""
    plain = sound if sound.ndim == 2 else sound[:, None]
    whole = len(plain) // samples_per_point * samples_per_point
    pieces = plain[:whole].reshape(-1, samples_per_point * plain.shape[1])
    low, high = pieces.min(axis=1, initial=np.inf), pieces.max(axis=1, initial=-np.inf)
    if whole < len(plain):
        low, high = np.append(low, plain[whole:].min()), np.append(high, plain[whole:].max())
    scaled = np.clip(np.stack([np.floor(low * 127), np.ceil(high * 127)], axis=1), -128, 127)
    return np.asarray(scaled, np.int8)


def as_bytes(points: NDArray[np.int8], rate_hz: int, samples_per_point: int) -> bytes:
    """Points [P, 2] as a file."""
    return _HEADER.pack(_VERSION, _EIGHT_BITS, rate_hz, samples_per_point, len(points), 1) + points.tobytes()


def from_bytes(data: bytes) -> tuple[NDArray[np.int8], int, int]:
    """Points [P, 2], samples a second, samples a point.

    Raises:
        MediaError: it is no such file.
    """
    if len(data) < _HEADER.size:
        raise MediaError("the waveform is cut short")
    version, bits, rate_hz, samples_per_point, length, channels = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if (version, bits, channels) != (_VERSION, _EIGHT_BITS, 1) or len(body) != 2 * length:
        raise MediaError("the waveform is of another form, or cut short")
    return np.frombuffer(body, np.int8).reshape(-1, 2), rate_hz, samples_per_point
