"""Lists of jobs, what is changed of one, and links for people without a key."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from synth.options import Mode
from web.api.schemas.base import Count, Empty, Formatted, Fraction, KeepDays, Moment, OneOf, Shape, Switch
from web.api.schemas.jobs import JOB_ID, JobError, JobsOfBatchQuery, StateName
from web.uploads.titles import TITLE_LENGTH
from workers.gallery.listing import Sort
from workers.gallery.shares import LONGEST_S, SHORTEST_S, USUAL_S

LIVE_AT_MOST = 200


class ListQuery(JobsOfBatchQuery):
    """Which jobs, in which order."""

    voice: Annotated[str, OneOf(tuple(Mode))] | None = Field(None, description="That a take was made with.")
    sound: str | None = Field(None, max_length=64, description="A sound's class that is heard in a take.")
    material: str | None = Field(None, max_length=64, description="That is hit in a take.")
    texture: int | None = Field(None, ge=0, le=9999, description="Kind of texture of the take that fits best.")
    favourite: Annotated[str, Switch] | None = Field(None, description="`true` for favourites only.")
    sort: Annotated[str, OneOf(tuple(Sort))] = "newest"
    day: date | None = Field(None, description="Made on that day (UTC) or before.")


class Change(Shape):
    """What is to change of a job."""

    title: str | None = Field(None, min_length=1, max_length=TITLE_LENGTH)
    favourite: bool | None = None
    keep_days: KeepDays | None = Field(
        None, description="How long its files are kept from now; null: as you or the server have set for all your jobs."
    )


class ShareForm(Shape):
    """How long a link is good."""

    lives_s: int = Field(USUAL_S, ge=SHORTEST_S, le=LONGEST_S)


class Share(Shape):
    """A link by which people without a key see one result."""

    id: str
    created_at: Moment
    expires_at: Moment


class NewShare(Share):
    """A link that was just made; its address is told only now."""

    url: Annotated[str, Formatted("uri")]


class SharesOfJob(Shape):
    """The links that are good, the newest first."""

    shares: list[Share]


class LiveQuery(Shape):
    """Whose states."""

    ids: str = Field(
        "", pattern=rf"^({JOB_ID}(,{JOB_ID}){{0,{LIVE_AT_MOST - 1}}})?$", description="Jobs, separated by commas."
    )
    batch_id: Annotated[str, Field(pattern=f"^{JOB_ID}$")] | Empty = ""
    newer_than: Annotated[str, Field(pattern=f"^{JOB_ID}$")] | Empty = Field(
        "", description="Count the jobs that were made after this one."
    )


class JobState(Shape):
    """Where a job stands."""

    id: str
    status: StateName
    stage: str | None
    fraction: Fraction
    position: Count | None = Field(description="Among the waiting jobs of its mode; null unless it waits.")
    eta_s: float | None
    workers: Count | None = Field(description="Workers that are there; null unless it waits.")
    cancel_requested: bool
    error: JobError | None


class States(Shape):
    """Where several jobs stand; those that are missing are gone."""

    jobs: list[JobState]
    newer: Count
