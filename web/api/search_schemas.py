"""The shapes of the search as JSON Schema, beside those of :mod:`web.api.schemas`."""

from __future__ import annotations

from typing import Final

from synth.description.description import SPACES, Side
from web.api import search_service
from web.api.schemas import FRACTION, LINKS, NUMBER, TEXT, Schema, about, items, maybe, record, ref

_SIDES: Final[Schema] = {
    "type": "string",
    "enum": [search_service.ANY, *(side.value for side in Side)],
    "default": search_service.ANY,
}
MEMBERS: Final[dict[str, Schema]] = {
    "by": {**_SIDES, "description": "What of the query counts."},
    "find": {**_SIDES, "description": "What is compared with it; `any`: whichever is nearer."},
    "space": {"type": "string", "enum": list(SPACES), "default": "crossmodal", "description": "Which embedding."},
    "limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": search_service.MAX_LIMIT,
        "default": search_service.DEFAULT_LIMIT,
    },
}
"""What a query may say of how to search."""

QUERY: Final[dict[str, Schema]] = {
    "q": {**TEXT, "maxLength": search_service.MAX_WORDS, "description": "Words; or else:"},
    "job": {**TEXT, "description": "A job of yours to find the like of."},
    "take": {"type": "integer", "minimum": 0, "description": "Which of its takes; the first by default."},
    **MEMBERS,
}
"""Parameters of a search without a file."""


def shapes() -> dict[str, Schema]:
    """All of them by name."""
    kinds = ["words", "job", "picture", "sound", "clip"]
    return {
        "SearchUpload": {
            "type": "object",
            "properties": {
                "file": {
                    "type": "string",
                    "contentMediaType": "application/octet-stream",
                    "description": "JPEG, PNG or WebP; a sound; or a clip of up to a minute.",
                },
                **MEMBERS,
            },
            "required": ["file"],
        },
        "Search": record(query=ref("SearchQuery"), results=items(ref("SearchResult"))),
        "SearchQuery": about(
            "What was searched with.",
            record(
                kind={"type": "string", "enum": kinds},
                words=TEXT,
                job=TEXT,
                take={"type": "integer", "minimum": 0},
                title={"type": "string", "description": "Of the job or the file."},
                **MEMBERS,
            ),
            optional=("words", "job", "take", "title", "by", "find", "space"),
        ),
        "SearchResult": about(
            "The take of a job that fits best; each job comes once.",
            record(
                job=TEXT,
                take={"type": "integer", "minimum": 0},
                score={
                    "type": "number",
                    "minimum": -1,
                    "maximum": 1,
                    "description": "Cosine of query and match; of words their mean weight, 0..1.",
                },
                matched={"type": "string", "enum": [*(side.value for side in Side), "words"]},
                words={**items(TEXT), "description": "Those of the query that found it."},
                title=TEXT,
                mode=TEXT,
                duration_s=NUMBER,
                sound_class=maybe(TEXT),
                tags=items(record(name=TEXT, probability=FRACTION)),
                links=LINKS,
            ),
        ),
    }
