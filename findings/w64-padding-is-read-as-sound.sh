#!/usr/bin/env bash
# Guess: a W64 file gives back as many samples as were written into it.
# Truth: ffmpeg pads the data chunk to eight bytes and counts the padding into the chunk's length, so that 1001 mono
# samples of 16 bits are 1004 for ffmpeg and for libsndfile, whose own files are right for both. ffmpeg n9.0.2
# (imageio-ffmpeg 0.8.1), libsndfile 1.2.2, 2026-11-30. It matters to who counts samples against pictures, or joins
# pieces end to end.
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


def ffmpeg(*arguments):
    subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", *arguments], check=True)


def frames(path):
    ffmpeg("-i", path, "read.wav")
    return soundfile.info("read.wav").frames, soundfile.info(path).frames


for written in (1000, 1001, 1002, 1003):
    soundfile.write("source.wav", np.zeros(written), 48000, subtype="PCM_16")
    ffmpeg("-i", "source.wav", "-c:a", "pcm_s16le", "ffmpeg.w64")
    soundfile.write("libsndfile.w64", np.zeros(written), 48000, format="W64", subtype="PCM_16")
    of_ffmpeg, of_libsndfile = frames("ffmpeg.w64"), frames("libsndfile.w64")
    print(f"{written} written: ffmpeg's file has {of_ffmpeg}, libsndfile's {of_libsndfile} (read by ffmpeg, by libsndfile)")
    if of_ffmpeg != (-(-written // 4) * 4,) * 2 or of_libsndfile != (written,) * 2:
        raise SystemExit("changed: the padding is counted otherwise")
PYTHON
"$work/venv/bin/python" look.py
