"""Band levels learnt from recordings: a computed source gets the third-octave spectrum of real ones.

What physics leaves open (the machine's housing, the place, the microphone) is told by statistics over recordings: the
mean of their third-octave levels and the directions in which they differ most (principal components). Each sound draws
its own place among them, so that two of a class differ as two recordings do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.voices.ambient.catalogue.parts.mix import Mix
from synth.voices.ambient.catalogue.performance import Samples

BANDS_HZ: Final = 1000.0 * 2.0 ** (np.arange(-16, 14) / 3)
"""Centres of the 30 third-octave bands, 25 Hz to 20 kHz."""

_LARGEST_CHANGE_DB: Final = 40.0


@dataclass(frozen=True)
class BandLevels:
    """Third-octave levels of a class of recordings, dB beside the whole.

    Attributes:
        mean_db: mean over recordings, one value a band of BANDS_HZ.
        components_db: the principal directions, each one standard deviation long.
    """

    mean_db: tuple[float, ...]
    components_db: tuple[tuple[float, ...], ...]

    def drawn(self, rng: np.random.Generator, spread: float = 0.7) -> Samples:
        """Levels of one recording that might have been, dB, shape [30]; drawn within 1.5 deviations times `spread`."""
        place = np.clip(rng.standard_normal(len(self.components_db)), -1.5, 1.5) * spread
        return np.asarray(np.array(self.mean_db) + place @ np.array(self.components_db))


def band_levels_db(power: NDArray[np.float32] | Samples, frequencies_hz: NDArray[np.float32] | Samples) -> Samples:
    """Level in each of BANDS_HZ of a power spectrum, dB beside the whole; a band above its last bin has -120."""
    edges = np.searchsorted(frequencies_hz, np.append(BANDS_HZ * 2 ** (-1 / 6), BANDS_HZ[-1] * 2 ** (1 / 6)))
    total = np.concatenate([[0.0], np.cumsum(power, dtype=np.float64)])
    band = total[edges[1:]] - total[edges[:-1]]
    return np.asarray(10 * np.log10(np.maximum(band / max(total[-1], 1e-30), 1e-12)))


def match(mix: Mix, levels_db: Samples) -> None:
    """Colour everything in the mix so that its third-octave levels become `levels_db`; its loudness stays."""
    power = mix.power()
    hz = mix.frequencies_hz
    change = levels_db - band_levels_db(power, hz)
    change = np.clip(change - np.max(change[4:24]), -2 * _LARGEST_CHANGE_DB, 0.0)
    gain = 10 ** (np.interp(np.log(np.maximum(hz, 1.0)), np.log(BANDS_HZ), change) / 20)
    gain *= np.sqrt(power.sum() / max(float((power * gain**2).sum()), 1e-30))
    mix.through(gain.astype(np.complex64))
