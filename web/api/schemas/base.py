"""What all shapes are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Shape(BaseModel):
    """A JSON object with exactly these members; those without a default are always there."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class OneOf:
    """Annotates text that is one of a few words, which are known when the program starts."""

    values: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.values))


@dataclass(frozen=True)
class Formatted:
    """Annotates text that has a format of JSON Schema's."""

    name: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "format": self.name}


Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Moment = Annotated[str, Formatted("date-time")]
Links = dict[str, Annotated[str, Formatted("uri-reference")]]
Empty = Literal[""]
"""In a form: a field that is there and counts as left out."""
Switch = OneOf(("true", "false", "True", "False", "1", "0", "on", "off", "yes", "no"))
"""Annotates a switch of a form or a query, where all is text."""
