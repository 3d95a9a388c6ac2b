"""Odd clips, each made once when a test first asks for it, all by the launcher under test.

Every clip shows 48 frames whose left edge of white stands at the frame's own number, so that :func:`numbers` can read
off which frame a reader gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media import audio, ffmpeg

FRAMES: Final = 48
RATE_FPS: Final = 24
WIDTH, HEIGHT = 64, 48
SOUND_HZ: Final = 48_000
KNOCK_S: Final = 0.25
FENCE: Final = ffmpeg.Fence(file_bytes=10**8, max_streams=1000, max_pixels=2**31 - 1)

X264: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "12", "-pix_fmt", "yuv420p")
VARIABLE: Final = ("-vf", "setpts='if(lt(N,24),N/24,1+(N-24)/8)/TB'", "-fps_mode", "passthrough")


def edges(count: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> Iterator[NDArray[np.uint8]]:
    for index in range(count):
        frame = np.zeros((height, width, 3), np.uint8)
        frame[:, index % width :] = 255
        yield frame


def numbers(frames: Iterable[NDArray[np.uint8]]) -> list[int]:
    """Which frame each of these is, read from frames of the size they were made in."""
    return [WIDTH - int((frame[HEIGHT // 2, :, 0] > 127).sum()) for frame in frames]


def knocks(duration_s: float = 2.0, rate_hz: int = SOUND_HZ) -> NDArray[np.float32]:
    """Silence, then from :data:`KNOCK_S` on a decaying tone every half second."""
    since_s = np.arange(round(duration_s * rate_hz)) / rate_hz - KNOCK_S
    tone = np.sin(2 * np.pi * 440 * since_s + 0.5) * np.exp(-20 * (since_s % 0.5)) * 0.5
    return np.where(since_s >= 0, tone, 0).astype(np.float32)


def knock_at_s(path: Path) -> tuple[float, float]:
    """When the first knock of a file's first sound is heard, on the clock of the file, and how long the sound lasts."""
    how = ("-map", "0:a:0", "-f", "framecrc", "pipe:1")
    listing = ffmpeg.run(["-v", "error", "-copyts", "-i", f"file:{path}", *how]).stdout.decode()
    first = next(line for line in listing.splitlines() if not line.startswith("#"))
    sound, rate_hz = audio.read(path)
    began = int(first.split(",")[2]) + int(np.flatnonzero(np.abs(sound) > 0.1)[0])
    return began / rate_hz, len(sound) / rate_hz


def shown(path: Path) -> tuple[list[float], list[str]]:
    """When each frame is shown, and a checksum of what it shows."""
    listing = ffmpeg.run(
        [
            *("-v", "error", "-copyts", "-i", f"file:{path}", "-map", "0:V:0"),
            *("-fps_mode", "passthrough", "-f", "framecrc", "pipe:1"),
        ]
    ).stdout.decode()
    tick = next(line for line in listing.splitlines() if line.startswith("#tb 0"))
    up, down = (int(part) for part in tick.split(": ")[1].split("/"))
    rows = [line.split(",") for line in listing.splitlines() if not line.startswith("#")]
    return [int(row[2]) * up / down for row in rows], [row[5] for row in rows]


def encode(
    target: Path, *options: str, count: int = FRAMES, size: tuple[int, int] = (WIDTH, HEIGHT), rate: str = "24"
) -> None:
    width, height = size
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-framerate", rate, "-i", "pipe:0")
    feed = (frame.data for frame in edges(count, width, height))
    ffmpeg.run(["-v", "error", *raw, *options, "-y", f"file:{target}"], fence=FENCE, feed=feed)


def copy(source: Path, target: Path, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> None:
    arguments = ["-v", "error", *before, "-i", f"file:{source}", "-map", "0", "-c", "copy", *after]
    ffmpeg.run([*arguments, "-y", f"file:{target}"], fence=FENCE)


@contextmanager
def refused_or_read() -> Iterator[None]:
    """What a damaged file may meet: it is read as far as it goes, or refused; ffmpeg does not break down over it."""
    refusal = ""
    try:
        yield
    except MediaError as error:
        refusal = str(error)
    assert "broke down" not in refusal


class Zoo:
    """The clips by name; the suffix names the container."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            MAKERS[name](self, path)
        return path


def _coded(*options: str, **more: object) -> Callable[[Zoo, Path], None]:
    return lambda _zoo, path: encode(path, *options, **more)  # type: ignore[arg-type]


def _copied(source: str, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Callable[[Zoo, Path], None]:
    return lambda zoo, path: copy(zoo[source], path, before, after)


def _voiced(source: str, codec: str, *before: str) -> Callable[[Zoo, Path], None]:
    def make(zoo: Zoo, path: Path) -> None:
        wav = path.with_suffix(".wav")
        audio.write(wav, knocks(), SOUND_HZ)
        inputs = (*before, "-i", f"file:{zoo[source]}", "-i", f"file:{wav}", "-map", "0:v", "-map", "1:a")
        how = ("-c:v", "copy", "-c:a", codec, "-copyts", "-y")
        ffmpeg.run(["-v", "error", *inputs, *how, f"file:{path}"], fence=FENCE)

    return make


def _bytes(make: Callable[[Zoo], bytes]) -> Callable[[Zoo, Path], None]:
    def write(zoo: Zoo, path: Path) -> None:
        path.write_bytes(make(zoo))

    return write


_PLAYLIST: Final = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
_HEVC: Final = ("-c:v", "libx265", "-x265-params", "log-level=none:pools=1", "-pix_fmt", "yuv420p")

MAKERS: Final[dict[str, Callable[[Zoo, Path], None]]] = {
    "plain.mp4": _coded(*X264),
    "plain.mov": _copied("plain.mp4"),
    "plain.mkv": _copied("plain.mp4"),
    "plain.ts": _copied("plain.mp4"),
    "plain.webm": _coded("-c:v", "libvpx", "-deadline", "realtime", "-pix_fmt", "yuv420p"),
    "mpeg4.avi": _coded("-c:v", "mpeg4"),
    "program.mpg": _coded("-c:v", "mpeg1video", "-bf", "2"),
    "voiced.mpg": _voiced("program.mpg", "mp2", "-fflags", "+genpts"),
    "hevc.mkv": _coded(*_HEVC),
    "prores.mov": _coded("-c:v", "prores"),
    "ntsc.mp4": _coded(*X264, rate="60000/1001"),
    "odd.mp4": _coded("-c:v", "libx264", "-pix_fmt", "yuv444p", size=(65, 49)),
    "variable.mp4": _coded(*VARIABLE, "-enc_time_base", "1/24000", *X264),
    "variable.mkv": _coded(*VARIABLE, "-enc_time_base", "1/1000", *X264),
    "turned.mp4": _copied("plain.mp4", ("-display_rotation:v:0", "90")),
    "edited.mp4": _copied("plain.mp4", ("-ss", "0.7")),
    "late.mp4": _copied("plain.mp4", ("-itsoffset", "0.7"), ("-copyts",)),
    "late.mkv": _copied("plain.mp4", ("-itsoffset", "0.7"), ("-copyts",)),
    "voiced.mp4": _voiced("plain.mp4", "aac"),
    "voiced.mkv": _voiced("plain.mp4", "flac"),
    "voiced.webm": _voiced("plain.webm", "libopus"),
    "late_voiced.mp4": _voiced("plain.mp4", "aac", "-itsoffset", "0.7"),
    # What must be refused:
    "empty.mp4": _bytes(lambda _: b""),
    "random.mp4": _bytes(lambda _: np.random.default_rng(0).bytes(50_000)),
    "text.mp4": _bytes(lambda _: b"Dear server, this is a letter.\n" * 99),
    "cut.mp4": _bytes(lambda zoo: zoo["plain.mp4"].read_bytes()[:-600]),
    "fast.mp4": _copied("plain.mp4", (), ("-movflags", "+faststart")),
    "cut_late.mp4": _bytes(lambda zoo: zoo["fast.mp4"].read_bytes()[:-600]),
    "cut.mkv": _bytes(lambda zoo: zoo["plain.mkv"].read_bytes()[:-600]),
    "image.png": _coded("-frames:v", "1", "-c:v", "png", "-f", "image2pipe"),
    "image.mp4": _bytes(lambda zoo: zoo["image.png"].read_bytes()),
    "sound.mp4": _copied("voiced.mp4", (), ("-map", "-0:v")),
    "zero.mp4": _copied("plain.mp4", (), ("-frames:v", "0")),
    "one.mp4": _coded(*X264, count=1),
    "huge.mp4": _coded("-vf", "scale=16384:8192", "-pix_fmt", "yuv420p", "-c:v", "mjpeg", "-q:v", "31", count=1),
    "streams.mp4": _copied("plain.mp4", (), ("-map", "0") * 199),
    "hours.mp4": _coded("-c:v", "mpeg4", "-vf", "setpts=PTS*20000", size=(16, 16)),
    "thousand.mp4": _coded("-c:v", "mpeg4", "-video_track_timescale", "16000", rate="1000"),
    "playlist.mp4": _bytes(lambda zoo: _PLAYLIST.format(f"file://{zoo['plain.ts']}").encode()),
    "concat.mp4": _bytes(lambda zoo: f"ffconcat version 1.0\nfile '{zoo['plain.mp4']}'\n".encode()),
    "magic.avi": _coded("-c:v", "magicyuv"),
    "reordered.avi": _coded("-c:v", "mpeg4", "-bf", "2"),
}
