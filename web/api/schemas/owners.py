"""Owners, their keys, and what administrators make and change."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from web.api.schemas.base import Count, KeepDays, Moment, OneOf, Seconds, Shape
from workers.owners.keys import LABEL_LENGTH, Scope
from workers.owners.quotas import LEAST_WEIGHT

ScopeName = Annotated[str, OneOf(tuple(Scope))]
OwnerName = Annotated[str, Field(pattern="^[A-Za-z0-9._-]{1,64}$")]
Days = Annotated[float, Field(gt=0, le=36500)]


class ApiKey(Shape):
    """A key, without its secret."""

    id: str
    owner: str
    label: str
    scopes: list[ScopeName]
    active: bool = Field(description="Whether it opens anything: it has neither expired nor been revoked.")
    made_by: str
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None = Field(description="To the minute.")
    replaced_by: str | None = Field(description="The key that a rotation made of it.")


class ApiKeys(Shape):
    """Keys, newest first. Those of the server's settings are not among them."""

    keys: list[ApiKey]


class MadeKey(Shape):
    """A new key and its text, which is told this once."""

    key: ApiKey
    secret: str


class NewKey(Shape):
    """A key to be made for an owner."""

    owner: OwnerName
    scopes: list[ScopeName] = Field([Scope.READ, Scope.WRITE], min_length=1, max_length=len(Scope))
    label: Annotated[str, Field(max_length=LABEL_LENGTH)] = ""
    expires_in_days: Days | None = None


class Rotation(Shape):
    """How a key is replaced."""

    overlap_hours: Annotated[float, Field(ge=0, le=24 * 365)] = Field(
        24.0, description="So long the old key is good beside the new one."
    )


class CallersKey(Shape):
    """The key that the request showed."""

    id: str | None = Field(description="Null where it is of the server's settings, or none was needed.")
    label: str
    scopes: list[ScopeName]
    expires_at: Moment | None


class Share(Shape):
    """How much of something an owner has."""

    used: float
    allowed: float | None = Field(description="Null where there is no limit.")


class Quotas(Shape):
    """What an owner has, and may have."""

    stored_bytes: Share
    queued_jobs: Share
    sound_s_today: Share = Field(description="Asked for since midnight, UTC, over all takes.")
    resets_at: Moment = Field(description="When the day ends.")
    weight: float = Field(description="Of their turns: with 2, twice as much sound as somebody with 1.")


class Me(Shape):
    """Who the caller is to the server."""

    owner: str
    key: CallersKey
    quotas: Quotas
    retention_days: float = Field(description="Files of a finished job are deleted after so many days.")
    retention_is_own: bool = Field(description="Whether the owner set that; else it is as for everybody.")
    retention_max_days: float


class ChangeMe(Shape):
    """What an owner sets for all their jobs."""

    retention_days: KeepDays | None = Field(description="Null: as for everybody.")


class QuotaSettings(Shape):
    """What an owner may have; null is what the settings say for everybody, and no limit where they say nothing."""

    weight: float
    max_bytes: int | None
    max_queued: int | None
    max_sound_s: float | None = Field(description="Seconds of sound asked for in a day (UTC), over all takes.")
    retention_days: float | None


class ChangeOwner(Shape):
    """Some of an owner's quota; what is null goes back to what the settings say, what is left out stays."""

    weight: Annotated[float, Field(ge=LEAST_WEIGHT, le=1000)] | None = None
    max_bytes: Annotated[int, Field(ge=0, le=2**62)] | None = None
    max_queued: Annotated[int, Field(ge=0, le=10**6)] | None = None
    max_sound_s: Annotated[float, Field(ge=0, le=10**9)] | None = None
    retention_days: Days | None = None


class OwnerBrief(Shape):
    """One owner: what they have, and what they may."""

    owner: str
    queued: Count
    running: Count
    jobs: Count
    stored_bytes: Count
    sound_s_today: float
    active_keys: Count = Field(description="In the database; those of the settings are not counted.")
    quota: QuotaSettings


class ModeQueue(Shape):
    """One mode's queue."""

    mode: str
    queued: Count
    running: Count
    oldest_s: Seconds = Field(description="How long its oldest job has waited.")


class WorkerBrief(Shape):
    """One worker."""

    name: str
    modes: list[str]
    seen_s: Seconds | None = Field(description="How long ago it last showed a sign of life.")
    is_there: bool
    jobs: Count = Field(description="That it holds.")


class Disk(Shape):
    """The disk of the web's data folder."""

    free_bytes: Count
    total_bytes: Count


class Overview(Shape):
    """What administrators see of everybody."""

    owners: list[OwnerBrief]
    queue: list[ModeQueue]
    workers: list[WorkerBrief]
    disk: Disk
    deliveries: dict[str, int] = Field(description="Of webhooks, by state.")
    event_streams: Count = Field(description="Open in the process that answers.")
