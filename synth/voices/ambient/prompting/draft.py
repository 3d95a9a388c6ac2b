"""A layer that is being put together from words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from synth.errors import OptionError
from synth.nearest_names import nearest_names
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.registry import sound_class
from synth.voices.ambient.layers import Layer
from synth.voices.ambient.prompting.knob_words import (
    DIMENSIONS,
    LEVEL_RANGE_DB,
    Modifier,
    knob_of,
    neat,
    placed,
    turned,
)
from synth.voices.ambient.prompting.lexicon import lexicon
from synth.voices.ambient.prompting.quantities import in_unit_of, measure_of
from synth.voices.ambient.prompting.reading import Item
from synth.voices.ambient.prompting.tokens import stems_of

_FAR_DB: Final = -7.0
"""What is as far away as can be is also that much quieter than the catalogue makes it."""
_LEVEL_OF_INTENSITY_DB: Final = 6.0
_COUNTS: Final = ("people", "frogs", "crickets", "bees", "pins", "tubes", "shards", "cylinders", "blades")


class Draft:
    """One sound, and what was said of it so far.

    Args:
        sound: which one.
        words: how it was named.
        ignored, notes: where to say what counts for nothing, and what was read as something else.
    """

    def __init__(self, sound: SoundClass, words: str, ignored: list[str], notes: list[str]) -> None:
        self.sound = sound
        self.words = words
        self.start_s: float | None = None
        self.end_s: float | None = None
        self._ignored, self._notes = ignored, notes
        self._knobs: dict[str, float] = {}
        self._level_db = 0.0
        self._pan: float | None = None
        said = stems_of(words)
        self._stands = any(
            stem in grounds
            for base, grounds in lexicon().surfaces.items()
            if sound.name.startswith(base)
            for stem in said
        )  # its words name the ground already
        self._said: dict[str, tuple[str, Modifier]] = {}

    def layer(self) -> Layer:
        """The layer as it stands."""
        return Layer(
            self.sound.name,
            MappingProxyType(
                {knob.name: self._knobs[knob.name] for knob in self.sound.knobs if knob.name in self._knobs}
            ),
            self.start_s,
            self.end_s,
            self._level_db,
            self._pan,
        )

    def apply(self, items: Iterable[Item]) -> None:
        """Take in what is said of it: the ground first, since it decides the sound and so its knobs.

        Raises:
            OptionError: a knob that it has not, or a value that is not allowed.
        """
        items = list(items)
        for item in items:
            if item.kind == "surface":
                self._stand_on(item)
        for item in items:
            if item.kind == "modifier" and item.modifier is not None:
                self._modify(item.text, item.modifier)
            elif item.kind == "knob":
                self._set(item)
            elif item.kind == "measure":
                self._measure(item)
            elif item.kind == "count":
                self._count(item)

    def _stand_on(self, item: Item) -> None:
        """The first ground counts: metal stairs are of metal."""
        if self._stands:
            return
        for base, grounds in lexicon().surfaces.items():
            if self.sound.name.startswith(base) and item.name in grounds:
                self.sound, self._stands = sound_class(grounds[item.name]), True
                return
        self._ignored.append(f"{item.text} ({self.sound.name} has no ground)")

    def _modify(self, text: str, modifier: Modifier) -> None:
        before = self._said.get(modifier.dimension)
        if before is not None and before[1].amount * modifier.amount < 0:
            self._ignored.append(f"{before[0]} (contradicts {text})")
        elif before is not None and abs(before[1].amount) >= abs(modifier.amount):
            return
        if self._turn(modifier):
            self._said[modifier.dimension] = (text, modifier)
        else:
            self._ignored.append(f"{text} ({self.sound.name} has no knob for {modifier.dimension})")

    def _turn(self, modifier: Modifier) -> bool:
        amount = modifier.amount
        if modifier.dimension == "level":
            self._level_db = _level(amount)
            return True
        if modifier.dimension == "pan":
            self._pan = amount
            return True
        found = knob_of(self.sound, modifier.dimension)
        if found is not None:
            knob, way = found
            self._knobs[knob.name] = turned(knob, way * amount)
        if modifier.dimension == "distance":
            self._level_db = _level((1.0 if found else 1.6) * _FAR_DB * amount if amount > 0 else -3 * amount)
            return True
        if found is None and modifier.dimension == "intensity":
            self._level_db = _level(_LEVEL_OF_INTENSITY_DB * amount)
            return True
        return found is not None

    def _set(self, item: Item) -> None:
        if item.name in ("level", "level_db", "volume"):
            self._level_db = _in_range("level_db", item.value, *LEVEL_RANGE_DB)
            return
        if item.name == "pan":
            self._pan = _in_range("pan", item.value, -1.0, 1.0)
            return
        knob, is_exact = self._knob(item.name)
        value = item.value
        if item.unit:
            converted = in_unit_of(knob.unit, value, item.unit)
            if converted is None:
                raise OptionError(
                    f"{knob.name} of {self.sound.name} is given in {item.unit}; its unit is {knob.unit or 'none'}"
                )
            value = float(f"{converted:.6g}")
        elif not is_exact and 0 <= value <= 1 and not knob.low <= value <= knob.high:
            value = placed(knob, value)  # "intensity .9" of a knob that counts drops
        self._knobs.update({knob.name: self.sound.settings({knob.name: value})[knob.name]})

    def _knob(self, name: str) -> tuple[Knob, bool]:
        """The knob of that name, of its beginning ("distance"), or that such a word turns; and whether it is exact."""
        for knob in self.sound.knobs:
            if knob.name == name:
                return knob, True
        for knob in self.sound.knobs:
            if knob.name.startswith(f"{name}_"):
                return knob, False
        found = knob_of(self.sound, name) if name in DIMENSIONS else None
        if found is not None and found[1] > 0:
            return found[0], False
        names = [*(knob.name for knob in self.sound.knobs), "level_db", "pan"]
        near = ", ".join(nearest_names(name, names))
        raise OptionError(f"{self.sound.name} has no knob {name!r}; the nearest are {near}")

    def _measure(self, item: Item) -> None:
        measure = measure_of(item.unit)
        if measure == "level":
            self._level_db = _level(item.value)
            return
        fitting = [knob for knob in self.sound.knobs if self._fits(knob, item)]
        fitting.sort(key=lambda knob: knob.name != "distance_m")
        if fitting:
            knob = fitting[0]
            value = in_unit_of(knob.unit, item.value, item.unit)
            assert value is not None
            held = neat(knob, value)
            if not knob.low <= value <= knob.high:
                self._notes.append(
                    f"{item.text} was held to {held:g} {knob.unit}, the {knob.name} of {self.sound.name}"
                )
            self._knobs[knob.name] = held
        elif measure == "length" and item.value > 0:
            metres = in_unit_of("m", item.value, item.unit) or 1.0
            self._level_db = _level(-min(20.0, max(-3.0, 10 * math.log10(metres / 5))))
        else:
            self._ignored.append(f"{item.text} ({self.sound.name} has no such knob)")

    def _fits(self, knob: Knob, item: Item) -> bool:
        per_second = item.unit == "pers"
        if knob.unit in ("Hz", "1/s") and per_second != (knob.unit == "1/s"):
            return False
        return bool(knob.unit) and in_unit_of(knob.unit, item.value, item.unit) is not None

    def _count(self, item: Item) -> None:
        knob = next((knob for knob in self.sound.knobs if knob.name in _COUNTS), None)
        if knob is not None:
            self._knobs[knob.name] = neat(knob, item.value)
        elif item.value > 1 and self._turn(Modifier("count", 0.35)):
            return
        else:
            self._ignored.append(f"{item.text} ({self.sound.name} has no knob for how many)")


def _level(value_db: float) -> float:
    return round(min(LEVEL_RANGE_DB[1], max(LEVEL_RANGE_DB[0], value_db)), 1)


def _in_range(name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise OptionError(f"{name} is {value:g}; allowed is {low:g} to {high:g}")
    return round(value, 2)
