"""What is to be said, and when: plain text, or subtitles in SubRip's format (.srt) with their times."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import srt

from synth.errors import OptionError

_TIMED: Final = re.compile(r"^[ \t]*\d[\d:.,]*[ \t]*-->[ \t]*\d", re.MULTILINE)
"""Times of any kind, so that those of other formats are not read aloud."""
_MARKUP: Final = re.compile(r"<[^>]*>|\{\\[^}]*\}|\[[^\]]*\]|♪[^♪]*♪?")
_SPEAKER: Final = re.compile(r"^\s*[-–—]\s*", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(?<=[.!?…])[\"”’)\]]*\s+|\n+")
_CLAUSE: Final = re.compile(r"(?<=[,;:—–])\s+")
_MOST_WORDS: Final = 30  # that are said in one breath
_WORD: Final = re.compile(r"[A-Za-z0-9]")
MAX_LETTERS: Final = 80
"""Of a word, without spaces: how long the pronunciation is looked for grows with the third power of its parts."""
MAX_DIGITS: Final = 30
"""Of a word: for larger numbers than some 10^36 the synthesiser has no name."""


@dataclass(frozen=True)
class Cue:
    """A sentence or a subtitle.

    Attributes:
        text: one line.
        start_s, end_s: when it is said, where the script says so.
    """

    text: str
    start_s: float | None = None
    end_s: float | None = None


def parse(text: str) -> tuple[Cue, ...]:
    """The sentences of a text, or the subtitles of a script in SubRip's format, in order.

    What subtitles hold besides speech is left out: markup, dashes before speakers, sounds in square brackets, songs.

    Raises:
        OptionError: it holds no word or a very long one, is in another script than the Latin one, or is subtitles that
            cannot be read.
    """
    cues = _subtitles(text) if _TIMED.search(text) else _sentences(text)
    spoken = tuple(cue for cue in cues if _WORD.search(cue.text))
    letters = [letter for letter in text if letter.isalpha()]
    foreign = next((letter for letter in letters if not unicodedata.name(letter, "").startswith("LATIN")), None)
    if foreign is not None:
        script = unicodedata.name(foreign, "an unknown letter").split(" ")[0].capitalize()
        raise OptionError(f"text holds {foreign!r}, which is {script}; allowed is English in Latin letters")
    if not spoken:
        raise OptionError("text holds no word; it must say what is spoken, or be left out")
    for cue in spoken:
        _refuse_long_words(cue.text)
    return spoken


def _refuse_long_words(text: str) -> None:
    for word in text.split():
        digits = sum(letter.isdigit() for letter in word)
        if len(word) > MAX_LETTERS or digits > MAX_DIGITS:
            has = f"{digits} digits; allowed are {MAX_DIGITS}" if digits > MAX_DIGITS else f"{len(word)} letters"
            allowed = "" if digits > MAX_DIGITS else f"; allowed are {MAX_LETTERS}"
            raise OptionError(f"the word in text that begins {word[:20]!r} has {has}{allowed}: part it with spaces")


def _sentences(text: str) -> list[Cue]:
    return [Cue(part) for one in _SENTENCE.split(text.strip()) if one.strip() for part in _breaths(one)]


def _breaths(sentence: str) -> list[str]:
    """A sentence, or parts of it: at its commas where it is long, else wherever breath runs out."""
    if len(sentence.split()) <= _MOST_WORDS:
        return [" ".join(sentence.split())]
    parts: list[list[str]] = [[]]
    for clause in _CLAUSE.split(sentence):
        words = clause.split()
        if parts[-1] and len(parts[-1]) + len(words) > _MOST_WORDS:
            parts.append([])
        parts[-1] += words
    return [" ".join(part[at : at + _MOST_WORDS]) for part in parts for at in range(0, len(part), _MOST_WORDS)]


def _spoken_of(content: str) -> str:
    return _SPEAKER.sub("", _MARKUP.sub(" ", content))


def _subtitles(text: str) -> list[Cue]:
    try:
        found = list(srt.parse(text.lstrip("\ufeff").strip() + "\n\n"))
    except (srt.SRTParseError, ValueError) as error:
        raise OptionError("text looks like subtitles, and they cannot be read as SubRip's format (.srt)") from error
    cues = []
    for one in found:
        start_s, end_s = one.start.total_seconds(), one.end.total_seconds()
        if end_s <= start_s:
            raise OptionError(f"subtitle {one.index} ends at {end_s:g} s and begins at {start_s:g} s")
        cues.append(Cue(" ".join(_spoken_of(one.content).split()), start_s, end_s))
    return sorted(cues, key=lambda cue: cue.start_s or 0.0)
