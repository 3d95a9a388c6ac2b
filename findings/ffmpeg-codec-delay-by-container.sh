#!/usr/bin/env bash
# Guess: ffmpeg takes an encoder's delay off again when it reads what it wrote, whatever the container.
# Truth: it does in mp4, mov, Matroska, Ogg and bare mp3; out of MPEG-TS, FLV, AVI, ADTS and wav sound comes back late:
# AAC by 21 ms, MP3 by 23 ms, Opus in MPEG-TS by 6 ms. Opus in mp4 keeps the padding at its end, in Ogg and WebM not.
# ffmpeg n9.0.2 (imageio-ffmpeg 0.8.1), 2026-11-30. It matters to who measures sync, or trains on the sound of such
# files.
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

ONSET, LENGTH = 24000, 48590
sound = np.zeros(LENGTH)
sound[ONSET:] = 0.5 * np.random.default_rng(1).uniform(-1, 1, LENGTH - ONSET)
soundfile.write("sound.wav", sound, 48000, subtype="PCM_16")
EXPECTED = {  # codec, container: samples late, samples longer
    ("aac", "mp4"): (0, 0), ("aac", "mov"): (0, 0), ("aac", "mkv"): (0, 562), ("aac", "ts"): (1024, 1586),
    ("aac", "flv"): (1024, 1586), ("aac", "avi"): (1024, 1586), ("aac", "aac"): (1024, 1586),
    ("libmp3lame", "mp3"): (0, 0), ("libmp3lame", "mp4"): (0, 0), ("libmp3lame", "mkv"): (0, 0),
    ("libmp3lame", "avi"): (1105, 2098), ("libmp3lame", "wav"): (1105, 2098),
    ("libopus", "ogg"): (0, 0), ("libopus", "webm"): (0, 0), ("libopus", "mp4"): (0, 58), ("libopus", "ts"): (312, 370),
}
changed = False
for (codec, container), expected in EXPECTED.items():
    path = f"{codec}.{container}"
    for command in (["-i", "sound.wav", "-c:a", codec, path], ["-i", path, "back.wav"]):
        subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", *command], check=True)
    back, _ = soundfile.read("back.wav")
    late = int(np.fft.irfft(np.fft.rfft(back, 2**18) * np.conj(np.fft.rfft(sound, 2**18))).argmax())
    found = (late, len(back) - LENGTH)
    print(f"{codec} in {container}: {found[0]} samples late, {found[1]} longer")
    changed |= any(abs(one - other) > 2 for one, other in zip(found, expected, strict=True))
if changed:
    raise SystemExit("changed: other delays or lengths")
PYTHON
"$work/venv/bin/python" look.py
