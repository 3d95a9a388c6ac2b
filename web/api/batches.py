"""Many clips in one call. A batch is the name that its jobs share; what it is, its jobs say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, request

from web.api.batching import results
from web.api.batching.items import COLUMNS, Items, of_files, of_manifest
from web.api.jobs import (
    idempotency_key,
    keeps_partial,
    page_of_jobs,
    receive,
    reply,
    without_token,
)
from web.api.operations import BODY, UPLOADING, Operation, describes, json_body, parsed
from web.api.problems import Problem
from web.api.representations import batch_json, outputs
from web.api.schemas.batches import BatchDefaults, BatchOfItems
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
from web.api.semantics.conditional import unless_known
from web.api.semantics.tickets import ticket_of_batch
from web.context import owner, site, viewer
from web.uploads.manifest import MAX_BYTES, Line, lines_of
from workers.batches import refusals
from workers.batches.refusals import Refusal
from workers.errors import NotFound
from workers.jobs import Job, new_id
from workers.owners.keys import Scope

blueprint = Blueprint("batches", __name__, url_prefix="/v1/batches")

MAX_FILES: Final = 200
BODY_IN_FILES: Final = 4  # one call may carry as many bytes as so many files of the largest size
PAGE: Final = 200
MANIFEST_TYPES: Final = ("text/csv", "application/jsonl", "application/x-ndjson")


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
        "Many clips in one call: files with the same options, or a manifest with options for each",
        {202: BatchCreated},
        (*UPLOADING, "conflict", "idempotency", "not-found", "gone", "locked"),
        form=BatchUpload,
        files=MAX_FILES,
        instead=BatchOfItems,
        headers=("Idempotency-Key", "Cancel-After"),
        scope=Scope.WRITE,
    )
)
def create() -> Response:
    """Make a job of each file in the request, or of each line of its manifest."""
    submitter, key = site().submitter, idempotency_key()
    with submitter.once(owner(), key), submitter.spool.request() as folder:
        items = _received(folder, key)
    if not items.made:
        first = items.told[0]["problem"]
        why = f"no clip was accepted; the first: {first['detail']}"
        raise Problem(first["code"], why, more={"items": items.told})
    batch_id = items.made[0]["batch_id"]  # not the new name, when the same request came before
    items.record(batch_id)
    told = {**batch_json(batch_id, members(batch_id)), "items": items.told}
    del told["jobs"]
    return reply(told, 202, {"Location": told["links"]["self"]})


def _received(folder: Path, key: str | None) -> Items:
    """What is in the request, each item tried.

    Raises:
        Problem: nothing of it can be read, or options of all of it are not allowed.
    """
    batch_id = new_id(time.time())
    if request.is_json:
        asked = parsed(BatchOfItems, json_body())
        ticket = ticket_of_batch(parsed(BatchDefaults, asked.options), batch_id, key)
        return of_manifest([Line(None, one) for one in asked.items], (), ticket)
    if request.mimetype in MANIFEST_TYPES:
        request.max_content_length = MAX_BYTES
        return of_manifest(lines_of(request.get_data(), COLUMNS), (), ticket_of_batch(BatchDefaults(), batch_id, key))
    form = receive(folder, files=MAX_FILES + 1, total_bytes=BODY_IN_FILES * site().submitter.limits.max_bytes)
    manifest = next((one for one in form.uploads if one.field == "manifest"), None)
    files = [one for one in form.uploads if one is not manifest]
    text = form.fields.pop("manifest", "")
    ticket = ticket_of_batch(parsed(BatchUpload, without_token(form.fields)), batch_id, key)
    if len(files) > MAX_FILES:
        raise Problem("bad-request", f"the request holds more than {MAX_FILES} file(s)")
    if manifest is not None:
        text_bytes = manifest.path.read_bytes() if manifest.bytes_ <= MAX_BYTES else bytes(manifest.bytes_)
        return of_manifest(lines_of(text_bytes, COLUMNS), files, ticket)
    if text:
        return of_manifest(lines_of(text.encode(), COLUMNS), files, ticket)
    if not files:
        raise Problem("bad-request", "there is no file in the request; send each clip as a field `file`")
    return of_files(files, ticket)


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
        "Videos and hit lists of all that is finished in one archive, called by `custom_id` where there is one",
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
    done = [job for job in members(batch_id) if outputs(job)]
    return zipped(done, f"sonorize-{batch_id}")


def zipped(done: list[Job], stem: str) -> Response:
    """What jobs made in one archive of that name, written while it is sent.

    Raises:
        Problem: ``conflict`` where there is nothing; ``damaged``.
    """
    results.hold_whole(done)
    return _download(results.archive(done), f"{stem}.zip", "application/zip")


@blueprint.get("/<batch_id>/results.zip")
@describes(
    Operation(
        "readBatchArchive",
        "The same, with the table of everything that was asked for",
        {200: ("application/zip",)},
        ("not-found", "conflict", "damaged"),
        scope=Scope.READ,
    )
)
def results_archive(batch_id: str) -> Response:
    """What is finished, and the table of everything, in one archive."""
    jobs = members(batch_id)
    results.hold_whole(jobs)
    table = "".join(results.table(jobs, _refused(batch_id)))
    return _download(results.archive(jobs, table), f"sonorize-{batch_id}.zip", "application/zip")


@blueprint.get("/<batch_id>/results.csv")
@describes(
    Operation(
        "readBatchTable",
        "Everything that was asked for as a table, also what was refused",
        {200: ("text/csv",)},
        ("not-found",),
        scope=Scope.READ,
    )
)
def results_table(batch_id: str) -> Response:
    """Everything that was asked for as a table."""
    return _download(results.table(members(batch_id), _refused(batch_id)), f"sonorize-{batch_id}.csv", "text/csv")


def _refused(batch_id: str) -> list[Refusal]:
    return refusals.of_batch(site().jobs.database, batch_id, viewer())


def _download(pieces: Iterator[bytes] | Iterator[str], filename: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}
    encoded = (piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    return Response(encoded, headers=headers, content_type=kind, direct_passthrough=True)


def _brief(batch_id: str) -> dict[str, Any]:
    brief = batch_json(batch_id, members(batch_id))
    del brief["jobs"]
    return brief
