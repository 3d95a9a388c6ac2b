"""The API's uploads: tus 1.0.0, and what they are in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from flask import Blueprint, Response, request
from flask.globals import request_ctx

from synth.options import Options
from web.api.jobs import reply
from web.api.operations import Operation, describes
from web.api.problems import RETRY_AFTER_S, Problem
from web.api.schemas import uploads as schemas
from web.context import owner, site, viewer
from web.uploads import tus
from web.uploads.clips import PICTURE
from web.uploads.titles import display_title
from workers.errors import WorkError
from workers.files import disk
from workers.owners.keys import Scope
from workers.records import ID_LENGTH, moment
from workers.uploads.held import Checksum
from workers.uploads.records import Upload

blueprint = Blueprint("uploads", __name__, url_prefix="/v1/uploads")

PIECES: Final = ("bad-request", "conflict", "precondition", "unsupported-type", "too-large", "checksum", "locked")
"""What may be wrong with a piece."""
ONE: Final = f"/<string(length={ID_LENGTH}):upload_id>"
"""The address of one: as long as a name of ours is, so that what else lies below /v1/uploads is none."""


@blueprint.after_request
def _speak_tus(response: Response) -> Response:
    response.headers["Tus-Resumable"] = tus.VERSION
    return response


@blueprint.route("", methods=["OPTIONS"])
@blueprint.route(ONE, methods=["OPTIONS"])
def abilities(upload_id: str = "") -> Response:
    """What this server speaks."""
    told = {
        "Tus-Version": tus.VERSION,
        "Tus-Extension": ",".join(tus.EXTENSIONS),
        "Tus-Max-Size": str(site().submitter.limits.max_bytes),
        "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
    }
    response = Response(status=204, headers=told)
    assert request_ctx.url_adapter is not None  # there is a request
    response.allow.update(request_ctx.url_adapter.allowed_methods())
    return response


@blueprint.get("")
@describes(
    Operation(
        "listUploads",
        "Your uploads, newest first",
        {200: schemas.Uploads},
        ("option",),
        query=schemas.UploadsQuery,
        scope=Scope.READ,
    )
)
def listing(query: schemas.UploadsQuery) -> Response:
    """The caller's uploads that have not ended, newest first."""
    found, cursor = site().uploads.recent(viewer(), cursor=query.cursor, limit=query.limit)
    return reply({"uploads": [upload_json(one) for one in found], "next_cursor": cursor})


@blueprint.post("")
@describes(
    Operation(
        "createUpload",
        "Begin an upload (tus 1.0.0)",
        {201: None},
        (*PIECES, "too-many-uploads", "quota", "quota-bytes", "disk-full"),
        raw=tus.PIECE_TYPE,
        headers=("Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Checksum"),
        required=("Tus-Resumable", "Upload-Length"),
        scope=Scope.WRITE,
    )
)
def create() -> Response:
    """Begin an upload, perhaps with its first piece."""
    tus.check_version(request.headers.get("Tus-Resumable"))
    if "Upload-Defer-Length" in request.headers:
        raise Problem("bad-request", "Upload-Defer-Length is not known here; say how long the upload is")
    length = tus.number("Upload-Length", request.headers.get("Upload-Length"))
    limit = site().submitter.limits.max_bytes
    if length > limit:
        raise Problem("too-large", f"the upload has {length} bytes; allowed are {limit}")
    metadata = sanitised(tus.metadata_of(request.headers.get("Upload-Metadata")))
    checksum = tus.checksum_of(request.headers.get("Upload-Checksum"))
    upload = begin(length, metadata)
    if request.content_length:
        try:
            upload = _append(upload.id, 0, checksum)
        except BaseException:
            with suppress(WorkError):
                site().uploads.end(upload.id, viewer())  # nobody is told where it is
            raise
    return Response(status=201, headers={**tus.headers_of(upload), "Location": f"{blueprint.url_prefix}/{upload.id}"})


def begin(length: int, metadata: dict[str, str], **how: Any) -> Upload:
    """A new upload of the caller's.

    Raises:
        TooMany: they have too many.
        OverQuota: it would be more than they may have.
        Problem: ``disk-full``.
    """
    owners, whose = site().jobs.owners, owner()
    with room_or_problem():
        return site().uploads.create(
            whose, length, metadata, **how, admit=lambda connection: owners.admit_bytes(connection, whose, length)
        )


@contextmanager
def room_or_problem() -> Iterator[None]:
    """Say in a problem that the disk is full."""
    try:
        yield
    except OSError as error:
        if disk.is_full(error):
            later = {"Retry-After": str(RETRY_AFTER_S)}
            raise Problem("disk-full", "the server's disk has no room for this upload", later) from error
        raise


def sanitised(metadata: dict[str, str]) -> dict[str, str]:
    """Metadata whose names of files are names, and no paths."""
    named = {name: display_title(metadata[name]) for name in ("filename", "name") if metadata.get(name)}
    return {**metadata, **named}


@blueprint.get(ONE)
@describes(
    Operation(
        "readUpload",
        "One upload; `HEAD` is that of tus",
        {200: schemas.ResumableUpload},
        ("not-found", "gone"),
        scope=Scope.READ,
    )
)
def read(upload_id: str) -> Response:
    """Where an upload stands: in JSON, or as tus asks with HEAD."""
    upload = site().uploads.get(upload_id, viewer())
    if request.method != "HEAD":
        return reply(upload_json(upload), headers={"Cache-Control": "no-store"})
    tus.check_version(request.headers.get("Tus-Resumable"))
    told = {**tus.headers_of(upload), "Upload-Length": str(upload.bytes_)}
    if upload.metadata:
        told["Upload-Metadata"] = tus.metadata_header(upload.metadata)
    return Response(status=200, headers=told)


@blueprint.patch(ONE)
@describes(
    Operation(
        "continueUpload",
        "The next piece of an upload (tus 1.0.0)",
        {204: None},
        (*PIECES, "not-found", "gone", "disk-full"),
        raw=tus.PIECE_TYPE,
        headers=("Tus-Resumable", "Upload-Offset", "Upload-Checksum"),
        required=("Tus-Resumable", "Upload-Offset"),
        scope=Scope.WRITE,
    )
)
def append(upload_id: str) -> Response:
    """Take the next piece in."""
    site().uploads.get(upload_id, viewer())  # whether it is there is said before all else
    tus.check_version(request.headers.get("Tus-Resumable"))
    offset = tus.number("Upload-Offset", request.headers.get("Upload-Offset"))
    upload = _append(upload_id, offset, tus.checksum_of(request.headers.get("Upload-Checksum")))
    return Response(status=204, headers=tus.headers_of(upload))


@blueprint.post(ONE)
@describes(
    Operation(
        "overrideUpload",
        "PATCH or DELETE, from where only POST can be sent",
        {204: None},
        (*PIECES, "not-found", "gone", "method", "disk-full"),
        raw=tus.PIECE_TYPE,
        headers=("X-HTTP-Method-Override", "Tus-Resumable", "Upload-Offset", "Upload-Checksum"),
        required=("X-HTTP-Method-Override",),
        scope=Scope.WRITE,
    )
)
def instead(upload_id: str) -> Response:
    """PATCH, DELETE or HEAD from where only POST can be sent."""
    method = request.headers.get("X-HTTP-Method-Override", "").upper()
    if method == "PATCH":
        return append(upload_id=upload_id)
    if method == "DELETE":
        return delete(upload_id=upload_id)
    site().uploads.get(upload_id, viewer())
    raise Problem("method", "X-HTTP-Method-Override names no method of an upload; PATCH and DELETE are known")


@blueprint.post("/<upload_id>/complete")
@describes(
    Operation(
        "completeUpload",
        "Look at the clip of an upload that is all here",
        {200: schemas.ResumableUpload},
        ("not-found", "gone", "conflict", "media", "locked", "checksum", "disk-full"),
        scope=Scope.WRITE,
    )
)
def complete(upload_id: str) -> Response:
    """Look at the clip of an upload."""
    return reply(upload_json(site().clips.look(upload_id, viewer(), Options())))


@blueprint.delete(ONE)
@describes(
    Operation(
        "deleteUpload",
        "Take an upload away; jobs made of it keep their clip",
        {204: None},
        ("not-found", "gone", "precondition"),
        headers=("Tus-Resumable",),
        scope=Scope.WRITE,
    )
)
def delete(upload_id: str) -> Response:
    """Take an upload away."""
    site().uploads.get(upload_id, viewer())
    tus.check_version(request.headers.get("Tus-Resumable", tus.VERSION))
    site().uploads.end(upload_id, viewer())
    return Response(status=204)


def upload_json(upload: Upload) -> dict[str, Any]:
    """One upload."""
    base = f"{blueprint.url_prefix}/{upload.id}"
    return {
        "id": upload.id,
        "status": "ready" if upload.ready else "receiving",
        "kind": upload.kind,
        "bytes": upload.bytes_,
        "offset": upload.received,
        "filename": upload.filename,
        "filetype": upload.metadata.get("filetype") or upload.metadata.get("type") or "",
        "sha256": upload.sha256,
        "clip": next((seen for name, seen in (upload.info or {}).items() if name != PICTURE), None),
        "created_at": moment(upload.created_at),
        "expires_at": moment(upload.expires_at),
        "links": {"self": base, "complete": f"{base}/complete"},
    }


def _append(upload_id: str, offset: int, checksum: Checksum | None) -> Upload:
    """Take the body of this request in as the piece of an upload that begins there.

    Raises:
        Problem: ``bad-request``, ``unsupported-type``, ``too-large`` or ``disk-full``.
        WorkError: as :meth:`workers.uploads.store.Held.append`.
    """
    if request.mimetype != tus.PIECE_TYPE:
        raise Problem(
            "unsupported-type", f"the body is {request.mimetype or 'of no stated kind'}; it must be {tus.PIECE_TYPE}"
        )
    with site().uploads.hold(upload_id, viewer()) as held:
        left, announced = held.upload.bytes_ - offset, request.content_length or 0
        if offset == held.upload.received and announced > left:
            raise Problem("too-large", f"the piece has {announced} bytes; {left} are missing")
        with room_or_problem():
            whole = held.append(tus.Body(request.stream), offset, checksum)
        if not whole:
            raise Problem("bad-request", "the piece broke off")
        return held.upload
