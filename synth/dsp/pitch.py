"""Pitch and periodicity of a sound over time, by normalised autocorrelation.

After Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
sound" (IFA Proceedings 17, 1993): the autocorrelation of a windowed frame over that of its window, its highest peaks
as candidates, a longer period having to earn more, and the path through the candidates on which strong peaks and small
movements of pitch weigh most (Viterbi). Ours: the autocorrelation is read four times as densely as the sound, by zero
padding its power spectrum, and a parabola through each peak says its place and height, since a period of 8 samples is
otherwise known to six per cent only, and one of 48 and a half seems less regular than two; and no candidate says
"unvoiced": how periodic a moment is, is a number beside its pitch.

Importable without torch. Shapes: N samples, S steps of ``hop`` samples, L candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth.dsp.best_path import best_path
from synth.dsp.spectra import hann

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LOW_HZ: Final = 60.0
HIGH_HZ: Final = 2000.0
VOICE_HIGH_HZ: Final = 400.0
"""No voice that speaks is higher for long."""
PERIODIC: Final = 0.6
"""What of a voice repeats less is unvoiced."""
_WINDOW_S: Final = 0.064  # nearly four periods of the lowest pitch
_DENSER: Final = 4
_CANDIDATES: Final = 8
_OCTAVE_COST: Final = 0.03  # correlation that a period twice as long must have more
_MOVEMENT_COST: Final = 0.5  # correlation that a jump by an octave must gain
_SILENT: Final = 1e-8  # mean power, -80 dB of full scale: nothing below it has a pitch
_BLOCK: Final = 512  # steps whose spectra lie in memory together


@dataclass(frozen=True)
class PitchTrack:
    """Pitch over time.

    Attributes:
        pitch_hz: float32 [S]; where nothing is periodic, whatever the path passes through.
        periodicity: float32 [S], share of the power that repeats with that pitch, 0..1.
    """

    pitch_hz: Floats
    periodicity: Floats


def pitch_track(sound: NDArray[Any], rate_hz: int, hop: int, *, high_hz: float = HIGH_HZ) -> PitchTrack:
    """Pitch of ``sound`` [N], S = N // hop + 1; step s is centred on sample ``hop`` s, beyond its ends is silence.

    No pitch above ``high_hz`` is looked for: hiss repeats at some short period now and then.
    """
    size = round(_WINDOW_S * rate_hz)
    steps = len(sound) // hop + 1
    padded = np.pad(np.asarray(sound, np.float64), (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:steps]
    lags, strengths = [], []
    for first in range(0, steps, _BLOCK):
        found = _candidates(frames[first : first + _BLOCK], rate_hz, high_hz)
        lags.append(found[0])
        strengths.append(found[1])
    lag, strength = np.concatenate(lags), np.concatenate(strengths)
    chosen = _smoothest(strength - _OCTAVE_COST * np.log2(lag * high_hz / rate_hz), np.log2(lag))[:, None]
    pitch_hz = rate_hz / np.take_along_axis(lag, chosen, 1)[:, 0]
    periodicity = np.clip(np.take_along_axis(strength, chosen, 1)[:, 0], 0, 1)
    return PitchTrack(pitch_hz.astype(np.float32), periodicity.astype(np.float32))


def voice_pitch(sound: NDArray[Any], rate_hz: int, hop: int) -> Floats:
    """Pitch in Hz of a voice [N], [S] as :func:`pitch_track` counts; 0 where it is unvoiced."""
    found = pitch_track(sound, rate_hz, hop, high_hz=VOICE_HIGH_HZ)
    return np.where(found.periodicity > PERIODIC, found.pitch_hz, np.float32(0))


def _candidates(frames: Doubles, rate_hz: int, high_hz: float) -> tuple[Doubles, Doubles]:
    """Lags in samples and correlations of the highest peaks a frame, [S, L] each; weakest ones where there are few."""
    size = frames.shape[1]
    window = hann(size).astype(np.float64)
    points = 2 * size
    power = np.abs(scipy.fft.rfft(frames * window, points, axis=1)) ** 2
    power[:, : int(0.75 * LOW_HZ * points / rate_hz)] = 0  # rumble correlates with itself at every short lag
    own = scipy.fft.irfft(np.abs(scipy.fft.rfft(window, points)) ** 2, points * _DENSER)
    dense = scipy.fft.irfft(power, points * _DENSER, axis=1)
    first, last = int(_DENSER * rate_hz / high_hz), int(_DENSER * rate_hz / LOW_HZ)
    place = np.arange(first - 1, last + 2)
    floor = _SILENT * (window**2).sum() / _DENSER
    curve = dense[:, place] / np.maximum(dense[:, :1], floor) / (own[place] / own[0])
    before, inner, after = curve[:, :-2], curve[:, 1:-1], curve[:, 2:]
    is_peak = (inner > before) & (inner >= after)
    offset = np.divide(before - after, 2 * (before - 2 * inner + after), out=np.zeros_like(inner), where=is_peak)
    peaks = np.where(is_peak, inner - (before - after) * offset / 4, -1.0)
    merit = peaks - _OCTAVE_COST * np.log2(place[1:-1] / first)
    best = np.argsort(-merit, axis=1, kind="stable")[:, :_CANDIDATES]
    lag = place[1:-1] + offset
    return np.take_along_axis(lag, best, 1) / _DENSER, np.take_along_axis(peaks, best, 1)


def _smoothest(merit: Doubles, octaves: Doubles) -> NDArray[np.int64]:
    """The path through the columns of ``merit`` [S, L] with the highest sum when movement costs, [S]."""
    return best_path(merit, lambda step: -_MOVEMENT_COST * np.abs(octaves[step - 1][:, None] - octaves[step][None]))
