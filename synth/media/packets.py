"""What a container really holds: one line a packet, read without decoding anything.

Headers lie, packets do not. ffmpeg's ``framecrc`` writer lists each packet of a stream copy with its exact
timestamps, so the frame count, the rate, the length and the start of a picture are counted rather than believed.
The listing is read as it comes and given up as soon as it breaks a limit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media import clock as clocks
from synth.media import complaints
from synth.media.clock import Clock
from synth.media.ffmpeg import Child, Fence, run
from synth.media.files import url
from synth.media.streams import Stream, described, of_kind, streams_of
from synth.options import NOMINAL_MARGIN, Limits

CORRUPT_FLAG: Final = 2  # AV_PKT_FLAG_CORRUPT: the packet is cut short, or data before it is missing
HIDDEN_FLAG: Final = 4  # AV_PKT_FLAG_DISCARD: decoded for the sake of others, shown to nobody (edit lists)
NO_TIME: Final = -(2**63)  # AV_NOPTS_VALUE
SURE_FRAMES: Final = 10_000  # enough of them to speak of a rate before the end
LISTING_BYTES: Final = 1 << 16
PICTURES: Final = "0:V"
_LINE: Final = re.compile(r"(\d+), +-?\d+, +(-?\d+), +(\d+), +(\d+), 0x[0-9a-f]+(?:, F=0x([0-9A-F]+))?")
_MAPPED: Final = re.compile(r"^(?:\[info\] )? +Stream #0:(\d+) -> #0:(\d+)", re.MULTILINE)
_DEMUXERS: Final = {"mov": "mp4", "matroska": "matroska", "avi": "avi", "mpeg": "mpeg", "mpegts": "mpegts"}


@dataclass
class Track:
    """The packets of one picture track in the order in which they are stored, times in units of ``tick_s``.

    ``hidden`` are the times of packets that are decoded but shown to nobody, ``corrupt`` those of shown ones that are
    cut short or before which data is missing.
    """

    tick_s: Fraction = Fraction(1, 1000)
    coding: str = ""
    width: int = 0
    height: int = 0
    times: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    corrupt: list[int] = field(default_factory=list)
    first: int | None = None

    def shown(self) -> tuple[NDArray[np.int64], int]:
        """Times of the shown frames in order of showing, and the length of the last one (0: not stated)."""
        times = np.array(self.times, dtype=np.int64)
        order = np.argsort(times, kind="stable")
        return times[order], self.lengths[int(order[-1])] if len(order) else 0


@dataclass(frozen=True)
class Listing:
    """The picture of one file and what lies beside it.

    Attributes:
        picture: its track; that which the container marks as default and that moves, else the one with most frames.
        stream: the same track as the description has it.
        streams: all tracks of the file.
        others: the other pictures that it holds; covers are none.
        container: mp4 (mov too), matroska, avi, mpeg or mpegts.
        clock: on which the times were read.
        start_s: when the first of all tracks begins, as the container states it; None where it does not.
        stated_s: how long the file lasts by its own account; None where it states nothing.
        first_sound_s: when the first packet of sound begins, where sound was listed too; else None.
        cut_short: whether the file ends before it should.
        complaints: sentences about what ffmpeg found odd.
        description: what ffmpeg printed of the file.
        said: all that it printed.
    """

    picture: Track
    stream: Stream
    streams: tuple[Stream, ...]
    others: tuple[Stream, ...]
    container: str
    clock: Clock
    start_s: float | None
    stated_s: float | None
    first_sound_s: Fraction | None
    cut_short: bool
    complaints: tuple[str, ...]
    description: str
    said: str

    @property
    def sounds(self) -> tuple[Stream, ...]:
        """Its sound tracks."""
        return of_kind(self.streams, "sound")

    def shown(self) -> tuple[NDArray[np.int64], int]:
        """See :meth:`Track.shown`."""
        return self.picture.shown()

    @property
    def tick_s(self) -> Fraction:
        """The unit of the picture's times."""
        return self.picture.tick_s

    @property
    def selector(self) -> str:
        """The picture as ffmpeg's ``-map`` names it."""
        return f"0:{self.stream.index}"


def listing(
    path: Path,
    limits: Limits,
    *,
    beside: Sequence[str] = ("0:a:0?",),
    clock: Clock | None = None,
    salvage: bool = False,
) -> Listing:
    """List the packets of the picture (cover art does not count), and those of streams beside it.

    Args:
        beside: other streams to be read at the same time, as ``-map`` names them; where a file has a clock of its
            own, its start depends on which streams are read.
        clock: see :class:`synth.media.clock.Clock`; guessed from the file's first bytes by default.
        salvage: whether packets that are cut short are left out, where the clock is guessed.

    Raises:
        MediaError: the file is not readable, has no picture, or breaks ``limits`` on streams, frames or duration.
    """
    asked = clock or clocks.of_file(path, salvage=salvage)
    found = _listing(path, limits, beside, asked)
    if clock is None and (found.container in clocks.OWN_CLOCK) != asked.own:  # its first bytes misled
        found = _listing(path, limits, beside, replace(asked, own=not asked.own, filled=False))
    return found


def _listing(path: Path, limits: Limits, beside: Sequence[str], clock: Clock) -> Listing:
    arguments = ["-v", "level+info", "-nostats", *clock.arguments(), "-i", url(path), "-map", PICTURES]
    for other in beside:
        arguments += ["-map", other]
    # Of anything but the picture the first packet is enough; -frames:a 1 would end the picture's listing with it.
    arguments += ["-c", "copy", "-copyinkf", "-bsf:a", r"noise=drop=gt(n\,0)", "-flush_packets", "0"]
    arguments += ["-f", "framecrc", "pipe:1"]
    tracks: dict[int, Track] = {}
    fence = Fence(memory_bytes=1024**3, max_streams=limits.max_streams, max_pixels=limits.max_pixels)
    with Child(arguments, fence=fence, attached=True) as child:
        rest = ""
        while piece := child.read(LISTING_BYTES):
            *lines, rest = (rest + piece.decode("ascii", "replace")).split("\n")
            for line in lines:
                _take(tracks, line)
            _refuse_early(tracks, child.stderr, limits)
        try:
            child.finish()
        except MediaError as error:
            raise MediaError(_plain(child.stderr, limits) or str(error)) from error
        stderr = child.stderr
    if sentence := _plain(stderr, limits):
        raise MediaError(sentence)
    return _chosen(tracks, stderr, clock)


def packet_digest(path: Path, picture: str = f"{PICTURES}:0") -> str:
    """SHA-256 (hex) over the bytes of the picture packets in stored order, whatever container they lie in.

    mp4, mov and mkv hold the same bytes for the same picture; ts and avi write h264 and hevc with start codes
    instead of lengths, so there the digest of the same picture differs.

    Args:
        picture: which track, as ffmpeg's ``-map`` names it.

    Raises:
        MediaError: the file is not readable or has no picture.
    """
    return digest_in(run(["-v", "error", "-copyts", "-i", url(path), *digesting(picture)]).stdout)


def digesting(picture: str, target: str = "pipe:1") -> list[str]:
    """The output arguments of a child that is to digest the packets of a track."""
    return ["-map", picture, "-c", "copy", "-copyinkf", "-f", "streamhash", "-hash", "sha256", "-y", target]


def digest_in(output: bytes) -> str:
    """The digest in what a child with the arguments of :func:`digesting` wrote."""
    match = re.search(rb"SHA256=([0-9a-f]{64})", output)
    if match is None:
        raise MediaError("the file holds no picture")
    return match.group(1).decode()


CLOSE_S: Final = 0.0015
"""Two times that differ by less are the same moment: Matroska keeps whole milliseconds."""
_HEAD: Final = re.compile(r"#(?:codec_id|extradata|dimensions|sar) \d+: .*")
_PACKET: Final = re.compile(r"\d+, +-?\d+, +(-?\d+), +\d+, +(\d+, 0x[0-9a-f]+.*)")
_FLAGS: Final = re.compile(r", F=0x([0-9A-F]+)")


@dataclass(frozen=True)
class Packets:
    """All that a decoder gets of a picture.

    Attributes:
        digest: SHA-256 (hex) over the bytes, see :func:`packet_digest`.
        head: the codec, its set-up data and the picture's size and shape, as ffmpeg's listing states them.
        times_s: when each packet is to be shown, in stored order; None where one has no time or is damaged.
        rest: the length, a checksum, the flags and the side data of each.
        description: what ffmpeg printed of the file.
    """

    digest: str
    head: tuple[str, ...]
    times_s: tuple[Fraction, ...] | None
    rest: tuple[str, ...]
    description: str

    def same_as(self, other: Packets) -> bool:
        """Whether a decoder gets the same of both, and so shows the same, as it does of whatever is not damaged.

        It may show the same of two that differ.
        """
        if self.times_s is None or other.times_s is None:
            return False
        same = (self.digest, self.head, self.rest) == (other.digest, other.head, other.rest)
        return same and all(abs(a - b) < CLOSE_S for a, b in zip(self.times_s, other.times_s, strict=True))


def packets_of(path: Path, clock: Clock, picture: str = f"{PICTURES}:0") -> Packets:
    """The packets of a picture.

    Args:
        clock: on which their times are read.
        picture: which track, as ffmpeg's ``-map`` names it.

    Raises:
        MediaError: the file is not readable or has no picture.
    """
    arguments = ["-v", "level+info", "-nostats", *clock.arguments(), "-i", url(path), *telling(picture)]
    found = run(arguments)
    return packets_in(found.stdout, found.stdout, found.stderr)


def telling(picture: str, digest: str = "pipe:1", listed: str = "pipe:1") -> list[str]:
    """The output arguments of a child that is to tell all of a track that :class:`Packets` holds."""
    listing = ["-map", picture, "-c", "copy", "-copyinkf", "-f", "framecrc", "-y", listed]
    return [*digesting(picture, digest), *listing]


def packets_in(digest: bytes, listed: bytes, said: str) -> Packets:
    """The packets in what a child with the arguments of :func:`telling` wrote, to its two places, and what it said.

    Raises:
        MediaError: there was no picture.
    """
    lines = listed.decode("ascii", "replace").split("\n")
    tick_s = next((Fraction(line.partition(": ")[2]) for line in lines if line.startswith("#tb ")), Fraction(0))
    rows = [match for line in lines if (match := _PACKET.match(line))]
    times, rest = [int(row.group(1)) for row in rows], tuple(row.group(2) for row in rows)
    flags = (int(flag.group(1), 16) for row in rest if (flag := _FLAGS.search(row)))
    sure = NO_TIME not in times and not any(one & CORRUPT_FLAG for one in flags)
    return Packets(
        digest_in(digest),
        tuple(line for line in lines if _HEAD.match(line)),
        tuple(time * tick_s for time in times) if sure else None,
        rest,
        described(said),
    )


def container_of(description: str) -> str:
    """Kind of container, from the first line of ffmpeg's description: mp4 (mov too), matroska, avi, mpeg or mpegts."""
    named = re.search(r"^Input #0, (\w+)", description, re.MULTILINE)
    return _DEMUXERS.get(named.group(1), named.group(1)) if named else "unknown"


def _take(tracks: dict[int, Track], line: str) -> None:
    match = _LINE.match(line)
    if match is None:
        _take_header(tracks, line)
        return
    stream, time_text, length, _, flags = match.groups()
    number, time = int(flags or "1", 16), int(time_text)
    track = tracks.setdefault(int(stream), Track())
    track.first = time if track.first is None else track.first
    if track.coding == _NO_PICTURE:
        return
    if time == NO_TIME:
        raise MediaError(
            "the video does not say when its frames are shown, as avi with B-frames cannot; mp4 and mkv do"
        )
    if number & HIDDEN_FLAG:
        track.hidden.append(time)
        return
    track.times.append(time)
    track.lengths.append(int(length))
    if number & CORRUPT_FLAG:
        track.corrupt.append(time)


_NO_PICTURE: Final = "no picture"
_HEADER: Final = re.compile(r"#(tb|media_type|codec_id|dimensions) (\d+): (.+)")


def _take_header(tracks: dict[int, Track], line: str) -> None:
    match = _HEADER.match(line)
    if match is None:
        return
    name, number, value = match.groups()
    track = tracks.setdefault(int(number), Track())
    if name == "tb":
        track.tick_s = Fraction(value)
    elif name == "media_type" and value != "video":
        track.coding = _NO_PICTURE
    elif name == "codec_id" and track.coding != _NO_PICTURE:
        track.coding = value
    elif name == "dimensions":
        width, _, height = value.partition("x")
        track.width, track.height = int(width), int(height)


def _chosen(tracks: dict[int, Track], stderr: str, clock: Clock) -> Listing:
    """The picture among the tracks that were listed, by their numbers in the listing."""
    description = described(stderr)
    streams = streams_of(description)
    known = {one.index: one for one in streams}
    inputs = {int(after): int(before) for before, after in _MAPPED.findall(stderr)}
    pictures = {inputs.get(n, n): track for n, track in tracks.items() if track.coding != _NO_PICTURE}
    if not pictures:
        raise MediaError("the file holds no picture that can be read")
    stated = {number: known.get(number, Stream(number, "picture", pictures[number].coding)) for number in pictures}

    def weight(number: int) -> tuple[bool, bool, int]:
        frames = len(pictures[number].times)
        return frames > 1, stated[number].default, frames

    best = max(sorted(pictures), key=weight)
    sounds = [track for track in tracks.values() if track.coding == _NO_PICTURE and track.first is not None]
    times = re.search(r"^  Duration: (N/A|[\d:.]+)(?:, start: (-?[\d.]+))?", description, re.MULTILINE)
    return Listing(
        picture=pictures[best],
        stream=stated[best],
        streams=streams,
        others=tuple(stated[number] for number in sorted(pictures) if number != best),
        container=container_of(description),
        clock=clock,
        start_s=float(times.group(2)) if times and times.group(2) else None,
        stated_s=_seconds(times.group(1)) if times and times.group(1) != "N/A" else None,
        first_sound_s=(sounds[0].first or 0) * sounds[0].tick_s if sounds else None,
        cut_short=complaints.cut_short(stderr),
        complaints=complaints.heard(stderr),
        description=description,
        said=stderr,
    )


def _seconds(text: str) -> float:
    return sum(float(part) * unit for part, unit in zip(text.split(":"), (3600, 60, 1), strict=True))


def _refuse_early(tracks: dict[int, Track], stderr: str, limits: Limits) -> None:
    longest = max(tracks.values(), key=lambda track: len(track.times), default=None)
    if longest is None or not longest.times:
        return
    if len(longest.times) > limits.max_frames * NOMINAL_MARGIN:
        raise MediaError(f"the video has more than {limits.max_frames} frames, which is what is allowed")
    span_s = float((longest.times[-1] - longest.times[0]) * longest.tick_s)
    if span_s > limits.max_duration_s * NOMINAL_MARGIN + 1:
        stated = re.search(r"^(?:\[info\] )?  Duration: (\d+:\d\d:\d\d)", stderr, re.MULTILINE)
        said_s = _seconds(stated.group(1)) if stated else 0
        lasts = f"{said_s:.0f} s" if said_s > limits.max_duration_s else f"more than {limits.max_duration_s:g} s"
        raise MediaError(f"the video lasts {lasts}; allowed are {limits.max_duration_s:g} s")
    # A listing of millions of frames need not be read to its end; short bursts of a variable rate are no reason.
    if len(longest.times) > SURE_FRAMES and len(longest.times) > 2 * limits.max_rate_fps * span_s:
        rate_fps = len(longest.times) / span_s if span_s > 0 else len(longest.times)
        raise MediaError(f"the video has {rate_fps:.0f} frames a second; allowed are {limits.max_rate_fps:g}")


def _plain(stderr: str, limits: Limits) -> str | None:
    """A better sentence than the general one where the picture or the limits are what matters."""
    if re.search(r"exceeds max_streams", stderr):
        return f"the file has more than {limits.max_streams} streams; allowed are {limits.max_streams}"
    if "Input #0" in stderr and re.search(r"matches no streams|does not contain any stream", stderr):
        return "the file holds no picture that can be read"
    return None


def shifted(found: Listing, shift_s: float) -> Listing:
    """The same listing on a clock that is to be read ``shift_s`` earlier; its times stay as they were listed."""
    return replace(found, clock=replace(found.clock, shift_s=shift_s))
