"""What a listener gets: a sound after its container's coding and decoding, with its true peak where it was asked for.

A lossy coding puts other samples out than were put in: Opus at 128 kb/s comes back up to 1.2 dB over the true peak,
AAC at 192 kb/s mostly .1 dB. So the sound is coded, decoded, measured, and limited again by what sticks out. Under AAC
that is left room from the start, since a second coding takes longer than all else that is done for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.loudness import integrated_lufs
from synth.media import muxing
from synth.media.ffmpeg import Cancel, Fence, run
from synth.media.files import url
from synth.media.muxing import Muxing
from synth.media.sound import limiter

Floats = NDArray[np.float32]

TIMES_AT_MOST: Final = 2
"""How often a sound is limited again."""
_EXACT_DB: Final = 0.005  # what measuring between four points a sample leaves open anyway
_MARGIN_DB: Final = 0.1  # the coding of a sound that was limited again sticks out elsewhere
ROOM_DB: Final = {"aac": 0.25}
"""How far a sound is held under its ceiling before it is coded the first time. Of 18 sounds of hits that were limited
to their ceiling, AAC brought 17 back .0 to .37 dB over it and one 1.2 dB; with this room, the latter alone. Opus would
take so much that a second coding of some is better than less loudness of all."""


@dataclass(frozen=True)
class Delivery:
    """A sound as it comes out of the file that holds it.

    Attributes:
        coding: how it is coded there, in ffmpeg's word: ``aac``, ``opus``, ``flac``.
        loudness_lufs: integrated, ITU-R BS.1770-4; ``None`` where there is nothing to measure.
        true_peak_dbtp: the highest of all channels; ``None`` for silence.
        limited_again: how often it was limited again, so that the true peak is met after decoding: 0 to 2.
    """

    coding: str
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    limited_again: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "coding": self.coding,
            "loudness_lufs": self.loudness_lufs,
            "true_peak_dbtp": self.true_peak_dbtp,
            "limited_again": self.limited_again,
        }


@dataclass(frozen=True)
class Settled:
    """What is to be written: float32, the ceiling of a mix, how it comes back, a sentence if that is too high.

    ``decoded`` is the sound [M, channels] that comes back, at ``decoded_hz``.
    """

    sound: Floats
    ceiling_dbtp: float
    delivery: Delivery
    warning: str | None
    decoded: Floats
    decoded_hz: int


Heard = Callable[[Floats, float], Floats]
"""``heard(sound, ceiling_dbtp)``: codes a sound [N] or [N, C], mixed under the ceiling where there is a mix, and
decodes it again: float32 [M, channels]."""


def deliver(
    what: Muxing, sound: Floats, true_peak_dbtp: float, cancelled: Cancel | None = None, heard: Heard | None = None
) -> Settled:
    """Limit a sound until it keeps its true peak in the result that ``what`` plans, with what is mixed into it.

    Args:
        sound: float32 [N] or [N, C] at the rate of ``what``, as long as the picture, whose own true peak is kept.
        heard: where the caller writes the result itself and reads it back; else the sound is coded without its picture.

    Raises:
        MediaError: it cannot be coded, or the sound of the source not decoded.
        Cancelled: ``cancelled``, polled meanwhile, said so.
    """
    fence = Fence(cpu_s=3600, wall_s=7200, file_bytes=4 * sound.nbytes + 2**20)

    def alone(limited: Floats, ceiling_dbfs: float) -> Floats:
        with tempfile.TemporaryDirectory(prefix="sonorize-") as folder:
            file = Path(folder) / "sound"
            coding = muxing.sound_alone(replace(what, ceiling_dbfs=ceiling_dbfs))
            run([*coding, url(file)], fence=fence, feed=[limited.data], cancelled=cancelled)
            decoding = ["-v", "error", "-i", url(file), *muxing.decoding_sound()]
            back = run(decoding, fence=fence, cancelled=cancelled).stdout
        return decoded(what, back)

    coding, coded_hz = what.container.sound[1].removeprefix("lib"), muxing.coded_rate_hz(what)
    mixed = what.mixed is not None
    return settle(sound, what.rate_hz, true_peak_dbtp, heard or alone, coding, coded_hz=coded_hz, mixed=mixed)


def decoded(what: Muxing, output: bytes) -> Floats:
    """The sound [M, channels] that a child with the arguments of :func:`synth.media.muxing.decoding_sound` wrote."""
    channels = what.channels if what.mixed is None or what.mixed.mono else 2
    return np.frombuffer(output, "<f4").reshape(-1, channels)


def settle(
    sound: Floats,
    rate_hz: int,
    ceiling_dbtp: float,
    heard: Heard,
    coding: str,
    *,
    coded_hz: int,
    mixed: bool,
) -> Settled:
    """Limit a sound until it keeps its true peak after coding and decoding.

    Args:
        sound: float32 [N] or [N, C] at ``rate_hz``, that keeps ``ceiling_dbtp`` already.
        heard: codes and decodes.
        coding: its name.
        coded_hz: the rate at which the sound comes back.
        mixed: whether other sound is added before the coding, under the ceiling given to ``heard``; then that is
            lowered and the sound left as it is.
    """
    tried: list[tuple[float, int, Floats, float, Floats]] = []
    limited, ceiling, height = sound, ceiling_dbtp, None
    if coding in ROOM_DB and not mixed:
        ceiling -= ROOM_DB[coding]
        if limiter.true_peak_dbtp(sound) > ceiling:
            height = limiter.peaks(sound)
            limited, _ = limiter.limit(sound, rate_hz, ceiling, height.copy())
    for again in range(TIMES_AT_MOST + 1):
        back = heard(limited, ceiling)
        peak = limiter.true_peak_dbtp(back)
        tried.append((peak, again, limited, ceiling, back))
        over_db = peak - ceiling_dbtp
        if over_db <= _EXACT_DB or again == TIMES_AT_MOST:
            break
        # AAC answers abrupt sounds with other peaks at each level: the second time it is given more room.
        ceiling -= (1 + again / 2) * over_db + _MARGIN_DB
        if not mixed:
            height = limiter.peaks(sound) if height is None else height
            limited, _ = limiter.limit(sound, rate_hz, ceiling, height.copy())
    peak, _, limited, ceiling, back = min(tried, key=lambda one: one[:2])
    delivery = Delivery(
        coding, integrated_lufs(back, coded_hz), peak if np.any(back) else None, limited_again=len(tried) - 1
    )
    over_db = peak - ceiling_dbtp
    told = f"after decoding the true peak is {peak:.2f} dBTP instead of {ceiling_dbtp:.2f} dBTP"
    return Settled(limited, ceiling, delivery, told if over_db > _EXACT_DB else None, back, coded_hz)
