"""One picture of a clip for lists, by ffmpeg alone: the web makes it when a clip arrives and loads nothing for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from synth.errors import MediaError
from synth.media import ffmpeg
from synth.media.files import url
from synth.media.looking import VideoInfo

WIDTH_PX: Final = 480
WALL_S: Final = 10.0
_QUALITY: Final = "5"  # of mjpeg's 2 to 31: a picture of that width is about 20 kB


def of(path: Path, info: VideoInfo) -> bytes:
    """A frame from the first third of a video as the bytes of a JPEG, 480 pixels wide.

    Raises:
        MediaError: no frame of it can be shown.
    """
    height = max(2, round(WIDTH_PX * info.height / info.width))
    for at_s in (info.duration_s / 3, 0.0):  # where the times of a file are odd, there may be nothing at the first
        arguments = ["-ss", f"{at_s:.3f}", "-i", url(path), "-map", "0:v:0", "-frames:v", "1"]
        arguments += ["-vf", f"scale={WIDTH_PX}:{height}", "-q:v", _QUALITY, "-f", "mjpeg", "pipe:1"]
        try:
            picture = ffmpeg.run(arguments, fence=ffmpeg.Fence(wall_s=WALL_S)).stdout
        except MediaError:
            continue
        if picture:
            return picture
    raise MediaError("no frame of the video can be shown as an image")
