"""What an ambient sound is made of: up to a few layers of the catalogue, asked for in words or read off the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Layer:
    """One sound of the catalogue in a mix.

    Attributes:
        sound: its name in the catalogue.
        knobs: knob -> value in the knob's own unit, for those that are fixed; the picture may drive the others.
        start_s: when it begins, from the picture's start; ``None`` is the start.
        end_s: when it ends; ``None`` is the end.
        level_db: against the level that the sound has by itself in the mix; 0 leaves it.
        pan: -1 (left) .. 1 (right); ``None`` lets the picture decide.
    """

    sound: str
    knobs: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    start_s: float | None = None
    end_s: float | None = None
    level_db: float = 0.0
    pan: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "sound": self.sound,
            "knobs": {name: round(value, 6) for name, value in self.knobs.items()},
            "start_s": None if self.start_s is None else round(self.start_s, 3),
            "end_s": None if self.end_s is None else round(self.end_s, 3),
            "level_db": round(self.level_db, 2),
            "pan": None if self.pan is None else round(self.pan, 3),
        }


@dataclass(frozen=True)
class Candidate:
    """A sound that the picture may want.

    Attributes:
        name: in the catalogue.
        evidence: how much of what is seen speaks for it, 0..1.
        reason: in words.
    """

    name: str
    evidence: float
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"name": self.name, "evidence": round(self.evidence, 4), "reason": self.reason}
