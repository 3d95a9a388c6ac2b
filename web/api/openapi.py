"""The OpenAPI 3.1 document, and the routes as the documentation page shows them.

The table :data:`OPERATIONS` is the one place that describes a route to outsiders; a test compares it with the
routes that there are. It is written out and not collected by a framework: those read forms through
``request.form``, which takes an upload in whole before it can be refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from flask import Blueprint, Response, json

from synth.options import Mode
from synth.provenance import package_version
from web.api import search_schemas
from web.api.problems import KINDS, PROBLEM_TYPE
from web.api.representations import KINDS as FILES
from web.api.representations import METHODS
from web.api.schemas import TEXT, Schema, ref, schemas
from workers.records import State

blueprint = Blueprint("openapi", __name__)

JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
_EVERYWHERE: Final = ("unauthorized", "forbidden", "internal", "unavailable")
_UPLOADING: Final = ("bad-request", "too-large", "unsupported-type", "media", "option", "queue-full", "disk-full")


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        answers: status -> name of the shape, or a media type for what is no JSON, or empty for no body.
        problems: codes of :data:`web.api.problems.KINDS` besides those that may come everywhere.
        query: name -> schema of the query's parameters; ``headers`` likewise.
    """

    method: str
    path: str
    name: str
    summary: str
    answers: dict[int, str]
    problems: tuple[str, ...] = ()
    body: dict[str, str] = field(default_factory=dict)
    query: dict[str, Schema] = field(default_factory=dict)
    headers: dict[str, Schema] = field(default_factory=dict)


_PAGING: Final[dict[str, Schema]] = {
    "state": {"type": "string", "enum": [state.value for state in State]},
    "mode": {"type": "string", "enum": [mode.value for mode in Mode]},
    "cursor": {"type": "string", "description": "`next_cursor` of the page before."},
    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 24},
}
_IDEMPOTENT: Final[dict[str, Schema]] = {
    "Idempotency-Key": {
        "type": "string",
        "maxLength": 200,
        "description": "The same request sent twice under one key makes one job.",
    }
}
_KNOWN: Final[dict[str, Schema]] = {"If-None-Match": {**TEXT, "description": "The `ETag` that is known already."}}
_DOWNLOAD: Final[dict[str, Schema]] = {"download": {**TEXT, "description": "Present: send it as a file to keep."}}
_RANGE: Final[dict[str, Schema]] = {"Range": {**TEXT, "description": "One range of bytes."}}
_KEEPING: Final[dict[str, Schema]] = {
    "keep_partial": {"type": "boolean", "description": "The same as in the body, for calls without one."}
}
_SEEN: Final[dict[str, Schema]] = {"Last-Event-ID": {**TEXT, "description": "The last event that was seen."}}

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "post",
        "/v1/jobs",
        "createJob",
        "Upload a clip and make a job of it",
        {202: "Job"},
        (*_UPLOADING, "conflict", "idempotency"),
        {MULTIPART: "Upload"},
        headers=_IDEMPOTENT,
    ),
    Operation(
        "get",
        "/v1/jobs",
        "listJobs",
        "Your jobs, newest first",
        {200: "Jobs"},
        ("option",),
        query={**_PAGING, "batch_id": TEXT},
    ),
    Operation("get", "/v1/jobs/{job_id}", "readJob", "One job", {200: "Job", 304: ""}, ("not-found",), headers=_KNOWN),
    Operation("delete", "/v1/jobs/{job_id}", "deleteJob", "Delete a job and its files", {204: ""}, ("not-found",)),
    Operation(
        "post",
        "/v1/jobs/{job_id}/cancel",
        "cancelJob",
        "Stop a job, and keep what was made of it if asked to",
        {200: "Cancellation", 202: "Cancellation"},
        ("bad-request", "not-found", "unsupported-type", "option"),
        {JSON: "Cancel"},
        query=_KEEPING,
    ),
    Operation(
        "post",
        "/v1/jobs/{job_id}/retry",
        "retryJob",
        "Queue a failed or canceled job again",
        {202: "Job"},
        ("not-found", "conflict", "queue-full"),
    ),
    Operation(
        "post",
        "/v1/jobs/{job_id}/variants",
        "varyJob",
        "The same clip with other seeds, as new jobs",
        {202: "Created"},
        ("bad-request", "not-found", "conflict", "unsupported-type", "option", "queue-full", "disk-full"),
        {JSON: "Variants"},
    ),
    Operation(
        "get",
        "/v1/jobs/{job_id}/events",
        "followJob",
        "Live progress as server-sent events; each event is the whole state",
        {200: "text/event-stream", 204: ""},
        ("not-found", "too-many-streams"),
        headers=_SEEN,
    ),
    Operation(
        "get",
        "/v1/jobs/{job_id}/outputs/{take}/{kind}",
        "readOutput",
        "A file of a take: video, sound, hit list, provenance, thumbnail, or maps of where its sound comes from",
        {200: "application/octet-stream", 206: "application/octet-stream", 302: "", 304: ""},
        ("not-found", "range"),
        query=_DOWNLOAD,
        headers=_RANGE,
    ),
    Operation(
        "get",
        "/v1/jobs/{job_id}/takes/{take}/heat-map.mp4",
        "readHeatMapVideo",
        "A take with the maps of where its sound comes from moving over it; drawn when it is first asked for",
        {200: "video/mp4", 206: "video/mp4", 302: "", 304: ""},
        ("not-found", "option", "range", "queue-full"),
        query={"method": {"enum": list(METHODS), "default": next(iter(METHODS))}, **_DOWNLOAD},
        headers=_RANGE,
    ),
    Operation(
        "get", "/v1/jobs/{job_id}/music", "readMusic", "Music that fits the clip", {200: "Music"}, ("not-found",)
    ),
    Operation(
        "post",
        "/v1/jobs/{job_id}/music",
        "layMusic",
        "Lay a track of the server's folder of music under a take: a job of its own",
        {202: "Job"},
        ("bad-request", "not-found", "conflict", "unsupported-type", "option", "queue-full"),
        {JSON: "LayMusic"},
    ),
    Operation(
        "get",
        "/v1/jobs/{job_id}/music/{number}",
        "listenToMusic",
        "A suggested track, by its number in the list",
        {200: "application/octet-stream", 206: "application/octet-stream", 304: ""},
        ("not-found",),
        query=_DOWNLOAD,
        headers=_RANGE,
    ),
    Operation(
        "get", "/v1/jobs/{job_id}/boxes", "listBoxes", "Where people say its sound is", {200: "Boxes"}, ("not-found",)
    ),
    Operation(
        "post",
        "/v1/jobs/{job_id}/boxes",
        "createBox",
        "Say where in the picture the sound comes from, or that it is not to be seen",
        {201: "Box"},
        ("bad-request", "not-found", "conflict", "unsupported-type", "option"),
        {JSON: "NewBox"},
    ),
    Operation("delete", "/v1/jobs/{job_id}/boxes", "deleteBoxes", "Forget a job's boxes", {204: ""}, ("not-found",)),
    Operation("delete", "/v1/jobs/{job_id}/boxes/{box_id}", "deleteBox", "Forget one box", {204: ""}, ("not-found",)),
    Operation(
        "get",
        "/v1/boxes",
        "exportBoxes",
        "All your boxes, for a training: one JSON object a line, or CSV",
        {200: "application/octet-stream"},
        ("option",),
        query={"format": {"enum": ["json", "csv"], "default": "json"}, **_DOWNLOAD},
    ),
    Operation(
        "post",
        "/v1/batches",
        "createBatch",
        "Upload several clips in one call",
        {202: "BatchCreated"},
        (*_UPLOADING, "conflict", "idempotency"),
        {MULTIPART: "BatchUpload"},
        headers=_IDEMPOTENT,
    ),
    Operation(
        "get", "/v1/batches", "listBatches", "Your batches, newest first", {200: "Batches"}, ("option",), query=_PAGING
    ),
    Operation(
        "get",
        "/v1/batches/{batch_id}",
        "readBatch",
        "One batch: counts, and each of its jobs",
        {200: "Batch", 304: ""},
        ("not-found",),
        headers=_KNOWN,
    ),
    Operation(
        "post",
        "/v1/batches/{batch_id}/cancel",
        "cancelBatch",
        "Stop all of a batch that is not finished",
        {202: "BatchCancellation"},
        ("bad-request", "not-found", "unsupported-type", "option"),
        {JSON: "Cancel"},
        query=_KEEPING,
    ),
    Operation(
        "get",
        "/v1/batches/{batch_id}/result.zip",
        "readBatchResult",
        "Videos and hit lists of all that is finished, in one archive",
        {200: "application/zip"},
        ("not-found", "conflict"),
    ),
    Operation(
        "post",
        "/v1/probe",
        "probeClip",
        "Look at a clip without making a job of it, and let mode auto choose its voice if asked to",
        {200: "Probe"},
        ("bad-request", "too-large", "unsupported-type", "media", "option", "queue-full", "disk-full"),
        {MULTIPART: "ProbeUpload"},
    ),
    Operation(
        "get",
        "/v1/search",
        "search",
        "Find results by words, or like another job's picture or sound",
        {200: "Search"},
        ("bad-request", "not-found", "option"),
        query=search_schemas.QUERY,
    ),
    Operation(
        "post",
        "/v1/search",
        "searchLikeFile",
        "Find results that look or sound like a picture, a sound or a clip",
        {200: "Search"},
        ("bad-request", "too-large", "unsupported-type", "media", "option", "queue-full", "disk-full"),
        {MULTIPART: "SearchUpload"},
    ),
    Operation("get", "/v1/limits", "readLimits", "What a clip may be", {200: "Limits"}),
    Operation("get", "/v1/openapi.json", "readDocument", "This description", {200: JSON}),
)


@blueprint.get("/v1/openapi.json")
def document() -> Response:
    """The description of the API."""
    return Response(json.dumps(description(), indent=1) + "\n", content_type=JSON)


def description() -> dict[str, Any]:
    """The OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sonorize",
            "version": package_version("sonorize") or "0",
            "summary": "Silent video in, the same picture with generated sound out.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**schemas(), **search_schemas.shapes()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
        "security": [{"key": []}, {}],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.path.split("/")[2]],
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body:
        content = {kind: {"schema": ref(name)} for kind, name in operation.body.items()}
        told["requestBody"] = {"required": MULTIPART in operation.body, "content": content}
    return told


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    shapes: dict[str, Schema] = {"take": {"type": "integer", "minimum": 0}, "kind": {"enum": list(FILES)}}
    inside = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    return [
        *({"name": name, "in": "path", "required": True, "schema": shapes.get(name, TEXT)} for name in inside),
        *({"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()),
        *({"name": name, "in": "header", "schema": schema} for name, schema in operation.headers.items()),
    ]


def _responses(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for status, shape in operation.answers.items():
        told[str(status)] = {"description": _STATUS_WORDS[status]}
        if "/" in shape:
            told[str(status)]["content"] = {shape: {}}
        elif shape:
            told[str(status)]["content"] = {JSON: {"schema": ref(shape)}}
        if status == 202 and MULTIPART in operation.body:
            told[str(status)]["headers"] = {"Location": {"schema": TEXT}}
    for code in (*operation.problems, *_EVERYWHERE):
        kind = KINDS[code]
        same = told.get(str(kind.status))
        words = f"{same['description']} Or: {kind.title}." if same else f"{kind.title}."
        told[str(kind.status)] = {"description": words, "content": {PROBLEM_TYPE: {"schema": ref("Problem")}}}
        if code in ("queue-full", "unavailable", "disk-full", "too-many-streams"):
            told[str(kind.status)]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return told


_STATUS_WORDS: Final = {
    200: "Done.",
    201: "Made.",
    202: "Accepted; it is being done.",
    204: "Done; there is nothing to say.",
    206: "The part that was asked for.",
    302: "The storage has it.",
    304: "As you know it.",
}
