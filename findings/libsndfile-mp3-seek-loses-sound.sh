#!/usr/bin/env bash
# Guess: to seek in an mp3 and read gives the samples that a reading from the start gives for that place.
# Truth: behind a seek up to some thousand samples come out as silence or noise, as if the frames before the place had
# left nothing in the bit reservoir: clicks that stand 1,000 samples behind the place are gone. Length and status are
# fine. soundfile 0.14.0 with libsndfile 1.2.2, 2026-11-30. It matters to who cuts training windows out of mp3 files.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'soundfile==0.14.0' 'numpy==2.4.6'
cd "$work"
cat >look.py <<'PYTHON'
from importlib.metadata import version

import numpy as np
import soundfile

RATE_HZ = 44100
print("soundfile", version("soundfile"), "libsndfile", soundfile.__libsndfile_version__)
clicks = np.zeros(6 * RATE_HZ, np.float32)
for half_second in range(12):
    start = half_second * RATE_HZ // 2 + 1000
    clicks[start : start + 200] = 0.5 * np.hanning(200)
lost = {}
for name, options in (("mp3", {}), ("flac", {}), ("ogg", {"format": "OGG", "subtype": "VORBIS"})):
    soundfile.write(f"clicks.{name}", clicks, RATE_HZ, **options)
    whole, _ = soundfile.read(f"clicks.{name}")
    lost[name] = 0
    for second in range(1, 5):
        with soundfile.SoundFile(f"clicks.{name}") as file:
            file.seek(second * RATE_HZ)
            part = file.read(2000)
        there, read = np.abs(whole[second * RATE_HZ :][:2000]).max(), np.abs(part).max()
        lost[name] += bool(read < there / 4)
    print(f"{name}: read from the start, clicks up to {np.abs(whole).max():.2f}; {lost[name]} of 4 are lost behind a seek")
if lost["mp3"] < 3 or lost["flac"] or lost["ogg"]:
    raise SystemExit("changed: seeking behaves otherwise")
PYTHON
"$work/venv/bin/python" look.py
