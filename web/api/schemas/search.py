"""What the search is asked, and what it answers."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from synth.description.description import SPACES, Side
from web.api import search_service as finding
from web.api.schemas.base import Count, Empty, Links, OneOf, Shape
from web.api.schemas.takes import Tag

_SIDES: Final = tuple(side.value for side in Side)
SideName = Annotated[str, OneOf((finding.ANY, *_SIDES))]
SpaceName = Annotated[str, OneOf(tuple(sorted(SPACES, key=lambda name: name != "crossmodal")))]
Cosine = Annotated[float, Field(ge=-1, le=1)]
Limit = Annotated[int, Field(ge=1, le=finding.MAX_LIMIT)]


class How(Shape):
    """How to search."""

    by: SideName | Empty = Field(finding.ANY, description="What of the query counts.")
    find: SideName | Empty = Field(finding.ANY, description="What is compared with it; `any`: whichever is nearer.")
    space: SpaceName | Empty = Field("crossmodal", description="Which embedding.")
    limit: Limit | Empty = finding.DEFAULT_LIMIT
    least: Cosine | Empty | None = Field(
        None, description="Cosine from which on a result is near enough; by default as was measured for the space."
    )

    def fields(self) -> dict[str, str]:
        """What was given, as text."""
        return {name: str(value) for name, value in self.model_dump(exclude_unset=True).items() if value is not None}


class SearchQuery(How):
    """A search without a file: by words, or like a job."""

    q: str | None = Field(None, max_length=finding.MAX_WORDS, description="Words; or else:")
    job: str | None = Field(None, description="A job of yours to find the like of.")
    take: Count | Empty | None = Field(None, description="Which of its takes; the first by default.")


class SearchUpload(How):
    """A picture, a sound or a clip to search with."""


class Searched(Shape):
    """What was searched with."""

    kind: Annotated[str, OneOf(("words", "job", "picture", "sound", "clip"))]
    words: str = ""
    job: str = ""
    take: Count = 0
    title: str = Field("", description="Of the job or the file.")
    by: SideName = finding.ANY
    find: SideName = finding.ANY
    space: SpaceName = "crossmodal"
    limit: Limit
    least: Cosine = Field(-1.0, description="Cosine from which on a result was near enough.")
    did_you_mean: str | None = Field(None, description="Words that find something, where those that were asked do not.")


class SearchResult(Shape):
    """The take of a job that fits best; each job comes once."""

    job: str
    take: Count
    score: float = Field(ge=-1, le=1, description="Cosine of query and match; of words their mean weight, 0..1.")
    matched: Annotated[str, OneOf((*_SIDES, "words"))]
    words: list[str] = Field(description="Those of the query that found it.")
    title: str
    mode: str
    duration_s: float
    sound_class: str | None
    tags: list[Tag]
    links: Links


class Search(Shape):
    """What was found."""

    query: Searched
    results: list[SearchResult]
