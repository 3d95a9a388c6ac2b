"""Which note comes next: phrases drawn once for a performance, so that a note is known by its number alone.

A phrase is a random walk on a scale over a fixed count of steps that then repeats with new accents; nothing is quoted
from anybody's tune.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

SCALES: Final = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9))
"""Major, minor and pentatonic, in semitones over the root."""

CHORDS: Final = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (-3, 0, 4), (2, 5, 9))
"""Triads of a major key, in semitones over its root."""

_STEPS: Final = 48
_TIED = 0.2  # of the steps that hold the note before them


def midi_hz(midi: float) -> float:
    """Frequency of a MIDI note, equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))


@dataclass(frozen=True, slots=True)
class Note:
    """A note: ``midi`` number, ``steps`` it lasts (0: the note before it is held on), ``level`` 0 to 1."""

    midi: float
    steps: int
    level: float


@dataclass(frozen=True, slots=True)
class Phrase:
    """Pitches and accents of a repeating phrase."""

    midi: tuple[float, ...]
    tied: tuple[bool, ...]
    level: tuple[float, ...]
    root: int

    @classmethod
    def drawn(cls, body: np.random.Generator, low: float, high: float, leap: int = 2, scales: int = 2) -> Phrase:
        """A random walk between the MIDI notes ``low`` and ``high``, by steps or ``leap`` steps of a scale.

        Args:
            body: the performance's own generator; the same one gives the same phrase.
            low, high: the range, both ends included.
            leap: the widest step.
            scales: from how many of :data:`SCALES` to choose.
        """
        scale, root = SCALES[int(body.integers(scales))], int(body.integers(12))
        pool = [m for m in range(int(np.ceil(low)), int(high) + 1) if (m - root) % 12 in scale]
        at = int(np.clip(len(pool) // 2 + body.integers(-2, 3), 0, len(pool) - 1))
        midi = []
        for step in body.choice([-leap, -1, -1, 1, 1, leap], _STEPS):
            midi.append(float(pool[at]))
            at = int(np.clip(at + step, 0, len(pool) - 1))
        tied = body.random(_STEPS) < _TIED
        tied[0] = False
        return cls(tuple(midi), tuple(bool(t) for t in tied), tuple(body.uniform(0.7, 1.0, _STEPS)), root)

    def note(self, index: int) -> Note:
        """The note that stands at step ``index``, 0 or more."""
        at = index % _STEPS
        if self.tied[at]:
            return Note(self.midi[at], 0, 0.0)
        steps = 1
        while self.tied[(at + steps) % _STEPS]:
            steps += 1
        return Note(self.midi[at], steps, self.level[at])
