"""From the items of a batch's request to its jobs: each alone, so that what is refused does not hold up the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

from synth.errors import SynthError
from synth.options import Options
from web.api.operations import parsed
from web.api.problems import Problem, problem_of
from web.api.representations import job_json
from web.api.schemas.batches import BatchLine
from web.api.semantics.tickets import checked_days, options_of
from web.context import owner, site, viewer
from web.uploads.manifest import Line
from web.uploads.multipart import Upload
from web.uploads.ticket import Ticket
from web.uploads.titles import display_title
from workers.batches import refusals
from workers.batches.refusals import Refusal
from workers.errors import WorkError
from workers.jobs import Job

COLUMNS: Final = tuple(BatchLine.model_fields)
"""What a line of a manifest may say."""
_SOURCES: Final = ("file", "upload", "job")


@dataclass(frozen=True)
class Items:
    """What became of each item: ``name``, ``line`` and ``custom_id`` where it has them, and ``job`` or ``problem``."""

    told: list[dict[str, Any]]

    @property
    def made(self) -> list[dict[str, Any]]:
        """The jobs."""
        return [one["job"] for one in self.told if "job" in one]

    @property
    def refused(self) -> list[Refusal]:
        """The others."""
        return [
            Refusal(
                number,
                one.get("line"),
                one.get("custom_id"),
                one["name"],
                one["problem"]["code"],
                one["problem"]["detail"],
            )
            for number, one in enumerate(self.told)
            if "problem" in one
        ]

    def record(self, batch_id: str) -> None:
        """Write down what was refused. Raises DatabaseError."""
        refusals.write(site().jobs.database, batch_id, owner(), self.refused)


@contextmanager
def _being_made(ticket: Ticket) -> Iterator[None]:
    """While the jobs of a batch are made, the batch has not ended, even if the first of them have."""
    if ticket.batch_id is None:
        yield
        return
    site().jobs.open_batch(ticket.batch_id)
    try:
        yield
    finally:
        site().jobs.close_batch(ticket.batch_id, ticket.owner)


def of_files(files: Sequence[Upload], ticket: Ticket) -> Items:
    """A job of each file, all with the same options."""
    with _being_made(ticket):
        return Items([_item({"name": _name(one)}, _of_file, one, _own(ticket, n)) for n, one in enumerate(files)])


def of_manifest(lines: Sequence[Line], files: Sequence[Upload], ticket: Ticket) -> Items:
    """A job of each line of a manifest, with the ticket's options where the line says nothing else.

    Args:
        files: that came with the request; lines name them.
    """
    by_name: dict[str, Upload] = {}
    for one in files:
        if by_name.setdefault(_last(one.filename), one) is not one:
            raise Problem("bad-request", f"two files of the request are called {_name(one)!r}")
    times = Counter(str(line.values.get("custom_id")) for line in lines if line.values.get("custom_id"))
    told, named = [], Counter(_last(str(line.values.get("file") or "")) for line in lines)
    of_file: dict[tuple[object, ...], Job] = {}
    with _being_made(ticket):
        for number, line in enumerate(lines):
            payload: dict[str, Any] = {"name": _name_of_line(line)}
            if line.number is not None:
                payload["line"] = line.number
            if line.values.get("custom_id"):
                payload["custom_id"] = str(line.values["custom_id"])[:64]
            told.append(_item(payload, _of_line, line, by_name, of_file, times, _own(ticket, number)))
            file = _last(str(line.values.get("file") or ""))
            named[file] -= 1
            if not named[file] and file in by_name:  # nobody else wants it: a large batch is not twice on the disk
                by_name[file].path.unlink(missing_ok=True)
    unnamed = [one for name, one in by_name.items() if name not in named]
    problem = Problem("option", "no line of the manifest names this file").as_json()
    return Items(told + [{"name": _name(one), "problem": problem} for one in unnamed])


def _item(payload: dict[str, Any], make: Any, *given: Any) -> dict[str, Any]:
    try:
        return {**payload, "job": job_json(make(*given), hits=False)}
    except (SynthError, WorkError, Problem) as error:
        return {**payload, "problem": problem_of(error).as_json()}


def _of_file(upload: Upload, ticket: Ticket) -> Job:
    try:
        return site().submitter.submit(upload, ticket)
    finally:
        upload.path.unlink(missing_ok=True)


def _of_line(
    line: Line, files: Mapping[str, Upload], of_file: dict[tuple[object, ...], Job], times: Counter[str], ticket: Ticket
) -> Job:
    if line.fault:
        raise Problem("bad-request", line.fault)
    asked = parsed(BatchLine, line.values)
    if asked.custom_id and times[asked.custom_id] > 1:
        raise Problem("option", f"custom_id is {asked.custom_id!r} on {times[asked.custom_id]} lines; allowed is one")
    named = [name for name in _SOURCES if getattr(asked, name)]
    if len(named) != 1:
        raise Problem(
            "option", f"the line has {' and '.join(named) or 'no clip'}; one of {', '.join(_SOURCES)} names it"
        )
    own = replace(
        ticket,
        options=_options(ticket.options, asked),
        custom_id=asked.custom_id or None,
        keep_days=checked_days("keep_days", asked.keep_days or None) or ticket.keep_days,
    )
    if asked.upload:
        return site().clips.submit(asked.upload, viewer(), own)
    if asked.job:
        return site().submitter.submit_again(site().job(asked.job), own)
    upload = files.get(_last(asked.file))
    if upload is None:
        raise Problem("option", f"file is {display_title(asked.file)!r}, and no file of the request is called so")
    # Several lines may ask for one file, which is stored once; but what else is taken of it is looked at anew.
    same = (_last(asked.file), own.options.salvage, own.options.recut, own.options.existing_sound)
    if same in of_file:
        return site().submitter.submit_again(of_file[same], own)
    of_file[same] = site().submitter.submit(upload, own)
    return of_file[same]


def _options(usual: Options, asked: BatchLine) -> Options:
    """The line's options over those of the request."""
    given = asked.options()
    if not given:
        return usual
    changed = {name: value for name, value in usual.as_dict().items() if value != _DEFAULTS[name]}
    return options_of(parsed(BatchLine, {**changed, **given}))


_DEFAULTS: Final = Options().as_dict()


def _own(ticket: Ticket, number: int) -> Ticket:
    key = ticket.idempotency_key
    return replace(ticket, idempotency_key=key and f"{key}#{number}")


def _name(upload: Upload) -> str:
    return display_title(upload.filename)


def _name_of_line(line: Line) -> str:
    return display_title(str(next((line.values[name] for name in _SOURCES if line.values.get(name)), "")))


def _last(filename: str) -> str:
    """A client's name of a file, without folders."""
    return PurePosixPath(filename.replace("\\", "/")).name
