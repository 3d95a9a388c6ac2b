#!/bin/sh
# Guess: `ffmpeg -c copy -strict unofficial` keeps what mp4 and mov say of a picture.
# Truth (ffmpeg 9.0.2 of imageio-ffmpeg 0.8.1, 2026-11-30): a Dolby Vision configuration is written into mp4 but not into
# mov, without a word; and a top-and-bottom 360-degree mp4 gains a `vexu` box, by which ffmpeg reads its own copy's layout
# as "unspecified". It matters to whoever passes phones' and 360-degree clips on: compare the side data, or lose it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q imageio-ffmpeg==0.8.1
cat > try.py <<'PY'
import re
import struct
import subprocess
import sys

import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def ffmpeg(*arguments):
    return subprocess.run([FFMPEG, "-hide_banner", "-y", *arguments], capture_output=True, text=True).stderr


def box(kind, *parts):
    payload = b"".join(parts)
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def with_box(source, target, inserted):
    """Put a box at the end of the picture's sample entry; the movie box is the file's last."""
    data, start, parents = open(source, "rb").read(), 0, []
    for kind, before in ((b"moov", 8), (b"trak", 8), (b"mdia", 8), (b"minf", 8), (b"stbl", 8), (b"stsd", 16), (b"hvc1", 86)):
        while data[start + 4 : start + 8] != kind:
            start += int.from_bytes(data[start : start + 4], "big")
        parents.append(start)
        end, start = start + int.from_bytes(data[start : start + 4], "big"), start + before
    made = bytearray(data[:end] + inserted + data[end:])
    for at in parents:
        made[at : at + 4] = struct.pack(">I", int.from_bytes(made[at : at + 4], "big") + len(inserted))
    open(target, "wb").write(made)


def said(path, what):
    found = re.search(rf"^ +{what}: (.*)$", ffmpeg("-i", path), re.MULTILINE)
    return found[1] if found else None


print(subprocess.run([FFMPEG, "-version"], capture_output=True, text=True).stdout.splitlines()[0])
ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:d=1", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1", "plain.mp4")
with_box("plain.mp4", "dolby.mp4", box(b"dvvC", struct.pack(">BBHB", 1, 0, 8 << 9 | 1 << 3 | 5, 4 << 4), bytes(19)))
sphere = box(b"sv3d", box(b"svhd", bytes(4), b"x\0"), box(b"proj", box(b"prhd", bytes(16)), box(b"equi", bytes(20))))
with_box("plain.mp4", "sphere.mp4", box(b"st3d", bytes(4), b"\1") + sphere)
found = {}
for source, what in (("dolby.mp4", "DOVI configuration record"), ("sphere.mp4", "Stereo 3D")):
    print(f"{source}: {said(source, what)}")
    for target in ("copy.mp4", "copy.mov"):
        complaints = ffmpeg("-v", "warning", "-i", source, "-c", "copy", "-strict", "unofficial", target).strip()
        found[source, target] = said(target, what)
        print(f"  {target}: {found[source, target]}   (said: {complaints or 'nothing'})")
as_found = (
    "profile: 8" in (found["dolby.mp4", "copy.mp4"] or "")
    and found["dolby.mp4", "copy.mov"] is None
    and (found["sphere.mp4", "copy.mp4"] or "").startswith("unspecified")
)
sys.exit(0 if as_found else 1)
PY
venv/bin/python try.py
