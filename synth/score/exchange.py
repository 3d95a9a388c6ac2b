"""A score in the forms of other programs: CSV and MIDI both ways, EDL and OpenTimelineIO for editors.

EDL is CMX 3600 with locators, as Avid, Premiere and Resolve read them; OpenTimelineIO its JSON, with markers.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import mido

from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.score.score import MAX_HITS, Score

COLUMNS: Final = ("time_s", "strength", "material", "exemplar", "pan", "gain_db")
FIRST_NOTE: Final = 36
"""The note of the first material; each next one has the next note."""
TICKS: Final = 960
TEMPO: Final = 500_000  # microseconds a quarter note: 120 a minute
_DRUMS: Final = 9
_PAN: Final = 10
_NOTE_TICKS: Final = 96
_NUMBERS: Final = ("time_s", "strength", "pan", "gain_db")


def csv_of(score: Score) -> str:
    """Hits, one a row, under a header."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for hit in score.hits:
        writer.writerow([hit.time_s, hit.strength, hit.material, hit.exemplar or "", hit.pan, hit.gain_db])
    return file.getvalue()


def hits_of_csv(text: str) -> list[dict[str, Any]]:
    """Hits out of CSV with a header, as :func:`synth.score.score.parse` reads them.

    Raises:
        OptionError: it is no such table.
    """
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True))
    except csv.Error as error:
        raise OptionError(f"the CSV cannot be read: {error}") from error
    rows = [row for row in rows if row]
    header = [name.strip() for name in rows[0]] if rows else []
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or len(set(header)) < len(header) or not {"time_s", "material"} <= set(header):
        told = ",".join(header)[:80]
        raise OptionError(
            f"the CSV's first row is {told!r}; allowed are {', '.join(COLUMNS)}, with time_s and material"
        )
    _refuse_many(len(rows) - 1)
    return [_csv_hit(number, header, row) for number, row in enumerate(rows[1:], start=1)]


def _csv_hit(number: int, header: list[str], row: list[str]) -> dict[str, Any]:
    if len(row) != len(header):
        raise OptionError(f"row {number} of the CSV has {len(row)} values; the header has {len(header)}")
    hit: dict[str, Any] = {"id": f"h{number}"}
    for name, value in zip(header, map(str.strip, row), strict=True):
        if name in _NUMBERS:
            if not value and name != "time_s":
                continue
            try:
                hit[name] = float(value)
            except ValueError as error:
                raise OptionError(f"row {number} of the CSV has {name} {value[:40]!r}; it must be a number") from error
        elif value or name == "material":
            hit[name] = value
    return hit


def midi_of(score: Score) -> bytes:
    """Hits as notes of a standard MIDI file: material -> note, strength -> velocity, pan -> controller 10."""
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=TEMPO, time=0)])
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS, tracks=[track])
    events: list[tuple[int, int, mido.Message]] = []
    pan = 64
    for hit in score.hits:
        start = _ticks(hit.time_s)
        note, velocity = FIRST_NOTE + MATERIALS.index(hit.material), 1 + round(126 * hit.strength)
        wanted = 64 + round(hit.pan * (63 if hit.pan > 0 else 64))
        if wanted != pan:
            events.append((start, 1, mido.Message("control_change", channel=_DRUMS, control=_PAN, value=wanted)))
            pan = wanted
        events.append((start, 2, mido.Message("note_on", channel=_DRUMS, note=note, velocity=velocity)))
        events.append((start + _NOTE_TICKS, 0, mido.Message("note_off", channel=_DRUMS, note=note)))
    now = 0
    for at, _, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=at - now))
        now = at
    track.append(mido.MetaMessage("end_of_track", time=0))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def hits_of_midi(data: bytes) -> list[dict[str, Any]]:
    """Hits out of a standard MIDI file, by any of its tracks and channels.

    Raises:
        OptionError: it is none, or a note stands for no material.
    """
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
        if file.type == 2 or file.ticks_per_beat <= 0:
            raise OptionError("the MIDI file holds songs that do not belong together, or counts no beats")
        messages = list(_timed(file))
    except OptionError:
        raise
    except Exception as error:  # mido raises whatever its parsing meets
        raise OptionError("the body is no MIDI file, or a damaged one") from error
    hits: list[dict[str, Any]] = []
    pans: dict[int, float] = {}
    for time_s, message in messages:
        if message.type == "control_change" and message.control == _PAN:
            pans[message.channel] = (message.value - 64) / (63 if message.value > 64 else 64)
        if message.type != "note_on" or message.velocity == 0:
            continue
        place = message.note - FIRST_NOTE
        if not 0 <= place < len(MATERIALS):
            last = FIRST_NOTE + len(MATERIALS) - 1
            raise OptionError(
                f"the MIDI file has note {message.note}; allowed are {FIRST_NOTE} to {last}, one a material"
            )
        about = {"strength": (message.velocity - 1) / 126, "pan": round(pans.get(message.channel, 0.0), 3)}
        hits.append({"id": f"h{len(hits) + 1}", "time_s": round(time_s, 6), "material": MATERIALS[place], **about})
        _refuse_many(len(hits))
    return hits


def _timed(file: mido.MidiFile) -> Iterator[tuple[float, Any]]:
    now_s = 0.0
    for message in file:  # with the time since the one before in seconds, by the file's own tempi
        now_s += message.time
        if not math.isfinite(now_s):
            raise OptionError("the MIDI file's times are no numbers")
        yield now_s, message


def edl_of(score: Score, title: str, rate_fps: float) -> str:
    """Hits, layers and words as events of a frame or more with locators, CMX 3600."""
    rate = max(1, round(rate_fps))
    lines = [f"TITLE: {_plain(title)}", "FCM: NON-DROP FRAME", ""]
    for number, (start_s, end_s, colour, told) in enumerate(_marks(score), start=1):
        first = math.floor(start_s * rate_fps + 1e-6)
        last = max(first + 1, math.ceil((end_s or 0.0) * rate_fps - 1e-6))
        start, end = _timecode(first, rate), _timecode(last, rate)
        lines.append(f"{number:03d}  AX       V     C        {start} {end} {start} {end}")
        lines.append(f"* LOC: {start} {colour:<7} {_plain(told)}")
    return "\r\n".join(lines) + "\r\n"


def otio_of(score: Score, title: str, rate_fps: float, duration_s: float) -> str:
    """The clip as a timeline of OpenTimelineIO, with a marker for each hit, layer and word."""
    whole = _span(0.0, duration_s, rate_fps)
    markers = [
        {
            "OTIO_SCHEMA": "Marker.2",
            "name": told,
            "color": colour,
            "comment": "",
            "marked_range": _span(start_s, (end_s or start_s) - start_s, rate_fps),
            "metadata": {},
        }
        for start_s, end_s, colour, told in _marks(score, duration_s)
    ]
    clip = {
        "OTIO_SCHEMA": "Clip.2",
        "name": title,
        "source_range": whole,
        "media_references": {
            "DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "target_url": title,
                "available_range": whole,
                "metadata": {},
                "name": title,
            }
        },
        "active_media_reference_key": "DEFAULT_MEDIA",
        "markers": markers,
        "effects": [],
        "enabled": True,
        "metadata": {"sonorize": score.as_json()},
    }
    plain: dict[str, Any] = {"source_range": None, "markers": [], "effects": [], "enabled": True, "metadata": {}}
    track = {"OTIO_SCHEMA": "Track.1", "name": "Picture", "kind": "Video", "children": [clip], **plain}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track], **plain}
    timeline = {"OTIO_SCHEMA": "Timeline.1", "name": title, "global_start_time": None, "tracks": stack, "metadata": {}}
    return json.dumps(timeline, indent=1) + "\n"


def _marks(score: Score, duration_s: float = math.inf) -> list[tuple[float, float | None, str, str]]:
    """Start, end, colour and text of each mark, in order of time."""
    marks: list[tuple[float, float | None, str, str]] = [
        (hit.time_s, None, "RED", f"{hit.material} {hit.strength:.2f}") for hit in score.hits
    ]
    for layer in score.layers:
        start_s = layer.start_s or 0.0
        end_s = layer.end_s if layer.end_s is not None else (duration_s if duration_s < math.inf else None)
        marks.append((start_s, end_s, "GREEN", f"{layer.sound} {layer.level_db:+.1f} dB"))
    marks += [(word.start_s, word.end_s, "CYAN", word.text or "speech") for word in score.words]
    return sorted(marks, key=lambda mark: mark[0])


def _span(start_s: float, length_s: float, rate_fps: float) -> Mapping[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate_fps, "value": round(start_s * rate_fps, 4)},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate_fps, "value": round(length_s * rate_fps, 4)},
    }


def _timecode(frame: int, rate: int) -> str:
    seconds, frames = divmod(frame, rate)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}"


def _plain(text: str) -> str:
    """Text as a line of an EDL may hold it."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:120]


def _ticks(time_s: float) -> int:
    return round(time_s * 1e6 / TEMPO * TICKS)


def _refuse_many(count: int) -> None:
    if count > MAX_HITS:
        raise OptionError(f"there are {count} hits or more; allowed are {MAX_HITS}")
