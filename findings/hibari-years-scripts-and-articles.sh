#!/usr/bin/env bash
# Guess: a text-to-speech package says numbers as amounts where they count something, a lone letter by its name, and
# that it cannot speak a script.
# Truth: '1984 people' is spoken as a year, 'A' as the article in a spelling too, Chinese gives an empty array and no
# error, Cyrillic is spoken as names of the Latin letters that look alike. hibari-tts 0.2.1, 2026-11-30. It matters to
# who lays typed words on lips: some words get no time at all, others are not what stands in the script.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'hibari-tts==0.2.1' 'numpy==2.4.6' 'onnxruntime==1.32.0'
cd "$work"
cat >look.py <<'PYTHON'
from importlib.metadata import version

from hibari import Hibari

print("hibari-tts", version("hibari-tts"))
tts = Hibari()
said = {text: (" ".join(tts.phonemize(text)), len(tts(text, seed=1))) for text in (
    "1984 people", "in 1984", "A B C", "a cat", "\u4f60\u597d", "\u043f\u0440\u0438\u0432\u0435\u0442",
)}
for text, (phonemes, samples) in said.items():
    print(f"{text!r}: {phonemes!r}, {samples / tts.sample_rate:.2f} s")
if said["1984 people"][0].split()[:3] != said["in 1984"][0].split()[1:] or said["\u4f60\u597d"][1]:
    raise SystemExit("changed: it reads otherwise")
PYTHON
"$work/venv/bin/python" look.py
