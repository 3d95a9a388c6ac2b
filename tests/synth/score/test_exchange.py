"""Scores as CSV and MIDI and back, and as lists of marks for editors."""

from __future__ import annotations

import io
import json
import re

import mido
import pytest

from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.score import exchange
from synth.score.score import Score, parse

TIMES_S = (0.0, 0.123457, 1.5, 1.5, 3599.25)


@pytest.fixture
def score() -> Score:
    hits = [
        {
            "id": f"h{number}",
            "time_s": time_s,
            "material": MATERIALS[number * 4 % len(MATERIALS)],
            "strength": number / 4,
            "pan": (number - 2) / 2,
            "exemplar": 'a, "b"' if number == 1 else None,
            "gain_db": -1.5 if number == 2 else 0.0,
        }
        for number, time_s in enumerate(TIMES_S)
    ]
    words = [{"id": "w1", "text": "look here", "start_s": 1.0, "end_s": 1.4}]
    layers = [{"id": "l1", "sound": "rain", "start_s": 1.0}]
    return parse({"hits": hits, "layers": layers, "words": words}, duration_s=3600)


def read(hits: list[dict[str, object]]) -> Score:
    return parse({"hits": hits}, duration_s=3600)


def test_csv_and_back(score: Score) -> None:
    back = read(exchange.hits_of_csv(exchange.csv_of(score)))
    told = [(hit.time_s, hit.material, hit.strength, hit.pan, hit.gain_db, hit.exemplar) for hit in back.hits]
    assert told == [(hit.time_s, hit.material, hit.strength, hit.pan, hit.gain_db, hit.exemplar) for hit in score.hits]


def test_csv_of_other_programs() -> None:
    hits = exchange.hits_of_csv("\ufeffmaterial, time_s\nwood,1.5\n\nglass,0.25\n")
    assert [(hit.material, hit.time_s, hit.strength) for hit in read(hits).hits] == [
        ("glass", 0.25, 0.5),
        ("wood", 1.5, 0.5),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the CSV's first row is ''; allowed are"),
        ("time,material\n1,wood", "the CSV's first row is 'time,material'"),
        ("time_s,material\n1", "row 1 of the CSV has 1 values; the header has 2"),
        ("time_s,material\none,wood", "row 1 of the CSV has time_s 'one'; it must be a number"),
        ('time_s,material\n"1,wood', "the CSV cannot be read"),
        ("time_s,material\n" + "1,wood\n" * 10_001, "there are 10001 hits or more; allowed are 10000"),
    ],
)
def test_csv_that_is_none(text: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=re.escape(sentence)):
        exchange.hits_of_csv(text)


def test_midi_and_back(score: Score) -> None:
    data = exchange.midi_of(score)
    back = read(exchange.hits_of_midi(data)).hits
    assert [hit.material for hit in back] == [hit.material for hit in score.hits]
    for mine, theirs in zip(score.hits, back, strict=True):
        assert theirs.time_s == pytest.approx(mine.time_s, abs=0.5 / 1920)  # half a tick
        assert theirs.strength == pytest.approx(mine.strength, abs=0.5 / 126)
        assert theirs.pan == pytest.approx(mine.pan, abs=1 / 63)
    again = exchange.midi_of(read(exchange.hits_of_midi(data)))
    assert again == data


def test_midi_of_other_programs_keeps_its_tempo() -> None:
    track = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=1_000_000, time=0),
            mido.Message("note_on", note=exchange.FIRST_NOTE + 1, velocity=127, time=240),
            mido.Message("note_on", note=exchange.FIRST_NOTE + 1, velocity=0, time=10),
        ]
    )
    file = io.BytesIO()
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(file=file)
    (hit,) = read(exchange.hits_of_midi(file.getvalue())).hits
    assert (hit.time_s, hit.material, hit.strength) == (0.5, MATERIALS[1], 1.0)


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", b"MThd\0\0\0\6\0\0\0\1", b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\x90"],
)
def test_midi_that_is_none(data: bytes) -> None:
    with pytest.raises(OptionError, match="no MIDI file"):
        exchange.hits_of_midi(data)


def test_a_note_that_stands_for_no_material_is_named() -> None:
    track = mido.MidiTrack([mido.Message("note_on", note=100, velocity=64, time=0)])
    file = io.BytesIO()
    mido.MidiFile(tracks=[track]).save(file=file)
    with pytest.raises(OptionError, match="the MIDI file has note 100; allowed are 36 to "):
        exchange.hits_of_midi(file.getvalue())


def test_edl_locates_each_mark(score: Score) -> None:
    text = exchange.edl_of(score, "clip.mp4", 25.0)
    located = re.findall(r"^\* LOC: (\d\d):(\d\d):(\d\d):(\d\d) (\w+) +(.+?)\r?$", text, re.MULTILINE)
    frames = [((int(h) * 60 + int(m)) * 60 + int(s)) * 25 + int(f) for h, m, s, f, _, _ in located]
    hits = [frame for frame, row in zip(frames, located, strict=True) if row[4] == "RED"]
    assert hits == [int(time_s * 25) for time_s in TIMES_S]
    assert "look here" in [row[5] for row in located]
    events = re.findall(r"^\d{3}  AX       V     C        (\S+) (\S+) (\S+) (\S+)\r?$", text, re.MULTILINE)
    assert len(events) == len(located)


def test_otio_holds_a_marker_for_each_mark(score: Score) -> None:
    told = json.loads(exchange.otio_of(score, "clip.mp4", 25.0, 3600.0))
    (clip,) = told["tracks"]["children"][0]["children"]
    starts = [one["marked_range"]["start_time"]["value"] / 25 for one in clip["markers"] if one["color"] == "RED"]
    assert starts == pytest.approx(list(TIMES_S), abs=1e-4)
    assert parse(clip["metadata"]["sonorize"], duration_s=3600) == score
