"""A clip with sound as every corpus yields it: where its files are, when things are struck, whom it must not meet.

Importable without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LabelledHit:
    """One contact: when it begins, on what, and how. ``None`` where the annotator did not say."""

    time_s: float
    material: str | None = None
    action: str | None = None


@dataclass(frozen=True)
class Clip:
    """A video with its natural sound.

    Attributes:
        name: unique within its corpus.
        group: the source recording; clips of one group never stand on both sides of a split.
        video: the file with the picture.
        hits: contacts in order of time, measured from the first frame; ``None`` where nobody labelled them.
        sound: a file with the sound; ``None`` when it lies inside ``video``.
    """

    name: str
    group: str
    video: Path
    hits: tuple[LabelledHit, ...] | None
    sound: Path | None = None

    @property
    def sound_path(self) -> Path:
        """The file that the sound is read from."""
        return self.sound or self.video
