"""Texts and subtitles as sentences with times."""

from __future__ import annotations

import pytest

from synth.errors import OptionError
from synth.options import MAX_TEXT_CHARS, Mode, Options
from synth.voices.speech.typed.script import Cue, parse

SUBTITLES = """\ufeff1
00:00:01,000 --> 00:00:02,500
<i>- Hello there.</i> [door shuts]
{\\an8}Come in.

2
00:00:03.250 --> 00:00:04.000
♪ la la la ♪

3
00:00:05,000 --> 00:00:06,000
Bye
"""


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("Hello there.  How are you?\nFine", ["Hello there.", "How are you?", "Fine"]),
        ("one", ["one"]),
        ("It costs 3.50, he said.", ["It costs 3.50, he said."]),
        ("...\nWait… what?!", ["Wait…", "what?!"]),
    ],
)
def test_sentences(text: str, cues: list[str]) -> None:
    assert [cue.text for cue in parse(text)] == cues
    assert all(cue.start_s is None for cue in parse(text))


def test_long_sentences_are_parted_where_one_breathes() -> None:
    clause = "now the wind begins to blow again,"
    assert [cue.text for cue in parse(" ".join([clause] * 5))] == [" ".join([clause] * 4), clause]
    assert [len(cue.text.split()) for cue in parse("word " * 70)] == [30, 30, 10]


def test_subtitles() -> None:
    assert parse(SUBTITLES) == (Cue("Hello there. Come in.", 1.0, 2.5), Cue("Bye", 5.0, 6.0))


@pytest.mark.parametrize(
    "times", ["00:00:01,0000 --> 00:00:02,000", "0:0:1.0 --> 0:0:2", "00:00:01,000-->00:00:02,000"]
)
def test_times_that_are_written_a_little_otherwise_are_not_read_aloud(times: str) -> None:
    assert parse(f"1\n{times}\nHello\n") == (Cue("Hello", 1.0, 2.0),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("...", "no word"),
        ("[music]\n", "no word"),
        ("привет", "'п', which is Cyrillic; allowed is English in Latin letters"),
        ("hello 世界", "Cjk"),
        ("a " + "never-" * 20, "'never-never-never-ne' has 120 letters; allowed are 80: part it with spaces"),
        ("Call " + "1" * 31, "'11111111111111111111' has 31 digits; allowed are 30"),
        ("WEBVTT\n\n00:01.000 --> 00:04.000\nHello\n", "cannot be read as SubRip"),
        ("1\n00:00:03,000 --> 00:00:01,000\nHello\n", "ends at 1 s and begins at 3 s"),
    ],
)
def test_what_cannot_be_said(text: str, said: str) -> None:
    if text.startswith("[music]"):
        text = f"1\n00:00:01,000 --> 00:00:02,000\n{text}"
    with pytest.raises(OptionError, match="no word" if said == "no word" else said.replace("(", "\\(")):
        parse(text)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": " "}, "text is empty"),
        ({"text": "hello"}, "consent is missing"),
        ({"text": "hello", "consent": " "}, "consent is empty"),
        ({"consent": "I am it"}, "consent goes with text"),
        ({"text": "x" * (MAX_TEXT_CHARS + 1), "consent": "me"}, f"allowed are {MAX_TEXT_CHARS}"),
        ({"text": "hello", "consent": "me", "mode": Mode.HITS}, "text goes with mode speech"),
        ({"text": "hello", "consent": "me", "prompt": "rain"}, "allowed is one of the two"),
    ],
)
def test_options_that_contradict(given: dict[str, str], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Options(**given)  # type: ignore[arg-type]


def test_text_means_speech() -> None:
    assert Options(text="hello", consent="me").settled_mode is Mode.SPEECH
