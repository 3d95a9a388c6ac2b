"""Prompts: ``heavy rain on a tin roof, thunder far away`` as layers of the catalogue.

Words are looked up first (stems, phrases, misspellings); what names no sound in this way is compared by a sentence
embedding, where one is installed. The same text always gives the same layers on one installation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from synth.errors import OptionError
from synth.nearest_names import nearest_names
from synth.voices.ambient.catalogue.registry import all_sounds, sound_class
from synth.voices.ambient.layers import Layer
from synth.voices.ambient.prompting import embedding
from synth.voices.ambient.prompting.draft import Draft
from synth.voices.ambient.prompting.exclusions import named_by
from synth.voices.ambient.prompting.parsed import Parsed, told_layers
from synth.voices.ambient.prompting.reading import ClauseReader, Item, name_of_unknown
from synth.voices.ambient.prompting.synonyms import VERBS
from synth.voices.ambient.prompting.time_ranges import Part, parts_of
from synth.voices.ambient.prompting.tokens import stems_of

MAX_PROMPT_LAYERS: Final = 8
_CLAUSE: Final = re.compile(r"[,!?]|\.(?!\d)")


def parse_prompt(text: str, duration_s: float | None = None) -> Parsed:
    """What a prompt asks for.

    Args:
        text: in English, or as :attr:`Parsed.told` writes it.
        duration_s: of the picture, if it is known: what would begin after its end is ignored.

    Raises:
        OptionError: it names no sound (the message gives the three nearest), or names a sound, a knob or a value that
            there is not.
    """
    reader = _PromptReader()
    for part in parts_of(text):
        reader.read(part)
    return reader.parsed(text, duration_s)


class _PromptReader:
    """Collects layers from the parts of a prompt."""

    def __init__(self) -> None:
        self._drafts: list[Draft] = []
        self._ignored: list[str] = []
        self._notes: list[str] = []
        self._excluded: dict[str, str] = {}  # sound -> the words that rule it out
        self._part = Part("")
        self._current: Draft | None = None
        self._pending: list[Item] = []

    def read(self, part: Part) -> None:
        self._part, self._current, self._pending = part, None, []
        for text in _CLAUSE.split(part.text):
            current = None if self._current is None else self._current.sound
            self._clause(ClauseReader(text, current, self._notes).read())
        self._ignored += [f"{item.text} (there is no sound for it)" for item in self._pending]

    def _clause(self, items: Sequence[Item]) -> None:
        negative = False
        for group in _groups(items):
            if group[0].kind == "link":
                negative = negative and group[0].text != "but"
                continue
            at = next((number for number, item in enumerate(group) if item.kind == "no"), None)
            if negative:
                self._exclude(group)
            elif at is None:
                self._group(group)
            else:
                negative = True
                self._group(group[:at])
                self._exclude(group[at + 1 :])

    def _group(self, items: Sequence[Item]) -> None:
        items = _without_verbs(items)
        sounds = [item for item in items if item.kind == "sound"]
        if not sounds and any(item.kind == "unknown" for item in items):
            guessed = self._guess(items)
            if guessed is None:
                self._ignored += [f"{run} (names no sound)" for run in name_of_unknown(items)]
            items = [item for item in items if item.kind != "unknown"]
            if guessed is not None:
                items = [*items, guessed]
                sounds = [guessed]
        if not sounds:
            self._apply_or_keep(items)
            return
        for draft, said in self._assigned(items):
            draft.apply(said)
        self._pending = []
        self._ignored += [f"{run} (not understood)" for run in name_of_unknown(items)]

    def _guess(self, items: Sequence[Item]) -> Item | None:
        text = " ".join(item.text for item in items if item.kind in ("unknown", "surface"))
        likeliest = embedding.likeliest(text)
        if likeliest is None:
            return None
        name, likeness = likeliest
        self._notes.append(f"{text!r} was read as {name} (likeness {likeness:.2f})")
        return Item("sound", text, name=name)

    def _apply_or_keep(self, items: Sequence[Item]) -> None:
        """A clause without a sound belongs to the sound before it ("rain, heavy"), else to the next one."""
        if self._current is not None:
            self._current.apply(items)
        else:
            self._pending += items

    def _assigned(self, items: Sequence[Item]) -> list[tuple[Draft, list[Item]]]:
        """New drafts for the sounds of a group, each with what is said of it."""
        said: list[tuple[Draft, list[Item]]] = []
        waiting: list[Item] = list(self._pending)
        for number, item in enumerate(items):
            if item.kind == "sound":
                if said and said[-1][0].sound.name == item.name:
                    continue  # "a dog barks"
                self._current = self._begin(item)
                said.append((self._current, waiting))
                waiting = []
            elif item.kind == "unknown":
                continue
            elif said and (_follows(item) or not any(later.kind == "sound" for later in items[number:])):
                said[-1][1].append(item)
            else:
                waiting.append(item)
        return said

    def _begin(self, item: Item) -> Draft:
        draft = Draft(sound_class(item.name), item.text, self._ignored, self._notes)
        draft.start_s, draft.end_s = self._part.start_s, self._part.end_s
        self._drafts.append(draft)
        return draft

    def _exclude(self, items: Iterable[Item]) -> None:
        kept = [item for item in items if item.kind in ("sound", "unknown", "modifier")]
        names = [item.text for item in kept if item.kind == "sound"] or name_of_unknown(kept)
        if not names:
            self._ignored += [f"not {item.text} (say what it should be)" for item in kept]
        for name in names:
            try:
                self._excluded.update(dict.fromkeys(named_by(name), name))
            except OptionError:
                self._ignored.append(f"no {name} (names no sound)")

    def parsed(self, text: str, duration_s: float | None) -> Parsed:
        """All that was collected, once."""
        for name in dict.fromkeys(self._excluded.values()):
            asked = [draft for draft in self._drafts if self._excluded.get(draft.sound.name) == name]
            if asked:
                self._ignored.append(f"no {name} (contradicts {asked[0].words})")
                self._excluded = {sound: word for sound, word in self._excluded.items() if word != name}
        layers: list[Layer] = []
        for draft in self._drafts:
            if duration_s is not None and draft.start_s is not None and draft.start_s >= duration_s:
                self._ignored.append(f"{draft.words} (begins at {draft.start_s:g} s; the clip has {duration_s:g} s)")
            elif len(layers) == MAX_PROMPT_LAYERS:
                self._ignored.append(f"{draft.words} (allowed are {MAX_PROMPT_LAYERS} sounds)")
            elif draft.layer() not in layers:
                layers.append(draft.layer())
        if not layers:
            raise OptionError(self._refusal(text))
        return Parsed(
            tuple(layers), tuple(self._ignored), told_layers(layers), tuple(sorted(self._excluded)), tuple(self._notes)
        )

    def _refusal(self, text: str) -> str:
        if not text.strip():
            return "the prompt is empty; it must name a sound, such as 'heavy rain on a tin roof'"
        shown = text.strip()[:60] + ("..." if len(text.strip()) > 60 else "")
        if self._excluded:
            return (
                f"the prompt {shown!r} only says what is not to be heard; it must name a sound, or leave it to without"
            )
        if self._drafts:
            return f"the prompt {shown!r} has no sound before the end of the clip: {'; '.join(self._ignored)}"
        words = " ".join(stems_of(text))
        near = embedding.nearest(text) or nearest_names(words, all_sounds())
        return f"nothing in the prompt {shown!r} names a sound in English; the nearest are {', '.join(near)}"


def _groups(items: Sequence[Item]) -> list[list[Item]]:
    """Items between links, and the links alone."""
    found: list[list[Item]] = []
    for item in items:
        if item.kind == "link" or not found or found[-1][0].kind == "link":
            found.append([item])
        else:
            found[-1].append(item)
    return found


def _without_verbs(items: Sequence[Item]) -> list[Item]:
    """Without what only says how a named source sounds: "a roaring waterfall" is no lion."""
    sounds = [item for item in items if item.kind == "sound"]
    verbs = [item for item in sounds if len(stems_of(item.text)) == 1 and stems_of(item.text)[0] in VERBS]
    if len(verbs) == len(sounds):
        verbs = verbs[1:]
    return [item for item in items if item not in verbs]


def _follows(item: Item) -> bool:
    """Whether an item belongs to the sound before it, where one is on both sides."""
    if item.kind == "modifier":
        return item.modifier is not None and item.modifier.after
    return item.kind in ("knob", "measure")
