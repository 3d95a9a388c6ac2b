"""Files as cameras, phones and recorders really make them: by ffmpeg where it can, by hand where it cannot."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from synth.media import ffmpeg

RATE_FPS: Final = 30
TICKS: Final = 15360  # a second of the picture tracks that ffmpeg writes at this rate
PACKET_BYTES: Final = 188  # of a transport stream
PICTURE_PID: Final = 256
X264: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "15", "-pix_fmt", "yuv420p")
_NESTED: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")


def ff(*arguments: str | Path) -> None:
    """Run the ffmpeg that moviepy's packaging brings, without any fence: it makes what the fence is tried with."""
    command = [ffmpeg.binary(), "-nostdin", "-v", "error", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def film(duration_s: float, rate_fps: float = RATE_FPS, size: str = "64x48") -> tuple[str, ...]:
    """An input that counts frames in the picture, each different from all others."""
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate_fps}:d={duration_s}")


def tone(duration_s: float, pitch_hz: int = 440) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=f={pitch_hz}:d={duration_s}:r=48000")


def plain(path: Path, duration_s: float = 3.0) -> Path:
    """A film with B-frames and without sound."""
    ff(*film(duration_s), *X264, "-y", path)
    return path


def many_tracks(path: Path, tracks: int) -> Path:
    """A film of 90 frames and so many tracks in all; those beside it are sound."""
    maps = [part for _ in range(tracks - 1) for part in ("-map", "1")]
    ff(*film(3), *tone(3), "-map", "0", *maps, *X264, "-c:a", "aac", "-y", path)
    return path


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and size of each box, and of the boxes in it."""
    while start < end:
        size, kind = struct.unpack(">I4s", data[start : start + 8])
        yield kind, start, size
        if kind in _NESTED:
            yield from boxes(data, start + 8, start + size)
        start += size


def edited(source: Path, path: Path, parts: Sequence[tuple[float, float]]) -> Path:
    """The same mp4 with another edit list: parts of it, from where to where, in seconds of the film."""
    data = source.read_bytes()
    entries = [(round((end - begin) * 1000), 1024 + round(begin * TICKS)) for begin, end in parts]
    table = b"".join(struct.pack(">IiI", lasts, begins, 0x10000) for lasts, begins in entries)
    elst = _box(b"elst", struct.pack(">II", 0, len(entries)) + table)

    def rebuilt(start: int, end: int) -> bytes:
        out = b""
        while start < end:
            size, kind = struct.unpack(">I4s", data[start : start + 8])
            inside = data[start + 8 : start + size]
            if kind in (b"moov", b"trak"):
                inside = rebuilt(start + 8, start + size)
            elif kind == b"edts":
                inside = elst
            out += _box(kind, inside)
            start += size
        return out

    assert data.rindex(b"moov") > data.index(b"mdat")  # so that no offset into the data changes
    path.write_bytes(rebuilt(0, len(data)))
    return path


def _box(kind: bytes, inside: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(inside), kind) + inside


def fragmented(path: Path, duration_s: float = 3.0, begins_s: int = 0) -> Path:
    """A live recording in fragments, with sound, whose clock stands at ``begins_s`` when it begins."""
    flags = "+frag_keyframe+empty_moov+default_base_moof"
    ff(*film(duration_s), *tone(duration_s), *X264, "-c:a", "aac", "-movflags", flags, "-y", path)
    data = bytearray(path.read_bytes())
    track = 0
    for kind, start, _ in list(boxes(bytes(data), 0, len(data))):
        if kind == b"tfhd":
            (track,) = struct.unpack(">I", data[start + 12 : start + 16])
        elif kind == b"tfdt":
            assert data[start + 8] == 1  # 64 bit
            (begins,) = struct.unpack(">Q", data[start + 12 : start + 20])
            later = begins + begins_s * {1: TICKS, 2: 48000}[track]
            data[start + 12 : start + 20] = struct.pack(">Q", later)
    path.write_bytes(data)
    return path


def browser_recording(path: Path, duration_s: float = 3.0, begins_s: int = 0) -> Path:
    """What a browser records: WebM written as it came, without cues or a stated length."""
    coders = ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-live", "1")
    ff(*film(duration_s), *tone(duration_s), *coders, "-output_ts_offset", str(begins_s), "-y", path)
    return path


def broken_off(source: Path, path: Path, share: float) -> Path:
    """The beginning of a file."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def broadcast(path: Path, coding: str = "mpeg2video", duration_s: float = 3.0, sound: bool = True) -> Path:
    """A recording of 25 frames a second as television and DVD have it; the suffix says which."""
    heard = (*tone(duration_s), "-c:a", "mp2") if sound else ()
    kind = ("-f", "dvd") if path.suffix == ".vob" else ()
    how = ("-c:v", coding, "-bf", "2", "-g", "12", *(("-preset", "veryfast") if coding == "libx264" else ()))
    ff(*film(duration_s, 25, "320x240"), *heard, *how, "-pix_fmt", "yuv420p", *kind, "-y", path)
    return path


def joined(source: Path, path: Path, times: int = 2) -> Path:
    """The same file several times in one, as ``cat`` joins recordings; the clock begins again each time."""
    path.write_bytes(source.read_bytes() * times)
    return path


def without_packets(source: Path, path: Path, count: int = 1) -> Path:
    """A transport stream that lost so many packets in the middle of its picture."""
    data = source.read_bytes()
    packets = [data[at : at + PACKET_BYTES] for at in range(0, len(data), PACKET_BYTES)]
    pictures = [n for n, packet in enumerate(packets) if (packet[1] & 0x1F) << 8 | packet[2] == PICTURE_PID]
    middle = len(pictures) // 2
    lost = set(pictures[middle : middle + count])
    path.write_bytes(b"".join(packet for number, packet in enumerate(packets) if number not in lost))
    return path


def transparent(path: Path, coder: str = "libvpx-vp9") -> Path:
    """A film that is more and more opaque from left to right."""
    source = "testsrc2=s=64x48:r=30:d=1,format=yuva420p,geq=lum='lum(X,Y)':a='X*4'"
    ff("-f", "lavfi", "-i", source, "-c:v", coder, "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-y", path)
    return path


def with_a_still(path: Path, default: int = 1) -> Path:
    """A picture of one frame as track 0, not marked as a cover, and the film as track 1."""
    marks = ("-disposition:v:0", "default" if default == 0 else "0", "-disposition:v:1", "default" if default else "0")
    still = ("-f", "lavfi", "-i", "testsrc2=s=640x480:r=1:d=1")
    ff(*still, *film(3), "-map", "0", "-map", "1", "-c:v:0", "mjpeg", *_first(X264), *marks, "-y", path)
    return path


def _first(options: Sequence[str]) -> list[str]:
    """Options for the picture as options for the second one."""
    return [f"{part}:1" if part in ("-c:v",) else f"{part}:v:1" if part.startswith("-") else part for part in options]


def with_unknown_sound(path: Path, tag: bytes = b"apac") -> Path:
    """A phone's file: sound that everybody knows, and a spatial track in a coding that ffmpeg does not know."""
    ff(*film(3), *tone(3), *tone(3, 880), "-map", "0", "-map", "1", "-map", "2", *X264, "-c:a", "aac", "-y", path)
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"mp4a")
    data[entry : entry + 4] = tag
    header = data.index(b"esds", entry)  # which would tell what is in it
    data[header : header + 4] = b"dapa"
    path.write_bytes(data)
    return path


def with_everything(path: Path, folder: Path) -> Path:
    """Two sounds, subtitles, a cover, and in mkv an attached file."""
    subtitles, cover = folder / "subtitles.srt", folder / "cover.jpg"
    subtitles.write_text("1\n00:00:00,500 --> 00:00:01,500\nhello\n")
    ff("-f", "lavfi", "-i", "testsrc2=s=32x32:d=1", "-frames:v", "1", "-y", cover)
    inputs = (*film(3), *tone(3), *tone(3, 880), "-i", str(subtitles))
    maps = ("-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:a", "aac")
    if path.suffix == ".mkv":
        attached = ("-attach", str(cover), "-metadata:s:t:0", "mimetype=image/jpeg")
        ff(*inputs, *maps, *X264, "-c:s", "srt", *attached, "-attach", str(subtitles), *_mime(1), "-y", path)
        return path
    covered = ("-map", "4", "-c:v:1", "copy", "-disposition:v:1", "attached_pic")
    first = ["-c:v:0" if part == "-c:v" else part for part in X264]
    ff(*inputs, "-i", cover, *maps, *first, "-c:s", "mov_text", *covered, "-y", path)
    return path


def _mime(number: int) -> tuple[str, str]:
    return (f"-metadata:s:t:{number}", "mimetype=text/plain")


def with_telemetry(path: Path, folder: Path) -> Path:
    """An action camera's mp4: a film and a data track ``gpmd``, made of subtitles whose names are changed by hand."""
    subtitles = folder / "telemetry.srt"
    subtitles.write_text("1\n00:00:00,100 --> 00:00:02,500\nDEVC telemetry\n")
    ff(*film(3), "-i", subtitles, "-map", "0", "-map", "1", *X264, "-c:s", "mov_text", "-y", path)
    data = bytearray(path.read_bytes())
    for old, new in ((b"tx3g", b"gpmd"), (b"sbtl", b"meta"), (b"text", b"meta")):
        at = data.find(old, data.rindex(b"moov"))
        if at >= 0:
            data[at : at + 4] = new
    path.write_bytes(data)
    return path
