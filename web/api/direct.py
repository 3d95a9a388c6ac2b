"""The API's uploads that go straight to the storage: signed addresses, and those that this server takes itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.problems import Problem
from web.api.schemas.uploads import AnnouncedUpload, PresignedUpload
from web.api.uploads import begin, room_or_problem, sanitised, upload_json
from web.context import site, viewer
from web.uploads import presigned, tus
from workers.files.keys import Address
from workers.owners.keys import Scope
from workers.records import moment
from workers.uploads.records import PRESIGNED, Upload

blueprint = Blueprint("direct", __name__, url_prefix="/v1/uploads")


@blueprint.post("/presigned")
@describes(
    Operation(
        "presignUpload",
        "An address to which a clip can be sent without passing through the API",
        {201: PresignedUpload},
        (*BODY, "too-large", "too-many-uploads", "quota", "quota-bytes", "disk-full"),
        body=AnnouncedUpload,
        scope=Scope.WRITE,
    )
)
def presign(body: AnnouncedUpload) -> Response:
    """Begin an upload that goes straight to the storage."""
    limit = site().submitter.limits.max_bytes
    if body.bytes > limit:
        raise Problem("too-large", f"the upload has {body.bytes} bytes; allowed are {limit}")
    told = {"filename": body.filename, "filetype": body.filetype, "sha256": body.sha256.lower()}
    metadata = sanitised({name: tus.plain(text) for name, text in told.items() if text})
    upload = begin(body.bytes, metadata, kind=PRESIGNED)
    address = _address(upload, body.method)
    send = {"method": address.method, "url": address.url, "fields": address.fields, "headers": address.headers}
    expires = moment(upload.created_at + presigned.LIFE_S)
    answer = {**upload_json(upload), "send": {**send, "expires_at": expires}}
    return reply(answer, 201, {"Location": answer["links"]["self"], "Cache-Control": "no-store"})


@blueprint.put("/<upload_id>/content")
@describes(
    Operation(
        "putUpload",
        "Send the whole of an upload to the address that was signed for it",
        {204: None},
        ("bad-request", "not-found", "gone", "conflict", "too-large", "locked", "disk-full"),
        raw="application/octet-stream",
        scope=Scope.WRITE,
    )
)
def put(upload_id: str) -> Response:
    """Take the whole of an upload in; the address is all that is needed."""
    signed = presigned.is_signed()
    upload = site().uploads.get(upload_id, None if signed else viewer())
    if not signed:
        raise Problem("forbidden", "the address is not signed, or its time is over; ask for a new one")
    if upload.kind != PRESIGNED:
        raise Problem("conflict", "this upload is sent with PATCH")
    announced = request.content_length
    if announced is not None and announced > upload.bytes_:
        raise Problem("too-large", f"the body has {announced} bytes; announced were {upload.bytes_}")
    with site().uploads.hold(upload_id, None) as held, room_or_problem():
        held.replace(tus.Body(request.stream))
    return Response(status=204)


def _address(upload: Upload, method: str) -> Address:
    """The storage's own, where callers can reach it; else this server's."""
    address = site().storage.upload_address(
        f"{upload.id}/upload", upload.bytes_, method=method, expires_s=presigned.LIFE_S
    )
    if address is not None:
        return address
    root = site().settings.public_url or request.host_url
    headers: dict[str, Any] = {"Content-Type": "application/octet-stream"}
    return Address("PUT", presigned.address(upload, root), {}, headers)
