"""The results of a batch: an archive that is written while it is sent, and a table of everything that was asked for."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final, cast

from web.api.media import stored_name, whole_size
from web.api.problems import Problem
from web.api.representations import outputs
from web.context import site
from workers.batches.refusals import Refusal
from workers.jobs import Job

ARCHIVED: Final = {"key": "video", "hits_key": "hits"}
TABLE: Final = "results.csv"
COLUMNS: Final = (
    "custom_id",
    "title",
    "status",
    "job_id",
    "mode",
    "take",
    "seed",
    "sound_class",
    "duration_s",
    "hit_count",
    "loudness_lufs",
    "true_peak_dbtp",
    "video",
    "error_code",
    "error_detail",
    "line",
)
REFUSED: Final = "refused"
"""The status of an item of which no job was made."""


def hold_whole(jobs: Sequence[Job]) -> None:
    """Refuse to begin an archive that could not be finished: later nothing can be said any more.

    Raises:
        Problem: ``conflict`` while nothing is finished; ``damaged``.
    """
    if not any(outputs(job) for job in jobs):
        raise Problem("conflict", "no clip of this batch is finished yet", {"Retry-After": "5"})
    for job in jobs:
        for entry in outputs(job):
            for column in ARCHIVED:
                if column in entry:
                    whole_size(str(entry[column]))


class _Outlet:
    """What the archive is written to: it keeps nothing but the piece that is sent next."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        return None

    def drain(self) -> bytes:
        data, self.pieces = b"".join(self.pieces), []
        return data


def archive(jobs: Sequence[Job], table_of: str | None = None) -> Iterator[bytes]:
    """A zip file of what the jobs made, piece by piece. Videos are packed already: they are stored as they are.

    Args:
        table_of: a table that goes in as :data:`TABLE`.
    """
    outlet, storage, names = _Outlet(), site().storage, {TABLE}

    def pieces() -> Iterator[bytes]:
        with zipfile.ZipFile(cast(IO[bytes], outlet), "w", zipfile.ZIP_STORED) as packed:
            if table_of is not None:
                packed.writestr(TABLE, table_of)
            for job, entry, column in _files(jobs):
                with packed.open(_name(job, entry, column, names), "w", force_zip64=True) as inside:
                    for piece in storage.read(str(entry[column])):
                        inside.write(piece)
                        yield outlet.drain()
        yield outlet.drain()

    return pieces()


def table(jobs: Iterable[Job], refused: Iterable[Refusal]) -> Iterator[str]:
    """Everything that was asked for as CSV, a line a take; what has none has one line, and so has what was refused."""
    yield _csv_line(COLUMNS)
    for job in jobs:
        for row in _rows(job):
            yield _csv_line(_safe(row.get(name)) for name in COLUMNS)
    for one in refused:
        told = {"custom_id": one.custom_id, "title": one.name, "status": REFUSED, "line": one.line}
        row = {**told, "error_code": one.code, "error_detail": one.detail}
        yield _csv_line(_safe(row.get(name)) for name in COLUMNS)


def _files(jobs: Iterable[Job]) -> Iterator[tuple[Job, Mapping[str, Any], str]]:
    for job in jobs:
        for entry in outputs(job):
            for column in ARCHIVED:
                if column in entry:
                    yield job, entry, column


def _rows(job: Job) -> Iterator[dict[str, Any]]:
    shared: dict[str, Any] = {"custom_id": job.custom_id, "title": job.title, "status": job.state.value}
    shared |= {"job_id": job.id, "mode": job.mode}
    if job.error:
        shared |= {"error_code": job.error.get("code"), "error_detail": job.error.get("detail")}
    takes = outputs(job)
    if not takes:
        yield {**shared, "seed": job.options.get("seed")}
    for entry in takes:
        names = ("take", "seed", "duration_s", "loudness_lufs", "true_peak_dbtp", "mode")
        yield {
            **shared,
            **{name: entry.get(name) for name in names},
            "sound_class": (entry.get("sound_class") or {}).get("name"),
            "hit_count": len(entry.get("hits") or ()),
            "video": f"/v1/jobs/{job.id}/outputs/{entry['take']}/video",
        }


def _csv_line(values: Iterable[Any]) -> str:
    held = io.StringIO()
    csv.writer(held, lineterminator="\r\n").writerow(values)
    return held.getvalue()


def _safe(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def _name(job: Job, entry: Mapping[str, Any], column: str, taken: set[str]) -> str:
    name = stored_name(job, entry, ARCHIVED[column])
    if job.custom_id:
        stem = re.sub(r"[^A-Za-z0-9._@-]", "_", job.custom_id).lstrip(".") or "item"
        name = f"{stem}{name[len(_stem(name)) :]}"
    return _free_name(name, taken)


def _stem(name: str) -> str:
    """What of a name is the clip's: all before `.take1`, `.sonorized` or `.hits`."""
    return re.sub(r"(\.take\d+)?\.(sonorized|hits)\.[a-z0-9]+$", "", name)


def _free_name(name: str, taken: set[str]) -> str:
    stem, dot, suffix = name.partition(".")
    candidate, number = name, 2
    while candidate.casefold() in taken:
        candidate, number = f"{stem} ({number}){dot}{suffix}", number + 1
    taken.add(candidate.casefold())
    return candidate
