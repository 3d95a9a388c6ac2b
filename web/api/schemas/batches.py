"""Batches: items with options of their own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from web.api.schemas.base import DURATION, Documented, Empty, KeepDays, Setting, Shape, by_setting
from web.api.schemas.jobs import CUSTOM_ID, JOB_ID
from web.api.schemas.options import OptionsBody
from workers.webhooks.addresses import MAX_URL_CHARS


class BatchLine(OptionsBody):  # type: ignore[misc]
    """One item: where its clip is, what it is called, and what is wanted of it in particular."""

    custom_id: Annotated[str, Field(pattern=CUSTOM_ID)] | Empty = Field(
        "", description="Your name for it, once in a batch."
    )
    file: str = Field("", max_length=1024, description="The name of a file of this request.")
    upload: Annotated[str, Field(pattern=f"^{JOB_ID}$")] | Empty = Field(
        "", description="Of an upload of yours: its id."
    )
    job: Annotated[str, Field(pattern=f"^{JOB_ID}$")] | Empty = Field("", description="Whose clip is meant: its id.")
    keep_days: KeepDays | Empty = Field("", description="Days after which its files are deleted.")


class BatchDefaults(OptionsBody):  # type: ignore[misc]
    """What is wanted of all items that say nothing else."""

    cancel_after: str = Field("", max_length=20, json_schema_extra={"pattern": f"^({DURATION})?$"})
    webhook: str = Field(
        "",
        max_length=MAX_URL_CHARS,
        json_schema_extra=by_setting(Setting.WEBHOOK_OR_NONE),
        description="An address that is told of the ends of its jobs.",
    )
    keep_days: KeepDays | Empty = Field("", description="Days after which their files are deleted.")


Item = Annotated[dict[str, Any], Documented(BatchLine)]


class BatchOfItems(Shape):
    """Items without files: of uploads and of earlier jobs."""

    items: Annotated[list[Item], Field(min_length=1, max_length=1000)] = Field(
        description="Each as a line of a manifest: `custom_id`, `upload` or `job`, and options."
    )
    options: Annotated[dict[str, Any], Documented(BatchDefaults)] = Field(
        default_factory=dict, description="Of all items that say nothing else."
    )
