"""Speech as line spectral frequencies and a gain, and whispered speech back from them. No torch.

What the predecessor of the speech voice predicts: Ephrat and Peleg, "Vid2speech: Speech Reconstruction from Silent
Video" (ICASSP 2017, arXiv 1701.00495). Linear prediction of order 8 at 8 kHz, in windows of 40 ms every 20 ms, two
a picture at 25 pictures a second; the predictor as line spectral frequencies (Itakura 1975), which stay a stable filter
as long as they are in order; white noise as excitation, so that what is said is whispered.

Ours, where the paper leaves it open: Hann windows, frame ``k`` centred on the 20 ms that it stands for; a lag window
of 60 Hz and white noise at -40 dB, which keep resonances from becoming whistles; frequencies and gain interpolated
between frames, a filter every 2.5 ms.

Shapes: F = frames of 20 ms; N = samples at 8 kHz; P = ORDER. Features [F, P + 1] are the frequencies in radians,
rising, 0 to pi, and the natural logarithm of the prediction error's RMS (of full scale 1).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from synth.dsp.spectra import hann

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RATE_HZ: Final = 8000
ORDER: Final = 8
FRAMES_A_PICTURE: Final = 2
HOP: Final = 160
WINDOW: Final = 2 * HOP
FEATURES: Final = ORDER + 1

QUIETEST: Final = float(np.log(1e-4))
"""Natural logarithm of the least gain that counts; what lies there is silence."""
LOUDEST: Final = 0.0
"""The greatest gain that is sounded: a prediction error of full scale."""
LEAST_GAP: Final = 2 * np.pi * 25 / RATE_HZ
"""Frequencies that are sounded keep 25 Hz from one another, and from both ends."""

_LAG_WINDOW_HZ: Final = 60.0
_WHITE_NOISE: Final = 1e-4
_BLOCK: Final = 20  # samples between one filter and the next


def analyse(sound: NDArray[Any], frames: int | None = None) -> Floats:
    """Features [F, P + 1] of ``sound`` [N] at 8 kHz; silence follows where more frames are wanted than it has.

    A silent frame has evenly spread frequencies, a flat spectrum, and a gain of :data:`QUIETEST`.
    """
    count = round(len(sound) / HOP) if frames is None else frames
    margin = (WINDOW - HOP) // 2
    kept = np.asarray(sound, np.float64)[: count * HOP + margin]
    padded = np.pad(kept, (margin, count * HOP + margin - len(kept)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] if count else np.zeros((0, WINDOW))
    coefficients, gain = lpc(windows * hann(WINDOW))
    scale = np.sqrt(np.sum(hann(WINDOW).astype(np.float64) ** 2))
    logs = np.log(np.maximum(gain / scale, np.exp(QUIETEST)))
    return np.concatenate([lsf_of_lpc(coefficients), logs[:, None]], axis=1).astype(np.float32)


def synthesise(features: NDArray[Any], uniforms: NDArray[Any]) -> Floats:
    """Whispered speech [F * HOP] at 8 kHz of features [F, P + 1].

    Frequencies are put in order and apart first, so that every filter is stable, whatever a network said.

    Args:
        uniforms: [F * HOP] in [0, 1), the excitation.

    Raises:
        ValueError: a shape is another.
    """
    values = np.asarray(features, np.float64)
    if values.ndim != 2 or values.shape[1] != FEATURES or np.shape(uniforms) != (len(values) * HOP,):
        raise ValueError(
            f"features have shape {values.shape} and uniforms {np.shape(uniforms)}; [F, {FEATURES}] and "
            f"[F * {HOP}] are needed"
        )
    if not len(values):
        return np.zeros(0, np.float32)
    gain = np.exp(np.clip(values[:, ORDER], QUIETEST, LOUDEST)) - np.exp(QUIETEST)
    white = np.sqrt(12) * (np.asarray(uniforms, np.float64) - 0.5)
    excitation = white * _between(gain[:, None], 1)[:, 0]
    filters = lpc_of_lsf(_between(ordered(values[:, :ORDER]), _BLOCK))
    out = np.zeros(ORDER + len(white))
    for index, filter_ in enumerate(filters):
        first = index * _BLOCK
        # The filter changes, what it rings from does not: its state is made anew from what was sounded last.
        state = signal.lfiltic([1.0], filter_, out[first : first + ORDER][::-1])
        piece, _ = signal.lfilter([1.0], filter_, excitation[first : first + _BLOCK], zi=state)
        out[ORDER + first : ORDER + first + _BLOCK] = piece
    return out[ORDER:].astype(np.float32)


def _between(values: Doubles, step: int) -> Doubles:
    """Frames [F, K] interpolated at the middle of every ``step`` samples, held before the first and after the last."""
    places = (np.arange(len(values) * HOP // step) + 0.5) * step / HOP - 0.5
    before = np.clip(np.floor(places).astype(np.int64), 0, len(values) - 1)
    after = np.minimum(before + 1, len(values) - 1)
    share = np.clip(places - before, 0, 1)[:, None]
    return np.asarray((1 - share) * values[before] + share * values[after], np.float64)


def lpc(windows: NDArray[Any]) -> tuple[Doubles, Doubles]:
    """Linear prediction by the autocorrelation method (Levinson, Durbin).

    Args:
        windows: [F, W], windowed already.

    Returns:
        The prediction error filters [F, P + 1], each with a leading 1, and the root of each one's error [F].
    """
    values = np.asarray(windows, np.float64)
    lags = np.arange(ORDER + 1)
    found = [np.einsum("fn,fn->f", values[:, : values.shape[1] - lag], values[:, lag:]) for lag in lags]
    correlation = np.stack(found, axis=1) * np.exp(-0.5 * (2 * np.pi * _LAG_WINDOW_HZ / RATE_HZ * lags) ** 2)
    correlation[:, 0] *= 1 + _WHITE_NOISE
    silent = correlation[:, 0] < 1e-20
    correlation[silent] = lags == 0
    out = np.zeros_like(correlation)
    out[:, 0] = 1
    error = correlation[:, 0].copy()
    for lag in lags[1:]:
        reflection = -np.einsum("fj,fj->f", out[:, :lag], correlation[:, lag:0:-1]) / error
        out[:, 1 : lag + 1] += reflection[:, None] * out[:, :lag][:, ::-1].copy()
        error *= 1 - reflection**2
    return out, np.where(silent, 0.0, np.sqrt(error))


def lsf_of_lpc(coefficients: NDArray[Any]) -> Doubles:
    """Line spectral frequencies [F, P] in radians, rising, of stable filters [F, P + 1] with a leading 1; P even."""
    given = np.asarray(coefficients, np.float64)
    forth = np.pad(given, ((0, 0), (0, 1)))
    back = forth[:, ::-1]
    # The sum is a palindrome with a root at -1, the difference one with a root at 1; both are divided out.
    even = signal.lfilter([1.0], [1.0, 1.0], forth + back, axis=1)[:, :-1]
    odd = signal.lfilter([1.0], [1.0, -1.0], forth - back, axis=1)[:, :-1]
    return np.sort(np.concatenate([_angles(even), _angles(odd)], axis=1), axis=1)


def _angles(polynomials: Doubles) -> Doubles:
    """Angles in (0, pi), [F, P / 2], of the roots of polynomials [F, P + 1] that lie on the unit circle in pairs."""
    order = polynomials.shape[1] - 1
    companion = np.zeros((len(polynomials), order, order))
    companion[:, 0] = -polynomials[:, 1:] / polynomials[:, :1]
    companion[:, np.arange(1, order), np.arange(order - 1)] = 1
    return np.sort(np.abs(np.angle(np.linalg.eigvals(companion))), axis=1)[:, ::2]


def lpc_of_lsf(frequencies: NDArray[Any]) -> Doubles:
    """Prediction error filters [F, P + 1] with a leading 1 of line spectral frequencies [F, P]; P even."""
    given = np.asarray(frequencies, np.float64)
    even = np.tile([1.0, 1.0], (len(given), 1))
    odd = np.tile([1.0, -1.0], (len(given), 1))
    for place in range(0, given.shape[1], 2):
        even = _times_pair(even, given[:, place])
        odd = _times_pair(odd, given[:, place + 1])
    return np.asarray((even + odd)[:, :-1] / 2, np.float64)


def _times_pair(polynomials: Doubles, angles: Doubles) -> Doubles:
    """Polynomials [F, K] times (1 - 2 cos(angle) z^-1 + z^-2)."""
    out = np.pad(polynomials, ((0, 0), (0, 2)))
    out[:, 1:-1] -= 2 * np.cos(angles)[:, None] * polynomials
    out[:, 2:] += polynomials
    return out


def ordered(frequencies: NDArray[Any], gap: float = LEAST_GAP) -> Doubles:
    """Frequencies [F, P] in order, ``gap`` radians or more from one another, from 0 and from pi.

    What is so already stays as it is.
    """
    out = np.sort(np.asarray(frequencies, np.float64), axis=1)
    count = out.shape[1]
    # The least and the greatest that leave room for those below and above, then each pushed up by the one before it.
    out = np.minimum(out, np.pi - gap * np.arange(count, 0, -1))
    out[:, 0] = np.maximum(out[:, 0], gap)
    for place in range(1, count):
        out[:, place] = np.maximum(out[:, place], out[:, place - 1] + gap)
    return np.asarray(out, np.float64)
