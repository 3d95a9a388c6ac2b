"""Where people say that a result's sound comes from: boxes drawn on its picture, kept beside the job, exported.

A box is a person's word on one moment of one job: a rectangle, or that nothing visible sounds. They go with their job.
:func:`lines` writes them as the semi-supervised training of the localiser reads them.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from synth.errors import OptionError
from synth.options import truth
from workers.errors import Conflict, NotFound
from workers.jobs import Jobs
from workers.records import BOXES, JOBS, QUESTIONS, new_id

EDGES: Final = ("left", "top", "right", "bottom")
COLUMNS: Final = ("job_id", "video", "time_s", "visible", *EDGES, "annotator")
MAX_BOXES: Final = 500
"""Of one job."""
SMALLEST: Final = 0.005
"""Fraction of the picture's width and height that a box must have at least: less is a slip of the hand."""


@dataclass(frozen=True)
class Place:
    """What a person says of one moment.

    Attributes:
        time_s: of the picture, from its start.
        edges: left, top, right and bottom in fractions of the picture, 0..1 from its left and its top; ``None`` where
            what sounds is not to be seen.
    """

    time_s: float
    edges: tuple[float, float, float, float] | None

    @classmethod
    def parse(cls, raw: Mapping[str, Any], duration_s: float) -> Place:
        """From the fields of a request.

        Args:
            raw: ``time_s``; ``visible``, true unless said otherwise; and the four edges where it is true.
            duration_s: of the clip.

        Raises:
            OptionError: a field is missing, is not known or is not allowed.
        """
        if strange := sorted(set(raw) - {"time_s", "visible", *EDGES}):
            raise OptionError(
                f"{strange[0][:40]!r} is no part of a box; allowed are time_s, visible, {', '.join(EDGES)}"
            )
        time_s = _number("time_s", raw.get("time_s"), duration_s)
        if not truth("visible", raw.get("visible", True)):
            return cls(time_s, None)
        left, top, right, bottom = (_number(name, raw.get(name), 1.0) for name in EDGES)
        if right - left < SMALLEST or bottom - top < SMALLEST:
            raise OptionError(
                f"the box goes from {left:g} to {right:g} and from {top:g} to {bottom:g}; "
                f"it must be at least {SMALLEST:g} of the picture wide and high"
            )
        return cls(time_s, (left, top, right, bottom))


@dataclass(frozen=True)
class DrawnBox:
    """A :class:`Place` that is kept.

    Attributes:
        id: as of jobs; sorts by time of making.
        job_id: whose picture.
        owner: who drew it.
        created_at: seconds since 1970.
        video: storage key of what has both the picture and a sound: the clip, or its first take where it is silent.
    """

    id: str
    job_id: str
    owner: str
    place: Place
    created_at: float
    video: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; the edges are null where nothing is visible."""
        edges = self.place.edges or (None,) * 4
        return {
            "id": self.id,
            "job_id": self.job_id,
            "time_s": self.place.time_s,
            "visible": self.place.edges is not None,
            **dict(zip(EDGES, edges, strict=True)),
            "annotator": self.owner,
        }


class Boxes:
    """All boxes. Every method raises DatabaseError when the database cannot be reached.

    Where a method takes a ``viewer``, boxes of somebody else's jobs are not found; ``None`` means: whoever's.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def create(self, job_id: str, viewer: str | None, owner: str, place: Place) -> DrawnBox:
        """Keep what somebody says of a job.

        Raises:
            NotFound: there is no such job.
            Conflict: it has :data:`MAX_BOXES` already.
        """
        job, now = self._jobs.get(job_id, viewer), time.time()
        with self._jobs.database.writing() as connection:
            count = connection.scalar(sa.select(sa.func.count()).where(BOXES.c.job_id == job_id)) or 0
            if count >= MAX_BOXES:
                raise Conflict(f"the job has {count} boxes; allowed are {MAX_BOXES}")
            row = {"id": new_id(now), "job_id": job_id, "owner": owner, "time_s": place.time_s, "created_at": now}
            edges = dict(zip(EDGES, place.edges or (None,) * 4, strict=True))
            connection.execute(sa.insert(BOXES).values(**row, visible=place.edges is not None, **edges))
        return DrawnBox(str(row["id"]), job_id, owner, place, now, _video(job.source_key, job.info, job.result))

    def of_job(self, job_id: str, viewer: str | None) -> list[DrawnBox]:
        """Those of one job, in the order of their moments. Raises NotFound."""
        self._jobs.get(job_id, viewer)
        return sorted(self._select(BOXES.c.job_id == job_id), key=lambda box: (box.place.time_s, box.id))

    def every(self, viewer: str | None) -> Iterator[DrawnBox]:
        """Those of all jobs, the oldest first."""
        yield from self._select(*(() if viewer is None else (JOBS.c.owner == viewer,)))

    def delete(self, job_id: str, viewer: str | None, box_id: str | None = None) -> int:
        """Forget one box of a job, or all of them; how many. Raises NotFound."""
        self._jobs.get(job_id, viewer)
        which = [BOXES.c.job_id == job_id, *([] if box_id is None else [BOXES.c.id == box_id])]
        with self._jobs.database.writing() as connection:
            gone = int(connection.execute(sa.delete(BOXES).where(*which)).rowcount)
        if box_id is not None and not gone:
            raise NotFound("the job has no such box")
        return gone

    def _select(self, *conditions: sa.ColumnElement[bool]) -> list[DrawnBox]:
        wanted = (
            sa.select(BOXES, JOBS.c.source_key, JOBS.c.info, JOBS.c.result)
            .join(JOBS, JOBS.c.id == BOXES.c.job_id)
            .where(JOBS.c.mode.not_in(QUESTIONS), *conditions)
            .order_by(BOXES.c.id)
        )
        with self._jobs.database.reading() as connection:
            return [_box_of(row) for row in connection.execute(wanted)]


def exported(boxes: Iterable[DrawnBox], folder: str | None = None) -> Iterator[dict[str, Any]]:
    """The boxes as :data:`COLUMNS`.

    Args:
        folder: of the stored files, on this machine, where they lie in one; then ``video`` is a path, else null.
    """
    for box in boxes:
        payload = {**box.as_json(), "video": None if folder is None else f"{folder}/{box.video}"}
        yield {name: payload[name] for name in COLUMNS}


def lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """JSON, one box a line."""
    return "".join(f"{json.dumps(dict(row))}\n" for row in rows)


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a heading; what is null is left empty."""
    held = io.StringIO()
    writer = csv.DictWriter(held, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue()


def _box_of(row: sa.Row[Any]) -> DrawnBox:
    edges = (row.left, row.top, row.right, row.bottom) if row.visible else None
    video = _video(row.source_key, row.info, row.result)
    return DrawnBox(row.id, row.job_id, row.owner, Place(row.time_s, edges), row.created_at, video)


def _video(source_key: str, info: Mapping[str, Any], result: Mapping[str, Any] | None) -> str:
    takes = (result or {}).get("outputs") or [{"key": source_key}]
    return source_key if info.get("audio_codec") else str(takes[0]["key"])


def _number(name: str, value: Any, most: float) -> float:
    allowed = f"allowed is a number from 0 to {most:g}"
    if value is None or value == "" or isinstance(value, bool):
        raise OptionError(f"{name} is missing; {allowed}")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name} is {str(value)[:40]!r}; {allowed}") from error
    if not 0 <= number <= most:
        raise OptionError(f"{name} is {number:g}; {allowed}")
    return number
