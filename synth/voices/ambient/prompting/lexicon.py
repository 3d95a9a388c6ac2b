"""Which words name which sounds: the catalogue's own texts and a list of synonyms, found by stems and by likeness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from rapidfuzz import fuzz, process

from synth.voices.ambient.catalogue.entry import SoundClass
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.prompting.knob_words import Modifier, degree_of, modifier_phrases
from synth.voices.ambient.prompting.synonyms import (
    FILLERS,
    LINKS,
    NEGATIONS,
    PREPOSITIONS,
    SURFACES,
    SYNONYMS,
)
from synth.voices.ambient.prompting.tokens import Token, stem_of, stems_of

Stems = tuple[str, ...]
LONGEST: Final = 6
"""Words of the longest phrase that is looked for."""
_ALIKE: Final = 86.0
_SHORTEST_FUZZY: Final = 5
_STRIPPED: Final = ("intensity", "distance", "level", "size")
_SAY_TOO_LITTLE: Final = frozenset(
    ["fall", "strike", "till", "record", "toast", "watch", "sow", "sand", "road", "drop"]
)
"""Stems that are phrases of a sound and, by themselves, mostly mean something else."""


class Lexicon:
    """All phrases that are known.

    Attributes:
        sounds: stems -> name of the sound.
        names: word -> name of the sound, where the name says enough and its stem does not ("sanding").
        modifiers: stems -> what they turn.
        words: all stems that mean something.
    """

    def __init__(self, sounds: Mapping[str, SoundClass]) -> None:
        self.modifiers: dict[Stems, Modifier] = {
            stems_of(phrase): modifier for phrase, modifier in modifier_phrases().items()
        }
        self.sounds = _sound_phrases(sounds)
        self.names = {
            name: sound.name
            for sound in sounds.values()
            for name in _names(sound)
            if " " not in name and _says_too_little(name)
        }
        self._strip_modifiers()
        surfaces = {stem_of(word) for words in SURFACES.values() for word in words}
        known = {stem for phrase in (*self.sounds, *self.modifiers) for stem in phrase}
        plain = {stem_of(word) for word in (*FILLERS, *LINKS, *PREPOSITIONS, *NEGATIONS)}
        self.surfaces: dict[str, dict[str, str]] = {
            base: {stem_of(word): sound for word, sound in words.items()} for base, words in SURFACES.items()
        }
        self.fillers = frozenset(stem_of(word) for word in FILLERS)
        self.words = frozenset(known | surfaces | plain)
        self._likely = sorted(stem for stem in known | surfaces if len(stem) >= _SHORTEST_FUZZY - 1)

    def _strip_modifiers(self) -> None:
        """Take out what is a shorter phrase of the same sound under a modifier ("heavy rain"): the modifier counts."""
        for phrase in list(self.sounds):
            rest = tuple(stem for stem in phrase if self._dimension(stem) not in _STRIPPED)
            if rest and rest != phrase and self.sounds.get(rest) == self.sounds[phrase]:
                del self.sounds[phrase]

    def _dimension(self, stem: str) -> str:
        modifier = self.modifiers.get((stem,))
        return "" if modifier is None else modifier.dimension

    def sound_at(self, tokens: Sequence[Token], at: int) -> tuple[int, str] | None:
        """The longest name of a sound that begins there: how many words, and which sound."""
        for length in range(min(LONGEST, len(tokens) - at), 0, -1):
            stems = tuple(token.stem for token in tokens[at : at + length])
            if stems in self.sounds:
                return length, self.sounds[stems]
        named = self.names.get(tokens[at].text)
        return None if named is None else (1, named)

    def modifier_at(self, tokens: Sequence[Token], at: int) -> tuple[int, Modifier] | None:
        """The longest modifier that begins there."""
        for length in range(min(LONGEST, len(tokens) - at), 0, -1):
            stems = tuple(token.stem for token in tokens[at : at + length])
            if stems in self.modifiers:
                return length, self.modifiers[stems]
        return None

    def corrected(self, token: Token) -> str | None:
        """The known stem that a misspelt word most likely means; None where the word is known, short or like none."""
        unlike = len(token.text) < _SHORTEST_FUZZY or token.stem in self.words or token.number is not None
        if unlike or "_" in token.text or degree_of(token.text) is not None:
            return None
        best = process.extractOne(token.stem, self._likely, scorer=fuzz.ratio, score_cutoff=_ALIKE)
        return None if best is None or best[0][0] != token.stem[0] else best[0]


@cache
def lexicon() -> Lexicon:
    """Of the whole catalogue."""
    return Lexicon(all_sounds())


def _sound_phrases(sounds: Mapping[str, SoundClass]) -> dict[Stems, str]:
    """Stems -> sound; of two sounds with one phrase, the one whose name it is, then the earlier."""
    found: dict[Stems, str] = {}
    for source in (_names, _people_say, _synonyms):
        for sound in sounds.values():
            for phrase in source(sound):
                stems = stems_of(phrase)
                if stems and not _says_too_little(phrase):
                    found.setdefault(stems, sound.name)
    for stems, name in list(found.items()):
        if len(stems) == 2:  # "barking dog", "dog barking"
            found.setdefault(stems[::-1], name)
    return found


def _says_too_little(phrase: str) -> bool:
    stems = stems_of(phrase)
    return len(stems) == 1 and stems[0] in _SAY_TOO_LITTLE


def _names(sound: SoundClass) -> Iterator[str]:
    yield sound.name
    yield sound.singular
    yield sound.plural


def _people_say(sound: SoundClass) -> Iterator[str]:
    yield from sound.phrases


def _synonyms(sound: SoundClass) -> Iterator[str]:
    yield from SYNONYMS.get(sound.name, ())
