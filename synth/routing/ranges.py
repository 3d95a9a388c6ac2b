"""A stretch of a clip and its voice. Plain values; nothing is looked at here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from synth.options import Mode

RANGE_STEM: Final = "range-"
"""Before the number of a range, from 1: the name of its part of the sound."""


@dataclass(frozen=True)
class Range:
    """A stretch of a clip and the voice that it wants.

    Attributes:
        start_s, end_s: from the picture's start; ranges follow each other without a gap, from 0 to its end.
        mode: never ``auto``.
        probability: of that voice, 0..1.
        reason: in words.
    """

    start_s: float
    end_s: float
    mode: Mode
    probability: float
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "start_s": round(self.start_s, 3),
            "end_s": round(self.end_s, 3),
            "mode": self.mode.value,
            "probability": round(self.probability, 4),
            "reason": self.reason,
        }
