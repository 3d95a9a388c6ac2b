"""On which clock the times of a file are read: the same one for listing its packets, reading its frames and copying."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

OWN_CLOCK: Final = ("mpeg", "mpegts")
"""Containers whose clock starts anywhere, and begins again where recordings or cells of a DVD were joined."""

_PACK: Final = bytes((0, 0, 1, 0xBA))  # what a program stream begins with
_SYNC: Final = 0x47  # what each packet of a transport stream begins with
_PACKET_BYTES: Final = 188
_STAMP_BYTES: Final = 4  # a camera's transport stream (m2ts) has a time stamp before each packet


@dataclass(frozen=True)
class Clock:
    """How ffmpeg is to read the times of one file.

    Attributes:
        own: the file's clock starts anywhere and may begin again; ffmpeg starts it near 0 and joins the parts. Else
            times are taken as they are.
        filled: a program stream states the times of some frames only; ffmpeg fills in the rest. Nowhere else: where
            avi leaves times out they cannot be known.
        shift_s: what is taken off all times, of a clock that ran long before the recording began.
        salvage: whether packets that are cut short are dropped instead of given out; never of a broadcast recording,
            where they are what is left of a frame.
    """

    own: bool = False
    filled: bool = False
    shift_s: float = 0.0
    salvage: bool = False

    def arguments(self) -> list[str]:
        """ffmpeg's arguments; they belong before the input."""
        flags = "+genpts" * self.filled + "+discardcorrupt" * (self.salvage and not self.own)
        shift = ["-itsoffset", f"{-self.shift_s:.6f}"] if self.shift_s else []
        return [*([] if self.own else ["-copyts"]), *(["-fflags", flags] if flags else []), *shift]


def of_file(path: Path, *, salvage: bool = False) -> Clock:
    """The clock that the first bytes of a file speak for."""
    with path.open("rb") as file:
        head = file.read(_PACKET_BYTES + 2 * _STAMP_BYTES + 1)
    if head.startswith(_PACK):
        return Clock(own=True, filled=True, salvage=salvage)
    steps = ((0, _PACKET_BYTES), (_STAMP_BYTES, _PACKET_BYTES + 2 * _STAMP_BYTES))
    own = any(len(head) > second and head[first] == head[second] == _SYNC for first, second in steps)
    return Clock(own=own, salvage=salvage)
