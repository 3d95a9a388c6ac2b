"""Real or generated, by the API: permissions of owners, pairs, votes, figures."""

from __future__ import annotations

import io
import time
from typing import Any, Final

from flask import Blueprint, Response

from synth.metrics.hits import wilson_interval
from synth.options import ExistingSound, Mode, Options
from web.api import media
from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.problems import Problem
from web.api.representations import outputs
from web.api.schemas import comparisons as shapes
from web.api.schemas.files import Download
from web.comparisons import pairs
from web.context import owner, site
from workers.comparisons.store import CHECKS, Comparison, Figure
from workers.jobs import Job, State, new_id
from workers.owners.keys import Scope
from workers.records import COMPARISON

blueprint = Blueprint("comparisons_api", __name__, url_prefix="/v1")

CHANCE: Final = 0.5
_VOICES: Final = frozenset(mode.value for mode in (Mode.HITS, Mode.AMBIENT, Mode.SPEECH))


@blueprint.get("/jobs/<job_id>/comparison")
@describes(
    Operation(
        "readComparison",
        "Whether people may compare its sound with the clip's own",
        {200: shapes.Permission},
        ("not-found",),
        scope=Scope.READ,
    )
)
def read(job_id: str) -> Response:
    """Whether a job may be compared."""
    return reply(permission(site().job(job_id)))


@blueprint.put("/jobs/<job_id>/comparison")
@describes(
    Operation(
        "allowComparison",
        "Let people compare its sound with the clip's own, or no longer; by default they may not",
        {200: shapes.Permission},
        (*BODY, "not-found", "conflict", "queue-full"),
        body=shapes.Allow,
        scope=Scope.WRITE,
    )
)
def allow(job_id: str, body: shapes.Allow) -> Response:
    """Allow it, or no longer."""
    job = site().job(job_id)
    set_permission(job, allowed=body.allowed)
    return reply(permission(job))


@blueprint.get("/comparisons")
@describes(
    Operation("readRates", "How often generated sounds were taken for real ones", {200: shapes.Rates}, scope=Scope.READ)
)
def rates() -> Response:
    """The figures."""
    return reply(all_rates())


@blueprint.get("/comparisons/next")
@describes(
    Operation("nextPair", "Two clips, one with its real sound, to vote on", {200: shapes.NextPair}, scope=Scope.READ)
)
def next_pair() -> Response:
    """A pair that the caller has not voted on."""
    found = pairs.next_pair()
    return reply({"pair": None if found is None else pair_json(found)}, headers={"Cache-Control": "no-store"})


@blueprint.get("/comparisons/<pair>/<side>")
@describes(
    Operation(
        "readSide",
        "One of the two clips",
        {200: media.MEDIA_TYPES, 206: media.MEDIA_TYPES, 302: None, 304: None},
        ("not-found", "range", "damaged"),
        query=Download,
        headers=("Range", "If-None-Match"),
        scope=Scope.READ,
    )
)
def side(pair: str, side: str, query: Download) -> Response:
    """One of the two, under a name that tells nothing."""
    if side not in pairs.SIDES:
        raise Problem("not-found", f"the sides of a pair are {' and '.join(pairs.SIDES)}")
    key = pairs.pair_of(pair).key(side)
    return media.send(media.Item(key, f"{side}.{key.rpartition('.')[2]}"))


@blueprint.post("/comparisons/votes")
@describes(
    Operation(
        "vote",
        "Say which of two clips has its real sound; once a pair",
        {201: shapes.Voted},
        (*BODY, "not-found", "conflict"),
        body=shapes.Vote,
        scope=Scope.WRITE,
    )
)
def vote(body: shapes.Vote) -> Response:
    """Take a vote."""
    return reply(cast_vote(body.pair, body.real), 201)


def permission(job: Job) -> dict[str, Any]:
    """What a job's owner allowed, and what became of it."""
    found = pairs.store().of_job(job.id)
    return {"allowed": found is not None, "status": _status(found), "problem": found.problem if found else None}


def why_not(job: Job) -> str | None:
    """Why a job cannot be compared with the clip's own sound; nothing where it can."""
    if job.state is not State.SUCCEEDED or not outputs(job):
        return "only a finished job can be compared with the clip's own sound"
    if not job.info.get("audio_codec"):
        return "the clip came without sound, so there is nothing to compare with"
    if job.mode not in {*_VOICES, Mode.AUTO.value}:
        return "only a sound that was made for the picture can be compared with the clip's own"
    if job.options.get("existing_sound", ExistingSound.REPLACE) != ExistingSound.REPLACE:
        return "the clip's own sound is in the result, so that there is nothing to tell apart"
    return None


def set_permission(job: Job, *, allowed: bool) -> None:
    """Keep the owner's word, and ask a worker for what is to be put side by side.

    Raises:
        Problem: ``conflict``; the job cannot be compared.
        WorkError: the queue is full, or a part of the server is away.
    """
    if not allowed:
        withdrawn = pairs.store().withdraw(job.id)
        for key in ((withdrawn.keys if withdrawn else None) or {}).values():
            site().storage.delete(key)
        return
    if reason := why_not(job):
        raise Problem("conflict", reason)
    take = outputs(job)[0]
    release = str(take["provenance"].get("versions", {}).get("sonorize") or "unknown")
    made = pairs.store().allow(job.id, str(take["mode"]), release)
    if made.keys is not None:
        return
    # The row has a source of its own, of no use to anybody: what is some row's source stays when its job is deleted.
    question_id = new_id(time.time())
    source_key = f"{question_id}/source"
    site().storage.put(source_key, io.BytesIO(b"-"), "text/plain")
    keys = {"clip_key": job.source_key, "take_key": take["key"], "prefix": job.attempt_prefix()}
    asked = site().jobs.create(
        id=question_id,
        options=Options(),
        title="",
        source_key=source_key,
        info={"comparison": made.id, **keys},
        owner=owner(),
        idempotency_key=f"{COMPARISON} {made.id}",
        request_hash=job.id,
        mode=COMPARISON,
    )
    if asked.id != question_id:  # it is being prepared already
        site().storage.delete(source_key)
    site().submitter.notify(COMPARISON)


def pair_json(pair: pairs.Pair) -> dict[str, Any]:
    """What a voter gets to see."""
    base = f"/v1/comparisons/{pair.token}"
    links = {side: f"{base}/{side}" for side in pairs.SIDES}
    return {"pair": pair.token, "mode": pair.comparison.mode, "links": links}


def cast_vote(token: str, real: str) -> dict[str, Any]:
    """Take a vote, and say what it was.

    Raises:
        Problem, NotFound: there is no such pair, or it was shown to another voter.
        Conflict: this voter voted on it already, or as many from their address as may.
    """
    pair = pairs.pair_of(token)
    if pair.voter != pairs.voter():  # nobody votes in somebody else's name, whose pair they came to see
        raise Problem("not-found", "there is no such pair")
    right = real == pair.real_side
    place = pairs.place_of(pair.comparison.id)
    pairs.store().vote(pair.comparison, pair.voter, pair.against, right=right, place=place)
    return {"right": right, "real": pair.real_side, "check": pair.against in CHECKS}


def all_rates() -> dict[str, Any]:
    """What all votes say."""
    store = pairs.store()
    return {"chance": CHANCE, "rates": [_rate(one) for one in store.figures()], "left_out": store.left_out()}


def _rate(figure: Figure) -> dict[str, Any]:
    interval = wilson_interval(figure.fooled, figure.votes)
    assert interval is not None  # there is no figure without a vote
    return {
        "mode": figure.mode,
        "release": figure.release,
        "votes": figure.votes,
        "fooled": figure.fooled,
        "rate": figure.fooled / figure.votes,
        "interval": {"low": interval.low, "high": interval.high},
    }


def _status(found: Comparison | None) -> str:
    if found is None:
        return "not_allowed"
    if found.problem is not None:
        return "failed"
    return "preparing" if found.keys is None else "ready"
