"""Speech of spectra and a pitch: harmonics and noise under one envelope, brought together in inverse transforms.

The harmonic plus noise model (Stylianou, "Applying the harmonic plus noise model in concatenative speech synthesis",
IEEE Transactions on Speech and Audio Processing 9, 2001): where the voice sounds there are harmonics of its pitch below
some frequency, and noise above it and everywhere else. Here both are made whole, as pulses and as white noise, their
spectra flattened and mixed bin by bin, and laid under the envelope of the predicted spectra. The phases of that mixture
agree from window to window, so that Griffin-Lim, which starts there, needs a third of the rounds that it needs from
random ones, and keeps the pitch.

Shapes: S spectra, F bins, N = S * HOP samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from synth.dsp.excitation import Excitation
from synth.dsp.griffin_lim import griffin_lim
from synth.dsp.spectra import stft
from synth.voices.speech import spectra

Floats = NDArray[np.float32]

ITERATIONS: Final = 20
_VOICED_BELOW_HZ: Final = 4000.0
_TRANSITION_HZ: Final = 400.0
_ENVELOPE_BINS: Final = 5  # 125 Hz: what is left of the mean voice's harmonics in predicted spectra goes
_FLAT_BINS: Final = 9  # 225 Hz: twice a low voice's pitch, so that the valleys between harmonics stay


@dataclass(frozen=True)
class Source:
    """What the vocal tract shapes, for a whole clip.

    Attributes:
        pulses: at the voice's pitch.
        voicing: float32 [S], share of the power that is harmonic where it can be, 0..1.
    """

    pulses: Excitation
    voicing: Floats

    @classmethod
    def of(cls, track: Floats) -> Source:
        """The source of pitch in Hz and voicing, [S, 2]."""
        return cls(Excitation.of(track[:, 0], spectra.RATE_HZ, spectra.HOP), np.asarray(track[:, 1], np.float32))


def speak(source: Source, first: int, log_magnitudes: Floats, uniforms: NDArray[Any]) -> Floats:
    """Sound [S * HOP] of log magnitudes [S, F], those from spectrum ``first`` of the clip on.

    Args:
        uniforms: [S * HOP], numbers in [0, 1) that the noise is made of.
    """
    count = len(log_magnitudes)
    # What lies at the floor is silence, not a hum at the floor's level.
    wanted = np.maximum(np.exp(log_magnitudes) - np.float32(np.exp(spectra.QUIETEST)), 0)
    harmonics = _flat(source.pulses.pulses(first * spectra.HOP, count * spectra.HOP), count)
    noise = _flat(np.asarray(uniforms, np.float32) - np.float32(0.5), count)
    share = source.voicing[first : first + count, None] * _voiced_share()
    mixed = np.sqrt(share) * harmonics + np.sqrt(1 - share) * noise
    # Noise at its mean level: the dips of one draw are no part of what was predicted.
    shape = np.sqrt(share * np.square(np.abs(harmonics)) + (1 - share))
    return griffin_lim(
        _smoothed(wanted, _ENVELOPE_BINS) * shape,
        np.angle(mixed),
        window=spectra.WINDOW,
        hop=spectra.HOP,
        samples=count * spectra.HOP,
        iterations=ITERATIONS,
        momentum=spectra.MOMENTUM,
    )


def _voiced_share() -> Floats:
    """Which share of the power of voiced speech is harmonic, by bin [F]."""
    bins_hz = np.arange(spectra.BINS) * (spectra.RATE_HZ / spectra.WINDOW)
    return np.asarray(1 / (1 + np.exp((bins_hz - _VOICED_BELOW_HZ) / _TRANSITION_HZ)), np.float32)


def _flat(sound: Floats, count: int) -> NDArray[np.complex64]:
    """Spectra [S, F] of a sound, with an envelope of 1."""
    found = stft(sound, window=spectra.WINDOW, hop=spectra.HOP)[:count]
    return np.asarray(found / np.maximum(_smoothed(np.abs(found), _FLAT_BINS), 1e-9), np.complex64)


def _smoothed(magnitudes: Floats, bins: int) -> Floats:
    """Root mean square over ``bins`` neighbouring bins, [S, F]."""
    power = np.square(magnitudes, dtype=np.float64)
    return np.sqrt(np.maximum(scipy.ndimage.uniform_filter1d(power, bins, 1, mode="nearest"), 0)).astype(np.float32)
