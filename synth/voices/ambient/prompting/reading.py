"""A clause of a prompt as items: sounds, what turns them, numbers, grounds, and words that are not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal

from synth.voices.ambient.catalogue.entry import SoundClass
from synth.voices.ambient.catalogue.registry import all_sounds, sound_class
from synth.voices.ambient.prompting.knob_words import DIMENSIONS, Modifier, degree_of
from synth.voices.ambient.prompting.lexicon import lexicon
from synth.voices.ambient.prompting.quantities import measure_of
from synth.voices.ambient.prompting.synonyms import LINKS, NEGATIONS, PREPOSITIONS
from synth.voices.ambient.prompting.tokens import Token, stem_of, tokens_of

Kind = Literal["sound", "modifier", "surface", "knob", "measure", "count", "no", "link", "unknown"]

_NUMBERS: Final = {
    word: float(value)
    for value, word in enumerate(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 2
    )
} | {"couple": 2.0, "dozen": 12.0, "pair": 2.0}
_AFTER_A_LENGTH: Final = frozenset(("away", "off", "distant", "far", "behind"))
_GROUND_WORDS: Final = frozenset(("surface", "ground", "material"))
_SETTINGS: Final = ("level", "level_db", "volume", "pan", *DIMENSIONS)


@dataclass(frozen=True)
class Item:
    """One thing that a clause says.

    Attributes:
        text: the words, as they were written.
        name: of the sound, of the knob, or the ground's stem.
        value, unit: of a number.
        modifier: what turns a knob.
    """

    kind: Kind
    text: str
    name: str = ""
    value: float = 0.0
    unit: str = ""
    modifier: Modifier | None = None


class ClauseReader:
    """Reads one clause from left to right.

    Args:
        current: the sound that was named last, whose knobs a clause such as "frogs 4" may set.
        notes: where a correction is noted.
    """

    def __init__(self, text: str, current: SoundClass | None, notes: list[str]) -> None:
        self._tokens = tokens_of(text)
        self._current = current
        self._notes = notes
        self._at = 0
        self._degree = (1.0, "")
        self._ground: str | None = None
        self.items: list[Item] = []

    def read(self) -> list[Item]:
        """All items.

        Raises:
            OptionError: a name with an underscore that no sound has.
        """
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if not (self._number(token) or self._setting(token) or self._exact(token) or self._named(token)):
                self._other(token)
        return self.items

    def _add(self, kind: Kind, length: int, **values: object) -> bool:
        text = " ".join(token.text for token in self._tokens[self._at : self._at + length])
        self.items.append(replace(Item(kind, text), **values))  # type: ignore[arg-type]
        self._at += length
        return True

    def _peek(self, ahead: int = 1) -> Token:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else Token("")

    def _number(self, token: Token) -> bool:
        value = token.number if token.number is not None else _NUMBERS.get(token.text)
        if value is None:
            return False
        unit = self._peek().text
        measure = measure_of(unit)
        if measure is None or token.number is None:
            return self._add("count", 1, value=value)
        away = measure == "length" and self._peek(2).text in _AFTER_A_LENGTH
        return self._add("measure", 3 if away else 2, value=value, unit=unit)

    def _setting(self, token: Token) -> bool:
        """``distance_m 300``, ``distance 2 km``, ``frogs 4``."""
        value = self._peek().number
        if value is None:
            return False
        ours = self._current is not None and self._at == 0 and len(self._tokens) <= 3
        knobs = {knob.name for knob in self._current.knobs} if self._current is not None and ours else set()
        if token.text not in knobs and token.text not in _SETTINGS and token.text not in _knob_names():
            known = token.stem in lexicon().words or token.text in all_sounds()
            if known or (not ours and lexicon().corrected(token) is not None):
                return False
        elif token.text not in knobs and lexicon().sound_at(self._tokens, self._at) is not None:
            return False
        unit = self._peek(2).text
        has_unit = measure_of(unit) is not None
        return self._add("knob", 3 if has_unit else 2, name=token.text, value=value, unit=unit if has_unit else "")

    def _exact(self, token: Token) -> bool:
        if "_" not in token.text:
            return False
        self._ground = None
        return self._add("sound", 1, name=sound_class(token.text).name)

    def _named(self, token: Token) -> bool:
        """A sound, a modifier or a ground; the longest phrase counts."""
        words = lexicon()
        sound, modifier = words.sound_at(self._tokens, self._at), words.modifier_at(self._tokens, self._at)
        if token.text in _GROUND_WORDS and any(self._peek().stem in grounds for grounds in words.surfaces.values()):
            return self._add("surface", 2, name=self._peek().stem)  # "surface metal"
        ground = self._ground_at(token, sound is not None and sound[0] > 1)
        if ground:
            return self._add("surface", 1, name=token.stem)
        if sound is not None and modifier is not None and sound[0] == modifier[0]:
            lone = not any(words.sound_at(self._tokens, at) for at in range(len(self._tokens)) if at != self._at)
            sound, modifier = (sound, None) if lone else (None, modifier)
        if sound is not None and (modifier is None or sound[0] > modifier[0]):
            self._ground = next((base for base in words.surfaces if sound[1].startswith(base)), None)
            return self._add("sound", sound[0], name=sound[1])
        if modifier is None:
            return False
        factor, adverb = self._degree
        self._degree = (1.0, "")
        turned = replace(modifier[1], amount=modifier[1].amount * factor)
        self._add("modifier", modifier[0], modifier=turned)
        self.items[-1] = replace(self.items[-1], text=f"{adverb} {self.items[-1].text}".strip())
        return True

    def _ground_at(self, token: Token, long_name: bool) -> bool:
        """Whether this word is the ground of a sound: after "rain on", or just before ("gravel footsteps")."""
        words = lexicon()
        if self._ground is not None and token.stem in words.surfaces[self._ground]:
            before = self._tokens[max(0, self._at - 3) : self._at]
            return any(one.text in PREPOSITIONS for one in before) or self.items[-1].kind == "surface"
        if long_name:
            return False
        following = words.sound_at(self._tokens, self._at + 1) if self._at + 1 < len(self._tokens) else None
        return following is not None and any(
            following[1].startswith(base) and token.stem in grounds for base, grounds in words.surfaces.items()
        )

    def _other(self, token: Token) -> None:
        degree = degree_of(token.text)
        corrected = lexicon().corrected(token)
        if token.text in NEGATIONS:
            self._add("no", 1)
        elif token.text in LINKS:
            self._add("link", 1)
        elif degree is not None:
            self._degree = (degree, token.text)
            self._at += 1
        elif token.stem in lexicon().fillers or token.text in PREPOSITIONS:
            self._at += 1
        elif corrected is not None:
            self._notes.append(f"{token.text!r} was read as {_whole_word(corrected)!r}")
            self._tokens[self._at] = Token(_whole_word(corrected), corrected)
        else:
            self._add("unknown", 1)


def name_of_unknown(items: Sequence[Item]) -> list[str]:
    """Runs of unknown words, as they were written."""
    runs: list[str] = []
    before: Item | None = None
    for item in items:
        if item.kind == "unknown":
            if before is not None and before.kind == "unknown":
                runs[-1] += f" {item.text}"
            else:
                runs.append(item.text)
        before = item
    return runs


@cache
def _knob_names() -> frozenset[str]:
    return frozenset(knob.name for sound in all_sounds().values() for knob in sound.knobs)


@cache
def _whole_words() -> dict[str, str]:
    texts = [text for sound in all_sounds().values() for text in (sound.name, sound.singular, *sound.phrases)]
    words = {word.lower() for text in texts for word in text.replace("_", " ").split()}
    return {stem_of(word): word for word in sorted(words, key=len, reverse=True)}


def _whole_word(stem: str) -> str:
    """A word that has this stem."""
    return _whole_words().get(stem, stem)
