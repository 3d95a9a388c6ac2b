"""Which container holds what, and ffmpeg's arguments for writing each.

Sound is coded as what each container plays everywhere: AAC in mp4 and mov, Opus in webm. Matroska gets FLAC: it
loses nothing, and unlike AAC it has no priming whose length a player would have to guess from a Matroska file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from synth.errors import MediaError
from synth.media import animated_pictures, metadata, packets, side_data
from synth.media.files import url
from synth.options import ExistingSound

if TYPE_CHECKING:
    from synth.media.video import VideoInfo

COPIED_CODECS: Final = (
    *("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vp8", "vp9", "av1", "mjpeg", "prores"),
    *("ffv1", "dnxhd", "qtrle", "dvvideo"),
)
VIDEO_CODECS: Final = (*COPIED_CODECS, *animated_pictures.CODINGS)
SAME_BYTES: Final = ("mp4", "matroska", "mpeg", "mxf", "dv")  # a copy keeps every byte; ts and avi store h264 otherwise
OWN_CLOCK: Final = ("mpeg", "mpegts")  # their clocks start anywhere; what matters is how the streams lie to each other
MIX_CEILING: Final = 0.891  # -1 dBFS; two sounds that are each in range may not be so together

_DEMUXERS: Final = {"mov": "mp4", "matroska": "matroska", "avi": "avi", "mpeg": "mpeg", "mpegts": "mpegts"}


@dataclass(frozen=True)
class Container:
    """One kind of result: ffmpeg's name for its writer, the picture codings it holds, how its sound is coded."""

    name: str
    muxer: str
    video_codecs: tuple[str, ...]
    sound: tuple[str, ...]
    sound_rates_hz: tuple[int, ...]
    extra: tuple[str, ...] = ()


_AAC: Final = ("-c:a:0", "aac", "-b:a:0", "192k")
_AAC_RATES_HZ: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
_MP4: Final = Container(
    "mp4",
    "mp4",
    ("h264", "hevc", "mpeg4", "vp9", "av1", "mjpeg", *animated_pictures.CODINGS),
    _AAC,
    _AAC_RATES_HZ,
    # What is "unofficial" is how a picture is to be shown: Dolby Vision, 360 degrees.
    ("-movflags", "+faststart", "-strict", "unofficial"),
)
_MOV: Final = Container(
    "mov",
    "mov",
    ("h264", "hevc", "mpeg4", "mjpeg", "prores", "ffv1", "dnxhd", "qtrle", "dvvideo", *animated_pictures.CODINGS),
    _AAC,
    _AAC_RATES_HZ,
    ("-movflags", "+faststart"),
)
_MKV: Final = Container(
    "mkv",
    "matroska",
    VIDEO_CODECS,
    ("-c:a:0", "flac", "-sample_fmt:a:0", "s32", "-bits_per_raw_sample:a:0", "24"),
    (8000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000),
)
_WEBM: Final = Container(
    "webm", "webm", ("vp8", "vp9", "av1"), ("-c:a:0", "libopus", "-b:a:0", "128k"), (8000, 12000, 16000, 24000, 48000)
)
_BY_SUFFIX: Final = {".mp4": _MP4, ".m4v": _MP4, ".mov": _MOV, ".mkv": _MKV, ".webm": _WEBM}
SUFFIXES: Final = tuple(_BY_SUFFIX)


def for_target(target: Path, video_codec: str) -> Container:
    """The container that ``target`` names by its suffix.

    Raises:
        MediaError: no such container is written, or it cannot hold a picture of ``video_codec``.
    """
    container = _BY_SUFFIX.get(target.suffix.lower())
    if container is None:
        raise MediaError(f"the result ends in {target.suffix!r}; allowed are {', '.join(SUFFIXES)}")
    if video_codec not in container.video_codecs:
        able = [suffix for suffix, other in _BY_SUFFIX.items() if video_codec in other.video_codecs]
        raise MediaError(f"a {container.name} file cannot hold a picture coded as {video_codec}; {', '.join(able)} can")
    return container


def of_description(description: str) -> str:
    """Kind of container, from the first line of ffmpeg's description: mp4 (mov too), matroska, avi, mpeg or mpegts."""
    named = re.search(r"^Input #0, (\w+)", description, re.MULTILINE)
    return _DEMUXERS.get(named.group(1), named.group(1)) if named else "unknown"


def muxing(
    info: VideoInfo,
    source: Path,
    rate_hz: int,
    container: Container,
    existing: ExistingSound,
    tags: Mapping[str, str],
    *,
    mono: bool = False,
    description: str = "",
) -> list[str]:
    """Arguments that copy the picture of ``source`` and code the sound from ``pipe:0``; the target comes after them.

    A mix has one channel where the sound of the source is ``mono``, else two.

    All times are kept as they are (``-copyts``), so the start of the picture, its edit list and its variable rate
    survive; the sound is moved to where the picture starts.
    """
    clock = [] if info.container in OWN_CLOCK else ["-copyts"]
    arguments = ["-v", "warning", *clock, *packets.timing(source), "-i", url(source)]
    arguments += ["-f", "f32le", "-ar", str(rate_hz), "-ac", "1", "-i", "pipe:0"]
    arguments += ["-filter_complex", _mixing(info, mono=mono) if existing is ExistingSound.MIX else _placing(info)]
    arguments += ["-map", "0:V:0", "-map", "[sound]"]
    if existing is ExistingSound.KEEP:
        arguments += ["-map", "0:a", "-c:a", "copy", "-disposition:a", "0"]
    picture = animated_pictures.coding(info.video_codec, info.width, info.height, container.name)
    arguments += [*(picture or ["-c:v", "copy", "-copyinkf:v"]), *container.sound, "-disposition:a:0", "default"]
    if info.container == "dv":  # whose clock ticks too fast for ffmpeg's writer of mov to take for a frame rate
        arguments += ["-r:v", str(Fraction(info.rate_fps).limit_denominator(1001))]
    if rate_hz not in container.sound_rates_hz or existing is ExistingSound.MIX:
        arguments += ["-ar:a:0", "48000"]
    tag = side_data.plain_tag(description)
    if info.video_codec == "hevc" and (container.muxer in ("mp4", "mov") or tag):
        arguments += ["-tag:v", "hvc1"]  # the only name under which Apple's players take it
    elif tag:
        arguments += ["-tag:v", tag]
    arguments += [*container.extra, *_tags(tags, container), "-avoid_negative_ts", "disabled"]
    arguments += ["-fflags", "+bitexact", "-flags:a:0", "+bitexact"]  # no random numbers: same input, same file
    return [*arguments, "-map_metadata", "0", *metadata.arguments(metadata.of_file(description), tags), "-f", container.muxer, "-y"]


def _placing(info: VideoInfo) -> str:
    """The filter that moves our sound to where the picture starts; raw sound has no clock for -itsoffset to shift."""
    return f"[1:a:0]asetpts=PTS+{info.start_s:.9f}/TB[sound]"


def _mixing(info: VideoInfo, *, mono: bool) -> str:
    """The filter that adds the source's sound to ours as they are, held under full scale, as long as the picture."""
    # Spelt out, because ffmpeg turns one channel into two at -3 dB each.
    ours = f"[1:a:0]aresample=48000,{'anull' if mono else 'pan=stereo|c0=c0|c1=c0'}[ours]"
    theirs = f"[0:a:0]asetpts=PTS-{info.start_s:.9f}/TB,aresample=48000:async=1:first_pts=0"
    theirs += f",aformat=channel_layouts={'mono' if mono else 'stereo'}[theirs]"
    adding = "[ours][theirs]amix=inputs=2:normalize=0:duration=first"
    holding = f"alimiter=limit={MIX_CEILING}:level=0:latency=1,asetpts=PTS+{info.start_s:.9f}/TB[sound]"
    return f"{theirs};{ours};{adding},{holding}"


_PLAIN_TAGS: Final = frozenset(("title", "artist", "album", "comment", "genre", "copyright", "description", "date"))


def _tags(tags: Mapping[str, str], container: Container) -> list[str]:
    arguments: list[str] = []
    for name, value in tags.items():
        if not re.fullmatch(r"[A-Za-z][\w.-]*", name) or "\0" in value:
            raise MediaError(f"the tag {name!r} has a name or a value that cannot be written")
        arguments += ["-metadata", f"{name}={value}"]
    if container.muxer in ("mp4", "mov") and not _PLAIN_TAGS.issuperset(tags):
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
