"""The one table of which container holds which coding; command line, API and worker all ask it.

Sound of ours is coded as what each container plays everywhere: AAC in mp4 and mov, Opus in webm. Matroska gets FLAC:
it loses nothing, and unlike AAC it has no priming whose length a player would have to guess from a Matroska file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synth.errors import MediaError
from synth.media.picture import animated_pictures
from synth.media.streams import UNKNOWN, Stream, of_kind
from synth.options import ExistingSound

VIDEO_CODECS: Final = (
    *("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vp8", "vp9", "av1", "mjpeg", "prores"),
    *("ffv1", "dnxhd", "qtrle", "dvvideo", *animated_pictures.CODINGS),
)
SAME_BYTES: Final = ("mp4", "matroska", "mpeg", "mxf", "dv")  # a copy keeps every byte; ts and avi store h264 otherwise
CODED_AS: Final = "h264"
"""What a picture becomes that must be coded again, where its container can hold that."""
PCM: Final = "pcm_"
"""What the names of all codings of plain samples begin with."""


@dataclass(frozen=True)
class Container:
    """One kind of result.

    Attributes:
        name: as a person calls it.
        muxer: ffmpeg's name for its writer.
        video_codecs: the picture codings that it holds, and those that are coded anew for it.
        sound: how our own sound is coded, as ffmpeg's arguments.
        sound_rates_hz: which rates that coding takes.
        sound_codecs: the sound codings that it holds when they are copied; :data:`PCM` stands for all plain samples.
        subtitle_codecs: the same of subtitles.
        data_tags: the same of data tracks, by the four letters that name them.
        covers: codings of still pictures that it keeps as covers.
        attachments: whether it keeps files such as fonts.
        hides_frames: whether it can hold frames that are decoded but not shown.
        transparency: whether it keeps what VP8 and VP9 store beside their packets.
        extra: further arguments for its writer.
    """

    name: str
    muxer: str
    video_codecs: tuple[str, ...]
    sound: tuple[str, ...]
    sound_rates_hz: tuple[int, ...]
    sound_codecs: tuple[str, ...]
    subtitle_codecs: tuple[str, ...] = ()
    data_tags: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    attachments: bool = False
    hides_frames: bool = False
    transparency: bool = False
    extra: tuple[str, ...] = ()


_AAC: Final = ("-c:a:0", "aac", "-b:a:0", "192k")
_AAC_RATES_HZ: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
_SOUNDS: Final = ("aac", "ac3", "alac", "eac3", "mp3")
_FAST_START: Final = ("-movflags", "+faststart")

_MP4: Final = Container(
    name="mp4",
    muxer="mp4",
    video_codecs=("h264", "hevc", "mpeg4", "vp9", "av1", "mjpeg", *animated_pictures.CODINGS),
    sound=_AAC,
    sound_rates_hz=_AAC_RATES_HZ,
    sound_codecs=(*_SOUNDS, "dts", "flac", "opus", "truehd"),
    subtitle_codecs=("mov_text",),
    data_tags=("gpmd",),
    covers=("mjpeg", "png", "bmp"),
    hides_frames=True,
    # What is "unofficial" is how a picture is to be shown: Dolby Vision, 360 degrees.
    extra=(*_FAST_START, "-strict", "unofficial"),
)
_MOV: Final = Container(
    name="mov",
    muxer="mov",
    video_codecs=("h264", "hevc", "mpeg4", "mjpeg", "prores", "dnxhd", "qtrle", "dvvideo", *animated_pictures.CODINGS),
    sound=_AAC,
    sound_rates_hz=_AAC_RATES_HZ,
    sound_codecs=(*_SOUNDS, PCM),
    subtitle_codecs=("mov_text", "eia_608"),
    data_tags=("gpmd",),
    hides_frames=True,
    extra=_FAST_START,
)
_MKV: Final = Container(
    name="mkv",
    muxer="matroska",
    # ffmpeg writes qtrle into Matroska without its bits a sample, and then nobody can decode it.
    video_codecs=tuple(coding for coding in VIDEO_CODECS if coding != "qtrle"),
    sound=("-c:a:0", "flac", "-sample_fmt:a:0", "s32", "-bits_per_raw_sample:a:0", "24"),
    sound_rates_hz=(8000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000),
    sound_codecs=(*_SOUNDS, PCM, "dts", "flac", "mp2", "opus", "truehd", "vorbis", "wavpack", "wmav2"),
    subtitle_codecs=("subrip", "ass", "webvtt", "dvd_subtitle", "dvb_subtitle", "hdmv_pgs_subtitle"),
    attachments=True,
    transparency=True,
)
_WEBM: Final = Container(
    name="webm",
    muxer="webm",
    video_codecs=("vp8", "vp9", "av1"),
    sound=("-c:a:0", "libopus", "-b:a:0", "128k"),
    sound_rates_hz=(8000, 12000, 16000, 24000, 48000),
    sound_codecs=("opus", "vorbis"),
    subtitle_codecs=("webvtt",),
    transparency=True,
)
_BY_SUFFIX: Final = {".mp4": _MP4, ".m4v": _MP4, ".mov": _MOV, ".mkv": _MKV, ".webm": _WEBM}
SUFFIXES: Final = tuple(_BY_SUFFIX)
_PREFERRED: Final = (".mp4", ".webm", ".mov", ".mkv")
"""What a server makes, the first that holds what is to be kept: what browsers play comes first."""
_WEB_NATIVE: Final = ("vp8", "vp9")


def for_target(target: Path, video_codec: str, *, transparent: bool = False, recut: bool = False) -> Container:
    """The container that ``target`` names by its suffix.

    Args:
        transparent: whether the picture has transparency beside its packets.
        recut: whether the picture may be coded again where it does not fit as it is.

    Raises:
        MediaError: no such container is written, or it cannot hold a picture of ``video_codec``.
    """
    container = _BY_SUFFIX.get(target.suffix.lower())
    if container is None:
        allowed = f"allowed are {', '.join(SUFFIXES)}"
        if target.suffix:
            raise MediaError(f"the result ends in {target.suffix!r}; {allowed}")
        folder = f"{target.name}/"
        raise MediaError(
            f"the result {target.name!r} has no ending; {allowed}; for a folder that is not there yet write {folder!r}"
        )
    if video_codec not in container.video_codecs and not recut:
        able = [suffix for suffix, other in _BY_SUFFIX.items() if video_codec in other.video_codecs]
        raise MediaError(f"a {container.name} file cannot hold a picture coded as {video_codec}; {_listed(able)} can")
    if transparent and not container.transparency:
        raise MediaError(
            f"parts of the picture are transparent, which a {container.name} file cannot keep; "
            "webm and mkv keep the transparency"
        )
    return container


def suffix_for(
    video_codec: str,
    sounds: Sequence[Stream] = (),
    *,
    transparent: bool = False,
    hides_frames: bool = False,
    existing: ExistingSound = ExistingSound.REPLACE,
) -> str:
    """The container, by its suffix, in which a server gives back a picture: one that browsers play, where one can.

    Args:
        sounds: the sound tracks of the source, which are held too where they are to be kept; where no container holds
            all of them, one that holds the picture is chosen, and what does not fit is left out and named.
        hides_frames: whether frames of the source are decoded but not shown.

    Raises:
        MediaError: none holds such a picture.
    """
    order = (".webm", *_PREFERRED) if video_codec in _WEB_NATIVE else _PREFERRED
    able = [suffix for suffix in order if _holds_picture(_BY_SUFFIX[suffix], video_codec, transparent, hides_frames)]
    if not able:
        raise MediaError(f"no container that is written can hold a picture coded as {video_codec}")
    if existing is not ExistingSound.KEEP:
        return able[0]
    kept = [one for one in sounds if one.coding != UNKNOWN]
    return max(able, key=lambda suffix: sum(holds_sound(_BY_SUFFIX[suffix], one.coding) for one in kept))


def _holds_picture(container: Container, video_codec: str, transparent: bool, hides_frames: bool) -> bool:
    return (
        video_codec in container.video_codecs
        and (container.transparency or not transparent)
        and (container.hides_frames or not hides_frames)
    )


def holds_sound(container: Container, coding: str) -> bool:
    """Whether a sound track of a coding can be copied into a container."""
    return coding in container.sound_codecs or (coding.startswith(PCM) and PCM in container.sound_codecs)


def beside_picture(
    streams: Iterable[Stream], picture: Stream, container: Container, existing: ExistingSound
) -> tuple[tuple[Stream, ...], tuple[Stream, ...]]:
    """Which tracks beside the picture are copied into a result, and which are left out without having been asked for.

    Of sound that is to be replaced or mixed, the first track is neither: that is what was asked for.
    """
    streams = tuple(streams)
    first_sound = next(iter(of_kind(streams, "sound")), None)
    kept: list[Stream] = []
    left_out: list[Stream] = []
    for one in streams:
        if one == picture or (one is first_sound and existing is not ExistingSound.KEEP):
            continue
        (kept if _is_held(one, container, existing) else left_out).append(one)
    return tuple(kept), tuple(one for one in left_out if not _is_no_loss(one))


def _is_held(one: Stream, container: Container, existing: ExistingSound) -> bool:
    if one.cover:
        return one.coding in container.covers
    if one.kind == "sound":
        return existing is ExistingSound.KEEP and holds_sound(container, one.coding)
    if one.kind == "subtitles":
        return one.coding in container.subtitle_codecs
    if one.kind == "data":
        return one.tag in container.data_tags
    return one.kind == "attachment" and container.attachments


def _is_no_loss(one: Stream) -> bool:
    """Whether nothing is lost with a track.

    Chapters and timecode of a QuickTime file are tracks, which ffmpeg reads as chapters and as a tag and writes anew;
    navigation means something on its disc only.
    """
    return one.kind == "data" and (one.tag in ("text", "tmcd") or one.coding == "dvd_nav_packet")


def refuse_lost_sound(left_out: Sequence[Stream], container: Container, video_codec: str, **picture: bool) -> None:
    """Refuse a container that cannot hold sound which is to be kept, where another could.

    Args:
        picture: ``transparent`` and ``hides_frames`` as for :func:`suffix_for`.

    Raises:
        MediaError: it does.
    """
    for one in (one for one in left_out if one.kind == "sound" and one.coding != UNKNOWN):
        suffix = suffix_for(video_codec, [one], existing=ExistingSound.KEEP, **picture)
        if holds_sound(_BY_SUFFIX[suffix], one.coding):
            raise MediaError(f"a {container.name} file cannot hold sound coded as {one.coding}, as {suffix} can")


def left_out_warning(left_out: Sequence[Stream], container: Container) -> str | None:
    """One sentence that lists what a result does not hold; None where it holds everything."""
    if not left_out:
        return None
    return f"the {container.name} file leaves out {_listed([one.name for one in left_out])} of the source"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
