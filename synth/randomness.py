"""Counter-based random numbers: every draw is a pure function of (seed, stream, index).

A stateful generator would give a clip other numbers when it is cut into other chunks or shares a batch with other
jobs. Here the numbers are read from Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
SC 2011), keyed by the seed and by a hash of the stream's name, at the position that is asked for.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError

_WORDS_PER_BLOCK: Final = 4  # Philox4x64 makes four 64-bit words from each value of its counter
_MANTISSA_BITS: Final = 24  # what a float32 holds without rounding, so that 1.0 cannot come out
_KEY_LIMIT: Final = 2**64


def uniforms(seed: int, stream: str, start: int, count: int) -> NDArray[np.float32]:
    """Uniform numbers in [0, 1), shape [count]; element i depends on (seed, stream, start + i) only.

    Args:
        seed: 0 to 2**64 - 1.
        stream: any text; another text gives independent numbers.
        start: index of the first number, 0 or more.
        count: how many, 0 or more.

    Raises:
        OptionError: seed, start or count is outside its range.
    """
    if not 0 <= seed < _KEY_LIMIT:
        raise OptionError(f"seed is {seed}; allowed is 0 to {_KEY_LIMIT - 1}")
    if start < 0 or count < 0:
        raise OptionError(f"start is {start} and count is {count}; neither may be negative")
    name = int.from_bytes(hashlib.blake2b(stream.encode("utf-8"), digest_size=8).digest(), "little")
    block, skip = divmod(start, _WORDS_PER_BLOCK)
    generator = np.random.Philox(key=np.array([seed, name], dtype=np.uint64))
    generator.advance(block)
    words = generator.random_raw(skip + count)[skip:]
    fractions = (words >> np.uint64(64 - _MANTISSA_BITS)).astype(np.float32)
    return fractions * np.float32(2.0**-_MANTISSA_BITS)
