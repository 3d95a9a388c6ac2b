#!/usr/bin/env bash
# Guess: what PrettyMIDI.write() puts into a file, PrettyMIDI() finds in it again.
# Truth: a note that ends where it starts, as one writes a hit, is written with its end before its beginning: read again
# it lasts until the next note of that pitch ends, and the last one is gone. Of two notes of one pitch that overlap, the
# first end cuts both. pretty_midi 0.2.11.post0, mido 1.3.3, 2026-11-30. It matters to who hands drum hits over as MIDI:
# hits need a length, and repeated ones may not overlap.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'pretty_midi==0.2.11.post0' 'mido==1.3.3' 'numpy==2.4.6' 'setuptools==65.5.0'
cd "$work"
cat >look.py <<'PYTHON'
import io
from importlib.metadata import version

import mido
import pretty_midi

print("pretty_midi", version("pretty_midi"), "mido", version("mido"))


def read_back(spans):
    midi, drums = pretty_midi.PrettyMIDI(), pretty_midi.Instrument(0, is_drum=True)
    drums.notes = [pretty_midi.Note(100, 38, start, end) for start, end in spans]
    midi.instruments.append(drums)
    file = io.BytesIO()
    midi.write(file)
    messages = [one for track in mido.MidiFile(file=io.BytesIO(file.getvalue())).tracks for one in track]
    begun = sum(one.type == "note_on" and one.velocity > 0 for one in messages)
    file.seek(0)
    read = [note for one in pretty_midi.PrettyMIDI(file).instruments for note in one.notes]
    return begun, [(round(float(note.start), 2), round(float(note.end), 2)) for note in read]


begun, hits = read_back([(1.0, 1.0), (2.0, 2.1), (3.0, 3.0)])
print(f"three hits, two of no length: {begun} begin in the file, {len(hits)} are read: {hits}")
_, overlapping = read_back([(0.0, 1.0), (0.5, 2.0)])
print(f"0-1 s and 0.5-2 s of one pitch are read as {overlapping}")
if begun != 3 or hits != [(1.0, 2.1), (2.0, 2.1)] or overlapping != [(0.0, 1.0), (0.5, 1.0)]:
    raise SystemExit("changed: notes are read otherwise")
PYTHON
"$work/venv/bin/python" look.py
