"""Many clips in one call. A batch is the name that its jobs share; what it is, its jobs say."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, Any, Final, cast

from flask import Blueprint, Response

from synth.errors import SynthError
from web.api.jobs import (
    checked_days,
    idempotency_key,
    keeps_partial,
    options_of,
    page_of_jobs,
    receive,
    reply,
    without_token,
)
from web.api.media import stored_name, whole_size
from web.api.operations import BODY, UPLOADING, Operation, describes, parsed
from web.api.problems import Problem, problem_of
from web.api.representations import batch_json, job_json, outputs
from web.api.schemas.jobs import (
    Batch,
    BatchCancellation,
    BatchCreated,
    Batches,
    BatchUpload,
    Cancel,
    CancelQuery,
    JobsQuery,
)
from web.api.semantics import preferences
from web.api.semantics.conditional import unless_known
from web.api.webhooks.steps import allowed_url
from web.context import owner, site, viewer
from web.uploads.multipart import Form
from web.uploads.submit import Ticket, display_title
from workers.errors import NotFound, WorkError
from workers.jobs import Job, new_id
from workers.owners.keys import Scope

blueprint = Blueprint("batches", __name__, url_prefix="/v1/batches")

MAX_FILES: Final = 200
BODY_IN_FILES: Final = 4  # one call may carry as many bytes as so many files of the largest size
PAGE: Final = 200
_ARCHIVED: Final = {"key": "video", "hits_key": "hits"}


def submit_all(form: Form, ticket: Ticket) -> list[dict[str, Any]]:
    """Make a job of each file; what is refused does not hold up the others.

    Returns:
        One item a file, in order: ``name``, and either ``job`` or ``problem``.
    """
    items: list[dict[str, Any]] = []
    with _being_made(ticket):
        for number, upload in enumerate(form.uploads):
            name = display_title(upload.filename)
            key = ticket.idempotency_key
            own = replace(ticket, idempotency_key=key and f"{key}#{number}")
            try:
                items.append({"name": name, "job": job_json(site().submitter.submit(upload, own), hits=False)})
            except (SynthError, WorkError, Problem) as error:
                items.append({"name": name, "problem": problem_of(error).as_json()})
            upload.path.unlink(missing_ok=True)  # a large batch should not lie on the disk twice longer than it must
    return items


@contextmanager
def _being_made(ticket: Ticket) -> Iterator[None]:
    """While the jobs of a batch are made, the batch has not ended, even if the first of them have."""
    if ticket.batch_id is None:
        yield
        return
    site().jobs.open_batch(ticket.batch_id)
    try:
        yield
    finally:
        site().jobs.close_batch(ticket.batch_id, ticket.owner)


def members(batch_id: str) -> list[Job]:
    """All jobs of a batch of the caller's, in the order of upload.

    Raises:
        NotFound: there are none.
    """
    found: list[Job] = []
    cursor: str | None = None
    while True:
        page, cursor = site().jobs.recent(owner=viewer(), batch_id=batch_id, cursor=cursor, limit=PAGE)
        found += page
        if cursor is None:
            break
    if not found:
        raise NotFound("there is no such batch")
    return found[::-1]


@blueprint.post("")
@describes(
    Operation(
        "createBatch",
        "Upload several clips in one call",
        {202: BatchCreated},
        (*UPLOADING, "conflict", "idempotency"),
        form=BatchUpload,
        files=MAX_FILES,
        headers=("Idempotency-Key", "Cancel-After"),
        scope=Scope.WRITE,
    )
)
def create() -> Response:
    """Make a job of each file in the request."""
    submitter, key = site().submitter, idempotency_key()
    with submitter.once(owner(), key), submitter.spool.request() as folder:
        form = receive(folder, files=MAX_FILES, total_bytes=BODY_IN_FILES * submitter.limits.max_bytes)
        if not form.uploads:
            raise Problem("bad-request", "there is no file in the request; send each clip as a field `file`")
        asked = parsed(BatchUpload, without_token(form.fields))
        late_s = preferences.cancel_after_s(asked.cancel_after)
        keep_days = checked_days("keep_days", asked.keep_days or None)
        url = allowed_url(asked.webhook) if asked.webhook else None
        ticket = Ticket(owner(), options_of(asked), new_id(time.time()), key, late_s, keep_days, url)
        items = submit_all(form, ticket)
    made = [item["job"] for item in items if "job" in item]
    if not made:
        first = items[0]["problem"]
        raise Problem(first["code"], f"no clip was accepted; the first: {first['detail']}", more={"items": items})
    batch_id = made[0]["batch_id"]  # not the new name, when the same request came before
    told = {**batch_json(batch_id, members(batch_id)), "items": items}
    del told["jobs"]
    return reply(told, 202, {"Location": told["links"]["self"]})


@blueprint.get("")
@describes(
    Operation(
        "listBatches",
        "Your batches, newest first",
        {200: Batches, 304: None},
        ("option",),
        query=JobsQuery,
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def listing(query: JobsQuery) -> Response:
    """The caller's batches, newest first, by the newest jobs that belong to one."""
    jobs, cursor = page_of_jobs(query)
    ids = list(dict.fromkeys(job.batch_id for job in jobs if job.batch_id))
    return unless_known(reply({"batches": [_brief(batch_id) for batch_id in ids], "next_cursor": cursor}))


@blueprint.get("/<batch_id>")
@describes(
    Operation(
        "readBatch",
        "One batch: counts, and each of its jobs",
        {200: Batch, 304: None},
        ("not-found",),
        headers=("If-None-Match",),
        scope=Scope.READ,
    )
)
def read(batch_id: str) -> Response:
    """One batch: counts, and each of its jobs in brief."""
    return unless_known(reply(batch_json(batch_id, members(batch_id))))


@blueprint.post("/<batch_id>/cancel")
@describes(
    Operation(
        "cancelBatch",
        "Stop all of a batch that is not finished",
        {202: BatchCancellation},
        (*BODY, "not-found", "disk-full"),
        query=CancelQuery,
        body=Cancel,
        scope=Scope.WRITE,
    )
)
def cancel(batch_id: str, query: CancelQuery, body: Cancel) -> Response:
    """Stop all that is not finished."""
    keep, running = (
        keeps_partial(body.keep_partial, query.keep_partial),
        [job for job in members(batch_id) if not job.state.final],
    )
    outcomes = {job.id: str(site().submitter.cancel(job.id, viewer(), keep_partial=keep)) for job in running}
    return reply({"id": batch_id, "outcomes": outcomes}, 202)


@blueprint.get("/<batch_id>/result.zip")
@describes(
    Operation(
        "readBatchResult",
        "Videos and hit lists of all that is finished, in one archive",
        {200: ("application/zip",)},
        ("not-found", "conflict", "damaged"),
        scope=Scope.READ,
    )
)
def result(batch_id: str) -> Response:
    """All finished videos and hit lists in one archive, written while it is sent.

    Raises:
        Problem: ``conflict`` while nothing is finished; ``damaged``.
    """
    return zipped([job for job in members(batch_id) if outputs(job)], f"sonorize-{batch_id}")


def zipped(done: list[Job], stem: str) -> Response:
    """What jobs made in one archive of that name, written while it is sent.

    Raises:
        Problem: ``conflict`` where there is nothing; ``damaged``.
    """
    if not done:
        raise Problem("conflict", "no clip of these is finished yet", {"Retry-After": "5"})
    for job in done:  # before the first byte is sent: afterwards nothing can be said any more
        for entry in outputs(job):
            for column in _ARCHIVED:
                if column in entry:
                    whole_size(str(entry[column]))
    headers = {"Content-Disposition": f'attachment; filename="{stem}.zip"', "Cache-Control": "no-store"}
    return Response(archive(done), headers=headers, content_type="application/zip", direct_passthrough=True)


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


def archive(jobs: list[Job]) -> Iterator[bytes]:
    """A zip file of what the jobs made, piece by piece. Videos are packed already: they are stored as they are."""
    outlet, storage, names = _Outlet(), site().storage, set[str]()

    def pieces() -> Iterator[bytes]:
        with zipfile.ZipFile(cast(IO[bytes], outlet), "w", zipfile.ZIP_STORED) as packed:
            for job in jobs:
                for entry in outputs(job):
                    for column, kind in _ARCHIVED.items():
                        if column not in entry:
                            continue
                        with packed.open(
                            _free_name(stored_name(job, entry, kind), names), "w", force_zip64=True
                        ) as inside:
                            for piece in storage.read(str(entry[column])):
                                inside.write(piece)
                                yield outlet.drain()
        yield outlet.drain()

    return pieces()


def _free_name(name: str, taken: set[str]) -> str:
    stem, dot, suffix = name.partition(".")
    candidate, number = name, 2
    while candidate.casefold() in taken:
        candidate, number = f"{stem} ({number}){dot}{suffix}", number + 1
    taken.add(candidate.casefold())
    return candidate


def _brief(batch_id: str) -> dict[str, Any]:
    brief = batch_json(batch_id, members(batch_id))
    del brief["jobs"]
    return brief
