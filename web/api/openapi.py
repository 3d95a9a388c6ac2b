"""The OpenAPI 3.1 document, made from what the views themselves check (:mod:`web.api.operations`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, json
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from synth.provenance import package_version
from web.api.operations import Operation, Route, describes, routes
from web.api.problems import KINDS, PROBLEM_TYPE
from web.api.representations import KINDS as FILES
from web.api.schemas.base import DURATION, FROM_SETTING, Setting, Shape, by_setting
from web.api.schemas.jobs import Problem
from web.context import Site, parts_of
from web.uploads import tus
from workers.webhooks.addresses import pattern_of

blueprint = Blueprint("openapi", __name__)

Schema = dict[str, Any]
JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
FILE_TYPE: Final = "application/octet-stream"
_REFERENCE: Final = "#/components/schemas/{model}"
_EVERYWHERE: Final = ("unauthorized", "forbidden", "scope", "rate-limited", "internal", "unavailable")
_LATER: Final = ("rate-limited", "queue-full", "quota", "unavailable", "disk-full", "too-many-streams", "locked")
_DOCUMENT: Final = "sonorize.openapi"
_TEXT: Final[Schema] = {"type": "string"}
_PATH: Final[dict[str, Schema]] = {
    "take": {"type": "integer", "minimum": 0},
    "number": {"type": "integer", "minimum": 0},
    "kind": {"type": "string", "enum": list(FILES)},
}
_HEADERS: Final[dict[str, Schema]] = {
    "Idempotency-Key": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "pattern": "^[ -~]+$",
        "description": "The same request sent twice under one key makes one job.",
    },
    "If-Match": {"type": "string", "description": "The ETag of the version that is changed."},
    "If-None-Match": {**_TEXT, "description": "The `ETag` that is known already."},
    "Tus-Resumable": {"type": "string", "enum": [tus.VERSION], "description": "The version of tus."},
    "X-HTTP-Method-Override": {
        "type": "string",
        "enum": ["PATCH", "DELETE"],
        "description": "The method that is meant.",
    },
    "Upload-Length": {
        "type": "integer",
        "minimum": 0,
        **by_setting(Setting.MAX_BYTES),
        "description": "How many bytes the whole has.",
    },
    "Upload-Offset": {"type": "integer", "minimum": 0, "description": "Where the piece begins."},
    "Upload-Metadata": {**_TEXT, "description": "`filename` and `filetype`, each followed by its value in base64."},
    "Upload-Checksum": {**_TEXT, "description": "An algorithm and the piece's digest in base64."},
    "Range": {**_TEXT, "description": "One range of bytes."},
    "Prefer": {
        **_TEXT,
        "description": "`wait` or `wait=N`: answer when the job has ended, or after N seconds, 60 at most. `Preference-"
        "Applied` says whether that was done.",
    },
    "Cancel-After": {
        **_TEXT,
        "pattern": f"^{DURATION}$",
        "description": "Cancel the job unless it has ended after so long: seconds, or 90s, 5m, 1h; 1 s to 7 days.",
    },
    "Last-Event-ID": {**_TEXT, "description": "The last event that was seen."},
}


@blueprint.get("/v1/openapi.json")
@describes(Operation("readDocument", "This description", {200: (JSON,)}, scope=None))
def document() -> Response:
    """The description of the API."""
    return Response(json.dumps(description(current_app), indent=1) + "\n", content_type=JSON)


def description(app: Flask, own: Mapping[Setting, Schema] | None = None) -> Schema:
    """The OpenAPI document of an app.

    Args:
        own: what the settings say of values that are sent; those of the app by default.
    """
    if _DOCUMENT not in app.extensions:
        own = _own(parts_of(app)) if own is None else own
        app.extensions[_DOCUMENT] = _with_settings(_description(list(routes(app))), own)
    return dict(app.extensions[_DOCUMENT])


def _own(parts: Site) -> dict[Setting, Schema]:
    pattern = pattern_of(parts.webhook_policy)
    return {
        Setting.MAX_BYTES: {"maximum": parts.submitter.limits.max_bytes},
        Setting.KEEP_DAYS: {"maximum": parts.settings.retention_max_days},
        Setting.WEBHOOK: {"pattern": pattern},
        Setting.WEBHOOK_OR_NONE: {"pattern": f"^$|{pattern}"},
    }


def _with_settings(told: Any, own: Mapping[Setting, Schema]) -> Any:
    """A part of the document, with what the settings of this server say where a schema leaves it to them."""
    if isinstance(told, dict):
        more = own[told[FROM_SETTING]] if FROM_SETTING in told else {}
        return {**{name: _with_settings(one, own) for name, one in told.items() if name != FROM_SETTING}, **more}
    return [_with_settings(one, own) for one in told] if isinstance(told, list) else told


def _description(there: list[Route]) -> Schema:
    paths: dict[str, Schema] = {}
    for route in there:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
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
            "schemas": _schemas(there),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
        "security": [{"key": []}, {}],
    }


class _Generator(GenerateJsonSchema):
    """Without titles that only repeat a member's name."""

    def field_title_should_be_set(self, schema: core_schema.CoreSchema | Any) -> bool:
        return False


def _schemas(there: list[Route]) -> dict[str, Schema]:
    """Every shape by name."""
    shapes: set[type[Shape]] = {Problem}
    for route in there:
        one = route.operation
        answered = [answer for answer in one.answers.values() if isinstance(answer, type)]
        shapes |= {shape for shape in (*answered, one.body, one.form, one.instead) if shape is not None}
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    _, made = models_json_schema(
        [(shape, "validation") for shape in ordered], ref_template=_REFERENCE, schema_generator=_Generator
    )
    found: dict[str, Schema] = made["$defs"]
    for route in there:
        if route.operation.form is not None:
            _add_files(found[route.operation.form.__name__], route.operation)
    return found


def _add_files(form: Schema, operation: Operation) -> None:
    """Files are no fields of a model: they are never in memory."""
    file: Schema = {**_TEXT, "contentMediaType": FILE_TYPE, "minLength": 1}
    if operation.files > 1:
        file = {"type": "array", "items": file, "minItems": 1, "maxItems": operation.files}
    form["properties"] = {"file": file, **form.get("properties", {})}
    if operation.instead is None:
        form["required"] = ["file", *form.get("required", ())]


def _operation(route: Route) -> Schema:
    operation = route.operation
    told: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [route.path.split("/")[2]],
        "parameters": _parameters(route),
        "responses": _responses(operation),
        "security": [{"key": [operation.scope] if operation.scope else []}, {}],
    }
    if operation.body is not None:
        needed = bool(operation.body.model_json_schema().get("required"))
        told["requestBody"] = {"required": needed, "content": {JSON: {"schema": _ref(operation.body)}}}
    if operation.raw is not None:
        told["requestBody"] = {"required": False, "content": {operation.raw: {}}}
    if operation.form is not None:
        content = {"schema": _ref(operation.form), "encoding": {"file": {"contentType": ", ".join(operation.accept)}}}
        told["requestBody"] = {"required": True, "content": {MULTIPART: content}}
        if operation.instead is not None:
            told["requestBody"]["content"][JSON] = {"schema": _ref(operation.instead)}
    return told


def _parameters(route: Route) -> list[Schema]:
    operation = route.operation
    inside = re.findall(r"{(\w+)}", route.path)
    asked = operation.query.model_json_schema(schema_generator=_Generator) if operation.query is not None else {}
    return [
        *({"name": name, "in": "path", "required": True, "schema": _place(operation, name)} for name in inside),
        *(
            _parameter(name, "query", _given(one), required=name in asked.get("required", ()))
            for name, one in asked.get("properties", {}).items()
        ),
        *(
            _parameter(name, "header", _HEADERS[name], required=name in operation.required)
            for name in operation.headers
        ),
    ]


def _place(operation: Operation, name: str) -> Schema:
    if name in operation.places:
        return {**_TEXT, "enum": list(operation.places[name])}
    return _PATH.get(name, _TEXT)


def _parameter(name: str, where: str, schema: Schema, *, required: bool) -> Schema:
    told: Schema = {"name": name, "in": where, "schema": schema}
    return {**told, "required": True} if required else told


def _given(schema: Schema) -> Schema:
    """A parameter that is left out is not there; it cannot be null."""
    kinds = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if not kinds:
        return schema
    kept = {name: value for name, value in schema.items() if name != "anyOf" and (name, value) != ("default", None)}
    return {**kept, **(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})}


def _responses(operation: Operation) -> Schema:
    told: Schema = {}
    for status, answer in operation.answers.items():
        told[str(status)] = {"description": _STATUS_WORDS[status]}
        if isinstance(answer, tuple):
            told[str(status)]["content"] = {kind: {} for kind in answer}
        elif answer is not None:
            told[str(status)]["content"] = {JSON: {"schema": _ref(answer)}}
        if status == 202 and operation.form is not None:
            told[str(status)]["headers"] = {"Location": {"schema": _TEXT}}
    for code in (*operation.problems, *_EVERYWHERE):
        kind = KINDS[code]
        same = told.get(str(kind.status))
        words = f"{same['description']} Or: {kind.title}." if same else f"{kind.title}."
        told[str(kind.status)] = {"description": words, "content": {PROBLEM_TYPE: {"schema": _ref(Problem)}}}
        if code in _LATER:
            told[str(kind.status)]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return told


def _ref(shape: type[Shape]) -> Schema:
    return {"$ref": _REFERENCE.format(model=shape.__name__)}


_STATUS_WORDS: Final = {
    200: "Done.",
    201: "Made.",
    202: "Accepted; it is being done.",
    204: "Done; there is nothing to say.",
    206: "The part that was asked for.",
    302: "The storage has it.",
    304: "As you know it.",
}
