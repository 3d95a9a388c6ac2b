"""How near made speech comes to the real sound of the same sentence, as pure functions of two sounds; no files.

What was not measured is ``None``, never 0: silence has no PESQ. Sounds are at 16 kHz, one channel [N] in [-1, 1].
Before anything is measured the made sound is shifted by the lag that fits best (:func:`align`), since a constant offset
of sound and picture is hardly noticed but ruins every measure; the lag is reported, for a systematic one is an error.

* STOI: Taal et al., "An algorithm for intelligibility prediction of time-frequency weighted noisy speech" (IEEE TASLP
  2011); ESTOI: Jensen and Taal (IEEE/ACM TASLP 2016). Of pystoi, which brings both sounds to 10 kHz.
* PESQ: ITU-T P.862, narrow band at 8 kHz with the mapping of P.862.1, wide band at 16 kHz by P.862.2. Of pesq.
* Mel-cepstral distortion: Kubichek (IEEE Pacific Rim conference 1993); the formula stands at :func:`mel_cepstrum`.

pystoi is an extra (``sonorize[eval]``). pesq is one of its own (``sonorize[pesq]``), since it has to be compiled: where
it is not installed there is no PESQ, and :func:`without_pesq` says why. Shapes: N samples, T frames, B mel bands.
"""

from __future__ import annotations

import importlib
import math
import warnings
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.pitch import voice_pitch
from synth.dsp.resampling import resample
from synth.dsp.spectra import mel_spectrogram
from synth.errors import OptionError
from synth.metrics.voicing import PitchFigures, pitch_figures

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RATE_HZ: Final = 16_000
NARROW_RATE_HZ: Final = 8_000
LONGEST_LAG_S: Final = 0.2
FRAME_S: Final = 0.01
COEFFICIENTS: Final = 13
BANDS: Final = 80
ACTIVE_DB: Final = 35.0  # a frame is speech when its level is less than this below the loudest
LONGEST_WARPED: Final = 2000  # frames; the table of a warping path grows with the square
_SILENT: Final = 1e-5  # a peak below this (-100 dB) is silence
_LAG_STEP: Final = 32  # samples: 2 ms
_LAG_BANDS: Final = 20
_FLOOR_DB: Final = 60.0  # below the loudest band of the real sound; what is quieter is not heard and counts as equal
_COMPRESSION: Final = 0.3  # of power: about loudness
_FEWEST_ACTIVE: Final = 5
_DB: Final = 10 / math.log(10)


@dataclass(frozen=True)
class Measured:
    """One made sentence against the real one; every value is ``None`` where it could not be measured.

    ``stoi``, ``estoi``: correlations, 1 is perfect. ``pesq_nb_8khz``, ``pesq_wb_16khz``: MOS-LQO, 1 to 4.6.
    ``mcd_db``: frame by frame, without time warping; ``mcd_dtw_db``: along the best warping path, of at most 20 s.
    ``log_mel_l1_db``: mean difference of mel band levels at equal loudness, where there is speech. ``activity_iou``:
    frames that are speech in both over frames that are in either. ``voicing_error``, ``pitch_rms_cents`` and
    ``pitch_correlation``: see :class:`synth.metrics.voicing.PitchFigures`. ``lag_s``: how late the made sound was, and
    by how much it was moved forward before the rest was measured.
    """

    stoi: float | None = None
    estoi: float | None = None
    pesq_nb_8khz: float | None = None
    pesq_wb_16khz: float | None = None
    mcd_db: float | None = None
    mcd_dtw_db: float | None = None
    log_mel_l1_db: float | None = None
    activity_iou: float | None = None
    voicing_error: float | None = None
    pitch_rms_cents: float | None = None
    pitch_correlation: float | None = None
    lag_s: float | None = None

    def values(self) -> dict[str, float | None]:
        """By name, in the order above."""
        return asdict(self)


def measure(real: NDArray[Any], made: NDArray[Any]) -> Measured:
    """Everything about one made sentence [M] against the real one [N]; nothing but ``None`` where either is silent.

    Raises:
        OptionError: pystoi is not installed.
    """
    truth = np.asarray(real, np.float32)
    if is_silent(truth) or is_silent(made):
        return Measured()
    aligned, lag_s = align(truth, made)
    if is_silent(aligned):
        return Measured()
    near, pitch = spectral(truth, aligned), heard_pitch(truth, aligned)
    return Measured(
        stoi=stoi(truth, aligned),
        estoi=stoi(truth, aligned, extended=True),
        pesq_nb_8khz=pesq_narrow(truth, aligned),
        pesq_wb_16khz=pesq_wide(truth, aligned),
        mcd_db=near.mcd_db,
        mcd_dtw_db=near.mcd_dtw_db,
        log_mel_l1_db=near.log_mel_l1_db,
        activity_iou=activity_iou(truth, aligned),
        voicing_error=pitch.voicing_error,
        pitch_rms_cents=pitch.pitch_rms_cents,
        pitch_correlation=pitch.pitch_correlation,
        lag_s=lag_s,
    )


def is_silent(sound: NDArray[Any]) -> bool:
    """Whether nothing of a sound [N] rises above -100 dB."""
    return len(sound) == 0 or float(np.max(np.abs(sound))) < _SILENT


# --- time ---------------------------------------------------------------------------------------------------------


def align(real: NDArray[Any], made: NDArray[Any]) -> tuple[Floats, float]:
    """``made`` moved to where it fits ``real`` best, as long as ``real`` [N], and the lag in s that it had.

    What is moved out is lost and silence follows. A positive lag means that the made sound came late.
    """
    truth, heard = np.asarray(real, np.float32), np.asarray(made, np.float32)
    heard = np.pad(heard, (0, max(0, len(truth) - len(heard))))[: len(truth)]
    lag = best_lag(truth, heard)
    moved = np.pad(heard[max(0, lag) :], (max(0, -lag), max(0, lag)))[: len(truth)]
    return moved, lag / RATE_HZ


def best_lag(real: NDArray[Any], made: NDArray[Any]) -> int:
    """Samples by which ``made`` comes later than ``real`` (both [N]): where the envelopes of 20 bands correlate best.

    At most :data:`LONGEST_LAG_S` either way, in steps of 2 ms. Envelopes are compressed and without their means; the
    correlation is over the stretch in which both sound. 0 where there is nothing to correlate.
    """
    one, other = _envelopes(real), _envelopes(made)
    most = min(round(LONGEST_LAG_S * RATE_HZ / _LAG_STEP), len(one) - 1)
    best, best_fit = 0, 0.0
    # From the middle outwards, so that the smaller of two equally good lags is taken.
    for lag in sorted(range(-most, most + 1), key=abs):
        a, b = one[max(0, -lag) : len(one) - max(0, lag)], other[max(0, lag) : len(other) - max(0, -lag)]
        scale = math.sqrt(float(np.vdot(a, a)) * float(np.vdot(b, b)))
        fit = float(np.vdot(a, b)) / scale if scale > 0 else 0.0
        if fit > best_fit + 1e-9:
            best, best_fit = lag, fit
    return best * _LAG_STEP


def _envelopes(sound: NDArray[Any]) -> Floats:
    mel = mel_spectrogram(
        sound, RATE_HZ, window=512, hop=_LAG_STEP, bands=_LAG_BANDS, low_hz=80.0, high_hz=7600.0, power=2.0
    )
    compressed = mel**_COMPRESSION
    return np.asarray(compressed - compressed.mean(0), np.float32)


def activity(sound: NDArray[Any]) -> NDArray[np.bool_]:
    """Which frames of 10 ms [T] are less than :data:`ACTIVE_DB` quieter than the loudest; none where all is silent."""
    level_db = 10 * np.log10(_mel(sound).sum(1) + 1e-12)
    return np.asarray((level_db > level_db.max() - ACTIVE_DB) & ~np.full(len(level_db), is_silent(sound)))


def activity_iou(real: NDArray[Any], made: NDArray[Any]) -> float | None:
    """Frames that are speech in both over those that are in either (both [N]); ``None`` where there are none."""
    one, other = activity(real), activity(made)
    either = int(np.sum(one | other))
    return float(np.sum(one & other)) / either if either else None


# --- spectra ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spectral:
    """Distances of spectra in dB; see :class:`Measured`."""

    mcd_db: float | None
    mcd_dtw_db: float | None
    log_mel_l1_db: float | None


def spectral(real: NDArray[Any], made: NDArray[Any]) -> Spectral:
    """Spectral distances of two sounds [N] between the first and the last frame that is speech in the real one.

    The made sound is first brought to the loudness (root mean square there) of the real one: the cepstra hold no
    level, but the floor :data:`_FLOOR_DB` below the loudest real band must cut both alike.
    """
    speech = np.flatnonzero(activity(real))
    if len(speech) < _FEWEST_ACTIVE:
        return Spectral(None, None, None)
    within = slice(int(speech[0]), int(speech[-1]) + 1)
    one, other = _mel(real)[within], _mel(made)[within]
    if other.sum() <= 0:
        return Spectral(None, None, None)
    floor = one.max() * 10 ** (-_FLOOR_DB / 10)
    one, other = np.maximum(one, floor), np.maximum(other * (one.sum() / other.sum()), floor)
    first, second = mel_cepstrum(one), mel_cepstrum(other)
    by_frame = _DB * np.sqrt(2 * np.sum((first - second) ** 2, axis=1))
    warped = warped_mean(_distances_db(first, second)) if len(first) <= LONGEST_WARPED else None
    difference_db = 10 * np.abs(np.log10(one) - np.log10(other))
    return Spectral(float(np.mean(by_frame)), warped, float(np.mean(difference_db)))


def mel_cepstrum(mel: NDArray[Any]) -> Doubles:
    """Coefficients c_1 .. c_13 [T, 13] of mel energies [T, B], all above 0; c_0, the level, is left out.

    c_d = (2 / B) sum_b ln(sqrt(E_b)) cos(pi d (b + 1/2) / B), so that ln amplitude = c_0 + sum_d c_d cos(...), as SPTK
    has it. The distortion of two frames is (10 / ln 10) sqrt(2 sum_d (c_d - c'_d)^2) dB: the root mean square
    difference of the two smoothed spectra over the mel axis. Bands are mel filters' energies, not an all-pass warped
    spectrum, and frames are not warped in time: figures compare within this report, and only roughly with others.
    """
    logs = 0.5 * np.log(np.asarray(mel, np.float64))
    bands = logs.shape[1]
    waves = np.cos(np.pi * np.outer(np.arange(bands) + 0.5, np.arange(1, COEFFICIENTS + 1)) / bands)
    return np.asarray(2 / bands * logs @ waves)


def _distances_db(one: Doubles, other: Doubles) -> Doubles:
    """Distortion in dB of every frame of one [T, 13] to every frame of the other [U, 13], [T, U]."""
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    return np.asarray(_DB * np.sqrt(2 * np.maximum(squares, 0)))


def warped_mean(distances: Doubles) -> float:
    """Mean distance along the cheapest warping path through ``distances`` [T, U], from corner to corner.

    Steps are one frame in either or both (Sakoe and Chiba, IEEE TASSP 1978); anti-diagonals are worked at once. The
    length of the path is carried along, so that the mean is that of the path with the least sum.
    """
    rows, columns = distances.shape
    cost, length = np.full((rows + 1, columns + 1), np.inf), np.zeros((rows + 1, columns + 1))
    cost[0, 0] = 0.0
    for diagonal in range(rows + columns - 1):
        row = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        column = diagonal - row
        before = np.stack([cost[row, column], cost[row, column + 1], cost[row + 1, column]])
        steps = np.stack([length[row, column], length[row, column + 1], length[row + 1, column]])
        choice, at = before.argmin(0), np.arange(len(row))
        cost[row + 1, column + 1] = before[choice, at] + distances[row, column]
        length[row + 1, column + 1] = steps[choice, at] + 1
    return float(cost[rows, columns] / length[rows, columns])


def _mel(sound: NDArray[Any]) -> Floats:
    """Mel energies [T, B] of 25 ms every 10 ms."""
    hop = round(FRAME_S * RATE_HZ)
    return mel_spectrogram(sound, RATE_HZ, window=400, hop=hop, bands=BANDS, low_hz=80.0, high_hz=7600.0)


# --- pitch --------------------------------------------------------------------------------------------------------


def heard_pitch(real: NDArray[Any], made: NDArray[Any]) -> PitchFigures:
    """How near the pitch that is heard in ``made`` comes to that of ``real`` (both [N]), every 10 ms."""
    hop = round(FRAME_S * RATE_HZ)
    return pitch_figures(*(voice_pitch(sound, RATE_HZ, hop) for sound in (real, made)))


# --- intelligibility and quality ----------------------------------------------------------------------------------


def stoi(real: NDArray[Any], made: NDArray[Any], *, extended: bool = False) -> float | None:
    """STOI, or ESTOI, of two sounds [N]; ``None`` where either is silent or speaks for less than 0.4 s.

    Raises:
        OptionError: pystoi is not installed.
    """
    if is_silent(real) or is_silent(made):
        return None
    program = extra("pystoi")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            value = float(program.stoi(np.float64(real), np.float64(made), RATE_HZ, extended=extended))
        except RuntimeWarning:  # it warns of too few frames, and answers 1e-5 all the same
            return None
    return value if math.isfinite(value) else None


def pesq_narrow(real: NDArray[Any], made: NDArray[Any]) -> float | None:
    """PESQ in narrow band, at 8 kHz, of two sounds [N] at 16 kHz; ``None`` where it finds no utterance or is absent."""
    truth, heard = (resample(sound, RATE_HZ, NARROW_RATE_HZ) for sound in (real, made))
    return _pesq(truth, heard, NARROW_RATE_HZ, "nb")


def pesq_wide(real: NDArray[Any], made: NDArray[Any]) -> float | None:
    """PESQ in wide band, at 16 kHz, of two sounds [N] at 16 kHz; ``None`` where it finds no utterance or is absent."""
    return _pesq(np.asarray(real, np.float32), np.asarray(made, np.float32), RATE_HZ, "wb")


def _pesq(real: Floats, made: Floats, rate_hz: int, band: str) -> float | None:
    if is_silent(real) or is_silent(made) or without_pesq():
        return None
    program = extra("pesq")
    try:
        value = float(program.pesq(rate_hz, real, made, band))
    except program.PesqError:  # too short, or nothing that it takes for an utterance
        return None
    return value if math.isfinite(value) else None


def without_pesq() -> str | None:
    """Why no PESQ is measured, in a sentence; ``None`` where it is."""
    try:
        extra("pesq")
    except OptionError:
        return "pesq is not installed; pip install 'sonorize[pesq]' brings it, and needs a C compiler"
    return None


def extra(package: str) -> Any:
    """A package of ``sonorize[eval]``.

    Raises:
        OptionError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise OptionError(f"{package} is not installed; pip install 'sonorize[eval]' brings it") from error
