"""A box around a thing in a picture, in fractions of the picture; no files, no networks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A thing at a known place, in fractions of the picture, 0..1 from its left and its top.

    Attributes:
        label: what it is.
        sounding: whether it is heard.
    """

    label: str
    sounding: bool
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom
