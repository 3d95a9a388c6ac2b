#!/usr/bin/env bash
# Guess: to_timecode() of a rate that has no SMPTE timecode is an error, as it is at 15 or 100 frames a second.
# Truth: rates from 29 to 29.9 are taken for 29.97 with dropped frames, 24.5 for 24, 50.5 for 50: 1800 frames at 29 a
# second last 62.07 s, and their timecode says 00:01:00;02. OpenTimelineIO 0.18.1, 2026-11-30. It matters with the mean
# rates of phone films (29.4, 29.8): markers drift by up to a second each half minute, and nobody is told.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'OpenTimelineIO==0.18.1'
cd "$work"
cat >look.py <<'PYTHON'
from importlib.metadata import version

from opentimelineio.opentime import RationalTime, from_timecode, to_timecode

print("OpenTimelineIO", version("OpenTimelineIO"))
said = {}
for rate in (29.0, 29.5, 29.97, 24.5, 50.5, 15.0, 100.0):
    moment = RationalTime(1800, rate)
    try:
        said[rate] = to_timecode(moment)
    except ValueError as error:
        said[rate] = f"ValueError: {error}"
    print(f"1800 frames at {rate} = {moment.to_seconds():.2f} s: {said[rate]}")
back = from_timecode(said[29.0], 30000 / 1001)
print(f"and {said[29.0]} is {back.to_seconds():.2f} s")
if len({said[29.0], said[29.5], said[29.97]}) != 1 or not said[15.0].startswith("ValueError"):
    raise SystemExit("changed: rates are treated otherwise")
PYTHON
"$work/venv/bin/python" look.py
