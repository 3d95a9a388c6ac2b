"""What a container really holds: one line a packet, read without decoding anything.

Headers lie, packets do not. ffmpeg's ``framecrc`` writer lists each packet of a stream copy with its exact
timestamps, so the frame count, the rate, the length and the start of a picture are counted rather than believed.
The listing is read as it comes and given up as soon as it breaks a limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media.ffmpeg import Child, Fence, run
from synth.media.files import url
from synth.options import Limits

CORRUPT_FLAG: Final = 2  # AV_PKT_FLAG_CORRUPT: the packet is cut short
HIDDEN_FLAG: Final = 4  # AV_PKT_FLAG_DISCARD: decoded for the sake of others, shown to nobody (edit lists)
_PACK: Final = bytes((0, 0, 1, 0xBA))  # what a program stream begins with
NO_TIME: Final = -(2**63)  # AV_NOPTS_VALUE
SURE_FRAMES: Final = 10_000  # enough of them to speak of a rate before the end
LISTING_BYTES: Final = 1 << 16
_LINE: Final = re.compile(r"(\d+), +-?\d+, +(-?\d+), +(\d+), +(\d+), 0x[0-9a-f]+(?:, F=0x([0-9A-F]+))?")
_CUT_SHORT: Final = re.compile(r"partial file|ended prematurely|Truncat|error reading header", re.IGNORECASE)


@dataclass
class Listing:
    """The picture packets of one file in the order in which they are stored, times in units of ``tick_s``."""

    tick_s: Fraction = Fraction(1, 1000)
    video_codec: str = ""
    audio_codec: str | None = None
    mono: bool = False
    width: int = 0
    height: int = 0
    times: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    hidden: int = 0
    first_sound_s: Fraction | None = None
    damaged: bool = False
    description: str = ""

    def shown(self) -> tuple[NDArray[np.int64], int]:
        """Times of the shown frames in order of showing, and the length of the last one (0: not stated)."""
        times = np.array(self.times, dtype=np.int64)
        order = np.argsort(times, kind="stable")
        return times[order], self.lengths[int(order[-1])] if len(order) else 0


def listing(path: Path, limits: Limits) -> Listing:
    """List the packets of the first picture stream (cover art does not count) and name the first sound stream.

    Raises:
        MediaError: the file is not readable, has no picture, or breaks ``limits`` on frames or duration.
    """
    arguments = ["-v", "info", "-nostats", "-copyts", *timing(path), "-i", url(path), "-map", "0:V:0", "-map", "0:a:0?"]
    # Of the sound the first packet is enough; -frames:a 1 would end the picture's listing with it.
    arguments += ["-c", "copy", "-copyinkf", "-bsf:a", r"noise=drop=gt(n\,0)", "-flush_packets", "0"]
    arguments += ["-f", "framecrc", "pipe:1"]
    found = Listing()
    fence = Fence(memory_bytes=1024**3, max_streams=limits.max_streams, max_pixels=limits.max_pixels)
    with Child(arguments, fence=fence, attached=True) as child:
        rest = ""
        while piece := child.read(LISTING_BYTES):
            *lines, rest = (rest + piece.decode("ascii", "replace")).split("\n")
            for line in lines:
                _take(found, line)
            _refuse_early(found, child.stderr, limits)
        try:
            child.finish()
        except MediaError as error:
            raise MediaError(_plain(child.stderr, limits) or str(error)) from error
        found.description = child.stderr
    found.damaged = found.damaged or _CUT_SHORT.search(found.description) is not None
    return found


def timing(path: Path) -> list[str]:
    """What makes ffmpeg fill in times that a program stream (mpg) leaves out: it states some, the rest follow.

    Nowhere else: where avi leaves them out they cannot be known.
    """
    with path.open("rb") as file:
        return ["-fflags", "+genpts"] if file.read(len(_PACK)) == _PACK else []


def packet_digest(path: Path) -> str:
    """SHA-256 (hex) over the bytes of the picture packets in stored order, whatever container they lie in.

    mp4, mov and mkv hold the same bytes for the same picture; ts and avi write h264 and hevc with start codes
    instead of lengths, so there the digest of the same picture differs.

    Raises:
        MediaError: the file is not readable or has no picture.
    """
    arguments = ["-v", "error", "-copyts", "-i", url(path), *DIGEST_OUTPUT]
    return digest_in(run(arguments).stdout)


DIGEST_OUTPUT: Final = (*("-map", "0:V:0", "-c", "copy", "-copyinkf", "-f", "streamhash", "-hash", "sha256", "pipe:1"),)


def digest_in(output: bytes) -> str:
    """The digest in what a child with :data:`DIGEST_OUTPUT` wrote."""
    match = re.search(rb"SHA256=([0-9a-f]{64})", output)
    if match is None:
        raise MediaError("the file holds no picture")
    return match.group(1).decode()


def _take(found: Listing, line: str) -> None:
    match = _LINE.match(line)
    if match is None:
        _take_header(found, line)
        return
    stream, time, length, _, flags = match.groups()
    number = int(flags or "1", 16)
    if stream != "0":
        found.first_sound_s = int(time) * found.tick_s if found.first_sound_s is None else found.first_sound_s
        return
    found.damaged = found.damaged or bool(number & CORRUPT_FLAG)
    if int(time) == NO_TIME:
        raise MediaError(
            "the video does not say when its frames are shown, as avi with B-frames cannot; mp4 and mkv do"
        )
    if number & HIDDEN_FLAG:
        found.hidden += 1
    else:
        found.times.append(int(time))
        found.lengths.append(int(length))


def _take_header(found: Listing, line: str) -> None:
    name, _, value = line.partition(": ")
    if name == "#tb 0":
        found.tick_s = Fraction(value)
    elif name == "#codec_id 0":
        found.video_codec = value
    elif name == "#codec_id 1":
        found.audio_codec = value
    elif name == "#channel_layout_name 1":
        found.mono = value == "mono"
    elif name == "#dimensions 0":
        width, _, height = value.partition("x")
        found.width, found.height = int(width), int(height)


def _refuse_early(found: Listing, description: str, limits: Limits) -> None:
    if len(found.times) > limits.max_frames:
        raise MediaError(f"the video has more than {limits.max_frames} frames, which is what is allowed")
    if not found.times:
        return
    span_s = float((found.times[-1] - found.times[0]) * found.tick_s)
    if span_s > limits.max_duration_s + 1:
        stated = re.search(r"^  Duration: (\d+):(\d\d):(\d\d)", description, re.MULTILINE)
        units_s = (3600, 60, 1)
        said_s = sum(int(part) * unit for part, unit in zip(stated.groups(), units_s, strict=True)) if stated else 0
        lasts = f"{said_s} s" if said_s > limits.max_duration_s else f"more than {limits.max_duration_s:g} s"
        raise MediaError(f"the video lasts {lasts}; allowed are {limits.max_duration_s:g} s")
    # A listing of millions of frames need not be read to its end; short bursts of a variable rate are no reason.
    if len(found.times) > SURE_FRAMES and len(found.times) > 2 * limits.max_rate_fps * span_s:
        rate_fps = len(found.times) / span_s if span_s > 0 else len(found.times)
        raise MediaError(f"the video has {rate_fps:.0f} frames a second; allowed are {limits.max_rate_fps:g}")


def _plain(stderr: str, limits: Limits) -> str | None:
    """A better sentence than the general one where the picture or the limits are what matters."""
    if "exceeds max_streams" in stderr:
        return f"the file has more than {limits.max_streams} streams; allowed are {limits.max_streams}"
    if "Input #0" in stderr and re.search(r"matches no streams|does not contain any stream", stderr):
        return "the file holds no picture that can be read"
    return None
