"""What the catalogue says of one sound: its names, what people and pictures call it, its knobs and its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, get_args

from synth.errors import OptionError
from synth.nearest_names import nearest_names
from synth.voices.ambient.catalogue.performance import Source

Cue = Literal["activity", "onsets", "area", "position", "approach"]
"""What a picture can drive a knob by: how much moves, when things strike, how large the source is in the frame, where
it is (0 left .. 1 right), and whether it comes nearer (the growth of its area)."""

Family = Literal["nature", "foley", "machines", "traffic", "animals", "people", "music"]
Engine = Literal["computed", "learnt", "recorded", "mixed"]

CUES: Final[tuple[str, ...]] = get_args(Cue)
FAMILIES: Final[tuple[str, ...]] = get_args(Family)


@dataclass(frozen=True)
class Knob:
    """One property of a sound that may be set, or follow a curve.

    Attributes:
        name: a Python name with its unit (``drops_per_s``, ``distance_m``, ``roar_ratio``).
        low, default, high: the allowed range, both ends included.
        unit: as it is shown (``Hz``, ``m``, ``1/s``; empty for a ratio).
        meaning: one phrase for people.
    """

    name: str
    low: float
    default: float
    high: float
    unit: str
    meaning: str

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"the knob's name {self.name!r} is no Python name")
        if not self.low <= self.default <= self.high or self.low == self.high:
            raise ValueError(f"knob {self.name} has the range {self.low}..{self.high} and the default {self.default}")


@dataclass(frozen=True, kw_only=True)
class SoundClass:
    """One sound of the catalogue.

    Attributes:
        name: in lower case with underscores; what ``sonorize sounds make`` takes.
        audioset: AudioSet's display names for it, best first (those of YAMNet's 521 classes).
        singular, plural: words for people ("a barking dog", "barking dogs").
        phrases: what people write in a prompt ("heavy rain", "downpour").
        imagenet: names out of :data:`synth.models.vocabulary.imagenet.NAMES` that speak for this sound.
        imagenet_against: ImageNet words that speak against it.
        family: the folder that it lies in.
        engine: what makes it.
        knobs: in the order in which they are shown.
        drives: knob -> the cue of a picture that turns it from ``low`` to ``high``.
        impacts: its events are single impacts, short and without a note, whose sound is that of what is struck; where
            the hits voice sees them clearly it sounds them in time (:mod:`synth.routing.router`).
        worked: it sounds only while somebody does something that can be seen: not before anything moves.
        together: names of sounds, or of families, that it may be heard with.
        source: what makes the samples.
    """

    name: str
    audioset: tuple[str, ...]
    singular: str
    plural: str
    phrases: tuple[str, ...]
    family: Family
    source: Source
    knobs: tuple[Knob, ...] = ()
    imagenet: tuple[str, ...] = ()
    imagenet_against: tuple[str, ...] = ()
    engine: Engine = "computed"
    drives: Mapping[str, Cue] = field(default_factory=lambda: MappingProxyType({}))
    impacts: bool = False
    worked: bool = False
    together: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [knob.name for knob in self.knobs]
        if len(set(names)) < len(names):
            raise ValueError(f"{self.name} has two knobs of one name: {', '.join(names)}")
        for knob, cue in self.drives.items():
            if knob not in names or cue not in CUES:
                raise ValueError(f"{self.name} lets {cue!r} drive {knob!r}; its knobs are {', '.join(names)}")
        if self.family not in FAMILIES:
            raise ValueError(f"{self.name} is of the family {self.family!r}; allowed is {', '.join(FAMILIES)}")

    def knob(self, name: str) -> Knob:
        """The knob of that name.

        Raises:
            OptionError: there is none; the message names the nearest.
        """
        for knob in self.knobs:
            if knob.name == name:
                return knob
        names = [knob.name for knob in self.knobs]
        hint = f"the nearest are {', '.join(nearest_names(name, names))}" if names else "it has none"
        raise OptionError(f"{self.name} has no knob {name!r}; {hint}")

    def settings(self, given: Mapping[str, float] = MappingProxyType({})) -> dict[str, float]:
        """All knobs' values: those given, and the defaults of the others.

        Raises:
            OptionError: an unknown knob, or a value outside its range.
        """
        values = {knob.name: knob.default for knob in self.knobs}
        for name, value in given.items():
            knob = self.knob(name)
            if not knob.low <= value <= knob.high:
                unit = f" {knob.unit}" if knob.unit else ""
                raise OptionError(f"{name} of {self.name} is {value:g}; allowed is {knob.low:g} to {knob.high:g}{unit}")
            values[name] = float(value)
        return values
