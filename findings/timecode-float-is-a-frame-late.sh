#!/usr/bin/env bash
# Guess: Timecode('25', '00:00:01:00').float is 1.0 s, and the sum of two such timecodes is 00:00:02:00.
# Truth: frames count from one, and .float, .to_realtime() and + count that one in: 1.04 s, and 00:00:02:01. A timecode
# less itself is no zero but a ValueError. timecode 1.5.1, 2026-11-30. It matters to who turns an editor's markers into
# seconds: all sounds are a frame late, and spans that are added grow by a frame each.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'timecode==1.5.1'
cd "$work"
cat >look.py <<'PYTHON'
from importlib.metadata import version

from timecode import Timecode

print("timecode", version("timecode"))
one = Timecode("25", "00:00:01:00")
both = one + Timecode("25", "00:00:01:00")
print(f"{one}: frames {one.frames}, .float {one.float:.2f} s, .to_realtime() {one.to_realtime()}")
print(f"00:00:01:00 + 00:00:01:00 = {both}; + 25 frames = {one + 25}")
try:
    nothing = str(one - Timecode("25", "00:00:01:00"))
except ValueError as error:
    nothing = f"ValueError: {error}"
print(f"00:00:01:00 - 00:00:01:00: {nothing}")
if abs(one.float - 1.04) > 1e-6 or str(both) != "00:00:02:01" or not nothing.startswith("ValueError"):
    raise SystemExit("changed: it counts otherwise")
PYTHON
"$work/venv/bin/python" look.py
