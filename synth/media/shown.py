"""What is shown of a film: the pictures that a decoder gives out after edit lists, and when.

Two files may hold the same packets and show another film: an edit list hides some, a clock that begins again puts two
on the same moment. So the decoded frames are counted, dated and summed up, of the source and of the result.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from synth.media.clock import Clock
from synth.media.ffmpeg import Cancel, Fence, run
from synth.media.files import url
from synth.media.packets import CLOSE_S, PICTURES

GRID: Final = 64
SAMPLING: Final = f"scale={GRID}:{GRID}:flags=neighbor"  # all pixels of 720p would take half as long again
_LINE: Final = re.compile(rb"^\d+, +-?\d+, +(-?\d+), +\d+, +\d+, (0x[0-9a-f]+)", re.MULTILINE)
_TICK: Final = re.compile(rb"^#tb \d+: (\d+)/(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """The frames of a picture in the order in which they are shown.

    Attributes:
        times_s: when each comes up.
        checksums: of a grid of :data:`GRID` x :data:`GRID` pixels of each, as the decoder gives them. The packets are
            compared byte by byte elsewhere; this tells which of them is on the screen.
        complaints: what ffmpeg printed meanwhile, its description of the file included.
    """

    times_s: tuple[Fraction, ...]
    checksums: tuple[bytes, ...]
    complaints: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over each frame's time in whole milliseconds and checksum."""
        rows = (b"%d %s\n" % (_milliseconds(t), c) for t, c in zip(self.times_s, self.checksums, strict=True))
        return hashlib.sha256(b"".join(rows)).hexdigest()

    def differs_from(self, other: Shown, *, pixels: bool = True) -> str | None:
        """How another film differs from this one, in words; None where both show the same.

        Args:
            pixels: whether the pictures are compared, or only how many there are and when.
        """
        if len(other.times_s) != len(self.times_s):
            return f"{len(other.times_s)} frames are shown instead of {len(self.times_s)}"
        for number, (mine, theirs) in enumerate(zip(self.times_s, other.times_s, strict=True)):
            if abs(mine - theirs) > CLOSE_S:
                return f"frame {number} is shown at {float(theirs):.3f} s instead of {float(mine):.3f} s"
        if pixels and (wrong := [n for n, mine in enumerate(self.checksums) if other.checksums[n] != mine]):
            return f"frame {wrong[0]} is another one"
        return None


def _milliseconds(time_s: Fraction) -> int:
    """Rounded as a Matroska writer rounds: to the nearest, halves away from 0."""
    return int(abs(time_s) * 1000 + Fraction(1, 2)) * (-1 if time_s < 0 else 1)


def decoding(picture: str, target: str = "pipe:1", *, sampled: bool = False) -> list[str]:
    """The output arguments of a child that is to list the frames shown of a track.

    Args:
        picture: the track as ffmpeg's ``-map`` names it, or the end of a filter graph.
        sampled: whether that graph has done :data:`SAMPLING` already.
    """
    arguments = ["-map", picture, "-fps_mode", "passthrough", "-enc_time_base", "demux"]
    arguments += [] if sampled else ["-vf", SAMPLING]
    return [*arguments, "-flush_packets", "1", "-f", "framecrc", "-y", target]


def shown_in(output: bytes, complaints: str = "") -> Shown:
    """The frames in what a child with the arguments of :func:`decoding` wrote."""
    tick = _TICK.search(output)
    tick_s = Fraction(int(tick.group(1)), int(tick.group(2))) if tick else Fraction(1, 1000)
    rows = _LINE.findall(output)
    times = tuple(int(time) * tick_s for time, _ in rows)
    return Shown(times, tuple(checksum for _, checksum in rows), complaints)


def shown(
    path: Path,
    *,
    clock: Clock | None = None,
    picture: str = f"{PICTURES}:0",
    fence: Fence | None = None,
    cancelled: Cancel | None = None,
) -> Shown:
    """Decode a picture and list what is shown of it.

    Args:
        clock: on which its times are read; as they are by default.
        picture: which track, as ffmpeg's ``-map`` names it.

    Raises:
        MediaError: it cannot be decoded.
        Cancelled: ``cancelled``, polled meanwhile, said so.
    """
    arguments = ["-v", "level+info", "-nostats", *(clock or Clock()).arguments(), "-i", url(path), *decoding(picture)]
    output = run(arguments, fence=fence, cancelled=cancelled)
    return shown_in(output.stdout, output.stderr)
