#!/usr/bin/env bash
# Guess: what ffmpeg encodes into a wav without complaint, it reads again whole; MP3 and ADPCM in wav work.
# Truth: of AAC in a wav that it wrote itself a quarter of the sound or more is gone, with errors on stderr and exit
# status 0. ffmpeg n9.0.2 (imageio-ffmpeg 0.8.1), 2026-11-30. It matters to who lets users name codec and container
# apart, or trusts an exit status for what was decoded.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'imageio-ffmpeg==0.8.1' 'soundfile==0.14.0' 'numpy==2.4.6'
cd "$work"
cat >look.py <<'PYTHON'
import subprocess
from importlib.metadata import version

import imageio_ffmpeg
import numpy as np
import soundfile

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
print(subprocess.run([FFMPEG, "-version"], capture_output=True, text=True, check=True).stdout.splitlines()[0])
print("libsndfile", soundfile.__libsndfile_version__, "soundfile", version("soundfile"))

noise = 0.3 * np.random.default_rng(1).uniform(-1, 1, 96000)
soundfile.write("noise.wav", noise, 48000, subtype="PCM_16")


def ffmpeg(level, *arguments):
    return subprocess.run([FFMPEG, "-nostdin", "-v", level, "-y", *arguments], capture_output=True, text=True)


shares = {}
for codec in ("aac", "libmp3lame", "adpcm_ms"):
    wrote = ffmpeg("error", "-i", "noise.wav", "-c:a", codec, "coded.wav")
    read = ffmpeg("error", "-i", "coded.wav", "back.wav")
    shares[codec] = soundfile.info("back.wav").frames / 96000
    complaints, errors = len(wrote.stderr.splitlines()), len(read.stderr.splitlines())
    print(f"{codec}: written with status {wrote.returncode}, {complaints} lines of errors", end="; ")
    print(f"read with status {read.returncode}, {errors} lines of errors, {shares[codec]:.0%} of the sound")
    if wrote.returncode or read.returncode:
        raise SystemExit("changed: an exit status tells it now")
if shares["aac"] > 0.9 or min(shares["libmp3lame"], shares["adpcm_ms"]) < 1:
    raise SystemExit("changed: another share of the sound is read")
PYTHON
"$work/venv/bin/python" look.py
