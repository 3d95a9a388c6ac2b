"""Which jobs a list shows: the query of the gallery and of ``GET /v1/jobs``, and what there is to choose from."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from synth.options import Mode
from web.api.schemas.gallery import ListQuery
from web.context import site, viewer
from workers.gallery import listing
from workers.gallery.listing import Filters, Sort
from workers.gallery.made import Kind
from workers.jobs import Job, State

DAY_S = 86_400.0


def page(query: ListQuery) -> tuple[list[Job], str | None]:
    """One page of the caller's jobs, and the cursor of the next.

    Raises:
        OptionError: the cursor is none of this order.
    """
    asked = {Kind.VOICE: query.voice, Kind.SOUND: query.sound, Kind.MATERIAL: query.material}
    texture = None if query.texture is None else str(query.texture)
    filters = Filters(
        viewer(),
        State(query.state) if query.state else None,
        query.mode,
        query.batch_id,
        {kind: value for kind, value in {**asked, Kind.TEXTURE: texture}.items() if value},
        bool(query.favourite),
        end_of_day(query.day),
    )
    return listing.page(site().jobs.database, filters, sort=Sort(query.sort), cursor=query.cursor, limit=query.limit)


def end_of_day(day: date | None) -> float | None:
    """When a day (UTC) is over, in seconds since 1970."""
    if day is None:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + DAY_S


def choices() -> dict[str, Any]:
    """What the caller's results are, to choose from: kind -> value -> how many."""
    database = site().jobs.database
    found = {kind.value: listing.counts(database, viewer(), kind) for kind in (Kind.VOICE, Kind.SOUND, Kind.MATERIAL)}
    found["voice"] = {name: count for name, count in found["voice"].items() if name in set(Mode)}
    return found
