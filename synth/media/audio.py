"""Sound in and out: read it from any media file, write it, change its rate, its length and its loudness."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from synth.dsp.loudness import SILENCE_LUFS, integrated_lufs
from synth.errors import MediaError
from synth.media.ffmpeg import Child, Fence
from synth.media.files import arriving, source_bytes, url
from synth.media.sound import limiter
from synth.media.sound.sound_headers import libsndfile_reads_all
from synth.options import LIMITS

MAX_DURATION_S: Final = 2 * LIMITS.max_duration_s
RATE_RANGE_HZ: Final = (1000, 768_000)
MAX_GAIN_DB: Final = 40.0  # more would make music of the noise floor
MAX_LIMITING_DB: Final = 9.0  # beyond that a limiter flattens hits; the sound stays quieter, unless that is asked for
FARTHEST_LIMITING_DB: Final = 30.0
_PASSES: Final = 3
_CLOSE_ENOUGH_DB: Final = 0.2
READER: Final = "reader 2"
"""Changes when files come out otherwise than before, so that indexes hear them again."""
_AU_HEADER: Final = struct.Struct(">4sIIIII")
_SUBTYPES: Final = {".wav": ("WAV", "PCM_24"), ".flac": ("FLAC", "PCM_24")}
_CHUNK: Final = 1 << 18


@dataclass(frozen=True)
class Loudness:
    """What :func:`normalise` made of a sound.

    ``lufs`` (integrated, ITU-R BS.1770-4) and ``true_peak_dbtp`` are those of the result, None where there is nothing
    to measure; ``limited`` says whether peaks were held down; ``warning`` is a sentence when the target was not met.
    """

    lufs: float | None
    true_peak_dbtp: float | None
    gain_db: float
    limited: bool
    warning: str | None


def read(path: Path, rate_hz: int | None = None) -> tuple[NDArray[np.float32], int]:
    """The first sound of a media file as one channel [N] in [-1, 1], and its rate in Hz (``rate_hz`` if given).

    Plain wav, aiff and flac are read by libsndfile, everything else, and what it cannot read, by ffmpeg; channels are
    averaged.

    Raises:
        MediaError: the file is unreadable, has no sound, or lasts longer than two hours.
    """
    source_bytes(path, LIMITS.max_bytes)
    sound, from_hz = _decoded(path)
    sound = np.nan_to_num(sound, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return (sound, from_hz) if rate_hz is None else (resample(sound, from_hz, rate_hz), rate_hz)


def _decoded(path: Path) -> tuple[NDArray[np.float32], int]:
    try:
        plain = libsndfile_reads_all(path)
    except OSError as error:
        raise MediaError(f"the file cannot be read: {error.strerror}") from error
    if not plain:
        return _by_ffmpeg(path)
    try:
        return _by_soundfile(path)
    except _Undecoded:
        return _by_ffmpeg(path)


class _Undecoded(Exception):
    """libsndfile gives up."""


def _by_soundfile(path: Path) -> tuple[NDArray[np.float32], int]:
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz = int(file.samplerate)
            pieces = [np.zeros(0, dtype=np.float32)]
            # In blocks, because a header may promise more than the file, or the memory, holds.
            for block in file.blocks(_CHUNK, dtype="float32", always_2d=True):
                pieces.append(block.mean(axis=1, dtype=np.float32))
                _refuse_long(len(pieces) * _CHUNK, rate_hz)
    except (soundfile.SoundFileError, ValueError, MemoryError) as error:
        raise _Undecoded from error
    return np.concatenate(pieces), rate_hz


def _by_ffmpeg(path: Path) -> tuple[NDArray[np.float32], int]:
    arguments = ["-v", "error", "-i", url(path), "-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    pieces = [np.zeros(0, dtype=np.float32)]
    with Child(arguments, fence=Fence(cpu_s=600, wall_s=600)) as child:
        header = child.read(_AU_HEADER.size)  # Sun's au: the simplest header that says rate and channels
        rate_hz = 0
        if len(header) == _AU_HEADER.size:
            _, offset, _, _, rate_hz, channels = _AU_HEADER.unpack(header)
            child.read(offset - _AU_HEADER.size)
            while len(data := child.read(_CHUNK * 4 * channels)) >= 4 * channels:
                whole = len(data) // (4 * channels) * channels
                # ffmpeg's own mixing to one channel would add two equal ones up to more than either.
                block = np.frombuffer(data, dtype=">f4", count=whole).reshape(-1, channels)
                pieces.append(block.mean(axis=1, dtype=np.float32))
                _refuse_long(len(pieces) * _CHUNK, rate_hz)
        child.finish()
    sound = np.concatenate(pieces)
    if rate_hz == 0 or len(sound) == 0:
        raise MediaError("the file holds no sound")
    return sound, rate_hz


def _refuse_long(samples: int, rate_hz: int) -> None:
    if samples > MAX_DURATION_S * rate_hz + 2 * _CHUNK:
        raise MediaError(f"the sound lasts more than the {MAX_DURATION_S:g} s that are allowed")


def write(path: Path, sound: NDArray[np.float32], rate_hz: int) -> None:
    """Write one channel [N] or several [N, C], clipped to [-1, 1], as wav or flac (24 bit) by suffix; all at once or
    not at all.

    Raises:
        MediaError: the suffix is another, the sound holds numbers that are not finite, or the disk refuses.
    """
    kind = _SUBTYPES.get(path.suffix.lower())
    if kind is None:
        raise MediaError(f"the sound file ends in {path.suffix!r}; allowed are {', '.join(_SUBTYPES)}")
    if not np.isfinite(sound).all():
        raise MediaError("the sound holds values that are not numbers and cannot be written")
    with arriving(path) as part:
        try:
            soundfile.write(part, np.clip(sound, -1.0, 1.0), rate_hz, format=kind[0], subtype=kind[1])
        except (soundfile.SoundFileError, ValueError) as error:
            raise MediaError(f"{path.name} cannot be written: the disk is full or refuses it") from error


def resample(sound: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """The same sound [N] or [N, C] at another rate, by soxr's high quality setting; the same array where the rates are
    equal.

    Raises:
        MediaError: a rate is outside 1 kHz to 768 kHz.
    """
    low, high = RATE_RANGE_HZ
    for rate_hz in (from_hz, to_hz):
        if not low <= rate_hz <= high:
            raise MediaError(f"the sound has a rate of {rate_hz} Hz; allowed are {low} to {high} Hz")
    if from_hz == to_hz:
        return sound
    return np.asarray(soxr.resample(sound, from_hz, to_hz, quality="HQ"), dtype=np.float32)


def fit(sound: NDArray[np.float32], rate_hz: int, duration_s: float) -> NDArray[np.float32]:
    """Exactly ``round(duration_s * rate_hz)`` samples of [N] or [N, C]: cut at the end, or filled with silence."""
    wanted = round(duration_s * rate_hz)
    fitted = np.zeros((wanted, *sound.shape[1:]), dtype=np.float32)
    kept = min(wanted, len(sound))
    fitted[:kept] = sound[:kept]
    return fitted


def normalise(
    sound: NDArray[np.float32],
    rate_hz: int,
    *,
    loudness_lufs: float,
    true_peak_dbtp: float,
    limiting: bool = False,
) -> tuple[NDArray[np.float32], Loudness]:
    """The sound [N] or [N, C] at a loudness, with its true peak under a ceiling, and what was done to it.

    Gain is at most 40 dB. Peaks that would rise above ``true_peak_dbtp`` are held down by a look-ahead limiter, by 9
    dB at most, or 30 with ``limiting``; where that is not enough the sound stays quieter than asked for and the
    warning says so. A sound below -70 LUFS is returned as it is.
    """
    if len(sound) == 0 or not np.any(sound):
        return sound.copy(), Loudness(None, None, 0.0, False, "the sound is silent, so its loudness was left alone")
    measured = integrated_lufs(sound, rate_hz)
    if measured is None:
        peak = limiter.true_peak_dbtp(sound)
        return sound.copy(), Loudness(
            None, peak, 0.0, False, "the sound is almost silent, so its loudness was left alone"
        )
    wanted_db = loudness_lufs - measured
    height = limiter.peaks(sound)
    farthest_db = FARTHEST_LIMITING_DB if limiting else MAX_LIMITING_DB
    highest_db = min(MAX_GAIN_DB, true_peak_dbtp + farthest_db - limiter.decibels(float(height.max())))
    gain_db, release_db_per_s = min(wanted_db, highest_db), limiter.RELEASES_DB_PER_S[0]
    if limiting:
        ceiling = 10 ** (true_peak_dbtp / 20)
        gain_db, release_db_per_s = limiter.plan(sound, height, rate_hz, ceiling, wanted_db, highest_db)
    result, reached, limited = sound, measured, False
    for _ in range(_PASSES):  # the limiter takes loudness away, which the next pass gives back
        gain = np.float32(10 ** (gain_db / 20))
        result, limited = limiter.limit(
            sound * gain, rate_hz, true_peak_dbtp, height * gain, release_db_per_s=release_db_per_s
        )
        reached = integrated_lufs(result, rate_hz) or SILENCE_LUFS
        missing_db = loudness_lufs - reached
        next_db = min(gain_db + missing_db, highest_db)
        met = missing_db < _CLOSE_ENOUGH_DB and not (limiting and missing_db < -_CLOSE_ENOUGH_DB)
        if not limited or met or (missing_db > 0 and next_db <= gain_db):
            break
        gain_db = next_db
    warning = None
    if loudness_lufs - reached > 1.0:
        warning = _too_quiet(reached, loudness_lufs, by_peaks=gain_db < MAX_GAIN_DB)
    return result, Loudness(reached, limiter.true_peak_dbtp(result), gain_db, limited, warning)


def _too_quiet(reached_lufs: float, wanted_lufs: float, *, by_peaks: bool) -> str:
    """Why a sound is quieter than asked for, and what to do about it, in words that need no meter to be understood."""
    short_db = wanted_lufs - reached_lufs
    figures = f"{short_db:.0f} dB quieter than asked for ({reached_lufs:.1f} LUFS instead of {wanted_lufs:.1f})"
    if by_peaks:
        asked = max(-40, round(reached_lufs))
        return (
            f"the sound is {figures}: its loudest moments are short, and making the rest louder would make them "
            f"crackle; ask for a loudness of {asked} to have it exact, or for the limiter, or leave it as it is"
        )
    return (
        f"the sound is {figures}: so little was heard in it that raising it by {MAX_GAIN_DB:g} dB, the most there is, "
        "was not enough; another seed or another sound may be louder"
    )
