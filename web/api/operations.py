"""What a view takes and answers, said once, in a decorator: it checks the request, and :mod:`web.api.openapi` tells it.

Bodies of uploads are read by the views themselves, piece by piece (:mod:`web.uploads.multipart`), and given to
:func:`parsed` then: a framework that reads ``request.form`` would take a whole upload in before it could be refused.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from flask import Flask, Response, request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from werkzeug.datastructures import MultiDict

from web.api.problems import Problem
from web.api.schemas.base import Shape
from web.context import site
from web.security.scopes import needs
from workers.owners.keys import Scope

Answer = type[Shape] | tuple[str, ...] | None
"""A shape of JSON; or the media types of what is no JSON of ours; or no body."""

QUEUING: Final = ("queue-full", "quota", "quota-bytes", "disk-full")
"""What may be in the way of a new job."""
UPLOADING: Final = ("bad-request", "too-large", "unsupported-type", "media", "option", *QUEUING)
"""What may be wrong with an upload."""
BODY: Final = ("bad-request", "unsupported-type", "option")
"""What may be wrong with a JSON body."""

JSON_BYTES: Final = 256 * 1024

S = TypeVar("S", bound=Shape)
_ATTRIBUTE: Final = "operation"
_PLACE: Final = re.compile(r"<(?:[^:<>]+:)?(\w+)>")


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        name: for the document; unlike all others.
        answers: status -> what comes with it.
        scope: what the caller's key must be good for; ``None`` where any will do, or none is needed. Held by
            :mod:`web.security.scopes` before the view begins.
        problems: codes of :data:`web.api.problems.KINDS` besides those that may come everywhere.
        query: parameters of the query; each may be given once.
        body: of a JSON request.
        form: fields of a multipart request, beside its files.
        files: how many it may hold.
        accept: media types of those files.
        raw: media type of a body that is a file as it is.
        instead: a JSON object that is taken instead of the form, whose file can then be left out too.
        headers: names of those that it reads.
        required: names of those without which it is refused.
        places: name of a part of the path -> the words that it may be.
    """

    name: str
    summary: str
    answers: Mapping[int, Answer]
    scope: Scope | None = field(kw_only=True)
    problems: tuple[str, ...] = ()
    query: type[Shape] | None = None
    body: type[Shape] | None = None
    form: type[Shape] | None = None
    files: int = 1
    accept: tuple[str, ...] = ("video/mp4", "video/quicktime", "video/x-matroska", "video/webm")
    headers: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    raw: str | None = None
    instead: type[Shape] | None = None


@dataclass(frozen=True)
class Route:
    """An operation and where it is found."""

    method: str
    path: str
    operation: Operation

    @property
    def summary(self) -> str:
        """One line."""
        return self.operation.summary


def describes(operation: Operation) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Decorates a view: gives it the checked ``query`` and ``body``, where the operation has them."""

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def checked(**given: Any) -> Response:
            if operation.query is not None:
                try:
                    given["query"] = parsed(operation.query, _known(operation.query))
                except Problem:
                    if "job_id" in given:  # somebody else's is not there, whatever is asked of it
                        site().job(given["job_id"])
                    raise
            if operation.body is not None:
                if "job_id" in given:  # what is not there or somebody else's is said to be so before all else
                    site().job(given["job_id"])
                if "webhook_id" in given:
                    site().webhook(given["webhook_id"])
                given["body"] = body_of(operation.body)
            return view(**given)

        setattr(checked, _ATTRIBUTE, operation)
        return needs(operation.scope)(checked)

    return decorate


def routes(app: Flask) -> Iterator[Route]:
    """All operations of an app, in the order in which they were defined."""
    for rule in app.url_map.iter_rules():
        operation = getattr(app.view_functions[rule.endpoint], _ATTRIBUTE, None)
        if operation is not None:
            path = _PLACE.sub(r"{\1}", rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Route(method.lower(), path, operation)


def parsed(shape: type[S], raw: Mapping[str, Any], *, strict: bool = False) -> S:
    """A request's part as a shape.

    Args:
        strict: whether kinds must be as they are, as in JSON; else text is read as what it means.

    Raises:
        OptionError, Problem: something in it is not allowed; the sentence says what.
    """
    try:
        return shape.model_validate(dict(raw), strict=strict)
    except ValidationError as error:
        raise Problem("option", _sentence(shape, error.errors(include_url=False, include_context=False)[0])) from error


def once(given: MultiDict[str, str]) -> dict[str, str]:
    """Parameters of a query by name.

    Raises:
        Problem: ``option``, where one is given several times (which of them is meant?), or holds a NUL.
    """
    for name, values in given.lists():
        if len(values) > 1:
            raise Problem("option", f"{name[:40]} is given {len(values)} times; allowed is once")
        if "\0" in values[0]:  # PostgreSQL has no such text, not even to compare with
            raise Problem("option", f"{name[:40]} holds a NUL; allowed is text that can be read")
    return given.to_dict()


def body_of(shape: type[S]) -> S:
    """The JSON object of a small request, or its form; what an empty object is where there is no body.

    Raises:
        OptionError, Problem: it is no JSON object, or something in it is not allowed.
    """
    if request.mimetype == "application/x-www-form-urlencoded":
        return parsed(shape, once(request.form))
    if not request.content_length:
        return parsed(shape, {})
    return parsed(shape, json_body(), strict=True)


def json_body() -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        Problem: it is none, or too large: JSON_BYTES, unless the address may take more; see web.security.csrf.
    """
    if not request.is_json:
        raise Problem("unsupported-type", f"the body is {request.mimetype or 'of no stated kind'}; it must be JSON")
    request.max_content_length = max(JSON_BYTES, request.max_content_length or 0)
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise Problem("bad-request", f"the body must be a JSON object of {request.max_content_length} bytes at most")
    return found


def _known(shape: type[Shape]) -> dict[str, str]:
    """The parameters of the query that a shape has; of others, as proxies add them, nothing is asked."""
    return {name: value for name, value in once(request.args).items() if name in shape.model_fields}


def _sentence(shape: type[Shape], error: ErrorDetails) -> str:
    """What was wrong, what it was, and what is allowed."""
    name = str(error["loc"][0]) if error["loc"] else "the request"
    known = shape.model_json_schema()["properties"]
    if name in known and len(error["loc"]) > 1 and (members := _members(shape, name)) is not None:
        return _inside(error, members)
    if error["type"] == "missing":
        return f"{name} is missing"
    if error["type"] == "too_long" and isinstance(error["input"], list):
        return f"there are {len(error['input'])} {name}; allowed are {_most(known[name])}"
    if name not in known:
        return f"{name[:40]!r} is not known here; known are {', '.join(known)}"
    return f"{name} is {str(error['input'])[:40]!r}; {_allowed(known[name])}"


def _members(shape: type[Shape], name: str) -> Mapping[str, Any] | None:
    """What the objects in a list may hold; ``None`` where it is no list of objects."""
    schema = shape.model_json_schema()
    found = schema["properties"][name]
    items: Mapping[str, Any] = next((one["items"] for one in found.get("anyOf", [found]) if "items" in one), {})
    named = str(items.get("$ref", "")).rpartition("/")[2]
    properties: Mapping[str, Any] | None = schema.get("$defs", {}).get(named, {}).get("properties")
    return properties


def _inside(error: ErrorDetails, known: Mapping[str, Any]) -> str:
    """What was wrong in an entry of a list: which entry, which of its members, what it was, and what is allowed."""
    name, place, *rest = error["loc"]
    told = f"{str(name).removesuffix('s')} {int(place) + 1}"
    if not rest:
        return f"{told} is {str(error['input'])[:40]!r}; it must be an object"
    member = str(rest[0])
    if error["type"] == "missing":
        return f"{told} has no {member}"
    if member not in known:
        return f"{told} has the unknown member {member[:40]!r}; known are {', '.join(known)}"
    return f"{told} has {member} {str(error['input'])[:40]!r}; {_allowed(known[member])}"


def _most(schema: Mapping[str, Any]) -> Any:
    return next((one["maxItems"] for one in schema.get("anyOf", [schema]) if "maxItems" in one), "fewer")


def _allowed(schema: Mapping[str, Any]) -> str:
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null" and one.get("const") != ""]
    words = [str(word) for one in kinds for word in one.get("enum", ())]
    if words:
        return f"allowed are {', '.join(words)}"
    kind = kinds[0]
    low, high = kind.get("minimum"), kind.get("maximum")
    if low is not None and high is not None:
        return f"allowed is {low} to {high}"
    if low is not None:
        return f"allowed is {low} or more"
    if kind.get("type") == "array":
        return f"allowed is a list of {kind.get('minItems', 0)} to {kind.get('maxItems', 'any number')}"
    if kind.get("format") == "date":
        return "it must be a date such as 2026-11-30"
    if "pattern" in kind:
        return f"it must be a name that matches {kind['pattern']}"
    if "maxLength" in kind:
        return f"allowed are up to {kind['maxLength']} letters"
    return f"it must be {_KINDS.get(str(kind.get('type')), 'of the form that the document gives')}"


_KINDS: Final = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
