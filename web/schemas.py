"""The shapes of the API as JSON Schema (2020-12, the dialect of OpenAPI 3.1). Tests hold every answer against them."""

from __future__ import annotations

from typing import Any, Final

from synth.ambient_classes import AMBIENT_CLASSES
from synth.materials import MATERIALS
from synth.options import (
    LIBRARY_NAME,
    LOUDNESS_RANGE_LUFS,
    MAX_FACES,
    MAX_SEED,
    MAX_TAKES,
    TRUE_PEAK_RANGE_DBTP,
    VOICE_NAME,
    ExistingSound,
    Options,
    Synthesis,
)
from web.errors import KINDS
from web.forms import MODES
from web.submit import MAX_VARIANTS
from workers.records import State

Schema = dict[str, Any]

_DEFAULTS: Final = Options().as_dict()
TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
WHOLE: Final[Schema] = {"type": "integer"}
FLAG: Final[Schema] = {"type": "boolean"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
FRACTION: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
LINKS: Final[Schema] = {"type": "object", "additionalProperties": {"type": "string", "format": "uri-reference"}}


_CLIP: Final[dict[str, Schema]] = {
    "duration_s": NUMBER,
    "start_s": NUMBER,
    "rate_fps": NUMBER,
    "frames": WHOLE,
    "width": WHOLE,
    "height": WHOLE,
    "rotation_deg": WHOLE,
    "video_codec": TEXT,
    "audio_codec": {"anyOf": [TEXT, {"type": "null"}]},
    "container": TEXT,
    "variable_rate": FLAG,
    "bytes": WHOLE,
}


def ref(name: str) -> Schema:
    """A pointer to one of :func:`schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def items(schema: Schema) -> Schema:
    """A list of it."""
    return {"type": "array", "items": schema}


def record(**members: Schema) -> Schema:
    """An object with exactly these members, all of them required."""
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def about(text: str, schema: Schema, *, optional: tuple[str, ...] = ()) -> Schema:
    """The schema with a description, and with members of its record that may be missing."""
    if optional:
        schema = {**schema, "required": [name for name in schema["required"] if name not in optional]}
    return {"description": text, **schema}


def option_members() -> dict[str, Schema]:
    """The options of :class:`synth.options.Options`, each with its range and default."""
    members: dict[str, Schema] = {
        "mode": {"type": "string", "enum": [mode.value for mode in MODES]},
        "seed": {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
        "takes": {"type": "integer", "minimum": 1, "maximum": MAX_TAKES},
        "synthesis": {"type": "string", "enum": [one.value for one in Synthesis]},
        "material": maybe({"type": "string", "enum": list(MATERIALS)}),
        "bank": maybe({"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"}),
        "library": maybe({"type": "string", "pattern": f"^{LIBRARY_NAME}$"}),
        "sound_class": maybe({"type": "string", "enum": list(AMBIENT_CLASSES)}),
        "voice": maybe({"type": "string", "pattern": f"^{VOICE_NAME}$"}),
        "face": maybe({"type": "integer", "minimum": 1, "maximum": MAX_FACES}),
        "keep_partial": FLAG,
        "existing_sound": {"type": "string", "enum": [one.value for one in ExistingSound]},
        "loudness_lufs": _range(LOUDNESS_RANGE_LUFS),
        "true_peak_dbtp": _range(TRUE_PEAK_RANGE_DBTP),
    }
    return {name: {**schema, "default": _DEFAULTS[name]} for name, schema in members.items()}


def schemas() -> dict[str, Schema]:
    """All shapes by name."""
    return {**_job_shapes(), **_take_shapes(), **_other_shapes()}


def _range(edges: tuple[float, float]) -> Schema:
    return {"type": "number", "minimum": edges[0], "maximum": edges[1]}


def _job_shapes() -> dict[str, Schema]:
    return {
        "Options": {"type": "object", "properties": option_members(), "additionalProperties": False},
        "Upload": {
            "type": "object",
            "properties": {
                "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                "batch_id": {**TEXT, "description": "Joins a batch of yours: its id."},
                **option_members(),
            },
            "required": ["file"],
        },
        "BatchUpload": {
            "type": "object",
            "properties": {
                "file": items({"type": "string", "contentMediaType": "application/octet-stream"}),
                **option_members(),
            },
            "required": ["file"],
        },
        "Job": about(
            "One clip, asked to be sounded once.",
            record(
                id=TEXT,
                status={"type": "string", "enum": [state.value for state in State]},
                title={"type": "string", "description": "The file's name as the client gave it."},
                mode=TEXT,
                options=ref("Options"),
                clip=ref("Clip"),
                progress=record(stage=maybe(TEXT), fraction=FRACTION),
                queue=maybe(about("Only while it waits.", record(position=WHOLE, eta_s=maybe(NUMBER)))),
                attempt={"type": "integer", "minimum": 0},
                batch_id=maybe(TEXT),
                cancel_requested=FLAG,
                error=maybe(ref("JobError")),
                created_at=MOMENT,
                started_at=maybe(MOMENT),
                finished_at=maybe(MOMENT),
                outputs=items(ref("Take")),
                links=LINKS,
            ),
        ),
        "JobError": record(code=TEXT, detail=TEXT, retryable=FLAG, attempt=WHOLE),
        "Jobs": record(jobs=items(ref("Job")), next_cursor=maybe(TEXT)),
        "Created": record(jobs=items(ref("Job"))),
        "Cancellation": record(
            id=TEXT, outcome={"type": "string", "enum": ["canceled", "cancellation_requested", "already_finished"]}
        ),
        "Cancel": about(
            "What becomes of a running job's sound.",
            record(keep_partial={**FLAG, "description": "Keep what is made by then; silence follows it."}),
            optional=("keep_partial",),
        ),
        "Variants": about(
            "One seed, several, or none for the next one.",
            record(
                seed={"type": "integer", "minimum": 0, "maximum": MAX_SEED},
                seeds={**items({"type": "integer", "minimum": 0}), "minItems": 1, "maxItems": MAX_VARIANTS},
            ),
            optional=("seed", "seeds"),
        ),
    }


def _take_shapes() -> dict[str, Schema]:
    return {
        "Take": about(
            "One result. `hits` and `stages_s` come only where one job is read; without hits there is no link to them.",
            record(
                take={"type": "integer", "minimum": 0},
                mode=TEXT,
                seed=WHOLE,
                duration_s=NUMBER,
                sample_rate_hz=WHOLE,
                hit_count=WHOLE,
                loudness_lufs=maybe(NUMBER),
                true_peak_dbtp=maybe(NUMBER),
                container={**TEXT, "description": "Ending of the video's file name."},
                warnings=items(TEXT),
                sound_class=maybe(ref("SoundClass")),
                made_s={
                    **maybe(NUMBER),
                    "description": "Of a take that was cancelled and kept: seconds of sound; silence follows.",
                },
                mode_reason={**maybe(TEXT), "description": "Why that voice; results of older releases do not say it."},
                ranges={**items(ref("Range")), "description": "Where parts of the clip have voices of their own."},
                synthetic_speech={
                    **FLAG,
                    "description": "Its speech is synthetic: made from the lips, and spoken by nobody.",
                },
                links=LINKS,
                hits=items(ref("Hit")),
                library={**items(ref("LaidSound")), "description": "Recordings of a sound library that are heard."},
                stages_s={"type": "object", "additionalProperties": NUMBER},
            ),
            optional=("hits", "library", "stages_s"),
        ),
        "Range": about(
            "A part of a clip and its voice.",
            record(
                start_s={"type": "number", "minimum": 0},
                end_s=NUMBER,
                mode=TEXT,
                probability=FRACTION,
                reason={"type": "string", "description": "In words."},
            ),
        ),
        **_library_shapes(),
        "Route": about(
            "What mode `auto` makes of a clip.",
            record(
                mode=TEXT,
                probabilities={"type": "object", "additionalProperties": FRACTION},
                reason={"type": "string", "description": "In words."},
                ranges={**items(ref("Range")), "description": "One, or several where its parts want different voices."},
            ),
        ),
        "SoundClass": about(
            "What an ambient sound is of. Where a person named it, there are no probabilities.",
            record(
                name={"type": "string", "enum": list(AMBIENT_CLASSES)},
                probability=FRACTION,
                probabilities={"type": "object", "additionalProperties": FRACTION},
                fits={"type": "boolean", "description": "Whether the picture shows any of the classes."},
                reason={"type": "string", "description": "One sentence."},
            ),
        ),
        "Hit": record(
            time_s={"type": "number", "minimum": 0},
            strength=FRACTION,
            material={"type": "string", "enum": list(MATERIALS)},
            confidence=FRACTION,
            exemplar=maybe(TEXT),
            probabilities={"type": "object", "additionalProperties": FRACTION},
        ),
        "Clip": about("What was seen of the video without decoding it.", record(**_CLIP)),
        "Probe": about(
            "What was seen of the video; and, if asked for, which voice suits it.",
            record(
                **_CLIP,
                route={**maybe(ref("Route")), "description": "Null where no worker was free to look in time."},
            ),
            optional=("route",),
        ),
        "ProbeUpload": {
            "type": "object",
            "properties": {
                "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                "route": {**FLAG, "default": False, "description": "Let a worker choose the voice; takes seconds."},
            },
            "required": ["file"],
        },
    }


def _library_shapes() -> dict[str, Schema]:
    sound: dict[str, Schema] = {
        "sound": {"type": "string", "description": "As `exemplar` of a hit may name it."},
        "score": NUMBER,
        "why": {"type": "string", "description": "In words."},
        "author": maybe(TEXT),
        "licence": TEXT,
        "source": maybe(TEXT),
    }
    return {
        "LibrarySound": about("A recording of a sound library that could be laid.", record(**sound)),
        "LaidSound": about(
            "A recording under a stretch of the clip, and the next best.",
            record(
                start_s={"type": "number", "minimum": 0},
                end_s=NUMBER,
                what={"type": "string", "enum": ["hit", "bed"]},
                **sound,
                others=items(ref("LibrarySound")),
            ),
        ),
    }


def _other_shapes() -> dict[str, Schema]:
    counts = record(total=WHOLE, **{state.value: WHOLE for state in State})
    brief = {
        "id": TEXT,
        "status": {"type": "string", "enum": ["running", "finished"]},
        "counts": counts,
        "links": LINKS,
    }
    item = about(
        "A file of the request: either its job or why it was refused.",
        record(
            name=TEXT,
            job=ref("Job"),
            problem=ref("Problem"),
        ),
        optional=("job", "problem"),
    )
    return {
        "Batch": record(**brief, jobs=items(ref("Job"))),
        "BatchBrief": record(**brief),
        "BatchCreated": record(**brief, items=items(item)),
        "Batches": record(batches=items(ref("BatchBrief")), next_cursor=maybe(TEXT)),
        "BatchCancellation": record(id=TEXT, outcomes={"type": "object", "additionalProperties": TEXT}),
        "Limits": record(
            max_duration_s=NUMBER,
            max_rate_fps=NUMBER,
            max_frames=WHOLE,
            max_pixels=WHOLE,
            max_side_px=WHOLE,
            max_streams=WHOLE,
            max_bytes=WHOLE,
            modes=items(TEXT),
            libraries={**items(TEXT), "description": "Sound libraries that `library` may name."},
        ),
        "Problem": {
            "description": "RFC 9457.",
            "type": "object",
            "properties": {
                "type": {"type": "string", "format": "uri-reference"},
                "title": TEXT,
                "status": WHOLE,
                "code": {"type": "string", "enum": list(KINDS)},
                "detail": {"type": "string", "description": "One sentence."},
                "instance": TEXT,
                "id": {"type": "string", "description": "Of a report in the server's log."},
                "items": items(item),
            },
            "required": ["type", "title", "status", "code", "detail"],
        },
    }
