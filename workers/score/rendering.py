"""What a worker does for a take that is asked for of a score: fetch what is kept of the take before, render, store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from synth.errors import OptionError
from synth.media.remuxing import Verified
from synth.result import Output
from synth.score.heard_ranges import RangeContents
from synth.score.recipe import Recipe
from synth.score.rendering import Before, render_score, reused_parts
from synth.score.score import LAYER_STEM, Score, parse
from synth.voices.ambient.layers import Layer
from synth.voices.base import Hit
from workers.attempt import Attempt
from workers.errors import NotFound
from workers.files.result_upload import entry_of, patiently, put_take
from workers.files.storage import Storage
from workers.jobs import Job, Jobs
from workers.score.drafts import Drafts
from workers.score.stored import score_of, stems_of

GONE = "the take that this score belongs to is not there any more"


def render(jobs: Jobs, storage: Storage, attempt: Attempt, folder: Path) -> dict[str, Any]:
    """Render and store a take; its entry in the job's result.

    Args:
        folder: where the clip lies as ``source``.

    Raises:
        OptionError: the take or the score is gone, or asks for a sound that is not there.
        MediaError: the result cannot be written.
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    asked = attempt.job.info["score"]
    job = _job(jobs, str(asked["of"]))
    parent = _take(job, int(asked["parent"]))
    attempt.progress("fetch", 0.5)
    own = patiently(attempt, lambda: score_of(storage, job, parent))
    score = own if not asked["version"] else _draft(jobs, job, asked, own)
    before = _before(storage, attempt, job, parent, own, folder, score)
    made = folder / "made"
    made.mkdir()
    target = folder / f"take.{str(parent['key']).rpartition('.')[2]}"
    output = render_score(
        folder / "source",
        target,
        before,
        score,
        folder=made,
        progress=attempt.progress,
        cancelled=attempt.stop,
    )
    attempt.progress("store", 0.0)
    return _stored(storage, attempt, job, parent, replace(output, take=int(asked["take"])), before)


def _job(jobs: Jobs, job_id: str) -> Job:
    try:
        return jobs.get(job_id, None)
    except NotFound as error:
        raise OptionError(GONE) from error


def _take(job: Job, number: int) -> Mapping[str, Any]:
    for entry in (job.result or {}).get("outputs", ()):
        if entry["take"] == number:
            return dict(entry)
    raise OptionError(GONE)


def _draft(jobs: Jobs, job: Job, asked: Mapping[str, Any], own: Score) -> Score:
    try:
        draft = Drafts(jobs).get(job.id, int(asked["parent"]), int(asked["version"]))
    except NotFound as error:
        raise OptionError("the version of the score that was to be rendered is not kept any more") from error
    return parse(draft.score, duration_s=float(job.info["duration_s"]), parts=stems_of(own))


def _before(
    storage: Storage,
    attempt: Attempt,
    job: Job,
    parent: Mapping[str, Any],
    own: Score,
    folder: Path,
    score: Score,
) -> Before:
    """The take before, as far as it is needed: parts that changed, or are not heard, stay in the storage."""

    def fetched(key: str, name: str) -> Path:
        patiently(attempt, lambda: storage.fetch(key, folder / name))
        return folder / name

    recipe = Recipe.load(fetched(str((job.result or {})["recipe_key"]), "recipe.npz"))
    options = replace(recipe.options, seed=int(parent["seed"]), takes=1)
    told = [_layer(one) for one in parent.get("layers", ())]
    heard = [layer for layer in own.layers if own.is_heard(LAYER_STEM + layer.id)]
    before = Before(
        recipe,
        options,
        own,
        {},
        {layer.id: one for layer, one in zip(heard, told, strict=False)},
        tuple(parent["provenance"].get("edited", ())),
        Verified.from_json(parent["verified"]) if parent.get("verified") else None,
        fetched(str(parent["drawings_key"]), "before.drawings.zip") if parent.get("drawings_key") else None,
        _in_ranges(job, parent) if recipe.ranges else RangeContents(),
    )
    wanted = set(reused_parts(before, score))
    parts = {
        str(one["name"]): fetched(str(one["key"]), f"before.{one['name']}.wav")
        for one in parent.get("stems", ())
        if one["name"] in wanted and score.is_heard(str(one["name"]))
    }
    return replace(before, parts=parts)


def _in_ranges(job: Job, parent: Mapping[str, Any]) -> RangeContents:
    """What the ranges of a take are made of: only the take that nobody touched tells of all, and has the same seed."""
    made: Sequence[Mapping[str, Any]] = (job.result or {}).get("outputs", ())
    untouched = [one for one in made if one.get("parent") is None and one["seed"] == parent["seed"]]
    first = untouched[0] if untouched else parent
    hits = tuple(Hit(**one) for one in first.get("hits", ()))
    return RangeContents(hits, tuple(_layer(one) for one in first.get("layers", ())))


def _layer(told: Mapping[str, Any]) -> Layer:
    return Layer(**told)


def _stored(
    storage: Storage, attempt: Attempt, job: Job, parent: Mapping[str, Any], output: Output, before: Before
) -> dict[str, Any]:
    """Put the files of a take beside those of its job; its entry."""
    asked = attempt.job.info["score"]
    prefix = f"{job.attempt_prefix()}/r{attempt.job.id}-{attempt.job.attempt}"
    entry = {
        **entry_of(output, job.title),
        **put_take(storage, attempt, output, prefix),
        "parent": int(asked["parent"]),
        "score": {"take": int(asked["parent"]), "version": int(asked["version"])},
    }
    assert output.kept is not None
    kept = set(reused_parts(before, output.kept.score))
    new = {one["name"] for one in entry["stems"]}
    # A part that has not changed is the file of the take before, whoever made it.
    entry["stems"] += [one for one in parent.get("stems", ()) if one["name"] in kept and one["name"] not in new]
    return entry
