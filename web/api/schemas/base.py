"""What all shapes are made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema


class Shape(BaseModel):
    """A JSON object with exactly these members; those without a default are always there."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def shape_of(name: str, about: str, kind: type, told: Mapping[str, str], *, always: bool = False) -> Any:
    """A shape with the members of a dataclass of ours, which are so written down once.

    A name that only steps aside for a built-in one, such as ``bytes_``, loses its underscore; a tuple is a list.

    Args:
        name, about: what the document calls the shape, and says of it.
        kind: the dataclass.
        told: what it says of members.
        always: whether those with a default are always there too.
    """
    hints = get_type_hints(kind)
    members: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        member, hint, default = field.name.rstrip("_"), hints[field.name], field.default
        required = always or default is dataclasses.MISSING
        if get_origin(hint) is tuple:
            hint = list[get_args(hint)[0]]  # type: ignore[misc]
            default = [] if default == () else default
        members[member] = (hint, Field(... if required else default, description=told.get(member)))
    return create_model(name, __base__=Shape, __doc__=about, **members)


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


@dataclass(frozen=True)
class Documented:
    """Annotates an object that is checked later, by a shape: the document has it as that shape."""

    shape: type[BaseModel]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(self.shape.__pydantic_core_schema__)


FROM_SETTING: Final = "x-sonorize-setting"
"""In a schema: which setting of a server says more of it. The document of a server has that instead."""


class Setting(StrEnum):
    """What a server's settings say of values that it takes."""

    MAX_BYTES = "max_bytes"
    KEEP_DAYS = "keep_days"
    WEBHOOK = "webhook"
    WEBHOOK_OR_NONE = "webhook_or_none"


def by_setting(setting: Setting) -> dict[str, Any]:
    """What a schema holds in whose place the document says what a setting says."""
    return {FROM_SETTING: setting.value}


KeepDays = Annotated[float, Field(gt=0, le=36500, json_schema_extra=by_setting(Setting.KEEP_DAYS))]
"""For how many days files are kept."""
DURATION: Final = r"([0-9]{1,7}(?:\.[0-9]{1,3})?) ?([smh]?)"
"""A length of time, its number and its unit: seconds, or 90s, 5m, 1h."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
LARGEST = 2**31 - 1
Number = Annotated[int, Field(ge=0, le=LARGEST)]
"""What is numbered from 0 on and looked up in the database, whose integers end."""
Moment = Annotated[str, Formatted("date-time")]
Links = dict[str, Annotated[str, Formatted("uri-reference")]]
Empty = Literal[""]
"""In a form: a field that is there and counts as left out."""
Switch = OneOf(("true", "false", "True", "False", "1", "0", "on", "off", "yes", "no"))
"""Annotates a switch of a form or a query, where all is text."""
