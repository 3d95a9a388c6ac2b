"""Music for a result, and the boxes that people draw on its picture."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from synth.media.sound.bed import LEVEL_RANGE_LUFS, Bed
from web.api.schemas.base import Count, Empty, Fraction, Links, OneOf, Seconds, Shape, Switch

Level = Annotated[float, Field(ge=LEVEL_RANGE_LUFS[0], le=LEVEL_RANGE_LUFS[1])]
PATH = "Of the track, inside the server's folder of music."


class Track(Shape):
    """A piece of music that was suggested."""

    path: str = Field(description=PATH)
    title: str
    author: str | None
    licence: str
    duration_s: float
    tempo_bpm: float
    score: float = Field(ge=-1.001, le=1.001, description="How well it fits.")
    links: Links


class LaidMusic(Shape):
    """Music that lies under a sound."""

    of: str = Field(description="The job under whose take it was laid.")
    take: int
    track: str = Field(description=PATH)
    level_lufs: float
    title: str | None
    author: str | None
    licence: str | None


class Music(Shape):
    """Music out of the server's own folder that fits the clip, and that which lies under the sound."""

    suggestions: list[Track]
    reason: str | None = Field(description="Why nothing was suggested.")
    laid: LaidMusic | None


class LayMusic(Shape):
    """A track to lay under a take; the sound keeps its level."""

    track: str = Field(min_length=1, description=PATH)
    level_lufs: Level | Empty = Bed().level_lufs
    take: Count | Empty = Field("", description="The first by default.")


class Box(Shape):
    """Where a person says that a job's sound comes from."""

    id: str
    job_id: str
    time_s: Seconds = Field(description="Of the picture.")
    visible: bool = Field(description="False: what sounds is not in the picture.")
    left: Fraction | None = Field(description="Of the picture; null where nothing is visible: the left edge.")
    top: Fraction | None
    right: Fraction | None
    bottom: Fraction | None
    annotator: str


class Boxes(Shape):
    """The boxes of a job."""

    boxes: list[Box]


class NewBox(Shape):
    """A moment, and a rectangle or that nothing visible sounds. The rectangle's right is right of its left, by half a
    hundredth of the picture at least; so is its bottom below its top.
    """

    time_s: Seconds = Field(description="Of the picture.")
    visible: bool | Annotated[str, Switch] = Field(True, description="False: what sounds is not in the picture.")
    left: Fraction | None = Field(None, description="Fraction of the picture; needed where something is visible.")
    top: Fraction | None = None
    right: Fraction | None = None
    bottom: Fraction | None = None


class Format(Shape):
    """How boxes are written down."""

    format: Annotated[str, OneOf(("json", "csv"))] = "json"
    download: str | None = Field(None, description="Present: send it as a file to keep.")
