"""What every corpus yields: one clip and the hits that are labelled in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LabelledHit:
    """One contact of the stick with something, as a person or the simulator wrote it down.

    Attributes:
        time_s: when the contact begins, in seconds from the first frame of the clip.
        material: one of :data:`synth.materials.MATERIALS`, or ``None`` where nobody named it.
        action: ``"hit"`` or ``"scratch"``, or ``None`` where nobody named it.
    """

    time_s: float
    material: str | None = None
    action: str | None = None


@dataclass(frozen=True)
class Clip:
    """A piece of video with or without labels.

    Attributes:
        name: unique within its corpus.
        group: the source video; clips of one group never lie on both sides of a split.
        video: the media file with the picture.
        hits: sorted by time; ``None`` means that nobody labelled the clip, an empty tuple that it holds no hit.
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
