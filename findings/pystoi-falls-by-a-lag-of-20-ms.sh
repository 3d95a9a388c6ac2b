#!/usr/bin/env bash
# Guess: STOI compares envelopes over segments of 0.38 s, so that a recording against itself some ms late scores near 1.
# Truth: 20 ms take speech-like sound from 1.00 to about .65, ESTOI to about .6; 40 ms to less than .4. pystoi aligns
# nothing (nor do the papers). pystoi 0.4.1, numpy 2.4.6, 2026-11-30. It matters wherever made speech is judged against a
# recording whose picture and sound were cut apart: align first, and say that you did.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'pystoi==0.4.1' 'numpy==2.4.6' 'scipy==1.17.1'
cat >"$work/late.py" <<'PYTHON'
import importlib.metadata
import sys

import numpy as np
from pystoi import stoi
from scipy.signal import butter, sosfilt

RATE = 10_000
rng = np.random.default_rng(0)
sound = np.zeros(6 * RATE)
for low_hz in (150, 300, 600, 1200, 2400):  # bands that come and go by themselves, a few times a second
    gate = sosfilt(butter(2, 4, fs=RATE, output="sos"), rng.normal(size=len(sound)))
    band = butter(4, (low_hz, 1.9 * low_hz), "bandpass", fs=RATE, output="sos")
    sound += np.maximum(gate / gate.std(), 0) ** 2 * sosfilt(band, rng.normal(size=len(sound)))
found = {}
for late_ms in (0, 5, 10, 20, 40):
    late = np.roll(sound, late_ms * RATE // 1000)
    found[late_ms] = [float(stoi(sound, late, RATE, extended=extended)) for extended in (False, True)]
    print(f"pystoi {importlib.metadata.version('pystoi')}: {late_ms:2d} ms late: STOI %.3f, ESTOI %.3f" % tuple(found[late_ms]))
sys.exit(not (min(found[0]) > 0.999 and 0.55 < found[20][0] < 0.85 and found[20][1] < 0.75 and found[40][0] < 0.6))
PYTHON
"$work/venv/bin/python" "$work/late.py" || { echo "changed: a lag of 20 ms costs something else now"; exit 1; }
