"""Uploads: what is sent to begin one, and what is told of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from web.api.schemas.base import Count, Empty, Links, Moment, OneOf, Setting, Shape, by_setting
from web.api.schemas.jobs import MAX_PAGE, Clip

STATUSES = ("receiving", "ready")


class ResumableUpload(Shape):
    """Bytes of one clip, on their way or here."""

    id: str
    status: Annotated[str, OneOf(STATUSES)]
    kind: Annotated[str, OneOf(("tus", "presigned", "partial"))]
    bytes: Count = Field(description="How long the whole is.")
    offset: Count = Field(description="How many of them are here.")
    filename: str = Field(description="As the client gave it; text to show.")
    filetype: str
    sha256: str | None = Field(description="Of the whole, in hex; null until somebody looked.")
    clip: Clip | None = Field(description="Null until somebody looked.")
    created_at: Moment
    expires_at: Moment
    links: Links


class AnnouncedUpload(Shape):
    """A clip that is to go straight to the storage."""

    bytes: int = Field(
        ge=1, json_schema_extra=by_setting(Setting.MAX_BYTES), description="Its length; nothing else is taken."
    )
    filename: str = Field("", max_length=1024)
    filetype: str = Field("", max_length=255)
    sha256: Annotated[str, Field(pattern="^[0-9A-Fa-f]{64}$")] | Empty = Field("", description="In hex, to be held.")
    method: Annotated[str, OneOf(("POST", "PUT"))] = Field(
        "POST", description="`PUT` for object storages that know no POST policies."
    )


class Sending(Shape):
    """How the bytes are sent: a form of `fields` with the file as its last field `file`, or the file as the body."""

    method: Annotated[str, OneOf(("POST", "PUT"))]
    url: str
    fields: dict[str, str]
    headers: dict[str, str]
    expires_at: Moment


class PresignedUpload(ResumableUpload):
    """An upload, and where it goes."""

    send: Sending


class Uploads(Shape):
    """A page of uploads."""

    uploads: list[ResumableUpload]
    next_cursor: str | None


class UploadsQuery(Shape):
    """How many uploads, and from where on."""

    cursor: str | None = Field(None, min_length=1, description="`next_cursor` of the page before.")
    limit: int = Field(24, ge=1, le=MAX_PAGE)
