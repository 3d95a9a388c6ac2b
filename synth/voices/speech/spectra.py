"""The spectra that a lip reader predicts, and the way from them back to sound. No torch.

16 kHz, Hann windows of 40 ms every 10 ms: four spectra a picture at 25 pictures a second, spectrum ``k`` centred where
picture ``k / 4`` begins. The clip-level mel spectrogram and the linear one behind it are those of Ephrat, Halperin and
Peleg, "Improved Speech Reconstruction from Silent Video" (ICCV workshops 2017, arXiv 1708.01204); the way back is fast
Griffin-Lim. How many bands and spectra they used is not published: 80 bands from 55 Hz to 7.6 kHz are what later lip
readers on this corpus took.

Magnitudes are those of a full-scale sound; their natural logarithm ends at :data:`QUIETEST`.

Shapes: F = spectra, four a picture; N = samples.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.griffin_lim import griffin_lim
from synth.dsp.spectra import hz_of_mel, mel_filters, mel_of_hz, stft

Floats = NDArray[np.float32]

RATE_HZ: Final = 16_000
PICTURE_RATE_HZ: Final = 25
SPECTRA_A_PICTURE: Final = 4
HOP: Final = RATE_HZ // (PICTURE_RATE_HZ * SPECTRA_A_PICTURE)
WINDOW: Final = 4 * HOP
BANDS: Final = 80
BINS: Final = WINDOW // 2 + 1
LOWEST_HZ: Final = 55.0
HIGHEST_HZ: Final = 7600.0

QUIETEST: Final = float(np.log(3e-3))
"""Natural logarithm of the least magnitude that counts, some 95 dB below a full-scale sine (160): ten times more, and
Griffin-Lim gives STOI .92 where it gives .97 now."""

ITERATIONS: Final = 60
MOMENTUM: Final = 0.99
_INVERTING: Final = 30


@functools.cache
def filters() -> Floats:
    """The mel filters [BANDS, BINS] on magnitudes, each of unit sum, so that bands and bins share one scale."""
    found = mel_filters(RATE_HZ, window=WINDOW, bands=BANDS, low_hz=LOWEST_HZ, high_hz=HIGHEST_HZ)
    sums = found.sum(1, keepdims=True)
    # Low bands are narrower than a bin is: those that hold none take the bin nearest to their centre.
    for band in np.flatnonzero(sums[:, 0] < 1e-9):
        centre = hz_of_mel(np.linspace(mel_of_hz(LOWEST_HZ), mel_of_hz(HIGHEST_HZ), BANDS + 2)[band + 1])
        found[band, round(float(centre) * WINDOW / RATE_HZ)] = 1.0
    return np.asarray(found / np.maximum(found.sum(1, keepdims=True), 1e-9), np.float32)


def magnitudes(sound: NDArray[Any], spectra: int | None = None) -> Floats:
    """Magnitudes [F, BINS] of ``sound`` [N]; silence follows where more spectra are wanted than it has."""
    wanted = 1 + len(sound) // HOP if spectra is None else spectra
    padded = np.pad(np.asarray(sound, np.float32), (0, max(0, wanted * HOP - len(sound))))
    return np.abs(stft(padded, window=WINDOW, hop=HOP)[:wanted])


def log_linear(sound: NDArray[Any], spectra: int | None = None) -> Floats:
    """Natural logarithm of the magnitudes, [F, BINS], not below :data:`QUIETEST`."""
    return _log(magnitudes(sound, spectra))


def log_mel(sound: NDArray[Any], spectra: int | None = None) -> Floats:
    """Natural logarithm of the magnitudes in mel bands, [F, BANDS], not below :data:`QUIETEST`."""
    return _log(magnitudes(sound, spectra) @ filters().T)


def from_linear(log_magnitudes: NDArray[Any], phases: NDArray[Any]) -> Floats:
    """Sound [F * HOP] of log magnitudes [F, BINS].

    Args:
        phases: [F, BINS] in radians, where Griffin-Lim starts.

    Raises:
        ValueError: the shapes differ.
    """
    logs = np.asarray(log_magnitudes, np.float32)
    # What lies at the floor is silence, not a hum at the floor's level.
    wanted = np.maximum(np.exp(logs) - np.float32(np.exp(QUIETEST)), 0)
    return griffin_lim(
        wanted,
        phases,
        window=WINDOW,
        hop=HOP,
        samples=len(logs) * HOP,
        iterations=ITERATIONS,
        momentum=MOMENTUM,
    )


def from_mel(log_mels: NDArray[Any], phases: NDArray[Any]) -> Floats:
    """Sound [F * HOP] of log mel magnitudes [F, BANDS]: :func:`linear_of_mel`, then :func:`from_linear`.

    Raises:
        ValueError: the shapes differ.
    """
    return from_linear(linear_of_mel(log_mels), phases)


def linear_of_mel(log_mels: NDArray[Any]) -> Floats:
    """Log magnitudes [F, BINS] whose mel bands are ``log_mels`` [F, BANDS], least squares among what is not negative.

    Multiplicative steps of Lee and Seung (NIPS 2000) from a start that is smooth between the bands.
    """
    wanted = np.exp(np.asarray(log_mels, np.float32))
    bank = filters()
    spread = bank / np.maximum(bank.sum(0, keepdims=True), 1e-9)
    found = wanted @ spread + np.float32(1e-6)
    above, gram = wanted @ bank, bank.T @ bank
    for _ in range(_INVERTING):
        found *= above / np.maximum(found @ gram, 1e-9)
    return _log(found)


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(values, np.float32(np.exp(QUIETEST)))), np.float32)
