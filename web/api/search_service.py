"""Finding among the jobs that a caller may see: by words, like another job, or like what a worker made of a file.

Words are matched in the database (:mod:`workers.search.text_search`). Vectors are compared by their cosine in one of
the embedding spaces (:mod:`workers.search.vector_cache`); of a job the best match counts. Where a query has picture and
sound, each counts half.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from flask import current_app
from numpy.typing import NDArray

from synth.description.description import SPACES, Side
from synth.errors import OptionError
from synth.options import MAX_TAKES
from web.api.problems import Problem
from web.api.representations import outputs
from web.api.semantics.numbers import whole_number
from web.context import site, viewer
from workers.jobs import Job
from workers.search import text_search, vectors
from workers.search.vector_cache import Neighbour, VectorCache

MAX_LIMIT: Final = 100
DEFAULT_LIMIT: Final = 24
MAX_WORDS: Final = 200  # letters of a query
NEAR: Final = {"crossmodal": 0.5, "ave": 0.85}
"""Cosine from which on something is near, by space: nine of ten pairs of sounds of different classes lie below (30
recordings of ten classes in ESC-10: 0.48 and 0.85), the middle pair of one class above (0.63 and 0.93).
"""
FARTHER: Final = 4
"""So many are told as the nearest there are where nothing is near."""
ANY: Final = "any"
_VECTOR_CACHE: Final = "sonorize.vector_cache"

QueryVectors = Mapping[Side, NDArray[np.float32]]
"""What a query looks or sounds like, in one space."""


@dataclass(frozen=True)
class SearchRequest:
    """How somebody wants to search.

    Attributes:
        by: what of the query counts; ``None`` for all that it has.
        find: what is compared with it; ``None`` for whichever fits better.
        space: key of :data:`synth.description.description.SPACES`.
        limit: of results.
        least: cosine from which on a result is near.
    """

    by: Side | None = None
    find: Side | None = None
    space: str = "crossmodal"
    limit: int = DEFAULT_LIMIT
    least: float = NEAR["crossmodal"]

    @classmethod
    def parse(cls, raw: Mapping[str, str]) -> SearchRequest:
        """From the fields of a request; what is left out or empty is as above.

        Raises:
            OptionError: a field is not allowed.
        """
        sides = [side.value for side in Side]
        by, find = _one_of(raw, "by", [ANY, *sides]), _one_of(raw, "find", [ANY, *sides])
        limit = whole_number(raw.get("limit") or str(DEFAULT_LIMIT))
        if limit is None or not 1 <= limit <= MAX_LIMIT:
            raise OptionError(f"limit is {raw['limit'][:20]!r}; allowed is 1 to {MAX_LIMIT}")
        space = _one_of(raw, "space", sorted(SPACES, key=lambda name: name != cls.space))  # the first is the default
        return cls(
            None if by == ANY else Side(by),
            None if find == ANY else Side(find),
            space,
            limit,
            _cosine(raw.get("least"), NEAR[space]),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"by": self.by or ANY, "find": self.find or ANY, "space": self.space, "least": self.least}


@dataclass(frozen=True)
class Found:
    """One result.

    Attributes:
        take: the one that matched; of a picture, the first.
        score: cosine, or of words 0..1.
        matched: ``sound``, ``picture`` or ``words``.
        found_by: the words of the query that found it, where it was words.
    """

    job: Job
    take: int
    score: float
    matched: str
    found_by: tuple[str, ...] = ()


def by_words(text: str, limit: int) -> list[Found]:
    """Jobs that words find, the best first.

    Raises:
        OptionError: the query is too long.
    """
    if len(text) > MAX_WORDS:
        raise OptionError(f"the words are {len(text)} letters long; allowed are {MAX_WORDS}")
    jobs = site().jobs
    hits = text_search.find(jobs.database, text, viewer(), limit)
    known = jobs.ids([hit.job_id for hit in hits])
    return [
        Found(known[hit.job_id], hit.take, hit.score, "words", hit.found_by)
        for hit in hits
        if hit.job_id in known and _has(known[hit.job_id], hit.take)
    ]


def vectors_of_job(job: Job, take: int, search_query: SearchRequest) -> QueryVectors:
    """What a job looks and one of its takes sounds like.

    Raises:
        Problem: ``not-found``, where that is not known of the job.
    """
    kept = vectors.of_job(site().jobs, job.id)
    there = {vector.side: vector.values for vector in kept.get(take, ()) if vector.space == search_query.space}
    pictures = kept.get(vectors.PICTURE_TAKE, ())
    there |= {vector.side: vector.values for vector in pictures if vector.space == search_query.space}
    chosen = {side: values for side, values in there.items() if search_query.by in (None, side)}
    if not chosen:
        what = search_query.by or "picture and sound"
        raise Problem("not-found", f"the {what} of this job is not in the index of space {search_query.space!r}")
    return chosen


def vectors_of_answer(answer: Mapping[str, Any], search_query: SearchRequest) -> QueryVectors:
    """What a worker made of a file.

    Raises:
        Problem: ``unavailable``, where it has nothing of the space.
    """
    told = [vector for vector in answer["vectors"] if vector["space"] == search_query.space]
    if not told:
        raise Problem("unavailable", f"this server has no weights for the space {search_query.space!r}")
    return {Side(vector["side"]): np.array(vector["values"], np.float32) for vector in told}


def like(query_vectors: QueryVectors, search_query: SearchRequest, without: Sequence[str] = ()) -> list[Found]:
    """The jobs nearest to a query, the nearest first; the best match of each counts.

    Args:
        without: jobs that are left out: the one that is asked with.
    """
    query = sum(query_vectors.values(), np.zeros(SPACES[search_query.space], np.float32))
    query /= max(float(np.linalg.norm(query)), 1e-6)
    wanted = 2 * search_query.limit + MAX_TAKES
    while True:
        near: list[Neighbour] = []
        for side in Side if search_query.find is None else (search_query.find,):
            near += vector_cache().nearest(query, search_query.space, side, viewer(), wanted, without)
        found = _best_of_each(near, search_query.limit)
        if len(found) == search_query.limit or len(near) < wanted:
            return found
        wanted *= 4  # many takes of few jobs


def vector_cache() -> VectorCache:
    """The index of this server."""
    return cast(VectorCache, current_app.extensions.setdefault(_VECTOR_CACHE, VectorCache(site().jobs)))


def told(found: Found) -> dict[str, Any]:
    """A result as the API gives it."""
    job, take = found.job, found.take
    output = next(entry for entry in outputs(job) if entry["take"] == take)
    base = f"/v1/jobs/{job.id}"
    return {
        "job": job.id,
        "take": take,
        "score": round(found.score, 4),
        "matched": found.matched,
        "words": list(found.found_by),
        "title": job.title,
        "mode": output["mode"],
        "duration_s": output["duration_s"],
        "sound_class": (output.get("sound_class") or {}).get("name"),
        "tags": list((output.get("description") or {}).get("tags") or ()),
        "links": {
            "job": base,
            "page": f"/jobs/{job.id}?take={take}",
            **{kind: f"{base}/outputs/{take}/{kind}" for kind in ("video", "sound", "thumbnail")},
        },
    }


def _best_of_each(near: Iterable[Neighbour], limit: int) -> list[Found]:
    """Of each job the nearest item, as far as the job still has it."""
    best: dict[str, Neighbour] = {}
    for one in sorted(near, key=lambda one: -one.score):
        best.setdefault(one.item.job_id, one)
    known = site().jobs.ids(list(best)[: 2 * limit])
    found = []
    for job_id, one in best.items():
        job, take = known.get(job_id), max(0, one.item.take)
        if job is not None and job.attempt == one.item.attempt and _has(job, take):
            found.append(Found(job, take, one.score, one.side.value))
    return found[:limit]


def _has(job: Job, take: int) -> bool:
    """Whether a job can be shown with that take, to this caller."""
    return viewer() in (None, job.owner) and any(output["take"] == take for output in outputs(job))


def _cosine(text: str | None, usual: float) -> float:
    if not text:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -1.0 <= value <= 1.0:
        raise OptionError(f"least is {text[:20]!r}; allowed is -1 to 1")
    return value


def _one_of(raw: Mapping[str, str], name: str, allowed: list[str]) -> str:
    value = raw.get(name) or allowed[0]
    if value not in allowed:
        raise OptionError(f"{name} is {value[:40]!r}; allowed are {', '.join(allowed)}")
    return value
