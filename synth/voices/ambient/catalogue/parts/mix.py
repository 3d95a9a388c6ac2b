"""Sums of layers in the frequency domain: each has its own spectrum, all are added before one inverse transform.

A sound of this catalogue is a handful of layers (pulses, gas, clatter, air, rolling), each with its own colour, in
one place. Filtering each layer by itself would cost two transforms a layer; here it costs one, and shaped noise none at
all, because Gaussian noise is Gaussian in the frequency domain too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from synth.voices.ambient.catalogue.parts.spectra import unit_rms
from synth.voices.ambient.catalogue.performance import Samples

Response = NDArray[np.complex64]
"""A transform. Single precision: 24 bits are finer than what a result is written in, and cost half the time."""
Points = tuple[tuple[float, float], ...]
"""A level curve: (frequency in Hz, level in dB) in rising order, straight between points on a logarithmic axis."""

_GRID = 512


@lru_cache(maxsize=64)
def gain_curve(points: Points, size: int, rate_hz: int) -> NDArray[np.float32]:
    """Amplitude at each frequency of a real transform of `size` samples, shape [size // 2 + 1]; read only."""
    hz, level_db = np.array(points, dtype=np.float64).T
    grid_hz = np.geomspace(10.0, max(rate_hz / 2, hz[-1]), _GRID)
    grid = 10.0 ** (np.interp(np.log(grid_hz), np.log(hz), level_db) / 20.0)
    gain = np.interp(np.arange(size // 2 + 1) * (rate_hz / size), grid_hz, grid).astype(np.float32)
    gain[0] = 0.0  # no layer may carry a constant pressure
    gain.flags.writeable = False
    return np.asarray(gain)


def decibels(level_db: float) -> float:
    """The amplitude of a level in dB."""
    return float(10.0 ** (level_db / 20.0))


class Mix:
    """A sum of layers of n samples, kept as a spectrum until it is asked for.

    Args:
        n: length of every layer and of the result, samples.
        rate_hz: samples a second.
        tail_s: longest response that `through` will be given; a response that is longer would wrap round.
    """

    def __init__(self, n: int, rate_hz: int, tail_s: float = 0.25) -> None:
        self.n = n
        self.rate_hz = rate_hz
        self.size = int(next_fast_len(n + int(tail_s * rate_hz), real=True))
        self._sum: Response = np.zeros(self.size // 2 + 1, np.complex64)

    @property
    def frequencies_hz(self) -> NDArray[np.float32]:
        """Frequency of each bin, shape [size // 2 + 1]."""
        return np.asarray(np.arange(self.size // 2 + 1) * (self.rate_hz / self.size), np.float32)

    def spectrum(self, signal: NDArray[Any]) -> Response:
        """The transform of a signal or of an impulse response of up to `size` samples."""
        return np.asarray(rfft(signal.astype(np.float32), self.size))

    def gain(self, *points: tuple[float, float]) -> NDArray[np.float32]:
        """The amplitude of a level curve at each bin."""
        return gain_curve(points, self.size, self.rate_hz)

    def unit(self, spectrum: Response) -> Response:
        """The spectrum scaled so that its n samples have a root mean square of about 1."""
        power = 2.0 * float(np.vdot(spectrum, spectrum).real) / self.size / self.n
        return np.asarray(spectrum * np.float32(1 / np.sqrt(max(power, 1e-24))))

    def noise_spectrum(self, rng: np.random.Generator, *points: tuple[float, float]) -> Response:
        """Gaussian noise of unit root mean square with the colour of the level curve."""
        bins = self.size // 2 + 1
        white = rng.standard_normal(2 * bins, np.float32).view(np.complex64)
        shaped = white * self.gain(*points)
        power = 2.0 * float(np.vdot(shaped, shaped).real) / self.size**2
        return np.asarray(shaped * np.float32(1 / np.sqrt(max(power, 1e-24))))

    def noise(self, rng: np.random.Generator, *points: tuple[float, float]) -> Samples:
        """`noise_spectrum` as n samples, for a layer that is modulated in time."""
        return self.time(self.noise_spectrum(rng, *points))

    def time(self, spectrum: Response) -> Samples:
        """A spectrum as n samples."""
        return np.asarray(irfft(spectrum, self.size)[: self.n], np.float64)

    def add(self, level: float, layer: Samples | Response, *points: tuple[float, float]) -> None:
        """Add a layer (samples or spectrum), coloured by the points, at a root mean square of `level`."""
        spectrum = self._as_spectrum(layer)
        self._sum += level * self.unit(np.asarray(spectrum * self.gain(*points)) if points else spectrum)

    def add_raw(self, level: float, layer: Samples | Response, *points: tuple[float, float]) -> None:
        """Add a layer without making its level one first: silence stays silence."""
        spectrum = self._as_spectrum(layer)
        self._sum += level * (spectrum * self.gain(*points) if points else spectrum)

    def add_noise(self, level: float, rng: np.random.Generator, *points: tuple[float, float]) -> None:
        """Add coloured noise at a root mean square of `level`."""
        self._sum += level * self.noise_spectrum(rng, *points)

    def through(self, response: Samples | Response) -> None:
        """Send everything that was added so far through an impulse response, or through its transform."""
        self._sum = np.asarray(self._sum * self._as_spectrum(response))

    def _as_spectrum(self, layer: Samples | Response) -> Response:
        if np.iscomplexobj(layer):
            return np.asarray(layer, np.complex64)
        return self.spectrum(np.asarray(layer, np.float64))

    def power(self) -> NDArray[np.float32]:
        """The power at each bin of everything that was added so far."""
        return np.asarray(self._sum.real**2 + self._sum.imag**2, np.float32)

    def coloured(self, *points: tuple[float, float]) -> None:
        """Send everything that was added so far through a level curve."""
        self._sum = self._sum * self.gain(*points)

    def signal(self) -> Samples:
        """Everything that was added, n samples."""
        return self.time(self._sum)


def coloured(signal: Samples, rate_hz: int, *points: tuple[float, float]) -> Samples:
    """A signal through a level curve, same length."""
    mix = Mix(len(signal), rate_hz, 0.05)
    return mix.time(mix.spectrum(signal) * mix.gain(*points))


def coloured_noise(n: int, rate_hz: int, rng: np.random.Generator, *points: tuple[float, float]) -> Samples:
    """Gaussian noise of n samples, unit root mean square, with the colour of the level curve."""
    return Mix(n, rate_hz, 0.0).noise(rng, *points)


def peak(signal: Samples, level: float = 0.9) -> Samples:
    """The signal with its largest sample at `level`; silence stays silence."""
    return signal * (level / max(float(np.abs(signal).max(initial=0.0)), 1e-9))


def at_rms(signal: Samples, level: float = 0.12) -> Samples:
    """The signal at a root mean square of `level`: how the segments of a texture are kept equally loud."""
    return unit_rms(signal) * level
