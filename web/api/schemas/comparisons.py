"""Real or generated: what is allowed, what is voted on, what came of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from web.api.schemas.base import Count, Fraction, Links, OneOf, Shape

Status = Annotated[str, OneOf(("not_allowed", "preparing", "ready", "failed"))]


class Permission(Shape):
    """Whether people may compare a job's sound with the clip's own."""

    allowed: bool
    status: Status
    problem: str | None = Field(description="Why the two cannot be put side by side.")


class Allow(Shape):
    """The owner's word; without one it is no."""

    allowed: bool


class Pair(Shape):
    """Two clips with the same picture. One has its real sound."""

    pair: str = Field(description="Names it in the vote.")
    mode: str
    links: Links = Field(description="`left` and `right`: the two videos.")


class NextPair(Shape):
    """What to listen to."""

    pair: Pair | None = Field(description="Null when you have heard them all.")


class Vote(Shape):
    """Which of the two has its real sound."""

    pair: str = Field(min_length=1, max_length=500)
    real: Annotated[str, OneOf(("left", "right"))]


class Voted(Shape):
    """What it was."""

    right: bool
    real: Annotated[str, OneOf(("left", "right"))]
    check: bool = Field(description="Whether it was an attention check: a pair that nobody who listens gets wrong.")


class Interval(Shape):
    """95 %, by Wilson's score."""

    low: Fraction
    high: Fraction


class Rate(Shape):
    """Of one voice and release: how often the generated sound was taken for the real one."""

    mode: str
    release: str
    votes: Count
    fooled: Count
    rate: Fraction
    interval: Interval


class Rates(Shape):
    """What all votes say that count."""

    chance: Fraction = Field(description="What somebody reaches who cannot tell them apart: the ceiling.")
    rates: list[Rate]
    left_out: Count = Field(description="Votes of those who failed an attention check, or met none yet.")
