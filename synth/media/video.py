"""Pictures in and out: look at a video, read its frames, give it another sound without touching its picture.

Frames are read through a pipe from ffmpeg, scaled there by area averaging: for 10 s of 720p to 128 x 128 this took
0.9 s where moviepy's own reader took 1.3 s, and it goes by timestamps, so that videos of variable rate come out right.
moviepy reads the single frame of :func:`thumbnail`. Its way of merging sound and picture is not used: it names no
streams, and a video that has sound already would keep the old one.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media import containers, muxing
from synth.media.ffmpeg import Buffer, Cancel, Child, Fence, moviepy_reader, run
from synth.media.files import arriving, url
from synth.media.looking import SLACK_S, Look, look
from synth.media.looking import VideoInfo as VideoInfo
from synth.media.looking import probe as probe
from synth.media.packets import packet_digest as packet_digest
from synth.media.picture import animated_pictures, tone_mapping
from synth.media.picture.views import View, Views, largest_file_bytes
from synth.media.remuxing import PIXELS_PER_CPU_S
from synth.media.remuxing import remux as remux
from synth.media.shown import SAMPLING, decoding
from synth.options import LIMITS, ExistingSound

_RAW: Final = ("-pix_fmt", "rgb24", "-f", "rawvideo", "-y")
_LABEL: Final = re.compile(r"\[(\w+)\]")
_SAME: Final = 1 + 1e-9  # a rate that was rounded to a fraction is still the rate that it was


def read_frames(
    path: Path,
    *,
    rate_hz: float,
    width: int,
    height: int,
    lenient: bool = False,
    views: Views | None = None,
    cancelled: Cancel | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """The picture at a rate and size of the caller's: ``round(duration_s * rate_hz)`` frames, at least one.

    Frame k, uint8 [height, width, 3] in RGB, is what is on the screen ``k / rate_hz`` seconds after the picture
    starts, upright. Frames are made as they are taken, so memory does not grow with the length of the video.

    Args:
        lenient: whether a video is read that :func:`probe` takes with ``salvage`` or ``recut`` only, as far as it goes.
        views: what is kept of this clip: this view is taken from there, or else the others are left there.

    Raises:
        MediaError: at the first frame, what :func:`probe` raises; later, when the picture cannot be decoded.
        Cancelled: ``cancelled``, asked before each frame and while waiting, said so.
    """
    seen = look(path, salvage=lenient, recut=lenient)
    info = seen.info
    view = View.of(rate_hz, width, height)
    given = 0
    frame: NDArray[np.uint8] | None = None
    for data in _kept(views, view) or _decoded(path, seen, view, views, cancelled):
        frame = np.frombuffer(data, dtype=np.uint8).reshape(height, width, 3)
        given += 1
        yield frame
    # The last frame stays on the screen for its length, of which ffmpeg's rate filter knows nothing.
    if frame is None or given < _shown_by(info, rate_hz):
        raise MediaError(f"the picture cannot be decoded beyond {given / rate_hz:.2f} s of {info.duration_s:.2f} s")
    for _ in range(view.frames(info.duration_s) - given):
        yield frame.copy()


def _kept(views: Views | None, view: View) -> Iterator[Buffer] | None:
    """The frames of a view that an earlier reader left; None where there is none."""
    if views is None or view not in views.names:
        return None
    return _pieces(views.names[view], view.frame_bytes)


def _pieces(path: Path, size: int) -> Iterator[Buffer]:
    with path.open("rb") as file:
        while len(data := file.read(size)) == size:
            yield data


def _decoded(path: Path, seen: Look, view: View, views: Views | None, cancelled: Cancel | None) -> Iterator[Buffer]:
    """The frames of a view as the decoder gives them; the first reader leaves the other views behind."""
    info, expected, size = seen.info, view.frames(seen.info.duration_s), view.frame_bytes
    beside = views.begin(info) if views is not None and not views.begun else None
    arguments = ["-v", "error", *seen.found.clock.arguments(), "-i", url(path)]
    fence = _decoding(info)
    if views is not None and beside is not None:
        wanted = [(view, "pipe:1"), *((other, url(views.file(other))) for other in beside)]
        arguments += _showing_several(seen, wanted, url(views.listing))
        fence = replace(fence, file_bytes=largest_file_bytes(beside, info))
    else:
        arguments += _showing(seen, view)
    with Child(arguments, fence=fence, cancelled=cancelled) as child:
        given = 0
        while given < expected and len(data := child.read(size)) == size:
            given += 1
            yield data
        if given < expected:
            child.finish()
        elif views is not None and beside is not None:
            with contextlib.suppress(MediaError):  # this view is whole; the others are decoded by who asks for them
                child.finish()
                views.end(beside)


def _shown_by(info: VideoInfo, rate_hz: float) -> int:
    """How many frames a decoder must give at the very least, leaving it a tenth to lose at the ends."""
    if info.variable_rate:
        return 1
    return math.floor(0.9 * (info.duration_s - 2 / info.rate_fps) * rate_hz)


def _showing(seen: Look, view: View) -> list[str]:
    """The output arguments of a child that is to tell a view."""
    return ["-map", seen.found.selector, "-vf", _filters(seen, view), *_RAW, "pipe:1"]


def _showing_several(seen: Look, wanted: Sequence[tuple[View, str]], listing: str) -> list[str]:
    """The output arguments of a child that is to write views, and to list the frames that are shown.

    All come out of one filter graph: ffmpeg 9.0.2 was seen to wait for itself for ever between several.
    """
    chains = [*(_filters(seen, view) for view, _ in wanted), SAMPLING]
    graph = [f"[{seen.found.selector}]split={len(chains)}" + "".join(f"[in{k}]" for k in range(len(chains)))]
    for number, chain in enumerate(chains):
        own = _LABEL.sub(rf"[\g<1>{number}]", chain)  # a chain may have labels inside, the same in each
        graph.append(f"[in{number}]{own}[out{number}]")
    # Scaling down by area is too little work to be shared among threads.
    arguments = ["-filter_complex_threads", "1", "-filter_complex", ";".join(graph)]
    for number, (_, target) in enumerate(wanted):
        arguments += ["-map", f"[out{number}]", *_RAW, target]
    return [*arguments, *decoding(f"[out{len(wanted)}]", listing, sampled=True)]


def _filters(seen: Look, view: View) -> str:
    """The filters that make a view of a picture."""
    info = seen.info
    # round=up: a slot of the new rate shows the last frame that came before it, as a screen does.
    # settb, because setpts cuts its result to whole ticks, and the tick of an avi file is a frame.
    picking = f"settb=AVTB,setpts=PTS-({info.start_s:.9f}+{SLACK_S})/TB,fps={view.rate}:start_time=0:round=up"
    width, height = view.width, view.height
    scaling = _mapped(seen, width, height) or f"scale={width}:{height}:flags=area+accurate_rnd+bitexact"
    scaling = f"{animated_pictures.flattening(info.video_codec)}{scaling},setsar=1"
    first, second = (picking, scaling) if view.rate <= info.rate_fps * _SAME else (scaling, picking)
    return f"{first},{second}"


def _mapped(seen: Look, width: int, height: int) -> str | None:
    """The filters that scale an HDR picture and bring it to ordinary light; ``None`` where it is no HDR."""
    colours = tone_mapping.of_picture(seen.found.description, seen.found.stream.index)
    return tone_mapping.filters(colours, width, height)


def _decoding(info: VideoInfo) -> Fence:
    work_s = 60 + info.frames * info.width * info.height / PIXELS_PER_CPU_S
    return Fence(cpu_s=math.ceil(work_s), wall_s=2 * work_s)


def thumbnail(path: Path, target: Path, at_s: float, width: int = 480) -> None:
    """Write the frame on the screen ``at_s`` seconds into the video as an image, kind by the suffix of ``target``.

    Raises:
        MediaError: what :func:`probe` raises with ``salvage`` and ``recut``, or the image cannot be written.
    """
    from PIL import Image

    seen = look(path, salvage=True, recut=True)
    info = seen.info
    kind = Image.registered_extensions().get(target.suffix.lower())
    if kind is None:
        raise MediaError(f"the image ends in {target.suffix!r}; allowed are .jpg, .png, .webp and other kinds of image")
    at_s = min(max(at_s, 0.0), max(info.duration_s - 1.5 / info.rate_fps, 0.0))
    size = (width, max(1, round(width * info.height / info.width)))
    try:
        picture = Image.fromarray(_frame_at(path, seen, at_s, size))
        with arriving(target) as part:
            picture.save(part, format=kind)
    except (OSError, UserWarning) as error:
        raise MediaError("no frame of the video can be shown as an image") from error


def _frame_at(path: Path, seen: Look, at_s: float, size: tuple[int, int]) -> NDArray[np.uint8]:
    """One frame, uint8 [height, width, 3]; by moviepy, which finds it quickly, where the file is an ordinary one."""
    width, height = size
    if not is_sought(seen):
        return _decoded_at(path, seen, at_s, width, height)
    video = moviepy_reader().FFMPEG_VideoReader(
        url(path), decode_file=False, check_duration=False, target_resolution=size, resize_algo="area"
    )
    try:
        return np.asarray(video.get_frame(at_s), dtype=np.uint8)
    finally:
        video.close()


def is_sought(seen: Look) -> bool:
    """Whether a frame of a video is the one that is found by seeking, in the colours in which it is decoded.

    Else it is one of several pictures, damaged, animated or HDR, and only :func:`read_frames` and
    :func:`thumbnail` know how it is shown.
    """
    own = _mapped(seen, 1, 1) is not None or animated_pictures.is_one(seen.info.video_codec)
    return not (own or seen.found.others or seen.joined or seen.found.cut_short)


def _decoded_at(path: Path, seen: Look, at_s: float, width: int, height: int) -> NDArray[np.uint8]:
    """The frame on the screen at a moment, as :func:`read_frames` would give it."""
    # At such a rate it is the second frame; the first one is that of the start.
    rate_hz = 1 / max(at_s, SLACK_S)
    view = View.of(rate_hz, width, height)
    arguments = ["-v", "error", *seen.found.clock.arguments(), "-i", url(path), *_showing(seen, view)]
    with Child(arguments, fence=_decoding(seen.info)) as child:
        first = child.read(size := view.frame_bytes)
        found = child.read(size) if at_s >= SLACK_S else first
    shown = found if len(found) == size else first
    if len(shown) < size:
        raise MediaError("no frame of the video can be shown as an image")
    return np.frombuffer(bytes(shown), np.uint8).reshape(height, width, 3)


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
        arguments = muxing.coding(width, height, Fraction(rate_fps).limit_denominator(1001), container)
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
