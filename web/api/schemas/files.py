"""What is asked of files that go out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from web.api.representations import METHODS
from web.api.schemas.base import OneOf, Shape


class Download(Shape):
    """How a file is sent."""

    download: str | None = Field(None, description="Present: send it as a file to keep.")


class HeatMapQuery(Download):
    """Which maps are drawn."""

    method: Annotated[str, OneOf(tuple(METHODS))] = next(iter(METHODS))
