#!/usr/bin/env bash
# Guess: a lossless coding in a container that takes it gives back every sample: ALAC does in m4a, FLAC does in caf.
# Truth: of ALAC in a caf that it wrote, ffmpeg never reads the last packet: one second of 48 kHz comes back as 46,848
# samples, with exit status 0 and no word. ffmpeg n9.0.2 (imageio-ffmpeg 0.8.1), 2026-11-30. It matters to who keeps
# stems as caf for Apple's editors: the end is cut by up to 85 ms.
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

tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
soundfile.write("tone.wav", tone, 48000, subtype="PCM_16")
counts = {}
for coding, name in (("alac", "tone.m4a"), ("flac", "flac.caf"), ("alac", "alac.caf")):
    for command in (["-i", "tone.wav", "-c:a", coding, name], ["-i", name, "back.wav"]):
        ran = subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", *command], capture_output=True, text=True)
        if ran.returncode or ran.stderr:
            raise SystemExit(f"changed: ffmpeg says something now: {ran.stderr}")
    counts[name] = soundfile.info("back.wav").frames
    print(f"{coding} in {name}: {counts[name]} of 48000 samples come back")
if counts != {"tone.m4a": 48000, "flac.caf": 48000, "alac.caf": 46848}:
    raise SystemExit("changed: another number of samples")
PYTHON
"$work/venv/bin/python" look.py
