"""ffmpeg's arguments for writing a result: the picture copied or coded again, our sound, what is kept beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from synth.errors import MediaError
from synth.media.clock import Clock
from synth.media.containers import Container
from synth.media.files import url
from synth.media.streams import Stream

MIX_CEILING: Final = 0.891  # -1 dBFS; two sounds that are each in range may not be so together
_PLAIN_TAGS: Final = frozenset(("title", "artist", "album", "comment", "genre", "copyright", "description", "date"))
_CODERS: Final[dict[str, tuple[str, ...]]] = {
    "webm": ("libvpx-vp9", "-crf", "15", "-b:v", "0", "-row-mt", "1", "-deadline", "good", "-cpu-used", "4"),
}
_X264: Final = ("libx264", "-preset", "medium", "-crf", "14")
"""Nothing can be seen of the coding at this quality; it is not what the camera wrote all the same."""


@dataclass(frozen=True)
class Muxing:
    """What goes into one result.

    Attributes:
        clock: on which the source is read.
        picture: its picture.
        start_s: when the picture begins on that clock.
        channels: of our own sound, 1 or 2.
        kept: tracks that are copied beside the picture.
        mixed: the sound that is mixed with ours; None where none is.
        recut: whether the picture is coded again rather than copied.
    """

    source: Path
    clock: Clock
    picture: Stream
    start_s: float
    rate_hz: int
    container: Container
    channels: int = 1
    kept: tuple[Stream, ...] = ()
    mixed: Stream | None = None
    recut: bool = False


def muxing(what: Muxing, metadata: Mapping[str, str]) -> list[str]:
    """Arguments that write a result with the sound that comes through ``pipe:0``; the target comes after them.

    A mix has one channel where both our sound and that of the source have one, else two.

    All times are kept as they are, so the start of the picture, its edit list and its variable rate survive; the
    sound is moved to where the picture starts.
    """
    container = what.container
    arguments = ["-v", "level+warning", *what.clock.arguments(), "-i", url(what.source)]
    arguments += ["-f", "f32le", "-ar", str(what.rate_hz), "-ac", str(what.channels), "-i", "pipe:0"]
    arguments += ["-filter_complex", _placing(what) if what.mixed is None else _mixing(what, what.mixed)]
    arguments += ["-map", f"0:{what.picture.index}", "-map", "[sound]"]
    for stream in what.kept:
        arguments += ["-map", f"0:{stream.index}"]
    arguments += ["-copyinkf:v", *(_coded(what) if what.recut else _copied(what)), *container.sound]
    arguments += _beside(what.kept)
    if what.rate_hz not in container.sound_rates_hz or what.mixed is not None:
        arguments += ["-ar:a:0", "48000"]
    arguments += [*container.extra, *_tags(metadata, container), "-avoid_negative_ts", "disabled"]
    arguments += ["-fflags", "+bitexact", "-flags:a:0", "+bitexact"]  # no random numbers: same input, same file
    return [*arguments, "-map_metadata", "0", "-f", container.muxer, "-y"]


def _copied(what: Muxing) -> list[str]:
    hevc = what.picture.coding == "hevc" and what.container.muxer in ("mp4", "mov")
    # Its only name under which Apple's players take it.
    return ["-c:v:0", "copy", *(["-tag:v:0", "hvc1"] if hevc else [])]


def _coded(what: Muxing) -> list[str]:
    """Each frame that is shown once, at the time at which it is shown."""
    coder = _CODERS.get(what.container.muxer, _X264)
    return ["-c:v:0", *coder, "-fps_mode:v:0", "passthrough", "-enc_time_base:v:0", "demux", "-flags:v:0", "+bitexact"]


def _beside(kept: Sequence[Stream]) -> list[str]:
    """Copies of further tracks, each named: our sound is the first and the one that is played, covers stay covers."""
    arguments = ["-disposition:a:0", "default", "-c:s", "copy", "-c:d", "copy", "-c:t", "copy"]
    sounds = [one for one in kept if one.kind == "sound"]
    for number in range(1, 1 + len(sounds)):
        arguments += [f"-c:a:{number}", "copy", f"-disposition:a:{number}", "0"]
    pictures = [one for one in kept if one.kind == "picture"]
    for number, _ in enumerate(pictures, 1):
        arguments += [f"-c:v:{number}", "copy", f"-disposition:v:{number}", "attached_pic"]
    return arguments


def _placing(what: Muxing) -> str:
    """The filter that moves our sound to where the picture starts; raw sound has no clock for -itsoffset to shift."""
    return f"[1:a:0]asetpts=PTS+{what.start_s:.9f}/TB[sound]"


def _mixing(what: Muxing, mixed: Stream) -> str:
    """The filter that adds the source's sound to ours as they are, held under full scale, as long as the picture."""
    # Spelt out, because ffmpeg turns one channel into two at -3 dB each.
    mono = mixed.mono and what.channels == 1
    ours = f"[1:a:0]aresample=48000,{'anull' if mono or what.channels == 2 else 'pan=stereo|c0=c0|c1=c0'}[ours]"
    theirs = f"[0:{mixed.index}]asetpts=PTS-{what.start_s:.9f}/TB,aresample=48000:async=1:first_pts=0"
    theirs += f",aformat=channel_layouts={'mono' if mono else 'stereo'}[theirs]"
    adding = "[ours][theirs]amix=inputs=2:normalize=0:duration=first"
    holding = f"alimiter=limit={MIX_CEILING}:level=0:latency=1,asetpts=PTS+{what.start_s:.9f}/TB[sound]"
    return f"{theirs};{ours};{adding},{holding}"


def _tags(metadata: Mapping[str, str], container: Container) -> list[str]:
    arguments: list[str] = []
    for name, value in metadata.items():
        if not re.fullmatch(r"[A-Za-z][\w.-]*", name) or "\0" in value:
            raise MediaError(f"the tag {name!r} has a name or a value that cannot be written")
        arguments += ["-metadata", f"{name}={value}"]
    if container.muxer in ("mp4", "mov") and not _PLAIN_TAGS.issuperset(metadata):
        arguments += ["-movflags", "+faststart+use_metadata_tags"]  # mp4's own list of tags is closed
    return arguments


def coding(width: int, height: int, rate_fps: Fraction, container: Container) -> list[str]:
    """Arguments that code raw RGB frames from ``pipe:0`` as h264; the target comes after them."""
    arguments = ["-v", "warning", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    arguments += ["-framerate", str(rate_fps), "-i", "pipe:0", "-threads", "2", "-fflags", "+bitexact"]
    shape = "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    arguments += ["-vf", shape, "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    arguments += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-flags:v", "+bitexact"]
    return [*arguments, *container.extra, "-f", container.muxer, "-y"]
