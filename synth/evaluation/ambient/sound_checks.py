"""What can be wrong with a generated sound whatever it is of, and how near it comes to a recording learnt from.

Every threshold is met by some real sound too: report the same checks of real clips beside those of generated ones.

Shapes: N samples at 16 kHz, K bands, S steps of 256 samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from synth.dsp.spectra import istft, mel_filters, stft
from synth.evaluation.ambient.judges import log_mel
from synth.evaluation.ambient.yamnet import RATE_HZ
from synth.voices.ambient import band_envelopes

Floats = NDArray[np.float32]

_SILENT_DB: Final = -50.0
_MISSING_DB: Final = 20.0
_FULL: Final = 0.99
_CLIPPED_SHARE: Final = 0.001
_TONE_SHARE: Final = 0.6
_REPEATS: Final = 0.9


@dataclass(frozen=True)
class Faults:
    """Measurements of one sound, and what they say.

    Attributes:
        loudest_db: RMS of the loudest tenth of a second, in dB of full scale.
        full_share: share of samples at full scale.
        tone_share: share of the energy above 60 Hz that lies in the strongest 50 Hz, over the whole sound.
        repetition: normalised cross-correlation of its loudest half second with the most alike one before or after.
    """

    loudest_db: float
    full_share: float
    tone_share: float
    repetition: float

    @property
    def silent(self) -> bool:
        """Nothing is to be heard."""
        return self.loudest_db < _SILENT_DB

    @property
    def clipped(self) -> bool:
        """One sample in a thousand is as loud as can be."""
        return self.full_share > _CLIPPED_SHARE

    @property
    def tone(self) -> bool:
        """It is one note."""
        return not self.silent and self.tone_share > _TONE_SHARE

    @property
    def repeats(self) -> bool:
        """It plays the same half second again, sample by sample."""
        return not self.silent and self.repetition > _REPEATS


def faults(sound: NDArray[Any], peak: float = 1.0) -> Faults:
    """Check ``sound`` [N]; ``peak`` is full scale."""
    heard = np.asarray(sound, np.float32)
    loudest = float(_tenths(heard).max(initial=0))
    power = (np.abs(stft(heard, window=1024, hop=512)) ** 2).sum(0)[4:]
    within = np.convolve(power, np.ones(3), "same")
    first = _loudest_segments(heard, 1)[0]
    segment = heard[first : first + SEGMENT]
    rest = [part for part in (heard[: max(0, first - 320)], heard[first + SEGMENT + 320 :]) if len(part) >= SEGMENT]
    return Faults(
        loudest_db=20 * float(np.log10(loudest / peak + 1e-9)),
        full_share=float(np.mean(np.abs(heard) >= _FULL * peak)),
        tone_share=float(within.max() / power.sum()) if power.sum() > 0 else 0.0,
        repetition=max((float(_Known.of(part).correlations(segment)) for part in rest), default=0.0),
    )


def missing_s(sound: NDArray[Any], control: NDArray[Any]) -> float:
    """How long ``sound`` [N] lies 20 dB or more under ``control`` [N], where both go on and that is not silent."""
    both = min(len(sound), len(control))
    ours_db, theirs_db = (20 * np.log10(_tenths(one[:both]) + 1e-9) for one in (sound, control))
    return float(np.sum((theirs_db > _SILENT_DB) & (ours_db < theirs_db - _MISSING_DB))) / 10


def _tenths(sound: NDArray[Any]) -> NDArray[np.float64]:
    """RMS of every tenth of a second of ``sound`` [N]."""
    step = RATE_HZ // 10
    frames = np.pad(np.asarray(sound, np.float64), (0, -len(sound) % step)).reshape(-1, step)
    return np.asarray(np.sqrt((frames**2).mean(1)))


# --- near copies --------------------------------------------------------------------------------------------------

SEGMENT: Final = RATE_HZ // 2
"""Samples that are looked for in recordings: half a second."""
_MEL_STEPS: Final = SEGMENT // 256
_MEL_HOP: Final = 2


@dataclass(frozen=True)
class Nearest:
    """How near the loudest half seconds of a sound come to any half second of some recordings.

    Attributes:
        correlation: of the waveforms, normalised, 0..1: 1 is a copy at any volume.
        mel_db: root mean square difference of the log-mel spectrograms, of the nearest.
    """

    correlation: float
    mel_db: float


@dataclass(frozen=True)
class _Known:
    """A recording, ready to be searched."""

    spectrum: NDArray[np.complex64]
    size: int
    energies: NDArray[np.float64]
    patches: Floats

    @classmethod
    def of(cls, sound: Floats) -> _Known:
        size = scipy.fft.next_fast_len(len(sound) + SEGMENT, real=True)
        sums = np.concatenate(([0.0], np.cumsum(sound.astype(np.float64) ** 2)))
        return cls(scipy.fft.rfft(sound, size), size, sums[SEGMENT:] - sums[:-SEGMENT], _patches(sound))

    def correlations(self, segment: Floats) -> float:
        """The largest normalised cross-correlation with a segment, where the recording is not silent."""
        size = float(np.sqrt((segment.astype(np.float64) ** 2).sum()))
        if size == 0 or self.energies.max() <= 0:
            return 0.0
        product = scipy.fft.irfft(self.spectrum * np.conj(scipy.fft.rfft(segment, self.size)), self.size)
        heard = self.energies > 1e-3 * self.energies.max()
        return float(np.max(np.abs(product[: len(heard)][heard]) / np.sqrt(self.energies[heard]) / size))


class Recordings:
    """Recordings that a sound may be a copy of.

    Args:
        sounds: [N] each; one shorter than half a second is repeated.
    """

    def __init__(self, sounds: Sequence[NDArray[Any]]) -> None:
        self._known = [_Known.of(_long_enough(sound)) for sound in sounds]

    def nearest(self, sound: NDArray[Any], segments: int = 3) -> Nearest:
        """Search for the loudest ``segments`` half seconds of ``sound`` [N]; the nearest of them counts."""
        heard = _long_enough(sound)
        starts = _loudest_segments(heard, segments)
        pieces = [heard[first : first + SEGMENT] for first in starts]
        correlation = max(known.correlations(piece) for known in self._known for piece in pieces)
        ours = np.concatenate([_patches(piece)[:1] for piece in pieces])
        apart = min(float(_squares(ours, known.patches).min()) for known in self._known)
        return Nearest(correlation, float(np.sqrt(max(0.0, apart))) * 50.0)


def _long_enough(sound: NDArray[Any]) -> Floats:
    heard = np.asarray(sound, np.float32)
    return heard if len(heard) >= SEGMENT else np.tile(heard, -(-SEGMENT // max(1, len(heard))))


def _loudest_segments(sound: Floats, count: int) -> list[int]:
    """Where the loudest half seconds begin, none of which overlap."""
    starts = np.arange(0, max(1, len(sound) - SEGMENT + 1), SEGMENT)
    loud = [float((sound[first : first + SEGMENT].astype(np.float64) ** 2).sum()) for first in starts]
    return [int(starts[index]) for index in np.argsort(loud)[::-1][:count]]


def _patches(sound: Floats) -> Floats:
    """Half seconds of the log-mel spectrogram, [places, steps * bands]; each at its own level."""
    mel = log_mel(sound)
    short = max(0, _MEL_STEPS - len(mel))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(mel, ((0, short), (0, 0))), _MEL_STEPS, axis=0)
    return np.ascontiguousarray(windows[::_MEL_HOP].reshape(-1, windows.shape[1] * _MEL_STEPS))


def _squares(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Mean squared differences of rows [n, E] and [m, E], [n, m]; what is silent is as far as can be."""
    both = (first**2).mean(1)[:, None] + (second**2).mean(1) - 2 * (first @ second.T) / first.shape[1]
    return np.asarray(np.where((second**2).mean(1) < 1e-3, np.inf, both), np.float64)


# --- noise that a generator has to beat ---------------------------------------------------------------------------


def white_noise(samples: int, seed: int) -> Floats:
    """White noise [N], RMS 0.1."""
    return (0.1 * np.random.default_rng((seed, 0)).standard_normal(samples)).astype(np.float32)


def pink_noise(samples: int, seed: int) -> Floats:
    """Noise [N] whose power falls by 3 dB an octave from 20 Hz, RMS 0.1."""
    spectrum = np.fft.rfft(np.random.default_rng((seed, 1)).standard_normal(samples))
    hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    sound = np.fft.irfft(np.where(hz < 20, 0, spectrum / np.sqrt(np.maximum(hz, 20))), samples)
    return np.asarray(0.1 * sound / sound.std(), np.float32)


def shaped_noise(levels: band_envelopes.Levels, samples: int, seed: int) -> Floats:
    """Noise [N] with the band levels [S, K]: all that a guided decoder is told, and nothing that it has learnt.

    Band levels are taken from recordings, so that much of what a judge knows a class by is in them already: what a
    decoder is worth is what it adds to this.
    """
    window = 1024
    noise = white_noise(samples, seed)
    spectra = stft(noise, window=window, hop=band_envelopes.HOP)
    filters = mel_filters(RATE_HZ, window=window, bands=levels.shape[1], low_hz=40.0, htk=True).astype(np.float64)
    wanted = band_envelopes.at_frames(levels, 0, len(spectra), band_envelopes.HOP)
    wanted_db = (wanted.astype(np.float64) - 1) * band_envelopes.RANGE_DB
    have_db = (band_envelopes.band_levels(noise).mean(0).astype(np.float64) - 1) * band_envelopes.RANGE_DB
    gains = np.where(wanted > 0, 10 ** ((wanted_db - have_db) / 20), 0)
    weight = filters.sum(0)
    per_bin = np.divide(gains @ filters, weight, out=np.zeros((len(gains), len(weight))), where=weight > 0)
    sound = istft(spectra * per_bin, window=window, hop=band_envelopes.HOP, samples=samples)
    return np.asarray(np.clip(sound, -1, 1), np.float32)
