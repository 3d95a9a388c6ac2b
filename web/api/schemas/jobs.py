"""Jobs and batches of jobs: what is sent to make them, and what is told of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, create_model

from synth.media.video import VideoInfo
from synth.options import MAX_SEED, Mode
from synth.options import Limits as Accepted
from web.api.problems import KINDS
from web.api.schemas.base import (
    DURATION,
    Count,
    Documented,
    Empty,
    Formatted,
    Fraction,
    KeepDays,
    Links,
    Moment,
    OneOf,
    Setting,
    Shape,
    Switch,
    by_setting,
    shape_of,
)
from web.api.schemas.music import Music
from web.api.schemas.options import Options, OptionsBody, OptionsChange, OptionsForm
from web.api.schemas.takes import Description, Route, Take
from web.uploads.variants import MAX_VARIANTS
from workers.records import ID_DIGIT, ID_LENGTH, State
from workers.records import Cancellation as Outcome
from workers.webhooks.addresses import MAX_URL_CHARS

MAX_PAGE = 100
JOB_ID = f"{ID_DIGIT}{{{ID_LENGTH}}}"
CUSTOM_ID = "^[A-Za-z0-9._:@-]{1,64}$"
StateName = Annotated[str, OneOf(tuple(State))]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]


_CANCEL_AFTER: Any = Field(
    "",
    max_length=20,
    json_schema_extra={"pattern": f"^({DURATION})?$"},
    description="Cancel it unless it has ended after so long: seconds, or 90s, 5m, 1h. As the header Cancel-After.",
)
_WEBHOOK: Any = Field(
    "",
    max_length=MAX_URL_CHARS,
    json_schema_extra=by_setting(Setting.WEBHOOK_OR_NONE),
    description="An address of yours that is told when it ends; see /v1/webhooks.",
)


Clip: Any = shape_of(
    "Clip",
    "What was seen of the video without decoding it.",
    VideoInfo,
    {
        "transparent": "Whether the picture has transparency beside its packets.",
        "warnings": "Sentences about what is odd in the file.",
    },
)


class Probe(Clip):  # type: ignore[misc]
    """What was seen of the video; and, if asked for, which voice suits it."""

    route: Route | None = Field(None, description="Null where no worker was free to look in time.")


class Progress(Shape):
    """How far a job is."""

    stage: str | None
    fraction: Fraction = Field(description="Of the time that its stages took in earlier jobs of the mode.")
    eta_s: float | None = Field(None, description="Seconds until it should be done; null unless it runs.")


class Queue(Shape):
    """Only while it waits."""

    position: int = Field(description="Among the waiting jobs of its mode, 1 for the next.")
    eta_s: float | None = Field(description="Seconds until it should be done; null where nothing was measured yet.")
    workers: Count = Field(0, description="Workers that are there; without any it waits until one starts.")


class JobError(Shape):
    """Why a job failed, or its last attempt did."""

    code: str
    detail: str
    retryable: bool
    attempt: int


class Job(Shape):
    """One clip, asked to be sounded once."""

    id: str
    status: StateName
    title: str = Field(description="The file's name as the client gave it, until somebody changes it.")
    favourite: bool
    mode: str
    options: Options
    clip: Clip
    progress: Progress
    queue: Queue | None
    attempt: Count
    batch_id: str | None
    custom_id: str | None = Field(description="The client's own name for it, once in a batch.")
    cancel_requested: bool
    webhook_id: str | None = Field(description="The webhook that its sender named for it.")
    cancel_at: Moment | None = Field(description="When it is canceled unless it has ended by then.")
    error: JobError | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    expires_at: Moment | None = Field(description="When its files are deleted; null while that is not known.")
    description: Description | None = Field(description="Null without a result.")
    music: Music
    outputs: list[Take]
    links: Links


class Jobs(Shape):
    """A page of jobs."""

    jobs: list[Job]
    next_cursor: str | None


class Created(Shape):
    """Jobs that were made."""

    jobs: list[Job]


class Problem(Shape):
    """RFC 9457."""

    type: Annotated[str, Formatted("uri-reference")]
    title: str
    status: int
    code: Annotated[str, OneOf(tuple(KINDS))]
    detail: str = Field(description="One sentence.")
    instance: str = ""
    quota: str = Field("", description="Which quota is used up: bytes, queued or sound.")
    id: str = Field("", description="Of a report in the server's log.")
    version: Count = Field(
        default=None, description="Of a score: the newest, where another was to be changed or rendered."
    )  # type: ignore[assignment]
    items: list[BatchItem] = Field(default_factory=list)


class BatchItem(Shape):
    """A file or a line of the request: either its job or why it was refused."""

    name: str
    line: int = Field(default=None, description="Of the manifest, from 1.")  # type: ignore[assignment]
    custom_id: str = Field(default=None)  # type: ignore[assignment]
    job: Job = Field(default=None)  # type: ignore[assignment]
    problem: Problem = Field(default=None)  # type: ignore[assignment]


class RefusedItem(Shape):
    """An item of which no job was made."""

    number: Count = Field(description="Of the item in the request, from 0.")
    line: int | None = Field(description="Of the manifest, from 1.")
    custom_id: str | None
    name: str
    code: str
    detail: str


class BatchBrief(Shape):
    """One batch in brief."""

    id: str
    status: Annotated[str, OneOf(("running", "finished"))]
    counts: Counts
    refused: list[RefusedItem]
    links: Links


class Batch(BatchBrief):
    """One batch: counts, and each of its jobs."""

    jobs: list[Job]


class BatchCreated(BatchBrief):
    """What became of each file."""

    items: list[BatchItem]


class Batches(Shape):
    """A page of batches."""

    batches: list[BatchBrief]
    next_cursor: str | None


class BatchCancellation(Shape):
    """Job -> what became of the wish to cancel it."""

    id: str
    outcomes: dict[str, str]


class Cancellation(Shape):
    """What became of the wish to cancel."""

    id: str
    outcome: Annotated[str, OneOf(tuple(Outcome))]


class Limits(shape_of("Accepted", "What a clip may be.", Accepted, {}, always=True)):  # type: ignore[misc]
    """What a clip may be."""

    modes: list[str]
    libraries: list[str] = Field(description="Sound libraries that `library` may name.")


_CUSTOM_ID: Any = Field("", description="Your own name for it, once in a batch.")
_KEEP_DAYS: Any = Field("", description="Days after which its files are deleted; else as you or the server have set.")


class Upload(OptionsForm):  # type: ignore[misc]
    """A clip, and what is wanted of it."""

    batch_id: Annotated[str, Field(pattern=f"^{JOB_ID}$")] | Empty = Field(
        "", description="Joins a batch of yours: its id."
    )
    upload: Annotated[str, Field(pattern=f"^{JOB_ID}$")] | Empty = Field(
        "", description="Of an upload of yours: its id, instead of a file."
    )
    cancel_after: str = _CANCEL_AFTER
    keep_days: KeepDays | Empty = _KEEP_DAYS
    custom_id: Annotated[str, Field(pattern=CUSTOM_ID)] | Empty = _CUSTOM_ID
    webhook: str = _WEBHOOK


class JobOfUpload(OptionsBody):  # type: ignore[misc]
    """The clip of an upload, and what is wanted of it."""

    upload: Annotated[str, Field(pattern=f"^{JOB_ID}$", description="Of an upload of yours: its id.")]
    batch_id: Annotated[str, Field(pattern=f"^{JOB_ID}$")] | Empty = Field(
        "", description="Joins a batch of yours: its id."
    )
    cancel_after: str = _CANCEL_AFTER
    keep_days: KeepDays | Empty = _KEEP_DAYS
    custom_id: Annotated[str, Field(pattern=CUSTOM_ID)] | Empty = _CUSTOM_ID
    webhook: str = _WEBHOOK


class BatchUpload(OptionsForm):  # type: ignore[misc]
    """Clips, and what is wanted of all of them."""

    cancel_after: str = _CANCEL_AFTER
    keep_days: KeepDays | Empty = _KEEP_DAYS
    webhook: str = _WEBHOOK


class ProbeUpload(Shape):
    """A clip to look at."""

    route: Annotated[str, Switch] | Empty = Field("", description="Let a worker choose the voice; takes seconds.")


class Cancel(Shape):
    """What becomes of a running job's sound."""

    keep_partial: bool | Annotated[str, Switch] | Empty | None = Field(
        False, description="Keep what is made by then; silence follows it."
    )


class Variants(Shape):
    """One seed, several, or none for the next one; a sound class makes the clip sound of that, with the same seed."""

    seed: Seed | Empty | None = None
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=MAX_VARIANTS)] | Empty | None = None
    sound_class: str | Empty | None = Field(None, description="Of a candidate, or any other sound.")
    options: Annotated[dict[str, str | int | float | bool | None], Documented(OptionsChange)] | None = Field(
        None, description="Options that are to be others than the job's; what contradicts them there gives way."
    )


class JobsQuery(Shape):
    """Which jobs, and how many of them."""

    state: StateName | None = None
    mode: Annotated[str, OneOf(tuple(Mode))] | None = None
    cursor: str | None = Field(None, min_length=1, description="`next_cursor` of the page before.")
    limit: int = Field(24, ge=1, le=MAX_PAGE)


class JobsOfBatchQuery(JobsQuery):
    """The same, also of one batch."""

    batch_id: str | None = Field(None, min_length=1)


class CancelQuery(Shape):
    """The same as in the body, for calls without one."""

    keep_partial: Annotated[str, Switch] | None = None


Counts: Any = create_model(
    "Counts",
    __base__=Shape,
    __doc__="State -> how many jobs.",
    **dict.fromkeys(("total", *State), (int, ...)),  # type: ignore[call-overload]
)
for _shape in (Problem, BatchItem, BatchBrief, Batch, BatchCreated, Batches):
    _shape.model_rebuild()
