"""The shapes of the API as JSON Schema (2020-12, the dialect of OpenAPI 3.1). Tests hold every answer against them."""

from __future__ import annotations

from typing import Any, Final

from synth.ambient_classes import AMBIENT_CLASSES
from synth.materials import MATERIALS
from synth.media.bed import LEVEL_RANGE_LUFS, Bed
from synth.options import (
    LIBRARY_NAME,
    LOUDNESS_RANGE_LUFS,
    MAX_FACES,
    MAX_SEED,
    MAX_TAKES,
    RATE_RANGE_HZ,
    TRUE_PEAK_RANGE_DBTP,
    VOICE_NAME,
    Channels,
    ExistingSound,
    Options,
    Synthesis,
)
from web.api.problems import KINDS
from web.uploads.forms import MODES
from web.uploads.submit import MAX_VARIANTS
from workers.boxes import EDGES
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
    "transparent": {**FLAG, "description": "Whether the picture has transparency beside its packets."},
    "warnings": {"type": "array", "items": TEXT, "description": "Sentences about what is odd in the file."},
}
_CLIP_NEW: Final = ("transparent", "warnings")
"""What clips of older releases do not say."""


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
        "salvage": {**FLAG, "description": "Take a recording that breaks off as far as it goes."},
        "recut": {**FLAG, "description": "Code the picture again where a copy of it would show another film."},
        "existing_sound": {"type": "string", "enum": [one.value for one in ExistingSound]},
        "loudness_lufs": _range(LOUDNESS_RANGE_LUFS),
        "true_peak_dbtp": _range(TRUE_PEAK_RANGE_DBTP),
        "channels": {"enum": [one.value for one in Channels]},
        "rate_hz": {"type": "integer", "minimum": RATE_RANGE_HZ[0], "maximum": RATE_RANGE_HZ[1]},
    }
    return {name: {**schema, "default": _DEFAULTS[name]} for name, schema in members.items()}


def schemas() -> dict[str, Schema]:
    """All shapes by name."""
    return {**_job_shapes(), **_take_shapes(), **_other_shapes(), **_music_shapes()}


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
                description={**maybe(ref("Description")), "description": "Null without a result."},
                music=ref("Music"),
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
                channels={"enum": [one.value for one in Channels]},
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
                picture={
                    "type": "string",
                    "enum": ["copied", "encoded"],
                    "description": "Whether the picture is the clip's, bit for bit, or was coded again.",
                },
                digests={**maybe(ref("Digests")), "description": "Null in results of older releases."},
                description={**maybe(ref("TakeDescription")), "description": "Null where it was not looked at."},
                links=LINKS,
                hits=items(ref("Hit")),
                library={**items(ref("LaidSound")), "description": "Recordings of a sound library that are heard."},
                stages_s={"type": "object", "additionalProperties": NUMBER},
            ),
            optional=("hits", "library", "stages_s"),
        ),
        "Digests": about(
            "SHA-256 of the picture: over the bytes of its packets, and over the frames shown and their times.",
            record(
                packets=record(source=TEXT, result=TEXT),
                shown=record(source=TEXT, result=TEXT, frames=WHOLE),
            ),
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
        **_description_shapes(),
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
        "Clip": about("What was seen of the video without decoding it.", record(**_CLIP), optional=_CLIP_NEW),
        "Probe": about(
            "What was seen of the video; and, if asked for, which voice suits it.",
            record(
                **_CLIP,
                route={**maybe(ref("Route")), "description": "Null where no worker was free to look in time."},
            ),
            optional=("route", *_CLIP_NEW),
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


def _description_shapes() -> dict[str, Schema]:
    return {
        "Description": about(
            "Whether a result was looked at and listened to, and what holds for all its takes.",
            record(
                described=FLAG,
                reason={**maybe(TEXT), "description": "Why not."},
                times_s={**items(NUMBER), "description": "Of the pictures that were looked at."},
                ranking={**items(WHOLE), "description": "Numbers of the takes, the one that fits best first."},
                units={
                    **items(record(number=WHOLE, likes=TEXT, strength=NUMBER)),
                    "description": "Units of L3-Net that the picture excites most: what they like to hear, by how "
                    "many deviations more than usual. A row each of the file `heat-units`.",
                },
                stages_s={"type": "object", "additionalProperties": NUMBER},
            ),
        ),
        "TakeDescription": about(
            "What was heard in a take. The maps of where its sound comes from are behind links.",
            record(
                tags=items(record(name=TEXT, probability=FRACTION)),
                correspondence={**FRACTION, "description": "Probability that sound and picture belong together."},
                distance={"type": "number", "minimum": 0, "maximum": 2, "description": "Of sound and picture."},
                rank={"type": "integer", "minimum": 1, "description": "1 for the take that lies nearest."},
                texture=maybe(ref("Texture")),
                firmness={
                    "type": "object",
                    "additionalProperties": FRACTION,
                    "description": "Highest value of each method's maps; below 0.5 no place is shown firmly.",
                },
            ),
        ),
        "Texture": about(
            "What the statistics of a sound are like.",
            record(
                cluster={"type": "integer", "minimum": 0, "description": "The kind of texture that it is nearest to."},
                name={**maybe(TEXT), "description": "Of that kind."},
                distance={"type": "number", "minimum": 0, "description": "From the kind's centre, in deviations."},
                typicality={**FRACTION, "description": "Share of known sounds that are odder in their kind."},
                expected={**maybe(WHOLE), "description": "The kind that the picture leads one to expect."},
                expected_name=maybe(TEXT),
                expected_probability=maybe(FRACTION),
            ),
            optional=("name", "expected_name"),
        ),
        **_box_shapes(),
    }


def _box_shapes() -> dict[str, Schema]:
    edges: dict[str, Schema] = {
        edge: {**maybe(FRACTION), "description": f"Of the picture; null where nothing is visible: the {edge} edge."}
        for edge in EDGES
    }
    time_s: Schema = {"type": "number", "minimum": 0, "description": "Of the picture."}
    visible: Schema = {**FLAG, "description": "False: what sounds is not in the picture.", "default": True}
    return {
        "Box": about(
            "Where a person says that a job's sound comes from.",
            record(id=TEXT, job_id=TEXT, time_s=time_s, visible=visible, **edges, annotator=TEXT),
        ),
        "NewBox": about(
            "A moment, and a rectangle or that nothing visible sounds.",
            record(time_s=time_s, visible=visible, **edges),
            optional=("visible", *EDGES),
        ),
        "Boxes": record(boxes=items(ref("Box"))),
    }


def _music_shapes() -> dict[str, Schema]:
    path: Schema = {**TEXT, "description": "Of the track, inside the server's folder of music."}
    level: Schema = {**_range(LEVEL_RANGE_LUFS), "default": Bed().level_lufs}
    return {
        "Music": about(
            "Music out of the server's own folder that fits the clip, and that which lies under the sound.",
            record(
                suggestions=items(ref("Track")),
                reason={**maybe(TEXT), "description": "Why nothing was suggested."},
                laid=maybe(
                    record(
                        of={**TEXT, "description": "The job under whose take it was laid."},
                        take=WHOLE,
                        track=path,
                        level_lufs=NUMBER,
                        title=maybe(TEXT),
                        author=maybe(TEXT),
                        licence=maybe(TEXT),
                    )
                ),
            ),
        ),
        "Track": record(
            path=path,
            title=TEXT,
            author=maybe(TEXT),
            licence=TEXT,
            duration_s=NUMBER,
            tempo_bpm=NUMBER,
            score={"type": "number", "minimum": -1.001, "maximum": 1.001, "description": "How well it fits."},
            links=LINKS,
        ),
        "LayMusic": about(
            "A track to lay under a take; the sound keeps its level.",
            record(track=path, level_lufs=level, take={**WHOLE, "description": "The first by default."}),
            optional=("level_lufs", "take"),
        ),
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
