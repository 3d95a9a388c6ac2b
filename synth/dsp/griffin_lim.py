"""Sound of a magnitude spectrogram, by the fast Griffin-Lim iteration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.dsp.spectra import istft, stft

Floats = NDArray[np.float32]


def griffin_lim(
    magnitudes: NDArray[Any],
    phases: NDArray[Any],
    *,
    window: int,
    hop: int,
    samples: int,
    iterations: int = 32,
    momentum: float = 0.99,
) -> Floats:
    """Sound [samples] whose STFT magnitudes approach ``magnitudes`` [T, F]: fast Griffin-Lim.

    Perraudin, Balazs, Sondergaard, "A fast Griffin-Lim algorithm" (WASPAA 2013); ``momentum`` 0 is the algorithm of
    1984. ``phases`` [T, F] in radians is where it starts: randomness comes from the caller.

    Raises:
        ValueError: ``momentum`` is outside [0, 1) or the shapes differ.
    """
    wanted = np.asarray(magnitudes, np.float32)
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum is {momentum}; allowed is 0 to below 1")
    if np.shape(phases) != wanted.shape:
        raise ValueError(f"magnitudes {wanted.shape} and phases {np.shape(phases)} must have one shape")
    spectra = (wanted * np.exp(1j * np.asarray(phases, np.float32))).astype(np.complex64)
    before = np.zeros_like(spectra)
    for _ in range(iterations):
        sound = istft(spectra, window=window, hop=hop, samples=samples)
        rebuilt = stft(sound, window=window, hop=hop)[: len(wanted)]
        pushed = rebuilt + np.float32(momentum) * (rebuilt - before)
        before = rebuilt
        size = np.abs(pushed)
        direction = np.divide(pushed, size, out=np.ones_like(pushed), where=size > 0)
        spectra = (wanted * direction).astype(np.complex64)
    return istft(spectra, window=window, hop=hop, samples=samples)
