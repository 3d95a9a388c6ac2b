"""ffmpeg's arguments for writing a result: the picture copied or coded again, our sound, what is kept beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from synth.errors import MediaError
from synth.media.clock import Clock
from synth.media.containers import Container
from synth.media.files import url
from synth.media.metadata import side_data, tags
from synth.media.picture import animated_pictures
from synth.media.streams import Stream

MIX_CEILING_DBFS: Final = -1.0  # two sounds that are each in range may not be so together
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
        ceiling_dbfs: under which a mix is held.
        mixed_gain_db: on the sound that is mixed with ours.
        description: what ffmpeg says of the source.
        size: width and height of the picture, as it is coded.
        constant_fps: its rate, where the source's clock ticks too fast for the writer of mov to take for a rate.
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
    ceiling_dbfs: float = MIX_CEILING_DBFS
    mixed_gain_db: float = 0.0
    description: str = ""
    size: tuple[int, int] = (0, 0)
    constant_fps: Fraction | None = None


def muxing(what: Muxing, metadata: Mapping[str, str]) -> list[str]:
    """Arguments that write a result with the sound that comes through ``pipe:0``; the target comes after them.

    A mix has one channel where both sounds have one, else two.

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
    arguments += [*_rate(what), *container.extra, *_tags(metadata, container), "-avoid_negative_ts", "disabled"]
    arguments += ["-fflags", "+bitexact", "-flags:a:0", "+bitexact"]  # no random numbers: same input, same file
    arguments += ["-map_metadata", "0", *tags.arguments(tags.of_file(what.description), metadata)]
    return [*arguments, "-f", container.muxer, "-y"]


def sound_alone(what: Muxing) -> list[str]:
    """Arguments that code the sound of a result, from ``pipe:0``, and nothing else; the target comes after them."""
    alone = replace(what, start_s=0.0)  # in _mixing it is when the picture begins on the source's clock
    arguments = ["-v", "error", *what.clock.arguments(), "-i", url(what.source)] if what.mixed else ["-v", "error"]
    arguments += ["-f", "f32le", "-ar", str(what.rate_hz), "-ac", str(what.channels), "-i", "pipe:0"]
    mixing = _mixing(what, what.mixed) if what.mixed else _placing(alone).replace("[1:a:0]", "[0:a:0]")
    arguments += ["-filter_complex", mixing, "-map", "[sound]", *what.container.sound, *_rate(what)]
    return [*arguments, "-fflags", "+bitexact", "-flags:a:0", "+bitexact", "-f", what.container.muxer, "-y"]


def decoding_sound() -> list[str]:
    """The output arguments of a child that is to decode the sound of a result: raw float32 in ``pipe:1``."""
    return ["-map", "0:a:0", "-f", "f32le", "pipe:1"]


def coded_rate_hz(what: Muxing) -> int:
    """The rate of the sound as it is coded."""
    return 48_000 if _rate(what) else what.rate_hz


def _rate(what: Muxing) -> list[str]:
    taken = what.rate_hz in what.container.sound_rates_hz and what.mixed is None
    return [] if taken else ["-ar:a:0", "48000"]


def _copied(what: Muxing) -> list[str]:
    tag = side_data.plain_tag(what.description, what.picture.index)
    if what.picture.coding == "hevc" and what.container.muxer in ("mp4", "mov"):
        tag = "hvc1"  # the only name under which Apple's players take it
    rate = ["-r:v:0", str(what.constant_fps)] if what.constant_fps else []
    return ["-c:v:0", "copy", *(["-tag:v:0", tag] if tag else []), *rate]


def _coded(what: Muxing) -> list[str]:
    """Each frame that is shown once, at the time at which it is shown."""
    if what.picture.coding in animated_pictures.CODINGS:
        return animated_pictures.coding(what.picture.coding, *what.size, what.container.name)
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
    theirs += f",aformat=channel_layouts={'mono' if mono else 'stereo'}"
    theirs += f",volume={what.mixed_gain_db:.3f}dB[theirs]" if what.mixed_gain_db else "[theirs]"
    adding = "[ours][theirs]amix=inputs=2:normalize=0:duration=first"
    ceiling = 10 ** (what.ceiling_dbfs / 20)
    holding = f"alimiter=limit={ceiling:.6f}:level=0:latency=1,asetpts=PTS+{what.start_s:.9f}/TB[sound]"
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
