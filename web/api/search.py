"""The search: an address of the API and a page. Words and jobs need no worker; a file is looked at by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from synth.description.description import Side
from synth.errors import MediaError, OptionError
from web.api import search_service
from web.api.jobs import reply, without_token
from web.api.operations import UPLOADING, Operation, describes, parsed
from web.api.problems import Problem, problem_of
from web.api.representations import outputs
from web.api.schemas.search import Search, SearchQuery, SearchUpload
from web.api.search_service import Found, SearchRequest
from web.api.semantics.numbers import whole_number
from web.context import owner, site, viewer
from web.security import csrf
from web.security.scopes import needs
from web.uploads.multipart import Bounds, Form, read_form
from workers.owners.keys import Scope
from workers.search import text_search

blueprint = Blueprint("search", __name__)

MAX_FILE_BYTES: Final = 64 * 1024**2
_ROUND_ABOUT: Final = 1024**2
_AGAIN_S: Final = "5"


@dataclass(frozen=True)
class Answer:
    """What was searched with, and what was found.

    Attributes:
        farther: the nearest there are, where nothing is near; pages show them as that.
    """

    query: Mapping[str, Any]
    found: list[Found]
    farther: list[Found] = field(default_factory=list)

    @classmethod
    def of_near(cls, told: Mapping[str, Any], found: list[Found], least: float) -> Answer:
        """Of results, the nearest first, those that are near; where none is, the first few as what there is."""
        near = [one for one in found if one.score >= least]
        return cls(told, near, [] if near else found[: search_service.FARTHER])

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"query": dict(self.query), "results": [search_service.told(one) for one in self.found]}


@blueprint.get("/v1/search")
@describes(
    Operation(
        "search",
        "Find results by words, or like another job's picture or sound",
        {200: Search},
        ("bad-request", "not-found", "option"),
        query=SearchQuery,
        scope=Scope.READ,
    )
)
def find(query: SearchQuery) -> Response:
    """Search by words, or like a job."""
    return reply(_answer(query.fields()).as_json())


@blueprint.post("/v1/search")
@describes(
    Operation(
        "searchLikeFile",
        "Find results that look or sound like a picture, a sound or a clip",
        {200: Search},
        (*UPLOADING,),
        form=SearchUpload,
        accept=("video/mp4", "image/jpeg", "image/png", "image/webp", "audio/wav", "audio/mpeg", "audio/flac"),
        scope=Scope.READ,
    )
)
def find_like_file() -> Response:
    """Search like a picture, a sound or a clip."""
    submitter = site().submitter
    with submitter.spool.request() as folder:
        form = _receive(folder)
        if not form.uploads:
            raise Problem("bad-request", "there is no file in the request; send it as the field `file`")
        form.fields = parsed(SearchUpload, without_token(form.fields)).fields()
        return reply(_answer_file(form).as_json())


@blueprint.get("/search")
def page() -> str:
    """The search page."""
    asked = {name: value for name, value in request.args.items() if value}
    if not asked.get("q", "").strip() and "job" not in asked:
        return _page(asked)
    return _page(asked, _answer(asked))


@blueprint.post("/search")
@needs(Scope.READ)
def page_of_file() -> tuple[str, int]:
    """The search page, with what is like a file; where that is refused, the form comes again and says why."""
    with site().submitter.spool.request() as folder:
        form = _receive(folder, csrf.check_form)
        csrf.check_form(form.fields)
        fields = {name: value for name, value in form.fields.items() if name != csrf.FIELD}
        if not form.uploads or not form.uploads[0].bytes_:
            return (_page(fields, _answer(fields)) if fields.get("q", "").strip() else _page(fields)), 200
        try:
            return _page(fields, _answer_file(form)), 200
        except (MediaError, OptionError, Problem) as error:
            problem = problem_of(error)
            return _page(fields, problem=problem), problem.kind.status


def _answer(asked: Mapping[str, str]) -> Answer:
    """Search as a query asks for it.

    Raises:
        Problem, OptionError: it asks for nothing, for both, or for what is not allowed.
        NotFound: the job is not the caller's.
    """
    text, job_id, wanted = asked.get("q", "").strip(), asked.get("job", ""), SearchRequest.parse(asked)
    if bool(text) == bool(job_id):
        raise Problem("bad-request", "search with q=WORDS or with job=ID, and not with both; a file is sent by POST")
    if text:
        found = search_service.by_words(text, wanted.limit)
        meant = None if found else text_search.suggest(site().jobs.database, text, viewer())
        return Answer({"kind": "words", "words": text, "limit": wanted.limit, "did_you_mean": meant}, found)
    job = site().job(job_id)
    there = [output["take"] for output in outputs(job)]
    take = whole_number(asked.get("take") or str(there[0] if there else 0))
    if take is None or take not in there:
        raise OptionError(
            f"take is {asked.get('take', '0')[:20]!r}; the job has {', '.join(map(str, there)) or 'none'}"
        )
    found = search_service.like(search_service.vectors_of_job(job, take, wanted), wanted, without=[job.id])
    told = {
        "kind": "job",
        "job": job.id,
        "take": take,
        "title": job.title,
        **wanted.as_json(),
        "limit": wanted.limit,
    }
    return Answer.of_near(told, found, wanted.least)


def _answer_file(form: Form) -> Answer:
    """Search like the file of a form.

    Raises:
        Problem: no worker looked at it in time.
        MediaError, OptionError: it or a field is refused.
    """
    wanted = SearchRequest.parse(form.fields)
    upload = form.uploads[0]
    seen = site().submitter.looks_and_sounds(upload, wanted.by.value if wanted.by else None, owner())
    if seen is None:
        raise Problem("unavailable", "no worker was free to look at the file in time", {"Retry-After": _AGAIN_S})
    found = search_service.like(search_service.vectors_of_answer(seen, wanted), wanted)
    told = {"kind": seen["kind"], "title": upload.filename[:120], **wanted.as_json(), "limit": wanted.limit}
    return Answer.of_near(told, found, wanted.least)


def _receive(folder: Any, before_file: Any = lambda fields: None) -> Form:
    """Read the body of this request into the spool.

    Raises:
        Problem: it is of another kind, too large, broken, or there is no room.
    """
    announced = request.content_length or 0
    if announced > MAX_FILE_BYTES + _ROUND_ABOUT:
        raise Problem("too-large", f"the file has {announced} bytes; to search with, allowed are {MAX_FILE_BYTES}")
    site().submitter.spool.make_room(announced)
    content_type = request.headers.get("Content-Type", "")
    return read_form(request.stream, content_type, folder, Bounds(MAX_FILE_BYTES, 1), before_file)


def _page(asked: Mapping[str, str], answer: Answer | None = None, problem: Problem | None = None) -> str:
    return render_template(
        "search.html",
        asked=asked,
        answer=answer,
        problem=problem,
        sides=[side.value for side in Side],
        max_bytes=MAX_FILE_BYTES,
    )
