#!/usr/bin/env bash
# Guess: soundfile clips samples beyond full scale, as it does in every PCM file, FLAC and ALAC.
# Truth: in mu-law, A-law and the ADPCM codings they wrap round to the other sign, a loud crack at each peak, and
# nothing is said. soundfile 0.14.0 with libsndfile 1.2.2, 2026-11-30. It matters to who writes prompts or telephone
# sound from a mix whose peaks go a little over one.
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

RATE_HZ = 22050
print("soundfile", version("soundfile"), "libsndfile", soundfile.__libsndfile_version__)
tone = 1.2 * np.sin(2 * np.pi * 220 * np.arange(RATE_HZ) / RATE_HZ)
clipped = np.clip(tone, -1, 1)
for subtype in ("PCM_16", "PCM_24", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM"):
    soundfile.write("tone.wav", tone, RATE_HZ, subtype=subtype)
    off = np.abs(soundfile.read("tone.wav")[0][:RATE_HZ] - clipped).max()
    print(f"{subtype:9}: largest difference to the clipped tone {off:.3f}")
    if (off > 1.5) != (subtype not in ("PCM_16", "PCM_24")):
        raise SystemExit(f"changed: {subtype} treats samples beyond full scale otherwise")
PYTHON
"$work/venv/bin/python" look.py
