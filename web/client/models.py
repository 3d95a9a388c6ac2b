"""Answers of the API as the shapes that its own document is made from, forgiving to members of newer servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from web.api.schemas.base import Shape
from web.api.schemas.jobs import Batch as Batch
from web.api.schemas.jobs import BatchCreated as BatchCreated
from web.api.schemas.jobs import Job as Job
from web.api.schemas.uploads import ResumableUpload as ResumableUpload

S = TypeVar("S", bound=Shape)


def model(shape: type[S], answer: Mapping[str, Any]) -> S:
    """An answer as a model. Raises pydantic's ValidationError where a member that is needed is missing."""
    return shape.model_validate(dict(answer), extra="ignore")
