"""mp4 and mov files with boxes that ffmpeg does not write, put in by hand as cameras and phones do."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.clips import encode

ENTRY: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_BEFORE_BOXES: Final = {b"stsd": 16, b"hvc1": 86, b"avc1": 86, b"dvh1": 86, b"vp09": 86, b"meta": 8}


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of these parts."""
    payload = b"".join(parts)
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def put_into(path: Path, target: Path, within: Sequence[bytes], inserted: bytes) -> None:
    """Copy a file whose movie box is its last, with bytes put at the end of a box in it."""
    data = path.read_bytes()
    start, end, parents = 0, len(data), []
    for kind in within:
        at = start
        while data[at + 4 : at + 8] != kind:
            at += int.from_bytes(data[at : at + 4], "big")
            assert at < end, kind
        parents.append(at)
        start, end = at + _BEFORE_BOXES.get(kind, 8), at + int.from_bytes(data[at : at + 4], "big")
    made = bytearray(data[:end] + inserted + data[end:])
    for parent in parents:
        longer = int.from_bytes(made[parent : parent + 4], "big") + len(inserted)
        made[parent : parent + 4] = struct.pack(">I", longer)
    target.write_bytes(bytes(made))


def hlg_clip(path: Path) -> Path:
    """A clip in HLG, 10 bit, as phones record it; its movie box is the last one."""
    colours = "log-level=none:pools=1:transfer=arib-std-b67:colorprim=bt2020:colormatrix=bt2020nc"
    encode(path, "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1", "-x265-params", colours)
    return path


def dolby_vision(profile: int, compatibility: int) -> bytes:
    """A Dolby Vision configuration of level 1, with metadata and base layer."""
    bits = profile << 9 | 1 << 3 | 0b101
    return box(b"dvcC" if profile < 8 else b"dvvC", struct.pack(">BBHB", 1, 0, bits, compatibility << 4), bytes(19))


def sphere(layout: int | None, yaw_deg: int = 0) -> bytes:
    """A 360-degree picture; ``layout`` of the eyes: 1 for top and bottom, 2 for side by side, ``None`` for one."""
    pose = struct.pack(">4x3i", yaw_deg << 16, 0, 0)
    projection = box(b"proj", box(b"prhd", pose), box(b"equi", bytes(20)))
    eyes = b"" if layout is None else box(b"st3d", bytes(4), bytes([layout]))
    return eyes + box(b"sv3d", box(b"svhd", bytes(4), b"a camera\0"), projection)


SPHERICAL_XML: Final = (
    b'<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    b'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/"><GSpherical:Spherical>true</GSpherical:Spherical>'
    b"<GSpherical:Stitched>true</GSpherical:Stitched><GSpherical:StitchingSoftware>a camera"
    b"</GSpherical:StitchingSoftware><GSpherical:ProjectionType>equirectangular"
    b"</GSpherical:ProjectionType></rdf:SphericalVideo>"
)


def sphere_of_version_1() -> bytes:
    """The older way to say that a picture is a sphere: XML in the track."""
    return box(b"uuid", bytes.fromhex("ffcc8263f8554a938814587a02521fdd"), SPHERICAL_XML)


def light_levels() -> bytes:
    """The display on which a film was graded (DCI-P3, 0.005 to 1000 cd/m2) and its greatest light levels."""
    display = struct.pack(">8H2I", 13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 50)
    return box(b"mdcv", display) + box(b"clli", struct.pack(">HH", 1000, 400))


def ambient_light() -> bytes:
    """A room lit with 314 lux of daylight (D65)."""
    return box(b"amve", struct.pack(">IHH", 3_140_000, 15635, 16450))


def quicktime_keys(values: dict[str, str]) -> bytes:
    """What a phone says of itself, in the movie box."""
    names = b"".join(box(b"mdta", name.encode()) for name in values)
    items = b"".join(
        box(struct.pack(">I", number), box(b"data", struct.pack(">II", 1, 0), value.encode()))
        for number, value in enumerate(values.values(), 1)
    )
    handler = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    return box(b"meta", handler, box(b"keys", struct.pack(">II", 0, len(values)), names), box(b"ilst", items))


def user_text(kind: bytes, text: str) -> bytes:
    """A text in user data, as QuickTime has it: length, language (undetermined), characters."""
    return box(kind, struct.pack(">HH", len(text.encode()), 0x55C4), text.encode())
