#!/usr/bin/env bash
# Guess: a limiter leaves alone what is below its threshold; with the threshold at 0 dB a tone of -40 dBFS passes as it
# is.
# Truth: its make-up gain is always on: 3.75 dB and one more for each dB of the threshold, so -40 dBFS comes out at
# -36.3 with the threshold at 0 dB, and at -16.3 dBFS with -20 dB. pedalboard 0.9.26, 2026-11-30. It matters to who
# brings sound to a loudness and lets the limiter catch the peaks: the loudness is another one afterwards.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'pedalboard==0.9.26' 'numpy==2.4.6'
cd "$work"
cat >look.py <<'PYTHON'
import math
from importlib.metadata import version

import numpy as np
import pedalboard

RATE_HZ = 48000
print("pedalboard", version("pedalboard"))
moment_s = np.arange(2 * RATE_HZ) / RATE_HZ
tone = (10 ** (-40 / 20) * np.sin(2 * np.pi * 440 * moment_s)).astype(np.float32)
for threshold_db, expected_db in ((0, 3.75), (-1, 4.75), (-6, 9.75), (-20, 23.75)):
    limited = pedalboard.Limiter(threshold_db=threshold_db)(tone, RATE_HZ)
    peak_db = 20 * math.log10(np.abs(limited[RATE_HZ:]).max())
    print(f"threshold {threshold_db:3d} dB: in -40.00 dBFS, out {peak_db:.2f} dBFS")
    if abs(peak_db + 40 - expected_db) > 0.05:
        raise SystemExit("changed: another make-up gain")
PYTHON
"$work/venv/bin/python" look.py
