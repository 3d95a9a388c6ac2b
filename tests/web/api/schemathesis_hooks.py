"""What schemathesis is told of this server: files that are clips, and jobs that there are.

Loaded by schemathesis itself, in its own process. The environment names the files and the jobs.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies

CLIP = Path(os.environ["SONORIZE_TEST_CLIP"]).read_bytes()
PICTURE = Path(os.environ["SONORIZE_TEST_PICTURE"]).read_bytes()
SOUND = Path(os.environ["SONORIZE_TEST_SOUND"]).read_bytes()
PLACES = {
    "job_id": os.environ["SONORIZE_TEST_JOBS"].split(","),
    "batch_id": os.environ["SONORIZE_TEST_BATCHES"].split(","),
}

for _kind in ("video/mp4", "video/quicktime", "video/x-matroska", "video/webm"):
    schemathesis.openapi.media_type(_kind, strategies.just(CLIP))
for _kind in ("image/jpeg", "image/png", "image/webp"):
    schemathesis.openapi.media_type(_kind, strategies.just(PICTURE))
for _kind in ("audio/wav", "audio/mpeg", "audio/flac"):
    schemathesis.openapi.media_type(_kind, strategies.just(SOUND))


@schemathesis.serializer("application/offset+octet-stream")
def pieces(_context: Any, value: Any) -> bytes:
    """The piece of an upload: bytes, whatever was thought of."""
    return value if isinstance(value, bytes) else repr(value).encode()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Send most requests to a job or a batch that is there; what is deleted is another's turn."""
    if case.operation.method.upper() == "DELETE":
        return
    for name, there in PLACES.items():
        if name in (case.path_parameters or {}) and random.Random(repr(case.path_parameters)).random() < 0.7:
            case.path_parameters[name] = random.Random(case.id).choice(there)


RULES = (
    r"search with q=WORDS or with job=ID, and not with both",
    r"\w+ goes with (mode|synthesis) ",
    r"synthesis is 'library'",
    r"library is '.*'; there are",
    r"voice is '.*'; there are",
    r"(left|top|right|bottom) is missing",
    r"the box goes from .* it must be at least",
    r"time_s is .*; allowed is",
    r"take is .*; the(re| job)",
    r"there is no file in the request; send each clip",  # it sends lists of files as fields without a name
    r"'file' is not known here; known are mode",  # the same
    r"the file is a \w+ without (picture|sound); ",  # what a file shows is seen when it is looked at
    r"the url's (host|port) ",
    r"the url (leads to|is none)",
    r"(Cancel-After|cancel_after) is .*; allowed is 1 to",
    r"no clip was accepted; ",  # items of a batch, each by rules of its own
    r"the body is no (JSON|UTF-8 text)|the body must be a JSON object",  # a score in a file's own form
)
"""What JSON Schema does not say of several members at once: only for these may a request be refused that fits it."""


@schemathesis.check
def only_documented_rules_refuse(ctx: Any, response: Any, case: Any) -> None:
    """A request that fits its schema is refused for no reason but one of :data:`RULES`."""
    if case.meta is None or case.meta.generation.mode != schemathesis.GenerationMode.POSITIVE:
        return
    if response.status_code in (400, 413, 415, 422):
        detail = str(response.json().get("detail"))
        assert any(re.match(rule, detail) for rule in RULES), f"{response.status_code}: {detail}"
