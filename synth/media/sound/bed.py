"""Music as a bed: cut or repeated to a length, brought to a level, lowered where something else is heard.

Shapes: N samples of one channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.loudness import integrated_lufs
from synth.errors import MediaError
from synth.media import audio
from synth.media.sound import limiter

Floats = NDArray[np.float32]

LEVEL_RANGE_LUFS: Final = (-60.0, -10.0)
DUCK_RANGE_DB: Final = (0.0, 24.0)
CROSSFADE_S: Final = 2.0
FADE_IN_S: Final = 0.3
FADE_OUT_S: Final = 2.0

_BLOCK_S: Final = 0.05
_QUIET_DB, _LOUD_DB = (
    -55.0,
    -40.0,
)  # level of the other sound at which the music begins to give way, and at which it has
_ATTACK_S, _RELEASE_S = 0.1, 0.8


@dataclass(frozen=True)
class Bed:
    """How music lies under a sound.

    Attributes:
        level_lufs: integrated loudness of the music by itself, -60 to -10.
        duck_db: by how much it gives way where the other sound is heard, 0 to 24.
        start_s: where in the track it begins.
    """

    level_lufs: float = -26.0
    duck_db: float = 6.0
    start_s: float = 0.0

    def check(self) -> None:
        """Raise MediaError for a number outside its range."""
        for name, value, (low, high) in (
            ("level_lufs", self.level_lufs, LEVEL_RANGE_LUFS),
            ("duck_db", self.duck_db, DUCK_RANGE_DB),
            ("start_s", self.start_s, (0.0, audio.MAX_DURATION_S)),
        ):
            if not low <= value <= high:
                raise MediaError(f"{name} is {value:g}; allowed is {low:g} to {high:g}")


@dataclass(frozen=True)
class Mixed:
    """What :func:`lay_under` made: float32 [N], how loud it is, and sentences about what was not as asked."""

    sound: Floats
    loudness_lufs: float | None
    true_peak_dbtp: float
    limited: bool
    warnings: tuple[str, ...]


def lay_under(sound: Floats, music: Floats, rate_hz: int, bed: Bed, *, true_peak_dbtp: float) -> Mixed:
    """The sound [N] as it is, with music [M] of the same rate under it, as long as the sound.

    The level of the sound is kept; where the sum would rise above the true peak, a limiter holds it down.

    Raises:
        MediaError: a number of ``bed`` is out of range, or the track ends before ``start_s``.
    """
    bed.check()
    track = music[round(bed.start_s * rate_hz) :]
    if len(track) < 0.1 * rate_hz:
        raise MediaError(f"the track lasts {len(music) / rate_hz:.1f} s; the music cannot start at {bed.start_s:g} s")
    warnings = []
    if len(track) < len(sound):
        times = f"{len(track) / rate_hz:.1f} s, the clip {len(sound) / rate_hz:.1f} s"
        warnings.append(f"the track lasts {times}: it begins anew as often as needed")
    cut = fitted(track, len(sound), rate_hz)
    # The peaks of the sum are held down below; here only a peak that is out of proportion is.
    levelled, loudness = audio.normalise(cut, rate_hz, loudness_lufs=bed.level_lufs, true_peak_dbtp=true_peak_dbtp)
    if loudness.warning:
        warnings.append(loudness.warning.replace("the sound", "the music", 1))
    laid = sound + levelled * faded(len(sound), rate_hz) * giving_way(sound, rate_hz, bed.duck_db)
    result, limited = limiter.limit(np.asarray(laid, np.float32), rate_hz, true_peak_dbtp)
    reached = integrated_lufs(result, rate_hz)
    return Mixed(result, reached, limiter.true_peak_dbtp(result), limited, tuple(warnings))


def fitted(track: Floats, samples: int, rate_hz: int) -> Floats:
    """A track cut to so many samples, or repeated with cross-fades until it is as long."""
    fade = min(round(CROSSFADE_S * rate_hz), len(track) // 4)
    rise = np.sin(np.linspace(0, np.pi / 2, fade, dtype=np.float32))
    out = np.zeros(max(samples, len(track)), np.float32)
    out[: len(track)] = track
    end = len(track)
    while end < samples:
        start = end - fade
        part = track[: samples - start].copy()
        part[:fade] *= rise[: len(part)]
        out[start:end] *= rise[::-1]
        out[start : start + len(part)] += part
        end = start + len(track)
    return out[:samples]


def faded(samples: int, rate_hz: int) -> Floats:
    """Gains [samples]: a short rise, and a slow fall to nothing at the end; both shorter in a short clip."""
    gains = np.ones(samples, np.float32)
    rise, fall = (min(round(one * rate_hz), samples // 4) for one in (FADE_IN_S, FADE_OUT_S))
    gains[:rise] = np.linspace(0, 1, rise, endpoint=False, dtype=np.float32)
    if fall:
        gains[-fall:] = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fall, dtype=np.float32))
    return gains


def giving_way(sound: Floats, rate_hz: int, duck_db: float) -> Floats:
    """Gains [N] for what lies under a sound: lower by ``duck_db`` while it is heard, quickly down and slowly up."""
    if duck_db == 0 or not len(sound):
        return np.ones(len(sound), np.float32)
    block = round(_BLOCK_S * rate_hz)
    padded = np.pad(sound, (0, -len(sound) % block)).reshape(-1, block)
    levels_db = 10 * np.log10(np.square(padded, dtype=np.float64).mean(1) + 1e-12)
    wanted = np.clip((levels_db - _QUIET_DB) / (_LOUD_DB - _QUIET_DB), 0, 1)
    smooth, now = np.empty_like(wanted), float(wanted[0])
    for index, value in enumerate(wanted):
        time_s = _ATTACK_S if value > now else _RELEASE_S
        now += (float(value) - now) * (1 - float(np.exp(-_BLOCK_S / time_s)))
        smooth[index] = now
    middles = (np.arange(len(smooth)) + 0.5) * block
    depth = np.interp(np.arange(len(sound)), middles, smooth)
    return np.asarray(10 ** (-duck_db * depth / 20), np.float32)
