"""What a job is: its states, its row, its name. No database is spoken to here."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
ID_DIGIT: Final = "[0-9a-hjkmnp-tv-z]"
_TIME_DIGITS, _RANDOM_DIGITS = 10, 16  # 50 bits of milliseconds, 80 that nobody guesses
ID_LENGTH: Final = _TIME_DIGITS + _RANDOM_DIGITS

_NAMING: Final = threading.Lock()
_newest: Final = [0]  # the number of the name that was made last


class State(StrEnum):
    """Where a job stands. The first three are on the way, the last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHING = "finishing"  # sounded; the files are being stored
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"  # its files are deleted after the time that files are kept

    @property
    def final(self) -> bool:
        """Whether nothing more happens to the job by itself."""
        return self not in (State.QUEUED, *HELD)


HELD: Final = (State.RUNNING, State.FINISHING)
"""The states in which a worker holds the job by a lease."""

ROUTE: Final = "route"
"""The ``mode`` of a row that asks which voice suits a clip; its result holds ``route`` and no outputs."""

SEARCH: Final = "search"
"""The ``mode`` of a row that asks what a picture, a sound or a clip looks and sounds like; its result holds ``vectors``
and no outputs."""

SEARCHER: Final = "search"
"""How the names of workers begin that only answer such rows."""

AND_SEARCH: Final = "-and-search"
"""What stands in the names of workers that answer such rows beside their jobs."""

OVERLAY: Final = "overlay"
"""The ``mode`` of a row that asks for a take's heat maps over its video; the file goes to the take's own job."""

MUSIC: Final = "music"
"""The ``mode`` of a job that lays music under a finished take: its source is that take's video, and ``info["music"]``
says ``of`` (the job), ``take``, ``track`` and ``level_lufs``."""

COMPARISON: Final = "comparison"
"""The ``mode`` of a row that asks for what voters compare: ``info`` names the comparison, a take and where files go."""

SCORE: Final = "score"
"""The ``mode`` of a row that renders a score: its source is that of the job whose take is wanted, and ``info["score"]``
says ``of`` (the job), ``take`` (the new one), ``parent`` and ``version``; the take goes to that job."""

SLOW_SCORE: Final = "slow_score"
"""The same of a long clip, which those do who do jobs."""

QUICK: Final = (SEARCH, SCORE)
"""The modes of what somebody waits for: searchers do nothing else."""

QUESTIONS: Final = (ROUTE, SEARCH, OVERLAY, COMPARISON, SCORE, SLOW_SCORE)
"""The modes of rows that are questions: nobody's jobs, taken away with their files once they are answered."""

FINAL: Final = tuple(state for state in State if state.final)


class Cancellation(StrEnum):
    """What became of the wish to cancel."""

    CANCELED = "canceled"  # it waited, and now never runs
    REQUESTED = "cancellation_requested"  # its worker will stop it
    ALREADY_FINISHED = "already_finished"


@dataclass(frozen=True)
class Job:
    """One row: one clip, asked to be sounded once.

    Times are seconds since 1970.

    Attributes:
        id: see :func:`new_id`.
        owner: whose it is; nobody else finds it.
        options: as :meth:`synth.options.Options.as_dict` gives them.
        title: the client's file name, for display and for nothing else.
        source_key: where the clip is stored, perhaps under the name of another job or of an upload.
        info: what the clip is: ``duration_s``, ``width``, ``height``, ``rate_fps`` and so on.
        attempt: how many times it was claimed; the number fences off a worker that lost its lease.
        attempt_limit: the last attempt that is made before the job counts as failed.
        lease_until: when the worker that holds it counts as lost, unless it renews the lease.
        stage: what is being done, such as ``look``, ``write`` or ``store``.
        progress: of the whole job, 0..1.
        error: ``code``, ``detail`` (a sentence), ``retryable``, ``attempt`` of the newest failure.
        result: ``{"outputs": [...]}`` of :meth:`synth.result.Result.as_json` with the storage keys added. A cancelled
            job has one where what was made of it was to be kept.
        queued_at: when it last began to wait: at first, and at each retry that somebody asks for. Like ``not_before``
            and ``lease_until`` by :class:`workers.scheduling_clock.SchedulingClock`, unlike the times that people read.
        not_before: when it may be claimed at the earliest, after a failure that may pass.
        turn: its place in the virtual time of its mode's queue, see :mod:`workers.owners.turns`; the lowest is next.
        keep_until: when its files are deleted, where that was said of this job.
        cancel_at: when it is cancelled unless it has ended by then; by the scheduling clock.
        webhook_id: the endpoint that its sender named for its events.
        request_id: the id of the request that made it, as it stands in the log lines of web and worker.
        traceparent: the span of that request, as W3C Trace Context writes it, where traces are recorded.
    """

    id: str
    owner: str
    batch_id: str | None
    state: State
    mode: str
    options: Mapping[str, Any]
    title: str
    source_key: str
    info: Mapping[str, Any]
    attempt: int
    attempt_limit: int
    lease_until: float | None
    worker: str | None
    stage: str | None
    progress: float
    cancel_requested: bool
    error: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    created_at: float
    queued_at: float
    not_before: float
    started_at: float | None
    finished_at: float | None
    idempotency_key: str | None
    request_hash: str | None
    turn: float = 0.0
    keep_until: float | None = None
    cancel_at: float | None = None
    webhook_id: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    custom_id: str | None = None

    @property
    def source_id(self) -> str | None:
        """The job or the upload that the clip belongs to: often this job itself."""
        return owner_of(self.source_key)

    def attempt_prefix(self) -> str:
        """The storage folder of what this attempt makes."""
        return f"{self.id}/{self.attempt}"


METADATA: Final = sa.MetaData()

JOBS: Final = sa.Table(
    "jobs",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("batch_id", sa.String(32)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("mode", sa.String(32), nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("source_id", sa.String(32)),  # the job or the upload that it belongs to, see workers.uploads.sources
    sa.Column("info", sa.JSON, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("attempt_limit", sa.Integer, nullable=False),
    sa.Column("lease_until", sa.Double),
    sa.Column("worker", sa.String(200)),
    sa.Column("stage", sa.String(32)),
    sa.Column("progress", sa.Double, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("result", sa.JSON(none_as_null=True)),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("queued_at", sa.Double, nullable=False),
    sa.Column("not_before", sa.Double, nullable=False),
    # When it was last seen to: a worker was notified of it, claimed it or renewed its lease.
    sa.Column("rung_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double),
    sa.Column("finished_at", sa.Double),
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("request_hash", sa.String(64)),
    sa.Column("turn", sa.Double, nullable=False, server_default="0"),
    sa.Column("keep_until", sa.Double),
    sa.Column("cancel_at", sa.Double),
    sa.Column("webhook_id", sa.String(32)),
    sa.Column("request_id", sa.String(128)),
    sa.Column("traceparent", sa.String(64)),
    sa.Column("custom_id", sa.String(64)),  # the client's own name for it, once in a batch
    sa.UniqueConstraint("owner", "idempotency_key", name="jobs_idempotency"),
    sa.Index("jobs_waiting", "state", "mode", "turn", "queued_at"),
    sa.Index("jobs_of_owner", "owner", "id"),
    sa.Index("jobs_of_batch", "batch_id"),
    sa.Index("jobs_of_source", "source_id"),
    sa.Index("jobs_by_custom_id", "owner", "batch_id", "custom_id", unique=True),
    sa.Index("jobs_to_cancel", "cancel_at"),
)

IS_HELD: Final = JOBS.c.state.in_([sa.literal_column(f"'{state.value}'") for state in HELD])
"""That a worker holds a job. Words and not parameters: SQLAlchemy would put a list together anew for each statement."""

VECTORS: Final = sa.Table(
    "vectors",
    METADATA,
    # What a job's picture and takes look and sound like, for the search; goes with its job.
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("take", sa.Integer, primary_key=True),  # -1 for the picture, which all takes share
    sa.Column("space", sa.String(32), primary_key=True),
    sa.Column("side", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),  # float16, little endian
    sa.Column("serial", sa.BigInteger, nullable=False, server_default="0"),  # grows with every change: what is new?
    sa.Index("vectors_of_space", "space", "side", "serial"),
    sa.Index("vectors_by_serial", "serial"),
)

WORDS: Final = sa.Table(
    "words",
    METADATA,
    # The words by which a finished job's takes are found; goes with its job.
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("take", sa.Integer, primary_key=True),  # -1 for what all takes share
    sa.Column("word", sa.String(64), primary_key=True),  # lower case
    sa.Column("weight", sa.Double, nullable=False),
    sa.Index("words_by_word", "word"),
)

BOXES: Final = sa.Table(
    "boxes",
    METADATA,
    # Where a person says that a result's sound comes from.
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("time_s", sa.Double, nullable=False),
    sa.Column("visible", sa.Boolean, nullable=False),  # false: what sounds is not in the picture
    sa.Column("left", sa.Double),  # fractions of the picture; null where nothing is visible
    sa.Column("top", sa.Double),
    sa.Column("right", sa.Double),
    sa.Column("bottom", sa.Double),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index("boxes_of_job", "job_id"),
)

OBJECTS: Final = sa.Table(
    "objects",
    METADATA,
    # What was put into the storage, as it was then; `sonorize verify` and every download hold it against what is there.
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("job_id", sa.String(32), nullable=False),  # no foreign key: a file is stored before its job's row
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("stored_at", sa.Double, nullable=False),
    sa.Index("objects_of_job", "job_id"),
)

TOMBSTONES: Final = sa.Table(
    "tombstones",
    METADATA,
    # Deleted jobs whose files are not deleted yet, because the storage was away or the process was killed.
    sa.Column("job_id", sa.String(32), primary_key=True),
    sa.Column("deleted_at", sa.Double, nullable=False),
)

SESSIONS: Final = sa.Table(
    "sessions",
    METADATA,
    # Who is logged in on the pages; the cookie holds the name whose SHA-256 stands here.
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("key_name", sa.String(64), nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
)


def job_of(row: sa.Row[Any], *, also: tuple[str, ...] = ()) -> Job:
    """A row of :data:`JOBS` as a :class:`Job`.

    Args:
        also: columns that the row has besides.
    """
    values = dict(row._mapping)
    for name in ("rung_at", "source_id", *also):
        values.pop(name, None)
    return Job(**{**values, "state": State(values["state"])})


def new_id(now_s: float) -> str:
    """A name for a job: 26 characters that sort by time of making and cannot be guessed.

    Names that one process makes in the same millisecond, one after the other, sort in the order of their making, as the
    monotonic ULIDs of https://github.com/ulid/spec do, but with gaps of up to 64 bits.
    """
    moment_ms = int(now_s * 1000)
    with _NAMING:
        number = _newest[0] + 1 + secrets.randbits(64)
        if number >> 80 != moment_ms:
            number = moment_ms << 80 | secrets.randbits(80)
        _newest[0] = number
    return _id_of(number)


def first_id_at(moment_s: float) -> str:
    """What every name that was made earlier sorts before, and every later one after."""
    return _id_of(max(0, int(moment_s * 1000)) << 80)


def _id_of(number: int) -> str:
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(_TIME_DIGITS + _RANDOM_DIGITS)))


def owner_of(key: str) -> str | None:
    """The job or the upload that a stored file belongs to; ``None`` where its key is none of ours."""
    name, slash, _ = key.partition("/")
    return name if slash and made_at(name) is not None else None


def made_at(job_id: str) -> float | None:
    """When a name was made, in seconds since 1970; ``None`` for what :func:`new_id` did not make."""
    if len(job_id) != _TIME_DIGITS + _RANDOM_DIGITS or set(job_id) - set(_DIGITS):
        return None
    milliseconds = 0
    for digit in job_id[:_TIME_DIGITS]:
        milliseconds = milliseconds << 5 | _DIGITS.index(digit)
    return milliseconds / 1000


def moment(stamp_s: float | datetime | None) -> str | None:
    """A moment as RFC 3339 text in UTC."""
    if stamp_s is None:
        return None
    when = stamp_s if isinstance(stamp_s, datetime) else datetime.fromtimestamp(stamp_s, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
