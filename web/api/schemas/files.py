"""What is asked of files that go out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from web.api.representations import METHODS
from web.api.schemas.base import Formatted, Fraction, OneOf, Shape


class Download(Shape):
    """How a file is sent."""

    download: str | None = Field(None, description="Present: send it as a file to keep.")


class HeatMapChoice(Shape):
    """Which maps are drawn."""

    method: Annotated[str, OneOf(tuple(METHODS))] = next(iter(METHODS))


class HeatMapQuery(HeatMapChoice, Download):
    """Which maps are drawn, and how the file is sent."""


class Drawing(Shape):
    """How far a video of a take's maps is."""

    status: Annotated[str, OneOf(("none", "waiting", "drawing", "drawn", "failed"))]
    fraction: Fraction
    eta_s: float | None = Field(description="Seconds until it should be there; null where that is not known.")
    detail: str | None = Field(description="Why it could not be drawn.")
    video: Annotated[str, Formatted("uri-reference")] | None = Field(description="Where it is, once it is drawn.")
