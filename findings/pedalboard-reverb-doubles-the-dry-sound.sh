#!/usr/bin/env bash
# Guess: Reverb(wet_level=0, dry_level=1) is no effect at all, and a dry level of .5 is half of the sound.
# Truth: the levels are doubled inside: dry_level=1 is +6.02 dB and .5 is the unchanged sound. pedalboard 0.9.26,
# 2026-11-30. It matters to who mixes a room into finished sound: the full dry level goes far beyond full scale.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'pedalboard==0.9.26' 'numpy==2.4.6'
cd "$work"
cat >look.py <<'PYTHON'
from importlib.metadata import version

import numpy as np
import pedalboard

RATE_HZ = 48000
print("pedalboard", version("pedalboard"))
tone = (0.25 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE_HZ) / RATE_HZ)).astype(np.float32)
for dry_level, expected in ((1.0, 2.0), (0.5, 1.0), (0.25, 0.5)):
    out = pedalboard.Reverb(wet_level=0.0, dry_level=dry_level)(tone, RATE_HZ)
    ratio = float(np.abs(out[RATE_HZ:]).max() / np.abs(tone[RATE_HZ:]).max())
    print(f"wet 0, dry {dry_level}: {ratio:.3f} times the sound that went in")
    if abs(ratio - expected) > 0.01:
        raise SystemExit("changed: the dry level is scaled otherwise")
PYTHON
"$work/venv/bin/python" look.py
