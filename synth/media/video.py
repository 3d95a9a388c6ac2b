"""Pictures in and out: look at a video, read its frames, give it another sound without touching its picture.

Frames are read through a pipe from ffmpeg, scaled there by area averaging: for 10 s of 720p to 128 x 128 this took
0.9 s where moviepy's own reader took 1.3 s, and it goes by timestamps, so that videos of variable rate come out right.
moviepy reads the single frame of :func:`thumbnail`. Its way of merging sound and picture is not used: it names no
streams, and a video that has sound already would keep the old one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media import animated_pictures, audio, box_transfer, containers, packets, side_data, tone_mapping
from synth.media import metadata as tags
from synth.media.ffmpeg import Cancel, Child, Fence, moviepy_reader, run
from synth.media.files import arriving, source_bytes, url
from synth.media.packets import packet_digest as packet_digest
from synth.options import LIMITS, ExistingSound, Limits

_RATES: Final = tuple(Fraction(rate) for rate in (12, 15, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)) + tuple(
    Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120, 240)
)
_SLACK_S: Final = 0.001  # Matroska keeps times in whole milliseconds; a frame that comes so much late is in time
_PIXELS_PER_CPU_S: Final = 4_000_000  # slower than the slowest decoder and machine that are meant to work
_FRAMES_AT_LEAST: Final = 2


@dataclass(frozen=True)
class VideoInfo:
    """What a video is, counted from its packets.

    ``duration_s`` is how long the picture lasts, the showing of the last frame included; ``start_s`` is when its
    first frame is shown on the clock of the file; ``rate_fps`` is the mean rate. ``width`` and ``height`` are those
    of the upright picture, after the turn by ``rotation_deg`` (0, 90, 180 or 270, clockwise) that players make.
    """

    duration_s: float
    start_s: float
    rate_fps: float
    frames: int
    width: int
    height: int
    rotation_deg: int
    video_codec: str
    audio_codec: str | None
    container: str
    variable_rate: bool
    bytes_: int


def probe(path: Path, limits: Limits = LIMITS) -> VideoInfo:
    """Look at a video without decoding it.

    Raises:
        MediaError: it is not a whole, readable video of an allowed kind, or it breaks ``limits``.
    """
    return _look(path, limits)[0]


def _look(path: Path, limits: Limits) -> tuple[VideoInfo, packets.Listing]:
    bytes_ = source_bytes(path, limits.max_bytes)
    found = packets.listing(path, limits)
    times, last_length = found.shown()
    if len(times) == 0:
        raise MediaError("the video has no frames")
    _refuse_picture(found, limits)
    if len(times) < _FRAMES_AT_LEAST:
        raise MediaError("the video has one frame, so nothing moves in it; at least 2 frames are needed")
    if found.damaged:
        raise MediaError("the video is cut short or damaged; only whole files are taken")
    info = _info(found, times, last_length, bytes_)
    _refuse_length(info, limits)
    return info, found


def _info(found: packets.Listing, times: NDArray[np.int64], last_length: int, bytes_: int) -> VideoInfo:
    steps = np.diff(times)
    length = last_length or int(np.median(steps))
    rotation_deg = _rotation_deg(found.description)
    sideways = rotation_deg in (90, 270)
    container = containers.of_description(found.description)
    start_s = int(times[0]) * found.tick_s
    if container in containers.OWN_CLOCK:
        start_s -= min(start_s, found.first_sound_s if found.first_sound_s is not None else start_s)
    return VideoInfo(
        duration_s=float((int(times[-1]) + length - int(times[0])) * found.tick_s),
        start_s=float(start_s),
        rate_fps=_rate_fps(times, found.tick_s),
        frames=len(times),
        width=found.height if sideways else found.width,
        height=found.width if sideways else found.height,
        rotation_deg=rotation_deg,
        video_codec=found.video_codec,
        audio_codec=found.audio_codec,
        container=container,
        variable_rate=bool(np.ptp(steps) > 2 + 0.1 * float(np.median(steps))),
        bytes_=bytes_,
    )


def _rate_fps(times: NDArray[np.int64], tick_s: Fraction) -> float:
    """Mean rate; the usual rate next to it where rounding of the times could explain the difference."""
    span = int(times[-1] - times[0])
    if span <= 0:
        raise MediaError("the video shows all its frames at the same moment")
    mean = (len(times) - 1) / (span * tick_s)
    usual = min(_RATES, key=lambda rate: abs(rate - mean))
    rounding_s = max(tick_s, Fraction(_SLACK_S))  # kept by a file that was once Matroska
    return float(usual if abs(usual - mean) <= mean * rounding_s / (span * tick_s) else mean)


def _rotation_deg(description: str) -> int:
    turned = re.search(
        r"^ +(?:displaymatrix|.*Display Matrix): rotation of (-?[\d.]+) degrees", description, re.MULTILINE
    )
    return round(-float(turned.group(1)) / 90) * 90 % 360 if turned else 0


def _refuse_picture(found: packets.Listing, limits: Limits) -> None:
    if found.video_codec not in containers.VIDEO_CODECS:
        allowed = ", ".join(containers.VIDEO_CODECS)
        raise MediaError(f"the picture is coded as {found.video_codec or 'nothing known'}; allowed are {allowed}")
    width, height = found.width, found.height
    if refused := re.search(r"Picture size (\d+)x(\d+)", found.description):  # by the decoder, under the same limit
        width, height = int(refused.group(1)), int(refused.group(2))
    if min(width, height) < 1:
        raise MediaError("the video does not say how large its picture is")
    if max(width, height) > limits.max_side_px or width * height > limits.max_pixels:
        raise MediaError(
            f"the picture is {width} x {height}; allowed are {limits.max_side_px} pixels a side "
            f"and {limits.max_pixels} in all"
        )


def _refuse_length(info: VideoInfo, limits: Limits) -> None:
    if info.duration_s > limits.max_duration_s:
        raise MediaError(f"the video lasts {info.duration_s:.1f} s; allowed are {limits.max_duration_s:g} s")
    if info.frames > limits.max_frames:
        raise MediaError(f"the video has {info.frames} frames; allowed are {limits.max_frames}")
    if info.rate_fps > limits.max_rate_fps:
        raise MediaError(f"the video has {info.rate_fps:g} frames a second; allowed are {limits.max_rate_fps:g}")


def read_frames(
    path: Path, *, rate_hz: float, width: int, height: int, cancelled: Cancel | None = None
) -> Iterator[NDArray[np.uint8]]:
    """The picture at a rate and size of the caller's: ``round(duration_s * rate_hz)`` frames, at least one.

    Frame k, uint8 [height, width, 3] in RGB, is what is on the screen ``k / rate_hz`` seconds after the picture
    starts, upright. Frames are made as they are taken, so memory does not grow with the length of the video.

    Raises:
        MediaError: at the first frame, what :func:`probe` raises; later, when the picture cannot be decoded.
        Cancelled: ``cancelled``, asked before each frame and while waiting, said so.
    """
    info, found = _look(path, LIMITS)
    mapped = tone_mapping.filters(tone_mapping.of_picture(found.description), width, height)
    expected = max(1, round(info.duration_s * rate_hz))
    size = width * height * 3
    given = 0
    frame: NDArray[np.uint8] | None = None
    with Child(_reading(path, info, rate_hz, width, height, mapped), fence=_decoding(info), cancelled=cancelled) as child:
        while given < expected and len(data := child.read(size)) == size:
            frame = np.frombuffer(data, dtype=np.uint8).reshape(height, width, 3)
            given += 1
            yield frame
        if given < expected:
            child.finish()
    # The last frame stays on the screen for its length, of which ffmpeg's rate filter knows nothing.
    if frame is None or given < _shown_by(info, rate_hz):
        raise MediaError(f"the picture cannot be decoded beyond {given / rate_hz:.2f} s of {info.duration_s:.2f} s")
    for _ in range(expected - given):
        yield frame.copy()


def _shown_by(info: VideoInfo, rate_hz: float) -> int:
    """How many frames a decoder must give at the very least, leaving it a tenth to lose at the ends."""
    if info.variable_rate:
        return 1
    return math.floor(0.9 * (info.duration_s - 2 / info.rate_fps) * rate_hz)


def _reading(path: Path, info: VideoInfo, rate_hz: float, width: int, height: int, mapped: str | None) -> list[str]:
    clock = [] if info.container in containers.OWN_CLOCK else ["-copyts"]
    # round=up: a slot of the new rate shows the last frame that came before it, as a screen does.
    # settb, because setpts cuts its result to whole ticks, and the tick of an avi file is a frame.
    picking = (
        f"settb=AVTB,setpts=PTS-({info.start_s:.9f}+{_SLACK_S})/TB,fps={Fraction(rate_hz).limit_denominator(10**6)}"
    )
    picking += ":start_time=0:round=up"
    scaling = mapped or f"scale={width}:{height}:flags=area+accurate_rnd+bitexact"
    scaling = f"{animated_pictures.flattening(info.video_codec)}{scaling},setsar=1"
    first, second = (picking, scaling) if rate_hz <= info.rate_fps else (scaling, picking)
    arguments = ["-v", "error", *clock, "-i", url(path), "-map", "0:V:0"]
    return [*arguments, "-vf", f"{first},{second}", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]


def _decoding(info: VideoInfo) -> Fence:
    work_s = 60 + info.frames * info.width * info.height / _PIXELS_PER_CPU_S
    return Fence(cpu_s=math.ceil(work_s), wall_s=2 * work_s)


def thumbnail(path: Path, target: Path, at_s: float, width: int = 480) -> None:
    """Write the frame on the screen ``at_s`` seconds into the video as an image, kind by the suffix of ``target``.

    Raises:
        MediaError: what :func:`probe` raises, or the image cannot be written.
    """
    from PIL import Image

    info = probe(path)
    kind = Image.registered_extensions().get(target.suffix.lower())
    if kind is None:
        raise MediaError(f"the image ends in {target.suffix!r}; allowed are .jpg, .png, .webp and other kinds of image")
    reader = moviepy_reader()
    at_s = min(max(at_s, 0.0), max(info.duration_s - 1.5 / info.rate_fps, 0.0))
    size = (width, max(1, round(width * info.height / info.width)))
    try:
        video = reader.FFMPEG_VideoReader(
            url(path), decode_file=False, check_duration=False, target_resolution=size, resize_algo="area"
        )
        try:
            picture = Image.fromarray(video.get_frame(at_s))
        finally:
            video.close()
        with arriving(target) as part:
            picture.save(part, format=kind)
    except (OSError, UserWarning) as error:
        raise MediaError("no frame of the video can be shown as an image") from error


def remux(
    source: Path,
    sound: NDArray[np.float32],
    rate_hz: int,
    target: Path,
    *,
    existing: ExistingSound,
    metadata: Mapping[str, str] | None = None,
    cancelled: Cancel | None = None,
) -> tuple[str, ...]:
    """Write the picture of ``source``, bit for bit, with ``sound`` under it.

    The suffix of ``target`` names the container.
    The sound starts with the picture and is cut or filled with silence to its length. Sound that the source has is
    left out, kept as a second track copied bit for bit, or mixed in at its own loudness. ``target`` appears whole
    and checked, or not at all.

    Args:
        sound: float32 [N] in [-1, 1], one channel.
        metadata: tags to add to those of the source.

    Raises:
        MediaError: what :func:`probe` raises; ``target`` exists or cannot be written; its container cannot hold the
            picture or the sound that is to be kept.
        Cancelled: ``cancelled``, polled while ffmpeg works, said so.
    """
    info, found = _look(source, LIMITS)
    container = containers.for_target(target, info.video_codec)
    if container.muxer in ("matroska", "webm") and (found.hidden or info.start_s < 0):
        raise MediaError(
            f"the video hides frames before its start, which a {container.name} file cannot do; .mp4, .mov can"
        )
    fitted = audio.fit(sound, rate_hz, info.duration_s)
    if info.audio_codec is None:
        existing = ExistingSound.REPLACE
    arguments = containers.muxing(info, source, rate_hz, container, existing, metadata or {}, mono=found.mono, description=found.description)
    fence = Fence(
        cpu_s=600 + math.ceil(info.duration_s),
        wall_s=600 + info.bytes_ / 2_000_000,
        file_bytes=2 * info.bytes_ + 4 * fitted.nbytes + 64 * 1024**2,
    )
    with arriving(target, replace=False) as part:
        output = run(
            [*arguments, url(part), *packets.DIGEST_OUTPUT], fence=fence, feed=[fitted.data], cancelled=cancelled
        )
        if container.muxer in ("mp4", "mov"):
            box_transfer.transfer(source, found.description, part)
        if info.container in containers.SAME_BYTES and packets.digest_in(output.stdout) != packet_digest(part):
            raise MediaError("the picture could not be carried over unchanged, so no result was written")
        return losses(found.description, packets.listing(part, LIMITS).description, container.name)


def losses(before: str, after: str, container: str) -> tuple[str, ...]:
    """What a result lacks of what the source says of its picture and of itself, a sentence a kind.

    Args:
        before, after: ffmpeg's descriptions of source and result.
        container: name of the result's.

    Raises:
        MediaError: without what is lost the picture would be shown wrongly.
    """
    said = side_data.losses(side_data.of_picture(before), side_data.of_picture(after), container)
    return (*said, *tags.losses(tags.of_file(before), tags.of_file(after), container))


def write_frames(
    frames: Iterator[NDArray[np.uint8]],
    target: Path,
    *,
    rate_fps: float,
    sound: NDArray[np.float32] | None = None,
    sound_rate_hz: int = 48_000,
    cancelled: Cancel | None = None,
) -> None:
    """Code frames as h264 (yuv420p) into mp4, mov or mkv, with a sound if there is one; replaces ``target``.

    Args:
        frames: uint8 [H, W, 3] in RGB, all of one size; an odd height or width gains a black line.
        sound: float32 [N] in [-1, 1], one channel; cut or filled to the length of the picture.

    Raises:
        MediaError: there are no frames, they differ in size, or ``target`` cannot be written.
        Cancelled: ``cancelled``, polled while ffmpeg works, said so.
    """
    container = containers.for_target(target, "h264")
    first = next(frames, None)
    if first is None:
        raise MediaError("there are no frames to write")
    height, width = first.shape[:2]
    fence = Fence(cpu_s=36_000, wall_s=36_000, file_bytes=LIMITS.max_bytes)
    with arriving(target) as part:
        arguments = containers.coding(width, height, Fraction(rate_fps).limit_denominator(1001), container)
        run([*arguments, url(part)], fence=fence, feed=_same_size(first, frames), cancelled=cancelled)
        if sound is not None:
            voiced = part.with_name(f"{part.name}{target.suffix}")
            try:
                remux(part, sound, sound_rate_hz, voiced, existing=ExistingSound.REPLACE, cancelled=cancelled)
                voiced.replace(part)
            finally:
                voiced.unlink(missing_ok=True)


def _same_size(first: NDArray[np.uint8], others: Iterator[NDArray[np.uint8]]) -> Iterator[memoryview]:
    yield np.ascontiguousarray(first).data
    for frame in others:
        if frame.shape != first.shape or frame.dtype != np.uint8:
            raise MediaError(f"a frame is {frame.dtype} {frame.shape}; all must be uint8 {first.shape}")
        yield np.ascontiguousarray(frame).data
