"""GIF, animated WebP and APNG: silent clips whose coding no container of film and sound holds, so they are coded anew.

In mp4 and mov as h264 at a quality at which nobody sees a difference, with colours at half the resolution, because
players show nothing else; in Matroska as FFV1, which loses nothing. Each frame stays on the screen as long as it did.
"""

from __future__ import annotations

from typing import Final

CODINGS: Final = ("gif", "apng", "webp_anim")
"""ffmpeg's names of these codings; the demuxers are called the same."""
SUFFIXES: Final = (".gif", ".webp", ".png", ".apng")
"""How names of such files end."""
WHY: Final = "no container of film and sound holds an animated picture as it is, so it was coded anew"
TICK_S: Final = "1/1000"
_LOSSLESS: Final = ("-c:v:0", "ffv1", "-level:v:0", "3", "-pix_fmt:v:0", "bgr0", "-flags:v:0", "+bitexact")
_NEAR_LOSSLESS: Final = (
    *("-c:v:0", "libx264", "-preset:v:0", "medium", "-crf:v:0", "6", "-bf:v:0", "0", "-pix_fmt:v:0", "yuv420p"),
    *("-flags:v:0", "+bitexact"),
)
_BT709: Final = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")

ON_WHITE: Final = "format=rgba,split[front][back];[back]drawbox=color=white:t=fill:replace=1[white];"
"""The filters before the last one, which lays the picture over white, as a page shows it; see :func:`flattening`."""


def is_one(video_codec: str) -> bool:
    """Whether a coding is that of an animated picture."""
    return video_codec in CODINGS


def flattening(video_codec: str) -> str:
    """Filters, with a comma after them, that take the transparency out of such a picture; empty for any other."""
    return f"{ON_WHITE}[white][front]overlay=format=gbrp," if video_codec in CODINGS else ""


def coding(video_codec: str, width: int, height: int, container: str) -> list[str]:
    """ffmpeg's arguments that code such a picture for a container; none for a picture that is copied.

    An odd width or height, which players of h264 do not take, gains a line that repeats the last one.
    """
    if video_codec not in CODINGS:
        return []
    timing = ["-fps_mode:v:0", "passthrough", "-enc_time_base:v:0", TICK_S]
    if container == "mkv":
        return ["-filter:v:0", flattening(video_codec).removesuffix(","), *_LOSSLESS, *timing]
    filters = flattening(video_codec)
    if width % 2 or height % 2:
        filters += f"pad={width + width % 2}:{height + height % 2},"
        filters += f"fillborders=right={width % 2}:bottom={height % 2}:mode=smear,"
    filters += "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p"
    return ["-filter:v:0", filters, *_NEAR_LOSSLESS, *_BT709, *timing, "-video_track_timescale", "1000"]
