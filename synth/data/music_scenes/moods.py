"""What a piece of music is like, and what a video is like that goes with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mood:
    """What a piece of music is like.

    Attributes:
        tempo_bpm: 60 to 176.
        energy: 0..1: loud drums, bright timbre.
        density: 0..1: how many notes.
        minor: the mode.
        key: of the tonic, 0 for C.
        instrument: one of :data:`INSTRUMENTS`.
        seed: of all that is composed and played.
    """

    tempo_bpm: float
    energy: float
    density: float
    minor: bool
    key: int
    instrument: str
    seed: int

    @property
    def pace(self) -> float:
        """The tempo, 0..1."""
        return (self.tempo_bpm - 60) / 116


@dataclass(frozen=True)
class Look:
    """What a "music video" is like; all 0..1 but where said otherwise.

    Attributes:
        pace: of cuts and of what moves.
        energy: brightness, contrast and size of the motion.
        density: how much there is to see.
        warm: which colours.
        drawing: one of :data:`DRAWINGS`.
        tempo_bpm: of the beat that the picture moves to.
        seed: of all that is drawn.
    """

    pace: float
    energy: float
    density: float
    warm: bool
    drawing: str
    tempo_bpm: float
    seed: int

    @property
    def shot_s(self) -> float:
        """How long a shot lasts: sixteen beats where nothing hurries, two where all does."""
        return 60 / self.tempo_bpm * 2.0 ** (1 + round(3 * (1 - (self.pace + self.energy) / 2)))
