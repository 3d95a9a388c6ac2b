"""The catalogue of sounds, and how a prompt is understood."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from synth.options import MAX_PROMPT_CHARS, MAX_SEED
from synth.voices.ambient.catalogue.entry import CUES, FAMILIES
from web.api.schemas.base import Empty, OneOf, Shape
from web.api.schemas.takes import SoundLayer

LONGEST_PREVIEW_S: Final = 6.0
FamilyName = Annotated[str, OneOf(FAMILIES)]


class SoundKnob(Shape):
    """A property of a sound that may be set."""

    low: float
    default: float
    high: float
    unit: str
    meaning: str
    driven_by: Annotated[str, OneOf(CUES)] | None = Field(description="What of a picture turns it.")


class CatalogueSound(Shape):
    """A sound of the catalogue."""

    name: str
    audioset: list[str] = Field(description="AudioSet's display names, best first.")
    engine: Annotated[str, OneOf(("computed", "learnt", "recorded", "mixed"))]
    knobs: dict[str, SoundKnob]
    family: FamilyName
    singular: str
    plural: str
    phrases: list[str]
    together: list[str] = Field(description="Sounds, or families, that it may be heard with.")


class CatalogueSounds(Shape):
    """All of them."""

    sounds: list[CatalogueSound]


class SoundsQuery(Shape):
    """Which sounds."""

    family: FamilyName | Empty = ""


class PreviewQuery(Shape):
    """What a preview is of; any other parameter is a knob of the sound."""

    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | Empty = 0
    duration_s: Annotated[float, Field(ge=0.1, le=LONGEST_PREVIEW_S)] | Empty = 4.0


class ParseQuery(Shape):
    """A prompt, and what may not be heard."""

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS)
    without: str = Field("", max_length=MAX_PROMPT_CHARS)


class PromptParse(Shape):
    """How a prompt was understood."""

    layers: list[SoundLayer]
    ignored: list[str] = Field(description="Words that count for nothing, each with the reason.")
    told: str = Field(description="The same as a prompt with exact names and values, to be edited and sent.")
    excluded: list[str] = Field(description="Sounds that the prompt itself rules out.")
    notes: list[str] = Field(description="What was read as something else, or held to its range.")
